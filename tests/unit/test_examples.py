"""The example projects pass their own tests, and no migration of their models is missing."""

import os
import subprocess
import sys

import projects
import pytest

EXAMPLES = {"guestbook": ".", "newsdesk": "src", "postbox": ".", "setlist": ".", "songbook": "."}
# This machine has no PostgreSQL. Without it, the setlist tells nobody of votes, and all else works.
ENVIRONMENT = {"DEBUG": "1", "DATABASE_URL": "sqlite://:memory:"}


@pytest.fixture(scope="module", params=EXAMPLES)
def manage(request, tmp_path_factory):
    """Runs manage.py of a copy of the example."""
    copy = projects.example(request.param, tmp_path_factory.mktemp("examples") / request.param)
    environment = {name: value for name, value in os.environ.items() if "DJANGO" not in name} | ENVIRONMENT

    def run(*args):
        argv = [sys.executable, "manage.py", *args]
        folder = copy / EXAMPLES[request.param]
        return subprocess.run(argv, cwd=folder, env=environment, capture_output=True, text=True, check=False)

    return run


def test_every_example_is_known_here():
    assert {path.name for path in projects.EXAMPLES.iterdir() if path.is_dir()} == set(EXAMPLES)


def test_an_example_passes_its_own_tests(manage):
    done = manage("test")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "\nOK\n" in done.stderr


def test_an_example_has_every_migration(manage):
    done = manage("makemigrations", "--check", "--dry-run")
    assert done.returncode == 0, done.stdout + done.stderr
