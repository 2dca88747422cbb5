"""OpenSSH's options for a host, as `ssh -G` tells them from the whole of OpenSSH's configuration."""

from __future__ import annotations

import getpass
import re
import socket
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ..errors import UsageError

#: options that roadie cannot obey, so it connects to no host that has one
_CANNOT = ("BindInterface", "KnownHostsCommand", "ProxyUseFdpass", "RefuseConnection")
_NO = ("no", "false", "none")

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
class Algorithms:
    """The algorithms that may be used, best first. An empty tuple forbids none."""

    key_exchange: tuple[str, ...]
    ciphers: tuple[str, ...]
    macs: tuple[str, ...]
    host_keys: tuple[str, ...]
    user_keys: tuple[str, ...]


@dataclass(frozen=True)
class SshOptions:
    """The options that roadie needs, for one host by the name that the user gave."""

    name: str
    hostname: str
    user: str
    port: int
    identity_files: tuple[Path, ...]
    certificate_files: tuple[Path, ...]
    #: False if these are only OpenSSH's default files
    has_own_identities: bool
    identities_only: bool
    #: a socket; "none" for no agent, "" for the one of the environment
    agent: str
    jumps: tuple[Hop, ...]
    proxy_command: str
    known_hosts: tuple[Path, ...]
    global_known_hosts: tuple[Path, ...]
    #: a list of keys that no host may have
    revoked_keys: Path | None
    #: yes, no, ask or accept-new
    strict: str
    hashes_known_hosts: bool
    key_alias: str
    timeout: int | None
    family: int
    bind_address: str
    is_batch: bool
    algorithms: Algorithms
    least_rsa_bits: int
    offers_keys: bool
    gives_passwords: bool
    #: how often a person is asked for the login password
    password_tries: int


@cache
def ask(name: str, user: str | None, port: int | None, file: str | None) -> SshOptions:
    """Ask `ssh -G` about a host. A given `user` or `port` wins over the configuration."""
    options = ["-F", file] if file else []
    options += ["-l", user] if user else []
    options += ["-p", str(port)] if port else []
    return _read(name, _said(name, *options))


@cache
def _defaults() -> dict[str, list[str]]:
    return _said("localhost", "-F", "none")


def _said(name: str, *options: str) -> dict[str, list[str]]:
    """The lines of `ssh -G`: the values of each keyword."""
    said: dict[str, list[str]] = {}
    # -T: without it ssh warns that its standard input is no terminal
    for line in _ssh("-G", "-T", *options, "--", name).splitlines():
        keyword, _, value = line.partition(" ")
        said.setdefault(keyword.lower(), []).append(value)
    return said


def expand(text: str, options: SshOptions) -> str:
    """The text with the values of %h, %p and the like."""
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


def _read(name: str, every: dict[str, list[str]]) -> SshOptions:
    _refuse_what_cannot_be_obeyed(name, every)
    methods = every.get("preferredauthentications", ["publickey,password"])[0].split(",")
    revoked = every.get("revokedhostkeys", ["none"])[0]
    said = {key: "" if values[0] == "none" else values[0] for key, values in every.items()}
    tokens = _tokens(name, said)
    identities = every.get("identityfile", [])
    return SshOptions(
        name=name,
        hostname=said["hostname"],
        user=said["user"],
        port=int(said["port"]),
        identity_files=tuple(_path(each, tokens) for each in identities if each != "none"),
        certificate_files=tuple(_path(each, tokens) for each in every.get("certificatefile", [])),
        has_own_identities=not all(each.startswith("~/.ssh/id_") for each in identities),
        identities_only=said.get("identitiesonly") == "yes",
        agent=_agent(every.get("identityagent", [""])[0], tokens),
        jumps=tuple(_hop(each) for each in said.get("proxyjump", "").split(",") if each),
        proxy_command=_expand(said.get("proxycommand", ""), tokens),
        known_hosts=_paths(said.get("userknownhostsfile", ""), tokens),
        global_known_hosts=_paths(said.get("globalknownhostsfile", ""), tokens),
        revoked_keys=None if revoked == "none" else _path(revoked, tokens),
        strict={"true": "yes", "false": "no"}.get(
            said["stricthostkeychecking"], said["stricthostkeychecking"]
        ),
        hashes_known_hosts=said.get("hashknownhosts") == "yes",
        key_alias=said.get("hostkeyalias", ""),
        timeout=int(said["connecttimeout"]) if said.get("connecttimeout") else None,
        family={"inet": socket.AF_INET, "inet6": socket.AF_INET6}.get(
            said.get("addressfamily", ""), socket.AF_UNSPEC
        ),
        bind_address=said.get("bindaddress", ""),
        is_batch=said.get("batchmode") == "yes",
        algorithms=_algorithms(said),
        least_rsa_bits=int(said.get("requiredrsasize", 0)),
        offers_keys="publickey" in methods and said.get("pubkeyauthentication") not in _NO,
        gives_passwords="password" in methods and said.get("passwordauthentication") not in _NO,
        password_tries=int(said.get("numberofpasswordprompts", 3)),
    )


def _refuse_what_cannot_be_obeyed(name: str, every: dict[str, list[str]]) -> None:
    for keyword in _CANNOT:
        value = every.get(keyword.lower(), ["none"])[0]
        if value not in _NO:
            raise UsageError(
                f"{name}: OpenSSH's configuration says {keyword} {value}, which roadie cannot obey; "
                "leave that out for this host"
            )


def _algorithms(said: dict[str, str]) -> Algorithms:
    def listed(*keywords: str) -> tuple[str, ...]:
        return tuple(next((said[each].split(",") for each in keywords if said.get(each)), ()))

    exchange = listed("kexalgorithms")
    # Paramiko may have a key exchange that this OpenSSH lacks. Only a list that the user wrote forbids it.
    if said.get("kexalgorithms") in _defaults().get("kexalgorithms", ()):
        exchange = ()
    return Algorithms(
        key_exchange=exchange,
        ciphers=listed("ciphers"),
        macs=listed("macs"),
        host_keys=listed("hostkeyalgorithms"),
        user_keys=listed("pubkeyacceptedalgorithms", "pubkeyacceptedkeytypes"),
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
    """The files of a list. `ssh -G` prints no quotes, so words are one name if a file has that name."""
    words, paths = text.split(), []
    while words:
        sizes = range(len(words), 1, -1)
        size = next((each for each in sizes if _path(" ".join(words[:each]), tokens).exists()), 1)
        paths.append(_path(" ".join(words[:size]), tokens))
        del words[:size]
    return tuple(paths)


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
