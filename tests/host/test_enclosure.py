"""A site's processes have their socket from root and stay in a control group: none can hide."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from cuts import Door
from desk import Desk, browse, eventually, is_serving
from faults import append, serving
from projects import commit, git, retitle
from roadie.scripts.render import TEMPLATES
from test_programs import ship
from told import last_run
from visitors import Visitors
from within import assert_serves_once, assert_tidy, inside, masters

SOCKET = "/run/guestbook/$(basename $(readlink /srv/guestbook/live)).sock"
# Takes the place of the socket, if it can, and gives visitors pages of its own.
INTRUDER = """
import http.server, os, socketserver, sys
class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"intruder")
    def address_string(self):
        return "nginx"
path = sys.argv[1]
if os.path.exists(path):
    os.unlink(path)
server = socketserver.UnixStreamServer(path, Page)
os.chmod(path, 0o777)
server.serve_forever()
"""
# Leaves a process that has nothing in common with the one that started it.
HIDDEN = """
import os
def hide():
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            for descriptor in range(256):
                try:
                    os.close(descriptor)
                except OSError:
                    pass
            os.execve("/bin/sleep", ["hidden", "7777"], {})
        os._exit(0)
    os.wait()
hide()
"""
# As a program does that writes its title over its environment: nothing there tells who started it.
TICK = """
import os, signal, sys, time
from pathlib import Path
from django.core.management.base import BaseCommand

class Command(BaseCommand):
    def handle(self, **options):
        if "ROADIE_PROGRAM" in os.environ:
            del os.environ["ROADIE_PROGRAM"]
            os.execv(sys.executable, [sys.executable, "manage.py", "tick"])
        while True:
            with Path.home().joinpath("ticks").open("a") as file:
                file.write(f"{os.getpid()}\\n")
            time.sleep(0.2)
"""
SUPERVISOR = "cat /run/supervisord.pid"


def as_site(desk: Desk, command: str) -> bool:
    """Whether the site's user can do this."""
    done = desk.host.ssh(f"runuser -u guestbook -- sh -c {shlex.quote(command)}", check=False)
    return done.returncode == 0


def hidden(desk: Desk) -> str:
    """The processes that hid."""
    return desk.host.ssh("pgrep -f '^hidden 7777'", check=False).stdout


def kill_supervisor(desk: Desk) -> None:
    """Kill it, and wait for the one that systemd starts."""
    before = inside(desk.host, SUPERVISOR)
    inside(desk.host, 'kill -KILL "$1"', before.strip())
    assert eventually(lambda: inside(desk.host, SUPERVISOR) != before)
    assert eventually(lambda: inside(desk.host, "test ! -S /run/supervisor.sock || echo there"))


@pytest.fixture
def hostile(deployed: Desk) -> Iterator[Desk]:
    """A desk before a host with little room in memory; its site's own user attacks."""
    deployed.host.ssh("mount -o remount,size=64M /run && mount -o remount,nr_inodes=500 /dev/shm")
    yield deployed
    assert is_serving(deployed.host)


def test_the_sites_user_cannot_take_its_socket_away(hostile: Desk) -> None:
    assert not as_site(hostile, "rm /run/guestbook/*.sock*")
    assert is_serving(hostile.host)


def test_a_socket_that_is_gone_is_not_called_serving_and_the_next_deploy_brings_it_back(
    deployed: Desk,
) -> None:
    assert "serves visitors" not in deployed.does("releases").out
    deployed.host.ssh("rm /run/guestbook/*.sock")
    assert "no process serves visitors" in deployed.does("releases").out
    deployed.does("deploy")
    assert is_serving(deployed.host)
    assert "serves visitors" not in deployed.does("releases").out


def test_an_intruder_is_never_asked(hostile: Desk) -> None:
    hostile.host.put(INTRUDER, "/tmp/intruder.py")
    path = hostile.host.ssh(f"echo {SOCKET}").stdout.strip()
    hostile.host.ssh(
        f"runuser -u guestbook -- setsid python3 /tmp/intruder.py {path} </dev/null &>/tmp/intruder.log & "
        "for try in $(seq 50); do sleep 0.1; [ -s /tmp/intruder.log ] && break; done"
    )
    assert "intruder" not in browse(hostile.host).body
    hostile.does("deploy")
    assert "<h1>Guestbook</h1>" in browse(hostile.host).body


