"""Tasks that ship releases: deploy, and migrate alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from invoke.context import Context

from .executor import roadie_task
from .report import HostReport, Report, say_line
from .stages import FINISH, MIGRATE, SURVEY, in_use

if TYPE_CHECKING:
    from .host import Host
    from .record import Release
    from .session import Payload
    from .settings import Settings
    from .workspace import Committed

_WAIT = "seconds to wait for another run to end (0)"


@roadie_task(help={"ref": "the commit, branch or tag to ship (HEAD)", "wait": _WAIT})
def deploy(c: Context, ref: str = "HEAD", wait: int = 0) -> None:
    """Ship a commit as a new release and switch to it."""
    from .record import make_release
    from .runner import run_stages, targets
    from .workspace import at_ref

    settings, hosts = targets(c)
    work = at_ref(settings, ref)
    _warn_of_dirty_tree(work)
    values = {**work.values, "secrets": _secrets(settings)}
    values["release"] = make_release(work, values)
    survey = run_stages(hosts, SURVEY, values, command="fab deploy", locks=False)
    survey.raise_failure()
    for host, found in zip(hosts, survey.hosts, strict=True):
        _deploy_on(host, found, values, wait)


def _deploy_on(host: Host, found: HostReport, values: Mapping[str, Any], wait: int) -> None:
    """Deploy to one host, doing no more than what the survey found to be missing."""
    from .bundle import pack
    from .runner import run_stages

    facts, release, settings = found.facts(), values["release"], values["settings"]
    if "maintenance" in facts:
        say_line(host.name, f"the maintenance page is on, {facts['maintenance'][0]}; visitors see no release")
    if facts.get("fingerprint") == [release.fingerprint] and facts.get("running") == ["yes"]:
        if facts.get("settled") == ["yes"]:
            say_line(host.name, f"0 changed: release {facts['live'][0]} of this commit serves already")
            return
        stages = FINISH
        payload: Payload = b""
    else:
        stages = in_use("deploy")
        payload = pack(settings.root, release.tree, facts.get("tree", []))
    report = run_stages([host], stages, values, command="fab deploy", payload=payload, wait=wait)
    _conclude(report, facts, release, settings)


def _conclude(report: Report, facts: dict[str, list[str]], release: Release, settings: Settings) -> None:
    before = facts.get("live", [""])[0]
    report.raise_failure(f"; {before} still serves" if before else "; no release serves yet")
    report.summarise()
    for one in report.hosts:
        say_line(one.host, f"release {release.id} serves http://{settings.domain[0]}/")


def _secrets(settings: Settings) -> dict[str, str]:
    if not settings.secrets:
        return {}
    from . import console
    from .secret_sources import resolve_secrets

    found = resolve_secrets(settings, lambda name: console.ask(f"secret {name}: ", secret=True))
    return {name: secret.reveal() for name, secret in found.items()}


def _warn_of_dirty_tree(work: Committed) -> None:
    dirty = work.commit.dirty
    if dirty:
        say_line(
            "here", f"{len(dirty)} changed files are not committed and do not ship: {', '.join(dirty[:5])}"
        )


@roadie_task(help={"wait": _WAIT})
def migrate(c: Context, wait: int = 0) -> None:
    """Apply the migrations of the release that serves."""
    from .runner import run_stages, targets
    from .workspace import at_head

    settings, hosts = targets(c)
    work = at_head(settings)
    report = run_stages(hosts, MIGRATE, work.values, command="fab migrate", wait=wait)
    report.raise_failure()
    report.summarise()
