"""A site goes on serving when its programs are killed, or when another site breaks a shared configuration."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import standing
from desk import Desk, browse, eventually, is_serving
from faults import append, error_of, serving
from projects import change_line, commit, example, git
from roadie.throwaway import hosts as throwaway
from visitors import Visitors
from within import assert_serves_once, assert_tidy, inside, masters

SUPERVISOR = "cat /run/supervisord.pid"
OTHER = "/etc/supervisor/conf.d/other.conf"
CHECKED_SLOWLY = 'import sys, time\nif "gunicorn" not in sys.modules:\n    time.sleep(15)'
# Makes enclose slow: it waits a second before it listens at a new socket, and a second before it leads the
# path there.
SLOW_TO_LISTEN = r"""
cd /usr/local/lib/roadie
cp enclose /root/enclose
sed -E 's/^( +)(server.listen\(.*|new.replace\(.*)$/\1time.sleep(1); \2/' /root/enclose >enclose
[[ $(diff /root/enclose enclose | grep -c '^>') == 2 ]]
"""
AS_QUICK_AS_EVER = "cp /root/enclose /usr/local/lib/roadie/enclose"
OTHERS_PROGRAM = '[program:other]\ncommand=/bin/sleep 9999\nenvironment=DISCOUNT="20%"\n'


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A desk before a host that serves the guestbook."""
    with throwaway.boot("kills", "trixie", standing.deployed("trixie")) as host:
        assert eventually(lambda: is_serving(host), 30)
        yield Desk(example("guestbook", tmp_path_factory.mktemp("desk") / "guestbook"), host)


def is_replaced(site: Desk, before: str) -> bool:
    """Return whether exactly one master runs, as Supervisor's child, and is not `before`."""
    own = serving(site.host).masters
    return len(masters(site.host)) == 1 and len(own) == 1 and own[0] != before


def test_gunicorn_killed_is_back_with_one_master(site: Desk) -> None:
    (master,) = serving(site.host).masters
    with Visitors(site.host) as visitors:
        inside(site.host, 'kill -KILL "$1"', master)
        assert eventually(lambda: is_replaced(site, master))
        # A new master needs a while until it has its socket.
        assert eventually(lambda: is_serving(site.host))
    # Requests that the killed master had begun are lost. These visitors get the 503 page and nothing else.
    visitors.assert_counted()
    assert all(" 503 " in each for each in visitors.failed), visitors.failed
    assert_serves_once(site.host)


def test_supervisor_killed_twice_is_back_and_no_visitor_notices(site: Desk) -> None:
    with Visitors(site.host) as visitors:
        kill_supervisor(site)
        # The program that stops what the first kill left over must now leave that work to its successor.
        assert eventually(lambda: serving(site.host).masters)
        (master,) = serving(site.host).masters
        kill_supervisor(site)
        assert eventually(lambda: is_replaced(site, master), 30)
    visitors.assert_content()
    assert len(visitors.answered) > 50
    assert_serves_once(site.host)
    assert_tidy(site.host)


def test_what_a_killed_supervisor_left_serves_until_the_live_slot_does(site: Desk) -> None:
    before = serving(site.host)
    append(site.project / "guestbook/urls.py", CHECKED_SLOWLY)
    commit(site.project)
    # The live slot's program cannot start again. The deploy's program has workers long before its switch.
    site.host.ssh("echo exit 1 >>/srv/guestbook/live/release/env")
    try:
        with Visitors(site.host) as visitors:
            kill_supervisor(site)
            site.does("deploy")
            assert eventually(lambda: len(masters(site.host)) == 1, 30)
        visitors.assert_content()
    finally:
        site.host.ssh("sed -i '/^exit 1$/d' /srv/guestbook/releases/*/env")
        git(site.project, "reset", "-q", "--hard", "HEAD~1")
    assert serving(site.host).release != before.release
    assert_serves_once(site.host)
    assert_tidy(site.host)


def test_no_visitor_meets_a_path_without_a_listener(site: Desk) -> None:
    (master,) = serving(site.host).masters
    try:
        inside(site.host, SLOW_TO_LISTEN)
        with Visitors(site.host) as visitors:
            kill_supervisor(site)
            assert eventually(lambda: is_replaced(site, master), 30)
    finally:
        inside(site.host, AS_QUICK_AS_EVER)
    visitors.assert_content()
    assert_serves_once(site.host)
    assert_tidy(site.host)


def kill_supervisor(site: Desk) -> None:
    """Kill Supervisor, and wait until systemd has started it again."""
    before = inside(site.host, SUPERVISOR)
    inside(site.host, 'kill -KILL "$1"', before.strip())
    assert eventually(lambda: inside(site.host, SUPERVISOR) != before)


def test_a_percent_sign_in_another_sites_program_is_named_and_nothing_else_happens(site: Desk) -> None:
    change_line(
        site.project / "entries/templates/entries/index.html", "<h1>Guestbook</h1>", "<h1>20 % off</h1>"
    )
    commit(site.project)
    site.host.put(OTHERS_PROGRAM, OTHER)
    before = serving(site.host)
    with Visitors(site.host) as visitors:
        refused = site.fab("deploy")
        said = error_of(refused, 6, f"{before.release} still serves", "20%", "/etc/supervisor/conf.d")
        assert "program:other" in said
        assert serving(site.host) == before
        site.host.ssh(f"rm {OTHER}")
        site.does("deploy")
    visitors.assert_content()
    assert "<h1>20 % off</h1>" in browse(site.host).body
    assert_serves_once(site.host)
