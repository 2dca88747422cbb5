"""Suggests a cure if a project names a module that is not in git: an example, or other settings."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator

from ..git.trees import Tree
from .production import rank
from .source import Code

_SETTINGS = re.compile(r"(^|\.)settings(_\w+|\.\w+)?$")
_EXAMPLE = r"([._-]\w+)*[._-](example|sample|template|dist|tmpl)(\.py)?"


def settings_modules(code: Code) -> list[str]:
    """The modules that are settings by their names, the likeliest one for production first."""
    names = ((path, code.module_in(path)) for path in code.files_near(3))
    found = (
        name
        for path, name in names
        # A file such as settings.example.py is no module.
        if _SETTINGS.search(name) and code.path(name) == path and (code.tree.read(path) or "").strip()
    )
    return sorted(found, key=rank)


def missing(code: Code, texts: Iterable[str]) -> Iterator[str]:
    """A sentence with the cure for each module that the texts name and that has only an example in git."""
    for text in dict.fromkeys(texts):
        is_module = re.fullmatch(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+", text)
        if is_module and code.has(text.partition(".")[0]) and not code.path(text):
            path = posixpath.join(code.folder, *text.split(".")) + ".py"
            if cure := cure_of_missing(code.tree, path):
                yield f"the settings name {text}, which is not in git; {cure} in fabric.yaml"


def example_of(tree: Tree, path: str) -> str:
    """The example of a Python file that is not in git, such as `local_settings.py.example`; empty if none."""
    folder, name = posixpath.split(path.removesuffix(".py"))
    shape = re.compile(re.escape(posixpath.join(folder, name)) + _EXAMPLE)
    return next(iter(sorted(filter(shape.fullmatch, tree.list()), key=rank)), "")


def cure_of_missing(tree: Tree, path: str) -> str:
    """The cure for a Python file that is not in git; empty if the tree has no example of the file."""
    if not (example := example_of(tree, path)):
        return ""
    copy = f"deploy/{posixpath.basename(path)}"
    return f"{example} lies beside: copy it to {copy}, fill it in, and write `files: {{{path}: {copy}}}`"
