"""The releases of a host for a person: a table at a terminal, else one line each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..printable import printable
from ..release.history import History, Release
from .words import ago, commit_of, cut, padded, time_in, width_of

_MARKS = {"serves": "●", "down": "○", "before": "↩", "bad": "✗", "failed": "✗", "unfinished": "…"}
#: from this width on there is room for the whole names of releases
_WIDE = 100
_HEAD = ("", "RELEASE", "STATE", "WHEN", "TOOK", "WHO", "COMMIT")


def table(history: History, columns: int) -> list[str]:
    """A head, and a row for each release, the newest first. No row is wider than `columns`.

    In a narrow terminal the commits stand in place of the releases' names. `--to` and `--release` take both.
    """
    rows = [_HEAD, *(_row(one, history, columns) for one in reversed(history.releases))]
    widths = [1, *(max(map(width_of, column)) for column in list(zip(*rows, strict=True))[1:-1]), 0]
    return [cut(_joined(row, widths), columns) for row in rows]


def _joined(row: Sequence[str], widths: Sequence[int]) -> str:
    mark, *others = (padded(*each) for each in zip(row, widths, strict=True))
    return f"{mark} {'  '.join(others)}".rstrip()


def line(one: Release, history: History) -> str:
    """One line for a release: name, state, seconds, who, branch and subject."""
    who = f"{one.record.get('who', '?')} at {one.record.get('from', '?')}"
    return f"{one.id}  {history.state(one):<10} {_took(one):>6}  {who}  {_what(one)}"


def _row(one: Release, history: History, columns: int) -> tuple[str, ...]:
    state, record = history.state(one), one.record
    name = one.id if columns >= _WIDE else commit_of(record)
    made = time_in(one.id)
    when = "?" if made is None else ago(made)
    found = (_MARKS.get(state, ""), name, state, when, _took(one), str(record.get("who", "?")), _what(one))
    return tuple(map(printable, found))


def _took(one: Release) -> str:
    return f"{one.took} s" if one.took else "-"


def _what(one: Release) -> str:
    """Branch and subject of a release, and why it does not serve."""
    why = f" ({one.bad or one.failed})" if one.bad or one.failed else ""
    dirty = "; not all was committed" if one.record.get("dirty") else ""
    return f"{_branch(one.record)}: {one.record.get('subject', '')}{dirty}{why}"


def _branch(record: Mapping[str, object]) -> str:
    ref = str(record.get("branch") or record.get("ref") or "-")
    return ref if ref != str(record.get("commit")) else commit_of(record)
