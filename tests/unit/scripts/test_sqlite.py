"""The program that the site's user runs on a database in a file, with the file open in another process."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from roadie.scripts.render import TEMPLATES

PROGRAM = TEMPLATES / "sqlite/file.py"


class Site:
    """A site's database, and a connection of the site's to it."""

    def __init__(self, folder: Path) -> None:
        self.file, self.error = folder / "db.sqlite3", ""
        assert self.says("make") == b""
        self.open = sqlite3.connect(self.file, isolation_level=None)

    def says(self, word: str, given: bytes = b"") -> bytes:
        """Return what the program prints. `given` comes to it at descriptor 7."""
        command = ["bash", "-c", 'exec 7<&0; exec "$@"', "-", sys.executable, "-I", PROGRAM, word, self.file]
        done = subprocess.run(command, input=given, capture_output=True, timeout=60)
        self.error = done.stderr.decode().strip()
        assert (done.returncode != 0) == bool(self.error), self.error
        return done.stdout

    def fill(self, count: int) -> None:
        self.open.execute("CREATE TABLE IF NOT EXISTS own (id INTEGER PRIMARY KEY, b BLOB)")
        self.open.executemany("INSERT INTO own (b) VALUES (?)", [(os.urandom(3000),)] * count)

    def count(self) -> int:
        found: int = self.open.execute("SELECT count(*) FROM own").fetchone()[0]
        return found


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def test_an_empty_database_has_no_size_and_a_full_one_has_its_tables(site: Site) -> None:
    assert (site.says("mode"), site.says("kb"), site.says("tables")) == (b"wal\n", b"", b"0\n")
    site.fill(100)
    assert int(site.says("kb")) > 300 and site.says("tables") == b"1\n"
    site.open.execute("CREATE TABLE django_migrations (app, name)")
    site.open.execute("INSERT INTO django_migrations VALUES ('shop', '0001_initial')")
    assert site.says("applied") == b"shop.0001_initial\n"


def test_a_dump_is_loaded_under_a_connection_that_goes_on(site: Site) -> None:
    site.fill(50)
    whole = site.says("dump")
    assert site.says("tables_in_dump", whole) == b"1\n"
    site.fill(70)
    site.open.execute("CREATE TABLE more (id)")
    assert site.says("load", whole) == b"" and not site.error
    assert site.count() == 50
    assert site.says("tables") == b"1\n" and site.says("mode") == b"wal\n"
    site.fill(1)
    assert site.count() == 51


def test_a_dump_with_other_pages_is_loaded_too(site: Site, tmp_path: Path) -> None:
    site.fill(50)
    (tmp_path / "other").mkdir()
    other = sqlite3.connect(tmp_path / "other/db.sqlite3", isolation_level=None)
    other.execute("PRAGMA page_size = 1024")
    other.execute("CREATE TABLE own (id INTEGER PRIMARY KEY, b BLOB)")
    other.close()
    assert site.says("load", (tmp_path / "other/db.sqlite3").read_bytes()) == b"" and not site.error
    assert site.count() == 0


@pytest.mark.parametrize("part", [0, 10, 5000, 100_000])
def test_a_part_of_a_dump_is_no_dump(site: Site, part: int) -> None:
    site.fill(50)
    half = site.says("dump")[:part]
    for word in "tables_in_dump", "load":
        assert site.says(word, half) == b"" and site.error.startswith("sqlite: ")
    assert site.count() == 50


def test_what_a_killed_run_left_is_no_hindrance_and_nothing_is_left(site: Site) -> None:
    site.fill(5)
    copy = site.file.with_name(".roadie-copy")
    copy.write_text("half")
    whole = site.says("dump")
    copy.write_text("half")
    assert site.says("tables_in_dump", whole) == b"1\n" and not copy.exists()
    site.open.close()
    assert site.says("drop") == b"" and list(site.file.parent.iterdir()) == []


@pytest.mark.parametrize("stands", ["link", "fifo", "folder"])
@pytest.mark.parametrize("word", ["make", "mode", "kb", "tables", "applied", "dump", "load"])
def test_what_is_no_plain_file_is_refused_at_once(site: Site, stands: str, word: str) -> None:
    whole = site.says("dump")
    site.open.close()
    site.file.unlink()
    if stands == "link":
        site.file.symlink_to("/etc/passwd")
    elif stands == "fifo":
        os.mkfifo(site.file)
    else:
        site.file.mkdir()
    assert site.says(word, whole) == b"" and "is no plain file" in site.error
