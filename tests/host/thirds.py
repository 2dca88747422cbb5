"""What takes long and seldom breaks: a run of all tests has one third of it, and `tests/run --all` has all.

TEST_THIRD says which third: 0, 1 or 2. Without it, as when a person runs one file, nothing is left out.
`tests/run` sets it by the count of commits: each third has its turn, and a commit always has the same one.
"""

from __future__ import annotations

import os

import pytest

COUNT = 3
#: both Debians, for a test of what hardly differs between them. Each run has Debian 13.
SUITES = ("trixie", pytest.param("bookworm", marks=pytest.mark.third(2)))


def this_third() -> int | None:
    """Return the third that this run has; None for all."""
    said = os.environ.get("TEST_THIRD", "")
    return int(said) % COUNT if said.isdecimal() else None


def has(number: int) -> bool:
    """Return whether this run has the thing of this number."""
    return this_third() in (None, number % COUNT)
