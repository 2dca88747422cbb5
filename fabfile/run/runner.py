"""Runs a sequence of stages on one host or many: rendered here, run there, reported as it goes."""

from __future__ import annotations

import getpass
import secrets
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from invoke.context import Context

from ..errors import Interrupted, RoadieError
from ..scripts.render import render
from ..scripts.stages import Stage, applicable
from ..settings.names import ROLES
from ..settings.reading import Settings, check_topology, read
from ..ssh.host import Host
from ..ssh.session import Payload
from .executor import hosts_of, run_parallel
from .report import HostReport, Report


def targets(c: Context) -> tuple[Settings, list[Host]]:
    """The settings and the hosts of a command; from here on they are being connected to."""
    settings = read(c)
    hosts = hosts_of(c, settings)
    check_topology(settings, [host.name for host in hosts])
    for host in hosts:
        host.open_soon()
    return settings, hosts


@dataclass(frozen=True)
class Run:
    """Stages with the values that they are rendered with: one script, the same for every host.

    `wait` is how many seconds to wait for another run's lock. With `dry_run` nothing is changed.
    """

    stages: Sequence[Stage]
    values: Mapping[str, Any]
    command: str
    dry_run: bool = False
    locks: bool = True
    wait: int = 0
    nonce: str = field(default_factory=lambda: secrets.token_hex(16))

    def script(self) -> str:
        """The stages' templates in the frame that runs them."""
        run = {
            "nonce": self.nonce,
            "dry_run": self.dry_run,
            "locks": self.locks and not self.dry_run,
            "wait": self.wait,
            "who": f"{getpass.getuser()} at {socket.gethostname()}",
            "command": self.command,
        }
        values, settings = self.values, self.values["settings"]
        stages = applicable(tuple(self.stages), settings, values.get("project"), ROLES)
        return render("frame/stage.sh.j2", settings.own_templates, {**values, "run": run, "stages": stages})


def run_stages(
    hosts: Sequence[Host],
    stages: Sequence[Stage],
    values: Mapping[str, Any],
    *,
    command: str,
    dry_run: bool = False,
    locks: bool = True,
    wait: int = 0,
) -> Report:
    """Run the stages on every host: see Run and `execute`."""
    return execute(hosts, Run(stages, values, command, dry_run, locks, wait))


def execute(hosts: Sequence[Host], run: Run, payload: Payload = b"") -> Report:
    """Run it on every host, hosts in parallel, each in one go; see Report for how it went.

    The payload lies in a file on the host before the script begins. Raises Interrupted on Ctrl-C, naming
    what still finishes on which host.
    """
    reports = {host.name: HostReport(host.name, shows_details=run.dry_run) for host in hosts}
    script = run.script()

    def run_one(host: Host) -> None:
        report = reports[host.name]
        try:
            outcome = host.run(script, payload, report.take, run.nonce)
        except RoadieError as error:
            report.error = error
        else:
            report.conclude(outcome.code, outcome.tail)
        host.failure = report.error

    try:
        results = run_parallel(hosts, run_one)
    except KeyboardInterrupt:
        raise Interrupted(_what_still_finishes(list(reports.values()))) from None
    for result in results:
        if isinstance(result, Exception):
            raise result
    return Report(list(reports.values()))


def _what_still_finishes(reports: Sequence[HostReport]) -> str:
    parts = []
    for report in reports:
        event = report.unfinished()
        if event is None:
            parts.append(f"{report.host} stops before its next change")
        elif event.detail == "atomic":
            parts.append(f"{report.host} finishes '{event.what}' ({event.stage}) by itself and then stops")
        else:
            parts.append(f"{report.host} breaks off '{event.what}' ({event.stage}) at once")
    return f"interrupted: {'; '.join(parts)}; run the same command again to go on"
