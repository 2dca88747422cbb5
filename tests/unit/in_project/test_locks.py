"""Which statements of a migration change a table, and so try for its lock."""

from __future__ import annotations

import importlib.util
from types import ModuleType

import pytest
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
