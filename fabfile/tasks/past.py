"""Tasks for the releases that a host has: the list of them, and the rollback."""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from invoke.context import Context

from ..display import current as display
from ..errors import UsageError
from ..run.consent import YES
from ..run.task import WAIT, roadie_task
from ..scripts.stage import Sequence
from ..scripts.stages import (
    FINISH_ROLLBACK,
    HISTORY,
    ROLLBACK,
    back,
    dump,
    migrate,
    pending,
    restore,
    unapply,
    warm,
    way_back,
)

if TYPE_CHECKING:
    from ..release.history import History, Release
    from ..ssh.host import Host


@dataclass(frozen=True)
class Rollback:
    """A rollback for templates: the release that it leaves, and what becomes of the migrations between."""

    serves: str = ""
    #: whether to mark the release that it leaves, so that no rollback without --to chooses that release
    leaves: bool = True
    #: the migrations in the database that the older release does not know, and a release that knows them
    unknown: tuple[str, ...] = ()
    knows: str = ""
    #: the newest dump of the database without these migrations
    dump: str = ""


@roadie_task(examples=("releases",))
def releases(c: Context) -> None:
    """List the host's releases and what became of each."""
    from ..project.workspace import site_values
    from ..run.run import targets

    settings, hosts = targets(c, looks=True)
    names = [host.name for host in hosts]
    for history in _histories(hosts, site_values(settings), "fab releases"):
        if not history.releases:
            display.result("release", history.host, {}, ["no release yet; run: fab deploy"])
        for one, lines in zip(reversed(history.releases), _shown(history, names), strict=True):
            display.result("release", history.host, _data(one, history), lines)
        if history.is_down:
            text = "no process serves visitors; run: fab deploy, or: fab restart"
            display.tell(history.host, text, kind="warn")


@roadie_task(
    examples=("rollback", "rollback --migrations", "rollback --to 406e119"),
    help={
        "to": "a release, or the beginning of its commit (the release before)",
        "migrations": "take back the migrations that the older release does not know",
        "keep-migrations": "leave them in the database: the older release can live with them",
        "restore-dump": "bring back the database as it was before them, without all that came since",
        "yes": YES,
        "cold": "start the older release only after that, not before, where it cannot start before",
        "wait": WAIT,
    },
)
def rollback(
    c: Context,
    to: str = "",
    migrations: bool = False,
    keep_migrations: bool = False,
    restore_dump: bool = False,
    cold: bool = False,
    yes: bool = False,
    wait: int = 0,
) -> None:
    """Go back to the release that served before."""
    from ..project.workspace import site_values
    from ..run.run import targets

    if migrations + keep_migrations + restore_dump > 1:
        raise UsageError("rollback: --migrations, --keep-migrations and --restore-dump exclude each other")
    if cold and not migrations and not restore_dump:
        raise UsageError("rollback: --cold goes with --migrations or --restore-dump")
    settings, hosts = targets(c)
    values = site_values(settings)
    values["consent"] = yes or values["consent"]
    choice = _UNAPPLY if migrations else _RESTORE if restore_dump else () if keep_migrations else None
    for host, history in zip(hosts, _histories(hosts, values, "fab rollback"), strict=True):
        _roll_back(host, history, history.target(to), choice, () if cold else _WARM, values, wait)


# This comes before any change of the database.
_WARM: Sequence = (warm,)
_UNAPPLY: Sequence = (way_back, unapply)
_RESTORE: Sequence = (restore,)
# These go to a release that knows migrations which the database lacks.
_FORWARD: Sequence = (pending, dump, migrate)


