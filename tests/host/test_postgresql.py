"""The life of a site on PostgreSQL. Its database is its own, and nothing in it runs as anybody else."""

from __future__ import annotations

import gzip
import os
import re
from collections.abc import Iterator
from pathlib import Path

import projects
import pytest
import standing
import thirds
from cuts import HARD_WAYS, Cuts, Turns
from desk import Desk, browse, eventually, is_serving
from faults import error_of
from roadie.throwaway import base_trees as basetree
from roadie.throwaway import hosts as throwaway
from told import last_run
from within import Neighbours, assert_serves_once, assert_tidy, halves

DUMPS = "/var/backups/roadie/dumps/guestbook"
URL = "postgresql://guestbook@/guestbook?host=/run/postgresql"
TABLE = "migrations.RunSQL('CREATE TABLE {0} (id int)', 'DROP TABLE {0}')"
WRONG = "migrations.RunSQL('INSERT INTO nowhere VALUES (1)')"
MOOD = "migrations.AddField('entry', 'mood', models.CharField(default='', max_length=20))"
SLOW = "migrations.RunSQL('SELECT pg_sleep(2)', 'SELECT pg_sleep(2)')"

# One of each kind of thing that a database holds, with text and bytes that are easily broken on the way.
EVERYTHING = r"""
INSERT INTO entries_entry (name, message, signed_at, photo)
VALUES ('Ann', E'caf\u00e9 \U0001F600 \\ '' \t\n\\! touch /root/by-dump\n\\.\nCOPY a FROM stdin;', now(), '');
CREATE EXTENSION citext;
CREATE TABLE things (
  id int PRIMARY KEY, word citext, raw bytea, twice int GENERATED ALWAYS AS (id * 2) STORED);
INSERT INTO things VALUES (8, 'ALTER TABLE x OWNER TO bob;', '\x00ff275c0d0a'), (9, E'\\restrict abc', NULL);
COMMENT ON TABLE things IS 'a thing';
CREATE FUNCTION one_more(a int) RETURNS int LANGUAGE plpgsql AS $$
BEGIN
  RETURN a + 1; -- a comment; with 'quotes'
END;
$$;
CREATE VIEW shown AS SELECT id, twice FROM things;
CREATE MATERIALIZED VIEW kept AS SELECT * FROM shown;
CREATE TABLE log (what text);
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql
AS $$ BEGIN INSERT INTO public.log VALUES (NEW.word || ' by ' || current_user); RETURN NEW; END $$;
CREATE TRIGGER noted AFTER INSERT ON things FOR EACH ROW EXECUTE FUNCTION note();
CREATE SEQUENCE numbers START 70;
CREATE SCHEMA apart;
CREATE TYPE apart.mood AS ENUM ('well');
CREATE TABLE apart.moods (m apart.mood);
INSERT INTO apart.moods VALUES ('well');
CREATE TABLE parts (id int) PARTITION BY RANGE (id);
CREATE TABLE part PARTITION OF parts FOR VALUES FROM (0) TO (10);
INSERT INTO parts VALUES (3);
SELECT lo_from_bytea(4711, 'large');
"""
HELD = """
SELECT encode(convert_to(message, 'UTF8'), 'hex') FROM entries_entry ORDER BY id;
SELECT * FROM things ORDER BY id;
SELECT * FROM kept ORDER BY id; SELECT one_more(1); SELECT what FROM log; SELECT * FROM apart.moods;
SELECT * FROM parts; SELECT lo_get(4711); SELECT obj_description('things'::regclass);
SELECT extname FROM pg_extension ORDER BY 1;
"""
# A view in place of a table. The function that it calls notes who reads it, and what that user may do.
SPY = """
CREATE TABLE seen (who text, is_super text);
ALTER TABLE django_migrations RENAME TO below;
CREATE FUNCTION spy() RETURNS bool LANGUAGE plpgsql AS $$
BEGIN INSERT INTO public.seen VALUES (current_user, current_setting('is_superuser')); RETURN true; END $$;
CREATE VIEW django_migrations AS SELECT * FROM below WHERE spy();
"""
# Words of the server itself, of the site's making. The administrator asks its own tables with such words.
SHADOWS = """
CREATE SCHEMA trap;
CREATE FUNCTION trap.note(a name, b text) RETURNS bool LANGUAGE plpgsql AS $$
BEGIN INSERT INTO public.seen VALUES (current_user, current_setting('is_superuser')); RETURN true; END $$;
CREATE OPERATOR trap.= (LEFTARG = name, RIGHTARG = text, FUNCTION = trap.note);
CREATE FUNCTION trap.count() RETURNS bigint LANGUAGE sql AS 'SELECT 1';
ALTER DATABASE guestbook SET search_path = trap, public, pg_catalog;
ALTER ROLE guestbook SET search_path = trap, public, pg_catalog;
"""
ENDLESS = """
DROP VIEW django_migrations;
CREATE VIEW django_migrations AS
SELECT repeat('x', 900000) AS app, 'x' AS name FROM generate_series(1, 1000000000);
"""
UNSPY = """
ALTER DATABASE guestbook RESET ALL; ALTER ROLE guestbook RESET ALL; DROP SCHEMA trap CASCADE;
DROP VIEW django_migrations; DROP FUNCTION spy; ALTER TABLE below RENAME TO django_migrations;
"""


