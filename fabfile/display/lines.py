"""Lines: prints one JSON object a line, for programs. docs/output.rst describes the objects."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from .. import console
from ..events import Event
from .display import Display, Verdict

VERSION = 1
#: the verbs of events that are meant for roadie itself
_INTERNAL = frozenset({"fact"})
#: the verbs whose detail is internal or may be long; it is printed only where a person would see it too
_WITHOUT_DETAIL = frozenset("doing changed would ran applied unapplied".split())


@dataclass
class Lines(Display):
    """Prints one JSON object a line on stdout."""

    started: float = field(default_factory=time.monotonic)
    changed: int = 0

    def begin(self, command: str, app: str, hosts: Sequence[str]) -> None:
        """Print which command begins where."""
        self._print("begin", what=command, site=app, hosts=list(hosts))

    def take(self, host: str, event: Event, *, with_detail: bool = False) -> None:
        """Print the event of a stage."""
        if event.verb in _INTERNAL:
            return
        self.changed += event.verb == "changed"
        detail = event.detail if with_detail or event.verb not in _WITHOUT_DETAIL else ""
        self._print(event.verb, host=host, stage=event.stage, what=event.what, detail=detail)

    def tell(self, host: str, text: str, kind: str = "") -> None:
        """Print a sentence."""
        self._print("told", host=host, what=text, kind=kind)

    def result(self, name: str, host: str, data: Mapping[str, Any], lines: Sequence[str]) -> None:
        """Print the data of an item."""
        self._print("result", host=host, what=name, data=dict(data))

    def verdict(self, verdict: Verdict) -> None:
        """Print the number of changes with the seconds, and what is true now."""
        self._print(
            "verdict",
            host=verdict.host,
            what=verdict.sentence,
            word=verdict.word,
            count=verdict.count,
            seconds=round(verdict.seconds, 1),
        )

    def fail(self, host: str, error: Exception, tail: Sequence[str], *, is_last: bool) -> None:
        """Print the failure of a host with its last words."""
        self._print("failure", host=host, what=f"{error}", code=_code(error), tail=list(tail))

    def end(self, error: BaseException | None = None) -> None:
        """Print the exit code."""
        seconds = round(time.monotonic() - self.started, 1)
        what = "" if error is None else f"{error}"
        self._print("end", what=what, code=_code(error), seconds=seconds, changed=self.changed)

    def _print(self, event: str, **values: Any) -> None:
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        # json.dumps writes out control characters, and all that is not ASCII.
        console.say(json.dumps({"version": VERSION, "time": now, "event": event, **values}))


def _code(error: BaseException | None) -> int:
    return 0 if error is None else int(getattr(error, "code", 1))
