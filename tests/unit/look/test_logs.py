"""Which lines of logs are wanted, and in which order the lines of several hosts are shown."""

from __future__ import annotations

import time
from typing import Any

import pytest
from roadie.errors import UsageError
from roadie.events import Event
from roadie.look.logs import Line, Merged, Wanted


def wanted(of: str = "app", **flags: Any) -> Wanted:
    plain: dict[str, Any] = {"release": "", "since": "", "grep": "", "lines": 0, "follow": False}
    return Wanted.read(of, **{**plain, **flags})


def test_flags_say_which_lines_are_wanted() -> None:
    assert wanted() == Wanted(("app",), 100)
    assert wanted("app, nginx").of == ("app", "nginx")
    assert wanted(since="10m").lines == 10_000 and wanted(since="10m", lines=5).lines == 5
    assert abs(float(wanted(since="2h").since) - (time.time() - 7200)) < 5
    assert wanted(since="2026-01-02T03:04:05+01:00").since == "1767319445"
    assert wanted(release="0123456789abcdef" * 2).release == "01234567"
    assert wanted(release="20261128T210231Z-ca45e96e").of == ("runs",)


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        ({"of": "mail"}, "--of mail: there are logs of app, programs, nginx, runs"),
        ({"of": ""}, "--of : there are"),
        ({"of": "nginx", "release": "ca45e96e"}, "leave out --of"),
        ({"release": "../../x"}, "no name of a release"),
        ({"release": "ca"}, "no name of a release"),
        ({"since": "yesterday"}, "write 30s, 10m"),
        ({"since": "99999999d"}, "write 30s, 10m"),
        ({"since": "2999-01-01"}, "in the future"),
        ({"lines": -1}, "must be from 1 to 100000"),
        ({"lines": 100_001}, "must be from 1 to 100000"),
        ({"grep": "a\nb"}, "plain characters"),
    ],
)
def test_a_flag_that_asks_for_nothing_is_refused_in_one_line(flags: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageError, match="^--") as refused:
        wanted(**flags)
    assert says in str(refused.value) and "\n" not in str(refused.value)


class Heard:
    """What was shown of the lines of two hosts."""

    def __init__(self, **flags: Any) -> None:
        self.lines: list[Line] = []
        self.merged = Merged(("web1", "web2"), wanted(**flags), self.lines.append)

    def say(self, host: str, when: float, text: str) -> None:
        self.merged.take(host, Event("line", "logs", "web-blue", f"{when:.3f} {text}"))

    def through(self, host: str) -> None:
        self.merged.take(host, Event("line", "logs", "", ""))

    @property
    def texts(self) -> list[str]:
        return [line.text for line in self.lines]


def test_lines_of_two_hosts_are_merged_by_time_and_then_shown_as_they_come() -> None:
    heard = Heard(follow=True)
    for host, when, text in (("web1", 1, "a"), ("web1", 4, "d"), ("web2", 2, "b c"), ("web2", 3, "c")):
        heard.say(host, when, text)
    heard.through("web1")
    assert heard.texts == []
    heard.through("web2")
    assert heard.texts == ["a", "b c", "c", "d"]
    heard.say("web2", 1, "late")
    assert heard.lines[-1] == Line(1, "web2", "web-blue", "late")


def test_only_the_last_lines_of_all_hosts_are_shown_and_a_host_that_fails_holds_back_none() -> None:
    heard = Heard(lines=2)
    for when in range(4):
        heard.say("web1", when, str(when))
    heard.merged.end()
    assert heard.texts == ["2", "3"]


def test_a_slow_host_holds_back_the_others_for_seconds_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("roadie.look.logs._PATIENCE", 0.01)
    heard = Heard(follow=True)
    heard.say("web1", 1, "a")
    heard.through("web1")
    deadline = time.monotonic() + 20
    while not heard.texts and time.monotonic() < deadline:
        time.sleep(0.01)
    assert heard.texts == ["a"]
