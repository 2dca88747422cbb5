"""The Celery application of a project, as far as the text tells."""

from __future__ import annotations

import ast
import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from ..errors import SettingsError
from ..settings.processes import Celery
from ..settings.reading import Settings
from .modules import packages_around
from .words import Code, Names, last_name

# The files in which a Celery application stands, if not beside the settings.
_FILE = re.compile(r"([\w/]*/)?(\w*celery\w*|tasks)\.py")
_SCHEDULES = re.compile(
    r"beat_schedule|CELERYBEAT_SCHEDULE|CELERY_BEAT_SCHEDULE|add_periodic_task|DatabaseScheduler"
)


@dataclass(frozen=True)
class CeleryFound:
    """The module of the application, empty if there is none, and whether there is a schedule for beat."""

    app: str = ""
    has_schedule: bool = False


def find_celery(code: Code, module: str, names: Names) -> CeleryFound:
    """Look beside the settings first, then in every file whose name speaks of Celery."""
    for path in _candidates(code, module):
        text = code.tree.read(path) or ""
        if "Celery" in text and any(_is_application(node) for node in ast.walk(code.peek(path))):
            settings = code.tree.read(code.path(module) or "") or ""
            has_schedule = any(map(_SCHEDULES.search, (text, settings, *names)))
            return CeleryFound(_module_of(code, path), has_schedule)
    return CeleryFound()


def _candidates(code: Code, module: str) -> Iterator[str]:
    for package in packages_around(module)[:-1]:
        for one in (f"{package}.celery", package):
            if path := code.path(one):
                yield path
    folder = posixpath.join(code.folder, "")
    for path in code.tree.list():
        inside = path.removeprefix(folder)
        if path.startswith(folder) and inside.count("/") <= 3 and _FILE.fullmatch(inside):
            yield path


def _module_of(code: Code, path: str) -> str:
    inside = posixpath.relpath(path, code.folder or ".")
    return inside.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def _is_application(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and last_name(node.func) == "Celery"


def with_app(celery: Celery, found: CeleryFound) -> Celery:
    """The settings of Celery with the application that the project has, if they name none."""
    app = celery.app or found.app
    if not app:
        raise SettingsError(
            "`celery:` is set, but no Celery application is found in the project; name its module, for "
            "example `celery: {app: mysite.celery}`"
        )
    return replace(celery, app=app)


def forewarnings(found: CeleryFound, settings: Settings) -> Iterator[str]:
    """What the project has and nothing would run."""
    runs = " ".join(one.command for one in settings.programs.values())
    if not found.app or "celery" in runs:
        return
    if not settings.celery:
        value = "{beat: true}" if found.has_schedule else "true"
        yield (
            f"the project has a Celery application ({found.app}), and nothing runs its tasks; write "
            f"`celery: {value}` in fabric.yaml"
        )
    elif found.has_schedule and not settings.celery.beat:
        yield "the project has a schedule for Celery, and nothing runs it; write `beat: true` under celery:"
