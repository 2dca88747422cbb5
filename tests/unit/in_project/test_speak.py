"""What is asked of a database's own client: its login, and the dumps that go through it."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest
from roadie.scripts.render import TEMPLATES

ours = runpy.run_path(str(TEMPLATES / "external/speak.py"))
POSTGRESQL, MYSQL = ours["PostgreSQL"](), ours["MySQL"]()
GIVEN = {"NAME": "shop", "USER": "ann", "PASSWORD": 'p"w\\1', "HOST": "db.example.org", "PORT": 5433}
DUMP = b"""--
\\restrict abc
CREATE TABLE public.a (id integer);
COPY public.a (id) FROM stdin;
CREATE TABLE of a row
\\restrict of a row
\\.
COMMENT ON EXTENSION citext IS 'x';
--
-- PostgreSQL database dump complete
--

\\unrestrict abc
"""
VIEW = b"/*!50013 DEFINER=`bob`@`%` SQL SECURITY DEFINER */\n"


def lines(text):
    return text.splitlines(keepends=True)


@pytest.fixture(autouse=True)
def _no_driver(monkeypatch):
    monkeypatch.setattr(ours["MySQL"], "driver_is_the_servers", True)


def hidden_text(path):
    assert re.fullmatch(r"/proc/self/fd/\d+", path) and Path(path).stat().st_mode & 0o777 == 0o600
    return Path(path).read_text()


def test_postgresql_gets_its_login_and_tls_options_from_a_file_in_memory():
    options = {"sslmode": "verify-full", "sslrootcert": "/ca.pem", "pool": True, "isolation_level": 2}
    words, variables = POSTGRESQL.login(GIVEN, options)
    assert words == [] and set(variables) == {"PGSERVICEFILE", "PGSERVICE"}
    said = hidden_text(variables["PGSERVICEFILE"]).splitlines()
    assert said[0] == "[roadie]" and {"sslmode=verify-full", "sslrootcert=/ca.pem", 'password=p"w\\1'} < {
        *said
    }
    assert "port=5433" in said and not [one for one in said if one.startswith(("pool", "isolation"))]


@pytest.mark.parametrize(
    ("options", "has", "has_not"),
    [
        ({}, [], ["ssl"]),
        ({"ssl": {"ca": "/ca.pem"}}, ['ssl-ca="/ca.pem"'], ["skip-ssl"]),
        ({"ssl_mode": "DISABLED"}, ["loose-skip-ssl"], []),
        ({"ssl_mode": "REQUIRED"}, ["loose-ssl-mode=REQUIRED", "loose-skip-ssl-verify-server-cert"], []),
        ({"ssl_mode": "VERIFY_IDENTITY"}, ["loose-ssl-verify-server-cert"], ["skip-ssl"]),
    ],
)
def test_mysql_gets_its_login_and_tls_options_from_a_file_in_memory(options, has, has_not):
    [word], variables = MYSQL.login(GIVEN, options)
    assert variables == {}
    said = hidden_text(word.removeprefix("--defaults-file="))
    assert 'password="p\\"w\\\\1"' in said and 'host="db.example.org"' in said
    assert all(one in said for one in has) and not any(one in said for one in has_not)


def test_only_a_whole_dump_has_a_number_of_tables():
    assert POSTGRESQL.tables_in(lines(DUMP)) == 1
    assert POSTGRESQL.tables_in(lines(DUMP)[:-5]) is None
    assert MYSQL.tables_in([b"CREATE TABLE `a` (\n", b"-- Dump completed on 2026-11-29\n"]) == 1
    assert MYSQL.tables_in([b"CREATE TABLE `a` (\n"]) is None


def test_a_dump_runs_nothing_of_the_client_and_nothing_as_another_user():
    loaded = b"".join(POSTGRESQL.to_load(lines(DUMP)))
    assert loaded.startswith(b"\\restrict ") and b"\\restrict abc" not in loaded
    assert b"\\restrict of a row\n\\.\n" in loaded and b"COMMENT ON EXTENSION" not in loaded
    assert ours["DEFINER"].sub(rb"\1", VIEW) == b"/*!50013  SQL SECURITY DEFINER */\n"
