"""The places in a release's tree that are not the commit's: those of files:, ship: and shared:."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from ..errors import SettingsError
from ..git.trees import Tree
from ..settings.placed import IN_VIRTUALENV
from ..settings.reading import Settings

#: what a build finds in the place of a secret
NO_SECRET = "no-secret-is-known-in-a-build"


def rendered(settings: Settings) -> tuple[str, ...]:
    """The paths of `files:` that lie in the code of a release."""
    return tuple(path for path in settings.files if not path.startswith(IN_VIRTUALENV))


def folders(settings: Settings) -> list[str]:
    """The folders that the tree of a release needs because of these settings."""
    return [posixpath.dirname(path) for path in (*settings.shared, *settings.ship, *rendered(settings))]


class WithFiles:
    """A tree that also has the files of `files:`, with placeholders for the values in their templates."""

    def __init__(self, tree: Tree, settings: Settings) -> None:
        self._tree = tree
        texts = {path: _text(path, source_of(settings, path)) for path in settings.files}
        self._texts = {path: texts[path] for path in rendered(settings)}

    def list(self) -> Sequence[str]:
        """The paths of all files."""
        return sorted({*self._tree.list(), *self._texts}) if self._texts else self._tree.list()

    def read(self, path: str) -> str | None:
        """A file's text; None if there is no such file."""
        return self._texts[path] if path in self._texts else self._tree.read(path)


def source_of(settings: Settings, path: str) -> Path:
    """The template of a file of `files:` on this machine."""
    return settings.root / Path(settings.files[path]).expanduser()


def _text(path: str, template: Path) -> str:
    try:
        text = template.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise SettingsError(
            f"files: {path}: {template} cannot be read ({why}); make it, or name another"
        ) from None
    return re.sub(r"\{%.*?%\}", "", re.sub(r"\{\{.*?\}\}", "value_of_roadie()", text, flags=re.S), flags=re.S)


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
    return "" if path == ship_root else path.removeprefix(f"{ship_root}/") if ship_root else path
