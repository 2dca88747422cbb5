"""Renders the files of `files:`. They are templates of the user, and may hold secrets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from ..errors import SettingsError
from ..project.places import NO_SECRET, rendered, source_of
from ..project.workspace import Workspace
from ..settings.placed import IN_VIRTUALENV
from .render import render


def render_files(work: Workspace, secrets: Mapping[str, str]) -> dict[str, str]:
    """The text of each file in the code of a release, by the file's place there.

    Raises SettingsError for a template that cannot be rendered. No message holds a secret.
    """
    texts = _rendered(work, rendered(work.settings), secrets)
    return {work.project.in_code(target): text for target, text in texts.items()}


def render_for_virtualenv(work: Workspace, secrets: Mapping[str, str]) -> dict[str, str]:
    """The text of each file in the virtualenv, by the file's place there. See `render_files`."""
    targets = [target for target in work.settings.files if target.startswith(IN_VIRTUALENV)]
    texts = _rendered(work, targets, secrets)
    return {target.removeprefix(IN_VIRTUALENV): text for target, text in texts.items()}


def all_files(work: Workspace, secrets: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """All files, as values for templates. The files for a build have placeholders instead of secrets."""
    without = dict.fromkeys(work.settings.secrets, NO_SECRET)
    return {
        "files": render_files(work, secrets),
        "virtualenv_files": render_for_virtualenv(work, secrets),
        "build_files": render_files(work, without),
        "build_virtualenv_files": render_for_virtualenv(work, without),
    }


def _rendered(work: Workspace, targets: Iterable[str], secrets: Mapping[str, str]) -> dict[str, str]:
    values = {**work.values, "secrets": secrets}
    return {target: _render(target, source_of(work.settings, target), values) for target in targets}


def _render(target: str, path: Path, values: Mapping[str, object]) -> str:
    try:
        return render(path.name, path.parent, values)
    except SettingsError as error:
        if error.__cause__ is not None:
            raise SettingsError(f"files: {target}: {error}") from None
        # The message of the error shows the value, which may be a secret.
        raise SettingsError(
            f"files: {target}: a value in {path.name} has characters that its format cannot hold; "
            "encode the value, for example with base64"
        ) from None
