"""Chooses the kind of the site's database, by what the text of the project says."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from ..errors import SettingsError
from ..settings.databases import DATABASES, DEFAULT
from ..settings.reading import Settings
from .assignments import Names
from .choice import Choice
from .origins import origins_of
from .requirements import Requirements
from .source import Code
from .syntax import absolute, takes_all, text_of

_SETTING = "DATABASES"
_GIS = "django.contrib.gis"


@dataclass(frozen=True)
class _Named:
    """A kind of database that the settings of the project name."""

    kind: str
    #: how the settings name the kind, for messages
    words: str
    #: whether the settings name the kind whatever the environment says
    is_fixed: bool
    #: the scheme of a URL, or the last part of an ENGINE if that differs from the name of the kind
    spelling: str


def url_scheme(settings: Settings, code: Code, module: str, names: Names, kind: str) -> str:
    """The scheme for the URL of the site's database. Some projects ask for postgres:// or postgis://."""
    database = DATABASES[kind]
    said = {one.spelling for one in _named(settings, code, module, names) if one.kind == kind}
    if _GIS in _texts_of(code, module, set()):
        said |= {*database.extensions}
    fit = [one for one in database.spellings if one in said]
    return next((one for one in fit if one in database.extensions or kind not in said), kind)


def choose_database(
    settings: Settings, code: Code, module: str, names: Names, required: Requirements
) -> Choice:
    """The kind of the site's database: the one that fabric.yaml names, else the one that the project is for.

    A project tells the kind by the ENGINE or the URL in its settings, or by a driver that it requires.
    Raises SettingsError if fabric.yaml names a kind that the project excludes.
    """
    named = {one.kind: one for one in _named(settings, code, module, names)}
    if settings.database:
        if _SETTING not in settings.overlay.forced and DATABASES[settings.database].is_provisioned:
            _refuse_another(settings.database, module, named)
        return Choice(settings.database, "as `database:` says")
    drivers = _drivers_in(required)
    kinds = [kind for kind in named if not DATABASES[kind].yields] or [*named]
    if len(kinds) == 1 and not _is_outvoted(named[kinds[0]], drivers):
        return Choice(kinds[0], f"as {module} names {named[kinds[0]].words}")
    with_driver = [kind for kind in drivers if kind in kinds] or [*drivers]
    if len(with_driver) == 1:
        return Choice(with_driver[0], f"as {required.path} has {drivers[with_driver[0]]}")
    several = sorted({*kinds, *drivers})
    why = f"as the project names {' and '.join(several)}" if several else "as the project names no other"
    return Choice(DEFAULT, f"{why}; `database:` chooses another")


def _drivers_in(required: Requirements) -> dict[str, str]:
    """Each kind for which a project requires a driver, with that driver."""
    packages = required.packages
    return {one.name: driver for one in DATABASES.values() for driver in one.drivers if driver in packages}


def _is_outvoted(one: _Named, drivers: Collection[str]) -> bool:
    """Whether the drivers that the project requires speak for another kind than the settings name.

    They never do if the settings name the kind whatever the environment says.
    """
    is_likelier = DATABASES[one.kind].yields or (one.kind not in drivers and len(drivers) == 1)
    return bool(drivers) and is_likelier and not one.is_fixed


def _refuse_another(kind: str, module: str, named: Mapping[str, _Named]) -> None:
    for one in named.values():
        if one.is_fixed and one.kind != kind and len(named) == 1:
            raise SettingsError(
                f"{module}: {_SETTING} has the engine {one.words}, whatever the environment says, and "
                f"`database:` is {kind}; read it from DATABASE_URL there, or write `database: {one.kind}` "
                f"or `overlay: [{_SETTING}]`"
            )


def _named(settings: Settings, code: Code, module: str, names: Names) -> Iterator[_Named]:
    """Each kind that the settings name for the default database."""
    if _SETTING in settings.django:
        yield from _in_value(ast.parse(repr(settings.django[_SETTING]), mode="eval").body, {})
    elif (origin := origins_of(names)[_SETTING]) in ("own", "unread"):
        value = names[_SETTING] if origin == "own" else None
        # Without a value, only running the code would show the kind. Then every text in the modules counts.
        is_read = value and not is_worked_out(value, names)
        yield from _in_value(value, names) if value and is_read else _in_modules(code, module, set())
        if origin == "unread":
            yield from (each for one in _parts(code, module) for each in _in_modules(code, one, set()))


