"""What holds after any fault: one clear error line, the exit code of the manual, nothing left behind."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import projects
from desk import Done
from roadie.throwaway.hosts import ThrowawayHost

# What a program on the host said last, shown before roadie's own line.
QUOTED = re.compile(r"[\w.-]+:   \| ")


def error_of(done: Done, code: int, *says: str) -> str:
    """The one error line of a command that failed with this code; all of `says` stand in it."""
    assert done.code == code, f"ended with {done.code} instead of {code}:\n{done.text}"
    lines = done.err.strip().splitlines()
    own = [line for line in lines if not QUOTED.match(line)]
    assert own == lines[-1:], f"not one error line at the end:\n{done.text}"
    assert len(own[0]) < 700, own[0]
    for words in says:
        assert words in own[0], f"{words!r} is not in: {own[0]}\n\n{done.text}"
    return own[0]


@dataclass(frozen=True)
class Fault:
    """Something that goes wrong with a project: how, what must come of it, and what cures it."""

    name: str
    bring_about: Callable[[Path], object]
    says: tuple[str, ...]
    code: int = 6
    shows: tuple[str, ...] = ()
    #: on the project and the host; otherwise the last commit is taken back
    cure: Callable[[Path, ThrowawayHost], object] = field(
        default=lambda project, host: projects.git(project, "reset", "-q", "--hard", "HEAD~1")
    )

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Serving:
    """What a host has of a site that a failed command must not change."""

    release: str
    masters: tuple[str, ...]
    programs: tuple[str, ...]
    virtualenvs: tuple[str, ...]
    locked: tuple[str, ...]


def serving(host: ThrowawayHost, app: str = "guestbook") -> Serving:
    """Ask the host itself."""
    asked = (
        f"basename $(readlink -f /srv/{app}/live/release)",
        f"pgrep -u {app} -P $(cat /run/supervisord.pid)",
        "ls /etc/supervisor/conf.d",
        f"ls /srv/{app}/venvs",
        f"cd /run/roadie && for lock in {app} host; do flock -n $lock.lock true || echo $lock; done",
    )
    told = host.ssh("; echo --; ".join(asked), check=False).stdout
    release, *rest = (tuple(part.split()) for part in told.split("--\n"))
    return Serving("".join(release), *rest)


def append(path: Path, *lines: str) -> None:
    """Add lines to a file of a project."""
    path.write_text("\n".join([path.read_text("utf-8"), *lines, ""]), "utf-8")
