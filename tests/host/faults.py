"""What must hold after any fault: one clear error line, the documented exit code, and nothing left behind."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import projects
from desk import Done
from roadie.throwaway.hosts import ThrowawayHost

# The last output of a program on the host, which roadie shows before its own error line.
QUOTED = re.compile(r"[\w.-]+:   \| ")


def error_of(done: Done, code: int, *says: str) -> str:
    """Return a failed command's only error line. Check that the line has all of `says`, and the exit code."""
    assert done.code == code, f"the command ended with {done.code} instead of {code}:\n{done.text}"
    lines = done.err.strip().splitlines()
    own = [line for line in lines if not QUOTED.match(line)]
    assert own == lines[-1:], f"the output does not end with exactly one error line:\n{done.text}"
    assert len(own[0]) < 700, own[0]
    for words in says:
        assert words in own[0], f"{words!r} is not in: {own[0]}\n\n{done.text}"
    return own[0]


@dataclass(frozen=True)
class Fault:
    """A fault of a project: how to cause it, the exit code and words that it must lead to, and its cure."""

    name: str
    bring_about: Callable[[Path], object]
    says: tuple[str, ...]
    code: int = 6
    shows: tuple[str, ...] = ()
    #: gets the project and the host; by default it takes the last commit back
    cure: Callable[[Path, ThrowawayHost], object] = field(
        default=lambda project, host: projects.git(project, "reset", "-q", "--hard", "HEAD~1")
    )

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Serving:
    """The state of a site on a host that a failed command must not change."""

    release: str
    masters: tuple[str, ...]
    programs: tuple[str, ...]
    virtualenvs: tuple[str, ...]
    locked: tuple[str, ...]


def serving(host: ThrowawayHost, app: str = "guestbook") -> Serving:
    """Ask the host for this state of the site."""
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
