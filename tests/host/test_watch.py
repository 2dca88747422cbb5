"""After the switch a deploy watches the new release; one that begins to fail is left again at once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import standing
from desk import Desk, browse
from projects import commit
from roadie.throwaway import hosts as throwaway
from visitors import Visitors
from within import assert_serves_once, assert_tidy

# What a release does some time after it has begun to serve; manage.py loads this module too.
LATER = """
import os, sys, threading, time
def fail():
    while os.path.realpath("/srv/guestbook/live/release") not in os.path.realpath(__file__):
        time.sleep(0.1)
    time.sleep(1)
    {what}
if "gunicorn" in sys.argv[0]:
    threading.Thread(target=fail, daemon=True).start()
"""


@pytest.fixture(scope="module")
def host() -> Iterator[throwaway.ThrowawayHost]:
    with throwaway.boot("watched", "trixie", standing.deployed()) as host:
        yield host


@pytest.fixture
def site(host, desk) -> Desk:
    return desk(host, health="/healthz", watch=5)


def ship(site: Desk, what: str):
    """Deploy a release that goes wrong by itself; before and after, the same one serves."""
    before = live(site)
    views = site.project / "entries/views.py"
    views.write_text(views.read_text() + LATER.format(what=what))
    commit(site.project)
    done = site.fab("deploy")
    assert done.code == 6 and "went back by itself" in done.last_line, done.text
    assert live(site) == before and browse(site.host).status == 200
    assert_serves_once(site.host)
    assert_tidy(site.host)
    assert " bad " in site.does("releases").out
    return done


def live(site: Desk) -> str:
    return site.host.ssh("readlink -f /srv/guestbook/live/release").stdout


def test_a_release_whose_program_ends_is_left(site: Desk) -> None:
    site.does("deploy")
    assert "its program ended" in ship(site, "os.kill(os.getppid(), 9)").last_line


def test_a_release_whose_health_page_fails_is_left(site: Desk) -> None:
    assert (
        "/healthz answered 500" in ship(site, "healthz.__code__ = (lambda request: 1 / 0).__code__").last_line
    )


def test_a_release_whose_visitors_get_errors_is_left(site: Desk) -> None:
    with Visitors(site.host) as visitors:
        done = ship(site, "index.__code__ = (lambda request: 1 / 0).__code__")
    assert "requests of visitors got a server error" in done.last_line
    assert all(" 500 " in each for each in visitors.failed) and len(visitors.failed) < visitors.sent / 2


def test_a_good_release_after_them_serves(site: Desk) -> None:
    site.does("deploy")
    assert browse(site.host).status == 200
