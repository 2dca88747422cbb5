"""Finds the modules of a project: manage.py, the settings, and the application that Gunicorn serves."""

from __future__ import annotations

import ast
import posixpath
from collections.abc import Iterator

from ..errors import SettingsError
from ..git.trees import Tree
from ..settings.reading import Settings
from . import likely
from .assignments import Names
from .production import AmbiguousSettings
from .source import Code
from .syntax import text_of

_VARIABLE = "DJANGO_SETTINGS_MODULE"


def manage_py(tree: Tree, settings: Settings) -> str:
    """The path of the project's manage.py."""
    if settings.project:
        path = posixpath.normpath(posixpath.join(settings.project, "manage.py"))
        if tree.read(path) is None:
            raise SettingsError(f"{path}: no such file; is it committed, and is `project:` its folder?")
        return path
    near = (path for path in tree.list() if path.count("/") <= 2)
    every = [path for path in near if posixpath.basename(path) == "manage.py"]
    found = [path for path in every if _is_djangos(tree, path)]
    found = found or [path for path in every if _has_settings(tree, path, settings)]
    found = ["manage.py"] if "manage.py" in found else found
    if len(found) > 1:
        found = [path for path in found if _has_settings(tree, path, settings)] or found
    if not found:
        raise SettingsError(
            "no manage.py of Django here or up to two folders down; is it committed? "
            "Else write `project:` (its folder) in fabric.yaml"
        )
    if len(found) > 1:
        first = posixpath.dirname(found[0])
        raise SettingsError(
            f"{' and '.join(found)}: which one? Write `project: {first}` (or another's folder) in fabric.yaml"
        )
    return found[0]


def settings_module(code: Code, manage_dir: str) -> str:
    """The settings module that manage.py names, or wsgi.py or asgi.py if manage.py names none that exists."""
    path = posixpath.join(manage_dir, "manage.py")
    found = {value for value, _ in _settings_named(code.parse(path))}
    named = next(iter(found)) if len(found) == 1 else None
    if named and code.path(named):
        return named
    others = {*_named_by_applications(code)}
    if len(others) == 1:
        return others.pop()
    if named:
        return named
    how = "is worked out" if found else "is not set"
    shown = ", ".join(likely.settings_modules(code)[:4]) or "mysite.settings"
    raise SettingsError(
        f"{path}: {_VARIABLE} {how} there; write `settings_module:` in fabric.yaml with one of {shown}"
    )


def refuse_missing(code: Code, module: str, *, said: str) -> None:
    """Refuse a settings module that does not exist, and name those that may be meant."""
    if code.path(module):
        return
    base = posixpath.join(code.folder, *module.split("."))
    others = ", ".join(likely.settings_modules(code)[:4])
    shown = f" with one of {others}" if others else ""
    cure = likely.cure_of_missing(code.tree, f"{base}.py")
    cure = f"{cure}, or write" if cure else "is it committed? Else write"
    raise SettingsError(
        f"settings module {module}, named by {said}: no {base}.py and no {base}/__init__.py; "
        f"{cure} `settings_module:` in fabric.yaml{shown}"
    )


def application(code: Code, module: str, names: Names, settings: Settings, kind: str) -> str:
    """The module that Gunicorn serves, and after a colon the callable if one is named."""
    setting = f"{kind.upper()}_APPLICATION"
    near = beside(code, module, kind)
    found = settings.wsgi or _application_named(module, names, setting, near)
    if not found:
        return near
    if not code.path(found.partition(":")[0]):
        said = "`wsgi:`" if settings.wsgi else f"{setting} in {module}"
        raise SettingsError(
            f"{kind} module {found}, named by {said}, is not there; is it committed? "
            f"Else write `wsgi:` in fabric.yaml, for example `wsgi: mysite.{kind}`"
        )
    return found


def beside(code: Code, module: str, kind: str) -> str:
    """The module wsgi or asgi beside the settings, or in a folder above; empty if there is none."""
    near = [f"{package}.{kind}" if package else kind for package in packages_around(module)]
    return next((one for one in near if code.path(one)), "")


def refuse_disagreement(code: Code, wsgi: str, module: str) -> None:
    """Do not guess if manage.py and wsgi.py name different settings. Often one of them is for developers."""
    path = code.path(wsgi) or ""
    for value, is_default in _settings_named(code.peek(path)):
        if is_default and value and value != module and code.path(value):
            raise AmbiguousSettings(f"manage.py names {module} and {path} {value}", (value, module))


def packages_around(module: str) -> list[str]:
    """The packages around a module, the nearest first. The last one is the folder of manage.py."""
    parts = module.split(".")
    return [".".join(parts[:length]) for length in reversed(range(len(parts)))]


def _has_settings(tree: Tree, path: str, settings: Settings) -> bool:
    code = Code(tree, posixpath.dirname(path))
    try:
        return code.path(settings.settings_module or settings_module(code, code.folder)) is not None
    except SettingsError:
        return False


def _is_djangos(tree: Tree, path: str) -> bool:
    return "django" in (tree.read(path) or "").lower()


def _settings_named(code: ast.Module) -> Iterator[tuple[str | None, bool]]:
    """Each value that DJANGO_SETTINGS_MODULE gets, and whether the value is a default.

    None stands for a value that the code computes.
    """
    for node in ast.walk(code):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and len(node.args) == 2:
            if node.func.attr == "setdefault" and text_of(node.args[0]) == _VARIABLE:
                yield text_of(node.args[1]), True
        elif isinstance(node, ast.Assign):
            targets = [one for one in node.targets if isinstance(one, ast.Subscript)]
            if any(text_of(one.slice) == _VARIABLE for one in targets):
                yield text_of(node.value), False


def _named_by_applications(code: Code) -> Iterator[str]:
    """The settings modules that wsgi.py or asgi.py names, if they exist."""
    for path in code.files_near(2):
        if posixpath.basename(path) in ("wsgi.py", "asgi.py"):
            for value, _ in _settings_named(code.peek(path)):
                if value and code.path(value):
                    yield value


def _application_named(module: str, names: Names, setting: str, near: str) -> str:
    """The application that a setting names. Empty if the setting names none that the text tells; then the
    application `near` the settings is used.
    """
    value = names.get(setting, ast.Constant(None))
    if isinstance(value, ast.Constant):
        return ":".join(str(value.value).rsplit(".", 1)) if value.value else ""
    if near:  # If this is the wrong one, the check of the release tells: the check imports the application.
        return ""
    raise SettingsError(
        f"{module}: {setting} is worked out there; write `wsgi:` in fabric.yaml, "
        f"for example `wsgi: mysite.{setting[:4].lower()}`"
    )
