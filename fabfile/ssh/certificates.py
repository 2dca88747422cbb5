"""The certificates of keys: the files that OpenSSH's option CertificateFile names."""

from __future__ import annotations

import base64
import copy
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path

import paramiko

from .host_keys import strings


def certified(key: paramiko.PKey, files: Iterable[Path]) -> Iterator[tuple[Path, paramiko.PKey]]:
    """The key with each certificate that is for this key, among these files."""
    for file in files:
        if _is_for(file, key):
            with suppress(ValueError, OSError, paramiko.SSHException):
                found = copy.copy(key)
                found.load_certificate(str(file))
                yield file, found


def _is_for(file: Path, key: paramiko.PKey) -> bool:
    try:
        kind, text = file.read_text("ascii").split()[:2]
        certificate = base64.b64decode(text)
    except (OSError, ValueError):
        return False
    # A certificate has its kind, a nonce, and then what the public key has after its kind.
    public = [*strings(key.asbytes())][1:]
    certified = [*islice(strings(certificate), 2, 2 + len(public))]
    return kind.startswith(f"{key.get_name()}-cert") and certified == public
