"""Opens connections to hosts by OpenSSH's rules. Only this module tunes sockets and has host keys checked.

Only this module, `login`, `certificates` and `algorithms` know Paramiko.
"""

from __future__ import annotations

import getpass
import logging
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from weakref import WeakSet

import paramiko
from fabric import Connection
from paramiko.config import SSHConfig

from ..errors import RoadieError, Unreachable, UsageError
from . import algorithms, host_keys
from . import options as ssh_options
from .login import HungUp, Login
from .options import Hop, SshOptions
from .trust import Trust

DEFAULT_TIMEOUT = 15
#: the keys of connect_kwargs that are about the connection and not about the login
_PASSED_ON = ("banner_timeout", "auth_timeout", "channel_timeout", "compress")

# Not every system has this option.
_QUICKACK: int | None = getattr(socket, "TCP_QUICKACK", None)

_checked: WeakSet[paramiko.Transport] = WeakSet()
_gateways: dict[tuple[Hop, ...], Connection] = {}
_gateways_lock = threading.RLock()
_being_opened: list[tuple[Hop, ...]] = []


def connect(c: Connection, *, user: str | None = None, port: int | None = None) -> None:
    """Open a Connection by OpenSSH's rules. `user` and `port` are those that the address names.

    If the Connection is open already, roadie checks its host key before it sends anything.
    """
    if c.is_connected and c.transport in _checked:
        return
    logging.getLogger("paramiko").addHandler(logging.NullHandler())
    user, port = user or _own_user(c), port or _own_port(c)
    options = ssh_options.ask(c.original_host, user, port, _config_file(c))
    if c.is_connected:
        _check_open(c, options)
    else:
        _open(c, options)
    _checked.add(c.transport)


def open_session(c: Connection, command: str, size: tuple[int, int] | None = None) -> Any:
    """Run a command in a channel of its own, with a terminal if a size (columns, rows) is given."""
    try:
        channel = c.transport.open_session(timeout=DEFAULT_TIMEOUT)
        if size:
            channel.get_pty("xterm-256color", *size)
        channel.exec_command(command)
    except (paramiko.SSHException, OSError, EOFError) as error:
        raise Unreachable(f"{c.original_host}: the host opens no session: {error}") from error
    return channel


def close_gateways() -> None:
    """Close the connections to jump hosts."""
    with _gateways_lock:
        while _gateways:
            _gateways.popitem()[1].close()


def without_ssh_config(config: Any) -> Any:
    """A copy of a Connection's config, without what Paramiko reads from ssh_config."""
    clone = config.clone()
    clone._set(base_ssh_config=SSHConfig())
    return clone


def _open(c: Connection, options: SshOptions) -> None:
    c.host, c.port, c.user = options.hostname, options.port, _user(c, options)
    trust = Trust(options, c.host, c.port)
    login = Login(options, c.user, _given_identities(c), _own_kwargs(c))
    timeout = _timeout(c, login.own, options)
    kinds = trust.known_kinds()
    c.connect_kwargs = {
        "banner_timeout": timeout,
        **{key: login.own[key] for key in _PASSED_ON if key in login.own},
        "disabled_algorithms": algorithms.disabled(options, login.own.get("disabled_algorithms") or {}),
        "transport_factory": lambda sock, **rest: _Transport(sock, kinds, **rest),
        "auth_strategy": login,
    }
    # Paramiko gets no known host keys. So it asks the policy about each key, and the policy alone decides.
    c.client.set_missing_host_key_policy(_Policy(trust))
    with _explained(c, options, login, timeout):
        sock = _socket(c, options, timeout)
        c.client.connect(c.host, c.port, c.user, sock=sock, timeout=timeout, **c.connect_kwargs)
    c.transport = c.client.get_transport()


def _check_open(c: Connection, options: SshOptions) -> None:
    if isinstance(c.gateway, Connection):
        connect(c.gateway)
    key = c.transport.get_remote_server_key()
    Trust(options, c.host, int(c.port)).check(key.get_name(), key.asbytes())


def _own_user(c: Connection) -> str | None:
    """The user that a Connection was made with; None if the user comes from the config or a default."""
    return None if c.user == c.ssh_config.get("user", c.config.user) else str(c.user)


def _own_port(c: Connection) -> int | None:
    said = int(c.port)
    return None if said == int(c.ssh_config.get("port", c.config.port)) else said


