"""Gets the secrets of the settings from their sources. No output ever shows them."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..errors import SettingsError
from .schema import Settings
from .sections import SecretSource


@dataclass(frozen=True)
class Secret:
    """A text that no message, log or traceback shows. Only `reveal` returns the text."""

    _text: str

    def reveal(self) -> str:
        """The secret itself."""
        return self._text

    def __repr__(self) -> str:
        return "***"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return repr(self)


def resolve_secrets(settings: Settings, ask: Callable[[str], str]) -> dict[str, Secret]:
    """Every secret of the settings. `ask` is called with the name of a secret that a person types in.

    Raises SettingsError for the first secret that cannot be had.
    """
    return {
        name: Secret(_text(name, source, settings.root, ask)) for name, source in settings.secrets.items()
    }


def resolve_index(settings: Settings, ask: Callable[[str], str]) -> Secret:
    """The URL of the package index; empty for the index of the host's own pip."""
    if isinstance(settings.index, str):
        return Secret(settings.index.removeprefix("default"))
    return Secret(_text("index", settings.index, settings.root, ask).strip())


def resolve_certificate(settings: Settings, ask: Callable[[str], str]) -> dict[str, Secret]:
    """The certificate of the settings, its key, and the root of its authority; empty if they name none."""
    tls = settings.tls
    sources = {"key": tls.key, "chain": tls.certificate, "authority": SecretSource(file=tls.ca)}
    return {
        name: Secret(_text(f"{name} of tls", source, settings.root, ask).strip() if source != _NONE else "")
        for name, source in sources.items()
    }


_NONE = SecretSource()


def _text(name: str, source: SecretSource, root: Path, ask: Callable[[str], str]) -> str:
    if source.command:
        found = _decoded(name, _run(name, source.command, root))
    elif source.file:
        found = _decoded(name, _contents(name, root / Path(source.file).expanduser()))
    elif source.env:
        found = _variable(name, source.env)
    else:
        found = ask(name)
    if not found or "\0" in found:
        kind = "holds a NUL character" if found else "came out empty"
        raise SettingsError(f"secret {name}: {kind}; see that its source gives the secret as text")
    return found


def _run(name: str, command: str, root: Path) -> bytes:
    # The command has the terminal and stderr, because password managers ask there.
    done = subprocess.run(["/bin/sh", "-c", command], cwd=root, stdout=subprocess.PIPE, check=False)
    if done.returncode:
        raise SettingsError(
            f"secret {name}: its command ended with exit status {done.returncode}; "
            f"run it yourself in {root} to see why"
        )
    return done.stdout


def _variable(name: str, variable: str) -> str:
    if variable not in os.environ:
        raise SettingsError(
            f"secret {name}: {variable} is not set in the environment of fab; export it, "
            "or have the pipeline set it"
        )
    return os.environ[variable]


def _contents(name: str, path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise SettingsError(
            f"secret {name}: {path} cannot be read ({error.strerror}); make it, or name another file"
        ) from error


def _decoded(name: str, raw: bytes) -> str:
    try:
        return raw.decode("utf-8").rstrip("\r\n")
    except UnicodeDecodeError:
        # The cause is left out, as it holds the bytes of the secret.
        raise SettingsError(
            f"secret {name}: is not text in UTF-8; encode it: a key or a certificate as PEM, anything else "
            "for example with base64"
        ) from None
