"""Tasks for a site that runs: manage.py on the release that serves."""

from __future__ import annotations

import shlex

from invoke.context import Context

from .errors import RoadieError, UsageError
from .executor import roadie_task

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
