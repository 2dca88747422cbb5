"""OpenSSH's options for a host, as `ssh -G` says them. It reads the whole of OpenSSH's configuration."""

from __future__ import annotations

import getpass
import re
import socket
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ..errors import UsageError

_HOP = re.compile(
    r"(?:ssh://)?(?:(?P<user>[^@]+)@)?(?:\[(?P<six>[^]]+)]|(?P<host>[^:/]+))(?::(?P<port>\d+))?/?"
)


@dataclass(frozen=True)
class Hop:
    """A host to jump through, with the user and the port if they are spelled out."""

    host: str
    user: str | None
    port: int | None


@dataclass(frozen=True)
class SshOptions:
    """The options that roadie needs, for one host by the name that the user gave."""

    name: str
    hostname: str
    user: str
    port: int
    identity_files: tuple[Path, ...]
    #: False if these are only OpenSSH's default files
    has_own_identities: bool
    identities_only: bool
    #: a socket; "none" for no agent, "" for the one of the environment
    agent: str
    jumps: tuple[Hop, ...]
    proxy_command: str
    known_hosts: tuple[Path, ...]
    global_known_hosts: tuple[Path, ...]
    #: yes, no, ask or accept-new
    strict: str
    hashes_known_hosts: bool
    key_alias: str
    timeout: int | None
    family: int
    is_batch: bool


@cache
def ask(name: str, user: str | None, port: int | None, file: str | None) -> SshOptions:
    """Ask `ssh -G` about a host. A given `user` or `port` wins over the configuration."""
    options = ["-F", file] if file else []
    options += ["-l", user] if user else []
    options += ["-p", str(port)] if port else []
    # -T: without it ssh warns that its standard input is no terminal
    return _read(name, _ssh("-G", "-T", *options, "--", name))


def expand(text: str, options: SshOptions) -> str:
    """Replace %h, %p and the like by their values."""
    said = {"hostname": options.hostname, "port": str(options.port), "user": options.user}
    return _expand(text, _tokens(options.name, said))


def _ssh(*args: str) -> str:
    try:
        done = subprocess.run(
            ["ssh", *args], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20
        )
    except FileNotFoundError:
        raise UsageError("this machine has no ssh; install openssh-client") from None
    except subprocess.TimeoutExpired:
        raise UsageError(
            f"{args[-1]}: ssh -G gave no answer in 20 s; look at `Match exec` in ~/.ssh/config"
        ) from None
    if done.returncode:
        why = [line for line in done.stderr.splitlines() if "terminating" not in line]
        raise UsageError(f"{args[-1]}: {why[-1] if why else 'ssh -G failed'} (said by ssh -G)")
    return done.stdout


def _read(name: str, output: str) -> SshOptions:
    every: dict[str, list[str]] = {}
    for line in output.splitlines():
        key, _, value = line.partition(" ")
        every.setdefault(key, []).append(value)
    said = {key: "" if values[0] == "none" else values[0] for key, values in every.items()}
    tokens = _tokens(name, said)
    identities = every.get("identityfile", [])
    return SshOptions(
        name=name,
        hostname=said["hostname"],
        user=said["user"],
        port=int(said["port"]),
        identity_files=tuple(_path(each, tokens) for each in identities if each != "none"),
        has_own_identities=not all(each.startswith("~/.ssh/id_") for each in identities),
        identities_only=said.get("identitiesonly") == "yes",
        agent=_agent(every.get("identityagent", [""])[0], tokens),
        jumps=tuple(_hop(each) for each in said.get("proxyjump", "").split(",") if each),
        proxy_command=_expand(said.get("proxycommand", ""), tokens),
        known_hosts=_paths(said.get("userknownhostsfile", ""), tokens),
        global_known_hosts=_paths(said.get("globalknownhostsfile", ""), tokens),
        strict={"true": "yes", "false": "no"}.get(
            said["stricthostkeychecking"], said["stricthostkeychecking"]
        ),
        hashes_known_hosts=said.get("hashknownhosts") == "yes",
        key_alias=said.get("hostkeyalias", ""),
        timeout=int(said["connecttimeout"]) if said.get("connecttimeout") else None,
        family={"inet": socket.AF_INET, "inet6": socket.AF_INET6}.get(
            said.get("addressfamily", ""), socket.AF_UNSPEC
        ),
        is_batch=said.get("batchmode") == "yes",
    )


def _tokens(name: str, said: dict[str, str]) -> dict[str, str]:
    local = socket.gethostname()
    return {
        "%": "%",
        "d": str(Path.home()),
        "h": said["hostname"],
        "k": said.get("hostkeyalias") or said["hostname"],
        "L": local.partition(".")[0],
        "l": local,
        "n": name,
        "p": said["port"],
        "r": said["user"],
        "u": getpass.getuser(),
    }


def _expand(text: str, tokens: dict[str, str]) -> str:
    return re.sub(r"%(.)", lambda found: tokens.get(found[1], found[0]), text)


def _path(text: str, tokens: dict[str, str]) -> Path:
    return Path(_expand(text, tokens)).expanduser()


def _paths(text: str, tokens: dict[str, str]) -> tuple[Path, ...]:
    return tuple(_path(each, tokens) for each in text.split())


def _agent(text: str, tokens: dict[str, str]) -> str:
    if text in ("", "none", "SSH_AUTH_SOCK"):
        return "none" if text == "none" else ""
    return str(_path(text, tokens))


def _hop(text: str) -> Hop:
    found = _HOP.fullmatch(text)
    if not found:
        raise UsageError(f"ProxyJump {text}: not [user@]host[:port]")
    port = int(found["port"]) if found["port"] else None
    return Hop(found["six"] or found["host"], found["user"], port)
