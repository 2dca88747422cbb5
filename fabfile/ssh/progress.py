"""Progress: what one script on a host has said so far."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from ..errors import Unreachable
from ..events import LINE, Event, parse

TAIL = 40
_LONGEST_TAIL_LINE = 2000
#: how many characters of events a script may send: a hostile host must not fill the memory of this machine
_MOST_OF_EVENTS = 1 << 26


@dataclass
class Progress:
    """What one script has said so far. Lines with the nonce are events. All others are output of programs."""

    host: str
    nonce: str = ""
    #: get each event, and each line of output
    on_event: Callable[[Event], None] | None = None
    on_line: Callable[[str], None] | None = None
    events: list[Event] = field(default_factory=list)
    #: the last lines of output in the step that runs
    tail: deque[str] = field(default_factory=lambda: deque(maxlen=TAIL))
    _began: float = field(default_factory=time.monotonic)
    _size: int = 0

    def take(self, line: str) -> None:
        """Take a line of the script. Raises Unreachable if the script sends too many events."""
        if event := parse(line, self.nonce) if self.nonce else None:
            self._take_event(event, len(line))
        else:
            self._take_output(line[:_LONGEST_TAIL_LINE])

    def where(self) -> str:
        """How far the script is, for messages."""
        stage = next((event.stage for event in reversed(self.events) if event.stage), "start")
        return f"in stage {stage} after {time.monotonic() - self._began:.0f} s"

    def _take_event(self, event: Event, size: int) -> None:
        if event.verb != LINE:
            self._size += size + 100
            if self._size > _MOST_OF_EVENTS:
                raise Unreachable(f"{self.host}: its script says too much; look at its log on the host")
            self.events.append(event)
        if event.verb in ("stage", "doing"):
            self.tail.clear()  # Output of an earlier step does not explain a failure.
        if self.on_event:
            self.on_event(event)

    def _take_output(self, line: str) -> None:
        self.tail.append(line)
        if self.on_line:
            self.on_line(line)
