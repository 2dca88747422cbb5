"""Step: one line of the screen, for one stage or for several stages that belong together."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from ..events import Event
from . import phrases

_CHANGES = frozenset("changed would ran applied unapplied".split())
_NOTES = frozenset("warn kept waiting stopped".split())


@dataclass
class Step:
    """What the stages of one step have said so far."""

    name: str
    began: float = field(default_factory=time.monotonic)
    #: what the step does now, and the last line that a program printed meanwhile
    doing: str = ""
    heard: str = ""
    changes: list[Event] = field(default_factory=list)
    #: what the stages found to be right, such as "/ 200"
    told: list[str] = field(default_factory=list)
    notes: list[Event] = field(default_factory=list)
    #: the lines of the differences that a person wants to see
    details: list[str] = field(default_factory=list)
    failure: Event | None = None
    ended: float = 0.0

    def take(self, event: Event, *, with_detail: bool) -> None:
        """Take an event of one of the stages."""
        if event.verb == "doing":
            self.doing, self.heard = phrases.doing(event.what), ""
        elif event.verb in _CHANGES:
            self.changes.append(event)
            self.heard = ""
            if event.what == "live" and event.detail.startswith("release "):
                self.told.append(f"{phrases.short_id(event.detail.split()[1])} serves")
            if with_detail:
                self.details += [event.what, *(f"  {line}" for line in event.detail.splitlines())]
        elif event.verb in _NOTES:
            self.notes.append(event)
            if event.verb == "waiting":
                self.doing = f"waits for another run: {event.detail}"
        elif event.verb == "failed":
            self.failure = event
        elif event.verb == "ok" and event.detail:
            self.told.append(event.detail)

    @property
    def is_silent(self) -> bool:
        """Whether there is nothing to show, as all was right already."""
        return not (self.changes or self.told or self.notes or self.failure)

    @property
    def seconds(self) -> float:
        """How long the step has run."""
        return (self.ended or time.monotonic()) - self.began

    def summary(self) -> str:
        """The result of the step, in a few words."""
        if self.failure:
            return self.failure.detail.partition("\n")[0] or self.failure.what
        changes = phrases.summary((event.verb, event.what) for event in self.changes)
        return ", ".join(each for each in (changes, *self.told) if each)
