"""Which versions of Python a project accepts, by its files."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence

from ..errors import SettingsError
from ..git.trees import Tree
from . import forms

_FILES = ("pyproject.toml", "Pipfile.lock", "pylock.toml")
MINORS = range(8, 21)  # The Pythons that a site may have are 3.8 to 3.20.
_CLAUSE = r"\s*(~=|===?|!=|<=?|>=?|\^|~)?\s*v?(\d+(?:\.\d+)*)(\.\*|(?:a|b|rc)\d+)?\s*"
# Poetry also takes blanks between clauses.
_BETWEEN = r",|(?<=[\w*])\s+(?=[<>=!~^])"


def required(tree: Tree, folders: list[str]) -> tuple[str, str]:
    """What the nearest file says of Python, and the file; both empty if none says anything."""
    for folder in folders:
        for name in _FILES:
            path = posixpath.join(folder, name)
            text = tree.read(path)
            if text is not None and (found := forms.required_python(forms.parsed(path, text))):
                return found, path
    return "", ""


def minors(specifier: str, path: str) -> tuple[str, ...]:
    """The versions, such as 3.12, that have a release which the specifier accepts."""
    found = tuple(f"3.{minor}" for minor in MINORS if fits(specifier, _releases(minor)))
    if not found:
        raise SettingsError(
            f"{path}: requires Python {specifier}, and no Python 3 is known that fits; "
            "write `python:` in fabric.yaml"
        )
    return found


def is_older(minor: str, taken: Sequence[str]) -> bool:
    """Whether a version such as 3.11 is older than all of these."""
    return all(int(minor.removeprefix("3.")) < int(one.removeprefix("3.")) for one in taken)


def _releases(minor: int) -> list[tuple[int, ...]]:
    return [(3, minor, patch) for patch in range(40)]


def fits(specifier: str, releases: Sequence[tuple[int, ...]]) -> bool:
    """Whether a specifier of versions accepts one of these releases."""
    for choice in specifier.split("||"):
        clauses = [list(_bounds(clause)) for clause in re.split(_BETWEEN, choice) if clause.strip()]
        if any(all(test(release) for tests in clauses for test in tests) for release in releases):
            return True
    return False


def _bounds(clause: str) -> Iterator[_Test]:
    """The tests of a clause. A clause that cannot be read has none, and accepts any release."""
    found = re.fullmatch(_CLAUSE, clause)
    if not found:
        return
    sign, version, star = found[1] or "==", tuple(map(int, found[2].split("."))), found[3] == ".*"
    if sign in ("~=", "^", "~"):
        yield _Test(">=", version)
        size = {"^": 1, "~": min(2, len(version)), "~=": max(1, len(version) - 1)}[sign]
        yield _Test("==", version[:size], True)
    else:
        yield _Test(sign, version, star or (sign in ("==", "===") and len(version) < 3))


class _Test:
    """One comparison of a release with a version."""

    def __init__(self, sign: str, version: tuple[int, ...], star: bool = False) -> None:
        self.sign, self.version, self.star = sign, version, star

    def __call__(self, release: tuple[int, ...]) -> bool:
        size = len(self.version) if self.star else 3
        mine, theirs = release[:size], (*self.version, 0, 0)[:size]
        return {
            "==": mine == theirs,
            "===": mine == theirs,
            "!=": mine != theirs,
            "<": mine < theirs,
            "<=": mine <= theirs,
            ">": mine > theirs,
            ">=": mine >= theirs,
        }[self.sign]
