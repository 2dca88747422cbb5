"""roadie names migrations and dumps the database before it applies them. Failures name a way back."""

from __future__ import annotations

import gzip
import time
from collections.abc import Iterator
from pathlib import Path

import projects
import pytest
import standing
from desk import Desk, browse, eventually
from faults import append, error_of
from roadie.throwaway import hosts as throwaway
from told import last_run
from within import inside

DUMPS = "/var/backups/roadie/dumps/guestbook"
MOOD = "migrations.AddField('entry', 'mood', models.CharField(default='', max_length=20))"
TABLE = "migrations.RunSQL('CREATE TABLE {0} (id int)', 'DROP TABLE {0}')"
WRONG = "migrations.RunSQL('INSERT INTO nowhere VALUES (1)')"
TAKES_BACK = """names=({{ settings.env["TAKES_BACK"] }})
change_cuttable "dump of database ${app}" dump_database "${dumps}/by-hand.sql.gz"
with_release "${release}" unapply_migrations ${names}
"""
FABFILE = """from roadie import *
from roadie.scripts.stages import live

speaks = ("database", "inspection", "migrations")
take_back = Stage("take-back", "Take migrations back.", "stages/take-back.sh.j2", user="root", needs=speaks)
use(bootstrap=(live, take_back))
"""

