"""The files of `files:`: templates of the user's, in which secrets may stand."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ..errors import SettingsError
from ..project.places import NO_SECRET, source_of
from ..project.workspace import Workspace
from .render import render


def render_files(work: Workspace, secrets: Mapping[str, str]) -> dict[str, str]:
    """The text of each file, by the file's place in the code of a release.

    Raises SettingsError for a template that cannot be rendered. No message holds a secret.
    """
    values = {**work.values, "secrets": secrets}
    return {
        work.project.in_code(target): _render(target, source_of(work.settings, target), values)
        for target in work.settings.files
    }


def without_secrets(work: Workspace) -> dict[str, str]:
    """The same files, with placeholders instead of secrets."""
    return render_files(work, dict.fromkeys(work.settings.secrets, NO_SECRET))


def _render(target: str, path: Path, values: Mapping[str, object]) -> str:
    try:
        return render(path.name, path.parent, values)
    except SettingsError as error:
        if error.__cause__ is not None:
            raise SettingsError(f"files: {target}: {error}") from None
        # The message shows the value, which may be a secret.
        raise SettingsError(
            f"files: {target}: a value in {path.name} has characters that its format cannot hold; "
            "encode the value, for example with base64"
        ) from None
