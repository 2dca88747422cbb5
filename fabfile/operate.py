"""Tasks for a site that runs: manage.py on the release that serves."""

from __future__ import annotations

import shlex

from invoke.context import Context

from .errors import RoadieError, UsageError
from .executor import roadie_task
from .stages import RESTART

MANAGE = "/usr/local/lib/roadie/manage"


@roadie_task(help={"command": "what to run, as one word: 'createsuperuser', 'check --deploy'"})
def manage(c: Context, command: str) -> None:
    """Run a manage.py command on the release that serves."""
    from .runner import targets
    from .workspace import at_head

    settings, hosts = targets(c)
    app = at_head(settings).settings.app
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise UsageError(f"manage {command!r}: {error}; check its quotes") from error
    if not words:
        raise UsageError("manage: no command given; for example: fab manage 'check --deploy'")
    for host in hosts:
        code = host.terminal([MANAGE, app, *words])
        if code:
            raise RoadieError(f"{host.name}: manage.py {words[0]} ended with code {code}")


@roadie_task(help={"wait": "seconds to wait for another run to end (0)"})
def restart(c: Context, wait: int = 0) -> None:
    """Restart the release that serves; no request fails."""
    from .runner import run_stages, targets
    from .workspace import named

    settings, hosts = targets(c)
    values = {"settings": named(settings)}
    report = run_stages(hosts, RESTART, values, command="fab restart", wait=wait)
    report.raise_failure("; what served before still serves")
    report.summarise()