OWN_STAGE = """from roadie import *

own = Stage("own", "A stage of the project's own.", "stages/own.sh.j2")
before_start = [stage.name for stage in DEPLOY].index("start")
use(deploy=(*DEPLOY[:before_start], own, *DEPLOY[before_start:]))
"""
WAITS = "migrations.RunPython(lambda *_: __import__('os').system('while test -e ~/slow; do sleep 0.1; done'))"
STEP = "/run/roadie/guestbook.step"
LEAVES_ONE = "    subprocess.Popen(['sleep', '3131'])"
OTHERS = "/etc/supervisor/conf.d/other.conf"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A desk before a host that serves the guestbook. All tests of this file use this host, in order."""
    with throwaway.boot("migrations", snapshot=standing.deployed()) as host:
        yield Desk(projects.example("guestbook", tmp_path_factory.mktemp("desk") / "guestbook"), host)


def migration(site: Desk, name: str, *operations: str) -> None:
    """Commit one more migration of the guestbook. The models stay as they are."""
    path = site.project / f"entries/migrations/{name}.py"
    after = max(one.stem for one in path.parent.glob("0*.py") if one != path)
    path.write_text(
        "from django.db import migrations, models\n\n\n"
        "class Migration(migrations.Migration):\n"
        f"    dependencies = [('entries', '{after}')]\n"
        f"    operations = [{', '.join(operations)}]\n"
    )
    projects.commit(site.project, name)


def sql(site: Desk, statement: str) -> list[str]:
    return site.host.ssh(
        "mariadb -N --default-character-set=utf8mb4 guestbook", text=statement
    ).stdout.split()


def said(site: Desk, command: str) -> list[str]:
    return site.host.ssh(f"cd /srv/guestbook && {command}").stdout.split()


def dump_of(site: Desk, release: str = "live/release") -> str:
    (path,) = said(site, f"cat {release}/dump")
    return path


def test_a_deploy_without_new_migrations_dumps_nothing(site: Desk) -> None:
    projects.change_line(site.project / "entries/templates/entries/index.html", "</h1>", "!</h1>")
    projects.commit(site.project)
    assert " pending " not in site.does("deploy").out
    assert said(site, f"ls {DUMPS} 2>/dev/null || :; ls live/release/dump live/release/pending || :") == []
    assert "entries.0002_entry_photo" in said(site, "cat live/release/knows")


def test_the_plan_shows_sql_and_dangers_and_changes_nothing(site: Desk) -> None:
    assert (site.fab("migrate", "--plan").code, site.does("migrate").code) == (0, 0)
    site.does("manage", "migrate entries 0001")
    done = site.fab("migrate", "--plan")
    assert done.code == 10 and "1 to apply" in done.last_line
    assert "would    migration entries.0002_entry_photo" in done.out
    assert "ALTER TABLE `entries_entry` ADD COLUMN `photo`" in done.out
    assert "entries_entry.photo is NOT NULL without db_default" in done.out
    assert "photo" not in sql(site, "DESCRIBE entries_entry")
    site.does("migrate")
    assert "photo" in sql(site, "DESCRIBE entries_entry")
    assert dump_of(site).startswith(DUMPS)


def test_a_deploy_dumps_and_tells_before_it_migrates(site: Desk) -> None:
    sql(site, "INSERT INTO entries_entry VALUES (1, 'Ann', 'caf\u00e9 \U0001f600 \\\\ ''', '2026-01-02', '')")
    sql(site, "CREATE TABLE own (b BLOB); INSERT INTO own VALUES (X'00ff27')")
    migration(site, "0003_mood", MOOD, TABLE.format("more"))
    done = site.does("deploy")
    assert "pending  migrations: entries.0003_mood" in done.out
    assert "entries_entry.mood is NOT NULL without db_default" in done.out
    assert "if one of its 2 steps fails, those before it stay" in done.out
    insert = "INSERT INTO entries_entry (name, message, signed_at, photo) VALUES ('B', '', '2026-01-03', '')"
    refused = site.host.ssh("mariadb guestbook", text=insert, check=False).stderr
    assert "Field 'mood' doesn't have a default value" in refused
    log = last_run(site.host).log.read_text()
    assert "ADD COLUMN `mood`" in log and log.index("ADD COLUMN `mood`") < log.index("\tchanged\tdump\t")
    modes = said(site, f"stat -c '%a %U' {dump_of(site)} {DUMPS}")
    assert modes == ["600", "root", "700", "root"]
    text = gzip.decompress(Path(f"{site.host.tree}{dump_of(site)}").read_bytes()).decode()
    assert "caf\u00e9" in text and "mood" not in text


def test_a_dump_brings_everything_back_and_nothing_more(site: Desk) -> None:
    held = "SELECT HEX(message), HEX(b) FROM entries_entry, own"
    before = sql(site, held)
    sql(site, "DELETE FROM entries_entry; DROP TABLE own; CREATE VIEW seen AS SELECT 1 AS one")
    sql(site, "ALTER DATABASE guestbook COLLATE utf8mb4_bin")
    site.does("migrate", f"--restore-dump={dump_of(site)}")
    assert len(before) == 2 and sql(site, held) == before
    assert {"more", "seen"} & set(sql(site, "SHOW TABLES")) == set()
    assert "mood" not in sql(site, "DESCRIBE entries_entry")
    assert sql(site, "SELECT @@collation_database") == ["utf8mb4_bin"]
    assert sql(site, "SELECT @@GLOBAL.max_allowed_packet") == ["16777216"]
    assert "applied  entries.0003_mood" in site.does("migrate").out
    assert browse(site.host).status == 200
    site.host.ssh(f"head -c 900 {dump_of(site)} >{DUMPS}/half.sql.gz")
    error_of(site.fab("migrate", "--restore-dump=half.sql.gz"), 6, "not whole", "left as it is")
    assert "more" in sql(site, "SHOW TABLES")


def test_a_dump_runs_no_command_on_the_host(site: Desk) -> None:
    whole = f"gzip -dc {dump_of(site)}"
    site.host.ssh(f"(echo '\\! touch /root/by-dump'; {whole}) | gzip >{DUMPS}/wrong.sql.gz")
    told = error_of(site.fab("migrate", "--restore-dump=wrong.sql.gz"), 7, "Unknown command")
    assert "only a part" in told and not Path(f"{site.host.tree}/root/by-dump").exists()
    site.does("migrate", f"--restore-dump={dump_of(site)}")
    site.does("migrate")
    site.host.ssh(f"rm {DUMPS}/wrong.sql.gz")


def test_what_is_half_applied_is_named_with_its_statement_and_its_dump(site: Desk) -> None:
    serves = said(site, "readlink live/release")
    migration(site, "0004_half", TABLE.format("half"), WRONG)
    told = error_of(site.fab("deploy"), 7, "entries.0004_half", "at: INSERT INTO nowhere", "half applied")
    assert said(site, "readlink live/release") == serves
    dump = told.partition("fab migrate --restore-dump ")[2].partition(";")[0]
    again = site.fab("deploy")
    assert again.out.count("an earlier run ended half way through it") == 1
    assert dump in error_of(again, 7, "at: CREATE TABLE half")
    # Without the migration's file the code lacks nothing, but the database is still half migrated.
    projects.git(site.project, "reset", "-q", "--hard", "HEAD~1")
    for words in (("deploy",), ("releases",), ("migrate",), ("restart",), ("bootstrap",)):
        told = site.does(*words).out
        assert told.count("entries.0004_half: an earlier run ended half way through it") == 1, told
        assert dump in told
    for words in (
        ("plan",),
        ("deploy", "--plan"),
        ("status",),
        ("manage", "check"),
        ("logs", "--of", "programs"),
    ):
        assert "half way through it" in site.fab(*words).text, words
    error_of(site.fab("migrate", "--put-right=entries.0003_mood"), 6, "it did so in entries.0004_half")
    sql(site, "DROP TABLE half")
    site.does("migrate", "--put-right=entries.0004_half")
    assert "half way" not in site.does("deploy").text
    projects.git(site.project, "reset", "-q", "--hard", "ORIG_HEAD")
    told = error_of(site.fab("deploy"), 7, "at: INSERT INTO nowhere")
    dump = told.partition("fab migrate --restore-dump ")[2].partition(";")[0]
    site.does("migrate", f"--restore-dump={dump}")
    assert "half" not in sql(site, "SHOW TABLES")
    migration(site, "0004_half", TABLE.format("half"))
    assert "half way" not in site.does("deploy").text
    assert "half" in sql(site, "SHOW TABLES")


def test_without_a_whole_dump_nothing_is_migrated(site: Desk) -> None:
    sql(site, "CREATE TABLE gone (id int); CREATE VIEW broken AS SELECT * FROM gone; DROP TABLE gone")
    before = said(site, f"ls {DUMPS}")
    migration(site, "0005_later", TABLE.format("later"))
    error_of(
        site.fab("deploy"),
        6,
        "dump of database guestbook",
        "View 'guestbook.broken'",
        "nothing of it is kept",
    )
    assert said(site, f"ls {DUMPS}") == before and "later" not in sql(site, "SHOW TABLES")
    sql(site, "DROP VIEW broken")


def test_a_deploy_may_leave_migrations_for_later(site: Desk) -> None:
    done = site.does("deploy", "--no-migrate")
    assert "not applied, as --no-migrate says: entries.0005_later" in done.out
    assert "later" not in sql(site, "SHOW TABLES")
    assert "serves already" in site.does("deploy", "--no-migrate").out
    assert "applied  entries.0005_later" in site.does("deploy").out
    assert "serves already" in site.does("deploy").out


def test_migrations_are_taken_back_by_the_code_that_knows_them(site: Desk) -> None:
    take_back(site, "entries.0004_half", "entries.0005_later")
    assert {"half", "later"} & set(sql(site, "SHOW TABLES")) == set()
    assert last_run(site.host).said("unapplied") == {
        ("take-back", "entries.0004_half"),
        ("take-back", "entries.0005_later"),
    }
    site.does("migrate")


def test_no_migration_is_taken_back_if_one_of_them_cannot_be(site: Desk) -> None:
    migration(site, "0006_once", "migrations.RunPython(print)")
    site.does("deploy")
    done = take_back(site, "entries.0005_later", "entries.0006_once", code=6)
    assert "cannot be undone: entries.0006_once (RunPython print); none was unapplied" in done
    assert "later" in sql(site, "SHOW TABLES")


def test_migrations_of_a_run_that_was_killed_end_before_others_begin(site: Desk) -> None:
    migration(
        site,
        "0007_slow",
        "migrations.RunSQL('CREATE TABLE slow (id int)')",
        WAITS,
        "migrations.RunSQL('DROP TABLE slow')",
    )
    slow = site.host.tree / "srv/guestbook/shared/home/slow"
    slow.touch()
    try:
        with site.started("deploy") as process:
            assert eventually(lambda: "slow" in sql(site, "SHOW TABLES"), 60)
            inside(site.host, f"pkill -KILL -f '^bash /run/roadie/'; rm {STEP}")
            process.communicate(timeout=30)
        assert "slow" in sql(site, "SHOW TABLES")
        with site.started("deploy") as process:
            assert eventually(lambda: inside(site.host, f"cat {STEP} || :") == "migrate\n", 60)
            slow.unlink()
            out, err = process.communicate(timeout=60)
            assert process.returncode == 0, out + err
    finally:
        slow.unlink(missing_ok=True)
    assert "slow" not in sql(site, "SHOW TABLES")
    assert "half way" not in site.does("migrate").text


def test_a_program_that_the_project_left_running_holds_no_migration_up(site: Desk) -> None:
    settings = site.project / "guestbook/settings.py"
    before = settings.read_text()
    append(settings, "import subprocess, sys", "if 'manage.py' in sys.argv[0]:", LEAVES_ONE)
    migration(site, "0007_then_left", TABLE.format("left_behind"))
    try:
        began = time.monotonic()
        site.does("deploy")
        assert time.monotonic() - began < 60
        assert said(site, "pgrep -f 'sleep 3131'")
    finally:
        site.host.ssh("pkill -f 'sleep 3131'", check=False)
        settings.write_text(before)
        projects.commit(site.project)


def test_a_failure_after_migrations_names_those_that_stay_applied(site: Desk) -> None:
    migration(site, "0008_before_load", TABLE.format("before_load"))
    site.host.put('[program:other]\ncommand=/bin/sleep 9\nenvironment=A="%"\n', OTHERS)
    told = error_of(site.fab("deploy"), 6, "load: supervisor", " still serves")
    assert "stay applied" not in told
    site.host.ssh(f"rm {OTHERS}")
    site.does("deploy")

    own = site.project / "roadie-templates/stages/own.sh.j2"
    own.parent.mkdir(parents=True, exist_ok=True)
    own.write_text("exit 3\n")
    (site.project / "fabfile.py").write_text(OWN_STAGE)
    migration(site, "0009_before_own", TABLE.format("before_own"))
    told = error_of(site.fab("deploy"), 6, "own: script of own", "stay applied: entries.0009_before_own;")
    assert f"fab migrate --restore-dump {DUMPS}" in told and " still serves" in told
    own.write_text("true\n")
    site.does("deploy")


def test_content_is_deleted_only_if_somebody_agrees(site: Desk) -> None:
    before = said(site, "readlink live/release")
    migration(site, "0020_no_mood", "migrations.RemoveField('entry', 'mood')")
    told = error_of(site.fab("deploy"), 6, "entries.0020_no_mood", "entries_entry.mood", "--yes")
    assert f"the dump from before is {DUMPS}/" in told
    assert "mood" in "".join(sql(site, "DESCRIBE entries_entry"))
    assert said(site, "readlink live/release") == before and browse(site.host).status == 200
    question = "Type yes to delete this content and go on: "
    with site.at_a_terminal("deploy") as terminal:
        terminal.until(question)
        terminal.type("no\n")
        assert terminal.end() == 6 and "nothing was deleted" in terminal.text
    assert "mood" in "".join(sql(site, "DESCRIBE entries_entry"))
    with site.at_a_terminal("deploy") as terminal:
        terminal.until(question)
        terminal.type("yes\n")
        assert terminal.end() == 0, terminal.text
    assert "mood" not in "".join(sql(site, "DESCRIBE entries_entry"))


def test_old_dumps_go(site: Desk) -> None:
    site.host.ssh(f"cd {DUMPS} && touch 2020010{{1..4}}T000000Z-before-x.sql.gz 2020-x.sql.gz.new")
    projects.commit(site.project)
    migration(site, "0010_last", TABLE.format("last"))
    site.does("deploy")
    found = said(site, f"ls {DUMPS}")
    assert [name for name in found if name.startswith("2020")] == []
    kept = {path.rpartition("/")[2] for path in said(site, "cat releases/*/dump")}
    dumps = {name for name in found if name.endswith(".sql.gz") and "-before-restore." not in name}
    assert kept <= dumps and len(dumps) <= len(kept) + 3
    assert {name.replace(".applied", ".sql.gz") for name in found} <= set(found)


def take_back(site: Desk, *names: str, code: int = 0) -> str:
    """Run bootstrap with a stage of the project's own that takes these back. Return the last line."""
    own = site.project / "roadie-templates/stages/take-back.sh.j2"
    own.parent.mkdir(parents=True, exist_ok=True)
    own.write_text(TAKES_BACK)
    known = {"app": "guestbook", "domain": "guestbook.example.org", "env": {"TAKES_BACK": " ".join(names)}}
    projects.settings(site.project, **known)
    (site.project / "fabfile.py").write_text(FABFILE)
    done = site.fab("bootstrap")
    assert done.code == code, done.text
    projects.git(site.project, "checkout", "-q", "--", "fabfile.py", "fabric.yaml")
    return done.last_line
