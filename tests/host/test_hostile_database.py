"""What a site defines in its database runs as the site's user, whoever asks: roadie, a dump, a restore."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import standing
import thirds
from desk import Desk, browse, eventually
from faults import error_of
from projects import commit, example
from roadie.throwaway import hosts as throwaway
from told import last_run

DUMPS = "/var/backups/roadie/dumps/guestbook"
ME = "guestbook@localhost"

# A view in place of a table. The function that it calls notes who reads it, and what that user may see.
SPY = """
CREATE TABLE seen (who VARCHAR(99), hash TEXT, kept TEXT);
RENAME TABLE {table} TO {table}_below;
DELIMITER //
CREATE FUNCTION spy() RETURNS INT SQL SECURITY INVOKER
BEGIN
  DECLARE CONTINUE HANDLER FOR SQLEXCEPTION BEGIN END;
  INSERT INTO guestbook.seen VALUES (CURRENT_USER(), NULL, NULL);
  UPDATE guestbook.seen SET hash = (SELECT MAX(priv) FROM mysql.global_priv WHERE user = 'guestbook');
  UPDATE guestbook.seen SET kept = (SELECT MAX(secret) FROM neighbour.kept);
  RETURN 1;
END //
DELIMITER ;
CREATE SQL SECURITY INVOKER VIEW {table} AS SELECT * FROM {table}_below WHERE spy() = 1;
"""
SEEN = "SELECT DISTINCT * FROM seen"
UNSPY = "DROP VIEW {table}; DROP FUNCTION spy; DROP TABLE seen; RENAME TABLE {table}_below TO {table};"
FIRES = """
CREATE TABLE fired (a TEXT);
CREATE DEFINER={definer} TRIGGER fires BEFORE INSERT ON fired FOR EACH ROW
  SET NEW.a = (SELECT MAX(priv) FROM mysql.global_priv);
INSERT INTO fired VALUES (1);
"""
MIGRATION = """from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("entries", "{after}")]
    operations = [migrations.RunSQL("CREATE TABLE {name} (id int)", "DROP TABLE {name}")]
"""

# One of each kind of thing that a database holds, with text and bytes that are easily broken on the way.
EVERYTHING = """
SET NAMES utf8mb4;
CREATE TABLE things (
  id INT PRIMARY KEY, word VARCHAR(99), raw VARBINARY(9),
  twice INT AS (id * 2) STORED, half INT AS (id DIV 2));
INSERT INTO things (id, word, raw)
VALUES (8, 'caf\u00e9 \U0001f600 \\\\ '' -- ; \\n CREATE DEFINER=`root`@`localhost`', X'00ff275c0d0a');
CREATE TABLE log (what TEXT);
CREATE SEQUENCE numbers START WITH 70;
CREATE VIEW shown AS SELECT id, twice FROM things;
CREATE VIEW shown_of_shown AS SELECT twice FROM shown;
DELIMITER //
CREATE TRIGGER noted AFTER INSERT ON things FOR EACH ROW BEGIN
  INSERT INTO log VALUES (CONCAT(NEW.word, ' by ', CURRENT_USER()));
END //
CREATE FUNCTION more(a INT) RETURNS INT DETERMINISTIC BEGIN
  -- a comment; with 'quotes'
  RETURN a + 1;
END //
CREATE PROCEDURE tidy() BEGIN DELETE FROM log; END //
CREATE EVENT nightly ON SCHEDULE EVERY 1 DAY DO DELETE FROM log //
DELIMITER ;
"""
HELD = """
SET NAMES utf8mb4;
SELECT HEX(word), HEX(raw), twice, half FROM things; SELECT * FROM shown_of_shown; SELECT more(1);
SELECT what FROM log; SELECT event_name FROM information_schema.events WHERE event_schema = 'guestbook';
SELECT routine_name FROM information_schema.routines WHERE routine_schema = 'guestbook';
SELECT trigger_name FROM information_schema.triggers WHERE trigger_schema = 'guestbook';
"""
DEFINERS = """
SELECT definer FROM information_schema.views WHERE table_schema = 'guestbook'
UNION SELECT definer FROM information_schema.triggers WHERE trigger_schema = 'guestbook'
UNION SELECT definer FROM information_schema.routines WHERE routine_schema = 'guestbook'
UNION SELECT definer FROM information_schema.events WHERE event_schema = 'guestbook';
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A desk before a host that serves the guestbook, beside a database of another site."""
    with throwaway.boot("wall", snapshot=standing.deployed()) as host:
        desk = Desk(example("guestbook", tmp_path_factory.mktemp("desk") / "guestbook"), host)
        as_root(desk, "CREATE DATABASE neighbour; CREATE TABLE neighbour.kept (secret TEXT)")
        as_root(desk, "INSERT INTO neighbour.kept VALUES ('of the neighbour')")
        yield desk


def as_root(desk: Desk, statement: str) -> list[str]:
    return desk.host.ssh("mariadb -N guestbook", text=statement).stdout.splitlines()


def as_site(desk: Desk, statement: str, *, may_fail: bool = False) -> list[str]:
    login = f"mariadb -N -uguestbook -p{password(desk)} guestbook"
    done = desk.host.ssh(login, text=statement, check=not may_fail)
    return (done.stdout + done.stderr).splitlines()


def password(desk: Desk) -> str:
    secrets = desk.host.ssh("cat /srv/guestbook/shared/secrets").stdout
    found = re.search(r"mysql://guestbook:([^@]+)@", secrets)
    assert found
    return found[1]


def migration(desk: Desk, name: str) -> None:
    path = desk.project / f"entries/migrations/{name}.py"
    after = max(one.stem for one in path.parent.glob("0*.py"))
    path.write_text(MIGRATION.format(after=after, name=name[5:]))
    commit(desk.project, name)


def dump(desk: Desk, name: str) -> Path:
    """A dump of the database as the host's own user for it, in the folder of dumps; its path from here."""
    desk.host.ssh(f"mkdir -p {DUMPS} && mariadb-dump -REe --hex-blob guestbook | gzip >{DUMPS}/{name}.sql.gz")
    return Path(f"{desk.host.tree}{DUMPS}/{name}.sql.gz")


