"""Nothing is deleted before somebody agrees."""

from __future__ import annotations

import pytest
from roadie import console
from roadie.errors import ConsentMissing
from roadie.run.consent import with_consent


class Command:
    """A command that would delete content."""

    def __init__(self) -> None:
        self.runs: list[bool] = []

    def __call__(self, agreed: bool) -> None:
        self.runs.append(agreed)
        if not agreed:
            raise ConsentMissing("it drops a column")


def at_a_terminal(monkeypatch: pytest.MonkeyPatch, answer: str) -> None:
    monkeypatch.setattr(console, "is_interactive", lambda: True)
    monkeypatch.setattr(console, "ask", lambda text: answer)


def test_without_a_terminal_nobody_is_asked_and_the_command_fails() -> None:
    command = Command()
    with pytest.raises(ConsentMissing, match="it drops a column"):
        with_consent(command, False)
    assert command.runs == [False]


def test_yes_beforehand_is_enough() -> None:
    command = Command()
    with_consent(command, True)
    assert command.runs == [True]


def test_a_yes_at_the_terminal_runs_it_again(monkeypatch: pytest.MonkeyPatch) -> None:
    command = Command()
    at_a_terminal(monkeypatch, "yes")
    with_consent(command, False)
    assert command.runs == [False, True]


@pytest.mark.parametrize("answer", ["", "y", "no"])
def test_any_other_answer_deletes_nothing(monkeypatch: pytest.MonkeyPatch, answer: str) -> None:
    command = Command()
    at_a_terminal(monkeypatch, answer)
    with pytest.raises(ConsentMissing, match="nothing was deleted"):
        with_consent(command, False)
    assert command.runs == [False]
