"""The settings that put something into a release besides the commit's files: files:, ship: and shared:."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import pairwise
from typing import Any

from .kinds import CONTROL, Kind, Wrong, mapping, several, shown, text
from .names import INSIDE

#: a path of `files:` that begins with this is in the virtualenv, and not in the code of a release
IN_VIRTUALENV = "venv/"
COMMANDS = several(text("a line of shell", r"[^\x00\n]*[^\x00\s][^\x00\n]*"), "a list of lines of shell")


def overlap(paths: Iterable[str]) -> tuple[str, str] | None:
    """Two of these paths, the second of which equals the first or is inside it; None if there are none."""
    known = sorted(f"{path}/" for path in paths)
    found = next(((one, other) for one, other in pairwise(known) if other.startswith(one)), None)
    return (found[0][:-1], found[1][:-1]) if found else None


def _place(value: Any) -> str:
    path = INSIDE.check(value)
    if path == "." or ".git" in path.split("/"):
        raise Wrong(f"must be a path below the folder of fabric.yaml, not {shown(value)}")
    return path


def _shared(value: Any) -> tuple[str, ...]:
    paths = _PLACES.check(value)
    for path in paths:
        if path.endswith(".py"):
            raise Wrong(f"{path} is Python code, which belongs to a release; share a folder or file of data")
    return _apart(paths)


def _apart(paths: tuple[str, ...]) -> tuple[str, ...]:
    if found := overlap(paths):
        raise Wrong(f"{found[1]} lies in {found[0]}, which is in the list too; leave one out")
    return paths


def check_places(shared: Iterable[str], ship: Iterable[str], files: Iterable[str]) -> None:
    """Refuse two places if one is inside the other: each has one purpose. Raises Wrong."""
    named = dict.fromkeys(shared, "shared:")
    for path, key in [*((path, "ship:") for path in ship), *((path, "files:") for path in files)]:
        if path in named:
            raise Wrong(
                f"{path} is under {named[path]} and {key}; each place has one purpose, so leave one out"
            )
        named[path] = key
    if found := overlap(named):
        both = [f"{path} ({named[path]})" for path in found]
        raise Wrong(f"{both[1]} lies in {both[0]}; each place has one purpose, so leave one out")


def _template(value: Any) -> str:
    if not isinstance(value, str) or not value.strip() or re.search(CONTROL, value):
        raise Wrong(f"must be the path of a template, such as deploy/local_settings.py, not {shown(value)}")
    return value


PLACE: Kind[str] = Kind(INSIDE.says, _place)
_PLACES = several(PLACE, "a list of paths")
SHIP: Kind[tuple[str, ...]] = Kind(
    _PLACES.says, lambda value: _apart(_PLACES.check(value)), _PLACES.from_text
)
FILES = mapping("a mapping of places in the project to templates", PLACE.check, _template)
SHARED: Kind[tuple[str, ...]] = Kind(_PLACES.says, _shared, _PLACES.from_text)
