"""JSON lines: one event each, for programs."""

from __future__ import annotations

import json
from typing import Any

import pytest
from roadie.display import current
from roadie.display.display import Verdict
from roadie.display.lines import Lines
from roadie.errors import StageFailed
from roadie.events import Event


def printed(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """Return the printed lines, without what differs each time."""
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    for line in lines:
        assert line.pop("version") == 1
        assert line.pop("time").endswith("Z")
    return lines


def test_each_event_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    lines = Lines()
    lines.begin("deploy", "shop", ["root@web1"])
    lines.take("web1", Event("changed", "nginx", "file /etc/ä", "+a\n-b"))
    lines.take("web1", Event("would", "nginx", "file /etc/a", "+a\n-b"), with_detail=True)
    lines.take("web1", Event("fact", "survey", "live", "secret of ours"))
    lines.tell("web1", "mind\nthis", "warn")
    lines.result("release", "web1", {"id": 1, "tags": ["a"]}, ["release 1"])
    lines.verdict(Verdict("web1", 1, "changed", 1.234, "release 1 serves"))
    assert printed(capsys) == [
        {"event": "begin", "what": "deploy", "site": "shop", "hosts": ["root@web1"]},
        {"event": "changed", "host": "web1", "stage": "nginx", "what": "file /etc/ä", "detail": ""},
        {"event": "would", "host": "web1", "stage": "nginx", "what": "file /etc/a", "detail": "+a\n-b"},
        {"event": "told", "host": "web1", "what": "mind\nthis", "kind": "warn"},
        {"event": "result", "host": "web1", "what": "release", "data": {"id": 1, "tags": ["a"]}},
        {
            "event": "verdict",
            "host": "web1",
            "what": "release 1 serves",
            "word": "changed",
            "count": 1,
            "seconds": 1.2,
        },
    ]


def test_the_end_has_the_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(StageFailed), current.showing(Lines(), "deploy"):
        current.display().take("web1", Event("changed", "a", "b"))
        current.display().fail("web1", StageFailed("web1, a: no"), ["words"], is_last=True)
        raise StageFailed("web1, a: no; 1 still serves")
    _, failure, end = printed(capsys)
    assert failure == {
        "event": "failure",
        "host": "web1",
        "what": "web1, a: no",
        "code": 6,
        "tail": ["words"],
    }
    assert end.pop("seconds") >= 0
    assert end == {"event": "end", "what": "web1, a: no; 1 still serves", "code": 6, "changed": 1}


def test_a_command_within_a_command_does_not_end_the_other(capsys: pytest.CaptureFixture[str]) -> None:
    with current.showing(Lines(), "rehearse"):
        with current.showing(Lines(), "deploy"):
            current.begin("shop", ["web1"])
        current.tell("web1", "goes on")
    assert [(line["event"], line["what"]) for line in printed(capsys)] == [
        *[("begin", "deploy"), ("told", "goes on"), ("end", "")]
    ]
