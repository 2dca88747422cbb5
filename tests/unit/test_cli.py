"""The `roadie` program gives the same tasks without a fabfile, and `init` writes one."""

import subprocess
import sys

import pytest
import roadie
from invoke import Context
from roadie.cli import init
from roadie.errors import UsageError

MAIN = "from roadie.cli import main; main()"


def program(folder, *argv, text=""):
    return subprocess.run(
        [sys.executable, "-c", MAIN, *argv],
        cwd=folder,
        input=text,
        capture_output=True,
        text=True,
        check=False,
    )


def test_it_lists_roadies_tasks_and_init(tmp_path):
    listed = program(tmp_path, "--list").stdout
    for name in ("init", *roadie.ns.task_names):
        assert f"\n  {name} " in listed


def test_it_says_its_version(tmp_path):
    assert program(tmp_path, "--version").stdout.splitlines()[0] == f"roadie {roadie.__version__}"


def test_init_writes_a_fabfile_and_the_settings(tmp_path):
    done = program(tmp_path, "init", "--domain", "WWW.Example.com")
    assert done.returncode == 0, done.stderr
    assert "from roadie import *" in (tmp_path / "fabfile.py").read_text()
    assert "  domain: www.example.com\n" in (tmp_path / "fabric.yaml").read_text()


def test_what_init_writes_is_a_fabfile_with_roadies_tasks(tmp_path):
    program(tmp_path, "init")
    listed = subprocess.run(
        [sys.executable, "-m", "fabric", "--list"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert set(roadie.__all__) & set(roadie.ns.task_names) <= set(listed.stdout.split())


def test_init_never_overwrites(tmp_path):
    (tmp_path / "fabfile.py").write_text("mine")
    (tmp_path / "fabric.yaml").write_text("roadie: {domain: mine.org}\n")
    done = program(tmp_path, "init")
    assert done.stdout.splitlines()[:2] == [
        "fabfile.py is there already; left as it is",
        "fabric.yaml is there already; left as it is",
    ]
    assert (tmp_path / "fabfile.py").read_text() == "mine"


@pytest.mark.parametrize(
    "domain", ["a b", "a; rm -rf /", "a'b.org", "-a.org", "localhost", "a..org", "x" * 254]
)
def test_init_takes_no_domain_that_is_none(tmp_path, monkeypatch, domain):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="^--domain .*: no name of a site"):
        init(Context(), domain=domain)
    assert list(tmp_path.iterdir()) == []


def test_settings_are_found_from_a_folder_below(tmp_path):
    (tmp_path / "fabric.yaml").write_text("roadie: {domain: [a\n")
    (tmp_path / "deeper").mkdir()
    done = program(tmp_path / "deeper", "init")
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert "fabric.yaml line 2" in done.stderr


def test_a_command_line_that_makes_no_sense_is_a_usage_error(tmp_path):
    done = program(tmp_path, "nonsense")
    assert (done.returncode, done.stderr) == (2, "No idea what 'nonsense' is!\n")
