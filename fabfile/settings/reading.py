"""Reads the settings, and checks every key against the schema before there is any connection."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import Field, fields
from pathlib import Path
from typing import Any

from invoke.context import Context

from ..errors import SettingsError
from .kinds import Kind, Wrong, meant, shown
from .layers import KEY, Layers, collect
from .names import ROLES, host_and_port
from .placed import check_places
from .project_keys import OWN_TEMPLATES
from .schema import Settings

__all__ = ["Settings", "check_topology", "check_urls", "load", "read", "roles_of"]

# Tells where a setting stands, by the keys that lead to the setting.
Address = Callable[[tuple[str, ...]], str]

KEYS: Mapping[str, Field[Any]] = {one.name: one for one in fields(Settings) if "kind" in one.metadata}
VARIABLE = "ROADIE_"
# This variable is no setting. It names the folder for the trees of throwaway hosts.
_OF_OTHERS = {"ROADIE_CACHE"}


def load(values: Mapping[str, Any], where: str | Address, root: Path) -> Settings:
    """Check what the user wrote. An empty key keeps its default.

    Raises SettingsError for the first wrong value, in one line.
    """
    address = where if callable(where) else lambda path: f"{where}, {_dotted(path)}"
    given = {key: _checked(key, value, address) for key, value in values.items() if value is not None}
    settings = Settings(root=root, **given)
    if not settings.domain:
        raise SettingsError(
            f"{address(('domain',))}: is not set; write the name that visitors type, "
            "for example `domain: www.example.org`"
        )
    if settings.domain[0].startswith("*"):
        raise SettingsError(
            f"{address(('domain',))}: begins with {settings.domain[0]!r}; write first the name under "
            "which the site itself is found, such as example.org"
        )
    _check_together(settings, address)
    return settings


def read(c: Context) -> Settings:
    """The settings of a task: fabric.yaml, Fabric's layers above it, then the variables ROADIE_<KEY>."""
    layers = collect(c.config)
    if layers.merged is None:
        _refuse_outside(c.config)
    values = _values(layers)
    variables = _variables(os.environ)
    if not variables and not (layers.parts or layers.has_file):
        raise SettingsError(
            f"no fabric.yaml for {layers.root}; go to the project's folder, or write one there: roadie init"
        )

    def address(path: tuple[str, ...]) -> str:
        if path[0] in variables:
            return f"{VARIABLE}{path[0].upper()} in the environment"
        return f"{layers.origin(path)}, {_dotted(path)}"

    settings = load({**values, **variables}, address, layers.root)
    if settings.templates != OWN_TEMPLATES and not settings.own_templates:
        raise SettingsError(
            f"{address(('templates',))}: no folder {settings.templates}; make it or name another"
        )
    return settings


def roles_of(settings: Settings, host: str) -> tuple[str, ...]:
    """The roles of a host. A host that only the command line names has every role."""
    roles = {host_and_port(address): roles for address, roles in settings.hosts.items()}
    return roles.get(host_and_port(host), ROLES)


def check_topology(settings: Settings, hosts: Sequence[str]) -> None:
    """Refuse hosts among which a site's data would be in two places, and hosts without a database."""
    web = [host for host in hosts if "web" in roles_of(settings, host)]
    with_database = [host for host in hosts if "db" in roles_of(settings, host)]
    if len(with_database) > 1:
        raise SettingsError(
            f"hosts {', '.join(with_database)}: each would have a database of its own, or, with database: "
            "external, uploads of its own, and visitors' data would be in several places; use one host"
        )
    for host in hosts:
        if host not in with_database or host not in web:
            raise SettingsError(
                f"host {host}: web and database on different hosts are not supported yet; "
                "use one host with every role"
            )


def check_urls(settings: Settings, address: str) -> None:
    """Refuse a static_url and a media_url that nginx cannot tell apart."""
    static, media = settings.static_url, settings.media_url
    if static and media and (static.startswith(media) or media.startswith(static)):
        raise SettingsError(
            f"{address}: static_url {static} and media_url {media} lie in each other; choose two paths apart"
        )


def _checked(key: object, value: Any, address: Address) -> Any:
    if key not in KEYS:
        hint = meant(key, KEYS) or "docs/settings.rst has them all"
        raise SettingsError(f"{address((str(key),))}: unknown setting ({hint})")
    kind: Kind[Any] = KEYS[str(key)].metadata["kind"]
    try:
        return kind.check(value)
    except Wrong as wrong:
        raise SettingsError(f"{address((str(key), *wrong.below))}: {wrong.why}") from None


def _check_together(settings: Settings, address: Address) -> None:
    """Refuse settings that do not go together."""
    _check_timeouts(settings, address)
    check_urls(settings, address(("static_url",)))
    _check_worker_class(settings, address)
    _check_places(settings, address)
    _check_wildcards(settings, address)
    _check_program_names(settings, address)
    _check_environment_names(settings, address)


