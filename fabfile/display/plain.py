"""Plain: prints lines, each with the name of its host, for files, pipes and logs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from .. import console
from ..events import Event
from .display import Display, Verdict

_COLOURS = {"changed": "33", "would": "33", "kept": "35", "warn": "35", "failed": "31", "bad": "31"}
#: the most letters of a text that a project gives, which may be of any length
_LONGEST = 2000
_IN_LINE = frozenset("kept warn waiting pending".split())
_SHOWN = frozenset("changed would ran kept warn waiting pending applied unapplied stopped".split())
#: the verbs and kinds that a quiet display shows too
_LOUD = frozenset("kept warn pending stopped bad".split())


@dataclass
class Plain(Display):
    """Prints each line at once. A quiet display prints warnings, failures and results only."""

    is_quiet: bool = False
    with_time: bool = False

    def take(self, host: str, event: Event, *, with_detail: bool = False) -> None:
        """Print an event that a person wants to see."""
        if event.verb not in _SHOWN or not self._is_shown(event.verb):
            return
        self._print(host, _line(event), colour=_COLOURS.get(event.verb, ""))
        if with_detail and event.verb not in _IN_LINE:
            for line in event.detail.splitlines():
                self._print(host, f"    {line}")

    def tell(self, host: str, text: str, kind: str = "") -> None:
        """Print a sentence."""
        if self._is_shown(kind):
            self._print(host, text, colour=_COLOURS.get(kind, ""))

    def result(self, name: str, host: str, data: Mapping[str, Any], lines: Sequence[str]) -> None:
        """Print the lines for a person."""
        for line in lines:
            self._print(host, line)

    def verdict(self, verdict: Verdict) -> None:
        """Print the number of changes with the seconds, and what is true now."""
        if not self.is_quiet:
            self._print(verdict.host, f"{verdict.count} {verdict.word}, {verdict.seconds:.1f} s")
            if verdict.sentence:
                self._print(verdict.host, verdict.sentence)

    def fail(self, host: str, error: Exception, tail: Sequence[str], *, is_last: bool) -> None:
        """Print the last words of a host."""
        for line in tail:
            self._print(host, f"  | {line}", is_error=True)
        if not is_last:
            self._print(host, f"{error}", is_error=True)

    def _is_shown(self, kind: str) -> bool:
        return not self.is_quiet or kind in _LOUD

    def _print(self, host: str, text: str, *, colour: str = "", is_error: bool = False) -> None:
        time = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} " if self.with_time else ""
        console.say(text, error=is_error, colour=colour, before=f"{time}{host}: " if host else time)


def _line(event: Event) -> str:
    line = f"{event.stage:<12} {event.verb:<8} {_shortened(event.what)}"
    if event.verb in _IN_LINE and event.detail:
        detail = _shortened(event.detail)
        line += f": {detail}" if event.verb != "kept" else f" as {detail}"
    return line


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} ..."
