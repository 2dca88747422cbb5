"""The settings that are mappings: hosts and their roles, the environment, secrets, Django's own."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .kinds import (
    SWITCHES,
    Kind,
    Wrong,
    comma_separated,
    keyed,
    mapping,
    nearest,
    plain,
    several,
    shown,
    text,
    unknown,
    whole,
)
from .names import HOST, ROLE, ROLES, host_and_port

# The facts that roadie tells the site's processes, each with the default names of its variables.
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
    "redis_url": ("REDIS_URL",),
    "celery_broker_url": ("CELERY_BROKER_URL",),
    "cache_url": ("CACHE_URL",),
}
#: the facts that only a site with `redis:` has
OF_REDIS = ("redis_url", "celery_broker_url", "cache_url")
# The settings that the overlay sets, if the project leaves them to roadie.
OVERLAID = tuple(
    """
    DEBUG SECRET_KEY ALLOWED_HOSTS CSRF_TRUSTED_ORIGINS SECURE_PROXY_SSL_HEADER DATABASES
    SESSION_COOKIE_SECURE CSRF_COOKIE_SECURE SECURE_HSTS_SECONDS
    STATIC_URL STATIC_ROOT MEDIA_URL MEDIA_ROOT LOGGING
    """.split()
)
_SOURCES = ("command", "file", "env", "prompt")


@dataclass(frozen=True)
class SecretSource:
    """Where a secret comes from: a command's output, a file, a variable, or a question at the terminal."""

    command: str = ""
    file: str = ""
    env: str = ""
    prompt: bool = False


@dataclass(frozen=True)
class Limits:
    """What one address of a visitor may take from the application. An empty value is no limit."""

    requests: str = ""
    burst: int = 20
    connections: int = 0

    @property
    def rate(self) -> str:
        """The limit of requests, as nginx writes it: 20r/s."""
        return self.requests.replace("/", "r/")


@dataclass(frozen=True)
class Overlay:
    """Whether roadie sets what the project leaves to it, and the settings that roadie always sets."""

    is_on: bool = True
    forced: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return self.is_on


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
    # No message shows the value: somebody may have written a secret here by mistake.
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


def secret_source(value: Any) -> SecretSource:
    """Where a secret comes from."""
    if not isinstance(value, Mapping):
        raise Wrong("must say its source: {command: ...}, {file: ...}, {env: ...} or {prompt: true}")
    for key in value:
        if key not in _SOURCES:
            raise unknown(key, _SOURCES)
    if len(value) != 1:
        raise Wrong("needs just one of command, file, env and prompt")
    [(source, given)] = value.items()
    if source == "prompt" and given is not True:
        raise Wrong("must be true", source)
    if source != "prompt" and (not isinstance(given, str) or not given.strip() or "\0" in given):
        raise Wrong("must be text", source)
    return SecretSource(**{source: given})


def _index(value: Any) -> str | SecretSource:
    if isinstance(value, Mapping):
        return secret_source(value)
    if value == "default":
        return "default"
    found = (
        re.fullmatch(r"https?://([^/@\s]*@)?[^/@\s]+(/[^\s]*)?", value) if isinstance(value, str) else None
    )
    if not found:
        raise Wrong(
            f"must be a URL, the word default, or a mapping such as {{command: ...}}, not {shown(value)}"
        )
    if found[1]:
        raise Wrong("has a password or a token; say where the URL comes from: {command: pass show index}")
    return str(value)


def _limits(value: Any) -> Limits:
    given = _SOME_LIMITS.check(value)
    if "burst" in given and "requests" not in given:
        raise Wrong("needs requests beside it, such as {requests: 20/s, burst: 40}", "burst")
    return Limits(**given)


def _django_name(name: str) -> str:
    if not re.fullmatch(r"[A-Z][A-Z0-9_]*", name):
        raise Wrong("is no name of a Django setting; they are all in capitals")
    if name == "SECRET_KEY":
        raise Wrong("must not stand in a file; roadie makes one on the host, or name it under `secrets:`")
    return name


def _overlay(value: Any) -> Overlay:
    return Overlay(value) if isinstance(value, bool) else Overlay(forced=_FORCED.check(value))


def _overlay_from_text(text: str) -> object:
    return SWITCHES.get(text.lower(), comma_separated(text))


def _overlaid(name: Any) -> str:
    if name not in OVERLAID:
        near = nearest(name, map(str.lower, OVERLAID)).upper()
        hint = f"did you mean {near}?" if near else "docs/settings.rst names them"
        raise Wrong(f"must be {_OVERLAY}, not {shown(name)} ({hint})")
    return str(name)


_OVERLAY = "true, false, or a list of Django settings such as [DATABASES, SECRET_KEY]"
_FORCED = several(Kind(_OVERLAY, _overlaid), _OVERLAY)
_HOST_LIST = several(HOST, "a list of hosts, or a mapping of hosts to their roles")
_ROLES_BY_HOST = mapping("", HOST.check, several(ROLE, "a list of roles", least=1).check)
_ENV_NAME: Kind[str] = Kind("a name of an environment variable", _env_name)
_NAMES_BY_MEANING = mapping(
    "a mapping of what roadie knows to the names it has in the environment",
    str,
    several(_ENV_NAME, "a name, or a list of names").check,
    known=ENV_NAMES,
)

OVERLAY = Kind(_OVERLAY, _overlay, _overlay_from_text)
HOSTS = Kind("a list of hosts, or a mapping of hosts to lists of roles", _hosts, comma_separated)
ENV = mapping("a mapping of names to text", _env_name, _env_value)
ENV_NAMES_KIND = Kind(_NAMES_BY_MEANING.says, _env_names, None)
SECRETS = mapping("a mapping of names to where each comes from", _env_name, secret_source)
INDEX: Kind[str | SecretSource] = Kind("a URL, the word default, or where the URL comes from", _index)
_SOME_LIMITS = keyed(
    "a mapping of limits, such as {requests: 20/s, burst: 40, connections: 20}",
    {
        "requests": text("a number of requests such as 20/s or 300/m", r"[1-9][0-9]{0,5}/[sm]"),
        "burst": whole(0, 10_000, "requests"),
        "connections": whole(1, 10_000, "requests"),
    },
)
LIMITS = Kind(_SOME_LIMITS.says, _limits, None)
DJANGO = mapping("a mapping of Django's settings to plain values", _django_name, plain)
