"""Commands that run one time for a site, and commands that run from time to time."""

from __future__ import annotations

from desk import Desk, browse, eventually
from faults import append, error_of, serving
from invoke.util import yaml
from projects import commit, settings

COMMANDS = "entries/management/commands"
TIMES = "/srv/guestbook/shared/home/times"
# The page that a release is asked for needs a row.
START = """

def start(request):
    from django.http import HttpResponse
    from entries.models import Entry
    return HttpResponse(Entry.objects.earliest("pk").name)

urlpatterns += [path("start", start)]
"""
SIGN = "from entries.models import Entry; Entry.objects.create(name='Ada', message='Hello')"
COUNT = "from entries.models import Entry; print('entries', Entry.objects.count())"
LOGIN = "from django.contrib.auth import authenticate; print(authenticate(username='root', password='{}'))"
COMMAND = """
import os, time
from pathlib import Path
from django.core.management.base import BaseCommand

class Command(BaseCommand):
    def handle(self, **options):
        from entries.models import Entry
        Entry.objects.create(name="Bob", message="Once")
        with Path.home().joinpath("times").open("a") as file:
            print("VERSION begins", os.getpid(), file=file, flush=True)
            time.sleep(SECONDS)
            print("VERSION ends", os.getpid(), file=file)
"""


def ship(desk: Desk, name: str, version: str = "one", seconds: float = 0, **values: object) -> None:
    """Commit a version of a command, and these settings besides those that are there."""
    folder = desk.project / COMMANDS
    folder.mkdir(parents=True, exist_ok=True)
    for each in (folder.parent, folder):
        (each / "__init__.py").touch()
    text = COMMAND.replace("VERSION", version).replace("SECONDS", str(seconds))
    (folder / f"{name}.py").write_text(text)
    known = yaml.safe_load((desk.project / "fabric.yaml").read_text())["roadie"]
    settings(desk.project, **{**known, **values})
    commit(desk.project, f"{name} {version}")


def shell(desk: Desk, code: str) -> str:
    return desk.does("manage", "shell", "-v", "0", "-c", code).out


def times(desk: Desk) -> list[list[str]]:
    """What the command wrote, line by line."""
    return [line.split() for line in desk.host.ssh(f"cat {TIMES} 2>/dev/null || true").stdout.splitlines()]


def test_what_a_site_needs_before_its_first_page_runs_one_time(bootstrapped: Desk) -> None:
    desk, host = bootstrapped, bootstrapped.host
    # Where manage.py cannot run yet, the variables that come with the command stay in no file.
    given = {"DJANGO_SUPERUSER_USERNAME": "root", "DJANGO_SUPERUSER_EMAIL": "root@example.org"}
    error_of(desk.fab("manage", "createsuperuser", "--noinput", env=given), 2, "no release serves")
    assert host.ssh("ls /run/roadie/guestbook.variables", check=False).stdout == ""

    append(desk.project / "guestbook/urls.py", START)
    ship(desk, "one", health="/start")
    error_of(desk.fab("deploy"), 6, "/start answered 500")
    # The release is laid out and migrated, so manage.py works there, and a person can help.
    assert "entries 0" in shell(desk, COUNT)
    ship(desk, "one", "two", once={"sign": "manage.py one"})
    desk.does("deploy")
    assert browse(host, "/start").body == "Bob"
    ship(desk, "one", "three")
    desk.does("deploy")
    assert "entries 1" in shell(desk, COUNT)
    assert "sign: done, " in desk.does("once").out

    # The password of a first superuser comes with the command, and stays in no file and on no command line.
    desk.does(
        "manage", "createsuperuser", "--noinput", env={**given, "DJANGO_SUPERUSER_PASSWORD": "it's $(id) 'x"}
    )
    assert "root" in shell(desk, LOGIN.format("it\\'s $(id) \\'x"))
    assert (
        host.ssh("grep -rlF '$(id) ' /run/roadie /var/log/roadie /srv/guestbook/shared", check=False).stdout
        == ""
    )

    ship(desk, "slow", "slow", 60, once={"sign": "manage.py one", "slow": "manage.py slow"})
    before = serving(host)
    with desk.started("deploy") as process:
        assert eventually(lambda: ["slow", "begins"] in [line[:2] for line in times(desk)], 120)
        host.ssh("pkill -KILL -f 'manage.py slow'")
        out, err = process.communicate(timeout=60)
    assert process.returncode == 6, out + err
    assert "once slow: its command was killed" in err
    error_of(desk.fab("deploy"), 6, "once slow", " was cut; ", "fab once --done slow")
    assert serving(host).release == before.release
    assert "slow: the run that began it at " in desk.does("once").out
    desk.does("once", "--done", "slow")
    desk.does("deploy")
    assert [line[:2] for line in times(desk)].count(["slow", "begins"]) == 1


def test_a_periodic_command_follows_the_release_and_never_runs_twice_at_a_time(deployed: Desk) -> None:
    desk, host = deployed, deployed.host
    ship(desk, "tock", "one", 2.5, cron={"tock": "* * * * * manage.py tock", "wrong": "@weekly false"})
    desk.does("deploy")
    host.ssh("systemctl start roadie-guestbook@wrong.service", check=False)
    assert "! cron wrong failed " in desk.does("status").out
    timer = "roadie-guestbook@tock.timer"
    assert host.ssh(f"systemctl is-active {timer}").stdout == "active\n"
    # Every second instead of every minute, by a file beside the timer.
    host.ssh(f"mkdir /etc/systemd/system/{timer}.d")
    host.put("[Timer]\nOnCalendar=*:*:0/1\n", f"/etc/systemd/system/{timer}.d/often.conf")
    host.ssh(f"systemctl daemon-reload; systemctl restart {timer}")
    assert eventually(lambda: len(times(desk)) > 5, 60)
    lines = times(desk)
    # Each one ends before the next one begins.
    assert all(begun[2] == ended[2] for begun, ended in zip(lines[::2], lines[1::2], strict=False)), lines
    assert "tock ended with exit code 0" in desk.does("logs", "--of", "programs").out

    def runs(version: str) -> bool:
        host.ssh(f"mv {TIMES} {TIMES}.before")
        return eventually(lambda: bool(times(desk)) and times(desk)[-1][0] == version, 60)

    ship(desk, "tock", "two", 0.2)
    desk.does("deploy")
    assert runs("two")
    desk.does("rollback")
    assert runs("one")
    assert "0 changed" in desk.does("bootstrap").out
    host.reboot()
    assert runs("one")
    desk.does("remove", "--yes")
    left = "systemctl list-units --all --plain --no-legend 'roadie-guestbook@*'; pgrep -u guestbook -a"
    assert eventually(lambda: host.ssh(left, check=False).stdout == "", 10), host.ssh(left).stdout
    desk.does("bootstrap")
    desk.does("deploy")
    assert host.ssh(f"systemctl is-active {timer}").stdout == "active\n"
    ship(desk, "tock", "three", cron={})
    desk.does("deploy")
    assert host.ssh(f"systemctl is-active {timer}", check=False).stdout == "inactive\n"
    desk.does("remove", "--purge", "--confirm", "guestbook")
    left = "ls -d /var/lib/systemd/timers/*guestbook* /etc/systemd/system/*guestbook@*"
    assert host.ssh(left, check=False).stdout == f"/etc/systemd/system/{timer}.d\n"
