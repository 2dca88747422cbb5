"""Which of several settings modules a project means for production. If its files disagree, roadie asks."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from ..errors import SettingsError
from .words import Code, absolute, takes_all

#: words in the name of a settings module, by whom it is for
DEVELOPERS = ("dev", "develop", "development", "local", "debug", "testing")
_TESTS = ("test", "tests", "ci")
_SHARED = ("base", "common", "default", "defaults")
_PRODUCTION = ("production", "prod", "live", "deployment", "deploy")


class TwoMinds(SettingsError):
    """The project names two settings modules. `choices` has both, the likelier one for production first."""

    def __init__(self, why: str, choices: tuple[str, str]) -> None:
        super().__init__(
            f"{why}; write the one for production in fabric.yaml, for example `settings_module: {choices[0]}`"
        )
        self.choices = choices


def refuse_developers(code: Code, module: str) -> None:
    """Refuse settings for developers that manage.py names, if settings for production lie beside them.

    Settings that others share (base, common) are no better if manage.py itself names them.
    """
    for one in (module, *_imported(code, module)):
        known = (*DEVELOPERS, *_SHARED) if one == module else DEVELOPERS
        if (other := _beside(code, one, known)) and code.path(one):
            how = "names" if one == module else f"names {module}, which imports"
            raise TwoMinds(f"manage.py {how} {one}, and {other} lies beside it", (other, module))


def rank(name: str) -> int:
    """How far a name of settings is from production: such names come first if a list is sorted by this."""
    words = {*re.split(r"[\W_]+", name.lower())}
    for place, known in enumerate((_PRODUCTION, (*DEVELOPERS, *_TESTS), _SHARED)):
        if words & {*known}:
            return (0, 3, 2)[place]
    return 1


def is_for_developers(module: str) -> bool:
    """Whether the name of a settings module says that it is for developers."""
    return bool({*module.rpartition(".")[2].split("_")} & {*DEVELOPERS})


def _imported(code: Code, package: str) -> Iterator[str]:
    """The modules of which a settings package imports everything if they are there."""
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
    """Whether other settings take the place of those that are not there."""
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
