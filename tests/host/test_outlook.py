"""`deploy --plan` says beforehand what the deploy then does, and changes nothing on the host."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import standing
from desk import Desk, Done
from projects import change_line, commit, example, git
from roadie.throwaway import hosts as throwaway
from roadie.throwaway.hosts import ThrowawayHost
from told import last_run
from within import files

INDEX = "entries/templates/entries/index.html"
MIGRATION = """from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("entries", "{after}")]
    operations = [{operation}]
"""
MOOD = "migrations.AddField('entry', 'mood', models.CharField(default='', db_default='', max_length=9))"
NO_MOOD = "migrations.RemoveField('entry', 'mood')"


@pytest.fixture(scope="module")
def host() -> Iterator[ThrowawayHost]:
    """A host that is ready for the guestbook. All tests of this file use this host, in order."""
    with throwaway.boot("outlook", snapshot=standing.bootstrapped()) as host:
        yield host


@pytest.fixture(scope="module")
def site(host: ThrowawayHost, tmp_path_factory: pytest.TempPathFactory) -> Desk:
    return Desk(example("guestbook", tmp_path_factory.mktemp("desk") / "guestbook"), host)


def planned(site: Desk, *words: str, code: int = 10) -> tuple[dict[str, Any], Done]:
    """Plan a deploy for people and for programs. Check that neither changes the host. Return both."""
    before = site_files(site), held(site)
    shown = site.fab("deploy", "--plan", *words)
    assert shown.code == code, shown.text
    lines = site.fab("deploy", "--plan", "--json", *words).out.splitlines()
    [data] = [each["data"] for each in map(json.loads, lines) if each["event"] == "result"]
    assert (site_files(site), held(site)) == before
    return data, shown


def held(site: Desk) -> str:
    """Return what the last run wrote that held the lock: nobody has held it since if that is unchanged."""
    return site.host.ssh("stat -c '%n %Y %i %s' /run/roadie/guestbook.* 2>/dev/null || :").stdout


def site_files(site: Desk) -> dict[str, str]:
    """Return the state of each file on the host, except of what the site's own processes write."""
    loud = ("/srv/guestbook/shared/home", "/var/lib/mysql", "/var/log", "/run")
    return {path: told for path, told in files(site.host).items() if not path.startswith(loud)}


def deployed(site: Desk, plan: dict[str, Any], *words: str) -> str:
    """Deploy, and check that the deploy does what its plan has said. Return the output."""
    before = virtualenvs(site)
    done = site.does("deploy", *words)
    run = last_run(site.host)
    applied = {what for _, what in run.said("applied")}
    own = {one["name"] for one in plan["migrations"]}
    assert {name for name in applied if name.startswith("entries.")} == own
    assert bool(virtualenvs(site) - before) == (plan["virtualenv"] == "new")
    began = [what for verb, what, *_ in run.events if verb == "stage"]
    assert [name for name in began if name != "served"] == plan["stages"]
    return done.out


def virtualenvs(site: Desk) -> set[str]:
    return {*site.host.ssh("ls /srv/guestbook/venvs").stdout.split()}


def add_migration(site: Desk, name: str, operation: str, after: str) -> None:
    path = site.project / f"entries/migrations/{name}.py"
    path.write_text(MIGRATION.format(after=after, operation=operation))
    commit(site.project, name)


def test_the_first_deploy(site: Desk) -> None:
    plan, shown = planned(site)
    assert plan["serves"] == "" and "first release" in shown.out and "the first release" in shown.last_line
    assert plan["virtualenv"] == "same" and not any(one["loses"] for one in plan["migrations"])
    assert {one["name"] for one in plan["migrations"]} == {"entries.0001_initial", "entries.0002_entry_photo"}
    deployed(site, plan)


def test_nothing_new(site: Desk) -> None:
    plan, shown = planned(site, code=0)
    assert "serves already; nothing to do" in shown.out and shown.err == ""
    assert (plan["stages"], plan["migrations"], plan["environment"]) == ([], [], [])
    assert "0 changed" in site.does("deploy").out


def test_code_only(site: Desk) -> None:
    for title in ("One", "Two"):
        change_line(site.project / INDEX, "</h1>", f" {title}</h1>")
        commit(site.project, f"Say {title}")
    plan, shown = planned(site)
    assert [one["subject"] for one in plan["commits"]] == ["Say Two", "Say One"]
    assert "2 commits since" in shown.out and "2 commits" in shown.last_line
    assert plan["parts"] == ["code"] and plan["virtualenv"] == "same"
    assert (plan["migrations"], plan["environment"], plan["requirements"]) == ([], [], [])
    assert ": code\n" in deployed(site, plan)


