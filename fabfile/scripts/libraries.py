"""The shell libraries, whose words stages speak, and the libraries that each of them needs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

#: the libraries of every script; a stage need not name them
BASE = ("frame/places", "frame/lib", "frame/stopping", "words/users", "frame/locks", "words/ensure", "site")

#: every other library, with the libraries whose words it speaks; a script has them in this order
LIBRARIES: Mapping[str, tuple[str, ...]] = {
    "secrets": (),
    "redis": (),
    "release": (),
    "release/environment": (),
    "code": (),
    "database": ("secrets",),
    "nginx": (),
    "tls": (),
    "removal": (),
    "supervisor": (),
    "web": ("release", "supervisor"),
    "early-start": ("release", "web"),
    "inspection": ("release", "web", "early-start"),
    "programs": ("supervisor", "inspection"),
    "cron": (),
    "once": (),
    "gate": ("release", "supervisor", "web", "inspection"),
    "migrations": ("release", "database", "inspection"),
    "virtualenv": (),
    "virtualenv/downloads": ("virtualenv",),
    "virtualenv/pythons": ("virtualenv",),
    "virtualenv/failures": ("virtualenv", "virtualenv/pythons"),
    "virtualenv/forms": ("virtualenv", "virtualenv/downloads", "virtualenv/failures"),
}


def with_needs(names: Iterable[str]) -> tuple[str, ...]:
    """These libraries and all that they need, in the order of a script."""
    found: set[str] = set()
    wanted = list(names)
    while wanted:
        name = wanted.pop()
        if name not in found and name not in BASE:
            found.add(name)
            wanted += LIBRARIES[name]
    return (*BASE, *(name for name in LIBRARIES if name in found))


def templates_of(name: str, database: str) -> tuple[str, ...]:
    """The templates of a library: the `words.sh` of its noun, or a file of its own.

    "database" stands for two files: the words that all kinds share, and the words of the kind `database`.
    """
    if name == "database":
        return "database/words.sh", f"{database}/words.sh"
    return (f"{name}.sh" if "/" in name else f"{name}/words.sh",)
