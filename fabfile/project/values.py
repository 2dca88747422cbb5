"""Values: the values that a project's settings will have, as far as its text and fabric.yaml tell."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass

from ..settings.reading import Settings
from ..settings.sections import OF_REDIS
from .assignments import UNREAD, Names, assigned_in
from .origins import Origin
from .source import Code
from .syntax import literal_of
from .variables import Known, known_to, truth_of, variables

#: what roadie sets for every process besides what the settings name
_ALWAYS = frozenset("HOME PATH VIRTUAL_ENV LC_ALL PYTHONPATH DJANGO_SETTINGS_MODULE".split())
_OF_LOGINS = ("SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE")


@dataclass(frozen=True)
class Values:
    """The names in the text of the settings, and what fabric.yaml makes of them."""

    names: Names
    #: of the settings that the overlay may set
    origins: Mapping[str, Origin]
    settings: Settings
    #: the variables of the environment that roadie sets
    is_set: frozenset[str]
    #: these, and the variables to which the project's files give a value
    there: Known

    def own(self, name: str) -> ast.expr | None:
        """The expression of a setting, if the project has the setting and roadie does not set it."""
        if self.is_forced(name):
            return None
        value = self.names.get(name)
        is_ours = self.settings.overlay and self.origins.get(name, "own") != "own"
        return None if is_ours or value is UNREAD else value

    def value(self, name: str) -> object:
        """The value of a setting if the text tells it. A variable that nothing sets has its default."""
        if name in self.settings.django:
            return self.settings.django[name]
        value = self.own(name)
        if isinstance(value, ast.Call) and len(read := variables(value)) == 1:
            value = None if read[0].name in self.there else read[0].default
        return literal_of(value)

    def is_forced(self, name: str) -> bool:
        """Whether fabric.yaml sets this setting, whatever the project says."""
        is_forced = bool(self.settings.overlay) and name in self.settings.overlay.forced
        return is_forced or name in self.settings.django

    def is_roadies(self, name: str) -> bool:
        """Whether roadie's overlay sets this setting for certain."""
        is_ours = self.is_forced(name) or self.origins.get(name) == "absent"
        return is_ours and name not in self.settings.django


def read_values(code: Code, module: str, origins: Mapping[str, Origin], settings: Settings) -> Values:
    """Read the values of the settings module."""
    keys = (key for key in settings.env_names if settings.redis or key not in OF_REDIS)
    named = (name for key in keys for name in settings.env_names[key])
    given = {**dict.fromkeys((*_ALWAYS, *named, *settings.secrets)), **settings.env}
    there = known_to(code, module, given)
    names = assigned_in(code, module, lambda test: truth_of(test, there))
    return Values(names, origins, settings, frozenset(given), there)


def by_https_only(values: Values) -> tuple[str, ...]:
    """The settings because of which nobody can log in over http: browsers keep their cookies for https."""
    if values.settings.tls or values.settings.proxies:
        return ()
    return tuple(name for name in _OF_LOGINS if values.value(name) is True)


def hsts(values: Values) -> str:
    """What Django sends as Strict-Transport-Security; empty if it sends nothing or the text does not tell."""
    name = "SECURE_HSTS_SECONDS"
    seconds = values.settings.tls.hsts if values.is_roadies(name) else values.value(name)
    if not isinstance(seconds, int) or seconds <= 0:
        return ""
    more = {"SECURE_HSTS_INCLUDE_SUBDOMAINS": "; includeSubDomains", "SECURE_HSTS_PRELOAD": "; preload"}
    return f"max-age={seconds:d}" + "".join(text for name, text in more.items() if values.value(name) is True)
