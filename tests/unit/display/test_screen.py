"""The live screen: what stands on a terminal of so many columns in the end, and meanwhile."""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Iterator
from functools import partial
from typing import Any

import pyte
import pytest
from desk import eventually
from roadie import console
from roadie.display import choose
from roadie.display.display import Display, Verdict
from roadie.display.screen import Screen
from roadie.errors import StageFailed
from roadie.events import Event
from roadie.run.counted import Counted
from roadie.scripts.stages import DEPLOY, PROVISION


class Terminal(io.TextIOWrapper):
    """A terminal that keeps what is written to it."""

    def __init__(self, encoding: str = "utf-8") -> None:
        self.bytes = io.BytesIO()
        super().__init__(self.bytes, encoding=encoding, write_through=True)

    def isatty(self) -> bool:
        return True

    def shown(self, columns: int) -> list[str]:
        """Return the lines that a person sees in the end, with N for seconds."""
        screen = pyte.Screen(columns, 60)
        screen.set_mode(pyte.modes.LNM)
        pyte.ByteStream(screen).feed(self.bytes.getvalue())
        return [re.sub(r"\d+\.\d s\b", "N s", line.rstrip()) for line in screen.display if line.strip()]


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Gives the process a terminal of so many columns, with this encoding."""
    for name in ("NO_COLOR", "FORCE_COLOR", "LC_ALL", "LC_CTYPE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", "C.UTF-8")
    monkeypatch.setenv("TERM", "xterm-256color")

    def given(columns: int = 80, encoding: str = "utf-8") -> Terminal:
        monkeypatch.setenv("COLUMNS", str(columns))
        made = Terminal(encoding)
        monkeypatch.setattr(sys, "stdout", made)
        return made

    yield given


def bootstrap(screen: Display, host: str = "web1") -> None:
    screen.expect(host, PROVISION)
    for event in (
        Event("fact", "", "host", "Debian 13, 2 cores, 2 GB"),
        Event("stage", "packages", "packages", "Install."),
        Event("doing", "packages", "package nginx", "whole 7"),
        Event("changed", "packages", "package nginx"),
        Event("changed", "packages", "package git"),
        Event("stage", "site", "site", "Make."),
        Event("ok", "site", "user shop"),
        Event("stage", "nginx", "nginx", "Serve."),
        Event("kept", "nginx", "/etc/nginx/a", "/var/backups/roadie/a"),
        Event("changed", "nginx", "file /etc/nginx/a"),
        Event("warn", "nginx", "names that no site has", "another file answers"),
    ):
        screen.take(host, event)


@pytest.mark.parametrize("columns", [60, 200])
def test_a_bootstrap_leaves_a_line_for_each_step_that_changed_something(terminal: Any, columns: int) -> None:
    shown, screen = terminal(columns), Screen()
    screen.begin("bootstrap", "shop", ["root@web1"])
    bootstrap(screen)
    screen.verdict(Verdict("web1", 3, "changed", 2.0, title="Ready", following="fab deploy"))
    screen.end()
    lines = shown.shown(columns)
    assert lines[0] == "shop → root@web1 (Debian 13, 2 cores, 2 GB)"
    assert lines[1].split() == ["✓", "packages", "2", "packages", "N", "s"]
    assert lines[2].split() == ["!", "nginx", "file", "/etc/nginx/a", "N", "s"]
    assert lines[3].strip() == "kept: /etc/nginx/a as /var/backups/roadie/a"
    assert lines[4].strip() == "names that no site has: another file answers"
    assert lines[5] == "Ready in N s: 3 changes (-v lists them)"
    assert lines[6:] == ["Next: fab deploy"]


def test_verbose_lists_each_change_under_its_step(terminal: Any) -> None:
    shown, screen = terminal(), Screen(is_verbose=True)
    screen.begin("bootstrap", "shop", ["root@web1"])
    bootstrap(screen)
    screen.end()
    screen.expect("web1", ())
    assert "changed package git" in "\n".join(shown.shown(80))


def test_each_of_several_hosts_has_its_name_before_its_lines(terminal: Any) -> None:
    shown, screen = terminal(100), Screen()
    screen.begin("bootstrap", "shop", ["web1", "root@web2", "long-name"])
    for host in ("web1", "web2", "long-name"):
        bootstrap(screen, host)
        screen.verdict(Verdict(host, 3, "changed", 2.0))
    screen.end()
    lines = shown.shown(100)
    assert lines[0] == "shop → web1, root@web2, long-name"
    assert lines[1].startswith("✓ web1       packages     2 packages")
    assert [line for line in lines if line.startswith("long-name  Done in N s: 3 changes")]


def test_stages_of_one_step_share_a_line(terminal: Any) -> None:
    shown, screen = terminal(), Screen()
    screen.begin("deploy", "shop", ["web1"])
    screen.expect("web1", DEPLOY)
    for event in (
        Event("stage", "receive", "receive"),
        Event("changed", "receive", "code 1234"),
        Event("stage", "virtualenv", "virtualenv"),
        Event("ok", "virtualenv", "virtualenv ab12"),
        Event("stage", "static", "static"),
        Event("changed", "static", "static files of 2026"),
        Event("stage", "gate", "gate"),
        Event("ok", "gate", "release 2026", "/ 200"),
        Event("stage", "switch", "switch"),
        Event("changed", "switch", "live", "release 20261129T091211Z-98ae3c76 in slot blue"),
        Event("stage", "watch", "watch"),
        Event("ok", "watch", "release 2026", "watched 5.0 s"),
    ):
        screen.take("web1", event)
    screen.verdict(
        Verdict("web1", 3, "changed", 2.0, headline='http://x/ serves ab "drop"', undo="fab rollback")
    )
    screen.end()
    lines = [" ".join(line.split()) for line in shown.shown(80)]
    assert lines == [
        "shop → web1",
        "✓ build code, static files N s",
        "✓ check / 200 N s",
        "✓ switch 98ae3c76 serves, watched N s N s",
        'http://x/ serves ab "drop" · N s · undo: fab rollback',
    ]


def test_a_failure_shows_its_step_and_the_last_words(
    terminal: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    shown, screen = terminal(60), Screen()
    screen.begin("deploy", "shop", ["web1"])
    screen.expect("web1", DEPLOY)
    screen.take("web1", Event("stage", "gate", "gate"))
    screen.take(
        "web1", Event("failed", "gate", "release 2026", "/ answered 500: division by zero " + 9 * "long ")
    )
    screen.fail("web1", StageFailed("web1, gate: no"), [f"line {n}" for n in range(40)], is_last=True)
    screen.end()
    line = shown.shown(60)[1]
    assert line.startswith("✗ check        / answered 500: division by") and "… " in line
    assert len(line) < 60
    told = capsys.readouterr().err.splitlines()
    assert told[-2] == "    line 39"
    assert told[-1] == "    all its last lines: in the newest log of /var/log/roadie on web1"


def test_meanwhile_a_person_sees_what_goes_on(terminal: Any) -> None:
    shown, screen = terminal(), Screen()
    screen.begin("bootstrap", "shop", ["web1"])
    assert "connecting to web1" in "\n".join(shown.shown(80))
    screen.expect("web1", PROVISION)
    screen.take("web1", Event("stage", "packages", "packages"))
    screen.take("web1", Event("doing", "packages", "package nginx", "whole 7"))
    screen.hear("web1", "Setting up \x1b]0;libperl5.40")
    with screen.aside():
        assert "installs" not in "\n".join(shown.shown(80))
    told = "installs nginx · Setting up \\x1b]0;libperl5.40"
    assert eventually(lambda: told in "\n".join(shown.shown(80)))
    screen.end()
    assert "installs" not in "\n".join(shown.shown(80))
    last = shown.bytes.getvalue()
    assert last.rindex(b"\x1b[?25h") > last.rindex(b"\x1b[?25l"), "the cursor is not back"


def test_what_is_said_before_the_first_stage_is_shown_too(terminal: Any) -> None:
    shown, screen = terminal(), Screen()
    screen.begin("deploy", "shop", ["web1"])
    screen.expect("web1", DEPLOY)
    screen.take("web1", Event("warn", "", "migration a.1", "an earlier run ended half way through it"))
    screen.take("web1", Event("waiting", "", "lock", "held by ann"))
    assert eventually(lambda: "waits for another run: held by ann" in "\n".join(shown.shown(80)))
    screen.end()
    screen.verdict(Verdict("web1", 0, "changed", 1.0))
    text = "\n".join(shown.shown(80))
    assert "migration a.1: an earlier run ended half way" in text and "waiting: lock: held by ann" in text


def test_a_line_that_is_told_meanwhile_stands_above_the_live_lines(terminal: Any) -> None:
    shown, screen = terminal(), Screen()
    screen.begin("bootstrap", "shop", ["web1"])
    console.say("by the way")
    assert [line for line in shown.shown(80) if line == "by the way"]
    screen.end()


def test_a_terminal_without_unicode_gets_ascii(terminal: Any) -> None:
    shown, screen = terminal(60, "ascii"), Screen()
    screen.begin("bootstrap", "größe", ["web1"])
    bootstrap(screen)
    screen.tell("web1", "é" + 80 * "x", "warn")
    screen.verdict(
        Verdict("web1", 3, "changed", 2.0, headline='http://x/ serves ab "ü"', undo="fab rollback")
    )
    screen.end()
    assert shown.shown(60)[0] == "gr\\xf6\\xdfe -> web1 (Debian 13, 2 cores, 2 GB)"


def test_no_color_takes_the_colours_and_leaves_the_rest(
    terminal: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = terminal()
    monkeypatch.setenv("NO_COLOR", "1")
    screen = choose.choose()
    assert isinstance(screen, Screen)
    screen.begin("bootstrap", "shop", ["web1"])
    bootstrap(screen)
    screen.end()
    assert b"\x1b[3" not in shown.bytes.getvalue() and "✓" in "".join(shown.shown(80))


@pytest.mark.parametrize("flags", [{"json": True}, {"quiet": True}, {"timestamps": True}])
def test_who_asks_for_lines_gets_lines_at_a_terminal_too(terminal: Any, flags: dict[str, bool]) -> None:
    terminal()
    assert not isinstance(choose.choose(**flags), Screen)


@pytest.mark.parametrize("name", ["dumb", "unknown", ""])
def test_a_terminal_that_cannot_move_its_cursor_gets_lines(
    terminal: Any, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    terminal()
    monkeypatch.setenv("TERM", name)
    assert not isinstance(choose.choose(), Screen)


def test_the_line_of_a_large_upload_counts_what_is_sent(terminal: Any) -> None:
    shown, screen = terminal(80), Screen()
    screen.begin("deploy", "shop", ["root@web1"])
    screen.expect("web1", DEPLOY)
    work = Counted(b"x" * (3 << 20), partial(screen.send, "web1"))
    assert len(work[1 << 20 : 2 << 20]) == 1 << 20
    assert eventually(lambda: any("sends the work · 2 of 3 MB" in line for line in shown.shown(80)))
    assert len(work[2 << 20 : 9 << 20]) == 1 << 20
    assert eventually(lambda: not any("MB" in line for line in shown.shown(80)))
    screen.end()
