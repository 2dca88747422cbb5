"""systemd's sandboxes of Supervisor and nginx: what a hostile process there cannot use, and what works."""

from __future__ import annotations

import pytest
import thirds
from desk import Desk, browse, eventually, is_serving
from roadie.throwaway.hosts import ThrowawayHost
from test_programs import ship
from visitors import Visitors
from within import inside, sandboxed

BOTH = pytest.mark.parametrize("suite", thirds.SUITES)
ATTACKED = "/var/attacked"  # one line for each attack that succeeded
# Becomes root if setuid programs may. Chromium's sandbox, sendmail and sudo are such programs.
READY = (
    "cp /usr/bin/id /usr/local/bin/setuid-id && chmod 4755 /usr/local/bin/setuid-id && "
    f"touch {ATTACKED} && chmod 666 {ATTACKED}"
)
ATTACKS = r"""
import ctypes, os, socket, subprocess
libc = ctypes.CDLL(None, use_errno=True)

def io_uring():
    ring = ctypes.create_string_buffer(120)
    assert libc.syscall(425, 1, ring) >= 0

def rare_socket():
    socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM).close()

def user_namespace():
    subprocess.run(["unshare", "-r", "true"], check=True)

def setuid():
    assert b"euid=0(" in subprocess.run(["setuid-id"], capture_output=True).stdout

def mount():
    assert not libc.mount(b"none", b"/mnt", b"tmpfs", 0, None), "mount"
    libc.umount(b"/mnt")

for attack in io_uring, rare_socket, user_namespace, setuid, mount:
    try:
        attack()
    except (AssertionError, OSError, subprocess.CalledProcessError):
        continue
    with open("ATTACKED", "a") as told:
        print(os.getuid() and "site", attack.__name__, file=told)
with open("ATTACKED", "a") as told:
    print("over", file=told)
""".replace("ATTACKED", ATTACKED)
COMMAND = f"""
import time
from django.core.management.base import BaseCommand

class Command(BaseCommand):
    def handle(self, **options):
        exec({ATTACKS!r}, {{}})
        while True:
            time.sleep(1)
"""
# systemd starts these in nginx's sandbox: the same attacks, by the user of the workers and by root.
BESIDE_NGINX = """[Service]
ExecStartPost=/usr/bin/setpriv --reuid=www-data --clear-groups /usr/bin/python3 /var/attacks.py
ExecStartPost=/usr/bin/python3 /var/attacks.py
"""
SANDBOXES = "/etc/systemd/system/{supervisor,nginx}.service.d/roadie-sandbox.conf"
AS_BEFORE = f"rm {SANDBOXES} /var/lib/roadie/applied/sandbox-of-nginx-and-Supervisor"
# The first processes of both services.
FIRST_PROCESSES = "cat /run/nginx.pid /run/supervisord.pid"


def succeeded(host: ThrowawayHost, times: int = 1) -> set[str]:
    """Wait until so many processes have attacked. Return the attacks that succeeded."""
    assert eventually(lambda: inside(host, f"cat {ATTACKED}").count("over\n") >= times, 60)
    return {*inside(host, f"cat {ATTACKED}").splitlines()} - {"over"}


@BOTH
def test_a_hostile_program_cannot_use_rare_parts_of_the_kernel(deployed: Desk) -> None:
    deployed.host.ssh(READY)
    ship(deployed, "1", {"ticker": "manage.py tick"}, COMMAND)
    deployed.does("deploy")
    # A project may send mail by a setuid program, or print pages by a browser that makes user namespaces.
    assert succeeded(deployed.host) == {"site setuid", "site user_namespace"}
    assert "<h1>Guestbook</h1>" in browse(deployed.host).body


@BOTH
def test_whoever_takes_over_nginx_gains_no_rights(deployed: Desk) -> None:
    host = deployed.host
    host.ssh(f"{READY} && mkdir -p /run/systemd/system/nginx.service.d")
    host.put(ATTACKS, "/var/attacks.py")
    host.put(BESIDE_NGINX, "/run/systemd/system/nginx.service.d/attack.conf")
    host.ssh("systemctl daemon-reload && systemctl restart nginx")
    assert succeeded(host, 2) == set()
    assert eventually(lambda: is_serving(host))


def test_a_host_that_runs_gets_the_sandboxes_without_a_lost_request(deployed: Desk) -> None:
    host = deployed.host
    host.ssh(f"{AS_BEFORE} && systemctl daemon-reload && systemctl restart supervisor nginx")
    assert eventually(lambda: is_serving(host), 30)
    processes = inside(host, FIRST_PROCESSES)
    with Visitors(host) as visitors:
        assert "0 changed" not in deployed.does("bootstrap").out
        host.ssh("systemctl reload nginx")
        deployed.does("restart")
        assert "0 changed" in deployed.does("bootstrap").out
    visitors.assert_content()
    assert inside(host, FIRST_PROCESSES) == processes
    assert sandboxed(host) == []
    host.reboot()
    assert eventually(lambda: is_serving(host), 60)
    assert sandboxed(host) == ["nginx", "supervisord"]
