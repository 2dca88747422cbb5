"""Tasks for a running site: manage.py, restart, the lock, the maintenance page."""

from __future__ import annotations

import os
import re
import shlex
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from invoke.context import Context
from invoke.parser.argument import Argument

from ..display import current as display
from ..errors import RoadieError, StageFailed, UsageError
from ..run.task import WAIT, RoadieTask, roadie_task
from ..scripts.stages import DOORS, LOCK, MAINTENANCE_OFF, MAINTENANCE_ON, RESTART, SETTLE, UNLOCK

if TYPE_CHECKING:
    from ..scripts.stage import Sequence as Stages

MANAGE = "/usr/local/lib/roadie/manage"
#: the file on a host that holds the variables for createsuperuser, until the program `manage` has read them
_VARIABLES = "/run/roadie/{}.variables"
_LONGEST_MESSAGE = 300


@roadie_task(
    takes_rest=True,
    examples=("manage createsuperuser", "manage 'createsuperuser --noinput'", "manage check --deploy"),
    help={"command": "what to run, with its options"},
)
def manage(c: Context, command: str) -> None:
    """Run a manage.py command on the release that serves."""
    from ..project.workspace import with_name_and_database
    from ..run.run import targets

    settings, hosts = targets(c)
    app = with_name_and_database(settings).app
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise UsageError(f"manage {command!r}: {error}; check its quotes") from error
    if not words:
        raise UsageError("manage: no command given; for example: fab manage check --deploy")
    given = _superuser() if words[0] == "createsuperuser" else ""
    for host in hosts:
        if given:
            handed = f"printf '%s\\n' {shlex.quote(given)} >{_VARIABLES.format(app)}"
            host.execute(f"umask 077 && {handed}", looks=True)
        code = host.terminal(_command(app, words))
        if code in _NOT_READY:
            kind, why = _NOT_READY[code]
            raise kind(f"{host.name}, {why.format(app)}")
        if code:
            raise RoadieError(f"{host.name}: manage.py {words[0]} ended with code {code}")


def _superuser() -> str:
    """The variables on this machine that answer the questions of createsuperuser, as lines of shell."""
    found = (name for name in os.environ if re.fullmatch(r"DJANGO_SUPERUSER_[A-Z_]+", name))
    return "\n".join(f"{name}={shlex.quote(os.environ[name])}" for name in found)


def _command(app: str, words: Sequence[str]) -> str:
    """The command for the host. It ends with a code of `_NOT_READY` where manage.py cannot run."""
    root, manage = f"/srv/{app}", shlex.join([MANAGE, app, *words])
    has_release = f"[[ -e {root}/live/release ]] || compgen -G '{root}/releases/*/migrations' >/dev/null"
    # The program `manage` removes the file with the variables. If it cannot run, `ends` does.
    ends = f"ends() {{ rm -f {_VARIABLES.format(app)}; exit $1; }}"
    return f"{ends}; [[ -x {MANAGE} && -e {root} ]] || ends 203; {has_release} || ends 204; exec {manage}"


# A deploy and a restart say the same.
_NOT_READY = {
    203: (StageFailed, "manage: site {}: is not set up on this host; run: fab bootstrap"),
    204: (UsageError, "manage: no release serves; run: fab deploy"),
}


@roadie_task(examples=("restart",), help={"wait": WAIT})
def restart(c: Context, wait: int = 0) -> None:
    """Restart the release that serves; no request fails."""
    from ..project.workspace import site_values
    from ..run.run import Run, targets

    settings, hosts = targets(c)
    values = site_values(settings)
    report = Run(RESTART, values, command="fab restart", wait=wait).on(hosts)
    report.raise_failure(lambda one: "; what served before still serves")
    report.summarise(title="Restarted")


@roadie_task(
    group="data",
    examples=("once", "once --done data", "once --again data"),
    help={
        "done": "take this command for done: a deploy does not run it any more",
        "again": "have the next deploy run this command again",
        "wait": WAIT,
    },
)
def once(c: Context, done: str = "", again: str = "", wait: int = 0) -> None:
    """Tell which commands of once: have run."""
    from ..project.workspace import site_values
    from ..run.run import Run, targets

    settings, hosts = targets(c)
    for name in filter(None, (done, again)):
        if name not in settings.once:
            known = ", ".join(settings.once) or "none"
            raise UsageError(f"once {name}: no command of this name under once: in fabric.yaml ({known})")
    if done and again:
        raise UsageError("once: --done and --again exclude each other")
    values = {**site_values(settings), "once": {"done": done, "again": again}}
    report = Run(SETTLE, values, command="fab once", wait=wait).on(hosts)
    report.raise_failure()
    for one in report.hosts:
        for told in one.facts().get("once", []):
            name, was, since = told.split("\t")
            text = f"{name}: {_ONCE[was].format(since)}"
            display.result("once", one.host, {"name": name, "state": was or "new", "since": since}, [text])


