"""Finds the file with the requirements of a project."""

from __future__ import annotations

import posixpath

from ..errors import SettingsError
from ..git.trees import Tree
from . import forms, local
from .requirements import read_file

#: the files with requirements for production, the likeliest one first
_NAMES = (
    "requirements/production.txt",
    "requirements/prod.txt",
    "requirements/deploy.txt",
    "requirements.txt",
)
#: the files that are good if no form of requirements is there
_BASES = (
    *(f"requirements{sign}{name}.txt" for name in ("production", "prod", "deploy") for sign in "-_"),
    "requirements/base.txt",
    "requirements/common.txt",
)
# Files from which nothing can be installed, and what makes one from which it can.
_LACK = {
    "Pipfile": "run `pipenv lock`, and commit Pipfile.lock",
    "pyproject.toml": "write `dependencies` under [project], or commit the lock file of your tool",
}


class NoRequirements(SettingsError):
    """The project has no requirements file that roadie can install from; exit code 2."""


def candidates(tree: Tree, folder: str, suggested: tuple[str, ...]) -> list[str]:
    """Every file that may have the requirements of the project in `folder`. The first one is installed.

    Raises NoRequirements if there is none. The message suggests these lines of requirements.
    """
    if found := near(tree, folder):
        return found
    paths = frozenset(tree.list())
    folders = [folder, *local.above(folder)]
    for here in folders:
        for name, cure in _LACK.items():
            if (path := posixpath.join(here, name)) in paths and not _others(paths, folders):
                cure = _cure_of_poetry(tree, path) or cure
                raise NoRequirements(f"{path} alone does not tell what to install: {cure}")
    raise NoRequirements(_none_at_all(paths, folder, suggested))


def near(tree: Tree, folder: str) -> list[str]:
    """The files with requirements in a folder and in the folders above, the nearest first."""
    paths = frozenset(tree.list())
    names = (*_NAMES, *(form.file for form in forms.FORMS), *_BASES)
    places = [posixpath.join(here, name) for here in (folder, *local.above(folder)) for name in names]
    return [path for path in places if path in paths and _is_installable(tree, path)]


def _is_installable(tree: Tree, path: str) -> bool:
    """Whether a file has requirements. Most files pyproject.toml have none."""
    if posixpath.basename(path) != "pyproject.toml":
        return True
    return forms.has_dependencies(forms.parsed(path, read_file(tree, path, "")))


def _cure_of_poetry(tree: Tree, path: str) -> str:
    text = read_file(tree, path, "")
    return "run `poetry lock`, and commit poetry.lock" if "[tool.poetry.dependencies]" in text else ""


def _is_requirements(path: str, folders: list[str]) -> bool:
    place, name = posixpath.split(path)
    above, last = posixpath.split(place)
    named = name.startswith("requirements") and place in folders
    return name.endswith((".txt", ".pip")) and (named or (last == "requirements" and above in folders))


def _others(paths: frozenset[str], folders: list[str]) -> list[str]:
    """Requirements files whose names do not tell that they are for production."""
    return sorted(path for path in paths if _is_requirements(path, folders))


def _none_at_all(paths: frozenset[str], folder: str, suggested: tuple[str, ...]) -> str:
    if others := _others(paths, [folder, *local.above(folder)]):
        return (
            f"no requirements file for production, only {', '.join(others[:4])}; "
            f"name the right one in fabric.yaml, for example `requirements: {others[0]}`"
        )
    return (
        f"no requirements file; write {posixpath.join(folder, 'requirements.txt')} with the lines "
        f"{' and '.join(map(repr, suggested))}, and commit it"
    )
