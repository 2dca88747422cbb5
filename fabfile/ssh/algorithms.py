"""Which of Paramiko's algorithms OpenSSH's options forbid."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import paramiko

from ..errors import UsageError
from . import host_keys
from .options import SshOptions

# Two names of one algorithm. Paramiko has only the second.
_SAME = {"curve25519-sha256": "curve25519-sha256@libssh.org"}


def disabled(options: SshOptions, own: Mapping[str, Any]) -> dict[str, list[str]]:
    """What Paramiko must not use: all that the options or the user's own Connection forbid."""
    known, allowed = paramiko.Transport, options.algorithms
    return {
        kind: _forbidden(options, keyword, may, preferred, own.get(kind, ()))
        for kind, keyword, may, preferred in (
            ("kex", "KexAlgorithms", allowed.key_exchange, known._preferred_kex),
            ("ciphers", "Ciphers", allowed.ciphers, known._preferred_ciphers),
            ("macs", "MACs", allowed.macs, known._preferred_macs),
            ("keys", "HostKeyAlgorithms", allowed.host_keys, known._preferred_keys),
            ("pubkeys", "PubkeyAcceptedAlgorithms", allowed.user_keys, known._preferred_pubkeys),
        )
    }


def why_not(key: paramiko.PKey, options: SshOptions) -> str:
    """Why the options forbid to offer a key of the user; empty if they allow it."""
    if not options.offers_keys:
        return "PubkeyAuthentication or PreferredAuthentications forbids keys"
    allowed, blob = options.algorithms.user_keys, key.asbytes()
    if allowed and not host_keys.signing(_kind(key)) & {*allowed}:
        return f"PubkeyAcceptedAlgorithms forbids {_kind(key)}"
    if 0 < host_keys.rsa_bits(blob) < options.least_rsa_bits:
        return f"RequiredRSASize is {options.least_rsa_bits}"
    return ""


def _kind(key: paramiko.PKey) -> str:
    certificate = getattr(key, "public_blob", None)
    return str(certificate.key_type if certificate else key.get_name())


def _forbidden(
    options: SshOptions, keyword: str, allowed: Iterable[str], known: Iterable[str], own: Iterable[str]
) -> list[str]:
    may = {_SAME.get(each, each) for each in allowed}
    no = [each for each in known if each in own or (may and each not in may)]
    if len(no) == len([*known]) and keyword != "PubkeyAcceptedAlgorithms":
        raise UsageError(
            f"{options.name}: roadie knows none of the {keyword} that OpenSSH's configuration allows "
            f"({','.join(allowed)}); allow one of {','.join(known)}"
        )
    return no