# One of the two in turn, as one run of this file takes long.
SUITE = os.environ.get("TEST_SUITE") or thirds.in_turn(basetree.SUITES)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A desk before a host that has PostgreSQL. All tests of this file use this host, in order."""
    project = projects.example("guestbook", tmp_path_factory.mktemp("desk") / "guestbook")
    path = project / "requirements.txt"
    path.write_text(f"{path.read_text()}psycopg[binary]==3.3.9\n")
    projects.commit(project)
    with throwaway.boot("postgres", SUITE, standing.with_postgresql(SUITE)) as host:
        yield Desk(project, host)


def sql(site: Desk, statement: str, *, user: str = "guestbook", may_fail: bool = False) -> list[str]:
    argv = f"env -C / runuser -u {user} -- psql -XqAt guestbook"
    done = site.host.ssh(argv, text=statement, check=not may_fail)
    return (done.stdout + done.stderr).splitlines()


def migration(site: Desk, name: str, *operations: str, more: str = "") -> None:
    """Commit one more migration of the guestbook. The models stay as they are."""
    path = site.project / f"entries/migrations/{name}.py"
    after = max(one.stem for one in path.parent.glob("0*.py") if one != path)
    path.write_text(
        "from django.db import migrations, models\n\n\n"
        f"class Migration(migrations.Migration):\n    {more}\n"
        f"    dependencies = [('entries', '{after}')]\n"
        f"    operations = [{', '.join(operations)}]\n"
    )
    projects.commit(site.project, name)


def dump_of(site: Desk) -> Path:
    (path,) = site.host.ssh("cat /srv/guestbook/live/release/dump").stdout.split()
    return Path(f"{site.host.tree}{path}")


def altered(site: Desk, name: str, first: str = "", last: str = "") -> str:
    """Lay out a dump like that of the release, with these lines before and after it. Return its name."""
    text = gzip.decompress(dump_of(site).read_bytes())
    path = Path(f"{site.host.tree}{DUMPS}/{name}.sql.gz")
    path.write_bytes(gzip.compress(first.encode() + text + last.encode()))
    return path.name


def test_the_driver_chooses_the_kind_and_the_plan_says_so(site: Desk) -> None:
    done = site.fab("plan")
    assert done.code == 10, done.text
    assert "database: postgresql, as requirements.txt has psycopg" in done.out
    site.does("bootstrap")
    assert re.search(r": 0 changed", site.does("bootstrap").out)
    assert site.fab("plan").code == 0
    told = error_of(site.fab("bootstrap", env={"ROADIE_DATABASE": "mysql"}), 2, "data is in postgresql")
    assert "write database: postgresql, or move the data" in told


def test_the_site_owns_its_database_and_nobody_else_gets_in(site: Desk) -> None:
    site.does("deploy")
    assert browse(site.host).status == 200
    facts = (
        "SELECT datname, pg_get_userbyid(datdba), pg_encoding_to_char(encoding), datcollate FROM pg_database"
    )
    assert "guestbook|guestbook|UTF8|C.UTF-8" in sql(site, facts)
    assert f"DATABASE_URL='{URL}'" in site.host.ssh("cat /srv/guestbook/shared/secrets").stdout
    for forbidden in (
        "CREATE DATABASE more",
        "CREATE ROLE more",
        "SELECT * FROM pg_authid",
        "COPY (SELECT 1) TO PROGRAM 'id'",
        "SELECT pg_read_file('/etc/passwd')",
    ):
        refusal = sql(site, forbidden, may_fail=True)[0]
        assert re.search("permission denied|must be superuser", refusal), (forbidden, refusal)
    others = site.host.ssh("useradd other; runuser -u postgres -- createuser other", check=False)
    assert others.returncode == 0
    assert "permission denied" in sql(site, "SELECT 1", user="other", may_fail=True)[0]
    refused = site.host.ssh("psql -h localhost -U guestbook -w guestbook -c 'SELECT 1'", check=False)
    assert "password" in refused.stderr


def test_whatever_strays_is_put_right(site: Desk) -> None:
    user, database = "database user guestbook", "database guestbook"
    for stray, object_ in (
        ("ALTER ROLE guestbook NOLOGIN", user),
        ("ALTER ROLE guestbook CONNECTION LIMIT -1", user),
        ("GRANT CONNECT ON DATABASE guestbook TO PUBLIC", database),
        ("ALTER DATABASE guestbook OWNER TO postgres", database),
    ):
        sql(site, stray, user="postgres")
        site.does("bootstrap")
        assert {what for stage, what in last_run(site.host).said("changed") if stage == "postgresql"} == {
            object_
        }
    site.host.ssh("systemctl stop 'postgresql@*'")
    assert "does not answer" in site.fab("status").text
    site.does("bootstrap")
    assert ("postgresql", "server of PostgreSQL") in last_run(site.host).said("changed")
    assert re.search(r": 0 changed", site.does("bootstrap").out)
    assert eventually(lambda: is_serving(site.host), 30)


def test_a_deploy_dumps_and_all_of_the_dump_comes_back(site: Desk) -> None:
    sql(site, EVERYTHING)
    sql(site, "CREATE EXTENSION pageinspect", user="postgres")
    before = sql(site, HELD)
    migration(site, "0003_mood", MOOD, TABLE.format("more"))
    out = site.does("deploy").out
    assert "entries_entry.mood is NOT NULL without db_default" in out
    assert "those before it stay" not in out and "may take long" not in out
    sql(site, "DROP VIEW shown CASCADE; DROP TABLE things, log CASCADE; DROP SCHEMA apart CASCADE")
    sql(site, "DELETE FROM entries_entry; CREATE VIEW later AS SELECT 1")
    done = site.does("migrate", f"--restore-dump={dump_of(site).name}")
    assert "warn" not in done.out and sql(site, HELD) == before
    assert sql(site, "SELECT to_regclass('later'), to_regclass('more')") == ["|"]
    sql(site, "INSERT INTO things VALUES (10, 'new')")
    assert "new by guestbook" in sql(site, "SELECT what FROM log")
    site.does("migrate")
    assert "1 row" not in (found := sql(site, "SELECT to_regclass('more')")) and found == ["more"]
    assert browse(site.host).status == 200


@pytest.mark.parametrize(
    ("first", "last", "code", "told"),
    [
        ("\\! touch /root/by-dump\n", "", 6, "backslash commands are restricted"),
        ("\\copy django_session FROM PROGRAM 'id'\n", "", 6, "backslash commands are restricted"),
        ("COPY public.django_session FROM PROGRAM 'id';\n", "", 6, "COPY to or from an external program"),
        ("ALTER ROLE guestbook SUPERUSER;\n", "", 6, "ERROR: "),
        ("ALTER TABLE public.log OWNER TO bob;\n", "", 6, "gives what is in it to bob"),
        ("", "SELECT 1;\n", 6, "it is not whole"),
        ("SELECT broken;\n", "", 6, 'column "broken" does not exist'),
    ],
)
def test_a_dump_that_reaches_further_leaves_the_database_as_it_was(
    site: Desk, first: str, last: str, code: int, told: str
) -> None:
    before = sql(site, HELD)
    wrong = altered(site, "wrong", first, last)
    line = error_of(site.fab("migrate", f"--restore-dump={wrong}"), code, told)
    assert "is as before" in line or "left as it is" in line or "left as it was" in line
    assert sql(site, HELD) == before and not (site.host.tree / "root/by-dump").exists()
    assert browse(site.host).status == 200
    site.does("releases")


def test_a_failed_migration_leaves_nothing_behind_unless_it_is_not_atomic(site: Desk) -> None:
    migration(site, "0004_whole", TABLE.format("gone"), WRONG)
    told = error_of(site.fab("deploy"), 6, "entries.0004_whole", "nowhere", "it left nothing behind")
    assert "half" not in told and sql(site, "SELECT to_regclass('gone')") == [""]
    projects.git(site.project, "reset", "-q", "--hard", "HEAD~1")
    assert "half way" not in site.does("deploy").text
    migration(site, "0004_half", TABLE.format("half"), WRONG, more="atomic = False")
    out = site.fab("deploy")
    assert "if one of its 2 steps fails, those before it stay" in out.out
    error_of(out, 7, "entries.0004_half", "at: INSERT INTO nowhere", "half applied")
    assert "an earlier run ended half way through it" in site.fab("releases").out
    projects.git(site.project, "reset", "-q", "--hard", "HEAD~1")
    sql(site, "DROP TABLE half")
    site.does("migrate", "--put-right=entries.0004_half")


def test_a_deploy_applies_again_what_a_failed_rollback_has_unapplied(site: Desk) -> None:
    (older,) = site.host.ssh("basename $(readlink -f /srv/guestbook/live/release)").stdout.split()
    migration(site, "0003_one_way", "migrations.RunSQL('SELECT 1', 'INSERT INTO nowhere VALUES (1)')")
    migration(site, "0003_two", TABLE.format("two"))
    site.does("deploy")
    error_of(site.fab("rollback", "--to", older, "--migrations"), 7, "entries.0003_one_way")
    assert sql(site, "SELECT to_regclass('two')") == [""]
    assert "applied  entries.0003_two" in site.does("deploy").out
    assert sql(site, "SELECT to_regclass('two')") == ["two"]


def test_a_vacuum_of_the_server_itself_gives_way_to_a_migration(site: Desk) -> None:
    slow = ("naptime = '1s'", "vacuum_cost_delay = '100ms'", "vacuum_cost_limit = 10")
    settings = "; ".join(f"ALTER SYSTEM SET autovacuum_{one}" for one in slow)
    sql(site, f"{settings}; SELECT pg_reload_conf()", user="postgres")
    sql(site, "CREATE TABLE big AS SELECT repeat('x', 200) AS text FROM generate_series(1, 60000)")
    sql(site, "UPDATE big SET text = text || 'y'")
    begun = "SELECT count(*) FROM pg_stat_progress_vacuum WHERE relid = 'big'::regclass"
    assert eventually(lambda: sql(site, begun, user="postgres") == ["1"], 60)
    migration(site, "0003_vacuumed", "migrations.RunSQL('ALTER TABLE big ADD more int')")
    site.does("deploy")
    assert sql(site, "SELECT more FROM big LIMIT 1") == [""]
    sql(site, "ALTER SYSTEM RESET ALL; SELECT pg_reload_conf()", user="postgres")
    sql(site, "DROP TABLE big")


def test_what_the_site_defines_runs_as_the_sites_user(site: Desk) -> None:
    sql(site, SPY)
    sql(site, SHADOWS, may_fail=True)
    for words in (("releases",), ("status",), ("bootstrap",)):
        site.fab(*words)
    assert set(sql(site, "SELECT DISTINCT * FROM public.seen")) == {"guestbook|off"}
    sql(site, "DELETE FROM public.seen")
    migration(site, "0004_spied", TABLE.format("spied"))
    site.fab("deploy")
    assert set(sql(site, "SELECT DISTINCT * FROM public.seen")) <= {"guestbook|off"}
    # What has no end, or is no number, stops neither roadie nor the server.
    sql(site, ENDLESS)
    site.does("releases")
    sql(site, UNSPY)
    site.does("deploy")
    assert browse(site.host).status == 200


def test_a_migration_and_its_way_back_may_be_cut_at_every_step(site: Desk, seed: int) -> None:
    (older,) = site.host.ssh("basename $(readlink -f /srv/guestbook/live/release)").stdout.split()
    migration(site, "0005_slow", TABLE.format("slow"), SLOW)
    with Neighbours(site.host) as visitors:
        turns = Turns(
            seed, HARD_WAYS, spared=["retire", "prune", "programs"], every=3, always=("dump:", "migrate:")
        )
        Cuts(site, ("deploy",), turns, midst={"migrate: migrations of RELEASE": 1}).all()
        assert sql(site, "SELECT to_regclass('slow')") == ["slow"]
        assert "half way" not in site.does("releases").text
        back = Turns(seed, HARD_WAYS, spared=["retire", "prune", "leave"], every=3, always=("unapply:",))
        midst = {"unapply: migrations that RELEASE does not know": 1}
        Cuts(site, ("rollback", "--to", older, "--migrations"), back, midst=midst).all()
        assert sql(site, "SELECT to_regclass('slow')") == [""]
        assert_serves_once(site.host)
        assert_tidy(site.host)
        assert not (half := halves(site.host)), half
    visitors.assert_content()
    turns.tell()
    back.tell()


def test_a_restore_may_be_cut_at_every_step(site: Desk, seed: int) -> None:
    sql(site, "REFRESH MATERIALIZED VIEW kept")
    before = sql(site, HELD)
    path = f"{DUMPS}/again.sql.gz"
    site.host.ssh(f"env -C / runuser -u guestbook -- pg_dump --no-owner -d guestbook | gzip >{path}")
    turns = Turns(seed, HARD_WAYS)
    Cuts(site, ("migrate", "--restore-dump=again.sql.gz"), turns).all()
    turns.tell()
    assert sql(site, HELD) == before and browse(site.host).status == 200


def test_the_site_is_there_after_a_reboot_a_restart_and_a_kill_of_the_server(site: Desk) -> None:
    site.host.ssh("systemctl restart postgresql")
    assert browse(site.host).status == 200
    site.host.ssh("kill -KILL $(head -qn 1 /var/lib/postgresql/*/main/postmaster.pid)")
    assert eventually(lambda: not is_serving(site.host)) and eventually(lambda: is_serving(site.host), 60)
    site.host.reboot()
    assert eventually(lambda: is_serving(site.host), 60)
    assert re.search(r": 0 changed", site.does("bootstrap").out)


def test_nothing_of_it_is_left_after_a_purge(site: Desk) -> None:
    site.does("remove", "--purge", "--confirm", "guestbook")
    left = site.host.ssh(
        "env -C / runuser -u postgres -- psql -XAtc 'SELECT datname FROM pg_database' -c '\\du'"
    )
    assert "guestbook" not in left.stdout
