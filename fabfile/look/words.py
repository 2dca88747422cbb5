"""The forms in which a person reads sizes, times and releases."""

from __future__ import annotations

import re
import time
import unicodedata
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, TextIO

from .. import console

_UNITS = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))
_STAMP = re.compile(r"\d{8}T\d{6}Z")
_LONGEST_SUBJECT = 60
_PLAINER = {"●": "*", "○": "o", "◐": "~", "↩": "<", "✗": "x", "·": "-", "…": "..."}


def age(seconds: float) -> str:
    """A number of seconds, in the largest unit that fits: 4 min."""
    whole = max(0, int(seconds))
    size, unit = next((each for each in _UNITS if whole >= each[0]), _UNITS[-1])
    return f"{whole // size} {unit}"


def ago(when: float) -> str:
    """How long ago a time is: 4 min ago. The time is in seconds since 1970."""
    return f"{age(time.time() - when)} ago"


def time_in(name: str) -> float | None:
    """The time with which the name of a release or dump begins, in seconds since 1970; None without one."""
    found = _STAMP.match(name)
    if not found:
        return None
    return datetime.strptime(found.group(), "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()


def kilobytes(kb: int) -> str:
    """A number of KB in the unit that fits: 12 MB."""
    size = float(kb)
    for unit in ("kB", "MB", "GB", "TB"):
        if size < 1024 or unit == "TB":
            break
        size /= 1024
    return f"{size:.1f} {unit}" if size < 10 and unit != "kB" else f"{size:.0f} {unit}"


def listed(names: Iterable[str]) -> str:
    """The names with commas between them."""
    return ", ".join(names)


def commit_of(record: Mapping[str, Any]) -> str:
    """The short name of a release's commit."""
    return str(record.get("commit") or "?")[:8]


def subject_of(record: Mapping[str, Any]) -> str:
    """The subject of a release's commit, cut where it is long."""
    subject = str(record.get("subject") or "?")
    return subject if len(subject) <= _LONGEST_SUBJECT else f"{subject[: _LONGEST_SUBJECT - 1]}…"


def width_of(text: str) -> int:
    """How many columns of a terminal a text takes."""
    return sum(_columns(letter) for letter in text)


def padded(text: str, columns: int) -> str:
    """The text, filled with spaces up to so many columns."""
    return text + " " * (columns - width_of(text))


def cut(text: str, columns: int) -> str:
    """The text, with `…` at its end if it takes more than so many columns."""
    if width_of(text) <= columns:
        return text
    room, kept = columns - 1, ""
    for letter in text:
        room -= _columns(letter)
        if room < 0:
            break
        kept += letter
    return f"{kept}…"


def _columns(letter: str) -> int:
    if unicodedata.combining(letter):
        return 0
    return 2 if unicodedata.east_asian_width(letter) in "WF" else 1


def with_known_symbols(lines: Iterable[str], stream: TextIO) -> list[str]:
    """The lines, with ASCII in place of roadie's symbols if the stream or its terminal cannot show them."""
    if _knows_symbols(stream):
        return [*lines]
    return ["".join(_PLAINER.get(letter, letter) for letter in line) for line in lines]


def _knows_symbols(stream: TextIO) -> bool:
    if stream.isatty():
        return console.is_unicode(stream)
    try:
        "".join(_PLAINER).encode(stream.encoding or "utf-8")
    except UnicodeEncodeError:
        return False
    return True