def test_a_site_fills_no_disk_that_runs_and_other_sites_need(hostile: Desk) -> None:
    assert not as_site(hostile, "dd if=/dev/zero of=/run/guestbook/fill bs=1M")
    assert not as_site(hostile, "i=0; while [ $i -lt 600 ]; do i=$((i + 1)); : >/dev/shm/$i || exit 1; done")
    hostile.does("restart")
    assert is_serving(hostile.host)
    assert_serves_once(hostile.host)


def test_a_release_that_becomes_a_daemon_is_refused_and_gone(deployed: Desk) -> None:
    before = serving(deployed.host)
    (deployed.project / "gunicorn.conf.py").write_text("daemon = True\n")
    commit(deployed.project)
    with Visitors(deployed.host) as visitors:
        done = deployed.fab("deploy")
        assert done.code == 6, done.text
    visitors.assert_content()
    assert serving(deployed.host) == before
    own = deployed.host.ssh("pgrep -u guestbook -f roadie_gunicorn").stdout.split()
    assert len(own) == 3, own  # a master and two workers
    assert_serves_once(deployed.host)


def test_what_a_release_hid_ends_with_the_release(deployed: Desk) -> None:
    append(deployed.project / "guestbook/urls.py", HIDDEN)
    commit(deployed.project)
    deployed.does("deploy")
    assert hidden(deployed)
    git(deployed.project, "revert", "--no-edit", "HEAD")
    deployed.does("deploy")
    assert not hidden(deployed)


def test_what_a_refused_release_hid_ends_with_it(deployed: Desk) -> None:
    # Where the check looks, nothing happens yet.
    append(deployed.project / "guestbook/urls.py", "import sys\nif 'gunicorn' in sys.modules:")
    append(
        deployed.project / "guestbook/urls.py",
        *(f"    {line}" for line in HIDDEN.splitlines()),
        "    raise OSError",
    )
    commit(deployed.project)
    done = deployed.fab("deploy")
    assert done.code == 6, done.text
    assert not hidden(deployed)
    assert_serves_once(deployed.host)


def test_a_process_that_no_program_owns_is_named_and_ended_at_a_deploy(deployed: Desk) -> None:
    deployed.host.ssh(
        "runuser -u guestbook -- setsid -f bash -c 'exec -a hidden sleep 7777' </dev/null >/dev/null 2>&1"
    )
    deployed.host.ssh("systemd-run -q --uid=guestbook --unit=own sleep 8888")
    assert eventually(lambda: hidden(deployed))
    retitle(deployed.project, "Guests")
    deployed.does("deploy")
    assert not hidden(deployed)
    assert "hidden 7777" in last_run(deployed.host).detail("changed", "end of processes")
    assert deployed.host.ssh("systemctl is-active own").stdout == "active\n"


def test_a_program_that_hides_its_name_does_not_run_twice_after_a_kill_of_supervisor(deployed: Desk) -> None:
    ship(deployed, "one", command=TICK)
    deployed.does("deploy")
    ticks = "cat /srv/guestbook/shared/home/ticks 2>/dev/null | sort -u"
    assert eventually(lambda: inside(deployed.host, ticks))
    (before,) = inside(deployed.host, ticks).split()
    kill_supervisor(deployed)
    assert eventually(lambda: len(inside(deployed.host, ticks).split()) == 2, 60)
    assert inside(deployed.host, f"test ! -d /proc/{before} || echo lives") == ""


@pytest.mark.parametrize("at", ["switch: live", "retire: slot"])
def test_supervisor_may_be_killed_at_the_end_of_a_deploy(deployed: Desk, at: str) -> None:
    door = Door(deployed)
    retitle(deployed.project, "Guests")
    with Visitors(deployed.host) as visitors:
        with door.guarded(), deployed.started("deploy") as process:
            while (step := door.next(process)) and not step.name.startswith(at):
                door.let_in()
            assert step
            before = inside(deployed.host, SUPERVISOR).strip()
            inside(deployed.host, 'kill -KILL "$1"', before)
            if at.startswith("switch"):  # the one that comes knows only the slot before
                assert eventually(lambda: inside(deployed.host, SUPERVISOR).strip() != before)
                assert eventually(lambda: len(serving(deployed.host).programs) == 1)
            door.open()
            out, err = process.communicate(timeout=120)
        assert process.returncode == 0, out + err
        assert "<h1>Guests</h1>" in browse(deployed.host).body
        # What the killed Supervisor left has time to finish.
        assert eventually(lambda: len(serving(deployed.host).masters) == 1, 30)
        assert eventually(lambda: not stray_masters(deployed), 30), stray_masters(deployed)
    visitors.assert_content()
    assert_serves_once(deployed.host)
    assert_tidy(deployed.host)
    assert "0 changed" in deployed.does("deploy").out


