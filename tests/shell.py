"""A folder in which the words of the libraries are at work, as they are on a host."""

import os
import subprocess

from roadie.events import parse
from roadie.scripts.render import TEMPLATES

NONCE = "0" * 32
FRAME = """
set -Eeuo pipefail
umask 022
nonce={nonce} dry_run={check} app=guestbook build_user=guestbook-build who=ann command='fab test' run_id=1
root={folder}/srv log={folder}/log database_socket={folder}/database
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
    "frame/lib.sh",
    "words/users.sh",
    "frame/locks.sh",
    "words/ensure.sh",
    "site/words.sh",
    "secrets/words.sh",
)
PLACES = {"/var/lib/roadie": "state", "/var/backups/roadie": "backups", "/run/roadie": "run"}
OWNER = subprocess.check_output(["bash", "-c", 'stat -c %U:%G /proc/"$$"'], text=True).strip()


class Shell:
    """A folder to work in, and the basic libraries at work there, with more of them or of a test's own."""

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
        """Put a program of this name before the real one."""
        path = self.folder / "bin" / name
        path.write_text(f"#!/bin/bash\n{text}\n")
        path.chmod(0o755)

    def start(self, body, check=False):
        self.path("log").write_text("")
        script = FRAME.format(nonce=NONCE, check="1" if check else "", folder=self.folder, body=body)
        self.path("script").write_text(script)
        environment = {**os.environ, "PATH": f"{self.folder}/bin:{os.environ['PATH']}", "P": str(self.folder)}
        with self.path("log").open("a") as log:
            return subprocess.Popen(["bash", self.path("script")], env=environment, stdout=log, stderr=log)

    def run(self, body, check=False):
        """What the events of this stage say, a (verb, object) each; "doing" left out."""
        self.code = self.start(body, check).wait(30)
        return [(event.verb, event.what) for event in self.events() if event.verb != "doing"]

    def events(self):
        lines = self.path("log").read_text().split("\n")
        return [event for line in lines if (event := parse(line, NONCE))]

    @property
    def detail(self):
        """The detail of the last event."""
        return self.events()[-1].detail