def test_what_is_not_committed_does_not_count(site: Desk) -> None:
    change_line(site.project / INDEX, "</h1>", "!</h1>")
    plan, shown = planned(site, code=0)
    assert plan["dirty"] == [INDEX] and "1 changed file is not committed" in shown.out
    git(site.project, "checkout", "-q", "--", ".")


def test_a_requirement_more(site: Desk) -> None:
    with (site.project / "requirements.txt").open("a") as file:
        file.write("tomli==2.0.1\n")
    commit(site.project, "Read TOML")
    plan, shown = planned(site)
    assert plan["requirements"] == [{"how": "added", "package": "tomli", "lines": "tomli==2.0.1"}]
    assert plan["virtualenv"] == "new" and "+ tomli==2.0.1" in shown.out
    deployed(site, plan)
    assert "tomli" in site.host.ssh("ls /srv/guestbook/live/venv/lib/python3*/site-packages").stdout


def test_variables_are_named_but_never_their_values(site: Desk) -> None:
    environment = "/srv/guestbook/live/release/env"
    for text, told in (
        ("MAIL_HOST: s3cret-a, GREETING: s3cret-b", [("added", "GREETING"), ("added", "MAIL_HOST")]),
        ("MAIL_HOST: s3cret-c", [("changed", "MAIL_HOST"), ("removed", "GREETING")]),
    ):
        (site.project / "fabric.yaml").write_text(
            f"roadie: {{app: guestbook, domain: guestbook.example.org, watch: 1, env: {{{text}}}}}\n"
        )
        commit(site.project, "Mail")
        plan, shown = planned(site)
        assert [(one["how"], one["name"]) for one in plan["environment"]] == told
        assert "s3cret" not in shown.text + json.dumps(plan) and "MAIL_HOST" in shown.out
        assert "settings" in plan["parts"]
        before = names_in(site, environment)
        deployed(site, plan)
        after = names_in(site, environment)
        assert after - before == {name for how, name in told if how == "added"}
        assert before - after == {name for how, name in told if how == "removed"}
    assert site.host.ssh("grep -l s3cret /var/log/roadie/*", check=False).stdout == ""


def names_in(site: Desk, path: str) -> set[str]:
    return {line.partition("=")[0] for line in site.host.ssh(f"cat {path}").stdout.splitlines()}


def test_a_migration_that_adds(site: Desk) -> None:
    add_migration(site, "0003_mood", MOOD, "0002_entry_photo")
    plan, shown = planned(site)
    assert plan["migrations"] == [
        {
            "name": "entries.0003_mood",
            "does": ["adds entry.mood"],
            "dangers": [],
            "loses": [],
            "waits": False,
        }
    ]
    assert "+ entries.0003_mood: adds entry.mood" in shown.out
    deployed(site, plan)


def test_a_migration_that_drops_content(site: Desk) -> None:
    insert = "INSERT INTO entries_entry (name, message, signed_at, photo) VALUES ('A', '', '2026-01-03', '')"
    site.host.ssh("mariadb guestbook", text=insert)
    add_migration(site, "0004_no_mood", NO_MOOD, "0003_mood")
    plan, shown = planned(site)
    assert [one["loses"] for one in plan["migrations"]] == [["drops entry.mood and its content"]]
    assert "! entries.0004_no_mood: drops entry.mood and its content" in shown.out
    assert "--yes" in shown.out
    refused = site.fab("deploy")
    assert refused.code == 6 and "entries.0004_no_mood" in refused.last_line
    assert "entries_entry.mood" in refused.last_line
    deployed(site, plan, "--yes")


def test_an_older_commit_and_one_that_is_not_here(site: Desk) -> None:
    plan, shown = planned(site, "--ref", "HEAD~1")
    assert plan["commits"] == [] and [one["subject"] for one in plan["commits_gone"]] == ["0004_no_mood"]
    assert "taken back" in shown.out
    git(site.project, "checkout", "-q", "--orphan", "afresh")
    commit(site.project, "Afresh")
    git(site.project, "branch", "-D", "main")
    git(site.project, "reflog", "expire", "--expire=now", "--all")
    git(site.project, "gc", "-q", "--prune=now")
    change_line(site.project / INDEX, "</h1>", "?</h1>")
    commit(site.project, "Ask")
    plan, shown = planned(site)
    assert plan["commits"] is None and "is not in this repository" in shown.out


def test_a_site_that_is_held_back_can_be_planned(site: Desk) -> None:
    site.does("lock", "--message", "not today")
    try:
        assert "not today" in planned(site)[1].out
    finally:
        site.does("unlock")


def test_a_database_that_does_not_answer_is_no_empty_one(site: Desk) -> None:
    site.host.ssh("systemctl stop mariadb")
    try:
        plan, shown = planned(site)
    finally:
        site.host.ssh("systemctl start mariadb")
    assert not plan["database_known"] and "the database did not answer" in shown.out
