"""The setting `tls`: whether visitors reach the site by https, and where its certificate comes from."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from .kinds import Kind, Wrong, check_below, meant, shown, switch, text, whole
from .sections import SecretSource, secret_source

_LETS_ENCRYPT = "https://acme-v02.api.letsencrypt.org/directory"
_STAGING = "https://acme-staging-v02.api.letsencrypt.org/directory"
_FIRST_HSTS = 3600
_NONE = SecretSource()
#: each kind, with the keys that may stand beside `by`
_KEYS: Mapping[str, tuple[str, ...]] = {
    "letsencrypt": ("email", "directory", "ca", "staging", "hsts"),
    "own": ("certificate", "key", "hsts"),
    "self-signed": ("hsts",),
    "off": (),
}
_WORDS = "letsencrypt, own, self-signed or off"
_SAYS = f"one of the words {_WORDS}, or a mapping such as {{by: letsencrypt, email: me@example.org}}"


@dataclass(frozen=True)
class Tls:
    """Where the certificate comes from, and what visitors' browsers are told of https."""

    by: str = "off"
    email: str = ""
    directory: str = _LETS_ENCRYPT
    #: the file with the root of the authority at `directory`
    ca: str = ""
    certificate: SecretSource = _NONE
    key: SecretSource = _NONE
    #: for how many seconds a browser uses only https after a visit
    hsts: int = 0

    def __bool__(self) -> bool:
        return self.by != "off"


def _tls(value: Any) -> Tls:
    given = value if isinstance(value, Mapping) else {"by": value}
    by = _by(given)
    if isinstance(value, Mapping):
        _check_keys(by, given)
    if by == "own" and not {"certificate", "key"} <= {*given}:
        raise Wrong("needs a certificate and its key: {by: own, certificate: chain.pem, key: key.pem}")
    found = {key: check_below(key, _CHECKS[key], one) for key, one in given.items() if key != "by"}
    if found.pop("staging", False):
        if "directory" in found:
            raise Wrong("is one of Let's Encrypt's own directories; leave it or directory out", "staging")
        found["directory"] = _STAGING
    if "hsts" not in found and found.get("directory") != _STAGING and by in ("letsencrypt", "own"):
        found["hsts"] = _FIRST_HSTS
    return Tls(by=by, **found)


def _by(given: Mapping[Any, Any]) -> str:
    by = given.get("by")
    by = "off" if by is False else by
    if by is None:
        raise Wrong(f"needs by: {_WORDS}")
    if not isinstance(by, str) or by not in _KEYS:
        raise Wrong(f"must be {_SAYS}, not {shown(by)}")
    return by


def _check_keys(by: str, given: Mapping[Any, Any]) -> None:
    known = ("by", *_KEYS[by])
    for key in given:
        if key not in known:
            elsewhere = [kind for kind, keys in _KEYS.items() if key in keys]
            hint = f"only by: {' or '.join(elsewhere)} has it" if elsewhere else meant(key, known)
            raise Wrong(f"unknown ({hint or 'known are ' + ', '.join(known)})", str(key))


def _file_or_source(value: Any) -> SecretSource:
    if isinstance(value, str) and value.strip() and "\0" not in value:
        return SecretSource(file=value)
    if isinstance(value, Mapping):
        return secret_source(value)
    raise Wrong(
        f"must be a file on this machine, or where it comes from, such as {{command: pass show key}}, not "
        f"{shown(value)}"
    )


def _url(value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch(
        r"https://[^\s@/\"'\\$]+/[^\s\"'\\$]*", value, re.ASCII
    ):
        raise Wrong(f"must be the URL of an ACME directory, by https, not {shown(value)}")
    return value


_CHECKS: Mapping[str, Callable[[Any], Any]] = {
    "email": text("an e-mail address", r"[^\s@,;\"'\\-][^\s@,;\"'\\]*@[^\s@,;\"'\\]+").check,
    "directory": _url,
    "ca": text("a file on this machine", r"[^\x00-\x1f]+").check,
    "staging": switch().check,
    "certificate": _file_or_source,
    "key": _file_or_source,
    "hsts": whole(0, 63_072_000, "seconds").check,
}

TLS: Kind[Tls] = Kind(_SAYS, _tls)
MANUAL = """Whether visitors reach the site by https, and where its certificate comes from. letsencrypt:
        certbot gets the certificate and renews it. {by: letsencrypt, staging: true} tries that with
        certificates that no browser takes; email: is for the authority; directory: and ca: name another
        authority that speaks ACME. own: {by: own, certificate: chain.pem, key: {command: pass show key}},
        where a text is a file on your machine. self-signed: the host makes the certificate. off: http. With
        https, visitors who come by http are led to https, and cookies travel by https only. hsts: says for
        how many seconds a browser that was there comes by https only. The default is an hour, so that a
        mistake does not last: 3600, and 0 with self-signed and staging. See https.rst."""
DEFAULT_IS = (
    "off, as a certificate needs a name that leads to the host, and your consent to the terms of its"
    " authority; roadie init writes letsencrypt"
)
