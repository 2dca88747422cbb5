"""The releases of a host as a table, for a terminal."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from ..printable import printable
from ..release.history import History, Release
from .words import age, commit_of, cut, padded, width_of

_MARKS = {"serves": "●", "down": "○", "before": "↩", "bad": "✗", "failed": "✗", "unfinished": "…"}
#: from this width on there is room for the whole names of releases
_WIDE = 100
_STAMP = re.compile(r"\d{8}T\d{6}Z")
_HEAD = ("", "RELEASE", "STATE", "WHEN", "TOOK", "WHO", "COMMIT")


def table(history: History, columns: int) -> list[str]:
    """A head and a row for each release, the newest first. No row is wider than so many columns.

    A narrow terminal gets the commits instead of the releases' names: `--to` and `--release` take both.
    """
    rows = [_HEAD, *(_row(one, history, columns) for one in reversed(history.releases))]
    widths = [1, *(max(map(width_of, column)) for column in list(zip(*rows, strict=True))[1:-1]), 0]
    return [cut(_joined(row, widths), columns) for row in rows]


def _joined(row: Sequence[str], widths: Sequence[int]) -> str:
    mark, *others = (padded(*each) for each in zip(row, widths, strict=True))
    return f"{mark} {'  '.join(others)}".rstrip()


def _row(one: Release, history: History, columns: int) -> tuple[str, ...]:
    state, record = history.state(one), one.record
    name = one.id if columns >= _WIDE else commit_of(record)
    why = f" ({one.bad or one.failed})" if one.bad or one.failed else ""
    dirty = "; not all was committed" if record.get("dirty") else ""
    what = f"{_branch(record)}: {record.get('subject', '')}{dirty}{why}"
    took = f"{one.took} s" if one.took else "-"
    found = (_MARKS.get(state, ""), name, state, _when(one), took, str(record.get("who", "?")), what)
    return tuple(map(printable, found))


def _branch(record: Mapping[str, object]) -> str:
    ref = str(record.get("branch") or record.get("ref") or "-")
    return ref if ref != str(record.get("commit")) else commit_of(record)


def _when(one: Release) -> str:
    found = _STAMP.match(one.id)
    if not found:
        return "?"
    made = datetime.strptime(found.group(), "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    return f"{age(time.time() - made.timestamp())} ago"
