"""A site has a database of its own, with a password made on the host. Bootstrap repairs what was changed."""

from __future__ import annotations

import re

import pytest
import thirds
from told import last_run

BOTH = pytest.mark.parametrize("suite", thirds.SUITES)
SECRETS = "/srv/guestbook/shared/secrets"
# A connection and the tables: MySQL refuses to compare a text of one with a text of the other.
COLLATIONS = "SET NAMES utf8mb4; SELECT @@collation_connection, @@collation_database"


def sql(host, statement, user="root", password="", database=""):
    """Return what the database answers, or its error."""
    login = f"-u{user}" + (f" -p{password}" if password else "")
    done = host.ssh(f"mariadb {login} -N {database}", text=statement, check=False)
    return (done.stdout + done.stderr).strip()


def secret(host, name):
    return re.search(rf"^{name}='(.*)'$", host.ssh(f"cat {SECRETS}").stdout, re.M)[1]


def password_of(host):
    return re.search(r":([^:]+)@", secret(host, "DATABASE_URL"))[1]


def put_right(desk):
    """Return what a bootstrap changes in the database. Check that the next bootstrap changes nothing."""
    desk.does("bootstrap")
    changed = last_run(desk.host).said("changed")
    assert re.search(r": 0 changed", desk.does("bootstrap").out)
    return {what for stage, what in changed if stage == "mysql"}


def as_site(host, statement, database="guestbook"):
    return sql(host, statement, "guestbook", password_of(host), database)


@BOTH
def test_the_site_may_do_all_with_its_own_database_and_nothing_with_another(bootstrapped):
    host = bootstrapped.host
    connection, tables = as_site(host, COLLATIONS).split()
    assert connection == tables and tables.startswith("utf8mb4_")
    assert as_site(host, "CREATE TABLE t (a INT); DROP TABLE t; SELECT 1") == "1"
    for forbidden in (
        "CREATE DATABASE more",
        "USE mysql",
        "SELECT * FROM mysql.user",
        "SET GLOBAL max_connections=9",
    ):
        assert "denied" in as_site(host, forbidden), forbidden
    assert "denied" in sql(host, "SELECT 1", "guestbook", "wrong")
    assert host.ssh(f"stat -c '%a %U:%G' {SECRETS}").stdout == "640 root:guestbook\n"


@BOTH
def test_whatever_strays_is_put_right_and_the_recorded_password_stays(bootstrapped):
    host = bootstrapped.host
    recorded = password_of(host)
    user, database = "database user guestbook", "database guestbook"
    sql(host, "ALTER USER guestbook@localhost IDENTIFIED BY 'rotated'")
    assert put_right(bootstrapped) == {user}
    sql(host, "REVOKE ALL ON guestbook.* FROM guestbook@localhost")
    assert put_right(bootstrapped) == {user}
    sql(host, "DROP USER guestbook@localhost")
    assert put_right(bootstrapped) == {user}
    sql(host, "ALTER DATABASE guestbook CHARACTER SET latin1")
    assert put_right(bootstrapped) == {database}
    sql(host, "ALTER DATABASE guestbook COLLATE utf8mb4_unicode_ci")  # as an earlier roadie made it
    assert put_right(bootstrapped) == set()
    assert as_site(host, COLLATIONS).split()[1] == "utf8mb4_unicode_ci"
    host.ssh(f"chmod 644 {SECRETS}")
    assert put_right(bootstrapped) == set()
    assert host.ssh(f"stat -c %a {SECRETS}").stdout == "640\n"
    assert password_of(host) == recorded
    assert as_site(host, "SELECT 1") == "1"


def test_a_secret_that_is_lost_is_made_anew_and_told_of(deployed):
    host = deployed.host
    before = password_of(host)
    host.ssh(f"sed -i /DATABASE_URL/d {SECRETS}")
    assert put_right(deployed) == {"secret ROADIE_DATABASE_URL", "database user guestbook"}
    assert password_of(host) != before
    assert as_site(host, "SELECT 1") == "1"


def test_another_name_for_a_secret_gets_the_same_value(bootstrapped, desk):
    host = bootstrapped.host
    key = secret(host, "SECRET_KEY")
    desk(host, env_names={"secret_key": "MY_KEY", "db_password": "MY_PASSWORD"}).does("bootstrap")
    assert secret(host, "MY_KEY") == key
    assert secret(host, "MY_PASSWORD") == password_of(host)


def test_rights_that_somebody_gave_by_hand_are_left_and_named(bootstrapped):
    host = bootstrapped.host
    sql(host, "CREATE DATABASE reports; GRANT SELECT ON reports.* TO guestbook@localhost")
    assert "reports" in bootstrapped.does("bootstrap").text
    assert "0 changed" in bootstrapped.does("bootstrap").out
    assert "reports" in as_site(host, "SHOW GRANTS")


@pytest.mark.parametrize(
    ("taken", "named"),
    [
        ("CREATE DATABASE guestbook", "a database guestbook"),
        ("CREATE USER guestbook@localhost IDENTIFIED BY 'theirs'", "a user guestbook@localhost"),
        ("CREATE USER guestbook@'%' IDENTIFIED BY 'theirs'", "a user guestbook@%"),
    ],
)
def test_a_database_or_user_of_somebody_else_is_refused(packaged, taken, named):
    host = packaged.host
    sql(host, taken)
    done = packaged.fab("bootstrap")
    assert (done.code, named in done.last_line) == (6, True), done.text
    assert "guestbook.*" not in sql(host, "SELECT * FROM mysql.db")


def test_an_underscore_in_the_name_opens_no_other_database(packaged, desk):
    host = packaged.host
    sat = desk(host, app="my_site")
    sat.does("bootstrap")
    assert re.search(r": 0 changed", sat.does("bootstrap").out)
    sql(host, "CREATE DATABASE myxsite")
    secrets = host.ssh("cat /srv/my_site/shared/secrets").stdout
    password = re.search(r"mysql://my_site:([^@]+)@", secrets)[1]
    assert sql(host, "SELECT 1", "my_site", password, "my_site") == "1"
    assert "denied" in sql(host, "SELECT 1", "my_site", password, "myxsite")
