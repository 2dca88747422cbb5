"""The command line that runs now: its hosts, with one connection to each."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from fabric import Connection
from fabric.connection import derive_shorthand
from invoke.context import Context

from ..errors import UsageError

if TYPE_CHECKING:
    from ..settings.reading import Settings
    from ..ssh.host import Host

_HOST_NAME = re.compile(r"[\w:%][\w.:%-]*")
_IN_BRACKETS = re.compile(r"(?:(?P<user>.+)@)?\[(?P<host>[^]]*:[^]]*)\](?::(?P<port>.*))?")


@dataclass
class Command:
    """The state that all tasks of one command line share."""

    #: the hosts of -H, which win over those of the settings
    named: Sequence[str] = ()
    is_debugged: bool = False
    #: by the host's name
    hosts: dict[str, Host] = field(default_factory=dict)
    #: the hosts of the user's own Connections, by the id of the Connection
    adopted: dict[int, Host] = field(default_factory=dict)

    def host(self, address: str, config: Any) -> Host:
        """The host with this address, `[user@]host[:port]`: the same object each time."""
        from ..ssh import transport  # late: this import costs half of the time that `fab --list` may take
        from ..ssh.host import Host

        parsed = _parsed(address)
        connection = Connection(**parsed, config=transport.without_ssh_config(config))
        made = Host(connection, user=parsed["user"], port=parsed["port"])
        return self.hosts.setdefault(made.name, made)

    def adopt(self, c: Connection) -> Host:
        """The host of a Connection that the user made."""
        from ..ssh.host import Host

        if id(c) not in self.adopted:
            user, port = self._parsed_for(c)
            self.adopted[id(c)] = Host(c, user=user, port=port)
        return self.adopted[id(c)]

    def goes_on(self) -> bool:
        """Whether some hosts failed and others did not. Then the next tasks go on with the others."""
        failures = [host.failure is not None for host in self.hosts.values()]
        return any(failures) and not all(failures)

    def close(self) -> None:
        """Close every connection that is not the user's own."""
        for host in self.hosts.values():
            host.close()
        if self.hosts or self.adopted:
            from ..ssh import transport

            transport.close_gateways()

    def _parsed_for(self, c: Connection) -> tuple[str | None, int | None]:
        # With -H, stock Fabric made the Connection. Its user may come from ssh_config, so roadie looks at -H.
        for address in self.named:
            parsed = _parsed(address)
            if parsed["host"] == c.original_host and parsed["user"] in (None, c.user):
                return parsed["user"], parsed["port"]
        return None, None


_command = Command()


def current() -> Command:
    """The command that runs now."""
    return _command


@contextmanager
def one_command(core: Any) -> Iterator[None]:
    """Run one command line, and close its connections at the end."""
    global _command
    named = core[0].args.hosts.value or ""
    _command = Command(
        named=[each.strip() for each in named.split(",") if each.strip()],
        is_debugged=bool(core[0].args.debug.value),
    )
    try:
        yield
    finally:
        _command.close()
        _command = Command()


def hosts_of(c: Context, settings: Settings | None = None) -> list[Host]:
    """The hosts of a task: the host of its Connection, else those of -H, else those of the settings.

    A host that failed in an earlier task of the same command is left out.
    """
    if isinstance(c, Connection):
        return [_command.adopt(c)]
    addresses: Iterable[str] = _command.named
    if not addresses:
        from ..settings.reading import read

        addresses = (settings or read(c)).hosts
    hosts = {host.name: host for host in (_command.host(each, c.config) for each in addresses)}
    if not hosts:
        raise UsageError("no host given: -H web1, or `hosts: [web1]` in fabric.yaml")
    return [host for host in hosts.values() if host.failure is None]


def named_hosts() -> Sequence[str]:
    """The hosts of -H, as they were written."""
    return _command.named


def forgive(kind: type[Exception]) -> None:
    """Let the hosts that failed for this reason take part in later tasks again."""
    for host in (*_command.hosts.values(), *_command.adopted.values()):
        if isinstance(host.failure, kind):
            host.failure = None


def _parsed(address: str) -> dict[str, Any]:
    """The user, the host and the port of an address. What it does not name is None."""
    in_brackets = _IN_BRACKETS.fullmatch(address)  # Fabric knows no address in brackets.
    try:
        parsed: dict[str, Any] = in_brackets.groupdict() if in_brackets else derive_shorthand(address)
        parsed["port"] = int(parsed["port"]) if parsed["port"] else None
    except ValueError:
        raise UsageError(f"host {address!r}: the port is no number; write [user@]host[:port]") from None
    if not _HOST_NAME.fullmatch(parsed["host"] or "") or len(address.split()) > 1:
        several = ", and commas between several" if len(address.split()) > 1 else ""
        raise UsageError(f"host {address!r}: no name of a host; write [user@]host[:port]{several}")
    return parsed
