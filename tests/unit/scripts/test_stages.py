"""The order in which a deploy's stages run."""

from __future__ import annotations

from dataclasses import replace

import pytest
import scripts
from roadie.project.project import Project
from roadie.scripts import stages
from roadie.scripts.stage import Sequence, Stage, applicable
from roadie.settings.names import ROLES
from roadie.settings.schema import Settings
from roadie.tasks.shipping import _deploy_stages

PROJECT = scripts.values()["project"]
IN_FOLDERS = replace(PROJECT, requirements=replace(PROJECT.requirements, local=("libs/own",)))


@pytest.fixture
def chosen(monkeypatch: pytest.MonkeyPatch) -> object:
    def choose(*sequence: Stage) -> None:
        monkeypatch.setitem(stages._in_use, "deploy", sequence)

    return choose


# Settings for which the stages run that put something beside the commit's files.
PLACED = {
    "build": ["make css"],
    "shared": ["search_index"],
    "files": {"a.py": "fabric.yaml"},
    "redis": True,
    "once": {"data": "manage.py loaddata start"},
}


def names(sequence: Sequence) -> list[str]:
    return [stage.name for stage in sequence]


def test_the_virtualenv_does_not_wait_for_the_code() -> None:
    assert names(_deploy_stages(True, PROJECT))[2:6] == ["load", "virtualenv", "receive", "checkout"]


def test_the_virtualenv_waits_for_the_code_if_requirements_are_folders_of_the_project() -> None:
    found = _deploy_stages(True, IN_FOLDERS)
    assert names(found)[2:7] == ["load", "receive", "checkout", "virtualenv", "build"]
    assert {*found} == {*stages.DEPLOY}


def test_what_comes_right_after_the_virtualenv_stays_behind_it(chosen) -> None:
    own = Stage("own", "Do something.", "stages/own.sh.j2")
    chosen(stages.virtualenv, own, stages.receive, stages.checkout, stages.environment)
    found = ["receive", "checkout", "virtualenv", "own", "environment"]
    assert names(_deploy_stages(True, IN_FOLDERS)) == found


@pytest.mark.parametrize(
    "sequence", [(stages.checkout, stages.environment, stages.virtualenv), (stages.virtualenv,), ()]
)
def test_a_users_own_sequence_without_code_after_the_virtualenv_stays_as_it_is(chosen, sequence) -> None:
    chosen(*sequence)
    assert _deploy_stages(True, IN_FOLDERS) == sequence


def test_without_migrations_neither_dump_nor_migrate_runs() -> None:
    left_out = {*stages.DEPLOY} - {*_deploy_stages(False, PROJECT)}
    assert left_out == {stages.dump, stages.migrate, stages.take_away}


def test_a_stage_runs_where_its_condition_holds_and_on_hosts_with_its_role() -> None:
    def is_watched(settings: Settings, project: Project | None) -> bool:
        return settings.watch > 0

    always, watched, on_workers, everywhere = (
        Stage("always", "", ""),
        Stage("watched", "", "", when=is_watched),
        Stage("on-workers", "", "", role="worker"),
        Stage("everywhere", "", "", role=""),
    )
    sequence = (always, watched, on_workers, everywhere)
    watching, blind = (scripts.values(watch=seconds)["settings"] for seconds in (5, 0))
    assert applicable(sequence, watching, PROJECT, ("web",)) == (always, watched, everywhere)
    assert applicable(sequence, blind, None, ("web", "worker")) == (always, on_workers, everywhere)
    assert applicable(sequence, blind, None, ("db",)) == (everywhere,)


def test_no_dump_is_made_and_no_release_watched_where_the_settings_say_so() -> None:
    settings = scripts.values(dump_before_migrate=False, watch=0, **PLACED)["settings"]
    found = applicable(stages.DEPLOY, settings, PROJECT, ROLES)
    assert {*stages.DEPLOY} - {*found} == {stages.dump, stages.watch}


def test_nothing_is_built_or_shared_where_the_settings_name_nothing() -> None:
    found = applicable(stages.DEPLOY, scripts.values()["settings"], PROJECT, ROLES)
    assert {*stages.DEPLOY} - {*found} == {
        stages.answers,
        stages.build,
        stages.files,
        stages.shared,
        stages.once,
    }


def test_every_stage_is_for_a_role_that_a_host_can_have() -> None:
    assert {stage.role for stage in stages.OURS} <= {"", *ROLES}
