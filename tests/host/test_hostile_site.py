"""What a site's user, a neighbour on its host and a hostile project cannot do to roadie, root and others."""

from __future__ import annotations

import shlex
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import standing
from desk import Desk, browse, eventually
from faults import append
from projects import commit
from roadie.scripts.render import TEMPLATES
from roadie.throwaway import hosts as throwaway
from test_hostile_database import as_root, as_site
from within import assert_serves_once, assert_tidy, inside

MIGRATION = """from django.db import migrations
class Migration(migrations.Migration):
    dependencies = [("entries", "0002_entry_photo")]
    operations = [migrations.RunSQL("CREATE TABLE more (id int)", "DROP TABLE more")]
"""
# A record of migrations without an end. The client of the database must not keep it in memory.
ENDLESS = """
RENAME TABLE django_migrations TO below;
CREATE SQL SECURITY INVOKER VIEW django_migrations AS
  SELECT seq AS id, CONCAT(seq, REPEAT('x', 20000)) AS app, 'b' AS name, NOW() AS applied
  FROM seq_1_to_1000000000;
"""
# Stops every program of its user with which roadie might ask the site.
STOPS = """
import os, signal
while True:
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            name = open(f"/proc/{pid}/comm").read().strip()
            if name in ("curl", "timeout") and os.stat(f"/proc/{pid}").st_uid == os.getuid():
                os.kill(int(pid), signal.SIGSTOP)
        except OSError:
            pass
"""
# Kills all other processes of its user, and so whoever wants to kill this one as that user.
KILLS = """
import os, signal
if os.fork():
    os._exit(0)
os.setsid()
while True:
    try:
        os.kill(-1, signal.SIGKILL)
    except OSError:
        pass
"""
# Claims many workers, so that roadie asks many times, and answers with long headers.
FLOODS = """
import sys
if "roadie_serving" in sys.modules:
    sys.modules["roadie_serving"].NAME = "X-Other"
def healthz(request):
    from django.http import HttpResponse
    answer = HttpResponse("ok", headers={f"X-{i}": "y" * 4000 for i in range(20)})
    answer["X-Roadie-Worker"] = "1 of 9999"
    return answer
"""
BIG = """
def healthz(request):
    from django.http import HttpResponse
    return HttpResponse("ok", headers={"X-Big": "b" * 20000})
"""
# A shell of root in a terminal, in which root runs a command of the site.
TERMINAL = """
import os, pty, select, sys, time
pid, terminal = pty.fork()
if pid == 0:
    os.execvp("bash", ["bash", "--norc", "-i"])
def hear(seconds, word=b"impossible"):
    said, end = b"", time.monotonic() + seconds
    while time.monotonic() < end and word not in said:
        if select.select([terminal], [], [], 0.1)[0]:
            said += os.read(terminal, 65536)
hear(20, b"# ")
os.write(terminal, sys.argv[1].encode() + b"; echo en''ded\\n")
hear(60, b"ended")
hear(1)
"""
TYPES = """import fcntl, termios
for letter in b"id >/root/typed\\n":
    fcntl.ioctl({}, termios.TIOCSTI, bytes([letter]))
"""


@pytest.fixture(scope="module")
def host() -> Iterator[throwaway.ThrowawayHost]:
    with throwaway.boot("hostile", snapshot=standing.deployed()) as host:
        yield host


@pytest.fixture
def site(host, desk) -> Desk:
    return desk(host)


@contextmanager
def running(host: throwaway.ThrowawayHost, user: str, program: str) -> Iterator[None]:
    """Have a Python program run as this user of the host meanwhile."""
    Path(host.tree, "srv/hostile.py").write_text(program)
    host.ssh(
        f"setpriv --reuid={user} --regid={user} --clear-groups python3 /srv/hostile.py >/dev/null 2>&1 &"
    )
    assert eventually(lambda: "hostile" in inside(host, f"pgrep -a -u {user} || :"))
    try:
        yield
    finally:
        inside(host, f"pkill -KILL -u {user} -f hostile.py || :; rm -f /srv/hostile.py")


