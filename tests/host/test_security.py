"""Attacks by a site's own code, once an attacker controls it: to become root, and to read another site."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
import standing
from desk import Desk, browse, eventually, is_up
from projects import commit, example, settings, startproject
from roadie.throwaway import hosts as throwaway

OTHER = "other.example.org"
OTHERS_SITE = "/etc/nginx/sites-available/other.conf"
ANSWERS = "curl -s -o /dev/null --unix-socket"

# An sdist's setup.py runs when the sdist is installed. This one tries many paths and leaves a process.
EVIL_SETUP = """
import os, pwd, subprocess
from setuptools import setup

def tries(path, mode):
    try:
        open(path, mode).close()
        return f"{path} opened"
    except OSError as error:
        return f"{path} {type(error).__name__}"

with open("/tmp/evil-says", "w") as says:
    print("I am", pwd.getpwuid(os.getuid()).pw_name, file=says)
    for path in ("/srv/guestbook/shared/secrets", "/srv/other/shared/secrets", "/etc/shadow"):
        print(tries(path, "r"), file=says)
    for path in ("/etc/cron.d/evil", "/srv/guestbook/venvs/evil", "/srv/guestbook/live/evil"):
        print(tries(path, "w"), file=says)
    for fd in os.listdir("/proc/self/fd"):
        try:
            print("holds", os.readlink(f"/proc/self/fd/{fd}"), file=says)
        except OSError:
            pass