def change_dump(path: Path, *, first: str = "", old: str = "", new: str = "") -> None:
    text = gzip.decompress(path.read_bytes()).decode()
    assert not old or old in text
    path.write_bytes(gzip.compress((first + text.replace(old, new)).encode()))


def test_a_view_in_place_of_a_table_is_read_as_the_sites_user(site: Desk) -> None:
    as_site(site, SPY.format(table="django_migrations"))
    site.does("releases")
    assert as_root(site, SEEN) == [f"{ME}\tNULL\tNULL"]
    migration(site, "0003_spied")
    # The dump is made before Django sees that the table is no table.
    error_of(site.fab("deploy"), 6, "Unable to create the django_migrations table")
    assert last_run(site.host).said("changed") >= {("dump", "dump of database guestbook")}
    assert as_root(site, SEEN) == [f"{ME}\tNULL\tNULL"]
    as_root(site, UNSPY.format(table="django_migrations"))
    site.does("deploy")


@pytest.mark.parametrize(
    "attack",
    [
        "GRANT ALL ON *.* TO guestbook@localhost WITH GRANT OPTION;",
        "CREATE TABLE stolen AS SELECT user, priv FROM mysql.global_priv;",
        "CREATE TABLE stolen AS SELECT secret FROM neighbour.kept;",
        "CREATE TABLE neighbour.mine (a INT);",
        "CREATE TABLE stolen (line TEXT); LOAD DATA LOCAL INFILE '/etc/shadow' INTO TABLE stolen;",
        "CREATE TABLE stolen (line TEXT); LOAD DATA INFILE '/etc/passwd' INTO TABLE stolen;",
        FIRES.format(definer="root@localhost"),
        FIRES.format(definer="`root`@`localhost`"),
        "tee /root/by-dump\nSELECT 1;",
        "\\! touch /root/by-dump\n",
        "source /etc/shadow\n",
        "system touch /root/by-dump\n",
    ],
)
def test_a_dump_reaches_no_further_than_the_site(site: Desk, attack: str) -> None:
    whole = dump(site, "whole")
    change_dump(dump(site, "wrong"), first=f"{attack}\n")
    before = as_root(site, "SELECT user, priv FROM mysql.global_priv")
    error_of(site.fab("migrate", "--restore-dump=wrong.sql.gz"), 7, "only a part of ")
    assert as_root(site, "SELECT user, priv FROM mysql.global_priv") == before
    assert as_root(site, "SHOW TABLES FROM neighbour") == ["kept"]
    assert not (site.host.tree / "root/by-dump").exists()
    stolen = set(as_root(site, "SHOW TABLES")) & {"stolen", "fired"}
    assert [row for table in stolen for row in as_root(site, f"SELECT * FROM {table}")] == []
    site.does("migrate", f"--restore-dump={whole.name}")
    assert browse(site.host).status == 200


def test_a_dump_is_loaded_over_a_database_that_holds_views_only(site: Desk) -> None:
    whole = dump(site, "whole")
    as_site(site, "DROP DATABASE guestbook; CREATE DATABASE guestbook; CREATE VIEW guestbook.one AS SELECT 1")
    site.does("migrate", f"--restore-dump={whole.name}")
    assert browse(site.host).status == 200