def change(site: Desk, code: str) -> None:
    append(site.project / "entries/views.py", code)
    commit(site.project)


def test_a_neighbour_cannot_hold_up_migrations(site: Desk) -> None:
    as_root(site, "CREATE USER other@localhost IDENTIFIED BY 'other'")
    hold = "SELECT GET_LOCK('roadie-guestbook', 5), SLEEP(600)"
    site.host.ssh(f'mariadb -uother -pother -e "{hold}" >/dev/null 2>&1 &')
    assert eventually(lambda: as_root(site, "SELECT IS_USED_LOCK('roadie-guestbook') IS NOT NULL") == ["1"])
    (site.project / "entries/migrations/0003_more.py").write_text(MIGRATION)
    commit(site.project)
    try:
        assert "entries.0003_more" in site.does("deploy", timeout=60).text
    finally:
        as_root(site, "KILL USER other@localhost; DROP USER other@localhost")
    assert_tidy(site.host)


def test_the_record_of_migrations_has_no_room_without_bound(site: Desk) -> None:
    as_site(site, ENDLESS)
    try:
        assert site.fab("releases", timeout=25).code == 0
    finally:
        as_site(site, "DROP VIEW django_migrations; RENAME TABLE below TO django_migrations")


def test_no_process_of_the_site_can_stop_what_asks_it(site: Desk) -> None:
    change(site, "# stopped")
    with running(site.host, "guestbook", STOPS):
        site.does("deploy", timeout=90)
    assert_serves_once(site.host)


def test_what_the_site_answers_to_the_gate_fills_no_disk(host, desk) -> None:
    site = desk(host, gate_timeout=8)
    change(site, FLOODS)
    largest, end = 0, time.monotonic() + 120
    with site.started("deploy") as process:
        while process.poll() is None and time.monotonic() < end:
            size = inside(host, "stat -c %s /run/roadie/*.answer 2>/dev/null | sort -n | tail -n 1")
            largest = max(largest, int(size or 0))
    assert 0 < largest <= 1_000_000
    assert process.returncode == 6
    assert_serves_once(host)


def test_a_process_that_kills_its_killers_ends(host) -> None:
    words = f"signal_py={shlex.quote((TEMPLATES / 'words/signal.py').read_text())}\n"
    words += (TEMPLATES / "words/users.sh").read_text()
    for _ in range(8):
        with running(host, "guestbook-build", KILLS):
            inside(host, f"set -eu\n{words}\nsignal_all_of guestbook-build KILL")
            assert eventually(lambda: not inside(host, "pgrep -u guestbook-build || :"), 1)


def test_an_answer_may_have_long_headers(site: Desk) -> None:
    change(site, BIG)
    site.does("deploy")
    assert len(browse(site.host, "/healthz").headers["x-big"]) == 20000


@pytest.mark.parametrize(("descriptor", "stdin"), [("0", ""), ("1", " </dev/null")])
def test_the_site_cannot_type_in_a_terminal_of_root(host, descriptor: str, stdin: str) -> None:
    if inside(host, "cat /proc/sys/dev/tty/legacy_tiocsti 2>/dev/null || echo 1") != "1\n":
        pytest.skip("this kernel lets nobody type in a terminal but its owner")
    python = shlex.quote(f"exec({TYPES.format(descriptor)!r})")
    command = f"/usr/local/lib/roadie/manage guestbook shell -v 0 -c {python}{stdin}"
    inside(host, f"rm -f /root/typed; python3 -c {shlex.quote(TERMINAL)} {shlex.quote(command)}")
    assert inside(host, "ls /root") == ""
    assert "guestbook" in inside(
        host,
        "/usr/local/lib/roadie/manage guestbook shell -v 0 -c 'import getpass; print(getpass.getuser())'",
    )
