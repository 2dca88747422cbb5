"""The way back across a migration: the older release starts before the database is changed for it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import standing
from desk import Desk, browse
from faults import error_of, serving
from projects import commit, example
from roadie.throwaway import hosts as throwaway
from told import last_run
from within import assert_serves_once, assert_tidy

READY = """
    def ready(self):
        from django.db import connection

        connection.cursor().execute("SELECT * FROM early")
"""
MIGRATION = """from django.db import migrations

SQL = ({forwards!r}, {backwards!r})


class Migration(migrations.Migration):
    dependencies = [("entries", "{after}")]
    operations = [migrations.RunSQL(*SQL)]
"""
MAKE, DROP = "CREATE TABLE early (id int)", "DROP TABLE early"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A desk before a host with four releases: plain; with a migration that makes a table; with code that
    starts only if the table is there; and without this code and the table."""
    with throwaway.boot("back", "trixie", standing.deployed()) as host:
        desk = Desk(example("guestbook", tmp_path_factory.mktemp("desk") / "guestbook"), host)
        apps = desk.project / "entries/apps.py"
        plain = apps.read_text()
        add(desk, "0003_early", "0002_entry_photo", MAKE, DROP)
        desk.does("deploy")
        apps.write_text(plain + READY)
        commit(desk.project)
        desk.does("deploy")
        apps.write_text(plain)
        add(desk, "0004_late", "0003_early", DROP, MAKE)
        desk.does("deploy")
        yield desk


def add(desk: Desk, name: str, after: str, forwards: str, backwards: str) -> None:
    text = MIGRATION.format(after=after, forwards=forwards, backwards=backwards)
    (desk.project / f"entries/migrations/{name}.py").write_text(text)
    commit(desk.project, name)


def sql(desk: Desk, statement: str) -> list[str]:
    return desk.host.ssh("mariadb -N guestbook", text=statement).stdout.split()


def releases(desk: Desk) -> list[str]:
    """Return the names of the releases, the oldest first."""
    return desk.host.ssh("ls /srv/guestbook/releases").stdout.split()


def test_an_older_release_that_does_not_start_is_found_before_the_database_is_touched(site: Desk) -> None:
    before = serving(site.host)
    apps = f"/srv/guestbook/releases/{releases(site)[-2]}/code/entries/apps.py"
    site.host.ssh(f"sed -i '1i raise RuntimeError(1)' {apps}")
    for way in ("--migrations", "--restore-dump"):
        done = site.fab("rollback", way)
        told = error_of(done, 6, "warm", "ends as soon as it starts: RuntimeError: 1", "not changed")
        assert f"{before.release} still serves" in told
        assert "early" not in sql(site, "SHOW TABLES") and serving(site.host) == before
        assert "--cold" in told
    site.host.ssh(f"sed -i 1d {apps}")
    assert_serves_once(site.host)
    assert site.fab("rollback", "--cold").code == 2


def test_the_older_release_is_stopped_again_if_no_migration_can_be_taken_back(site: Desk) -> None:
    before = serving(site.host)
    sql(site, MAKE)  # taking 0004_late back makes this table, and fails if the table is there
    done = site.fab("rollback", "--migrations")
    error_of(done, 6, "entries.0004_late", "left nothing behind", f"{before.release} still serves")
    assert serving(site.host) == before
    assert_serves_once(site.host)
    assert_tidy(site.host)
    sql(site, DROP)


def test_an_older_release_that_starts_only_with_its_own_database_starts_after_the_change(site: Desk) -> None:
    done = site.does("rollback", "--migrations")
    assert "Table 'guestbook.early' doesn't exist" in done.out
    assert last_run(site.host).started() == ["warm", "start"]
    assert serving(site.host).release == releases(site)[-2] and sql(site, "SHOW TABLES LIKE 'early'")
    assert_serves_once(site.host)


def test_with_cold_the_older_release_starts_once_and_after_the_change(site: Desk) -> None:
    site.does("rollback", "--to", releases(site)[0], "--migrations", "--cold")
    assert last_run(site.host).started() == ["start"]
    assert not sql(site, "SHOW TABLES LIKE 'early'") and browse(site.host).status == 200
    site.does("rollback", "--to", releases(site)[1])


def test_the_older_release_starts_before_the_database_is_changed(site: Desk) -> None:
    for way in ("--migrations", "--restore-dump"):
        site.does("rollback", "--to", releases(site)[0], way)
        run = last_run(site.host)
        # After a restored dump the release starts again, because it may remember rows of the other database.
        assert run.started() == (["warm"] if way == "--migrations" else ["warm", "start"])
        stages = [stage for verb, stage, _, _ in run.events if verb == "stage"]
        change = stages.index("unapply" if way == "--migrations" else "restore")
        assert stages.index("warm") < change < stages.index("switch")
        assert not sql(site, "SHOW TABLES LIKE 'early'") and browse(site.host).status == 200
        assert_serves_once(site.host)
        site.does("rollback", "--to", releases(site)[1])
        assert sql(site, "SHOW TABLES LIKE 'early'")
