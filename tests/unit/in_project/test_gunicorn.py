"""The process of a slot begins before its release is there: what it loads, and how it becomes Gunicorn."""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import asgiref
import pytest
from desk import eventually
from releases import Release, on_sqlite

# Stands in for Gunicorn. It prints how it was started and which modules were already loaded.
STAND_IN = """
import json, os, subprocess, sys, time
from gunicorn import config
django = "django.core.handlers.wsgi" in sys.modules
import asgiref
print(json.dumps({
    "name": __name__, "argv": sys.argv, "cwd": os.getcwd(), "path": sys.path[:2],
    "chdir": config.Chdir.default, "static": os.environ["ROADIE_STATIC_ROOT"],
    "asgiref": getattr(asgiref, "ours", ""), "exit code": subprocess.run("false").returncode,
    "added": "/added" in sys.path, "django": django, "settled": "roadie_settings" in sys.modules,
    "virtualenv": os.environ["VIRTUAL_ENV"],
}), flush=True)
time.sleep(60 if os.environ.get("LINGERS") else 0)
"""
FILES = {
    "__init__.py": "",
    "__main__.py": STAND_IN,
    "arbiter.py": "",
    "app/__init__.py": "",
    "app/wsgiapp.py": """
import pathlib, sys, gunicorn.config
sys.path.append('/added')
pathlib.Path(__file__).with_name('loaded').touch()
""",
    "config.py": "import os\n\n\nclass Chdir:\n    default = os.getcwd()\n",
}
# Does the same as `python -m roadie_gunicorn`, but finds the stand-in before the real Gunicorn.
BEGIN = """
import os, runpy, sys
sys.path[:] = [os.getcwd(), sys.path[1], sys.argv.pop(1), *sys.path[2:]]
runpy.run_module("roadie_gunicorn", run_name="__main__", alter_sys=True)
"""
# The virtualenv of the release before. The process itself may already run in the new release's virtualenv.
VIRTUALENV_BEFORE = Path(sys.prefix).parent / "before"
SYNC = ("roadie_wsgi:application", "--worker-class", "sync")


class Slot:
    """A slot for a new release. Its process begins with the environment of the release before."""

    def __init__(self, root: Path, before: Release) -> None:
        self.root, self.before = root, before
        self.release = root / "releases/2"
        self.folder = root / "slots/blue"
        self.folder.mkdir(parents=True)
        (self.folder / "release").symlink_to(self.release)
        (before.folder / "venv").symlink_to(VIRTUALENV_BEFORE)
        self.answers = self.folder / "answers"

    def lay_out(self, code: str = "") -> None:
        """Lay out the new release, with one more line in its settings."""
        shutil.copytree(self.before.folder, self.release, symlinks=True)
        with (self.release / "code/mysite/settings.py").open("a") as file:
            file.write(f"{code}\n")

    @contextmanager
    def begun(self, *words: str) -> Iterator[subprocess.Popen[str]]:
        """Start the slot's process, which waits for its release. It ends with the block."""
        code = self.before.folder / "code"
        with subprocess.Popen(
            [sys.executable, "-c", BEGIN, self.root / "packages", self.folder, *(words or SYNC)],
            cwd=code,
            env={**self.before.env, "ROADIE_WORK_DIR": str(code), "VIRTUAL_ENV": str(VIRTUALENV_BEFORE)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        ) as process:
            try:
                yield process
            finally:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)

    def has_loaded(self) -> bool:
        """Return whether the process has loaded all that it can load before its release is there."""
        return (self.root / "packages/gunicorn/app/loaded").exists()

    def let(self, name: str, text: str = "") -> None:
        """Tell the process to `inspect` or to `serve`."""
        (self.folder / f"{name}.new").write_text(text)
        (self.folder / f"{name}.new").rename(self.folder / name)

    def ask(self, call: str = "release.inspect('{}', '')", *variables: str) -> int:
        """Ask for the release's check. Return a descriptor from which the answers can be read."""
        os.mkfifo(self.answers, 0o600)
        reader = os.open(self.answers, os.O_RDWR)
        self.let("inspect", "\n".join([call.format(self.root / "collected"), *variables]))
        return reader


def told(reader: int) -> list[str]:
    """Return all lines up to the line that says how the check ended."""
    text = b""
    while b"\tended\t" not in text or not text.endswith(b"\n"):
        assert select.select([reader], [], [], 30)[0], text
        text += os.read(reader, 65536)
    os.close(reader)
    return [line for line in text.decode().splitlines() if line]


def served(process: subprocess.Popen[str]) -> dict[str, object]:
    out, err = process.communicate(timeout=30)
    assert process.returncode == 0, err
    found: dict[str, object] = json.loads(out)
    return found


@pytest.fixture
def slot(tmp_path: Path) -> Slot:
    before = on_sqlite(tmp_path)
    for name, text in FILES.items():
        path = tmp_path / "packages/gunicorn" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return Slot(tmp_path, before)


