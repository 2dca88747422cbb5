"""Code: the modules of a project. roadie parses their files and never imports them."""

from __future__ import annotations

import ast
import posixpath
import sys
from collections.abc import Iterator

from ..errors import SettingsError
from ..git.trees import Tree
from .syntax import parsed


class Code:
    """The modules that Python would find in the folder of manage.py, and after that in more folders.

    `is_for_newer` says that the code is for a newer Python than the one that runs here. Then this Python need
    not be able to parse all of the code.
    """

    def __init__(self, tree: Tree, folder: str, *more: str, is_for_newer: bool = False) -> None:
        self.tree = tree
        self.folder = folder
        self.is_for_newer = is_for_newer
        self._folders = (folder, *more)
        self._paths = frozenset(tree.list())
        self._parsed: dict[str, ast.Module] = {}

    def path(self, module: str) -> str | None:
        """The path of a module; None if the module is not the project's."""
        bases = (posixpath.join(folder, *module.split(".")) for folder in self._folders)
        near = (path for base in bases for path in (f"{base}/__init__.py", f"{base}.py"))
        return next((path for path in near if path in self._paths), None)

    def package(self, module: str) -> str:
        """The package in which a module's relative imports start: the module itself if it is a package."""
        is_package = (self.path(module) or "").endswith("/__init__.py")
        return module if is_package else module.rpartition(".")[0]

    def has(self, package: str) -> bool:
        """Whether the project has a module or package of this name, with or without __init__.py."""
        bases = tuple(posixpath.join(folder, package) for folder in self._folders)
        inside = tuple(f"{base}/" for base in bases)
        return any(f"{base}.py" in self._paths for base in bases) or any(
            path.startswith(inside) for path in self._paths
        )

    def parse(self, path: str) -> ast.Module:
        """The parsed text of a file. All callers get the same tree, so none may change the tree."""
        if path in self._parsed:
            return self._parsed[path]
        try:
            self._parsed[path] = parsed(self.tree.read(path) or "")
        except (SyntaxError, ValueError) as error:
            line = f", line {error.lineno}" if isinstance(error, SyntaxError) and error.lineno else ""
            version = f"{sys.version_info.major}.{sys.version_info.minor}"
            raise SettingsError(
                f"{path}{line}: is not Python as {version} reads it ({_reason(error)}); "
                "put it right, or run fab with a newer Python"
            ) from None
        return self._parsed[path]

    def peek(self, path: str) -> ast.Module:
        """The parsed text of a file; an empty module if this Python cannot parse the file."""
        try:
            return self.parse(path)
        except SettingsError:
            return ast.Module([], [])

    def files_near(self, depth: int) -> Iterator[str]:
        """The files at most so many folders below that of manage.py."""
        start = posixpath.join(self.folder, "")
        for path in self.tree.list():
            if path.startswith(start) and path.removeprefix(start).count("/") <= depth:
                yield path

    def module_in(self, path: str) -> str:
        """The name by which a file is imported, from the innermost of the folders that hold the file."""
        folders = (posixpath.join(folder, "") for folder in self._folders)
        folder = max((one for one in folders if path.startswith(one)), key=len, default="")
        inside = path.removeprefix(folder).removesuffix(".py").removesuffix("/__init__")
        return inside.replace("/", ".")


def _reason(error: Exception) -> str:
    return error.msg if isinstance(error, SyntaxError) else str(error)
