"""What else than the commit's files has a place in a release's tree, checked against the commit."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping

from ..errors import SettingsError
from ..git.trees import Tree
from ..settings.reading import Settings


def folders(settings: Settings) -> list[str]:
    """The folders that the tree of a release must hold for the sake of these settings."""
    return [posixpath.dirname(path) for path in (*settings.shared, *settings.ship)]


def shared(tree: Tree, settings: Settings, needed: list[str]) -> Mapping[str, str]:
    """Each shared path, and whether it is a `folder` or a `file`.

    Raises SettingsError for a folder that holds code, or a file that is `needed` to make the release.
    """
    if not settings.shared:
        return {}
    paths = tree.list()
    found = {}
    for path in settings.shared:
        inside = [one for one in paths if one.startswith(f"{path}/")]
        code = next((one for one in (*inside, path) if one.endswith(".py") or one in needed), None)
        if code:
            raise SettingsError(
                f"shared: {path} holds {code}, which belongs to a release; share a folder of data only"
            )
        is_file = not inside and (path in paths or bool(posixpath.splitext(path)[1]))
        found[path] = "file" if is_file else "folder"
    return found


def in_code(path: str, ship_root: str) -> str:
    """The place of a path in the code of a release, which starts at `ship_root`."""
    return path.removeprefix(f"{ship_root}/") if ship_root else path
