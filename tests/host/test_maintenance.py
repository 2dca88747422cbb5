"""Locks that a person sets, and the maintenance page: who is told what, and what visitors see."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
import standing
from desk import Desk, browse, eventually, is_serving
from faults import append, error_of
from invoke.util import yaml
from projects import commit, example, settings
from roadie.throwaway import hosts as throwaway
from roadie.throwaway.nspawn import addresses
from visitors import Visitors
from within import inside

SLOW = "touch ~/slow && while test -e ~/slow; do sleep 0.1; done"
OTHER = "server { listen 80; server_name other.example.org; return 200 other; }\n"
STYLE = "/static/entries/style.css"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A desk before a host that serves the guestbook. All tests of this file use this host, in order."""
    with throwaway.boot("maintenance", "trixie", standing.deployed("trixie")) as host:
        assert eventually(lambda: is_serving(host), 30)
        yield Desk(example("guestbook", tmp_path_factory.mktemp("desk") / "guestbook"), host)


def configure(site: Desk, **values: object) -> None:
    known = yaml.safe_load((site.project / "fabric.yaml").read_text())["roadie"]
    settings(site.project, **{**known, **values})
    commit(site.project)


def is_closed(site: Desk) -> bool:
    answer = browse(site.host)
    return answer.status == 503 and "Back soon" in answer.body


def workers(site: Desk) -> set[str]:
    """Return nginx's worker processes. For a while after a reload, this includes the old workers."""
    return set(inside(site.host, "ps -o pid= --ppid $(cat /run/nginx.pid)").split())


def test_the_one_who_is_locked_out_is_told_who_works_on_which_revision(site: Desk) -> None:
    configure(site, post_build=[SLOW])
    slow = site.host.tree / "srv/guestbook/shared/home/slow"
    try:
        with site.started("deploy") as first:
            assert eventually(slow.exists, 60)
            new = inside(site.host, "ls /srv/guestbook/releases | tail -n 1").strip()
            works = (" at ", f"fab deploy of {new}", "since 2", "UTC", "at step static")
            error_of(site.fab("deploy"), 4, *works)
            held = site.does("lock", "--message", "after this one")
            assert "a run is under way" in held.text and f"fab deploy of {new}" in held.text
            site.does("unlock")
            with site.started("migrate", "--wait", "60") as second:
                assert second.stdout and f"fab deploy of {new}" in second.stdout.readline()
                slow.unlink()
                for process in (first, second):
                    process.communicate(timeout=60)
                    assert process.returncode == 0
    finally:
        slow.unlink(missing_ok=True)
        configure(site, post_build=[])


def test_a_lock_on_purpose_outlives_a_reboot_and_holds_back_all_that_changes_the_site(site: Desk) -> None:
    ann, bob = {"LOGNAME": "ann"}, {"LOGNAME": "bob"}
    for _ in range(2):
        assert "ann at " in site.does("lock", "--message", "Sale until  Monday", env=ann).out
    site.host.reboot()
    assert eventually(lambda: is_serving(site.host), 30)
    for words in (["deploy"], ["deploy", "--wait", "600"], ["migrate"], ["bootstrap"], ["remove", "--yes"]):
        error_of(
            site.fab(*words, timeout=30), 4, "by ann at ", " since 2", ": Sale until Monday", "fab unlock"
        )
    error_of(site.fab("lock", "--message", "mine", env=bob), 4, "by ann at ", "Sale until Monday")
    assert site.fab("plan").code == 0
    site.does("manage", "check")
    assert "ann at " in site.does("unlock", env=bob).out
    assert "was not held back" in site.does("unlock").out
    site.does("deploy")


def test_the_page_comes_and_goes_and_no_request_fails(site: Desk) -> None:
    site.host.put(OTHER, "/etc/nginx/sites-enabled/other")
    older = workers(site)
    site.host.ssh("systemctl reload nginx")
    assert eventually(lambda: not older & workers(site))
    before = workers(site)

    def is_either(status: int, body: str) -> bool:
        return status == 200 or (
            status == 503 and "<b>not</b> yet" not in body and "&lt;b&gt;not&lt;/b&gt; yet" in body
        )

    def is_other(status: int, body: str) -> bool:
        return body == "other"

    with (
        Visitors(site.host, right=is_either) as visitors,
        Visitors(site.host, STYLE) as readers,
        Visitors(site.host, domain="other.example.org", right=is_other) as neighbours,
    ):
        for _ in range(3):
            site.does("maintenance", "on", "--message", "<b>not</b> yet", "--allow", "192.0.2.1")
            assert is_closed(site)
            site.does("maintenance", "off")
            assert not is_closed(site)
    for crowd in (visitors, readers, neighbours):
        crowd.assert_content()
    assert workers(site) == before, "nginx was reloaded"


