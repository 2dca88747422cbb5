"""What a project may mean if it names a module that is not there: an example of it, or other settings."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator

from ..git.trees import Tree
from .minds import rank
from .words import Code

_EXAMPLE = r"([._-]\w+)*[._-](example|sample|template|dist|tmpl)(\.py)?"


def settings_modules(code: Code) -> list[str]:
    """The modules that may be settings by their names, the likeliest one for production first."""
    found = []
    for path in code.tree.list():
        inside = posixpath.relpath(path, code.folder or ".")
        name = inside.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        is_near = not inside.startswith("../") and inside.count("/") <= 3
        if (
            is_near
            and inside.endswith(".py")
            and re.search(r"(^|\.)settings(_\w+|\.\w+)?$", name)
            and (code.tree.read(path) or "").strip()
        ):
            found.append(name)
    return sorted(found, key=rank)


def missing(code: Code, texts: Iterable[str]) -> Iterator[str]:
    """What to do about each module that a text names, that is not in git, and that has an example."""
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
    """What to do about a Python file that is not in git; empty if nothing in the tree tells."""
    if not (example := example_of(tree, path)):
        return ""
    copy = f"deploy/{posixpath.basename(path)}"
    return f"{example} lies beside: copy it to {copy}, fill it in, and write `files: {{{path}: {copy}}}`"
