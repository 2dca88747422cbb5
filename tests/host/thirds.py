"""What takes long and seldom breaks: a run of all tests has one third of it, and `tests/run --all` has all.

TEST_THIRD says which third: 0, 1 or 2. Without it, as when a person runs one file, nothing is left out.
`tests/run` sets it by the count of commits: each third has its turn, and a commit always has the same one.

What has the same tests for several things, such as kinds of database, has one of them in turn: see `in_turn`.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import pytest

T = TypeVar("T")

COUNT = 3
#: both Debians, for a test of what hardly differs between them. Each run has Debian 13.
SUITES = ("trixie", pytest.param("bookworm", marks=pytest.mark.third(2)))


def this_third() -> int | None:
    """Return the third that this run has; None for all."""
    said = os.environ.get("TEST_THIRD", "")
    return int(said) % COUNT if said.isdecimal() else None


def turns(*values: str) -> tuple[str, ...]:
    """Return the one of these values that has its turn in this run; all, if the run leaves nothing out."""
    third = this_third()
    return values if third is None else (values[third % len(values)],)


def has(number: int) -> bool:
    """Return whether this run has the thing of this number."""
    return this_third() in (None, number % COUNT)


def in_turn(things: Sequence[T], shift: int = 0) -> T:
    """Return the thing whose turn it is by the count of commits: after three commits comes the next one.

    So each thing has each of the thirds within three rounds.
    """
    return things[(_commits() // COUNT + shift) % len(things)]


def _commits() -> int:
    command = ["git", "rev-list", "--count", "HEAD"]
    counted = subprocess.run(command, cwd=Path(__file__).parent, capture_output=True, text=True, check=False)
    return int(counted.stdout or 0)
