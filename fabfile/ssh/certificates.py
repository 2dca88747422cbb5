"""Certificates of keys: the files of CertificateFile, and the key that each belongs to."""

from __future__ import annotations

import base64
import copy
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import paramiko


def certified(key: paramiko.PKey, files: Iterable[Path]) -> Iterator[tuple[Path, paramiko.PKey]]:
    """The key with each certificate among these files that was made for it."""
    for file in files:
        if _is_for(file, key):
            with suppress(ValueError, OSError, paramiko.SSHException):
                found = copy.copy(key)
                found.load_certificate(str(file))
                yield file, found


def _is_for(file: Path, key: paramiko.PKey) -> bool:
    try:
        kind, text = file.read_text("ascii").split()[:2]
        _, _, rest = _strings(base64.b64decode(text), 2)
        _, public = _strings(key.asbytes(), 1)
    except (OSError, ValueError, IndexError):
        return False
    # A certificate holds its kind, a nonce, and then the public key as the key itself holds it.
    return kind.startswith(f"{key.get_name()}-cert") and rest.startswith(public)


def _strings(blob: bytes, count: int) -> list[bytes]:
    """The first strings of a blob of SSH, each after its length, and then what is left."""
    found = []
    for _ in range(count):
        length = int.from_bytes(blob[:4], "big")
        found.append(blob[4 : 4 + length])
        blob = blob[4 + length :]
    return [*found, blob]
