"""Every way in which roadie can fail, each with its exit code. All print as one line."""

from __future__ import annotations

from invoke.exceptions import Exit

from .printable import printable


class RoadieError(Exit):
    """Something went wrong that fits no other class; exit code 1."""

    exit_code = 1

    def __init__(self, message: str) -> None:
        super().__init__(printable(message), self.exit_code)  # The message may quote a host.

    def __str__(self) -> str:
        return str(self.message)


class UsageError(RoadieError):
    """The command line asks for something impossible; exit code 2."""

    exit_code = 2


class SettingsError(UsageError):
    """The settings or the project are not what roadie needs; exit code 2."""


class UnsupportedHost(RoadieError):
    """The host is not one that roadie can work on; exit code 3."""

    exit_code = 3


class Locked(RoadieError):
    """Another run holds the site's lock; exit code 4."""

    exit_code = 4


class Unreachable(RoadieError):
    """No connection, or it was refused, or it was lost; exit code 5."""

    exit_code = 5


class StageFailed(RoadieError):
    """A stage failed, and what served before still serves; exit code 6."""

    exit_code = 6


class ConsentMissing(StageFailed):
    """The command would delete data, and nobody has agreed to the loss; exit code 6."""


class Degraded(RoadieError):
    """A stage failed and left something half done; exit code 7."""

    exit_code = 7


class PlanFound(RoadieError):
    """Not a failure: `plan` found something to change; exit code 10."""

    exit_code = 10


class Interrupted(RoadieError):
    """Stopped by Ctrl-C; exit code 130."""

    exit_code = 130


BY_CODE: dict[int, type[RoadieError]] = {
    2: UsageError,
    3: UnsupportedHost,
    4: Locked,
    5: Unreachable,
    6: StageFailed,
    7: Degraded,
    10: PlanFound,
    130: Interrupted,
}
