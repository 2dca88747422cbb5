"""Which settings module is for production, by the names of the modules. roadie does not guess between two."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from ..errors import SettingsError
from .source import Code
from .syntax import absolute, takes_all

#: words in the names of settings modules, which tell for whom a module is
DEVELOPERS = ("dev", "develop", "development", "local", "debug", "testing")
_TESTS = ("test", "tests", "ci")
_SHARED = ("base", "common", "default", "defaults")
_PRODUCTION = ("production", "prod", "live", "deployment", "deploy")
#: what `rank` says of a name with one of these words
_RANKS = ((_PRODUCTION, 0), ((*DEVELOPERS, *_TESTS), 3), (_SHARED, 2))
_RANK_OF_OTHERS = 1


class AmbiguousSettings(SettingsError):
    """The project names two settings modules. `choices` has both, the likelier one for production first."""

    def __init__(self, why: str, choices: tuple[str, str]) -> None:
        super().__init__(
            f"{why}; write the one for production in fabric.yaml, for example `settings_module: {choices[0]}`"
        )
        self.choices = choices


def refuse_developers(code: Code, module: str) -> None:
    """Refuse settings for developers that manage.py names, if there are others for production beside them.

    Shared settings (base, common) are refused too, if manage.py names them itself.
    """
    for one in (module, *_imported(code, module)):
        known = (*DEVELOPERS, *_SHARED) if one == module else DEVELOPERS
        if (other := _beside(code, one, known)) and code.path(one):
            how = "names" if one == module else f"names {module}, which imports"
            raise AmbiguousSettings(f"manage.py {how} {one}, and {other} lies beside it", (other, module))


def rank(name: str) -> int:
    """How far a name is from production. A list that is sorted by this has names for production first."""
    words = {*re.split(r"[\W_]+", name.lower())}
    return next((rank for known, rank in _RANKS if words & {*known}), _RANK_OF_OTHERS)


def is_for_developers(module: str) -> bool:
    """Whether the name of a settings module says that it is for developers."""
    return bool({*module.rpartition(".")[2].split("_")} & {*DEVELOPERS})


def _imported(code: Code, package: str) -> Iterator[str]:
    """The modules that a settings package takes its names from (`import *`), where they exist."""
    path = code.path(package) or ""
    if path.endswith("/__init__.py"):
        body = code.parse(path).body
        tries = (
            node for node in body if isinstance(node, ast.Try) and any(map(_takes_others, node.handlers))
        )
        for node in (*body, *(each for one in tries for each in one.body)):
            if isinstance(node, ast.ImportFrom) and takes_all(node):
                yield absolute(node, package)


def _takes_others(handler: ast.ExceptHandler) -> bool:
    """Whether this `except` takes other settings in place of the missing ones."""
    return any(isinstance(node, ast.ImportFrom) and takes_all(node) for node in handler.body)


def _beside(code: Code, module: str, known: tuple[str, ...]) -> str:
    """The module for production beside one with a known word in its name; empty if there is none."""
    package, _, name = module.rpartition(".")
    words = name.split("_")
    for place, word in enumerate(words):
        for other in _PRODUCTION if word in known else ():
            found = ".".join(filter(None, (package, "_".join([*words[:place], other, *words[place + 1 :]]))))
            if code.path(found):
                return found
    return ""