def _roll_back(
    host: Host,
    history: History,
    target: Release,
    choice: Sequence | None,
    ahead: Sequence,
    values: dict[str, Any],
    wait: int,
) -> None:
    from ..display.phrases import short_id
    from ..run.run import Run

    rollback, stages = Rollback(serves=history.live, leaves=not target.bad), FINISH_ROLLBACK
    if target.id != history.live:
        if choice is None:
            _tell_emptied(host, history, target, values)
        rollback, between = _across_migrations(history, target, choice, rollback)
        stages = (back, *(ahead if rollback.unknown else ()), *between, *ROLLBACK)
    values = {**values, "release": target, "rollback": rollback, "restore_dump": rollback.dump}
    report = Run(stages, values, command="fab rollback", wait=wait).on([host])
    report.raise_failure(lambda one: f"; {one.serving(history.live, target.id)}")
    headline = f'{short_id(target.id)} "{target.record.get("subject", "")}" serves again'
    report.summarise(sentence=f"release {target.id} serves", headline=headline)


def _tell_emptied(host: Host, history: History, target: Release, values: dict[str, Any]) -> None:
    """Tell which content `--migrations` would lose, before a person chooses."""
    from ..run.run import Run

    unknown = history.unknown_to(target)
    if knowing := history.release_that_knows(unknown) if unknown else None:
        rollback = Rollback(unknown=unknown, knows=knowing.id)
        values = {**values, "release": target, "rollback": rollback}
        # A failure here does not matter: the rollback is refused anyway, until a person has chosen.
        Run((way_back,), values, command="fab rollback", locks=False).on([host])


def _across_migrations(
    history: History, target: Release, choice: Sequence | None, bare: Rollback
) -> tuple[Rollback, Sequence]:
    """The rollback with its migrations, and the stages that change the database."""
    forward = _FORWARD if history.has_pending_for(target) else ()
    unknown = history.unknown_to(target)
    if not unknown or choice == ():
        return bare, forward
    where, names = f"{history.host}: rollback to {target.id}", ", ".join(unknown)
    if choice is None:
        raise UsageError(
            f"{where}: it does not know these migrations of the database: {names}; choose --migrations (take "
            "them back, with their data), --keep-migrations (leave them) or --restore-dump"
        )
    before, knowing = history.dump_for(target), history.release_that_knows(unknown)
    if choice == _UNAPPLY and not knowing:
        raise UsageError(f"{where}: no release here knows all of {names}, so nothing can take them back")
    if choice == _RESTORE and not before:
        raise UsageError(f"{where}: no dump without {names} is here; see --migrations")
    rollback = replace(bare, unknown=unknown, knows=knowing.id if knowing else "", dump=before)
    if choice == _RESTORE:
        # A dump may be older than the last migration that the release knows.
        forward = _FORWARD if history.lacks_migrations(before, target) else ()
    return rollback, (*choice, *forward)


def _histories(hosts: list[Host], values: dict[str, Any], command: str) -> list[History]:
    from ..release import history
    from ..run.run import Run

    report = Run(HISTORY, values, command=command, locks=False).on(hosts)
    report.raise_failure()
    return [history.read(one.host, one.facts()) for one in report.hosts]


def _shown(history: History, names: list[str]) -> list[list[str]]:
    """The lines for each release, the newest first: rows of a table at a terminal, else one line each.

    Before each row of several hosts stands the host's name.
    """
    from ..look.releases import line, table
    from ..look.words import with_known_symbols

    if not display.is_watched():
        return [[line(one, history)] for one in reversed(history.releases)]
    room = shutil.get_terminal_size().columns - (max(map(len, names)) + 2 if len(names) > 1 else 0)
    head, *rows = with_known_symbols(table(history, room), sys.stdout)
    return [[head, rows[0]], *([row] for row in rows[1:])] if rows else []


def _data(one: Release, history: History) -> dict[str, Any]:
    """A release for a program."""
    record = one.record
    return {
        "id": one.id,
        "state": history.state(one),
        "why": one.bad or one.failed,
        "switched": one.switched,
        "took": one.took,
        **{name: record.get(name, "") for name in ("who", "from", "commit", "branch", "subject")},
    }