_ONCE = {
    "": "has not run; the next deploy runs it",
    "done": "done, {}",
    "begun": "the run that began it at {} was cut; say by --done or --again whether its work is done",
}


@roadie_task(
    examples=("lock --message 'sale until Monday'",), help={"message": "why, for those who are held back"}
)
def lock(c: Context, message: str = "") -> None:
    """Hold back all that changes the site, until fab unlock."""
    values = {"message": _one_line(message)}
    for host, facts in _run(c, LOCK, "fab lock", values):
        display.tell(host, f"held back {facts['lock'][0]}; fab unlock lets go", kind="good")


@roadie_task(examples=("unlock",))
def unlock(c: Context) -> None:
    """Let go of what fab lock holds back."""
    for host, facts in _run(c, UNLOCK, "fab unlock", {}):
        held = facts.get("lock", [""])[0]
        display.tell(host, f"let go; it was held back {held}" if held else "was not held back", kind="good")


class _TaskWithWord(RoadieTask):
    """A task whose first argument is a word and may be left out."""

    words = ("on", "off")

    def get_arguments(self, ignore_unknown_help: bool | None = None) -> list[Argument]:
        """The arguments of the task on the command line."""
        arguments = super().get_arguments(ignore_unknown_help)
        # Invoke takes only arguments without a default as positional, and then requires them.
        if not set(self.words) & set(sys.argv):
            arguments[0].default = ""
        return arguments


@roadie_task(
    klass=_TaskWithWord,
    positional=["state"],
    iterable=["allow"],
    examples=(
        "maintenance on --message 'Back at noon'",
        "maintenance on --allow 203.0.113.7",
        "maintenance off",
    ),
    help={
        "state": "on or off; left out, it says which it is",
        "allow": "an address that sees the site this time, beside maintenance_allow; once for each",
        "message": "a sentence for the page",
    },
)
def maintenance(
    c: Context, state: str | None = None, allow: Sequence[str] | None = None, message: str = ""
) -> None:
    """Show visitors a maintenance page, or the site again."""
    if state not in ("on", "off", "", None):
        raise UsageError(f"maintenance {state}: must be on or off")
    if state != "on" and (allow or message):
        raise UsageError("maintenance: --allow and --message go with on: fab maintenance on --message '...'")
    stages = MAINTENANCE_ON if state == "on" else MAINTENANCE_OFF if state else DOORS
    values = {"message": _one_line(message), "addresses": _addresses(allow or ())}
    for host, facts in _run(c, stages, "fab maintenance", values):
        told = facts.get("maintenance", [""])[0]
        text = f"the maintenance page is on, {told}" if told else "the maintenance page is off"
        if state == "off":
            text = f"the maintenance page is off; it was on, {told}" if told else "was off"
        display.result("maintenance", host, {"on": bool(told) and state != "off", "told": told}, [text])


def _run(
    c: Context, stages: Stages, command: str, values: Mapping[str, Any]
) -> list[tuple[str, dict[str, list[str]]]]:
    """Run the stages without the site's lock. Returns each host's name and facts."""
    from ..project.workspace import site_values
    from ..run.run import Run, targets

    settings, hosts = targets(c)
    given = {**site_values(settings), **values}
    report = Run(stages, given, command=command, locks=False).on(hosts)
    report.raise_failure()
    return [(one.host, one.facts()) for one in report.hosts]


def _addresses(given: Sequence[str]) -> list[str]:
    from ..settings.names import NETWORK

    found = [NETWORK.of_option("--allow", one) for one in given]
    for one in found:
        if "/" in one:
            raise UsageError(f"--allow {one}: only an address; a network goes into maintenance_allow:")
    return found


def _one_line(message: str) -> str:
    line = " ".join(message.split())
    if len(line) > _LONGEST_MESSAGE or re.search(r"[\x00-\x1f\x7f-\x9f]", line):
        raise UsageError(f"--message: must be one line of at most {_LONGEST_MESSAGE} plain characters")
    return line
