"""The `roadie` program gives the same tasks without a fabfile."""

import subprocess
import sys

import roadie

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


def test_settings_are_found_from_a_folder_below(tmp_path):
    (tmp_path / "fabric.yaml").write_text("roadie: {domain: [a\n")
    (tmp_path / "deeper").mkdir()
    done = program(tmp_path / "deeper", "init")
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert "fabric.yaml line 2" in done.stderr


def test_a_command_line_that_makes_no_sense_is_a_usage_error(tmp_path):
    done = program(tmp_path, "nonsense")
    assert (done.returncode, done.stderr) == (2, "no task nonsense; roadie --list shows all\n")
