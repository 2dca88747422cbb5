"""Tasks that ship releases: deploy, and migrate alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from invoke.context import Context

from ..display import current as display
from ..errors import PlanFound, UsageError
from ..run.consent import YES, with_consent
from ..run.report import Report
from ..run.task import WAIT, roadie_task
from ..scripts import stages
from ..scripts.stage import Sequence
from ..scripts.stages import (
    APPLY,
    FINISH,
    MIGRATE,
    MIGRATE_PLAN,
    PUT_RIGHT,
    RESTORE,
    SURVEY,
    in_use,
)
from .given import given_index, given_secrets

if TYPE_CHECKING:
    from pathlib import Path

    from ..project.project import Project
    from ..project.workspace import Committed
    from ..release.record import NewRelease
    from ..run.run import Run
    from ..settings.reading import Settings
    from ..ssh.host import Host

_DEPLOY = "fab deploy"
NO_CERTIFICATE = (
    "the site answers by http, as it has no certificate yet, and nobody can log in; "
    "fab tls says why, and gets it"
)


@roadie_task(
    examples=("deploy", "deploy --ref v1.2", "deploy --no-migrate"),
    help={
        "ref": "the commit, branch or tag to ship (HEAD)",
        "wait": WAIT,
        "migrate": "whether to apply the migrations that are pending (yes)",
        "plan": "tell what the deploy would do, as far as it can be known; change nothing",
        "yes": YES,
    },
)
def deploy(
    c: Context,
    ref: str = "HEAD",
    wait: int = 0,
    migrate: bool = True,
    plan: bool = False,
    yes: bool = False,
) -> None:
    """Ship a commit as a new release and switch to it."""
    if plan:
        _plan(c, ref, migrate)
        return
    with_consent(lambda agreed: _deploy(c, ref, wait, migrate, agreed), yes)


def _deploy(c: Context, ref: str, wait: int, migrate: bool, yes: bool) -> None:
    from ..run.run import Run

    work, values, hosts = _shipment(c, ref)
    values["consent"] = yes or values["consent"]
    survey = Run(SURVEY, values, command=_DEPLOY, locks=False).on(hosts)
    survey.raise_failure()  # If one host cannot be deployed to, no host is.
    if work.settings.build_here and not all("served" in found.facts() for found in survey.hosts):
        _build_here(work, values)
    run = Run((stages.served, *_deploy_stages(migrate, work.project)), values, command=_DEPLOY, wait=wait)
    for host, found in zip(hosts, survey.hosts, strict=True):
        _deploy_on(host, found.facts(), run, migrate)


def _shipment(c: Context, ref: str) -> tuple[Committed, dict[str, Any], list[Host]]:
    """The commit to ship, the values for the templates, and the hosts."""
    from ..run.run import targets

    settings, hosts = targets(c)
    from ..project.workspace import at_ref
    from ..release.record import make_release  # late: roadie connects to the hosts meanwhile
    from ..scripts.own_files import all_files

    work = at_ref(settings, ref)
    settings = work.settings  # completed by the project
    _warn_of_dirty_tree(work)
    display.forewarn(work.project.forewarnings)
    if work.project.requirements_told:
        display.tell("here", work.project.requirements_told)
    secrets = given_secrets(settings)
    common = {**work.values, **all_files(work, secrets), "secrets": secrets}
    # The index is not among the values of a release: a new token for the index makes no new release.
    release, index = make_release(work, common), given_index(settings)
    return work, {**common, "index": index, "release": release, "nginx": _sum_of_nginx(common)}, hosts


def _build_here(work: Committed, values: dict[str, Any]) -> None:
    """Run `build_here:`, and add to the release what it makes."""
    from ..release.built_here import build_here
    from ..release.record import with_built

    built = build_here(work, lambda text: display.tell("here", text))
    values["release"] = with_built(values["release"], work, built.tree)
    values["objects"] = built.environment


def _plan(c: Context, ref: str, migrate: bool) -> None:
    from .deploy_plan import tell_plans

    work, values, hosts = _shipment(c, ref)
    tell_plans(
        hosts,
        work,
        values,
        _deploy_stages(migrate, work.project),
        lambda facts: _what_is_left(facts, migrate),
        migrate=migrate,
    )


def _deploy_on(host: Host, facts: dict[str, list[str]], run: Run, migrate: bool) -> None:
    """Deploy to one host. Do only what the host lacks by its facts."""
    from ..git.bundle import OURS, pack

    values, release = run.values, run.values["release"]
    _tell_maintenance(host, facts)
    if "served" not in facts:
        _tell_why(host, facts, release, values["settings"].root)
        root, known = values["settings"].root, facts.get("tree", [])
        payload = pack(root, release.tree, known, release.source_tree, values.get("objects", OURS))
        report = run.on([host], payload)
        # Another run may have changed what serves since the survey.
        facts = {**facts, **report.hosts[0].facts()}
    if "served" in facts:
        release = replace(release, id=facts["served"][0])
        rest = _what_is_left(facts, migrate)
        if not rest:
            _warn_of_nginx(host, facts, values)
            text = f"0 changed: release {release.id} of this commit serves already"
            display.tell(host.name, text, kind="good")
            return
        report = replace(run, stages=rest).on([host])
    _warn_of_nginx(host, facts, values)
    if values["settings"].tls and "https" not in facts:
        display.tell(host.name, NO_CERTIFICATE, kind="warn")
    _conclude(report, facts, release, values["settings"])
    if not migrate:
        _warn_of_pending(report)


def _what_is_left(facts: dict[str, list[str]], migrate: bool) -> Sequence:
    """The stages that an earlier deploy of this release left undone, as it was cut or left migrations out."""
    if migrate and "pending" in facts:
        return (*APPLY, *FINISH)
    return () if facts["settled"] == ["yes"] else FINISH


def _deploy_stages(migrate: bool, project: Project) -> Sequence:
    left_out = () if migrate else (stages.dump, stages.migrate, stages.take_away)
    sequence = tuple(stage for stage in in_use("deploy") if stage not in left_out)
    return _build_after_checkout(sequence) if project.needs_tree else sequence


def _build_after_checkout(sequence: Sequence) -> Sequence:
    """The same stages, with the virtualenv after the code, because requirements are in folders of the code.

    Stages that a user has put right after the virtualenv stay after it.
    """
    code = sequence.index(stages.checkout) if stages.checkout in sequence else 0
    build = sequence.index(stages.virtualenv) if stages.virtualenv in sequence[:code] else code
    late = tuple(stage for stage in sequence[build:code] if stage != stages.receive)
    before = tuple(stage for stage in sequence[:code] if stage not in late)
    return (*before, *sequence[code : code + 1], *late, *sequence[code + 1 :])


def _warn_of_pending(report: Report) -> None:
    for one in report.hosts:
        for event in one.said("pending"):
            text = f"not applied, as --no-migrate says: {event.detail}; fab migrate applies them"
            display.tell(one.host, text, kind="warn")


def _tell_maintenance(host: Host, facts: dict[str, list[str]]) -> None:
    if told := facts.get("maintenance"):
        text = f"the maintenance page is on, {told[0]}; visitors see no release"
        display.tell(host.name, text, kind="warn")


def _tell_why(host: Host, facts: dict[str, list[str]], release: NewRelease, root: Path) -> None:
    """Tell which commits this release brings, and in which parts it differs from the release that serves."""
    from ..display.phrases import short_id
    from ..git.commits import difference
    from ..release.outlook import counted
    from ..release.record import differences

    if live := facts.get("live", [""])[-1]:
        commits = difference(root, short_id(live), release.commit)
        parts = differences(release.fingerprint, facts.get("fingerprint", [""])[-1])
        changed = ", ".join([*counted(commits), f"changed: {', '.join(parts)}"])
        told = changed if parts else "the same, which does not run"
        display.tell(host.name, f'{short_id(live)} -> {short_id(release.id)} "{release.subject}": {told}')


def _sum_of_nginx(values: Mapping[str, Any]) -> str:
    """The SHA-256 of the file for nginx that these settings make."""
    from hashlib import sha256

    from ..scripts.render import render

    text = render("nginx/site.nginx.j2", values["settings"].own_templates, values).removesuffix("\n") + "\n"
    return sha256(text.encode()).hexdigest()


def _warn_of_nginx(host: Host, facts: dict[str, list[str]], values: Mapping[str, Any]) -> None:
    """Warn if nginx has other settings for the site. A deploy does not change nginx, but `fab nginx` does."""
    from ..release.outlook import nginx_told

    if differs := nginx_told(facts, values["nginx"]):
        display.tell(host.name, differs, kind="warn")


def _conclude(report: Report, facts: dict[str, list[str]], release: NewRelease, settings: Settings) -> None:
    from ..display.phrases import short_id

    if "live" in facts:
        before = facts["live"][-1]
        report.raise_failure(lambda one: f"; {one.serving(before, release.id)}")
    report.raise_failure()
    url = f"{'https' if 'https' in facts else 'http'}://{settings.domain[0]}/"
    headline = f'{url} serves {short_id(release.id)} "{release.subject}"'
    undo = "fab rollback" if facts.get("live", [""])[-1] else ""
    report.summarise(sentence=f"release {release.id} serves {url}", headline=headline, undo=undo)


def _warn_of_dirty_tree(work: Committed) -> None:
    used, left = work.uncommitted
    if used:
        how = "it is" if len(used) == 1 else "they are"
        display.tell("here", f"{', '.join(used)}: used as {how} here, uncommitted", kind="warn")
    if left:
        what = "1 changed file is" if len(left) == 1 else f"{len(left)} changed files are"
        which = f"{what} not committed and {'does' if len(left) == 1 else 'do'} not ship: "
        which += ", ".join(left[:5])
        display.tell("here", which, kind="warn")


@roadie_task(
    group="data",
    examples=("migrate --plan", "migrate"),
    help={
        "plan": "show what would be applied, as SQL, with its dangers; change nothing",
        "restore-dump": "bring the database back to this dump, a file on the host, instead",
        "put-right": "say of a half applied migration that its tables are right, and apply nothing",
        "yes": YES,
        "wait": WAIT,
    },
)
def migrate(
    c: Context,
    plan: bool = False,
    restore_dump: str = "",
    put_right: str = "",
    yes: bool = False,
    wait: int = 0,
) -> None:
    """Apply the migrations of the release that serves."""
    if plan + bool(restore_dump) + bool(put_right) > 1:
        raise UsageError("migrate: --plan, --restore-dump and --put-right exclude each other")
    sequence = MIGRATE_PLAN if plan else RESTORE if restore_dump else PUT_RIGHT if put_right else MIGRATE
    values = {"restore_dump": restore_dump, "put_right": put_right}
    with_consent(lambda agreed: _migrate(c, sequence, values, wait, plan, agreed), yes)


def _migrate(
    c: Context, sequence: Sequence, values: dict[str, Any], wait: int, plan: bool, yes: bool
) -> None:
    from ..project.workspace import at_head
    from ..run.run import Run, targets

    settings, hosts = targets(c)
    values = {**at_head(settings).values, **values}
    values["consent"] = yes or values["consent"]
    report = Run(sequence, values, command="fab migrate", dry_run=plan, wait=wait).on(hosts)
    report.raise_failure()
    report.summarise("would" if plan else "changed")
    if found := sum(len(one.said("would")) for one in report.hosts):
        raise PlanFound(f"migrate: {found} to apply; fab migrate does it")
