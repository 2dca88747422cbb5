"""Login: offers keys to a host in OpenSSH's order, and then a password."""

from __future__ import annotations

import base64
import os
import socket
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import paramiko
from cryptography.exceptions import UnsupportedAlgorithm
from paramiko.agent import AgentSSH

from .. import console
from .algorithms import why_not
from .certificates import certified
from .options import SshOptions

_CLASSES: dict[str, type[paramiko.PKey]] = {
    kind: key for key in paramiko.key_classes for kind in key.identifiers()
}
_keys: dict[Path, paramiko.PKey | str] = {}
_keys_lock = threading.Lock()


class HungUp(paramiko.SSHException):  # type: ignore[misc]
    """The host closed the connection in the middle of a login."""


@dataclass
class Login:
    """One login, as Paramiko's `auth_strategy`. It offers the keys of -i, or all keys in OpenSSH's order."""

    options: SshOptions
    user: str
    #: files given with -i; no other key is offered then
    given: Sequence[Path] = ()
    #: arguments of the user's own Connection: key_filename, pkey, password, passphrase
    own: Mapping[str, Any] = field(default_factory=dict)
    #: what was offered, and what was not offered with the reason; for messages
    tried: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    #: whether the host would take a password that nobody was asked for
    takes_password: bool = False

    def authenticate(self, transport: paramiko.Transport) -> None:
        """Offer one key after the other. Raises Paramiko's AuthenticationException if the host takes none."""
        agent = _connect_agent(self.options.agent) if self._may_use_agent() else None
        try:
            self._offer(transport, agent.get_keys() if agent else ())
        finally:
            if agent:
                agent._close()

    def _offer(self, transport: paramiko.Transport, held: Sequence[paramiko.PKey]) -> None:
        failure: Exception = paramiko.AuthenticationException("nothing to offer")
        for label, key in self._candidates(held):
            if why := why_not(key, self.options):
                self.skipped.append(f"{label} ({why})")
                continue
            self.tried.append(label)
            try:
                more = transport.auth_publickey(self.user, key)
            except paramiko.BadAuthenticationType as error:
                failure = error
                break
            except paramiko.AuthenticationException as error:
                if not transport.is_active():
                    raise HungUp from error
                failure = error
                continue
            if not more:
                return
            failure = paramiko.AuthenticationException(f"the key alone is not enough: {more}")
            break
        self._give_password(transport, failure)

    def _give_password(self, transport: paramiko.Transport, failure: Exception) -> None:
        given = self.own.get("password")
        if not given:
            self._ask_password(transport, failure)
            return
        if not self.options.gives_passwords:
            self.skipped.append(
                "the login password (PasswordAuthentication or PreferredAuthentications forbids it)"
            )
            raise failure
        self.tried.append("the login password")
        transport.auth_password(self.user, given)

    def _ask_password(self, transport: paramiko.Transport, failure: Exception) -> None:
        """Ask for the login password as ssh does, if the host accepts one and a person can be asked."""
        may_ask = self.options.gives_passwords and not self.options.is_batch
        if not may_ask or not transport.is_active() or not _takes_password(transport, self.user):
            raise failure
        self.takes_password = True
        if not console.is_interactive():
            raise failure
        for _ in range(self.options.password_tries):
            password = console.ask(f"{self.user}@{self.options.name}'s password: ", secret=True)
            if not password:
                break
            try:
                transport.auth_password(self.user, password)
            except paramiko.AuthenticationException as error:
                failure = error
                if not transport.is_active():
                    break
            else:
                return
        self.tried.append("the login password")
        raise failure

    def _candidates(self, held: Sequence[paramiko.PKey]) -> Iterator[tuple[str, paramiko.PKey]]:
        for label, key in self._keys(held):
            for file, with_certificate in certified(key, self.options.certificate_files):
                yield f"{label} with {file}", with_certificate
            yield label, key

    def _keys(self, held: Sequence[paramiko.PKey]) -> Iterator[tuple[str, paramiko.PKey]]:
        if self.own.get("pkey"):
            yield "the key given as pkey", self.own["pkey"]
        files = [*self.given, *_listed(self.own.get("key_filename"))]
        if not self.given:
            files += self.options.identity_files
        self.skipped += (f"{each} (no such file)" for each in self.given if not each.exists())
        files = [each for each in dict.fromkeys(files) if each.exists()]
        public = {_public_part(each) for each in files}
        matching = [key for key in held if key.asbytes() in public]
        others = [] if self._only_files() else [key for key in held if key not in matching]
        yield from _labelled(matching)
        files = [each for each in files if _public_part(each) not in {k.asbytes() for k in matching}]
        if self._names_its_keys():
            yield from self._load(files)
            yield from _labelled(others)
        else:
            yield from _labelled(others)
            yield from self._load(files)

    def _load(self, files: Iterable[Path]) -> Iterator[tuple[str, paramiko.PKey]]:
        for file in files:
            key = _load_key(file, self.own.get("passphrase"), self.options.is_batch)
            if isinstance(key, paramiko.PKey):
                yield str(file), key
            elif key:
                self.skipped.append(f"{file} ({key})")

    def _may_use_agent(self) -> bool:
        return self.options.agent != "none" and self.own.get("allow_agent", True)

    def _only_files(self) -> bool:
        return bool(self.given) or self.options.identities_only

    def _names_its_keys(self) -> bool:
        return self.options.has_own_identities or bool(self.own.get("key_filename"))


