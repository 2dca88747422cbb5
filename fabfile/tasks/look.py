"""Tasks that tell how a site fares, and change nothing."""

from __future__ import annotations

import _thread
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from invoke.context import Context
from invoke.parser.argument import Argument

from .. import console
from ..display import current as display
from ..errors import Interrupted, StageFailed, UsageError
from ..run.task import RoadieTask, roadie_task
from ..scripts.stages import LOGS, STATUS

if TYPE_CHECKING:
    from ..look.logs import Line, Wanted


@roadie_task(group="daily", examples=("status", "status --json"))
def status(c: Context) -> None:
    """Tell how the site fares on each host."""
    from ..look.status import Status
    from ..look.words import with_known_symbols
    from ..project.workspace import site_values
    from ..run.run import Run, targets

    settings, hosts = targets(c, looks=True)
    values = site_values(settings)
    report = Run(STATUS, values, command="fab status", looks=True).on(hosts)
    for one in report.hosts:
        if one.error:
            continue
        found = Status(values["settings"].app, settings.domain[0], one.facts())
        display.result("status", one.host, found.data, with_known_symbols(found.lines(), sys.stdout))
        if trouble := found.trouble():
            kind = UsageError if found.state == "no release" else StageFailed
            one.error, one.tail = kind(f"{one.host}, status: {trouble}"), []
    report.raise_failure()


@dataclass
class _Shown:
    """Shows lines of logs, as long as somebody reads them."""

    names_hosts: bool
    wanted: Wanted
    is_read: bool = True

    def line(self, line: Line) -> None:
        """Show a line. If nobody reads it, as behind `| head`, end the command without a word."""
        text = f"{line.log}: {line.text}" if self.wanted.is_labelled else line.text
        data = {"host": line.host, "log": line.log, "time": line.time, "text": line.text}
        display.result("line", line.host if self.names_hosts else "", data, [text])
        if self.wanted.follow and self.is_read and not console.is_read():
            self.is_read = False
            _thread.interrupt_main()


class _Following(RoadieTask):
    """A task with the flag -f, as `tail` has it."""

    def get_arguments(self, ignore_unknown_help: bool | None = None) -> list[Argument]:
        """The arguments of the task on the command line."""
        arguments = super().get_arguments(ignore_unknown_help)
        for each in arguments:
            if each.name == "follow":
                each.names = ("follow", "f")
        return arguments


@roadie_task(
    klass=_Following,
    group="daily",
    examples=(
        "logs --since 10m",
        "logs --of nginx --grep 500 -f",
        "logs --release 20261129T084108Z-fa643beb",
    ),
    help={
        "of": "whose logs: app (the web processes), programs, nginx, runs (of roadie); several with commas",
        "release": "the runs of a release: what its deploy did, and why it was refused",
        "since": "only lines since then: 30s, 10m, 2h, 3d, or 2026-11-29T10:00 (local time)",
        "grep": "only lines with this text; upper and lower case are equal",
        "lines": "the last so many lines (100; 10000 with --since or --release)",
        "follow": "go on with each new line, until Ctrl-C",
    },
)
def logs(
    c: Context,
    of: str = "app",
    release: str = "",
    since: str = "",
    grep: str = "",
    lines: int = 0,
    follow: bool = False,
) -> None:
    """Show the logs of the app, its programs, nginx and roadie."""
    from ..look.logs import Merged, Wanted
    from ..project.workspace import site_values
    from ..run.run import Run, targets

    wanted = Wanted.read(of, release=release, since=since, grep=grep, lines=lines, follow=follow)
    settings, hosts = targets(c, looks=True)
    values = {**site_values(settings), "logs": wanted}
    shown = _Shown(len(hosts) > 1, wanted)
    merged = Merged([host.name for host in hosts], wanted, shown.line)
    run = Run(LOGS, values, command="fab logs", looks=True, on_line=merged.take)
    try:
        report = run.on(hosts)
    except Interrupted:
        if not follow:
            raise
        return  # Ctrl-C is how one ends it
    merged.end()
    for one in report.hosts:
        if release and one.facts().get("found") == ["0"]:
            why = f"no log of a run for release {release} is on this host; see fab releases"
            one.error, one.tail = UsageError(f"{one.host}, logs: {why}"), []
    report.raise_failure()
