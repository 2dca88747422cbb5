"""Plain lines: each with its host, at once, in letters that the stream knows."""

from __future__ import annotations

import io
import re
import sys

import pytest
from roadie.display.plain import Plain
from roadie.events import Event

CHANGED = Event("changed", "nginx", "file /etc/a", "+a line")
WARNING = Event("warn", "migrate", "shop.0002", "drops a column")


def test_a_quiet_display_shows_warnings_failures_and_results(capsys: pytest.CaptureFixture[str]) -> None:
    plain = Plain(is_quiet=True)
    plain.take("web1", CHANGED)
    plain.take("web1", WARNING)
    plain.tell("web1", "all is well", "good")
    plain.tell("web1", "mind this", "warn")
    plain.result("release", "web1", {"id": 1}, ["release 1"])
    plain.fail("web1", ValueError("no"), ["its last words"], is_last=True)
    said = capsys.readouterr()
    assert said.out.splitlines() == [
        "web1: migrate      warn     shop.0002: drops a column",
        "web1: mind this",
        "web1: release 1",
    ]
    assert said.err == "web1:   | its last words\n"


def test_each_line_has_its_time_on_request(capsys: pytest.CaptureFixture[str]) -> None:
    plain = Plain(with_time=True)
    plain.take("web1", CHANGED, with_detail=True)
    plain.fail("web1", ValueError("no"), ["words"], is_last=True)
    said = capsys.readouterr()
    lines = [*said.out.splitlines(), *said.err.splitlines()]
    assert len(lines) == 3
    assert all(re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ web1: ", line) for line in lines)


@pytest.mark.parametrize(
    ("environment", "has_colour"),
    [({}, False), ({"FORCE_COLOR": "1"}, True), ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False)],
)
def test_a_pipe_gets_colours_on_request(
    environment: dict[str, str],
    has_colour: bool,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("FORCE_COLOR", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    Plain().take("web1", CHANGED)
    assert ("\x1b[33m" in capsys.readouterr().out) == has_colour


def test_an_ascii_stream_gets_every_letter(monkeypatch: pytest.MonkeyPatch) -> None:
    bytes_ = io.BytesIO()
    for name in ("stdout", "stderr"):
        monkeypatch.setattr(sys, name, io.TextIOWrapper(bytes_, encoding="ascii", write_through=True))
    Plain().tell("web1", "Größe")
    Plain().fail("web1", ValueError("no"), ["é"], is_last=True)
    assert bytes_.getvalue() == b"web1: Gr\\xf6\\xdfe\nweb1:   | \\xe9\n"
