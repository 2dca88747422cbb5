"""Which Django a project will have, by its requirements, and which Python and database that Django needs."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..errors import SettingsError
from .pythons import MINORS, fits, minors
from .requirements import Requirements, logical_lines, package_of

_SERVERS = ("MariaDB", "MySQL", "PostgreSQL", "SQLite")


@dataclass(frozen=True)
class _Needs:
    """What one series of Django needs."""

    series: str
    #: the Pythons on which it runs: 3.`first` to 3.`last`, where 0 is no limit
    first: int
    last: int
    #: the oldest version of each of _SERVERS that it works with; none means any
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
#: the series after these. Each is taken to need what the last one above needs.
_NEWER = ("6.2", "7.0", "7.1", "7.2", "8.0", "8.1", "8.2")
#: Python 3.7 cannot parse the admin of these releases, but it can parse that of the later releases of 1.11.
_TOO_OLD = tuple((1, minor, patch) for minor in range(12) for patch in range(17 if minor == 11 else 40))
_LAST_OF_1 = tuple((1, 11, patch) for patch in range(17, 40))
#: the packages that bring back a module which newer Pythons lack, each with the last Python 3.x it helps on
_BRING_BACK = {"legacy-cgi": 99, "setuptools": 12}


@dataclass(frozen=True)
class Django:
    """The Django of a project. If its requirements accept several series, pip chooses one of them."""

    #: the name for messages
    told: str
    #: the oldest series that the requirements accept: no other works with older servers
    series: str
    #: the versions of Python, such as 3.12, on which one of the accepted series runs; none means any
    pythons: tuple[str, ...]

    @property
    def pythons_told(self) -> str:
        """The range of Pythons on which it runs, for messages."""
        first, last = self.pythons[0], self.pythons[-1]
        return f"Python {first} or newer" if last.endswith(f".{MINORS[-1]}") else f"Python {first} to {last}"


def minimums() -> tuple[str, ...]:
    """Lines such as `6.1 MariaDB 10.11`, the newest series first: the oldest server that each takes."""
    return tuple(
        f"{one.series} {server} {version}"
        for one in reversed(_SERIES)
        for server, version in zip(_SERVERS, one.servers, strict=False)
    )


def django_of(required: Requirements) -> Django | None:
    """The Django that these requirements name; None if they do not tell it for certain."""
    specifier = _specifier(_lines(required))
    if not specifier:
        return None
    names = (*(one.series for one in _SERIES), *_NEWER)
    accepted = [_needs_of(series) for series in names if _accepts(specifier, series)]
    _refuse_too_old(specifier, accepted)
    if not accepted:
        return None
    mended = max((last for name, last in _BRING_BACK.items() if name in required.packages), default=0)
    runs = tuple(f"3.{minor}" for minor in MINORS if any(_runs(one, minor, mended) for one in accepted))
    told = f"Django {specifier.lstrip('=')}" if specifier.startswith("==") else f"Django{specifier}"
    return Django(told, accepted[0].series, runs if len(runs) < len(MINORS) else ())


def _specifier(lines: list[str]) -> str:
    """The versions of Django that these lines accept together; empty if they do not tell it for certain."""
    specifiers = [re.sub(r"\s", "", found[1]) for line in lines if (found := re.match(_SPECIFIED, line))]
    # Of several lines, some may hold only on other systems or Pythons.
    are_conditional = len(lines) > 1 and any(";" in line for line in lines)
    if len(specifiers) < len(lines) or are_conditional:
        return ""
    return ",".join(filter(None, specifiers))


def _refuse_too_old(specifier: str, accepted: list[_Needs]) -> None:
    is_too_old = fits(specifier, _TOO_OLD) and not fits(specifier, _LAST_OF_1)
    if is_too_old and {*accepted} <= {_SERIES[0]}:
        raise SettingsError(
            f"Django {specifier.lstrip('=')} runs on Python 3.6 at most, which no host of today has; "
            "require Django 1.11.29 at least, or better a Django that still gets security fixes"
        )


# A name with its extras, the versions, and what may follow them.
_SPECIFIED = (
    r"[Dd]jango\s*(?:\[[^\]]*\])?\s*\(?\s*((?:(?:~=|===?|!=|<=?|>=?)\s*[\d.*]+\s*,?\s*)*)\)?\s*(?:;.*|--.*)?$"
)


def _lines(required: Requirements) -> list[str]:
    """Every line that names Django, also as a constraint. A lock file may have a line for each Python."""
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


def _needs_of(series: str) -> _Needs:
    return next((one for one in _SERIES if one.series == series), _SERIES[-1])


def _accepts(specifier: str, series: str) -> bool:
    major, minor = map(int, series.split("."))
    return fits(specifier, [(major, minor, patch) for patch in range(40)])


def _runs(needs: _Needs, minor: int, mended: int) -> bool:
    """Whether a series runs on Python 3.`minor`, if packages mend Python up to 3.`mended`."""
    return needs.first <= minor and (not needs.last or minor <= max(needs.last, mended))


def pythons_for(django: Django | None, required: tuple[str, str], python: str) -> tuple[tuple[str, ...], str]:
    """The versions of Python that the project accepts (none means any), and what says so.

    `required` is what a file of the project says of Python, and that file. `python` is the setting.
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
