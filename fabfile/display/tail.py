"""Finds the lines that matter among the last lines of a program that failed."""

from __future__ import annotations

import re
from collections.abc import Sequence

#: so many lines are shown where there is no traceback
_LINES = 8
_TRACEBACK = re.compile(r"\s*Traceback \(most recent call last\):")
_FRAME = re.compile(r'\s*File "(.+)", line (\d+)')
#: where a release keeps the project's own code
_CODE = re.compile(r"/releases/[^/]+/code/(.+)")


def what_matters(tail: Sequence[str]) -> list[str]:
    """The places of a traceback in the project's own code, and its error. Else the last lines."""
    starts = [number for number, line in enumerate(tail) if _TRACEBACK.match(line)]
    if not starts:
        return list(tail[-_LINES:])
    lines = tail[starts[-1] + 1 :]
    places = [_place(*pair) for pair in zip(lines, [*lines[1:], ""], strict=True)]
    error = next((line for line in lines if line and not line.startswith((" ", "\t"))), "")
    return [each for each in (*places, error) if each]


def _place(line: str, source: str) -> str:
    """A frame of a traceback in the project's code, with its source: `shop/urls.py:6   path(...)`."""
    frame = _FRAME.match(line)
    own = _CODE.search(frame[1]) if frame else None
    if not frame or not own:
        return ""
    return f"{own[1]}:{frame[2]}   {source.strip() if not _FRAME.match(source) else ''}".rstrip()
