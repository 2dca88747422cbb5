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


def test_alone_it_shows_the_tasks_in_groups_and_how_to_begin(tmp_path):
    done = program(tmp_path)
    assert done.returncode == 0
    assert done.stdout.startswith("Daily:\n") and "\n  init " in done.stdout
    assert done.stdout.splitlines()[-1] == "Begin in the folder of your project: roadie init"


def test_the_examples_of_init_are_commands_that_work(tmp_path):
    shown = program(tmp_path, "help", "init").stdout
    assert "\n  roadie init --domain www.shop.org" in shown and "roadie roadie" not in shown


def test_a_folder_without_settings_is_told_as_such(tmp_path):
    done = program(tmp_path, "plan")
    assert done.returncode == 2
    assert done.stderr == (
        f"no fabric.yaml for {tmp_path}; go to the project's folder, or write one there: roadie init\n"
    )


def test_a_command_line_that_makes_no_sense_is_a_usage_error(tmp_path):
    done = program(tmp_path, "nonsense")
    assert (done.returncode, done.stderr) == (2, "no task nonsense; roadie --list shows all\n")