# Holds back the Supervisor that comes next until the deploy has made the program file of the slot.
HELD_BACK = """
file=/etc/supervisor/conf.d/guestbook-{idle}.conf
cp /usr/local/lib/roadie/reconcile /root/reconcile
sed -i "1a for ((i = 0; i < 400; i++)); do [[ ! -L $file ]] || break; sleep 0.05; done" \\
  /usr/local/lib/roadie/reconcile
"""


def test_a_deploy_right_after_a_kill_of_supervisor_starts_its_release(deployed: Desk) -> None:
    idle = "green" if deployed.host.ssh("readlink /srv/guestbook/live").stdout == "slots/blue\n" else "blue"
    retitle(deployed.project, "Guests")
    with Visitors(deployed.host) as visitors:
        inside(deployed.host, HELD_BACK.format(idle=idle))
        inside(deployed.host, "kill -KILL $(cat /run/supervisord.pid)")
        deployed.does("deploy")
        inside(deployed.host, "cp /root/reconcile /usr/local/lib/roadie/reconcile")
        assert "<h1>Guests</h1>" in browse(deployed.host).body
        assert eventually(lambda: not stray_masters(deployed), 30)
    visitors.assert_content()
    assert_serves_once(deployed.host)


def stray_masters(desk: Desk) -> list[str]:
    """Masters whose parent is not Supervisor."""
    return [one for one in masters(desk.host) if not one.startswith("supervisord ")]


def test_a_template_that_binds_where_only_root_may_is_refused_with_the_way_out(deployed: Desk) -> None:
    template = (TEMPLATES / "web/program.supervisor.j2").read_text()
    own = deployed.project / "roadie-templates/web/program.supervisor.j2"
    own.parent.mkdir(parents=True)
    command = (
        "command=/usr/local/lib/roadie/launch @RELEASE_DIR@ @VENV_DIR@/bin/python -m daphne "
        "-u /run/{{ settings.app }}/@COLOUR@.sock guestbook.asgi:application"
    )
    lines = [command if line.startswith("command=") else line for line in template.splitlines()]
    own.write_text("\n".join([*lines, "user={{ settings.app }}", ""]))
    commit(deployed.project)
    done = deployed.fab("deploy")
    assert (done.code, "descriptor 3" in done.last_line) == (6, True), done.text


def test_a_host_that_an_earlier_roadie_set_up_goes_on_through_everything(deployed: Desk) -> None:
    as_before(deployed)
    with Visitors(deployed.host) as visitors:
        deployed.does("bootstrap")
        assert "0 changed" in deployed.does("bootstrap").out
        first = serving(deployed.host).release
        retitle(deployed.project, "Guests")
        deployed.does("deploy")
        deployed.does("rollback")
        assert serving(deployed.host).release == first
        assert eventually(lambda: not stray_masters(deployed), 30)
    visitors.assert_content()
    assert not as_site(deployed, "touch /run/guestbook/mine")
    assert_serves_once(deployed.host)


def test_a_host_that_an_earlier_roadie_set_up_boots_after_bootstrap(deployed: Desk) -> None:
    as_before(deployed)
    deployed.does("bootstrap")
    deployed.host.reboot()
    assert eventually(lambda: is_serving(deployed.host), 60)
    assert not as_site(deployed, "touch /run/guestbook/mine")


def as_before(desk: Desk) -> None:
    """Have the site run as an earlier roadie ran it: Gunicorn itself binds in a folder of the site's."""
    desk.host.put(Path(__file__).with_name("earlier.sh").read_text(), "/root/earlier.sh")
    desk.host.ssh("bash /root/earlier.sh")
    assert eventually(lambda: is_serving(desk.host), 30)
