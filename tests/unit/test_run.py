"""tests/run runs all of its parts, even if some fail, and names the failed parts at the end."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

RUN = Path(__file__).parents[1] / "run"
SETUP = """
venv=venv
why_no_hosts() { :; }
ensure_venv() { :; }
ensure_host_tools() { :; }
ensure_npm() { :; }
say() { printf '%s\\n' "$*" >&2; }
"""
TOOL = """#!/bin/bash
call="${0##*/}${*:+ $*}"
echo "${call}"
[[ ${call} != *"${FAILING}"* ]] || exit 3
"""


@pytest.fixture
def run(tmp_path):
    """Runs tests/run with stand-ins for its tools, which only print their arguments. Some of them fail."""
    for folder in ("tests", "venv/bin"):
        (tmp_path / folder).mkdir(parents=True)
    shutil.copy(RUN, tmp_path / "tests/run")
    (tmp_path / "tests/setup.sh").write_text(SETUP)
    for name in ("ruff", "mypy", "shellcheck", "python"):
        (tmp_path / "venv/bin" / name).write_text(TOOL)
        (tmp_path / "venv/bin" / name).chmod(0o755)

    def run(failing, third="all"):
        environment = {**os.environ, "FAILING": failing, "TEST_THIRD": third}
        return subprocess.run([tmp_path / "tests/run"], env=environment, capture_output=True, text=True)

    return run


def test_nothing_is_told_of_parts_that_pass(run):
    done = run("no such part")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("python -m pytest") == 2


@pytest.mark.parametrize(
    "failing", ["ruff format", "mypy", "shellcheck", "--ignore tests/host", "loadfile", ""]
)
def test_a_part_that_fails_hides_no_other_and_is_named_at_the_end(run, failing):
    done = run(failing)
    assert done.returncode == 1
    assert done.stdout == run("no such part").stdout
    failed = [line for line in done.stdout.splitlines() if failing in line]
    assert done.stderr.strip().splitlines() == [f"Failed with exit code 3: {line}" for line in failed]


def test_a_third_of_the_long_tests_is_told_with_the_way_to_repeat_it(run):
    done = run("no such part", third="2")
    assert "third 2 of 0, 1 and 2 (TEST_THIRD=2 tests/run repeats it" in done.stderr