def _user(c: Connection, options: SshOptions) -> str:
    """The user of OpenSSH's options; the user of fabric.yaml if OpenSSH has only its default."""
    is_default = options.user == getpass.getuser()
    return str(c.config.user) if is_default and not _own_user(c) else options.user


def _own_kwargs(c: Connection) -> dict[str, Any]:
    before = c.connect_kwargs.get("auth_strategy")
    return dict(before.own if isinstance(before, Login) else c.connect_kwargs)


def _given_identities(c: Connection) -> list[Path]:
    return [Path(each).expanduser() for each in c.config.authentication.identities]


def _config_file(c: Connection) -> str | None:
    if not c.config.load_ssh_configs:
        return "none"
    file = c.config.ssh_config_path or c.config._runtime_ssh_path
    return str(Path(file).expanduser()) if file else None


def _timeout(c: Connection, own: Any, options: SshOptions) -> int:
    said = own.get("timeout") or c.connect_timeout or c.config.timeouts.connect
    return int(said or options.timeout or DEFAULT_TIMEOUT)


# ---- Sockets and gateways -----------------------------------------------------------------------


class _Transport(paramiko.Transport):  # type: ignore[misc]
    """A transport that sends at once, notices a dead link, and prefers the kinds of key that are known."""

    def __init__(self, sock: Any, known_kinds: list[str], **rest: Any) -> None:
        if isinstance(sock, socket.socket) and sock.family != socket.AF_UNIX:
            _tune(sock)
        super().__init__(sock, **rest)
        known = {name for kind in known_kinds for name in host_keys.signing(kind)}
        options = self.get_security_options()
        options.key_types = sorted(options.key_types, key=lambda kind: kind not in known)


class _Socket(socket.socket):
    """A socket that acknowledges at once. By Nagle's algorithm sshd waits for that before it sends more."""

    def recv(self, *limits: int) -> bytes:
        """Receive, and acknowledge. Linux resets the option by itself, so it is set each time."""
        data = super().recv(*limits)
        if _QUICKACK is not None:
            with suppress(OSError):
                self.setsockopt(socket.IPPROTO_TCP, _QUICKACK, 1)
        return data


def _tune(sock: socket.socket) -> None:
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    seconds = {"TCP_KEEPIDLE": 5, "TCP_KEEPALIVE": 5, "TCP_KEEPINTVL": 3, "TCP_KEEPCNT": 3}
    for name, value in {**seconds, "TCP_USER_TIMEOUT": 15_000}.items():
        if hasattr(socket, name):  # Not every system has each option.
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


def _socket(c: Connection, options: SshOptions, timeout: int) -> Any:
    gateway = _gateway(c, options)
    if isinstance(gateway, str):
        return _proxy(gateway)
    if gateway:
        address = (c.host, c.port)
        return gateway.transport.open_channel("direct-tcpip", address, ("", 0), timeout=timeout)
    return _dial(c.host, c.port, options.family, timeout, options.bind_address)


def _dial(host: str, port: int, family: int, timeout: int, own_address: str = "") -> socket.socket:
    failure: OSError | None = None
    for kind, _, _, _, address in socket.getaddrinfo(host, port, family, socket.SOCK_STREAM):
        sock = _Socket(kind, socket.SOCK_STREAM)
        sock.settimeout(timeout)
        try:
            if own_address:
                sock.bind((own_address, 0))
            sock.connect(address)
            return sock
        except OSError as error:
            sock.close()
            failure = error
    raise failure or OSError("no address")


def _proxy(command: str) -> socket.socket:
    """A socket to a ProxyCommand. The one of Paramiko waits 0.1 s whenever it gets less than it asked for."""
    ours, theirs = socket.socketpair()
    with theirs:
        end = theirs.fileno()
        process = subprocess.Popen(["/bin/sh", "-c", f"exec {command}"], stdin=end, stdout=end)
    threading.Thread(target=process.wait, daemon=True).start()
    return ours


def _gateway(c: Connection, options: SshOptions) -> Connection | str | None:
    """The way to the host: the user's own gateway, else the one of OpenSSH's options."""
    is_own = c.gateway and not {"proxyjump", "proxycommand"} & set(c.ssh_config)
    if is_own and isinstance(c.gateway, Connection):
        connect(c.gateway)
        return c.gateway
    if is_own:
        return ssh_options.expand(str(c.gateway), options)
    # As in OpenSSH, a ProxyJump for all hosts does not apply to the jump host itself.
    hops = tuple(each for each in options.jumps if each.host not in (options.name, options.hostname))
    c.gateway = _jump(hops, c) if hops else options.proxy_command or None
    return c.gateway


