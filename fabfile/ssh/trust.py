"""Trust: whether to trust the key of a host. At a terminal roadie asks about an unknown key."""

from __future__ import annotations

import shlex
import subprocess

from .. import console
from ..errors import Unreachable
from . import host_keys
from .host_keys import Verdict
from .options import SshOptions


class Trust:
    """The rules for the key of one host, by OpenSSH's files and options."""

    def __init__(self, options: SshOptions, host: str, port: int) -> None:
        self.options = options
        self.name = host_keys.name_of(host, port, options.key_alias)
        self.files = (*options.known_hosts, *options.global_known_hosts)

    def known_kinds(self) -> list[str]:
        """The kinds of key to ask the host for first."""
        return host_keys.known_kinds(self.files, self.name)

    def check(self, kind: str, blob: bytes) -> None:
        """Return if the key is known or accepted now. Raises Unreachable, before any login, if not."""
        shown = f"{kind} {host_keys.fingerprint(blob)}"
        if why := self._forbidden(kind, blob):
            raise Unreachable(f"{self.options.name}: its host key {shown} {why}; nothing was sent to it")
        finding = host_keys.judge(self.files, self.name, kind, blob)
        if finding.verdict is Verdict.CHANGED:
            raise Unreachable(self._changed(finding.where, shown))
        if finding.verdict is Verdict.REVOKED:
            raise Unreachable(
                f"{self.options.name}: its host key {shown} is revoked by {finding.where}; "
                "nothing was sent to it"
            )
        if finding.verdict is Verdict.UNKNOWN:
            self._accept(kind, blob, shown)

    def _forbidden(self, kind: str, blob: bytes) -> str:
        """Why OpenSSH's options forbid this key, even if it is known; empty if they allow it."""
        options, allowed = self.options, self.options.algorithms.host_keys
        if allowed and not host_keys.signing(kind) & {*allowed}:
            return "is of a kind that HostKeyAlgorithms forbids"
        if 0 < host_keys.rsa_bits(blob) < options.least_rsa_bits:
            return f"is shorter than RequiredRSASize {options.least_rsa_bits}"
        if not options.revoked_keys:
            return ""
        try:
            is_revoked = host_keys.is_listed(options.revoked_keys, blob)
        except (OSError, subprocess.SubprocessError) as error:
            why = getattr(error, "strerror", None) or error
            return f"may be revoked: RevokedHostKeys {options.revoked_keys} cannot be read ({why})"
        return f"is revoked by {options.revoked_keys}" if is_revoked else ""

    def _changed(self, where: str, shown: str) -> str:
        file = where.rpartition(":")[0]
        forget = shlex.join(["ssh-keygen", "-f", file, "-R", self.name])
        return (
            f"{self.options.name}: ITS HOST KEY HAS CHANGED (now {shown}, another one is in {where}); "
            "someone may stand between you and the host, so nothing was sent; "
            f"only if you know that the host was made anew: {forget}"
        )

    def _accept(self, kind: str, blob: bytes, shown: str) -> None:
        if self.options.strict not in ("accept-new", "no"):
            self._ask(shown)
        is_hashed = self.options.hashes_known_hosts
        for file in self.options.known_hosts[:1]:
            try:
                host_keys.remember(file, self.name, kind, blob, is_hashed=is_hashed)
            except OSError as error:
                console.say(f"{file}: cannot keep the host key: {error.strerror}", error=True)

    def _ask(self, shown: str) -> None:
        name = self.options.name
        can_ask = self.options.strict == "ask" and not self.options.is_batch
        if not (can_ask and console.is_interactive()):
            raise Unreachable(
                f"{name}: its host key is not known ({shown}); compare that with the host's own, "
                f"then accept it once with: {self._accepting_command()}"
            )
        answer = console.ask(f"{name} is not known yet. Its host key is {shown}. Trust it (yes/no)? ")
        if answer.strip().lower() != "yes":
            raise Unreachable(f"{name}: its host key was not accepted; nothing was sent to it")

    def _accepting_command(self) -> str:
        port = [] if self.options.port == host_keys.SSH_PORT else ["-p", str(self.options.port)]
        if self.options.strict == "ask":
            return shlex.join(["ssh", *port, f"{self.options.user}@{self.options.name}"])
        scan = shlex.join(["ssh-keyscan", *port, self.options.hostname])
        return f"{scan} >>{shlex.quote(str(next(iter(self.options.known_hosts), '')))}"
