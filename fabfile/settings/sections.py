"""The settings that are mappings: hosts and their roles, the environment, secrets, Django's own."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .kinds import Kind, Wrong, comma_separated, mapping, meant, plain, several, shown
from .names import HOST, ROLE, ROLES, host_and_port

# What roadie tells the site's processes, and the names it has in their environment by default.
ENV_NAMES: Mapping[str, tuple[str, ...]] = {
    "secret_key": ("SECRET_KEY", "DJANGO_SECRET_KEY"),
    "database_url": ("DATABASE_URL",),
    "allowed_hosts": ("ALLOWED_HOSTS", "DJANGO_ALLOWED_HOSTS"),
    "csrf_trusted_origins": ("CSRF_TRUSTED_ORIGINS", "DJANGO_CSRF_TRUSTED_ORIGINS"),
    "debug": ("DEBUG", "DJANGO_DEBUG"),
    "static_root": (),
    "media_root": (),
    "db_name": (),
    "db_user": (),
    "db_password": (),
    "db_socket": (),
}
_SOURCES = ("command", "file", "prompt")


@dataclass(frozen=True)
class SecretSource:
    """Where a secret comes from: a command's output, a file, or a question at the terminal."""

    command: str = ""
    file: str = ""
    prompt: bool = False


def _hosts(value: Any) -> dict[str, tuple[str, ...]]:
    found = _ROLES_BY_HOST.check(value) if isinstance(value, Mapping) else _every_role(value)
    seen: dict[tuple[str, int], str] = {}
    for address in found:
        other = seen.setdefault(host_and_port(address), address)
        if other != address:
            raise Wrong(f"{other!r} and {address!r} are one host; leave one out")
    return found


def _every_role(value: Any) -> dict[str, tuple[str, ...]]:
    return dict.fromkeys(_HOST_LIST.check(value), ROLES)


def _env_name(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
        raise Wrong("is no name of an environment variable; use letters, digits and '_'")
    if name == "DJANGO_SETTINGS_MODULE":
        raise Wrong("roadie sets it for every process; write it as `settings_module:`")
    return name


def _env_value(value: Any) -> str:
    # The value itself is never shown: it may be a secret that strayed in here.
    if isinstance(value, str):
        if "\0" in value:
            raise Wrong("has a NUL character, which no environment can hold; leave it out")
        return value
    if isinstance(value, bool | int):
        return str(value)
    if isinstance(value, float):
        raise Wrong("is a number that YAML may have shortened; put it in quotes")
    raise Wrong(f'must be text, not {shown(value)}; put it in quotes ("" for an empty one)')


def _env_names(value: Any) -> dict[str, tuple[str, ...]]:
    return {**ENV_NAMES, **_NAMES_BY_MEANING.check(value)}


def _secret_source(value: Any) -> SecretSource:
    if not isinstance(value, Mapping):
        raise Wrong("must say where it comes from ({command: ...}, {file: ...} or {prompt: true})")
    for key in value:
        if key not in _SOURCES:
            near = meant(key, _SOURCES) or "known are " + ", ".join(_SOURCES)
            raise Wrong(f"unknown ({near})", str(key))
    if len(value) != 1:
        raise Wrong("needs just one of command, file and prompt")
    [(source, given)] = value.items()
    if source == "prompt" and given is not True:
        raise Wrong("must be true", source)
    if source != "prompt" and (not isinstance(given, str) or not given.strip() or "\0" in given):
        raise Wrong("must be text", source)
    return SecretSource(**{source: given})


def _django_name(name: str) -> str:
    if not re.fullmatch(r"[A-Z][A-Z0-9_]*", name):
        raise Wrong("is no name of a Django setting; they are all in capitals")
    if name == "SECRET_KEY":
        raise Wrong("must not stand in a file; roadie makes one on the host, or name it under `secrets:`")
    return name


_HOST_LIST = several(HOST, "a list of hosts, or a mapping of hosts to their roles")
_ROLES_BY_HOST = mapping("", HOST.check, several(ROLE, "a list of roles", least=1).check)
_ENV_NAME: Kind[str] = Kind("a name of an environment variable", _env_name)
_NAMES_BY_MEANING = mapping(
    "a mapping of what roadie knows to the names it has in the environment",
    str,
    several(_ENV_NAME, "a name, or a list of names").check,
    known=ENV_NAMES,
)

HOSTS = Kind("a list of hosts, or a mapping of hosts to lists of roles", _hosts, comma_separated)
ENV = mapping("a mapping of names to text", _env_name, _env_value)
ENV_NAMES_KIND = Kind(_NAMES_BY_MEANING.says, _env_names, None)
SECRETS = mapping("a mapping of names to where each comes from", _env_name, _secret_source)
DJANGO = mapping("a mapping of Django's settings to plain values", _django_name, plain)
