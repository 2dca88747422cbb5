"""Pieces of Python's syntax, read from their text. No code is run."""

from __future__ import annotations

import ast
import warnings


def parsed(text: str) -> ast.Module:
    """Parse the text of a file. Raises SyntaxError or ValueError."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # Python reads the encoding from the first lines of the bytes. It need not be UTF-8.
        return ast.parse(text.encode("utf-8", "surrogateescape"))


def text_of(node: ast.AST | None) -> str | None:
    """The text that an expression spells out; None if the expression is no text."""
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def literal_of(node: ast.expr | None, other: object = None) -> object:
    """The value that an expression spells out; `other` if only running the code would show the value."""
    try:
        return ast.literal_eval(node) if node else other
    except (ValueError, TypeError):  # a list as a key of a mapping is a TypeError
        return other


def last_name(node: ast.expr) -> str:
    """The last part of a name such as `os.environ`; empty if the expression is no name."""
    return str(getattr(node, "attr", getattr(node, "id", "")))


def takes_all(node: ast.ImportFrom) -> bool:
    """Whether an import takes all names: `from .base import *`."""
    return any(alias.name == "*" for alias in node.names)


def absolute(node: ast.ImportFrom, package: str) -> str:
    """The module that an import names, in a module of this package."""
    if not node.level:
        return node.module or ""
    parts = package.split(".")
    return ".".join([*parts[: len(parts) - node.level + 1], *([node.module] if node.module else [])])
