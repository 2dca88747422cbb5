"""A plan shows just what somebody changed by hand on a host that was ready, and bootstrap mends just that."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import pytest
import standing
from desk import Desk, browse
from projects import example
from roadie.throwaway import hosts as throwaway
from told import last_run

ROOT = "/srv/guestbook"
SITE = "/etc/nginx/sites-available/guestbook.conf"
LINK = "/etc/nginx/sites-enabled/guestbook.conf"
DEFAULT = "/etc/nginx/sites-enabled/default"
PAGES = "/usr/local/share/roadie"
TOOLS = "/usr/local/lib/roadie"
DROP_IN = "/etc/systemd/system/supervisor.service.d/roadie.conf"
TMPFILES = "/etc/tmpfiles.d/guestbook.conf"
ACCESS_LOG = "/var/log/nginx/guestbook.access.log"
CLAIMS = "/var/lib/roadie/sites/guestbook"
RELOAD = ("nginx", "reload of nginx")


class Drift(NamedTuple):
    """What somebody does by hand, and all that a run must change for it."""

    command: str
    changes: set[tuple[str, str]]


DRIFTS = {
    "a file's mode": Drift(f"chmod 700 {TOOLS}/launch", {("site", f"file {TOOLS}/launch")}),
    "a file's owner": Drift(
        f"chown nobody {PAGES}/unavailable.html", {("nginx", f"file {PAGES}/unavailable.html"), RELOAD}
    ),
    "a deleted file": Drift(f"rm {TOOLS}/manage", {("site", f"file {TOOLS}/manage")}),
    "a changed file": Drift(f"sed -i s/120s/7s/ {SITE}", {("nginx", f"file {SITE}"), RELOAD}),
    "a line more": Drift(
        "echo '# mine' >>/etc/logrotate.d/roadie", {("logrotate", "file /etc/logrotate.d/roadie")}
    ),
    "an emptied file": Drift(f": >{TMPFILES}", {("site", f"file {TMPFILES}")}),
    "a removed package": Drift(
        "dpkg --force-depends --remove python3-dev",
        {("packages", f"package {what}") for what in ("lists", "files", "python3-dev")},
    ),
    "a user's shell": Drift("usermod -s /bin/bash guestbook", {("site", "user guestbook")}),
    "a user's group": Drift("usermod -g nogroup guestbook-build", {("site", "user guestbook-build")}),
    "a stopped service": Drift("systemctl stop nginx", {("nginx", "service nginx")}),
    "a disabled service": Drift("systemctl disable supervisor", {("supervisor", "service supervisor")}),
    "a link to elsewhere": Drift(f"ln -sfn /dev/null {LINK}", {("nginx", f"link {LINK}"), RELOAD}),
    "a deleted link": Drift(f"rm {LINK}", {("nginx", f"link {LINK}"), RELOAD}),
    "a deleted directory": Drift(
        f"rm -r {ROOT}/shared/static", {("site", f"directory {ROOT}/shared/static")}
    ),
    "a directory's mode": Drift(
        f"chmod 777 {ROOT}/shared/media", {("site", f"directory {ROOT}/shared/media")}
    ),
    "a directory's owner": Drift(f"chown guestbook {ROOT}/venvs", {("site", f"directory {ROOT}/venvs")}),
    "a secret's mode": Drift(f"chmod 644 {ROOT}/shared/secrets", {("site", "secret ROADIE_SECRET_KEY")}),
    "Supervisor's unit": Drift(
        f"echo '[Service]' >>{DROP_IN}",
        {("supervisor", f"file {DROP_IN}"), ("supervisor", "reload of systemd")},
    ),
    "a log for all to read": Drift(f"chmod 644 {ACCESS_LOG}", {("nginx", f"log {ACCESS_LOG}"), RELOAD}),
    "the connections of nginx": Drift(
        "sed -i s/8192/768/ /etc/nginx/nginx.conf",
        {("nginx", "8192 connections a worker in /etc/nginx/nginx.conf"), RELOAD},
    ),
    "Debian's own site": Drift(
        f"ln -s /etc/nginx/sites-available/default {DEFAULT}", {("nginx", f"no {DEFAULT}"), RELOAD}
    ),
    "a claim": Drift(f"sed -i '/^domain/d' {CLAIMS}", {("nginx", "claim of guestbook.example.org")}),
    "the database's charset": Drift(
        "mariadb -e 'ALTER DATABASE guestbook CHARACTER SET latin1'", {("mysql", "database guestbook")}
    ),
    "the zones of a newer tzdata": Drift(
        "sed -i '1s/.*/# version 1999a/' /var/lib/roadie/mysql-time-zones",
        {("mysql", "time zones of the database")},
    ),
    "no zones": Drift(
        "mariadb -e 'DELETE FROM mysql.time_zone_name' && systemctl restart mariadb",
        {("mysql", "time zones of the database")},
    ),
    "a URL without a charset": Drift(
        f"sed -i 's/&charset=utf8mb4//' {ROOT}/shared/secrets", {("mysql", "charset in ROADIE_DATABASE_URL")}
    ),
    "the database user's password": Drift(
        "mariadb -e \"ALTER USER guestbook@localhost IDENTIFIED BY 'other'\"",
        {("mysql", "database user guestbook")},
    ),
}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A desk before a host that serves the guestbook. All tests of this file use this host, in order."""
    with throwaway.boot("drift", snapshot=standing.deployed()) as host:
        yield Desk(example("guestbook", tmp_path_factory.mktemp("desk") / "guestbook"), host)


