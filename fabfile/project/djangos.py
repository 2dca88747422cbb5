"""Which Django a project will have, as far as its requirements say, and what that Django needs of a host."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..errors import SettingsError
from .pythons import MINORS, fits, minors
from .requirements import Requirements, logical_lines, package_of

_SERVERS = ("MariaDB", "MySQL", "PostgreSQL", "SQLite")


@dataclass(frozen=True)
class _Needs:
    """What one series of Django needs: its Pythons are 3.`first` to 3.`last`, where 0 is no limit.

    `servers` are the oldest versions that it takes of _SERVERS; none means any.
    """

    series: str
    first: int
    last: int
    servers: tuple[str, ...] = ()


# From the packages of Django: `Requires-Python`, and `minimum_database_version` of each backend, for which
# Django itself asks from 4.1 on. `last` is measured: a site with the admin starts on no newer one, as that
# has no `collections.Iterator` (3.10), `gettext` with `codeset` (3.11), `distutils` (3.12) or `cgi` (3.13).
_SERIES = (
    _Needs("1.11", 4, 9),
    _Needs("2.0", 4, 9),
    _Needs("2.1", 5, 10),
    _Needs("2.2", 5, 11),
    _Needs("3.0", 6, 11),
    _Needs("3.1", 6, 11),
    _Needs("3.2", 6, 12),
    _Needs("4.0", 8, 12),
    _Needs("4.1", 8, 0, ("10.3", "5.7", "11", "3.9")),
    _Needs("4.2", 8, 0, ("10.4", "8", "12", "3.21")),
    _Needs("5.0", 10, 0, ("10.4", "8.0.11", "12", "3.27")),
    _Needs("5.1", 10, 0, ("10.5", "8.0.11", "13", "3.31")),
    _Needs("5.2", 10, 0, ("10.5", "8.0.11", "14", "3.31")),
    _Needs("6.0", 12, 0, ("10.6", "8.0.11", "14", "3.31")),
    _Needs("6.1", 12, 0, ("10.11", "8.4", "15", "3.37")),
)
#: These need no less than the last one that is known.
_NEWER = ("6.2", "7.0", "7.1", "7.2", "8.0", "8.1", "8.2")
#: These are no Python as 3.7 reads it, in the admin. Those that came after them are.
_TOO_OLD = tuple((1, minor, patch) for minor in range(12) for patch in range(17 if minor == 11 else 40))
_LAST_OF_1 = tuple((1, 11, patch) for patch in range(17, 40))
#: Packages that bring back a module which a newer Python lacks, and the last Python that they are good for.
_BRING_BACK = {"legacy-cgi": 99, "setuptools": 12}


@dataclass(frozen=True)
class Django:
    """The Django of a project. If its requirements take several series, pip chooses one of them.

    `told` is how a message calls it. `series` is the oldest one: no other needs less of a server. `pythons`
    are the versions of Python, such as 3.12, on which one of the series runs; none means any.
    """

    told: str
    series: str
    pythons: tuple[str, ...]

    @property
    def pythons_told(self) -> str:
        """Where it runs, for messages."""
        first, last = self.pythons[0], self.pythons[-1]
        return f"Python {first} or newer" if last.endswith(f".{MINORS[-1]}") else f"Python {first} to {last}"


def minimums() -> tuple[str, ...]:
    """Lines such as `6.1 MariaDB 10.11`, the newest series first: the oldest server that each takes."""
    return tuple(
        f"{one.series} {server} {version}"
        for one in reversed(_SERIES)
        for server, version in zip(_SERVERS, one.servers, strict=False)
    )


def of(required: Requirements) -> Django | None:
    """The Django that these requirements name; None if they do not tell it for certain."""
    lines = _lines(required)
    specifiers = [re.sub(r"\s", "", found[1]) for line in lines if (found := re.match(_SPECIFIED, line))]
    if not lines or len(specifiers) < len(lines) or (len(lines) > 1 and any(";" in line for line in lines)):
        return None
    specifier = ",".join(filter(None, specifiers))
    taken = [
        _in_needs(series)
        for series in (*(one.series for one in _SERIES), *_NEWER)
        if _takes(specifier, series)
    ]
    if (
        specifier
        and fits(specifier, _TOO_OLD)
        and not fits(specifier, _LAST_OF_1)
        and {*taken} <= {_SERIES[0]}
    ):
        raise SettingsError(
            f"Django {specifier.lstrip('=')} runs on Python 3.6 at most, which no host of today has; "
            "require Django 1.11.29 at least, or better a Django that still gets security fixes"
        )
    if not specifier or not taken:
        return None
    mended = max((last for name, last in _BRING_BACK.items() if name in required.packages), default=0)
    runs = tuple(f"3.{minor}" for minor in MINORS if any(_runs(one, minor, mended) for one in taken))
    told = f"Django {specifier.lstrip('=')}" if specifier.startswith("==") else f"Django{specifier}"
    return Django(told, taken[0].series, runs if len(runs) < len(MINORS) else ())


# A name with its extras, the versions, and what may follow them.
_SPECIFIED = (
    r"[Dd]jango\s*(?:\[[^\]]*\])?\s*\(?\s*((?:(?:~=|===?|!=|<=?|>=?)\s*[\d.*]+\s*,?\s*)*)\)?\s*(?:;.*|--.*)?$"
)


def _lines(required: Requirements) -> list[str]:
    """Every line that names Django, of constraints too. A lock file may have one for each Python."""
    extra = [line for line in required.extra if package_of(line) == "django"]
    if required.form:
        rows = [
            row for text in required.files.values() for row in re.findall(r'(?im)^name = "django"$', text)
        ]
        own = [required.packages.get("django", "")] if len(rows) < 2 else []
        return [*filter(None, own), *(line for line in extra if line not in own)]
    texts = required.files.values()
    lines = [line for text in texts for _, line in logical_lines(text) if package_of(line) == "django"]
    return [*dict.fromkeys([*lines, *extra])]


def _in_needs(series: str) -> _Needs:
    return next((one for one in _SERIES if one.series == series), _SERIES[-1])


def _takes(specifier: str, series: str) -> bool:
    major, minor = map(int, series.split("."))
    return fits(specifier, [(major, minor, patch) for patch in range(40)])


def _runs(needs: _Needs, minor: int, mended: int) -> bool:
    return needs.first <= minor and (not needs.last or minor <= max(needs.last, mended))


def pythons_for(django: Django | None, required: tuple[str, str], python: str) -> tuple[tuple[str, ...], str]:
    """The versions of Python that the project takes (none means any), and what says so.

    `required` is what a file says of Python, and that file. `python` is what the settings say.
    """
    specifier, path = required
    taken, told = (minors(specifier, path), f"{path} requires {specifier}") if specifier else ((), "")
    if not django or not django.pythons:
        return taken, told
    runs = f"{django.told} runs on {django.pythons_told}"
    if (asked := re.fullmatch(r"python(3\.\d+)", python)) and asked[1] not in django.pythons:
        raise SettingsError(f"`python:` is {asked[1]}, but {runs}; change one of the two")
    both = tuple(one for one in taken if one in django.pythons)
    if taken and not both and python == "python3":
        raise SettingsError(f"{told} of Python, but {runs}; change one of the two, or write `python:`")
    if both == taken and taken:
        return taken, told
    return both or django.pythons, " and ".join(filter(None, [told, runs]))
