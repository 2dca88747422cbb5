"""Runs shell that uses roadie's libraries in a test's folder, as on a host."""

import os
import subprocess
from contextlib import contextmanager

from roadie.events import parse
from roadie.scripts.render import TEMPLATES

NONCE = "0" * 32
FRAME = """
set -Eeuo pipefail
umask 022
nonce={nonce} dry_run={check} app=guestbook build_user=guestbook-build who=ann command='fab test' run_id=1
log={log} database_socket={folder}/database dump_ending=sql.gz dump_seconds=60
bounded_py=$(<{templates}/words/bounded.py)
. {folder}/lib.sh
stages() {{
{body}
}}
trap 'on_error "$?" "${{BASH_COMMAND}}"' ERR
trap on_term TERM
stage=test
stages
exit 0
"""
LIBRARIES = (
    "frame/places.sh",
    "frame/lib.sh",
    "frame/stopping.sh",
    "words/users.sh",
    "frame/locks.sh",
    "words/ensure.sh",
    "removal/words.sh",
    "site/words.sh",
    "secrets/words.sh",
)
PLACES = {
    "/var/lib/roadie": "state",
    "/var/backups/roadie": "backups",
    "/run/roadie": "run",
    "/srv/${app}": "srv",
}
OWNER = subprocess.check_output(["bash", "-c", 'stat -c %U:%G /proc/"$$"'], text=True).strip()


class Shell:
    """A folder in which shell runs with the basic libraries, and with `more` libraries or templates.

    The libraries' paths, such as /run/roadie, lead into the folder.
    """

    def __init__(self, folder, *more):
        self.folder = folder
        for name in ("srv", "state", "run", "bin"):
            (folder / name).mkdir()
        text = "".join((TEMPLATES / name).read_text() for name in (*LIBRARIES, *more))
        for place, ours in PLACES.items():
            text = text.replace(place, f"{folder}/{ours}")
        self.path("lib.sh").write_text(text)
        self.code = 0

    def path(self, name):
        return self.folder / name

    def stub(self, name, text):
        """Write a program that runs instead of the real program of this name."""
        path = self.folder / "bin" / name
        path.write_text(f"#!/bin/bash\n{text}\n")
        path.chmod(0o755)

    def log(self, name="run"):
        return self.path(f"{name}.log")

    @contextmanager
    def begun(self, body, check=False, name="run"):
        """Start a run of this stage, and kill it when the block ends. Parallel runs need different names."""
        script, log = self.path(f"{name}.sh"), self.log(name)
        log.write_text("")
        script.write_text(
            FRAME.format(
                nonce=NONCE,
                check="1" if check else "",
                folder=self.folder,
                log=log,
                body=body,
                templates=TEMPLATES,
            )
        )
        environment = {**os.environ, "PATH": f"{self.folder}/bin:{os.environ['PATH']}", "P": str(self.folder)}
        with (
            log.open("a") as said,
            subprocess.Popen(["bash", script], env=environment, stdout=said, stderr=said) as process,
        ):
            try:
                yield process
            finally:
                process.kill()

    def run(self, body, check=False):
        """Run this stage to its end. Return the (verb, object) pairs of its events, without "doing"."""
        with self.begun(body, check) as process:
            self.code = process.wait(30)
        return [(event.verb, event.what) for event in self.events() if event.verb != "doing"]

    def events(self, name="run"):
        lines = self.log(name).read_text().split("\n")
        return [event for line in lines if (event := parse(line, NONCE))]

    @property
    def detail(self):
        """The detail of the last event."""
        return self.events()[-1].detail
