"""A site whose database is a file. It needs no server, and keeps every promise that the others keep."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import projects
import pytest
import standing
from browser_with_cookies import Browser
from crowd import LIGHT, Crowd
from cuts import HARD_WAYS, Cuts, Turns
from databases import KINDS
from desk import Desk, browse, eventually, is_serving
from faults import error_of
from probe import Probe
from roadie.throwaway import hosts as throwaway
from roadie.throwaway.hosts import ThrowawayHost
from told import last_run
from visitors import Visitors
from within import assert_serves_once, assert_tidy, halves

FILE = "/srv/guestbook/shared/database/db.sqlite3"
MOOD = """from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("entries", "0002_entry_photo")]
    operations = [
        migrations.AddField("entry", "mood", models.CharField(default="", db_default="", max_length=20))
    ]
"""
WRONG = """from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("entries", "0003_entry_mood")]
    operations = [
        migrations.RunSQL("CREATE TABLE first (a int)", "DROP TABLE first"),
        migrations.RunSQL("INSERT INTO nowhere VALUES (1)", ""),
    ]
"""

# If a cut kept a part of this migration, it would fail when it is applied again. So would its way back.
SLOW = """import time

from django.db import migrations


def wait(apps, editor):
    time.sleep(2)


class Migration(migrations.Migration):
    dependencies = [("probe", "0001_initial")]
    operations = [
        migrations.RunSQL("CREATE TABLE slow (a int)", "DROP TABLE slow"),
        migrations.RunPython(wait, wait),
    ]
"""
TABLES, SLOW_ONE = KINDS["sqlite"], "SELECT name FROM sqlite_master WHERE name = 'slow'"


def asked(host: ThrowawayHost, statement: str) -> str:
    """Return what the database answers to the site's user."""
    code = f"import sqlite3; print(sqlite3.connect('{FILE}').execute({statement!r}).fetchall())"
    return host.ssh("setpriv --reuid=guestbook --clear-groups python3 -", text=code).stdout.strip()


def columns(host: ThrowawayHost) -> str:
    return asked(host, "SELECT group_concat(name) FROM pragma_table_info('entries_entry')")


def migration(desk: Desk, name: str, text: str) -> None:
    (desk.project / f"entries/migrations/{name}.py").write_text(text)
    projects.commit(desk.project, name)


