"""Turns the words of scripts into phrases for a person who watches."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

#: the phrase for a step, by the beginning of the step's own words; {} stands for the rest of these
_DOING = {
    "package lists": "reads the package lists",
    "package files": "downloads packages",
    "package ": "installs {}",
    "build of virtualenv": "installs the requirements",
    "answer of ": "asks {}",
    "code ": "takes in the code",
    "release ": "lays out the code",
    "settings of": "writes the settings",
    "look at migrations": "looks for migrations",
    "look at": "starts the project and checks it",
    "check of": "runs check --deploy",
    "static files of": "collects the static files",
    "dump of database": "dumps the database",
    "migrations of": "applies the migrations",
    "start of program ": "starts {}",
    "start of": "starts the release",
    "gate for": "asks the new release for its pages",
    "live": "switches",
    "watch of": "the new release serves; watches its answers; Ctrl-C is safe now",
    "drain of slot": "waits for the last requests to the release before; Ctrl-C is safe now",
    "slot ": "replaces the processes",
    "old ": "removes what no release needs",
    "store ": "tidies the store of code",
}
#: the phrases for one and for many changes, by the beginning of the change; empty phrases are not shown
_COUNTED = {
    "package lists": ("", ""),
    "package files": ("", ""),
    "package ": ("package {}", "packages"),
    "file /srv/": ("", ""),
    "file ": ("file {}", "files"),
    "directory ": ("directory {}", "directories"),
    "link ": ("", ""),
    "log ": ("", ""),
    "claim of": ("", ""),
    "reload of": ("", ""),
    "user ": ("user {}", "users"),
    "secret ": ("secret {}", "secrets"),
    "build of": ("", ""),
    "virtualenv ": ("requirements", "requirements"),
    "code ": ("code", "code"),
    "store ": ("", ""),
    "release ": ("", ""),
    "settings of": ("", ""),
    "static files of": ("static files", "static files"),
    "dump of database": ("dump of the database", "dumps of the database"),
    "migrations of": ("", ""),
    "migration ": ("migration {}", "migrations"),
    "start of": ("", ""),
    "live": ("", ""),
    "slot": ("", ""),
    "idle slot": ("", ""),
    "program file": ("", ""),
    "old release": ("1 old release removed", "old releases removed"),
    "old virtualenv": ("1 old virtualenv removed", "old virtualenvs removed"),
    "old dump": ("1 old dump removed", "old dumps removed"),
    "program ": ("program {}", "programs"),
}
#: the program of a slot, which is not shown because its release is
_OF_A_SLOT = re.compile(r"program .*-(blue|green)")
#: the words of the stages when the processes of the release before have ended
_RETIRED = re.compile(r"slot (blue|green) stopped")
#: named only if nothing else was changed, as their names are long
_LONG = ("files", "directories", "secrets")
_APPLIED = {"applied": "migrations", "unapplied": "migrations taken back"}
#: at most so many migrations are named; more are counted
_NAMED = 2


def doing(what: str) -> str:
    """The phrase for what a step does."""
    for beginning, phrase in _DOING.items():
        if what.startswith(beginning):
            return phrase.format(what.removeprefix(beginning))
    return what


def summary(changes: Iterable[tuple[str, str]]) -> str:
    """All changes in one phrase: "10 packages, user shop". Each change is a verb and its object."""
    ones: dict[str, str] = {}
    counts: Counter[str] = Counter()
    for verb, what in changes:
        one, many = (what, _APPLIED[verb]) if verb in _APPLIED else _counted(what)
        if many:
            counts[many] += 1
            ones[many] = f"{ones[many]}, {one}" if verb in _APPLIED and many in ones else one
    is_short = len(counts) > 1
    return ", ".join(_told(many, ones[many], count, is_short=is_short) for many, count in counts.items())


def _told(many: str, one: str, count: int, *, is_short: bool) -> str:
    if count == 1 and is_short and many in _LONG:
        return f"1 {one.partition(' ')[0]}"
    if count == 1 or one == many or (many in _APPLIED.values() and count <= _NAMED):
        return one
    return f"{count} {many}"


def _counted(what: str) -> tuple[str, str]:
    if _RETIRED.fullmatch(what):
        return "the release before stopped", "releases stopped"
    if _OF_A_SLOT.fullmatch(what):
        return "", ""
    for beginning, (one, many) in _COUNTED.items():
        if what.startswith(beginning):
            return one.format(what.removeprefix(beginning)), many
    return what, what


def clock(seconds: float) -> str:
    """Seconds for a person: `1.2 s`, `12 s`, `2:05`."""
    if seconds >= 60:
        return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
    return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"


def of_size(sent: int, size: int) -> str:
    """How much of so many bytes is sent: `3 of 40 MB`."""
    return f"{sent >> 20} of {-(-size >> 20)} MB"


def short_id(release: str) -> str:
    """The commit in the name of a release: `20261129T090642Z-fd0e2c2f` is `fd0e2c2f`."""
    return re.sub(r"^\d{8}T\d{6}Z-", "", release)
