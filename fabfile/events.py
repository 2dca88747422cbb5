"""Event: one thing that a script on a host says, on one line. A nonce tells events from program output."""

from __future__ import annotations

import re
from dataclasses import dataclass

VERBS = frozenset(
    "stage doing ok changed would ran kept warn fact failed waiting stopped pending applied unapplied "
    "loss line".split()
)
#: the verb of a line of a log. Such events are not kept, as there may be any number of them.
LINE = "line"
_ESCAPES = {"\\\\": "\\", "\\t": "\t", "\\n": "\n"}


@dataclass(frozen=True)
class Event:
    """One thing that a stage says about one object."""

    verb: str
    stage: str
    what: str
    detail: str = ""


def parse(line: str, nonce: str) -> Event | None:
    """Read one line of a host's output. None if a program has printed the line.

    A program's last line may lack its newline, so an event can begin in the middle of a line.
    """
    _, found, said = line.partition(f"{nonce}\t")
    fields = said.split("\t")
    if not found or len(fields) != 4 or fields[0] not in VERBS:
        return None
    return Event(fields[0], *(_unescape(field) for field in fields[1:]))


def _unescape(text: str) -> str:
    return re.sub(r"\\[\\tn]", lambda found: _ESCAPES[found.group()], text)
