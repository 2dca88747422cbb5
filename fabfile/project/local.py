"""Requirements in folders of the project, and the folders from which its modules are imported."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable

from ..errors import SettingsError
from ..git.trees import Tree
from . import forms
from .source import Code

_EDITABLE = r"(-e|--editable)(?:\s*=\s*|\s*)(\S.*)"
_FIND_LINKS = r"(-f|--find-links)(?:\s*=\s*|\s*)(\S.*)"
_NAMED = r"[A-Za-z0-9._-]+\s*(\[[^\]]*\])?\s*@\s*"
_ARCHIVE = r".*\.(whl|zip|tar\.(gz|bz2|xz))"
#: the names of modules and folders beside a package that are none
_BESIDE = {*"setup conftest noxfile fabfile tasks manage tests test docs doc examples".split()}


def path_in(line: str) -> str | None:
    """The path in the project from which a line installs, as it is written; None if the line names none."""
    editable = re.fullmatch(_EDITABLE, line) or re.fullmatch(_FIND_LINKS, line)
    spec = editable[2] if editable else line
    if found := re.search(r"(?:^|@\s*)file:(?://(?:localhost)?)?(\S*)", spec):
        spec = found[1]
    elif "://" in spec or (spec.startswith("-") and not editable):
        return None
    elif found := re.match(rf"{_NAMED}(\./\S+|\.\./\S+)", spec):
        spec = found[2]
    elif not editable and not _looks_like_path(spec):
        return None
    spec = re.split(r"\s+(?:;|--)|#", spec.strip("\"'"))[0]
    return re.sub(r"\[[^\]]*\]$", "", spec).strip() or "."


def _looks_like_path(spec: str) -> bool:
    first = re.split(r"[\s;]", spec)[0]
    return first.startswith((".", "/", "~")) or re.fullmatch(_ARCHIVE, first) is not None or "/" in first


def is_editable(line: str) -> bool:
    """Whether a line installs a folder of the project as editable."""
    return re.fullmatch(_EDITABLE, line) is not None and path_in(line) is not None


def resolved(path: str, folder: str, where: str) -> str:
    """A path that starts in `folder`, as one from the root. Raises SettingsError if it leads out."""
    found = posixpath.normpath(posixpath.join(folder, path))
    if found.startswith(("../", "/")) or found == "..":
        raise SettingsError(
            f"{where}: {path} lies outside of what is deployed; move it into the project's folder"
        )
    return "" if found == "." else found


def place_of(line: str) -> str:
    """The path in the project that a line of the settings installs from."""
    return resolved(path_in(line) or "", "", "extra_requirements")


def started_in(folder: str, line: str) -> str:
    """The line, whose path starts at the root of the tree, with a path that starts in `folder`."""
    path = path_in(line)
    if path is None:
        return line
    before = re.match(rf"(-e|--editable)[\s=]+|{_NAMED}", line)
    start = before.end() if before else 0
    return line[:start] + line[start:].replace(path, f"./{posixpath.relpath(path, folder or '.')}", 1)


def import_root(tree: Tree, folder: str) -> str | None:
    """Where the modules of an installed folder begin: in the folder or its src/. None if it has none."""
    start, src = posixpath.join(folder, ""), posixpath.join(folder, "src", "")
    inside = [path.removeprefix(start) for path in tree.list() if path.startswith(start)]
    inside = [path for path in inside if path.endswith(".py")]
    if any(path.startswith("src/") for path in inside) and "src/__init__.py" not in inside:
        return src.rstrip("/")
    tops = {path.removesuffix(".py") for path in inside if "/" not in path}
    tops |= {path.partition("/")[0] for path in inside if re.fullmatch(r"[^/]+/__init__\.py", path)}
    return folder if tops - _BESIDE else None


def own_roots(code: Code, module: str, top: str, extra: Iterable[str]) -> list[str]:
    """The folders from which the project's own modules are imported, besides that of manage.py.

    They are those of the package of the nearest pyproject.toml, between manage.py and the folder `top`, and
    those of the editable requirements in fabric.yaml. If the settings module is only in src/ beside
    manage.py, src/ is one too.
    """
    tree, manage_dir = code.tree, code.folder
    near = [folder for folder in (manage_dir, *above(manage_dir)) if folder.startswith(top)]
    packages = [folder for folder in near if _is_package(tree, folder)][:1]
    packages += [place_of(line) for line in extra if is_editable(line)]
    found = [root for folder in packages if (root := import_root(tree, folder)) is not None]
    src = posixpath.join(manage_dir, "src")
    if not Code(tree, manage_dir, *found).path(module) and Code(tree, src).path(module):
        found.append(src)
    return [folder for folder in unique(found) if folder != manage_dir]


def unique(paths: Iterable[str]) -> tuple[str, ...]:
    """Each path once, in this order."""
    return tuple(dict.fromkeys(paths))


def _is_package(tree: Tree, folder: str) -> bool:
    """Whether the tool that the project uses would install the project itself."""
    path = posixpath.join(folder, "pyproject.toml")
    try:
        contents = forms.parsed(path, tree.read(path) or "")
    except SettingsError:  # If requirements are in the file, reading them raises this again.
        return False
    return forms.is_package(contents)


def above(folder: str) -> list[str]:
    """The folders above a folder, the nearest first."""
    parts = folder.split("/") if folder else []
    return ["/".join(parts[:length]) for length in reversed(range(len(parts)))]