@pytest.mark.third(1)
def test_a_site_lives_with_a_file(bare_host, desk) -> None:
    host, sat = bare_host, desk(bare_host, database="sqlite")
    # A release's own file, with whatever a developer left in it, never serves.
    (sat.project / "db.sqlite3").write_bytes(b"SQLite format 3\0 and nothing more")
    projects.commit(sat.project, "A file of a developer's")
    planned = sat.fab("plan")
    assert "database: sqlite, as `database:` says" in planned.text
    sat.does("bootstrap")
    assert re.search(r": 0 changed, [\d.]+ s\n$", sat.does("bootstrap").out)
    assert sat.fab("plan").code == 0
    assert host.ssh("dpkg-query -W | grep -cE '^(mariadb|mysql|postgresql)-server' || :").stdout == "0\n"
    sat.does("deploy")
    assert browse(host).status == 200
    assert host.ssh(f"stat -c '%a %U:%G' {FILE} {Path(FILE).parent}").stdout.split("\n")[:2] == [
        "600 guestbook:guestbook",
        "700 guestbook:guestbook",
    ]
    assert asked(host, "PRAGMA journal_mode") == "[('wal',)]"
    browser = Browser(host)
    assert browser.post("/", name="Ann", message="caf\u00e9 \U0001f600").status == 302
    assert "caf\u00e9 \U0001f600" in browse(host).body
    told = sat.does("status").text
    assert "database" in told and "no answer" not in told

    # ---- A migration, its dump, and back
    migration(sat, "0003_entry_mood", MOOD)
    with Visitors(host) as visitors:
        told = sat.does("deploy").text
    visitors.assert_content()
    assert "pending  migrations: entries.0003_entry_mood" in told
    assert "mood" in columns(host)
    dump = host.ssh("cat /srv/guestbook/live/release/dump").stdout.strip()
    assert dump.endswith(".sqlite3.gz") and host.ssh(f"stat -c '%a %U' {dump}").stdout == "600 root\n"
    whole = gzip.decompress(Path(f"{host.tree}{dump}").read_bytes())
    assert whole.startswith(b"SQLite format 3") and "caf\u00e9".encode() in whole and b"mood" not in whole
    with Visitors(host) as visitors:  # the file has the old content or the dump's, and nothing in between
        sat.does("migrate", f"--restore-dump={dump}")
    visitors.assert_content()
    assert "mood" not in columns(host) and "caf\u00e9" in browse(host).body
    assert asked(host, "PRAGMA journal_mode") == "[('wal',)]"
    assert "applied  entries.0003_entry_mood" in sat.does("migrate").out
    host.ssh(f"head -c 900 {dump} >{dump.replace('.sqlite3', '-half.sqlite3')}")
    half = dump.replace(".sqlite3", "-half.sqlite3")
    error_of(sat.fab("migrate", f"--restore-dump={half}"), 6, "not whole", "left as it is")
    with Visitors(host) as visitors:
        told = sat.does("rollback", "--migrations").text
    visitors.assert_content()
    assert "mood" not in columns(host) and "caf\u00e9" in browse(host).body
    sat.does("deploy")

    # ---- A migration that fails leaves nothing behind
    migration(sat, "0004_wrong", WRONG)
    told = error_of(sat.fab("deploy"), 6, "entries.0004_wrong", "nowhere")
    assert asked(host, "SELECT count(*) FROM sqlite_master WHERE name = 'first'") == "[(0,)]"
    assert browse(host).status == 200
    projects.git(sat.project, "reset", "-q", "--hard", "HEAD~1")
    assert "half" not in sat.does("deploy").text

    # ---- Whatever stands in the file's place, root does not open it, and nothing waits for ever
    dump = host.ssh("ls -t /var/backups/roadie/dumps/guestbook/*Z-before-*.gz | head -n 1").stdout.strip()
    for stands in f"mkfifo {FILE}", f"ln -s /etc/shadow {FILE}", f"echo hello >{FILE}; chmod 666 {FILE}":
        host.ssh(f"cd /srv/guestbook/shared/database && mkdir -p away && mv db.sqlite3* away/ && {stands}")
        error_of(sat.fab("bootstrap"), 6, FILE)
        error_of(sat.fab("migrate", f"--restore-dump={dump}"), 6, "database guestbook")
        host.ssh("cd /srv/guestbook/shared/database && rm -f db.sqlite3* && mv away/* . && rmdir away")
    assert "0 changed" in sat.does("bootstrap").out

    # ---- Another kind, and the end. A reboot is in test_matrix.py.
    settings = (sat.project / "fabric.yaml").read_text()
    (sat.project / "fabric.yaml").write_text(settings.replace("sqlite", "mysql"))
    projects.commit(sat.project, "Another kind")
    error_of(sat.fab("bootstrap"), 2, "sqlite", "database: sqlite")
    projects.git(sat.project, "reset", "-q", "--hard", "HEAD~1")
    sat.does("remove", "--purge", "--confirm", "guestbook")
    assert host.ssh("ls -A /srv /var/backups/roadie/dumps").stdout.split("\n\n")[0] == "/srv:"
    assert ("drop", "no database guestbook") in last_run(host).said("changed")


@pytest.mark.third(0)
def test_a_migration_its_way_back_and_a_restore_may_be_cut(tmp_path: Path, seed: int) -> None:
    with throwaway.boot("sqlite", snapshot=standing.probed(database="sqlite")) as host:
        assert eventually(lambda: is_serving(host), 30)
        probe = Probe(tmp_path / "probe", host, database="sqlite")
        before = probe.change_settings(watch=0)
        probe.desk.does("deploy")
        (probe.folder / "probe/migrations/0002_slow.py").write_text(SLOW)
        after = probe.change_code()
        spared = ["receive", "build", "retire", "prune", "leave"]
        with Crowd(host, before, LIGHT, "sqlite") as crowd:
            crowd.expect(after)
            turns = Turns(seed, HARD_WAYS, spared, every=50, always=("dump:", "migrate:"))
            Cuts(probe.desk, ("deploy",), turns, midst={"migrate: migrations of RELEASE": 1}).all()
            assert TABLES.rows(host, SLOW_ONE) == ["slow"]
            [dump, *_] = host.ssh("ls -t /var/backups/roadie/dumps/guestbook/*.gz").stdout.split()
            back = Turns(seed, HARD_WAYS, spared, every=50, always=("unapply:",))
            midst = {"unapply: migrations that RELEASE does not know": 1}
            Cuts(probe.desk, ("rollback", "--migrations"), back, midst=midst).all()
            assert TABLES.rows(host, SLOW_ONE) == []
            assert_serves_once(host)
        crowd.assert_content()
        assert "half" not in probe.desk.does("releases").text
        restore = Turns(seed, HARD_WAYS)
        Cuts(probe.desk, ("migrate", f"--restore-dump={dump}"), restore).all()
        assert browse(host, "/?number=1").status == 200
        assert_tidy(host)
        assert not (half := halves(host)), half
    for each in turns, back, restore:
        each.tell()