subprocess.Popen(["setsid", "sleep", "7777"], close_fds=True,
                 stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
setup(name="evil", version="1", py_modules=[])
"""

# A hostile `collectstatic`: it runs the real one, then puts links and a pipe among the collected files.
EVIL_COLLECT = """
import os
from django.conf import settings
from django.contrib.staticfiles.management.commands.collectstatic import Command as Real

class Command(Real):
    def handle(self, **options):
        said = super().handle(**options)
        root = str(settings.STATIC_ROOT)
        os.symlink("/srv/other/shared/secrets", os.path.join(root, "secrets.css"))
        os.symlink("/srv/other/shared", os.path.join(root, "shared"))
        os.mkfifo(os.path.join(root, "pipe.css"))
        print("HOLDS", [os.readlink(f"/proc/self/fd/{n}") for n in os.listdir("/proc/self/fd")
                        if os.path.exists(f"/proc/self/fd/{n}")])
        return said
"""

# A terminal obeys these: clear a line, set a title, go back and overwrite, turn the order of letters.
HOSTILE = """
STEERS = "\\x1b[2K\\x1b]0;title\\x07 \\x9b1A fine\\rweb1: all is well \\u202edetrever\\u2066 \\b\\b\\b"
print(STEERS)
raise ImportError(STEERS)
"""


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A desk before a host with a hostile guestbook, and with another site that has secrets."""
    folder = tmp_path_factory.mktemp("desk")
    with throwaway.boot("hostile", "trixie", standing.deployed("trixie")) as host:
        other = Desk(startproject(folder / "other"), host)
        token = {"TOKEN": {"command": "echo others-token"}}
        settings(other.project, app="other", domain=OTHER, secrets=token)
        commit(other.project)
        other.does("bootstrap")
        other.does("deploy")
        host.ssh(f"echo '# by hand' >>{OTHERS_SITE} && systemctl reload nginx")
        assert "kept" in other.does("nginx").out
        assert eventually(lambda: is_up(host))
        yield Desk(example("guestbook", folder / "guestbook"), host)


def attack(desk: Desk, command: str, user: str = "guestbook") -> bool:
    """Return whether the user, by default the guestbook's own, succeeds with this command."""
    done = desk.host.ssh(f"runuser -u {user} -- sh -c {shlex.quote(command)}", check=False)
    return done.returncode == 0


@pytest.mark.parametrize(
    "command",
    [
        "ln -sfn /tmp /srv/guestbook/live",
        "ln -sfn /tmp /srv/guestbook/slots/blue",
        "echo x >/srv/guestbook/live/program.conf",
        "mv /srv/guestbook/shared/media /srv/guestbook/shared/media2",
        "mv /srv/guestbook/releases /srv/guestbook/r2",
        "echo x >/etc/supervisor/conf.d/evil.conf",
        "rm /var/log/guestbook/web-blue.log",
        "ln -s /etc/passwd /var/log/guestbook/evil.log",
        "ln -sfn /run/supervisor.sock /run/guestbook/blue.sock",
        "mv /run/guestbook/blue.sock /run/guestbook/green.sock",
        "touch /run/guestbook/evil",
        "echo x >/var/backups/roadie/evil",
        # A hard link to a file of root. Root might change the file's owner, or nginx might serve the file.
        "ln /etc/shadow /srv/guestbook/shared/media/shadow.txt",
        "ln /srv/guestbook/shared/secrets /srv/guestbook/shared/media/secrets.txt",
    ],
)
def test_the_sites_user_changes_nothing_that_root_uses(desk: Desk, command: str) -> None:
    assert attack(desk, "true")
    assert not attack(desk, command)


@pytest.mark.parametrize(
    "command",
    [
        "ls /var/log/roadie",
        "ls /run/roadie",
        "flock -n /run/roadie/guestbook.lock true",
        "ls /var/lib/roadie/sites",
        "cat /srv/guestbook/repo.git/HEAD",
        "sudo -n true",
        f"{ANSWERS} /run/supervisor.sock http://localhost/",
        "ls /var/backups/roadie",
        f"cat /var/backups/roadie{OTHERS_SITE}.*",
    ],
)
def test_the_sites_user_reaches_nothing_that_root_uses(desk: Desk, command: str) -> None:
    assert attack(desk, command, "root")
    assert not attack(desk, command)


@pytest.mark.parametrize(
    ("command", "may"),
    [
        ("cat /srv/other/shared/secrets", "other"),
        ("grep -q others-token /srv/other/shared/secrets.given", "other"),
        ("cat /srv/other/live/release/env", "other"),
        ("ls /srv/other/live/release/code", "other"),
        ("ls /srv/other/shared/media", "other"),
        ("ls /srv/other/live/venv/lib", "other"),
        ("cat /var/log/other/*", "other"),
        ("cat /var/log/nginx/other.access.log", "www-data"),
        ("cat /var/log/nginx/other.error.log", "www-data"),
        ("cat /proc/$(pgrep -o -u other)/environ", "other"),
        (f"{ANSWERS} /run/other/blue.sock http://other.example.org/", "www-data"),
    ],
)
def test_the_sites_user_reads_nothing_of_another_site(desk: Desk, command: str, may: str) -> None:
    assert attack(desk, command, may)
    assert not attack(desk, command)


def test_uploads_have_neither_nginx_nor_root_read_anything_else(desk: Desk) -> None:
    others = "/srv/other/shared/secrets /etc/shadow /etc/passwd"
    asked = f"stat -c '%n %a %U:%G %i' {others}"
    before = desk.host.ssh(asked).stdout
    for command in (
        "echo mine >mine.txt",
        "ln -s /etc/passwd passwd.txt",
        "ln -s /etc folder",
        "ln -s /srv/other/shared/secrets secrets.txt",
        "ln -s mine.txt again.txt",
        "mkfifo pipe.txt",
    ):
        assert attack(desk, f"cd /srv/guestbook/shared/media && {command}"), command
    assert browse(desk.host, "/media/mine.txt").body == "mine\n"
    for path in ("passwd.txt", "folder/passwd", "secrets.txt", "again.txt", "pipe.txt"):
        assert browse(desk.host, f"/media/{path}", timeout=5).status in (403, 404), path
    for path in ("..%2fsecrets", "../secrets", "%2e%2e/secrets", "folder/../../secrets"):
        assert browse(desk.host, f"/media/{path}").status in (400, 403, 404), path
    desk.does("bootstrap")
    assert desk.host.ssh(asked).stdout == before


def test_the_sites_database_user_sees_its_own_database_only(desk: Desk) -> None:
    told = desk.does(
        "manage",
        "shell -c \"from django.db import connection as c; k = c.cursor(); k.execute('SHOW DATABASES'); "
        "print('SEES', sorted(r[0] for r in k.fetchall()))\"",
    )
    assert re.search(r"SEES \['guestbook', 'information_schema'\]", told.out)


def test_a_socket_that_leads_elsewhere_makes_root_ask_nobody_else(desk: Desk) -> None:
    idle = "green" if "blue" in desk.host.ssh("readlink /srv/guestbook/live").stdout else "blue"
    # In the folder of an earlier roadie the site's user could make this link.
    desk.host.ssh(f"ln -sfn /run/supervisor.sock /run/guestbook/{idle}.sock")
    (desk.project / "entries/static/entries/new.css").write_text("p {}")
    commit(desk.project)
    desk.does("deploy")
    assert "<h1>Guestbook</h1>" in browse(desk.host).body


def test_a_hostile_sdist_runs_as_the_build_user_and_is_gone_afterwards(desk: Desk) -> None:
    evil = desk.project / "evil"
    evil.mkdir()
    (evil / "setup.py").write_text(EVIL_SETUP)
    requirements = desk.project / "requirements.txt"
    requirements.write_text(requirements.read_text() + "setuptools\n./evil\n")
    commit(desk.project)
    desk.does("deploy")
    says = desk.host.ssh("cat /tmp/evil-says").stdout
    assert "I am guestbook-build" in says
    assert " opened" not in says
    assert "/run/roadie" not in says and "/var/log/roadie" not in says
    assert desk.host.ssh("pgrep -u guestbook-build", check=False).stdout == ""
    assert desk.host.ssh("find /srv/guestbook/venvs -user guestbook-build").stdout == ""
    assert desk.host.ssh("find /srv/guestbook/venvs -perm /6000 -type f").stdout == ""


def test_what_collectstatic_leaves_is_taken_over_as_plain_files_only(desk: Desk) -> None:
    commands = desk.project / "entries/management/commands"
    commands.mkdir(parents=True)
    for folder in (commands, commands.parent):
        Path(folder, "__init__.py").write_text("")
    (commands / "collectstatic.py").write_text(EVIL_COLLECT)
    # Django takes the command of the first app that has one. roadie collects only if static files changed.
    module = desk.project / "guestbook/settings.py"
    module.write_text(module.read_text() + "INSTALLED_APPS.insert(0, INSTALLED_APPS.pop())\n")
    (desk.project / "entries/static/entries/newer.css").write_text("p {}")
    commit(desk.project)
    desk.does("deploy")
    kinds = desk.host.ssh("find /srv/guestbook/releases/*/static/ ! -type f ! -type d").stdout
    assert kinds == ""
    for path in ("/static/secrets.css", "/static/shared/secrets"):
        assert browse(desk.host, path).status == 404
    logs = desk.host.ssh("cat /var/log/roadie/*.log").stdout
    held = [line for line in logs.splitlines() if "HOLDS" in line]
    assert held
    assert not any("/run/roadie" in line or "/var/log/roadie" in line for line in held)
    assert is_up(desk.host)


def test_nothing_that_the_project_prints_steers_the_terminal_of_who_deploys(desk: Desk) -> None:
    module = desk.project / "guestbook/settings.py"
    module.write_text(module.read_text() + HOSTILE)
    commit(desk.project)
    done = desk.fab("deploy")
    assert done.code == 6 and "detrever" in done.text
    assert [letter for letter in done.text if not letter.isprintable() and letter != "\n"] == []
    assert is_up(desk.host)
