"""The table of releases fits its terminal."""

from __future__ import annotations

import json

import pytest
from roadie.look.releases import table
from roadie.look.words import width_of
from roadie.release.history import History, Release

LIVE, BEFORE, REFUSED = "20261128T210231Z-ca45e96e", "20261128T210202Z-a0763925", "20261128T211802Z-52411a25"


def release(name: str, subject: str, **more: str) -> Release:
    record = {"commit": name[-8:] * 5, "subject": subject, "who": "ann", "branch": "main"}
    return Release(name, json.loads(json.dumps(record)), **more)


HISTORY = History(
    "web1",
    (
        release(BEFORE, "price", switched="then", took="11"),
        release(LIVE, "drop\x1b[2J \u65e5\u672c\u8a9e " * 9, switched="then", took="8", previous=BEFORE),
        release(REFUSED, "500", failed="gate: / answered 500"),
    ),
    LIVE,
)


@pytest.mark.parametrize("columns", [40, 60, 99, 100, 200])
def test_no_row_is_wider_than_the_terminal_or_steers_it(columns: int) -> None:
    rows = table(HISTORY, columns)
    assert max(map(width_of, rows)) <= columns and len(rows) == 4
    assert not any("\x1b" in row for row in rows)
    assert [row[0] for row in rows] == [" ", "✗", "●", "↩"]
    assert (LIVE in rows[2]) == (columns >= 100) and "ca45e96e" in rows[2]


def test_a_wide_terminal_shows_why_a_release_was_refused() -> None:
    assert table(HISTORY, 200)[1].endswith("main: 500 (gate: / answered 500)")
    assert table(History("web1", (), ""), 80) == ["  RELEASE  STATE  WHEN  TOOK  WHO  COMMIT"]