def test_a_process_waits_for_its_release_and_serves_it(slot: Slot) -> None:
    with slot.begun() as process:
        assert eventually(slot.has_loaded)
        slot.lay_out()
        assert process.poll() is None
        slot.let("serve")
        found = served(process)
    code = str(slot.release / "code")
    assert found == {
        "name": "__main__",
        "argv": [found["argv"][0], *SYNC],  # type: ignore[index]
        "cwd": code,
        "path": [code, str(slot.release / "overlay")],
        "chdir": code,
        "static": str(slot.release / "static"),
        "asgiref": "",
        "exit code": 1,
        "added": True,
        "django": True,
        "settled": False,
        "virtualenv": sys.prefix,
    }
    assert str(found["argv"][0]).endswith("gunicorn/__main__.py")  # type: ignore[index]


@pytest.mark.parametrize("words", [("--worker-class", "gevent"), ("--threads", "4")])
def test_nothing_of_django_is_loaded_for_workers_that_may_patch(slot: Slot, words: tuple[str, ...]) -> None:
    slot.lay_out()
    with slot.begun("roadie_wsgi:application", *words) as process:
        assert eventually(slot.has_loaded)
        slot.let("serve")
        assert served(process)["django"] is False


def test_the_check_is_of_the_release_and_has_an_environment_of_its_own(slot: Slot) -> None:
    with slot.begun() as process:
        slot.lay_out("DATABASES['default']['NAME'] = 'other'")
        reader = slot.ask("release.inspect('{}', '')", "ROADIE_STATIC_ROOT=/elsewhere")
        lines = told(reader)
        assert any("roadie:\trefuse\tthe default database is sqlite other" in line for line in lines), lines
        assert lines[-1] == "roadie:\tended\t0"
        slot.let("serve")
        assert served(process)["static"] == str(slot.release / "static")


@pytest.mark.parametrize(
    ("line", "code"),
    [("raise SystemExit(5)", 5), ("import os; os.kill(os.getpid(), 9)", 137), ("1 / 0", 1)],
)
def test_the_end_of_a_check_that_says_nothing_is_told(slot: Slot, line: str, code: int) -> None:
    with slot.begun() as process:
        slot.lay_out(line)
        assert told(slot.ask())[-1] == f"roadie:\tended\t{code}"
        assert process.poll() is None


def test_the_process_that_tells_the_end_is_named_and_does_not_concern_gunicorn(slot: Slot) -> None:
    with slot.begun() as process:
        slot.lay_out("import time; time.sleep(60)")
        reader = slot.ask()
        teller = os.read(reader, 100).decode().removeprefix("roadie:\tteller\t").strip()
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        assert children.read_text().split() == [teller]
        check = Path(f"/proc/{teller}/task/{teller}/children")
        assert eventually(check.read_text)
        os.kill(int(check.read_text()), signal.SIGTERM)
        assert told(reader)[-1] == "roadie:\tended\t143"
        assert eventually(lambda: not children.read_text())  # the process waits on, and has no dead child
        assert process.poll() is None


def test_no_zombie_of_a_check_stays_with_the_process_that_serves(slot: Slot) -> None:
    slot.before.env["LINGERS"] = "1"  # type: ignore[index]
    with slot.begun() as process:
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        over = slot.root / "over"
        slot.lay_out(f"import os, time\nwhile not os.path.exists({str(over)!r}): time.sleep(0.01)")
        reader = slot.ask()
        slot.let("serve")
        assert process.stdout and process.stdout.readline()  # the process serves while the check goes on
        assert children.read_text()
        over.touch()
        told(reader)
        assert eventually(lambda: not children.read_text())
        assert process.poll() is None


def test_a_project_that_asks_whether_gunicorn_is_loaded_is_told_no_by_the_check(slot: Slot) -> None:
    with slot.begun():
        slot.lay_out("import sys; assert 'gunicorn' not in sys.modules")
        assert told(slot.ask())[-1] == "roadie:\tended\t0"


def test_a_process_that_may_serve_already_becomes_gunicorn_at_once(slot: Slot) -> None:
    slot.lay_out()
    slot.let("serve")
    with slot.begun() as process:
        assert served(process)["django"] is False


def test_a_module_of_the_projects_own_wins_over_one_that_was_loaded_before(slot: Slot) -> None:
    ours = "import sys; import asgiref; assert asgiref.ours == '{}', asgiref.__file__"
    vendored = slot.before.folder / "code/asgiref"
    shutil.copytree(Path(asgiref.__file__).parent, vendored)
    with slot.begun() as process:
        assert eventually(slot.has_loaded)
        (vendored / "__init__.py").write_text("ours = 'new'\n")
        slot.lay_out(ours.format("new"))
        assert told(slot.ask())[-1] == "roadie:\tended\t0"
        slot.let("serve")
        assert served(process)["asgiref"] == "new"


def test_a_file_or_folder_that_only_has_the_name_of_a_module_changes_nothing(slot: Slot) -> None:
    with slot.begun() as process:
        assert eventually(slot.has_loaded)
        slot.lay_out()
        (slot.release / "code/locale").mkdir()
        (slot.release / "code/locale/en.po").touch()
        (slot.release / "code/logging.yaml").touch()
        slot.let("serve")
        assert served(process)["django"] is True


def test_nobody_opens_the_answers_a_second_time(slot: Slot) -> None:
    with slot.begun():
        slot.lay_out()
        told(slot.ask())
        assert slot.answers.stat().st_mode & 0o777 == 0