def test_a_request_under_way_finishes(site: Desk) -> None:
    body = b"name=Ann&message=half"
    head = "POST / HTTP/1.1\r\nHost: guestbook.example.org\r\nConnection: close\r\n"
    head += f"Content-Length: {len(body)}\r\nExpect: 100-continue\r\n\r\n"
    with socket.create_connection((site.host.address, 80), timeout=20) as client:
        client.sendall(head.encode())
        assert client.recv(65536).startswith(b"HTTP/1.1 100 ")  # nginx has let the request in
        client.sendall(body[:5])
        site.does("maintenance", "on")
        client.sendall(body[5:])
        assert b"CSRF" in b"".join(iter(lambda: client.recv(65536), b"")), "not the site's own answer"


def test_every_page_is_the_maintenance_page_and_files_are_still_served(site: Desk) -> None:
    for path, method in (("/", "GET"), ("/", "HEAD"), ("/", "POST"), ("/admin/", "GET"), ("/?a=b", "GET")):
        answer = browse(site.host, path, method=method, body=b"a=b" if method == "POST" else None)
        assert (answer.status, answer.headers["retry-after"], answer.headers["cache-control"]) == (
            503,
            "300",
            "no-store",
        )
        assert answer.headers["content-type"] == "text/html" and (
            "Back soon" in answer.body or method == "HEAD"
        )
    assert browse(site.host, STYLE).status == 200
    site.host.put("cat", "/srv/guestbook/shared/media/cat.txt")
    assert browse(site.host, "/media/cat.txt").body == "cat"
    assert browse(site.host, "/.well-known/acme-challenge/token").status == 404
    assert browse(site.host, "/.roadie/maintenance/page.html").status == 404
    assert "is on, by " in site.does("maintenance").out


def test_the_page_stays_through_a_deploy_a_bootstrap_and_a_reboot(site: Desk) -> None:
    append(site.project / "entries/views.py", "# more")
    commit(site.project)
    assert "maintenance page is on" in site.does("deploy").out
    assert is_closed(site) and ": 0 changed" in site.does("bootstrap").out
    site.host.reboot()
    assert eventually(lambda: is_closed(site), 30)


def test_those_who_are_let_in_see_the_site(site: Desk) -> None:
    mine = addresses(site.host.slot)[0]
    error_of(site.fab("maintenance", "on", "--allow", "mine"), 2, "--allow", "203.0.113.7")
    error_of(site.fab("maintenance", "on", "--allow", f"{mine}/24"), 2, "--allow", "maintenance_allow:")
    site.does("maintenance", "on", "--allow", mine, "--allow", "2001:db8:0:0::1")
    assert eventually(lambda: is_serving(site.host), 30)
    assert inside(site.host, "ls /srv/guestbook/maintenance/allow").split() == [mine, "2001:db8::1"]
    there = "curl -s -o /dev/null -w '%{http_code}' -H 'Host: guestbook.example.org' "
    assert inside(site.host, f"{there} http://127.0.0.1/") == "503"
    site.does("maintenance", "on", "--allow", "::1")
    assert is_closed(site) and inside(site.host, f"{there} http://[::1]/") == "200"
    configure(site, maintenance_allow=[f"{mine}/24"])
    assert "run fab nginx" in site.does("maintenance", "on").out and is_closed(site)
    site.does("nginx")
    assert "run fab nginx" not in site.does("maintenance", "on").out
    # A reloaded nginx uses its new configuration only after a moment.
    assert eventually(lambda: is_serving(site.host))
    assert inside(site.host, f"{there} http://127.0.0.1/") == "503"
    site.does("maintenance", "off")
    assert inside(site.host, f"{there} http://127.0.0.1/") == "200"


def test_a_site_file_without_the_page_is_named(site: Desk) -> None:
    site.host.ssh("sed -i '/maintenance/d' /etc/nginx/sites-available/guestbook.conf")
    error_of(site.fab("maintenance", "on"), 6, "sites-available/guestbook.conf", "fab nginx")
