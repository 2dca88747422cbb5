"""Tests of what the text of a migration says. The deploy's own words for the same are Django's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from roadie.project.migrations import lacking

FILE = """from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("shop", "0001_initial")]
    {more}
    operations = [{operations}]
"""


@dataclass
class Texts:
    """Files in memory."""

    files: dict[str, str] = field(default_factory=dict)

    def list(self) -> Sequence[str]:
        return sorted(self.files)

    def read(self, path: str) -> str | None:
        return self.files.get(path)


def migration(*operations: str, more: str = "") -> str:
    return FILE.format(operations=", ".join(operations), more=more)


def told(*operations: str) -> list[str]:
    [found] = lacking(Texts({"shop/migrations/0002_x.py": migration(*operations)}), "", ())
    return [step.text for step in found.steps]


@pytest.mark.parametrize(
    ("operation", "text", "loses", "dangers"),
    [
        ("migrations.CreateModel('Item', [])", "makes the table of Item", False, 0),
        ("migrations.DeleteModel(name='Item')", "drops the table of Item and its content", True, 1),
        ("migrations.RemoveField('item', 'note')", "drops item.note and its content", True, 1),
        (
            "migrations.RemoveField(model_name='item', name='note')",
            "drops item.note and its content",
            True,
            1,
        ),
        ("migrations.AddField('item', 'n', models.IntegerField(null=True))", "adds item.n", False, 0),
        ("migrations.AddField('item', 'n', models.IntegerField(default=1))", "adds item.n", False, 1),
        ("migrations.AddField('item', 'n', models.IntegerField(db_default=1))", "adds item.n", False, 0),
        ("migrations.AddField('item', 'n', models.ManyToManyField('x.Y'))", "adds item.n", False, 0),
        ("migrations.AlterField('item', 'n', models.TextField())", "changes item.n", False, 0),
        ("migrations.RenameField('item', 'a', 'b')", "renames item.a to b", False, 1),
        ("migrations.RenameModel('A', 'B')", "renames A to B", False, 1),
        ("migrations.RunPython(fill, undo)", "runs Python (fill)", False, 0),
        ("migrations.RunPython(code=fill)", "runs Python (fill)", False, 1),
        ("migrations.RunPython(fill, reverse_code=None)", "runs Python (fill)", False, 1),
        ("migrations.RunSQL('DROP  TABLE x')", "runs SQL of its own: DROP TABLE x", False, 1),
        ("migrations.AddIndex('item', models.Index(fields=['a']))", "AddIndex of item", False, 0),
        ("own.Trigger()", "Trigger", False, 0),
    ],
)
def test_each_operation_is_told(operation: str, text: str, loses: bool, dangers: int) -> None:
    [found] = lacking(Texts({"shop/migrations/0002_x.py": migration(operation)}), "", ())
    assert [(step.text, step.loses, len(step.dangers)) for step in found.steps] == [(text, loses, dangers)]


def test_only_what_changes_the_database_is_told() -> None:
    drops, forgets = "[migrations.RemoveField('a', 'b')]", "[migrations.DeleteModel('C')]"
    inside = f"migrations.SeparateDatabaseAndState({drops}, {forgets})"
    assert told("migrations.AlterModelOptions('item', {})", inside) == ["drops a.b and its content"]
    assert told("*more()") == ["an operation that its code computes; only the deploy can tell it"]


def test_names_may_have_types() -> None:
    text = migration("migrations.DeleteModel('Item')")
    text = text.replace("dependencies =", "dependencies: ClassVar =").replace(
        "operations =", "operations: list ="
    )
    apps = "class Shop(AppConfig):\n    label: str = 'till'\n"
    [found] = lacking(Texts({"shop/migrations/0002_x.py": text, "shop/apps.py": apps}), "", ())
    assert (found.full_name, found.takes_away, found.dependencies) == (
        "till.0002_x",
        True,
        {"shop.0001_initial"},
    )


def test_what_the_database_has_is_not_lacking() -> None:
    tree = Texts({f"src/shop/migrations/{name}.py": migration() for name in ("0001_a", "0002_b", "__init__")})
    assert [one.full_name for one in lacking(tree, "src", {"shop.0001_a"})] == ["shop.0002_b"]
    assert lacking(tree, "other", ()) == []


def test_an_app_may_have_another_label() -> None:
    apps = "class Shop(AppConfig):\n    name = 'shop'\n    label = 'store'\n"
    tree = Texts({"shop/apps.py": apps, "shop/migrations/0001_a.py": migration()})
    assert [one.full_name for one in lacking(tree, "", ())] == ["store.0001_a"]


@pytest.mark.parametrize(
    ("applied", "names"),
    [
        ((), ["shop.0003_all"]),
        (("shop.0001_a", "shop.0002_b"), []),
        (("shop.0001_a",), ["shop.0002_b"]),
    ],
)
def test_a_squashed_migration_is_counted_as_django_does(applied: tuple[str, ...], names: list[str]) -> None:
    squashed = migration(more="replaces = [('shop', '0001_a'), ('shop', '0002_b')]")
    files = {"0001_a": migration(), "0002_b": migration(), "0003_all": squashed}
    tree = Texts({f"shop/migrations/{name}.py": text for name, text in files.items()})
    assert [one.full_name for one in lacking(tree, "", applied)] == names


@pytest.mark.parametrize("text", ["class (", "x = 1\n", "operations = make()\n"])
def test_a_file_that_is_no_migration_is_passed_over(text: str) -> None:
    assert lacking(Texts({"shop/migrations/0001_a.py": text}), "", ()) == []


def test_a_migration_in_another_coding_is_read() -> None:
    text = "# coding: latin-1\n# caf\udce9\n" + migration("migrations.DeleteModel('Item')")
    [found] = lacking(Texts({"shop/migrations/0002_x.py": text}), "", ())
    assert found.losses == ("drops the table of Item and its content",)
