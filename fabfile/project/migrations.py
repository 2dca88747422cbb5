"""Reads the migrations of a project's own apps from their files, and never imports them."""

from __future__ import annotations

import ast
import posixpath
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from ..git.trees import Tree
from .syntax import last_name, parsed, text_of


@dataclass(frozen=True)
class Step:
    """One operation of a migration: what it does, and its dangers."""

    text: str
    #: whether content of the database is lost by it
    loses: bool = False
    dangers: tuple[str, ...] = ()


@dataclass(frozen=True)
class Migration:
    """One migration of the project's own."""

    app: str
    name: str
    steps: tuple[Step, ...]
    #: the migrations that a squashed one stands for
    replaces: frozenset[str] = frozenset()
    #: the migrations that it depends on
    dependencies: frozenset[str] = frozenset()

    @property
    def full_name(self) -> str:
        """The name of the migration with its app, such as shop.0003_drop."""
        return f"{self.app}.{self.name}"

    @property
    def takes_away(self) -> bool:
        """Whether all that it does is to drop columns and tables."""
        return bool(self.steps) and all(step.loses for step in self.steps)

    @property
    def losses(self) -> tuple[str, ...]:
        """What it does that deletes content."""
        return tuple(step.text for step in self.steps if step.loses)


def lacking(tree: Tree, folder: str, applied: Collection[str]) -> list[Migration]:
    """The migrations in the files below a folder that a database lacks which has these `applied`.

    Django takes a squashed migration for applied if all that it replaces is. If only a part is, Django leaves
    the squashed migration out.
    """
    found = [
        _read(tree, path, app) for path, app in _files(tree, folder) if f"{app}.{_stem(path)}" not in applied
    ]
    migrations = [one for one in found if one is not None]
    whole = [one for one in migrations if not one.replaces & {*applied}]
    replaced = {name for one in whole for name in one.replaces}
    return sorted((one for one in whole if one.full_name not in replaced), key=lambda one: one.full_name)


def waiting(pending: Collection[Migration]) -> frozenset[str]:
    """The pending migrations that only drop columns and tables, and on which no other one depends.

    A deploy applies them after the switch, unless it then finds a reason against that.
    """
    names: frozenset[str] = frozenset()
    left = list(pending)
    while found := [one for one in left if one.takes_away and not _needed_by(one, left)]:
        names |= {one.full_name for one in found}
        left = [one for one in left if one not in found]
    return names


def _needed_by(one: Migration, others: Collection[Migration]) -> bool:
    return any(one.full_name in other.dependencies for other in others)


def apps(tree: Tree, folder: str) -> frozenset[str]:
    """The labels of the apps below a folder that have migrations."""
    return frozenset(app for _, app in _files(tree, folder))


def _files(tree: Tree, folder: str) -> Iterator[tuple[str, str]]:
    """The path of each file of a migration, with the label of its app."""
    inside = f"{folder}/" if folder else ""
    labels: dict[str, str] = {}
    for path in tree.list():
        place, name = posixpath.split(path)
        app, last = posixpath.split(place)
        if path.startswith(inside) and last == "migrations" and re.fullmatch(r"[A-Za-z0-9]\w*\.py", name):
            if app not in labels:
                labels[app] = _label(tree, app)
            yield path, labels[app]


def _label(tree: Tree, app: str) -> str:
    """The label of an app: as its apps.py says, else its folder's name."""
    code = _code_of(tree.read(posixpath.join(app, "apps.py")) or "")
    for node in ast.walk(code):
        if isinstance(node, ast.ClassDef) and "label" in (given := _assigned(node)):
            return text_of(given["label"]) or posixpath.basename(app)
    return posixpath.basename(app)


def _read(tree: Tree, path: str, app: str) -> Migration | None:
    code = _code_of(tree.read(path) or "")
    for node in code.body:
        if isinstance(node, ast.ClassDef) and node.name == "Migration":
            values = _assigned(node)
            steps = tuple(_steps(values.get("operations")))
            replaces, needs = _listed(values.get("replaces")), _listed(values.get("dependencies"))
            return Migration(app, _stem(path), steps, replaces, needs)
    return None


def _listed(value: ast.expr | None) -> frozenset[str]:
    """The migrations in a list of pairs of an app and a name. Only pairs that the text spells out count."""
    pairs = value.elts if isinstance(value, ast.List | ast.Tuple) else []
    texts = ([text_of(each) or "" for each in one.elts] for one in pairs if isinstance(one, ast.Tuple))
    return frozenset(".".join(text) for text in texts if len(text) == 2 and all(text))


def _steps(value: ast.expr | None) -> Iterator[Step]:
    """What each operation of a list does."""
    if not isinstance(value, ast.List | ast.Tuple):
        if value is not None:
            yield Step("its code computes the operations; only the deploy can tell them")
        return
    for each in value.elts:
        if isinstance(each, ast.Call):
            yield from _Operation(each).steps()
        else:
            yield Step("an operation that its code computes; only the deploy can tell it")


