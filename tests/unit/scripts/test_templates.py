"""Every script for a host is rendered with many settings, linted, and compared with tests/golden."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import scripts
from roadie.scripts import stages
from roadie.scripts.render import TEMPLATES
from roadie.scripts.stage import Sequence

STAGES = sorted(stages.OURS, key=lambda one: one.name)
# The files with values that stages write. A stage's golden script has only the names of these files.
FILES = sorted(
    str(path.relative_to(TEMPLATES))
    for path in TEMPLATES.rglob("*.j2")
    if not path.name.endswith(".sh.j2") and any(mark in path.read_text() for mark in ("{{", "{%"))
)
GOLDEN_FOLDER = Path(__file__).parents[2] / "golden"
GOLDEN = {f"{stage.name}.sh": stage.template for stage in STAGES} | {
    f"files/{name.removesuffix('.j2')}": name for name in FILES
}
# shellcheck makes all of its remarks, also the optional ones, but these, which are no faults of a script:
NOT_FAULTS = {
    "SC2016": "a `$` in single quotes: it belongs to a value, or to a script for another shell",
    "SC2034": "a variable that nobody reads: only some stages read what a library sets",
    "SC2310": "a function in a condition, so without `set -e`: it asks, or its last command tells",
    "SC2312": "a lost exit code: of a message, or of a question where no answer changes nothing",
    "SC2317": "a line that is never reached: it belongs to a library",
    "SC2329": "a function that nobody calls: the same",
}
# The frame's program on the host has short forms of its own.
NOT_FAULTS_OF_THE_FRAME = {
    "SC2015": "`A && B || C`: C is right in either case",
    "SC2046": "words that are not quoted: they are process ids",
    "SC2094": "a file that is read and written: it is the log, and its reader is another process",
    "SC2183": "a format without a value: it makes blanks",
}

MATRIX: dict[str, dict[str, Any]] = {
    "defaults": {},
    "another database": {"database": "postgresql"},
    "every setting": {
        "domain": ["a.example.org", "b.example.org"],
        "database": "mysql",
        "env": {"GREETING": 'it\'s; $(id) `id` "x" %s\nnext', "EMPTY": ""},
        "django": {"SECURE_HSTS_SECONDS": 0, "TITLE": "it's {{ 7 }} %", "LIST": ["a", {"b": None}]},
        "static_url": "/assets/",
        "media_url": "/uploads/",
        "packages": ["libmagic1", "gettext"],
        "workers": 3,
        "programs": {
            "alerts": "manage.py sendalerts --every '5 % s'",
            "queue": {"command": "celery -A shop worker", "stop_timeout": 600},
        },
        "redis": {"memory": "1g"},
        "once": {"data": "manage.py loaddata 'the start'"},
        "cron": {"sessions": "*/5 4 * * 1-5 manage.py clearsessions --x 'a b'"},
        "celery": {
            "app": "shop.celery:app",
            "beat": True,
            "workers": {"mail": {"queues": ["mail", "low"], "concurrency": 2, "max_tasks_per_child": 9}},
        },
        "threads": 1,
        "worker_class": "sync",
        "keep": 2,
        "health": ["/healthz", "/?a=b"],
        "collectstatic": False,
        "build": ["python manage.py compilemessages", "echo 'a b' && id"],
        "shared": ["search_index", "data/it's state.json"],
        "files": {"guestbook/local_settings.py": "~/local_settings.py"},
        "build_here": ["npm ci"],
        "ship": ["static/dist"],
        "post_build": ["python manage.py compress --force", "echo 'a b' && id"],
        "client_max_body_size": "1g",
        "overlay": False,
        "dump_before_migrate": False,
        "requirements": "requirements.txt",
        "limits": {"requests": "20/s", "burst": 40, "connections": 20},
        "maintenance_allow": ["203.0.113.7", "2001:db8::/32"],
        "proxies": ["203.0.113.7", "2001:db8::/32"],
    },
    "https": {
        "tls": {"by": "letsencrypt", "email": "me@example.org", "directory": "https://a.example.org/dir?a=b"},
        "domain": ["www.example.org", "example.org"],
        "proxies": "203.0.113.7",
    },
    "gevent": {"worker_class": "gevent"},
    "uvicorn": {"worker_class": "uvicorn"},
    "own names": {"env_names": {"secret_key": "MY_KEY", "db_name": "DB_NAME", "db_password": "DB_PASS"}},
}
SEQUENCES = {
    "bootstrap": stages.PROVISION,
    "survey": stages.SURVEY,
    "deploy": (stages.served, *stages.DEPLOY),
    "migrate": stages.MIGRATE,
    "restore": stages.RESTORE,
    "finish": stages.FINISH,
    "restart": stages.RESTART,
    "settle": stages.SETTLE,
    "history": stages.HISTORY,
    "rollback": (stages.back, *stages.ROLLBACK),
    "rollback across migrations": (
        stages.back,
        stages.warm,
        stages.way_back,
        stages.unapply,
        *stages.ROLLBACK,
    ),
    "choice of a rollback": (stages.way_back,),
    "plan of a deploy": (
        *stages.SURVEY,
        stages.secrets,
        stages.virtualenv,
        stages.checkout,
        stages.files,
        stages.shared,
        stages.environment,
        stages.outlook,
    ),
    "rollback to a dump": (stages.back, stages.warm, stages.restore, *stages.ROLLBACK),
    "lock": (*stages.LOCK, *stages.UNLOCK),
    "maintenance": (*stages.MAINTENANCE_ON, *stages.MAINTENANCE_OFF, *stages.DOORS),
    "purge": stages.PURGE,
    "status": stages.STATUS,
    "logs": stages.LOGS,
    "restart with programs": (*stages.RESTART, stages.stop),
}


@pytest.mark.parametrize("name", MATRIX)
@pytest.mark.parametrize("sequence", ["bootstrap", "deploy"])
def test_scripts_are_sound_with_settings_of_all_kinds(sequence: str, name: str, tmp_path: Path) -> None:
    """Settings change nothing but values, and these are quoted. So shellcheck, which is slow, sees some."""
    script = scripts.script(SEQUENCES[sequence], **MATRIX[name])
    assert subprocess.run(["bash", "-n"], input=script, capture_output=True, text=True).stderr == ""
    if name in ("another database", "every setting"):
        assert complaints(script, tmp_path) == ""


@pytest.mark.parametrize("sequence", SEQUENCES.values(), ids=SEQUENCES)
def test_the_script_of_every_sequence_passes_shellcheck(sequence: Sequence, tmp_path: Path) -> None:
    assert complaints(scripts.script(sequence), tmp_path) == ""


def complaints(script: str, folder: Path) -> str:
    path = folder / "script.sh"
    path.write_text(script)
    return shellcheck(path, NOT_FAULTS).replace(f"{path}:", "line ")


def shellcheck(path: Path, without: Iterable[str]) -> str:
    options = ["--shell=bash", "--enable=all", f"--exclude={','.join(without)}", "--format=gcc"]
    return subprocess.run(["shellcheck", *options, path], capture_output=True, text=True).stdout


@pytest.mark.parametrize("name", GOLDEN)
def test_what_a_host_gets_is_the_golden_text(name: str) -> None:
    """Accept a change: UPDATE_GOLDEN=1 python -m pytest tests/unit/scripts/test_templates.py -k golden"""
    path, text = GOLDEN_FOLDER / name, scripts.text(GOLDEN[name])
    if os.environ.get("UPDATE_GOLDEN"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    assert text == path.read_text(), f"tests/golden/{name} differs; see the docstring of this test"


def test_there_is_no_other_golden_text() -> None:
    there = (path for path in GOLDEN_FOLDER.rglob("*") if path.is_file())
    assert {str(path.relative_to(GOLDEN_FOLDER)) for path in there} == GOLDEN.keys()


def test_every_stage_template_belongs_to_a_stage() -> None:
    files = {str(path.relative_to(TEMPLATES)) for path in TEMPLATES.rglob("*.sh.j2")}
    files -= {"frame/stage.sh.j2", "release/variables.sh.j2", "database/connections.sh.j2"}
    assert files == {stage.template for stage in STAGES}


def test_what_is_sent_through_a_login_shell_in_single_quotes_holds_none() -> None:
    assert not set((TEMPLATES / "frame/wrap.sh").read_text()) & {"'", "\\"}


@pytest.mark.parametrize("path", sorted(TEMPLATES.glob("on-host/*[!y]")), ids=lambda path: path.name)
def test_the_programs_that_stay_on_a_host_pass_shellcheck(path: Path) -> None:
    # The release's file of variables sets ROADIE_WORK_DIR (SC2154).
    assert shellcheck(path, {*NOT_FAULTS, "SC2154"}) == ""


def test_the_program_that_receives_scripts_passes_shellcheck() -> None:
    assert shellcheck(TEMPLATES / "frame/wrap.sh", NOT_FAULTS | NOT_FAULTS_OF_THE_FRAME) == ""
