"""Tasks for the releases that a host has already: the list of them, and the way back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from invoke.context import Context

from .errors import UsageError
from .executor import roadie_task
from .report import say_line
from .stages import FINISH_ROLLBACK, HISTORY, ROLLBACK

if TYPE_CHECKING:
    from .history import History, Past
    from .host import Host

_WAIT = "seconds to wait for another run to end (0)"


@dataclass(frozen=True)
class Way:
    """From which release to which a rollback goes."""

    serves: str = ""
    #: whether the release that is left is marked, so that no plain rollback comes back to it
    leaves: bool = True


@roadie_task
def releases(c: Context) -> None:
    """List the host's releases and what became of each."""
    from .runner import targets
    from .workspace import named

    settings, hosts = targets(c)
    for history in _histories(hosts, {"settings": named(settings)}, "fab releases"):
        if not history.releases:
            say_line(history.host, "no release yet; run: fab deploy")
        for one in reversed(history.releases):
            say_line(history.host, _line(one, history))


@roadie_task(help={"to": "a release, or the beginning of its commit (the release before)", "wait": _WAIT})
def rollback(c: Context, to: str = "", wait: int = 0) -> None:
    """Go back to the release that served before."""
    from .runner import targets
    from .workspace import named

    settings, hosts = targets(c)
    values = {"settings": named(settings)}
    for host, history in zip(hosts, _histories(hosts, values, "fab rollback"), strict=True):
        _roll_back(host, history, history.target(to), values, wait)


def _roll_back(host: Host, history: History, target: Past, values: dict[str, Any], wait: int) -> None:
    from .record import Release
    from .runner import run_stages

    if unknown := history.unknown_to(target):
        raise UsageError(f"{host.name}: {target.id} does not know {', '.join(unknown)}")
    values = {
        **values,
        "release": Release(target.id, str(target.record.get("commit", "")), ""),
        "rollback": Way(serves=history.live, leaves=not target.bad),
    }
    stages = FINISH_ROLLBACK if target.id == history.live else ROLLBACK
    report = run_stages([host], stages, values, command="fab rollback", wait=wait)
    report.raise_failure(f"; {history.live} still serves")
    report.summarise()
    say_line(host.name, f"release {target.id} serves")


def _histories(hosts: list[Host], values: dict[str, Any], command: str) -> list[History]:
    from . import history
    from .runner import run_stages

    report = run_stages(hosts, HISTORY, values, command=command, locks=False)
    report.raise_failure()
    return [history.read(one.host, one.facts()) for one in report.hosts]


def _line(one: Past, history: History) -> str:
    """One release as a line: its name and state first, then what it is and who made it."""
    record = one.record
    took = f"{one.took} s" if one.took else "-"
    who = f"{record.get('who', '?')} at {record.get('from', '?')}"
    branch = str(record.get("branch") or record.get("ref") or "-")
    dirty = "; not all was committed" if record.get("dirty") else ""
    why = f" ({one.bad or one.failed})" if one.bad or one.failed else ""
    what = f"{branch}: {record.get('subject', '')}{dirty}{why}"
    return f"{one.id}  {history.state(one):<10} {took:>6}  {who}  {what}"
