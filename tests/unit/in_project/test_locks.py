"""Which statements of a migration change a table, and so try for its lock, and what is told if they fail."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from contextlib import nullcontext
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from django.db import InterfaceError, OperationalError
from django.db.backends.postgresql.schema import DatabaseSchemaEditor
from roadie.scripts.render import TEMPLATES


@pytest.fixture
def locks() -> ModuleType:
    """The module as a release gets it."""
    spec = importlib.util.spec_from_file_location("roadie_locks", TEMPLATES / "in-project/locks.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_drop_of_a_foreign_key_changes_a_table_whatever_django_says_before(locks: ModuleType) -> None:
    drop = DatabaseSchemaEditor.sql_delete_fk % {"table": '"note"', "name": '"note_entry_fk"'}
    assert locks.words_of(drop) == 'ALTER TABLE "NOTE" DROP CONSTRAINT "NOTE_ENTRY_FK"'


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("(select 1)", "SELECT 1)"),
        ('\n  drop table "note" cascade', 'DROP TABLE "NOTE" CASCADE'),
        ("-- why\n/* and\nhow */ (\n-- now\nalter table x", "ALTER TABLE X"),
        ("# why\ncreate index\n  concurrently\n\ta on b", "CREATE INDEX CONCURRENTLY A ON B"),
        ("-- only a comment", ""),
        ("- - 1 / 2", "- - 1 / 2"),
        ("SET CONSTRAINTS ALL IMMEDIATE", "SET CONSTRAINTS ALL IMMEDIATE"),
    ],
)
def test_the_words_of_a_statement_begin_with_its_verb(locks: ModuleType, sql: str, words: str) -> None:
    assert locks.words_of(sql) == words


class Gone:
    """A connection to a server that has ended: psycopg2 raises another error for each later question."""

    vendor = "postgresql"

    def cursor(self) -> None:
        raise InterfaceError("connection already closed")


def test_what_a_statement_failed_of_is_told_if_the_server_has_ended_meanwhile(
    locks: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    def statement() -> None:
        raise OperationalError("server closed the connection unexpectedly")

    monkeypatch.setattr(locks, "give_way", once(locks.give_way))
    with pytest.raises(OperationalError, match="server closed the connection"):
        locks._with_patience(Gone(), statement, 0)


def once(give_way: Callable[..., None]) -> Callable[..., None]:
    """The first question is answered."""
    asked = []

    def ask(connection: object, seconds: int | None = None) -> None:
        if asked:
            give_way(connection, seconds)
        asked.append(seconds)

    return ask


@pytest.mark.parametrize("state", ["55P03", "57P01"])
def test_only_a_lock_that_another_holds_is_told_as_one(
    locks: ModuleType, monkeypatch: pytest.MonkeyPatch, state: str
) -> None:
    error = OperationalError("terminating connection")
    error.__cause__ = type("Cause", (Exception,), {"sqlstate": state})()

    class Cursor(nullcontext[Any]):
        def __enter__(self) -> Any:
            return self

        def execute(self, sql: str, params: object = None) -> None:
            if "pg_advisory_lock" in sql:
                raise error

    connection = SimpleNamespace(vendor="postgresql", cursor=Cursor, in_atomic_block=False)
    monkeypatch.setattr(locks, "connections", {"default": connection})
    expected = "another run may still migrate" if state == "55P03" else "terminating connection"
    with pytest.raises((RuntimeError, OperationalError), match=expected):
        locks.wait_for_others()


@pytest.mark.parametrize(
    ("vendor", "is_mariadb", "has_changed", "seconds", "asked"),
    [
        ("mysql", True, False, None, ["SET lock_wait_timeout = 5, innodb_lock_wait_timeout = DEFAULT"]),
        ("mysql", True, False, 0, ["SET lock_wait_timeout = 0, innodb_lock_wait_timeout = 0"]),
        ("mysql", False, False, 0, ["SET lock_wait_timeout = 1, innodb_lock_wait_timeout = 1"]),
        ("mysql", False, False, 5, ["SET lock_wait_timeout = 5, innodb_lock_wait_timeout = 5"]),
        ("postgresql", False, True, None, ["SET lock_timeout = '4000ms'"]),
        ("postgresql", False, False, None, ["SET lock_timeout = '50000ms'"]),
        ("postgresql", False, True, 5, ["SET lock_timeout = '800ms'"]),
        ("postgresql", False, True, 0, ["SELECT", "SET lock_timeout = '100ms'"]),
        ("postgresql", False, False, 0, ["SELECT", "SET lock_timeout = '400ms'"]),
        ("postgresql", False, False, 600, ["SET lock_timeout = '600000ms'"]),
    ],
)
def test_a_statement_waits_as_long_as_visitors_can_bear(
    locks: ModuleType, vendor: str, is_mariadb: bool, has_changed: bool, seconds: int | None, asked: list[str]
) -> None:
    said: list[str] = []

    class Cursor(nullcontext[Any]):
        def __enter__(self) -> Any:
            return self

        def execute(self, sql: str) -> None:
            said.append(sql if sql.startswith("SET") else sql.partition(" ")[0])

        def fetchone(self) -> tuple[bool]:
            return (has_changed,)

    connection = SimpleNamespace(
        vendor=vendor, mysql_is_mariadb=is_mariadb, cursor=Cursor, in_atomic_block=has_changed
    )
    locks.give_way(connection, *([] if seconds is None else [seconds]))
    assert said == asked


@pytest.mark.parametrize(("vendor", "ends"), [("postgresql", True), ("mysql", False)])
def test_a_vacuum_that_postgresql_began_by_itself_is_ended(
    locks: ModuleType, monkeypatch: pytest.MonkeyPatch, vendor: str, ends: bool
) -> None:
    said: list[str] = []
    seconds = iter(range(1000))
    clock = SimpleNamespace(monotonic=lambda: next(seconds) * 0.4, sleep=lambda _: None)
    monkeypatch.setattr(locks, "time", clock)
    monkeypatch.setattr(locks, "transaction", SimpleNamespace(atomic=nullcontext))
    error = OperationalError("timeout")
    error.__cause__ = type("Cause", (Exception,), {"sqlstate": "55P03"})()

    class Cursor(nullcontext[Any]):
        def __enter__(self) -> Any:
            return self

        def execute(self, sql: str) -> None:
            said.append(sql)

        def fetchall(self) -> list[tuple[str]]:
            return [("big",)]

    def statement() -> str:
        if not said:
            raise error
        return "done"

    connection = SimpleNamespace(vendor=vendor, alias="default", cursor=Cursor)
    if ends:
        assert locks.until_free(connection, statement) == "done"
        assert said[1:] == [
            "SET LOCAL lock_timeout = '1500ms'",
            "LOCK TABLE big IN SHARE UPDATE EXCLUSIVE MODE",
        ]
    else:
        with pytest.raises(RuntimeError, match="visitors held the lock"):
            locks.until_free(connection, statement)


@pytest.mark.parametrize(
    "what", ['VALIDATE CONSTRAINT "fk"', 'RENAME CONSTRAINT "fk" TO "key"', 'ADD "n" int']
)
def test_a_statement_that_makes_and_drops_no_foreign_key_locks_no_other_table(
    locks: ModuleType, what: str
) -> None:
    sql = f'ALTER TABLE "note" {what}'
    assert locks._referenced(None, sql, locks.words_of(sql)) == ""  # without a question to the database
