"""After the switch a deploy watches the new release, and goes back at once if the release begins to fail."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import standing
from desk import Answer, Desk, browse, eventually, is_serving
from projects import commit
from roadie.throwaway import hosts as throwaway
from visitors import Visitors
from within import assert_serves_once, assert_tidy

# Goes wrong one second after the release has begun to serve. manage.py loads this module too.
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

# Pages that are wrong in every release.
ODD = """
import time
right = index
def index(request):
    if "bad" in request.GET:
        1 / 0
    if "slow" in request.GET:
        time.sleep(0.5)
    return right(request)
"""


# What a stranger can send to every release, and what nobody can ask for again from the log.
HIDDEN_ODD = """
from django.views.decorators.csrf import csrf_exempt
right_too = index
@csrf_exempt
def index(request):
    if "X-Odd" in request.headers or request.method == "POST":
        1 / 0
    return right_too(request)
"""


class Headers(Visitors):
    """A stranger who sends a header that no release can stand."""

    def _ask(self) -> Answer:
        return browse(self.host, self.path, headers={"X-Odd": "1"})


class Posts(Visitors):
    """A stranger who sends a form that no release can stand."""

    def _ask(self) -> Answer:
        return browse(self.host, self.path, method="POST", body=b"a=b")


class Zippers(Visitors):
    """Strangers whose requests nginx itself refuses, with 501."""

    def _ask(self) -> Answer:
        return browse(self.host, self.path, headers={"Transfer-Encoding": "gzip"})


@pytest.fixture(scope="module")
def host() -> Iterator[throwaway.ThrowawayHost]:
    with throwaway.boot("watched", "trixie", standing.deployed()) as host:
        yield host


@pytest.fixture
def site(host, desk) -> Desk:
    return desk(host, health="/healthz", watch=5, watch_to_the_end=True)


def ship(site: Desk, what: str):
    """Deploy a release that goes wrong by itself. The same release must serve before and after."""
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
    assert [each for each in visitors.failed if " 500 " not in each] == []
    assert len(visitors.failed) < visitors.sent / 2


def test_a_good_release_after_the_bad_ones_serves(site: Desk) -> None:
    site.does("deploy")
    assert browse(site.host).status == 200


def change(site: Desk, code: str) -> None:
    """Commit more code of the guestbook's views."""
    views = site.project / "entries/views.py"
    views.write_text(views.read_text() + code)
    commit(site.project)


@contextmanager
def at_switch(site: Desk, act: Callable[[], object]) -> Iterator[None]:
    """Have something happen as soon as the deploy in this block has switched."""
    link = site.host.tree / "srv/guestbook/live"
    before = link.readlink()

    def wait() -> None:
        assert eventually(lambda: link.readlink() != before, 300)
        act()

    thread = threading.Thread(target=wait)
    thread.start()
    yield
    thread.join()


def stays(site: Desk, *strangers: Visitors) -> str:
    """Deploy a good release, with strangers from the switch on: it stays. What the deploy said."""
    before = live(site)

    def come() -> None:
        for each in strangers:
            each.__enter__()

    try:
        with at_switch(site, come):
            done = site.does("deploy")
    finally:
        for each in strangers:
            each.__exit__(None, None, None)
    assert live(site) != before and all(each.sent > 5 for each in strangers)
    return done.text


def test_what_nginx_itself_refuses_is_not_the_releases_fault(site: Desk) -> None:
    change(site, "# new\n")
    told = stays(site, Visitors(site.host, "/static/"), Zippers(site.host))
    assert "it stays" not in told and "not watched" not in told


def test_a_page_that_fails_in_every_release_is_not_the_new_ones_fault(site: Desk) -> None:
    change(site, ODD)
    site.does("deploy")
    change(site, "# new\n")
    told = stays(site, Visitors(site.host, "/?bad=%22[1-9]{a,b}"))
    assert "the previous release fails too, at /?bad=%22[1-9]{a,b}" in told


@pytest.mark.parametrize("stranger", [Headers, Posts])
def test_a_stranger_with_a_request_that_fails_in_every_release_takes_none_back(desk, host, stranger) -> None:
    site = desk(host, health="/healthz", watch=5, watch_to_the_end=True)
    change(site, HIDDEN_ODD)
    site.does("deploy")
    change(site, f"# after {stranger}\n")
    for _ in range(220):  # the errors of tests before are usual no more
        browse(host)
    told = stays(site, stranger(site.host))
    assert "they hit 1 of 1 networks, and the page is right when roadie asks for it" in told, told


def test_a_release_that_is_only_busy_stays(desk, host) -> None:
    site = desk(host, health="/healthz", watch=8, workers=1, threads=1, gate_timeout=3)
    change(site, ODD)
    assert "the site is only busy" in stays(site, Visitors(host, "/?slow=1"))


def test_a_database_that_is_down_is_not_the_releases_fault(site: Desk) -> None:
    change(site, "# other\n")
    with at_switch(site, lambda: site.host.ssh("systemctl stop mariadb")):
        done = site.does("deploy")
    site.host.ssh("systemctl start mariadb")
    assert "the previous release fails there too" in done.text
    assert eventually(lambda: is_serving(site.host))
    assert_serves_once(site.host)
    assert_tidy(site.host)


def watched(site: Desk) -> float:
    """Deploy a good release. Return for how many seconds the deploy watched it."""
    change(site, "# one more line\n")
    events = [json.loads(line) for line in site.does("deploy", "--json").out.splitlines()]
    (told,) = [event["detail"] for event in events if event["event"] == "ok" and event["stage"] == "watch"]
    return float(told.removeprefix("watched ").removesuffix(" s"))


def test_a_watch_ends_early_if_nobody_visits(desk, host) -> None:
    assert 1.5 <= watched(desk(host, health="/healthz", watch=60)) < 30


def test_a_watch_goes_on_while_there_are_answers_to_judge_by(desk, host) -> None:
    with Visitors(host):
        assert watched(desk(host, health="/healthz", watch=5)) > 4


def test_a_watch_goes_on_while_a_visitor_waits_for_an_answer(desk, host) -> None:
    site = desk(host, health="/healthz", watch=5)
    change(site, ODD.replace("0.5", "4"))
    site.does("deploy")
    with at_switch(site, lambda: browse(host, "/?slow=1")):
        assert watched(site) > 3


def test_a_watch_goes_on_to_its_end_on_request(site: Desk) -> None:
    assert watched(site) > 4
