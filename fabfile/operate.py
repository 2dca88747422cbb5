"""Tasks for a site that runs: manage.py on the release that serves."""

from __future__ import annotations

import shlex

from invoke.context import Context

from .errors import RoadieError, UsageError
from .executor import hosts_of, roadie_task
from .settings import read

MANAGE = "/usr/local/lib/roadie/manage"


@roadie_task(help={"command": "what to run, as one word: 'createsuperuser', 'check --deploy'"})
def manage(c: Context, command: str) -> None:
    """Run a manage.py command on the release that serves."""
    settings = read(c)
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise UsageError(f"manage {command!r}: {error}; check its quotes") from error
    if not words:
        raise UsageError("manage: no command given; for example: fab manage 'check --deploy'")
    for host in hosts_of(c, settings):
        code = host.terminal([MANAGE, settings.app, *words])
        if code:
            raise RoadieError(f"{host.name}: manage.py {words[0]} ended with code {code}")
