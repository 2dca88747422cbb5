"""Runs a sequence of stages on one host or many: rendered here, run there, reported as it goes."""

from __future__ import annotations

import getpass
import secrets
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from invoke.context import Context

from .console import soon
from .errors import Interrupted, RoadieError
from .executor import hosts_of, run_parallel
from .host import Host, packed
from .render import get_ready, render
from .report import HostReport, Report
from .session import Payload
from .settings import Settings, check_topology, read
from .stages import Stage


def targets(c: Context) -> tuple[Settings, list[Host]]:
    """The settings and the hosts of a command; from here on they are being connected to."""
    settings = read(c)
    hosts = hosts_of(c, settings)
    check_topology(settings, [host.name for host in hosts])
    for host in hosts:
        host.open_soon()
    soon(lambda: get_ready(settings.own_templates))  # meanwhile
    return settings, hosts


@dataclass(frozen=True)
class Run:
    """Stages with the values that they are rendered with: one script, the same for every host.

    `wait` is how many seconds to wait for another run's lock. With `check` nothing is changed. One that is
    `early` begins beside the run before it, which must change nothing; it ends if its release serves already,
    and meets its payload while it runs.
    """

    stages: Sequence[Stage]
    values: Mapping[str, Any]
    command: str
    check: bool = False
    locks: bool = True
    wait: int = 0
    early: bool = False
    nonce: str = field(default_factory=lambda: secrets.token_hex(16))

    @cached_property
    def script(self) -> str:
        """The stages' templates in the frame that runs them."""
        run = {
            "nonce": self.nonce,
            "check": self.check,
            "locks": self.locks and not self.check,
            "early": self.early,
            "wait": self.wait,
            "who": f"{getpass.getuser()} at {socket.gethostname()}",
            "command": self.command,
        }
        own = self.values["settings"].own_templates
        return render("stage.sh.j2", own, {**self.values, "run": run, "stages": self.stages})

    def ready(self) -> Run:
        """Have all of it made that it will be sent as, and return itself."""
        packed(self.script)
        return self


def run_stages(
    hosts: Sequence[Host],
    stages: Sequence[Stage],
    values: Mapping[str, Any],
    *,
    command: str,
    check: bool = False,
    locks: bool = True,
    wait: int = 0,
) -> Report:
    """Run the stages on every host: see Run and `execute`."""
    return execute(hosts, Run(stages, values, command, check, locks, wait))


def execute(
    hosts: Sequence[Host],
    run: Run,
    payload: Payload = b"",
    ahead: Callable[[], Run] | None = None,
) -> Report:
    """Run it on every host, hosts in parallel, each in one go; see Report for how it went.

    `ahead` makes what most likely runs next: it goes to the hosts while this one runs, which must change
    nothing. Raises Interrupted on Ctrl-C, naming what still finishes on which host.
    """
    reports = {host.name: HostReport(host.name, shows_details=run.check) for host in hosts}

    def run_one(host: Host) -> None:
        report = reports[host.name]
        try:
            outcome = host.run(run.script, payload, report.take, run.nonce, ahead=ahead)
        except RoadieError as error:
            report.error = error
        else:
            report.conclude(outcome.code, outcome.tail)
        host.failure = report.error

    try:
        results = run_parallel(hosts, run_one)
    except KeyboardInterrupt:
        raise Interrupted(_what_still_finishes(list(reports.values()), begins_more=bool(ahead))) from None
    for result in results:
        if isinstance(result, Exception):
            raise result
    return Report(list(reports.values()))


def _what_still_finishes(reports: Sequence[HostReport], *, begins_more: bool) -> str:
    parts = []
    for report in reports:
        event = report.unfinished()
        if begins_more:
            parts.append(f"{report.host} finishes by itself what it may have begun, and then stops")
        elif event is None:
            parts.append(f"{report.host} stops before its next change")
        elif event.detail == "atomic":
            parts.append(f"{report.host} finishes '{event.what}' ({event.stage}) by itself and then stops")
        else:
            parts.append(f"{report.host} breaks off '{event.what}' ({event.stage}) at once")
    return f"interrupted: {'; '.join(parts)}; run the same command again to go on"
