"""The task that takes a site off its hosts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from invoke.context import Context

from .. import console
from ..display import current as display
from ..errors import Degraded, StageFailed, UsageError
from ..run.command import hosts_of
from ..run.report import HostReport
from ..run.task import WAIT, roadie_task
from ..scripts.stages import PURGE, REMOVE, claim, unserve

if TYPE_CHECKING:
    from ..ssh.host import Host

#: if one of these stages fails, nginx still serves the site
_STILL_SERVED = {"", claim.name, unserve.name}


@roadie_task(
    group="set-up",
    examples=("remove", "remove --yes", "remove --purge --confirm mysite"),
    help={
        "purge": "take its database, uploads, secrets, logs and users away too, for ever",
        "yes": "remove without a question; needed where there is no terminal",
        "confirm": "the site's name, which --purge asks for at a terminal",
        "wait": WAIT,
    },
)
def remove(c: Context, purge: bool = False, confirm: str = "", wait: int = 0, yes: bool = False) -> None:
    """Take the site off its hosts; its data stays."""
    from ..project.workspace import at_head
    from ..run.run import Run, targets
    from ..settings.reading import read

    settings = read(c)
    work = at_head(settings)
    app = work.settings.app
    if purge:
        _confirm_purge(app, confirm, hosts_of(c, settings))
    elif confirm:
        raise UsageError("remove: --confirm goes with --purge; without --purge write --yes")
    elif not yes:
        _confirm(app, hosts_of(c, settings))
    _, hosts = targets(c)
    values = {**work.values, "purge": purge}
    report = Run(PURGE if purge else REMOVE, values, command="fab remove", wait=wait).on(hosts)
    for one in report.hosts:
        _judge(one)
    report.raise_failure()
    report.summarise()
    for one in report.hosts:
        display.tell(one.host, _what_is_left(one, app, purge), kind="good")


def _confirm(app: str, hosts: Sequence[Host]) -> None:
    where = ", ".join(host.name for host in hosts)
    if not console.is_interactive():
        raise UsageError(f"remove: takes {app} off {where}; to say so where nobody can be asked, add --yes")
    console.say(f"This takes {app} off {where}: visitors get no page. Its data stays.")
    _require_name(app, console.ask(f"Type the site's name to go on ({app}): "), "remove")


def _confirm_purge(app: str, given: str, hosts: Sequence[Host]) -> None:
    where = ", ".join(host.name for host in hosts)
    if not given:
        if not console.is_interactive():
            raise UsageError(
                f"remove --purge: deletes the data of {app} on {where}; to say so, add --confirm {app}"
            )
        console.say(f"This deletes database, uploads, secrets, logs and users of {app} on {where}, for ever.")
        given = console.ask(f"Type the site's name to go on ({app}): ")
    _require_name(app, given, "remove --purge")


def _require_name(app: str, given: str, command: str) -> None:
    if given != app:
        raise UsageError(f"{command}: the site is called {app}, not {given!r}; nothing was removed")


def _judge(one: HostReport) -> None:
    """Grade a failure as degraded if nginx had already lost the site."""
    at = one.said("stage")[-1:]
    if type(one.error) is StageFailed and at and at[0].stage not in _STILL_SERVED:
        one.error = Degraded(f"{one.error}; the site is off already: run fab remove again")


def _what_is_left(one: HostReport, app: str, purge: bool) -> str:
    if any(event.what == f"no site {app}" for event in one.said("ok")):
        return f"there is no {app} on this host"
    if purge:
        return f"nothing of {app} is left; the host stays ready for other sites"
    return f"{app} is off; its database, uploads, secrets and logs stay for the next bootstrap and deploy"
