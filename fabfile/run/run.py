"""Run: one sequence of stages that is rendered here, carried out on hosts, and reported meanwhile."""

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
from .counted import Counted
from .executor import hosts_of, in_parallel
from .report import HostReport, Report


def targets(c: Context, *, looks: bool = False) -> tuple[Settings, list[Host]]:
    """The settings and the hosts of a command. The hosts are connected to in the background.

    A command that only `looks` may have any hosts, also those that could not be one site.
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
    """One sequence of stages with the values for its templates: one script for all hosts with equal roles.

    `wait` is how many seconds to wait for another run's lock. With `dry_run` nothing is changed.
    """

    stages: Sequence
    values: Mapping[str, Any]
    _: KW_ONLY
    command: str
    dry_run: bool = False
    locks: bool = True
    wait: int = 0
    #: whether it only looks at the host, so that no log of it stays there
    looks: bool = False
    #: gets the name of a host and each event that is a line of a log
    on_line: Callable[[str, Event], None] | None = None
    #: the verbs of the events that the task shows in its own way
    hides: frozenset[str] = frozenset()
    nonce: str = field(default_factory=lambda: secrets.token_hex(16))

    def on(self, hosts: list[Host], payload: Payload = b"") -> Report:
        """Carry out the stages on every host, hosts in parallel, and report how it went.

        The payload lies in a file on the host before the script begins. Raises Interrupted on Ctrl-C. The
        message names the step that still finishes on each host.
        """
        reports = {
            host.name: HostReport(host.name, shows_details=self.dry_run, hides=self.hides) for host in hosts
        }
        scripts = {roles: self.script(roles) for roles in {*map(self._roles_of, hosts)}}

        def carry_out(host: Host) -> None:
            report = reports[host.name]
            current.display().expect(host.name, self.stages)

            def take(event: Event) -> None:
                if event.verb != LINE:
                    report.take(event)
                elif self.on_line:
                    self.on_line(host.name, event)

            try:
                script = scripts[self._roles_of(host)]
                work = Counted(payload, partial(current.display().send, host.name))
                outcome = host.execute(script, work, take, self.nonce, report.hear, looks=self.looks)
            except RoadieError as error:
                report.error = error
            else:
                report.conclude(outcome.code, outcome.tail)
            host.failure = report.error

        try:
            results = in_parallel(hosts, carry_out)
        except KeyboardInterrupt:
            raise Interrupted(_what_still_finishes(list(reports.values()))) from None
        for result in results:
            if isinstance(result, Exception):
                raise result
        return Report(list(reports.values()))

    def script(self, roles: tuple[str, ...]) -> str:
        """The templates of the stages that a host with these roles needs, in the frame that runs them."""
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

    def _roles_of(self, host: Host) -> tuple[str, ...]:
        return roles_of(self.values["settings"], host.name)


def _what_still_finishes(reports: list[HostReport]) -> str:
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