class _Operation:
    """One operation, such as `migrations.AddField("entry", "mood", models.TextField())`."""

    def __init__(self, call: ast.Call) -> None:
        self.call = call
        self.kind = last_name(call.func)

    def given(self, place: int, name: str) -> ast.expr | None:
        """The argument with this name, or at this place."""
        named = next((each.value for each in self.call.keywords if each.arg == name), None)
        return named or (self.call.args[place] if place < len(self.call.args) else None)

    def word(self, place: int, name: str) -> str:
        """The text of this argument; `?` if the argument is no text."""
        return text_of(self.given(place, name)) or "?"

    def steps(self) -> Iterator[Step]:
        """What the operation does; nothing if it changes no database."""
        made = getattr(self, f"_{self.kind}", None) if self.kind[:1].isupper() else None
        if made:
            yield from made()
        elif self.kind not in ("AlterModelOptions", "AlterModelManagers"):
            about = text_of(self.given(0, "model_name")) or text_of(self.given(0, "name"))
            yield Step(f"{self.kind}{f' of {about}' if about else ''}")

    def _CreateModel(self) -> Iterator[Step]:
        yield Step(f"makes the table of {self.word(0, 'name')}")

    def _DeleteModel(self) -> Iterator[Step]:
        yield Step(f"drops the table of {self.word(0, 'name')} and its content", True, (_IS_USED,))

    def _RenameModel(self) -> Iterator[Step]:
        yield Step(f"renames {self.word(0, 'old_name')} to {self.word(1, 'new_name')}", dangers=(_IS_USED,))

    def _AlterModelTable(self) -> Iterator[Step]:
        yield Step(f"renames the table of {self.word(0, 'name')}", dangers=(_IS_USED,))

    def _AddField(self) -> Iterator[Step]:
        field = self.given(2, "field")
        dangers = (_NOT_NULL,) if isinstance(field, ast.Call) and _needs_value(field) else ()
        yield Step(f"adds {self._field()}", dangers=dangers)

    def _RemoveField(self) -> Iterator[Step]:
        yield Step(f"drops {self._field()} and its content", True, (_IS_USED,))

    def _AlterField(self) -> Iterator[Step]:
        yield Step(f"changes {self._field()}")

    def _RenameField(self) -> Iterator[Step]:
        model, old, new = self.word(0, "model_name"), self.word(1, "old_name"), self.word(2, "new_name")
        yield Step(f"renames {model}.{old} to {new}", dangers=(_IS_USED,))

    def _RunPython(self) -> Iterator[Step]:
        code = self.given(0, "code")
        name = getattr(code, "id", getattr(code, "attr", "")) if code else ""
        yield Step(f"runs Python{f' ({name})' if name else ''}", dangers=self._one_way("reverse_code"))

    def _RunSQL(self) -> Iterator[Step]:
        said = " ".join((text_of(self.given(0, "sql")) or "").split())
        told = f": {said[:60]}{'...' if len(said) > 60 else ''}" if said else ""
        yield Step(f"runs SQL of its own{told}", dangers=self._one_way("reverse_sql"))

    def _SeparateDatabaseAndState(self) -> Iterator[Step]:
        yield from _steps(self.given(0, "database_operations"))

    def _field(self) -> str:
        return f"{self.word(0, 'model_name')}.{self.word(1, 'name')}"

    def _one_way(self, name: str) -> tuple[str, ...]:
        back = self.given(1, name)
        is_none = isinstance(back, ast.Constant) and back.value is None
        return ("cannot be undone",) if is_none or not back else ()


_IS_USED = "the release before uses it until the switch"
_NOT_NULL = "NOT NULL without db_default: the release before cannot add rows until the switch"


def _needs_value(field: ast.Call) -> bool:
    """Whether a new column prevents the release before from inserting rows, as rows need a value for it."""
    kind = last_name(field.func)
    given = {each.arg: each.value for each in field.keywords}
    null = given.get("null")
    is_null = isinstance(null, ast.Constant) and bool(null.value)
    return kind not in ("ManyToManyField", "GeneratedField") and not is_null and "db_default" not in given


def _stem(path: str) -> str:
    return posixpath.basename(path).removesuffix(".py")


def _assigned(node: ast.ClassDef) -> dict[str, ast.expr | None]:
    """The names that a class gives a value, whether with a type or without."""
    found: dict[str, ast.expr | None] = {}
    for each in node.body:
        if isinstance(each, ast.Assign | ast.AnnAssign):
            targets = each.targets if isinstance(each, ast.Assign) else [each.target]
            found.update((one.id, each.value) for one in targets if isinstance(one, ast.Name))
    return found


def _code_of(text: str) -> ast.Module:
    try:
        return parsed(text)
    except (SyntaxError, ValueError):
        return ast.Module([], [])
