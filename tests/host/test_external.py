"""A site whose database is elsewhere: a secret has its URL, and roadie makes nothing there but migrations.

test_matrix.py has the rest of such a site's life: runs that change nothing, the way back, and a reboot.
"""

from __future__ import annotations

import gzip
from pathlib import Path

import projects
import pytest
import standing
from browser_with_cookies import Browser
from desk import Desk, browse
from faults import append, error_of
from roadie.throwaway import hosts as throwaway
from test_sqlite import MOOD
from visitors import Visitors

PASSWORD = "p%25w%2F'1"
URL = f"mysql://shop_user:{PASSWORD}@127.0.0.1:3306/shop?connect_timeout=10"
BY_HAND = """CREATE DATABASE shop CHARACTER SET utf8mb4;
CREATE USER shop_user@localhost IDENTIFIED BY 'p%w/\\'1';
GRANT ALL ON shop.* TO shop_user@localhost"""


# Writes down what each of its calls could show to another user of the host.
WITNESS = """#!/bin/sh
{ echo "$@"; env; } >>/srv/guestbook/shared/home/witness
exec /usr/bin/mariadb-dump "$@"
"""
ON_POSTGRESQL = """CREATE USER shop_user PASSWORD 'p%w/''1';
CREATE DATABASE shop OWNER postgres;
\\c shop
GRANT ALL ON SCHEMA public TO shop_user;
CREATE EXTENSION citext;"""


def path_of(sat: Desk) -> str:
    """Return the dump that the release which serves has from before its migrations."""
    return sat.host.ssh("cat /srv/guestbook/live/release/dump").stdout.strip()


def dump_of(sat: Desk) -> str:
    return gzip.decompress(Path(f"{sat.host.tree}{path_of(sat)}").read_bytes()).decode()


@pytest.mark.third(0)
def test_a_database_on_another_host_is_dumped_and_restored_over_tls(packaged, desk) -> None:
    host = packaged.host
    with throwaway.boot("elsewhere", "trixie", standing.with_postgresql()) as other:
        other.ssh("cd / && runuser -u postgres psql", text=ON_POSTGRESQL)
        other.ssh(
            "cd /etc/postgresql/17/main && echo \"listen_addresses = '*'\" >>postgresql.conf && "
            "echo hostssl shop shop_user 0.0.0.0/0 scram-sha-256 >>pg_hba.conf && "
            "systemctl restart postgresql"
        )
        sat = desk(host, database="external", secrets={"DATABASE_URL": {"file": "../url"}})
        address = f"postgresql://shop_user:{PASSWORD}@{other.address}:5432/shop"
        (sat.project.parent / "url").write_text(f"{address}?sslmode=require&connect_timeout=10")
        append(sat.project / "requirements.txt", "psycopg[binary]==3.3.9\n")
        projects.commit(sat.project)
        sat.does("bootstrap")
        assert ": 0 changed" in sat.does("bootstrap").out
        assert host.ssh("ls /usr/lib/postgresql/*/bin/postgres 2>/dev/null || :").stdout == ""
        sat.does("deploy")
        Browser(host).post("/", name="Ann", message="caf\u00e9 \U0001f600")
        (sat.project / "entries/migrations/0003_entry_mood.py").write_text(MOOD)
        projects.commit(sat.project, "Mood")
        sat.does("deploy")
        dump = dump_of(sat)
        assert "caf\u00e9 \U0001f600" in dump and "mood" not in dump
        told = "cd / && runuser -u postgres -- psql -qAt shop -c"
        other.ssh(f'{told} "SET ROLE shop_user; CREATE TABLE later (id int GENERATED ALWAYS AS IDENTITY)"')
        with Visitors(host) as visitors:
            sat.does("migrate", f"--restore-dump={path_of(sat)}")
        visitors.assert_content()
        tables = other.ssh(f"{told} '\\dt' -c '\\d entries_entry' -c '\\dx'").stdout
        assert "later" not in tables and "mood" not in tables and "citext" in tables
        assert "caf\u00e9 \U0001f600" in browse(host).body
        sat.does("migrate")
        sat.does("rollback", "--migrations")

        # ---- Where the client is missing, the deploy says so and goes on
        sat.does("deploy")
        host.ssh("dpkg --force-depends --remove postgresql-client-17")  # the wrapper stays
        (sat.project / "entries/migrations/0004_more.py").write_text(
            MOOD.replace("0002_entry_photo", "0003_entry_mood").replace('"mood"', '"more"')
        )
        projects.commit(sat.project, "More")
        assert (
            "none is made: this host has no client of it; fab bootstrap installs it"
            in sat.does("deploy").text
        )
        error_of(sat.fab("migrate", "--restore-dump=x.sql.gz"), 6, "no such dump")


@pytest.mark.third(2)
def test_a_site_lives_with_a_database_elsewhere(packaged, desk) -> None:
    host = packaged.host
    host.ssh("systemctl enable -q --now mariadb; mariadb", text=BY_HAND)
    error_of(desk(host, database="external").fab("bootstrap"), 2, "external", "DATABASE_URL")
    sat = desk(host, database="external", secrets={"DATABASE_URL": {"file": "../url"}})
    (sat.project.parent / "url").write_text(URL)
    append(sat.project / "requirements.txt", "mysqlclient==2.3.1")
    projects.commit(sat.project)
    sat.does("bootstrap")
    told = sat.does("deploy").text
    assert PASSWORD not in told and "p%w" not in told
    assert browse(host).status == 200
    assert Browser(host).post("/", name="Ann", message="caf\u00e9 \U0001f600").status == 302
    assert "caf\u00e9 \U0001f600" in browse(host).body
    assert "entries_entry" in host.ssh("mariadb -N shop -e 'SHOW TABLES'").stdout
    assert host.ssh("mariadb -N -e \"SHOW DATABASES LIKE 'guestbook'\"").stdout == ""
    status = sat.does("status").text
    assert "no answer" not in status, status
    (sat.project / "entries/migrations/0003_entry_mood.py").write_text(MOOD)
    projects.commit(sat.project, "Mood")
    host.put(WITNESS, "/usr/local/bin/mariadb-dump")
    host.ssh("chmod +x /usr/local/bin/mariadb-dump")
    assert "applied  entries.0003_entry_mood" in sat.does("deploy").text
    dump = dump_of(sat)
    assert "caf\u00e9 \U0001f600" in dump and "mood" not in dump
    seen = host.ssh("cat /srv/guestbook/shared/home/witness").stdout
    assert "defaults-file" in seen and "p%w" not in seen
    host.ssh("mariadb shop", text="CREATE TABLE later (a int); INSERT INTO later VALUES (1)")
    Browser(host).post("/", name="Bob", message="later")
    sat.does("migrate", f"--restore-dump={path_of(sat)}")
    assert "later" not in host.ssh("mariadb -N shop -e 'SHOW TABLES'").stdout + browse(host).body
    assert "mood" not in host.ssh("mariadb -N shop -e 'DESCRIBE entries_entry'").stdout
    assert "caf\u00e9 \U0001f600" in browse(host).body
    error_of(sat.fab("migrate", "--restore-dump=/etc/passwd"), 6, "not whole")
    sat.does("migrate")
    error_of(sat.fab("rollback"), 2, "entries.0003_entry_mood", "--migrations")
    (sat.project.parent / "url").write_text(URL.replace("/shop?", "/other?"))
    error_of(sat.fab("deploy"), 6, "other")
    assert browse(host).status == 200
    sat.does("remove", "--purge", "--confirm", "guestbook")
    assert "entries_entry" in host.ssh("mariadb -N shop -e 'SHOW TABLES'").stdout
