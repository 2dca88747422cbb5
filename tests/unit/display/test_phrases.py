"""What scripts say, in a person's words."""

from __future__ import annotations

import pytest
from roadie.display import phrases


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ("package lists|package files|package nginx|package git", "2 packages"),
        ("file /etc/a|file /etc/b|directory /srv/shop|claim of shop", "2 files, 1 directory"),
        ("user shop|user shop-build|secret A", "2 users, 1 secret"),
        ("build of virtualenv ab12|virtualenv ab12|code 1234", "requirements, code"),
        ("slot blue|program shop-blue|live|settings of 2026", ""),
        (
            "slot blue stopped|old release 1|old release 2",
            "the release before stopped, 2 old releases removed",
        ),
        ("file /etc/logrotate.d/roadie", "file /etc/logrotate.d/roadie"),
        ("program shop.alerts", "program shop.alerts"),
        ("something of a user's own", "something of a user's own"),
    ],
)
def test_changes_are_folded_into_their_sense(changes: str, told: str) -> None:
    assert phrases.summary(("changed", what) for what in changes.split("|")) == told


def test_few_migrations_are_named_and_many_are_counted() -> None:
    applied = [("applied", f"shop.000{number}") for number in range(1, 4)]
    assert phrases.summary(applied[:2]) == "shop.0001, shop.0002"
    assert phrases.summary(applied) == "3 migrations"


def test_what_a_step_does_is_told_in_words() -> None:
    assert phrases.doing("package nginx") == "installs nginx"
    assert phrases.doing("build of virtualenv ab12") == "installs the requirements"
    assert phrases.doing("something else") == "something else"


@pytest.mark.parametrize(
    ("seconds", "told"), [(0.04, "0.0 s"), (9.94, "9.9 s"), (59.9, "60 s"), (125.9, "2:05"), (3725, "62:05")]
)
def test_seconds_are_told_as_a_person_says_them(seconds: float, told: str) -> None:
    assert phrases.clock(seconds) == told
