"""Turns the lines of a crontab into the times of systemd's timers."""

from __future__ import annotations

import re
from collections.abc import Sequence

from .kinds import Wrong, shown

_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_MONTHS = tuple("jan feb mar apr may jun jul aug sep oct nov dec".split())
_WORDS = {
    "@hourly": "*-*-* *:00:00",
    "@daily": "*-*-* 00:00:00",
    "@midnight": "*-*-* 00:00:00",
    "@weekly": "Sun *-*-* 00:00:00",
    "@monthly": "*-*-01 00:00:00",
    "@yearly": "*-01-01 00:00:00",
    "@annually": "*-01-01 00:00:00",
}
EXAMPLE = "such as 0 4 * * * manage.py clearsessions"


def parted(line: str) -> tuple[str, str]:
    """The time and the command of a line of a crontab; the time is in the form of systemd's timers."""
    first, _, command = line.strip().partition(" ")
    if first.startswith("@"):
        if first not in _WORDS:
            raise Wrong(f"{shown(first)} is no time; known are {', '.join(_WORDS)}")
        return _WORDS[first], command.strip()
    fields = line.split(None, 5)
    if len(fields) < 6:
        raise Wrong(f"must be a time of five fields and a command, {EXAMPLE}, not {shown(line)}")
    return _calendar(fields[:5]), fields[5].strip()


def _calendar(fields: Sequence[str]) -> str:
    minute, hour, day, month, weekday = fields
    if not (day.startswith("*") or weekday.startswith("*")):
        raise Wrong(f"{' '.join(fields)} names days of the month and of the week; write two entries")
    when = (
        f"*-{_part(month, 1, 12, _MONTHS)}-{_part(day, 1, 31)} {_part(hour, 0, 23)}:{_part(minute, 0, 59)}:00"
    )
    return when if weekday == "*" else f"{_weekdays(weekday)} {when}"


def _part(text: str, low: int, high: int, names: Sequence[str] = ()) -> str:
    """One field, as systemd writes it: 1,3..5,0/15."""
    found = []
    for item in text.split(","):
        first, last, step = _item(item, low, high, names)
        if step and first + step > (high if last is None else last):  # systemd takes no such step
            last, step = None, 0
        if (first, last) == (low, high):
            found.append(f"{low}/{step}" if step else "*")
        elif last is None:
            found.append(f"{first}/{step}" if step else str(first))
        else:
            found.append(f"{first}..{last}" + (f"/{step}" if step else ""))
    return "*" if "*" in found else ",".join(found)


def _weekdays(text: str) -> str:
    """The days of the week. Sunday is 0 and 7."""
    found: list[str] = []
    for item in text.split(","):
        first, last, step = _item(item, 0, 7, _DAYS)
        last = last if last is not None else (7 if step else first)
        found += [_DAYS[day % 7].title() for day in range(first, last + 1, step or 1)]
    return ",".join(dict.fromkeys(found))


def _item(text: str, low: int, high: int, names: Sequence[str]) -> tuple[int, int | None, int]:
    """The first, the last and the step of `*`, `5`, `1-5` or one of them with a step."""
    span, slash, step = text.partition("/")
    first, dash, last = span.partition("-")
    if slash and not re.fullmatch(r"[1-9][0-9]?", step):
        raise Wrong(f"{shown(text)} has no step from 1 to 99")
    if span == "*":
        return low, high, int(step or 0)
    begin = _number(first, text, low, high, names)
    end = _number(last, text, low, high, names) if dash else None
    if end is not None and end < begin:
        raise Wrong(f"{shown(text)} ends before it begins")
    return begin, end, int(step or 0)


def _number(word: str, text: str, low: int, high: int, names: Sequence[str]) -> int:
    if word.lower() in names:
        return names.index(word.lower()) + (1 if low == 1 else 0)
    if not re.fullmatch(r"[0-9]{1,2}", word, re.ASCII) or not low <= int(word) <= high:
        raise Wrong(f"{shown(text)} must be a number from {low} to {high}, or a range such as {low}-{high}")
    return int(word)
