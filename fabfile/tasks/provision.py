"""Tasks that take a server from bare to ready: bootstrap, plan, and each stage alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from invoke.context import Context

from ..display import current as display
from ..errors import PlanFound, UsageError
from ..run.report import HostReport, Report
from ..run.task import RoadieTask, roadie_task
from ..scripts.stage import Sequence, Stage
from ..scripts.stages import PROVISION, in_use, tls, versions, virtualenv
from .given import given_certificate, given_index

if TYPE_CHECKING:
    from ..project.workspace import Workspace
    from ..settings.reading import Settings


@roadie_task(group="set-up", examples=("bootstrap", "-H root@web1.example.org bootstrap"))
def bootstrap(c: Context) -> None:
    """Take a bare server to one that is ready for the site."""
    report = _provision(c, in_use("bootstrap"), "bootstrap")
    report.summarise(title="Ready", following="fab deploy")
    report.raise_failure()


@roadie_task(
    group="set-up",
    examples=("plan", "plan --diff", "-H root@web1.example.org plan"),
    help={"diff": "show new files whole, too"},
)
def plan(c: Context, diff: bool = False) -> None:
    """Show what bootstrap would change, as diffs; change nothing."""
    report = _provision(c, in_use("bootstrap"), "plan", dry_run=True)
    count = sum(_show_changes(one, whole=diff) for one in report.hosts)
    report.summarise("would", following="" if count else "fab deploy --plan")
    report.raise_failure()
    if count:
        raise PlanFound(f"plan: {count} to change; fab bootstrap does it")


def _show_changes(one: HostReport, *, whole: bool) -> int:
    """Show the changes that a host needs: folded at a terminal, else one line each. Returns their number."""
    from ..run import changes

    found = changes.found(one.events)
    if display.folds():
        shown = changes.folded(found, whole=whole)
    else:
        shown = [(change, change.lines(whole=whole)) for change in found]
    for change, lines in shown:
        display.result("change", one.host, change.data(), lines)
    return len(found)


def _provision(c: Context, stages: Sequence, command: str, *, dry_run: bool = False) -> Report:
    from ..project.workspace import at_head
    from ..run.run import Run, targets

    settings, hosts = targets(c)
    work = at_head(settings)
    if not any(stage.when(work.settings, work.project) for stage in stages):
        raise UsageError(
            f"{command}: the settings turn this stage off; see docs/settings.rst for what turns it on"
        )
    if dry_run:
        _show_choices(work)
    if command in ("bootstrap", "plan"):
        display.forewarn(work.project.forewarnings)
        stages = (versions, *stages)
    if virtualenv in stages and (told := work.project.requirements_told):
        display.result("requirements", "", {"told": told}, [told])
    values = {**work.values, **_given(stages, settings, dry_run)}
    hides = frozenset({"would"} if dry_run else ())
    return Run(stages, values, command=f"fab {command}", dry_run=dry_run, hides=hides).on(hosts)


def _show_choices(work: Workspace) -> None:
    """Show what roadie has chosen by the text of the project, and whether visitors come by https."""
    for what, choice in (("database", work.project.database), ("interface", work.project.interface)):
        data = {"kind": choice.kind, "why": choice.why}
        display.result(what, "", data, [f"{what}: {choice.kind}, {choice.why}"])
    if not work.settings.tls:
        told = "tls: off: what visitors send can be read on its way; tls: letsencrypt gives the site https"
        display.result("tls", "", {"kind": "off"}, [told])


def _given(stages: Sequence, settings: Settings, dry_run: bool) -> dict[str, Any]:
    """The values that these stages get from commands, files, variables or a person."""
    values: dict[str, Any] = {}
    if virtualenv in stages and not dry_run:
        values["index"] = given_index(settings)
    if tls in stages:
        values["certificate"] = given_certificate(settings)
    return values


def _stage_task(stage: Stage) -> RoadieTask:
    def body(c: Context) -> None:
        report = _provision(c, (stage,), stage.name)
        report.summarise()
        report.raise_failure()

    body.__doc__ = stage.summary
    body.__name__ = stage.name
    return RoadieTask(body, group="stage", examples=(stage.name,), auto_shortflags=False)


STAGE_TASKS: dict[str, Any] = {stage.name: _stage_task(stage) for stage in PROVISION}