def _in_value(value: ast.expr, names: Names) -> Iterator[_Named]:
    value = item_of(value, "default") or value
    engine = item_of(value, "ENGINE")
    if engine and (text := text_of(engine)):
        yield from _as_named(text, kinds_of_engine(text), text, is_fixed=True)
        return
    for text in _texts(value, names, set()):
        # `django.db.backends.` may stand apart from the word that follows it.
        kinds = _kinds_of(text) or (kinds_of_engine(f"backends.{text}") if engine else [])
        yield from _as_named(text, kinds, _shown(text))


def _in_modules(code: Code, module: str, seen: set[str]) -> Iterator[_Named]:
    for text in _texts_of(code, module, seen):
        yield from _as_named(text, _kinds_of(text), _shown(text))


def _as_named(text: str, kinds: list[str], words: str, *, is_fixed: bool = False) -> Iterator[_Named]:
    """The kinds that a text names, with the words of the text."""
    scheme, colon, _ = text.partition("://")
    spelling = scheme if colon else text.rpartition(".")[2]
    yield from (
        _Named(kind, words, is_fixed, spelling if colon or spelling != kind else "") for kind in kinds
    )


def _texts_of(code: Code, module: str, seen: set[str]) -> Iterator[str]:
    """The texts in a module, and in the modules from which it imports everything."""
    path = code.path(module)
    if not path or path in seen:
        return
    seen.add(path)
    tree = code.peek(path)
    yield from _texts(tree, {}, set())
    package = code.package(module)
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and takes_all(node):
            yield from _texts_of(code, absolute(node, package), seen)


def _parts(code: Code, package: str) -> Iterator[str]:
    """The modules in a settings package. `include(...)` may take any of them."""
    path = code.path(package) or ""
    if path.endswith("/__init__.py"):
        inside = path.removesuffix("__init__.py")
        for each in code.tree.list():
            if each.startswith(inside) and each.endswith(".py") and each != path:
                yield f"{package}.{each.removeprefix(inside).removesuffix('.py').replace('/', '.')}"


def item_of(value: ast.expr | None, key: str) -> ast.expr | None:
    """The value of a key in a mapping that the text spells out."""
    if isinstance(value, ast.IfExp):
        return item_of(value.body, key) or item_of(value.orelse, key)
    if isinstance(value, ast.Dict):
        for each, item in zip(value.keys, value.values, strict=True):
            if each is not None and text_of(each) == key:
                return item
    if isinstance(value, ast.Call) and getattr(value.func, "id", "") == "dict":
        return next((word.value for word in value.keywords if word.arg == key), None)
    return None


def is_worked_out(value: ast.expr, names: Names) -> bool:
    """Whether only running the code would show the default database: `DATABASES = {"default": chosen}`."""
    default = item_of(value, "default")
    return isinstance(default, ast.Name) and not names.get(default.id)


def _texts(node: ast.AST, names: Names, seen: set[str]) -> Iterator[str]:
    """The texts in a piece of code, and in the values of the names in it."""
    for each in ast.walk(node):
        if isinstance(each, ast.Constant) and isinstance(each.value, str):
            yield each.value
        elif isinstance(each, ast.Name) and each.id not in seen and (value := names.get(each.id)):
            seen.add(each.id)
            yield from _texts(value, names, seen)


def _kinds_of(text: str) -> list[str]:
    """The kind that a text names as an ENGINE or as a URL."""
    if url := re.match(r"([a-z0-9+-]+)://", text):
        return [one.name for one in DATABASES.values() if url[1] in one.schemes]
    return kinds_of_engine(text) if "backend" in text else []


def kinds_of_engine(text: str) -> list[str]:
    """The kind that a text names as an ENGINE."""
    if not re.fullmatch(r"\w+(\.\w+)+", text):
        return []
    last = text.rpartition(".")[2]
    return [one.name for one in DATABASES.values() if last.startswith(one.engines)]


def _shown(text: str) -> str:
    """A URL without its user, its password and its host."""
    scheme, colon, _ = text.partition("://")
    return f"a {scheme}:// URL" if colon else text