def _check_timeouts(settings: Settings, address: Address) -> None:
    if settings.proxy_read_timeout < settings.request_timeout:
        raise SettingsError(
            f"{address(('proxy_read_timeout',))}: {settings.proxy_read_timeout} seconds are less than "
            f"request_timeout ({settings.request_timeout}); nginx would give up on requests that still run"
        )


def _check_worker_class(settings: Settings, address: Address) -> None:
    of_class = {"gthread": "wsgi", "sync": "wsgi", "gevent": "wsgi", "uvicorn": "asgi"}
    if settings.interface and settings.interface != of_class.get(settings.worker_class, settings.interface):
        raise SettingsError(
            f"{address(('worker_class',))}: {settings.worker_class} does not serve {settings.interface}, "
            "which `interface:` asks for; leave one of the two out"
        )


def _check_wildcards(settings: Settings, address: Address) -> None:
    wild = [name for name in settings.domain if name.startswith("*")]
    if wild and settings.tls.by == "letsencrypt":
        raise SettingsError(
            f"{address(('tls',))}: letsencrypt cannot have {wild[0]}, as an authority asks each name; "
            "write the names one by one, or bring a certificate: {by: own, ...}"
        )


def _check_program_names(settings: Settings, address: Address) -> None:
    for name in settings.cron.keys() & settings.all_programs.keys():
        raise SettingsError(f"{address(('cron', name))}: a program has this name; choose another one")
    for name in settings.programs.keys() & settings.celery.programs("site").keys():
        raise SettingsError(
            f"{address(('programs', name))}: Celery has a program {name} too; rename this one"
        )


def _check_places(settings: Settings, address: Address) -> None:
    if settings.build_here and not settings.ship:
        raise SettingsError(f"{address(('build_here',))}: nothing of what it makes would travel; add `ship:`")
    if settings.ship and not settings.build_here:
        raise SettingsError(
            f"{address(('ship',))}: committed files ship by themselves; add `build_here:`, which makes these"
        )
    try:
        check_places(settings.shared, settings.ship, settings.files)
    except Wrong as wrong:
        raise SettingsError(f"{address(('shared',))}: {wrong.why}") from None


def _check_environment_names(settings: Settings, address: Address) -> None:
    for name in settings.env.keys() & settings.secrets.keys():
        raise SettingsError(f"{address(('env', name))}: is under `secrets:` too; leave one out")
    meanings: dict[str, str] = {}
    for meaning, names in settings.env_names.items():
        for name in names:
            other = meanings.setdefault(name, meaning)
            if other != meaning:
                raise SettingsError(
                    f"{address(('env_names', meaning))}: {name} is {other} already; name another"
                )
    for name in settings.env:
        if meanings.get(name) in ("secret_key", "database_url", "db_password"):
            raise SettingsError(
                f"{address(('env', name))}: must not stand in a file; roadie makes it on the host, "
                "or name it under `secrets:`"
            )


def _refuse_outside(config: Any) -> None:
    """Refuse settings that do not stand under `roadie:`, where nothing would read them."""
    for key in config.keys():  # noqa: SIM118 - a Config is no Mapping
        if str(key).lower() == KEY and key != KEY:
            raise SettingsError(f"the settings: write `{KEY}:` in small letters, not `{key}:`")
        if key == "domain":
            raise SettingsError(f"the settings: {key} stands at the top; indent it below a line `{KEY}:`")


def _values(layers: Layers) -> dict[str, Any]:
    if layers.merged is None and layers.is_bare:
        raise SettingsError(
            "settings: this Connection or Context has none, as Fabric does not hand them on; "
            "make it with `config=c.config` of the task's own"
        )
    if layers.merged is not None and not isinstance(layers.merged, Mapping):
        raise SettingsError(
            f"{layers.origin(())}, roadie: must be a mapping, not {shown(layers.merged)}; "
            "write lines such as `domain: www.example.org` below it"
        )
    values = dict(layers.merged or {})
    if "hosts" in values:
        # Merged lists would let `-f staging.yaml` reach the hosts of production too.
        values["hosts"] = layers.unmerged("hosts")
    return values


def _variables(environment: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, text in environment.items():
        key = name.removeprefix(VARIABLE).lower()
        if not name.startswith(VARIABLE) or name in _OF_OTHERS:
            continue
        if key in KEYS:
            found[key] = _from_text(name, KEYS[key].metadata["kind"], text)
        elif hint := meant(key, KEYS):
            raise SettingsError(f"{name} in the environment: unknown setting ({hint})")
    return found


def _from_text(name: str, kind: Kind[Any], text: str) -> object:
    if kind.from_text is None:
        raise SettingsError(f"{name} in the environment: is a mapping; write it in fabric.yaml")
    return kind.from_text(text)


def _dotted(path: tuple[str, ...]) -> str:
    return ".".join(["roadie", *(key if re.fullmatch(r"[\w@:-]+", key) else repr(key) for key in path)])
