"""In which order a deploy's stages run."""

from __future__ import annotations

from dataclasses import replace

import pytest
import scripts
from roadie.scripts import stages
from roadie.tasks.shipping import _deploy_stages

PROJECT = scripts.values()["project"]
IN_FOLDERS = replace(PROJECT, needs_tree=True)


@pytest.fixture
def chosen(monkeypatch: pytest.MonkeyPatch) -> object:
    def choose(*sequence: stages.Stage) -> None:
        monkeypatch.setitem(stages._in_use, "deploy", sequence)

    return choose


def names(sequence: stages.Sequence) -> list[str]:
    return [stage.name for stage in sequence]


def test_the_virtualenv_does_not_wait_for_the_code() -> None:
    assert names(_deploy_stages(True, PROJECT))[1:5] == ["load", "virtualenv", "receive", "checkout"]


def test_but_for_requirements_in_folders_of_the_project_it_does() -> None:
    found = _deploy_stages(True, IN_FOLDERS)
    assert names(found)[1:6] == ["load", "receive", "checkout", "virtualenv", "environment"]
    assert {*found} == {*stages.DEPLOY}


def test_what_comes_right_after_the_virtualenv_stays_behind_it(chosen) -> None:
    own = stages.Stage("own", "Do something.", "stages/own.sh.j2")
    chosen(stages.virtualenv, own, stages.receive, stages.checkout, stages.environment)
    found = ["receive", "checkout", "virtualenv", "own", "environment"]
    assert names(_deploy_stages(True, IN_FOLDERS)) == found


@pytest.mark.parametrize(
    "sequence", [(stages.checkout, stages.environment, stages.virtualenv), (stages.virtualenv,), ()]
)
def test_a_sequence_of_the_users_own_stays_as_it_is_where_that_is_so(chosen, sequence) -> None:
    chosen(*sequence)
    assert _deploy_stages(True, IN_FOLDERS) == sequence


def test_without_migrations_neither_dump_nor_migrate_runs() -> None:
    left_out = {*stages.DEPLOY} - {*_deploy_stages(False, PROJECT)}
    assert left_out == {stages.dump, stages.migrate}
