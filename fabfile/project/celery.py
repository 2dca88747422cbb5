"""Finds the Celery application of a project in the project's text."""

from __future__ import annotations

import ast
import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from ..errors import SettingsError
from ..settings.processes import Celery
from ..settings.reading import Settings
from .assignments import Names
from .modules import packages_around
from .source import Code
from .syntax import last_name

# Where a Celery application may be, from the folder of manage.py down, if it is not beside the settings.
_FILE = re.compile(r"([\w/]*/)?(\w*celery\w*|tasks)\.py")
_SCHEDULES = re.compile(
    r"beat_schedule|CELERYBEAT_SCHEDULE|CELERY_BEAT_SCHEDULE|add_periodic_task|DatabaseScheduler"
)


@dataclass(frozen=True)
class CeleryFound:
    """What the text tells of Celery."""

    #: the module of the application; empty if there is none
    app: str = ""
    #: whether there is a schedule for beat to run
    has_schedule: bool = False


def find_celery(code: Code, module: str, names: Names) -> CeleryFound:
    """Look beside the settings first, then in the files that are named after Celery or tasks."""
    for path in _candidates(code, module):
        text = code.tree.read(path) or ""
        if "Celery" in text and any(_is_application(node) for node in ast.walk(code.peek(path))):
            settings = code.tree.read(code.path(module) or "") or ""
            has_schedule = any(map(_SCHEDULES.search, (text, settings, *names)))
            return CeleryFound(code.module_in(path), has_schedule)
    return CeleryFound()


def _candidates(code: Code, module: str) -> Iterator[str]:
    """The files in which the application may be."""
    for package in packages_around(module)[:-1]:
        for one in (f"{package}.celery", package):
            if path := code.path(one):
                yield path
    for path in code.files_near(3):
        if _FILE.fullmatch(posixpath.relpath(path, code.folder or ".")):
            yield path


def _is_application(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and last_name(node.func) == "Celery"


def with_app(celery: Celery, found: CeleryFound) -> Celery:
    """The settings of Celery. If they name no application, they get the one of the project."""
    app = celery.app or found.app
    if not app:
        raise SettingsError(
            "`celery:` is set, but no Celery application is found in the project; name its module, for "
            "example `celery: {app: mysite.celery}`"
        )
    return replace(celery, app=app)


def forewarnings(found: CeleryFound, settings: Settings) -> Iterator[str]:
    """A sentence for each part of Celery that the project has and that no program would run."""
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
