"""Report: the events of a run for each host, and how the run ended. The display decides what is shown."""

from __future__ import annotations

import textwrap
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from ..display.current import display
from ..display.display import Verdict
from ..errors import BY_CODE, ConsentMissing, RoadieError, StageFailed, UsageError
from ..events import Event

#: the most letters of a failure's last line: the failure of a migration with its dump and its cure fits in
_LONGEST = 450
#: a longer failure also stands above the last line, whole, in lines of this width
_WIDTH = 160


@dataclass
class HostReport:
    """The events of one host in one run, and how the run ended there."""

    host: str
    shows_details: bool = False
    #: the verbs of the events that the task shows in its own way
    hides: frozenset[str] = frozenset()
    events: list[Event] = field(default_factory=list)
    tail: list[str] = field(default_factory=list)
    error: RoadieError | None = None
    started: float = field(default_factory=time.monotonic)

    def take(self, event: Event) -> None:
        """Keep an event and show it."""
        self.events.append(event)
        if event.verb not in self.hides:
            display().take(self.host, event, with_detail=self.shows_details or self._was_edited(event))

    def hear(self, line: str) -> None:
        """Show a line that a program printed."""
        display().hear(self.host, line)

    def _was_edited(self, event: Event) -> bool:
        """Whether this change replaces a file that a person had edited, which was kept."""
        kept = self.events[-3:-1]
        return event.verb == "changed" and any(one.verb == "kept" for one in kept)

    def said(self, *verbs: str) -> list[Event]:
        """The events with these verbs, in order."""
        return [event for event in self.events if event.verb in verbs]

    def facts(self) -> dict[str, list[str]]:
        """The facts that the host told: the values of each name, in order."""
        found: dict[str, list[str]] = {}
        for event in self.said("fact"):
            found.setdefault(event.what, []).append(event.detail)
        return found

    def unfinished(self) -> Event | None:
        """The change that has begun and has not ended; None if there is none."""
        for event in reversed(self.events):
            if event.verb in ("changed", "failed", "stopped", "ok", "ran"):
                return None
            if event.verb == "doing":
                return event
        return None

    def serving(self, before: str, after: str) -> str:
        """The end of a sentence: which of two releases serves, by the events of the switch.

        If another run has switched since the host told `before`, a fact of this run says so.
        """
        before = self.facts().get("live", [before])[-1]
        moves = [
            event for event in self.events if event.what == "live" and event.verb in ("doing", "changed")
        ]
        if moves and moves[-1].verb == "doing":
            return f"{before or 'none'} serves, or {after}: fab releases tells which"
        if sum(event.verb == "changed" for event in moves) % 2:
            return f"release {after} serves"
        return f"{before} still serves" if before else "no release serves yet"

    def conclude(self, code: int, tail: list[str]) -> None:
        """Note that the host's script has ended with this exit code and these last lines of output."""
        self.tail = tail
        if code:
            error = _error(self.host, code, self.events, tail)
            self.error = type(error)(_shortened(f"{error}"))
            if f"{self.error}" != f"{error}":
                self.tail = [*tail, *textwrap.wrap(f"{error}", _WIDTH, break_on_hyphens=False)]


@dataclass
class Report:
    """The reports of all hosts of a run."""

    hosts: list[HostReport]

    def summarise(self, word: str = "changed", **words: str) -> None:
        """Show the verdict for each host that did not fail. See `Verdict` for the words."""
        for one in self.hosts:
            if one.error is None:
                count, seconds = len(one.said(word)), time.monotonic() - one.started
                display().verdict(Verdict(one.host, count, word, seconds, **words))

    def raise_failure(self, serving: Callable[[HostReport], str] = lambda one: "") -> None:
        """Raise the gravest failure of the run, after the last words of each host that failed.

        `serving` returns the end of the line: which release serves on that host now.
        """
        failed = [one for one in self.hosts if one.error]
        for one in failed:
            if one.error:
                display().fail(one.host, one.error, one.tail, is_last=one is failed[-1])
        if failed:
            gravest = max((one.error for one in failed if one.error), key=lambda e: e.code)
            # A run with a usage error has begun nothing, so it has nothing to say of what serves.
            ending = "" if isinstance(failed[-1].error, UsageError) else serving(failed[-1])
            raise type(gravest)(f"{failed[-1].error}{ending}")


def _shortened(line: str) -> str:
    """A line of at most `_LONGEST` letters: its beginning, and its end, which tells what to do next."""
    if len(line) <= _LONGEST:
        return line
    ending, parts = " ...", line.split("; ")
    while len(more := f" ...; {parts.pop()}{ending.removeprefix(' ...')}") <= _LONGEST // 2:
        ending = more
    return f"{line[: _LONGEST - len(ending)]}{ending}"


def _error(host: str, code: int, events: Iterable[Event], tail: list[str]) -> RoadieError:
    kind = ConsentMissing if any(event.verb == "loss" for event in events) else BY_CODE.get(code, StageFailed)
    last = next((event for event in reversed(list(events)) if event.verb == "failed"), None)
    if kind is UsageError and not last:
        kind = StageFailed  # No stage said that it failed, so bash itself ended with 2.
    if last:
        return kind(f"{host}, {last.stage or 'start'}: {last.what}: {last.detail}")
    where = next((event.stage for event in reversed(list(events)) if event.stage), "start")
    hint = _HINT.get(code, _RERUN).format(tail[-1] if tail else "the disk")
    return kind(f"{host}, {where}: the script on the host ended with code {code}; {hint}")


_RERUN = "run the same command again with --debug"
_HINT = {
    2: "bash cannot read it; its last words are above",
    95: "it did not run as root; log in as root or as a user with sudo",
    96: "it did not arrive whole; run the same command again",
    97: "{} has no room for it; see there: df -h; df -i",
    130: "it was asked to stop; run the same command again",
}