def test_what_another_user_made_is_the_sites_own_after_a_restore(site: Desk) -> None:
    as_site(site, EVERYTHING)
    before = as_site(site, HELD)
    path = dump(site, "others")
    change_dump(path, old="DEFINER=`guestbook`@`localhost`", new="DEFINER=`root`@`localhost`")
    done = site.does("migrate", f"--restore-dump={path.name}")
    assert as_root(site, DEFINERS) == [ME]
    assert as_site(site, HELD) == before
    told = [line for line in done.out.splitlines() if "root@localhost" in line]
    assert len(told) == 1 and ME in told[0] and "warn" in told[0]
    as_site(site, "INSERT INTO things (id, word) VALUES (9, 'new')")
    assert f"new by {ME}" in as_site(site, "SELECT what FROM log")


@pytest.mark.parametrize("suite", thirds.SUITES)
def test_roadies_own_dump_brings_back_one_of_each_kind(deployed: Desk) -> None:
    as_site(deployed, EVERYTHING)
    assert as_site(deployed, "SELECT NEXTVAL(numbers)") == ["70"]
    before = as_site(deployed, HELD)
    assert "8\t4" in before[0] or "16\t4" in before[0]
    migration(deployed, "0003_later")
    deployed.does("deploy")
    (path,) = deployed.host.ssh("cat /srv/guestbook/live/release/dump").stdout.split()
    for name in ("shown_of_shown", "shown"):
        as_site(deployed, f"DROP VIEW {name}")
    as_site(deployed, "DROP TABLE things, log; DROP FUNCTION more; DROP EVENT nightly; DROP SEQUENCE numbers")
    done = deployed.does("migrate", f"--restore-dump={path}")
    assert as_site(deployed, HELD) == before and "warn" not in done.out
    assert int(as_site(deployed, "SELECT NEXTVAL(numbers)")[0]) > 70
    assert as_root(deployed, DEFINERS) == [ME]


@pytest.mark.third(2)
@pytest.mark.parametrize("suite", ["bookworm"])
def test_a_routine_that_the_site_may_not_read_is_named_and_not_left_out_of_the_dump(deployed: Desk) -> None:
    as_root(deployed, "CREATE DEFINER=root@localhost FUNCTION of_root() RETURNS INT RETURN 1")
    migration(deployed, "0003_later")
    error_of(deployed.fab("deploy"), 6, "dump of database guestbook", "`of_root`", "nothing of it is kept")
    as_root(deployed, "DROP FUNCTION of_root")
    deployed.does("deploy")


def test_a_password_that_somebody_changed_is_told_in_one_line(site: Desk) -> None:
    path = dump(site, "before")
    as_root(site, "ALTER USER guestbook@localhost IDENTIFIED BY 'rotated'")
    done = site.fab("migrate", f"--restore-dump={path.name}")
    told = error_of(done, 6, "Access denied for user 'guestbook'", "fab bootstrap")
    assert told.count("ERROR") == 1
    site.does("releases")
    assert "fab bootstrap" in last_run(site.host).detail("warn", "database guestbook")
    site.does("bootstrap")
    site.does("migrate", f"--restore-dump={path.name}")


def test_a_server_that_lets_only_root_make_triggers_is_told_of_before_the_database_is_touched(
    site: Desk,
) -> None:
    as_site(site, "CREATE TABLE t (a INT); CREATE TRIGGER tt BEFORE INSERT ON t FOR EACH ROW SET @a = 1")
    path = dump(site, "triggers")
    conf = "/etc/mysql/mariadb.conf.d/90-log.cnf"
    site.host.put("[mysqld]\nlog_bin = /var/lib/mysql/bin\n", conf)
    site.host.ssh("systemctl restart mariadb")
    done = site.fab("migrate", f"--restore-dump={path.name}")
    error_of(done, 6, "log_bin_trust_function_creators = 1", "left as it is")
    assert "t" in as_root(site, "SHOW TABLES")
    as_root(site, "SET GLOBAL log_bin_trust_function_creators = 1")
    site.does("migrate", f"--restore-dump={path.name}")
    site.host.ssh(f"rm {conf}; systemctl restart mariadb")


def test_a_site_cannot_take_every_connection_of_the_server(site: Desk) -> None:
    as_root(site, "CREATE USER neighbour@localhost IDENTIFIED BY 'theirs'; SET GLOBAL max_connections = 20")
    site.does("bootstrap")
    many = f"for i in $(seq 25); do mariadb -uguestbook -p{password(site)} -e 'SELECT SLEEP(60)' & done; wait"
    site.host.ssh(f"systemd-run --quiet --unit=many bash -c {many!r}")
    try:
        eventually(lambda: "max_user_connections" in site.host.ssh("journalctl -u many").stdout)
        assert site.host.ssh("mariadb -uneighbour -ptheirs -N -e 'SELECT 1'").stdout == "1\n"
        assert as_root(site, "SELECT 1") == ["1"]
    finally:
        site.host.ssh("systemctl stop many")
        as_root(site, "SET GLOBAL max_connections = 151")
    site.does("bootstrap")
    assert as_site(site, "SELECT @@max_user_connections") == ["113"]
    assert "0 changed" in site.does("bootstrap").out
