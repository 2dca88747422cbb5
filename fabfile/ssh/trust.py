"""Whether the key that a host shows is to be trusted; at a terminal an unknown one is a question."""

from __future__ import annotations

import shlex

from .. import console
from ..errors import Unreachable
from . import host_keys
from .host_keys import Verdict
from .options import SshOptions


class Trust:
    """The rules for the key of one host, by OpenSSH's files and settings."""

    def __init__(self, config: SshOptions, host: str, port: int) -> None:
        self.config = config
        self.name = host_keys.name_of(host, port, config.key_alias)
        self.files = (*config.known_hosts, *config.global_known_hosts)

    def known_kinds(self) -> list[str]:
        """The kinds of key to ask the host for first."""
        return host_keys.known_kinds(self.files, self.name)

    def check(self, kind: str, blob: bytes) -> None:
        """Return if the key is known or accepted now; raise Unreachable, before any login, if not."""
        finding = host_keys.judge(self.files, self.name, kind, blob)
        shown = f"{kind} {host_keys.fingerprint(blob)}"
        if finding.verdict is Verdict.CHANGED:
            raise Unreachable(self._changed(finding.where, shown))
        if finding.verdict is Verdict.REVOKED:
            raise Unreachable(
                f"{self.config.name}: its host key {shown} is revoked by {finding.where}; "
                "nothing was sent to it"
            )
        if finding.verdict is Verdict.UNKNOWN:
            self._accept(kind, blob, shown)

    def _changed(self, where: str, shown: str) -> str:
        file = where.rpartition(":")[0]
        forget = shlex.join(["ssh-keygen", "-f", file, "-R", self.name])
        return (
            f"{self.config.name}: ITS HOST KEY HAS CHANGED (now {shown}, another one is in {where}); "
            "someone may be in between, so nothing was sent; "
            f"only if you know that the host was made anew: {forget}"
        )

    def _accept(self, kind: str, blob: bytes, shown: str) -> None:
        if self.config.strict not in ("accept-new", "no"):
            self._ask(shown)
        is_hashed = self.config.hashes_known_hosts
        for file in self.config.known_hosts[:1]:
            try:
                host_keys.remember(file, self.name, kind, blob, is_hashed=is_hashed)
            except OSError as error:
                console.say(f"{file}: cannot keep the host key: {error.strerror}", error=True)

    def _ask(self, shown: str) -> None:
        name = self.config.name
        can_ask = self.config.strict == "ask" and not self.config.is_batch
        if not (can_ask and console.is_interactive()):
            raise Unreachable(
                f"{name}: its host key is not known ({shown}); compare that with the host's own, "
                f"then accept it once with: {self._accepting_command()}"
            )
        answer = console.ask(f"{name} is not known yet. Its host key is {shown}. Trust it (yes/no)? ")
        if answer.strip().lower() != "yes":
            raise Unreachable(f"{name}: its host key was not accepted; nothing was sent to it")

    def _accepting_command(self) -> str:
        port = [] if self.config.port == host_keys.SSH_PORT else ["-p", str(self.config.port)]
        if self.config.strict == "ask":
            return shlex.join(["ssh", *port, f"{self.config.user}@{self.config.name}"])
        scan = shlex.join(["ssh-keyscan", *port, self.config.hostname])
        return f"{scan} >>{shlex.quote(str(next(iter(self.config.known_hosts), '')))}"
