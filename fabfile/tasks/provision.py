"""Tasks that take a server from bare to ready: bootstrap, plan, and each stage alone."""

from __future__ import annotations

from typing import Any

from invoke.context import Context

from ..errors import PlanFound, UsageError
from ..run.executor import RoadieTask, roadie_task
from ..run.report import Report
from ..scripts.stages import PROVISION, Sequence, Stage, in_use


@roadie_task
def bootstrap(c: Context) -> None:
    """Take a bare server to one that is ready for the site."""
    report = _provision(c, in_use("bootstrap"), "bootstrap")
    report.summarise(title="Ready", following="fab deploy")
    report.raise_failure()


@roadie_task
def plan(c: Context) -> None:
    """Show what bootstrap would change, as diffs; change nothing."""
    report = _provision(c, in_use("bootstrap"), "plan", dry_run=True)
    report.summarise("would")
    report.raise_failure()
    found = sum(len(one.said("would")) for one in report.hosts)
    if found:
        raise PlanFound(f"plan: {found} to change; fab bootstrap does it")


def _provision(c: Context, stages: Sequence, command: str, *, dry_run: bool = False) -> Report:
    from ..project.workspace import at_head
    from ..run.run import Run, targets

    settings, hosts = targets(c)
    work = at_head(settings)
    if not any(stage.when(work.settings, work.project) for stage in stages):
        raise UsageError(
            f"{command}: the settings turn this stage off; see docs/settings.rst for what turns it on"
        )
    return Run(stages, work.values, command=f"fab {command}", dry_run=dry_run).on(hosts)


def _stage_task(stage: Stage) -> RoadieTask:
    def body(c: Context) -> None:
        report = _provision(c, (stage,), stage.name)
        report.summarise()
        report.raise_failure()

    body.__doc__ = stage.summary
    body.__name__ = stage.name
    return roadie_task(body)


def _stage_tasks() -> dict[str, RoadieTask]:
    return {stage.name: _stage_task(stage) for stage in PROVISION}


STAGE_TASKS: dict[str, Any] = _stage_tasks()
