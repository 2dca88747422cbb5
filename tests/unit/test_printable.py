"""What a host or a program says is shown without anything that steers the terminal."""

from __future__ import annotations

import io

import pytest
from roadie import console
from roadie.errors import StageFailed
from roadie.events import Event
from roadie.printable import printable
from roadie.run.report import HostReport, Report

#: clears the line, goes back to its start, turns the order of letters, and begins a line of its own
STEERS = "\x1b[2K\x9b2K\r\u202e\u2066\x07\b\n\u2028web1: all is well"
SHOWN = r"\x1b[2K\x9b2K\r\u202e\u2066\x07\x08\n\u2028web1: all is well"

#: umlauts, ideograms, an emoji of two, and a Persian word of two parts
LETTERS = "größer 東京 \U0001f469\u200d\U0001f4bb \u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (STEERS, SHOWN),
        ("plain", "plain"),
        ("a\ttab, a\u00a0space that keeps words together", "a\ttab, a\u00a0space that keeps words together"),
        (LETTERS, LETTERS),
        ("\x1b[1;31mred\x1b[0m and \x1b[38:5:1mred", "red and red"),
        ("an end of line\r\n", "an end of line"),
        ("half a letter \udcff", r"half a letter \udcff"),
        ("an unseen letter \U000e0041 or \u200b", r"an unseen letter \U000e0041 or \u200b"),
    ],
)
def test_what_steers_a_terminal_is_written_out_and_the_rest_stays(text: str, shown: str) -> None:
    assert printable(text) == shown


@pytest.mark.parametrize("verb", ["changed", "kept", "warn", "would", "waiting"])
def test_no_event_steers_the_terminal(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    HostReport("web1", shows_details=True).take(Event(verb, STEERS, STEERS, STEERS))
    assert_steers_nothing(capsys)


def test_neither_the_last_words_nor_the_failure_steers_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    failed = HostReport("web1")
    failed.take(Event("failed", STEERS, STEERS, STEERS))
    failed.conclude(6, [STEERS])
    with pytest.raises(StageFailed) as caught:
        Report([failed]).raise_failure()
    assert printable(str(caught.value)) == str(caught.value)
    assert_steers_nothing(capsys)


def test_no_line_and_no_question_steers_the_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("yes\n"))
    console.say(STEERS)
    console.ask(STEERS)
    assert_steers_nothing(capsys)


def assert_steers_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    said = "".join(capsys.readouterr())
    assert SHOWN.partition("\\n")[0] in said
    assert all(letter.isprintable() or letter == "\n" for letter in said)
