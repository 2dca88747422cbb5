"""Run: one sequence of stages. It is rendered here, carried out on hosts, and reported meanwhile."""

from __future__ import annotations

import getpass
import secrets
import socket
from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass, field
from functools import partial
from typing import Any

from invoke.context import Context

from ..display import current
from ..errors import Interrupted, RoadieError
from ..events import LINE, Event
from ..scripts.own_templates import refuse_strays
from ..scripts.render import TEMPLATES, render
from ..scripts.stage import Sequence, applicable, templates_of_stages
from ..settings.reading import Settings, check_topology, read, roles_of
from ..ssh.host import Host
from ..ssh.session import Payload
from .command import hosts_of
from .counted import Counted
from .parallel import in_parallel
from .report import HostReport, Report


def targets(c: Context, *, looks: bool = False) -> tuple[Settings, list[Host]]:
    """The settings and the hosts of a command. roadie begins to connect to the hosts in the background.

    A command that only `looks` may have any hosts, even hosts that cannot carry one site together.
    """
    settings = read(c)
    hosts = hosts_of(c, settings)
    if not looks:
        check_topology(settings, [host.name for host in hosts])
    for host in hosts:
        host.open_soon()
    current.begin(settings.app or settings.domain[0], [host.address for host in hosts])
    return settings, hosts


@dataclass(frozen=True)
class Run:
    """One sequence of stages with the values for its templates: one script for all hosts with equal roles."""

    stages: Sequence
    values: Mapping[str, Any]
    _: KW_ONLY
    command: str
    #: whether it changes nothing, and tells what it would change
    dry_run: bool = False
    #: whether it takes the site's lock
    locks: bool = True
    #: how many seconds to wait for another run's lock
    wait: int = 0
    #: whether it only looks at the host, and leaves no log there
    looks: bool = False
    #: gets the name of a host, and each event that is a line of a log
    on_line: Callable[[str, Event], None] | None = None
    #: the verbs of the events that the task shows in its own way
    hides: frozenset[str] = frozenset()
    nonce: str = field(default_factory=lambda: secrets.token_hex(16))

    def on(self, hosts: list[Host], payload: Payload = b"") -> Report:
        """Carry out the stages on every host, hosts in parallel, and report how it went.

        The host has the payload in a file before the script begins. Raises Interrupted on Ctrl-C. The message
        names the step that still finishes on each host.
        """
        reports = {host.name: self._new_report(host) for host in hosts}
        scripts = {roles: self.script(roles) for roles in {*map(self._roles_of, hosts)}}

        def carry_out(host: Host) -> None:
            self._carry_out(scripts[self._roles_of(host)], payload, host, reports[host.name])

        try:
            results = in_parallel(hosts, carry_out)
        except KeyboardInterrupt:
            raise Interrupted(_what_still_finishes(list(reports.values()))) from None
        for result in results:
            if isinstance(result, Exception):
                raise result
        return Report(list(reports.values()))

    def script(self, roles: tuple[str, ...]) -> str:
        """The script for a host with these roles: the templates of its stages, in their frame."""
        run = {
            "nonce": self.nonce,
            "dry_run": self.dry_run,
            "locks": self.locks and not self.dry_run and not self.looks,
            "wait": self.wait,
            "who": f"{getpass.getuser()} at {socket.gethostname()}",
            "command": self.command,
        }
        values, settings = self.values, self.values["settings"]
        if settings.own_templates:
            refuse_strays(settings.own_templates, TEMPLATES, templates_of_stages)
        stages = applicable(self.stages, settings, values.get("project"), roles)
        return render("frame/stage.sh.j2", settings.own_templates, {**values, "run": run, "stages": stages})

    def _new_report(self, host: Host) -> HostReport:
        return HostReport(host.name, shows_details=self.dry_run, hides=self.hides)

    def _carry_out(self, script: str, payload: Payload, host: Host, report: HostReport) -> None:
        current.display().expect(host.name, self.stages)
        counted = Counted(payload, partial(current.display().send, host.name))
        take = partial(self._take, report)
        try:
            outcome = host.execute(script, counted, take, self.nonce, report.hear, looks=self.looks)
        except RoadieError as error:
            report.error = error
        else:
            report.conclude(outcome.code, outcome.tail)
        host.failure = report.error

    def _take(self, report: HostReport, event: Event) -> None:
        if event.verb != LINE:
            report.take(event)
        elif self.on_line:
            self.on_line(report.host, event)

    def _roles_of(self, host: Host) -> tuple[str, ...]:
        return roles_of(self.values["settings"], host.name)


def _what_still_finishes(reports: list[HostReport]) -> str:
    """What a person learns after Ctrl-C: how the running step ends on each host."""
    parts = []
    for report in reports:
        event = report.unfinished()
        if event is None:
            parts.append(f"{report.host} stops before its next change")
        elif event.detail.startswith("whole "):
            pid = event.detail.partition(" ")[2]
            parts.append(
                f"{report.host} finishes '{event.what}' ({event.stage}) by itself, however long that takes "
                f"(process {pid} on the host), and then stops"
            )
        elif event.detail == "atomic":
            parts.append(f"{report.host} finishes '{event.what}' ({event.stage}) by itself and then stops")
        else:
            parts.append(f"{report.host} breaks off '{event.what}' ({event.stage}) at once")
    return f"interrupted: {'; '.join(parts)}; run the same command again to go on"
