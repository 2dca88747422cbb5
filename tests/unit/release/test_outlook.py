"""Tests of what a deploy would do, by the facts that a host has told."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from projects import commit, example
from roadie.project.workspace import Committed, at_ref
from roadie.release.outlook import NGINX_DIFFERS, NGINX_LACKS, Outlook, nginx_told
from roadie.release.record import NewRelease
from roadie.settings.reading import load

DROPS = """from django.db import migrations


class Migration(migrations.Migration):
    operations = [migrations.RemoveField("entry", "photo")]
"""
LIVE = "20261122T120000Z-4567cdef"


@pytest.fixture
def work(tmp_path: Path) -> Committed:
    """The guestbook, with a second commit that drops a column."""
    folder = example("guestbook", tmp_path / "guestbook")
    (folder / "entries/migrations/0003_drop.py").write_text(DROPS)
    commit(folder, "Drop the photo")
    settings = load({"app": "guestbook", "domain": "guestbook.example.org"}, "fabric.yaml", folder)
    return at_ref(settings, "HEAD")


def outlook(work: Committed, facts: Mapping[str, Sequence[str]], **values: Any) -> Outlook:
    release = NewRelease("0", work.commit.sha, work.shipped_tree, "a code\nb settings")
    return Outlook(work, release, facts, ["checkout", "switch"], **values)


def facts(work: Committed, **more: Sequence[str]) -> dict[str, Sequence[str]]:
    record = json.dumps({"commit": at_ref(work.settings, "HEAD~1").commit.sha, "subject": "Start"})
    requirements = "requirements.txt\nDjango==5.1\nlxml @ https://example.org/lxml.zip\n"
    return {
        "live": [LIVE],
        "fingerprint": ["c code\nb settings"],
        "record": [record],
        "knows": ["entries.0001_initial\nentries.0002_entry_photo\nauth.0001_initial"],
        "applied": ["entries.0001_initial\nentries.0002_entry_photo"],
        "requirements": [requirements],
        "variable": ["added B", "removed A", "added B"],
        **more,
    }


def test_everything_is_told_to_a_person_and_to_a_program(work: Committed) -> None:
    found = outlook(work, facts(work), builds=True, nginx=NGINX_DIFFERS)
    data, text = found.data(), "\n".join(found.lines())
    assert [one["subject"] for one in data["commits"]] == ["Drop the photo"] and data["parts"] == ["code"]
    assert data["environment"] == [{"how": "added", "name": "B"}, {"how": "removed", "name": "A"}]
    assert {(one["how"], one["package"]) for one in data["requirements"]} >= {
        ("removed", "lxml"),
        ("changed", "django"),
    }
    [migration] = data["migrations"]
    assert migration["loses"] == ["drops entry.photo and its content"]
    assert data["migrations_of_packages"] == ["auth.0001_initial"]
    assert "! entries.0003_drop: drops entry.photo and its content" in text and "--yes" in text
    assert "virtualenv    built anew" in text and "fab nginx" in text and "+ B" in text
    assert found.summary().startswith("1 commit, environment +B -A, ") and "2 migrations" in found.summary()


def test_an_empty_database_has_nothing_to_lose(work: Committed) -> None:
    found = outlook(work, {"live": [""], "empty": ["database"]})
    assert len(found.data()["migrations"]) == 3 and found.losses == []
    assert "3 migrations of the project, into an empty database" in "\n".join(found.lines())
    assert found.summary().startswith("the first release")


def test_what_cannot_be_known_is_said(work: Committed) -> None:
    known = facts(work, record=['{"commit": "%s"}' % ("f" * 40)])
    found = outlook(work, {name: told for name, told in known.items() if name != "applied"})
    assert found.data()["commits"] is None and not found.data()["database_known"]
    text = "\n".join(found.lines())
    assert "not in this repository" in text and "the database did not answer" in text
    assert outlook(work, facts(work, record=["[nonsense"])).commits is None


def test_an_app_that_the_release_before_does_not_know_may_not_be_installed(work: Committed) -> None:
    found = outlook(work, facts(work, knows=["auth.0001_initial"]))
    assert "entries.0003_drop (if INSTALLED_APPS has this app)" in "\n".join(found.lines())


@pytest.mark.parametrize(
    ("told", "says"),
    [({}, ""), ({"nginx": ["ab"]}, ""), ({"nginx": ["cd"]}, NGINX_DIFFERS), ({"nginx": [""]}, NGINX_LACKS)],
)
def test_a_deploy_says_what_nginx_lacks(told: dict[str, list[str]], says: str) -> None:
    assert nginx_told(told, "ab") == says
