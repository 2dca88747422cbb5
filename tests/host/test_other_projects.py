"""Projects of other shapes than the guestbook run beside it on one host. No site disturbs another."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import standing
from desk import Desk, browse, eventually, is_up
from projects import change_line, commit, example, settings, startproject
from roadie.throwaway import hosts as throwaway
from roadie.throwaway.hosts import ThrowawayHost
from visitors import Visitors

MYSITE = "mysite.example.org"
NEWSDESK = "newsdesk.example.org"


@pytest.fixture(scope="module")
def host() -> Iterator[ThrowawayHost]:
    """A host that serves the guestbook."""
    with throwaway.boot("sites", "trixie", standing.deployed("trixie")) as host:
        assert eventually(lambda: is_up(host))
        yield host


def test_an_unedited_startproject_runs_safely_beside_another_site(
    host: ThrowawayHost, tmp_path: Path
) -> None:
    desk = Desk(startproject(tmp_path / "mysite"), host)
    settings(desk.project, domain=MYSITE)
    commit(desk.project, "Settings")
    guestbook = host.ssh("readlink -f /srv/guestbook/live/release").stdout
    with Visitors(host) as visitors:
        desk.does("bootstrap")
        desk.does("deploy")
    visitors.assert_content()
    assert host.ssh("readlink -f /srv/guestbook/live/release").stdout == guestbook
    root = browse(host, "/", MYSITE)
    assert root.status == 404 and "DEBUG" not in root.body
    assert "csrfmiddlewaretoken" in browse(host, "/admin/login/", MYSITE).body
    assert browse(host, "/static/admin/css/base.css", MYSITE).status == 200
    tables = host.ssh("mariadb -N mysite -e 'SHOW TABLES'").stdout
    assert "auth_user" in tables
    told = desk.does(
        "manage", "shell -c 'from django.conf import settings as s; print(s.DEBUG, s.SECRET_KEY)'"
    )
    assert "False" in told.out and "django-insecure" not in told.out
    assert "0 changed" in desk.does("bootstrap").out


def test_a_site_cannot_take_the_name_of_another(host: ThrowawayHost, tmp_path: Path) -> None:
    desk = Desk(startproject(tmp_path / "other"), host)
    settings(desk.project, app="other", domain="guestbook.example.org")
    commit(desk.project, "Settings")
    done = desk.fab("bootstrap")
    assert done.code == 6 and "guestbook.example.org" in done.last_line
    assert browse(host).status == 200


def test_another_project_of_the_same_name_is_refused_and_touches_nothing(
    host: ThrowawayHost, tmp_path: Path
) -> None:
    desk = Desk(startproject(tmp_path / "mysite"), host)
    settings(desk.project, app="guestbook", domain="else.example.org")
    commit(desk.project, "Settings")
    for words in (["bootstrap"], ["deploy"], ["rollback"], ["remove", "--yes"]):
        done = desk.fab(*words)
        assert done.code == 6 and "belongs to the site of guestbook.example.org" in done.last_line, done.text
    assert browse(host).status == 200


def test_a_project_with_a_settings_package_below_a_folder_runs(host: ThrowawayHost, tmp_path: Path) -> None:
    desk = Desk(example("newsdesk", tmp_path / "newsdesk"), host)
    desk.does("bootstrap")
    done = desk.does("deploy")
    assert "publish-due" in done.out
    page = browse(host, "/", NEWSDESK)
    assert page.status == 200
    assert browse(host, "/status/", NEWSDESK).status == 200
    assert browse(host, "/", f"www.{NEWSDESK}").headers["location"] == f"//{NEWSDESK}/"
    change_line(desk.project / "requirements" / "production.txt", "-r base.txt", "-r base.txt\nsix==1.17.0")
    commit(desk.project)
    with Visitors(host, "/", NEWSDESK) as visitors:
        desk.does("deploy")
    visitors.assert_content()
    assert "0 changed" in desk.does("bootstrap").out


def test_the_guestbook_has_noticed_none_of_it(host: ThrowawayHost, tmp_path: Path) -> None:
    desk = Desk(example("guestbook", tmp_path / "guestbook"), host)
    assert "0 changed" in desk.does("bootstrap").out
    assert browse(host).status == 200