def _jump(hops: tuple[Hop, ...], c: Connection) -> Connection:
    """The connection to the last hop, through the hops before it. All hosts with these hops share it."""
    with _gateways_lock:
        if hops in _being_opened:
            raise UsageError(f"ProxyJump {hops[-1].host}: leads in a circle; look at ~/.ssh/config")
        if hops not in _gateways or not _gateways[hops].is_connected:
            _being_opened.append(hops)
            try:
                _gateways[hops] = _open_hop(hops, c)
            finally:
                _being_opened.remove(hops)
        return _gateways[hops]


def _open_hop(hops: tuple[Hop, ...], c: Connection) -> Connection:
    *before, last = hops
    config = without_ssh_config(c.config)
    gateway = Connection(last.host, user=last.user, port=last.port, config=config)
    if before:
        gateway.gateway = _jump(tuple(before), c)
    try:
        connect(gateway, user=last.user, port=last.port)
    except Unreachable as error:
        raise Unreachable(f"the jump host {error}") from error
    return gateway


# ---- Host keys ------------------------------------------------------------------------------------


@dataclass
class _Policy(paramiko.MissingHostKeyPolicy):  # type: ignore[misc]
    """Judges every host key by roadie's own rules."""

    trust: Trust

    def missing_host_key(self, client: Any, hostname: str, key: paramiko.PKey) -> None:
        self.trust.check(key.get_name(), key.asbytes())


# ---- Errors -----------------------------------------------------------------------------------------


@contextmanager
def _explained(c: Connection, options: SshOptions, login: Login, timeout: int) -> Iterator[None]:
    """Turn every failure to connect into one line that says why, and what to do."""
    try:
        yield
    except RoadieError:
        c.client.close()
        raise
    except (paramiko.SSHException, OSError, EOFError) as error:
        c.client.close()
        raise Unreachable(f"{options.name}: {_why(error, options, login, timeout)}") from error


def _why(error: BaseException, options: SshOptions, login: Login, timeout: int) -> str:
    at = f"{options.hostname} port {options.port}"
    if isinstance(error, HungUp):
        tried = f"{len(login.tried)} keys ({', '.join(login.tried)})"
        return f"the host hung up after {tried}; name the right one with -i FILE"
    if isinstance(error, paramiko.AuthenticationException):
        return _refused(error, login)
    if isinstance(error, paramiko.ChannelException):
        return f"the jump host cannot reach {at}: {error}; look at its network and firewall"
    if isinstance(error, paramiko.ssh_exception.IncompatiblePeer):
        return f"its sshd and this machine have no algorithm in common: {error}"
    if isinstance(error, socket.gaierror):
        return f"the name {options.hostname} does not resolve ({error.strerror}); check its spelling"
    if isinstance(error, ConnectionRefusedError):
        return f"nothing listens at {at}; is that the port of its sshd?"
    if isinstance(error, TimeoutError):
        return f"no answer from {at} in {timeout} s; is it up, and does its firewall let you in?"
    if isinstance(error, (EOFError, ConnectionResetError)) or "banner" in str(error):
        return (
            f"{at} hung up before any login; after failed logins sshd does so for a while "
            "(PerSourcePenalties, MaxStartups, fail2ban): wait some minutes and try again"
        )
    return f"{at}: {getattr(error, 'strerror', None) or error}"


def _refused(error: paramiko.AuthenticationException, login: Login) -> str:
    tried = ", ".join(login.tried) or "no key at all"
    skipped = f"; not tried: {', '.join(login.skipped)}" if login.skipped else ""
    takes = getattr(error, "allowed_types", None)
    only = f" (it takes: {', '.join(takes)})" if takes else ""
    cure = "name the right key with -i FILE, or put it into the agent"
    if login.takes_password and not login.given:
        cure += f"; or let your key in by its password: ssh-copy-id {login.user}@{login.options.name}; "
        cure += "or use --prompt-for-login-password"
    return f"the host refuses {login.user}{only}; tried: {tried}{skipped}; {cure}"