def _takes_password(transport: paramiko.Transport, user: str) -> bool:
    try:
        transport.auth_none(user)
    except paramiko.BadAuthenticationType as error:
        return bool({"password", "keyboard-interactive"} & {*error.allowed_types})
    except paramiko.SSHException:
        return False
    return False


def _listed(value: object) -> list[Path]:
    values = [value] if isinstance(value, (str, Path)) else value or []
    return [Path(each).expanduser() for each in values]  # type: ignore[attr-defined]


def _labelled(keys: Iterable[paramiko.PKey]) -> Iterator[tuple[str, paramiko.PKey]]:
    return ((f"{key.comment or key.get_name()} (agent)", key) for key in keys)


def _connect_agent(path: str) -> AgentSSH | None:
    address = path or os.environ.get("SSH_AUTH_SOCK")
    if not address:
        return None
    # Paramiko's public Agent uses only the socket in the environment, which all threads share. With
    # IdentityAgent each host can have another socket.
    agent = AgentSSH()
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.connect(address)
        agent._connect(connection)
    except (OSError, paramiko.SSHException):
        connection.close()
        return None
    return agent


def _public_part(file: Path) -> bytes | None:
    """The public key of an identity file, from the .pub file beside it, as that needs no passphrase."""
    kind_and_key = _public_line(file)
    return base64.b64decode(kind_and_key[1]) if kind_and_key else None


def _public_line(file: Path) -> tuple[str, str] | None:
    for each in (file.with_name(f"{file.name}.pub"), file):
        with suppress(OSError, ValueError):
            kind, blob = each.read_text("ascii").split()[:2]
            if kind.startswith(("ssh-", "ecdsa-", "sk-")):
                return kind, blob
    return None


def _load_key(file: Path, passphrase: str | None, is_batch: bool) -> paramiko.PKey | str:
    """A private key, or the reason why it cannot be used. A passphrase is asked for once."""
    with _keys_lock:
        if file not in _keys:
            _keys[file] = _read_key(file, passphrase, may_ask=not is_batch)
        return _keys[file]


def _read_key(file: Path, passphrase: str | None, *, may_ask: bool) -> paramiko.PKey | str:
    try:
        return _parse_key(file, None)
    except paramiko.PasswordRequiredException:
        pass
    except (OSError, ValueError, UnsupportedAlgorithm, paramiko.SSHException):
        # A public key alone is useful if an agent holds the private key.
        return "" if file.suffix == ".pub" else "no private key that can be read"
    if passphrase is None and may_ask and console.is_interactive():
        passphrase = console.ask(f"Passphrase of {file}: ", secret=True)
    if not passphrase:
        return "has a passphrase: ssh-add it, or use --prompt-for-passphrase"
    try:
        return _parse_key(file, passphrase)
    except (ValueError, paramiko.SSHException):
        return "wrong passphrase"


def _parse_key(file: Path, passphrase: str | None) -> paramiko.PKey:
    kind, _ = _public_line(file) or ("", "")
    if kind not in _CLASSES:
        return _guess_key(file, passphrase)
    try:
        key = _CLASSES[kind].from_private_key_file(str(file), passphrase)
    except paramiko.PasswordRequiredException:
        raise
    except paramiko.SSHException:
        return _guess_key(file, passphrase)  # the .pub file beside it belongs to another key
    certificate = file.with_name(f"{file.name}-cert.pub")
    if certificate.exists():
        key.load_certificate(str(certificate))
    return key


def _guess_key(file: Path, passphrase: str | None) -> paramiko.PKey:
    # Paramiko parses the key twice here, which takes 100 ms each time for RSA and for encrypted keys.
    try:
        return paramiko.PKey.from_path(file, passphrase.encode() if passphrase else None)
    except TypeError as error:  # how cryptography says that a key is encrypted
        raise paramiko.PasswordRequiredException(str(error)) from None