def test_a_host_that_is_ready_has_an_empty_plan(site: Desk) -> None:
    done = site.fab("plan")
    assert (done.code, " would " in done.out.replace(" 0 would,", "")) == (0, False), done.text


@pytest.mark.parametrize("drift", DRIFTS.values(), ids=DRIFTS)
def test_a_drift_is_planned_alone_and_mended(site: Desk, drift: Drift) -> None:
    site.host.ssh(drift.command)
    planned = site.fab("plan")
    # This also shows that the drift of the test before was mended.
    assert last_run(site.host).said("would") == drift.changes, planned.text
    assert planned.code == 10 and f"plan: {len(drift.changes)} to change" in planned.last_line
    assert [line.split()[1:3] for line in planned.out.splitlines() if "  would  " in line] == [
        [stage, "would"] for stage, _ in last_run(site.host).in_order("would")
    ]
    site.does("bootstrap")
    assert last_run(site.host).said("changed") == drift.changes


@pytest.mark.parametrize("columns", [60, 200])
def test_a_person_at_a_terminal_sees_them_folded(site: Desk, columns: int) -> None:
    three = ("a changed file", "a deleted file", "a directory's mode")
    site.host.ssh("; ".join(DRIFTS[name].command for name in three))
    shown = squeezed(site.sees("plan", columns=columns, code=10).text)
    for line in (
        f"~ {SITE} edited by hand",
        "-        proxy_read_timeout 7s;",
        "+        proxy_read_timeout 120s;",
        f"+ files {TOOLS}/manage, ",
        "lines (--diff shows them)",
        f"~ {ROOT}/shared/media mode and owner 2777 guestbook:www-data, should be 2750",
        "~ nginx reload of nginx",
        "plan: 4 to change; fab bootstrap does it",
    ):
        assert squeezed(line) in shown, shown
    assert "+#!/bin/bash" not in shown
    assert "+#!/bin/bash" in squeezed(site.sees("plan", "--diff", columns=columns, code=10).written)
    site.does("bootstrap")


def squeezed(text: str) -> str:
    """The text without its blanks, as a narrow terminal breaks lines anywhere."""
    return "".join(text.split())


def test_after_all_of_them_the_plan_is_empty_again(site: Desk) -> None:
    done = site.fab("plan")
    assert done.code == 0, done.text
    assert browse(site.host).status == 200
