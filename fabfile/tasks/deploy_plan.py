"""The plan of a deploy: what it would do on each host, told without doing it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from ..display import current as display
from ..errors import PlanFound
from ..project.workspace import Committed
from ..release.outlook import Outlook, nginx_told
from ..run.report import HostReport
from ..run.run import Run
from ..scripts import stages
from ..scripts.stage import Sequence
from ..scripts.stages import SURVEY
from ..ssh.host import Host

#: the stages of a deploy whose dry run tells what they would do; the others need what these make
_TELLING = frozenset(
    {stages.secrets, stages.virtualenv, stages.checkout, stages.files, stages.shared, stages.environment}
)

#: Tells which stages an earlier deploy of the release that serves has left undone, by the facts of the host.
Left = Callable[[dict[str, list[str]]], Sequence]


def tell_plans(
    hosts: list[Host],
    work: Committed,
    values: Mapping[str, Any],
    deploy: Sequence,
    left: Left,
    *,
    migrate: bool,
) -> None:
    """Tell what a deploy with these stages would do on each host.

    Raises PlanFound if there is something to do on a host.
    """
    told = (*SURVEY, *(stage for stage in deploy if stage in _TELLING), stages.outlook)
    hides = frozenset({"would"})
    report = Run(told, values, command="fab deploy --plan", dry_run=True, hides=hides).on(hosts)
    report.raise_failure()
    sums = [_tell_plan(one, work, values, deploy, left, migrate=migrate) for one in report.hosts]
    if any(sums):
        raise PlanFound(f"deploy --plan: {next(filter(None, sums))}; fab deploy does it")


def _tell_plan(
    one: HostReport,
    work: Committed,
    values: Mapping[str, Any],
    deploy: Sequence,
    left: Left,
    *,
    migrate: bool,
) -> str:
    """Tell the plan for one host. Return a summary, which is empty if there is nothing to do."""
    facts = one.facts()
    outlook = Outlook(
        work,
        values["release"],
        facts,
        _names(deploy, work),
        builds=any(event.stage == stages.virtualenv.name for event in one.said("would")),
        nginx=nginx_told(facts, values["nginx"]),
        migrate=migrate,
    )
    if not outlook.served:
        display.result("deploy", one.host, outlook.data(), outlook.lines())
        return outlook.summary()
    outlook = replace(outlook, stages=_names(left(facts), work))
    rest = f"an earlier run did not finish: {' '.join(outlook.stages)}" if outlook.stages else ""
    line = f"release {outlook.served} of this commit serves already; {rest or 'nothing to do'}"
    display.result("deploy", one.host, outlook.data(), [line, *outlook.told_nginx])
    return rest


def _names(sequence: Sequence, work: Committed) -> list[str]:
    return [stage.name for stage in sequence if stage.when(work.settings, work.project)]
