"""The main path: bootstrap and deploy on a bare host, and what a visitor and the host then show."""

from __future__ import annotations

import http.client
import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
import standing
import thirds
from browser_with_cookies import Browser
from desk import Desk, browse, eventually, is_up
from projects import change_line, commit, example, git
from roadie.throwaway import hosts as throwaway
from visitors import Visitors

INDEX = "entries/templates/entries/index.html"
MORE_VIEWS = '''

def big(request):
    """A page of three megabytes: no socket holds that, so somebody must, until its reader has it."""
    return HttpResponse(b"x" * 3_000_000)


def address(request):
    """Who the visitor is, as the application sees it."""
    return HttpResponse(request.META["REMOTE_ADDR"])
'''
MIGRATION = '''"""Add a mood."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("entries", "0002_entry_photo")]
    operations = [migrations.AddField("entry", "mood", models.CharField(default="", max_length=20))]
'''


@pytest.fixture(scope="module", params=thirds.SUITES)
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A desk before a host that serves the guestbook. All tests of this file use this host, in order."""
    suite = request.param
    with throwaway.boot("site", suite, standing.bootstrapped(suite)) as host:
        desk = Desk(example("guestbook", tmp_path_factory.mktemp("desk") / "guestbook"), host)
        add_pages(desk.project)
        desk.does("deploy")
        yield desk


def add_pages(project: Path) -> None:
    views, urls = project / "entries/views.py", project / "entries/urls.py"
    views.write_text(views.read_text() + MORE_VIEWS)
    more = 'path("big", views.big), path("address", views.address),'
    change_line(urls, "urlpatterns = [", f"urlpatterns = [\n    {more}")
    commit(project)


def said(desk: Desk, command: str) -> str:
    return desk.host.ssh(command).stdout.strip()


def programs(site: Desk) -> int:
    """Return how many programs Supervisor runs."""
    return site.host.ssh("supervisorctl status", check=False).stdout.count("RUNNING")


def test_the_pages_answer_through_nginx(site: Desk) -> None:
    page = browse(site.host)
    assert page.status == 200 and "<h1>Guestbook</h1>" in page.body
    assert browse(site.host, "/healthz").body == "ok\n"
    assert browse(site.host, "/no-such-page").status == 404


def test_no_visitor_is_told_which_worker_answers(site: Desk) -> None:
    asked = browse(site.host, headers={"Forwarded": "by=_roadie", "X-Roadie-Worker": "1 of 1"})
    assert (asked.status, [name for name in asked.headers if "roadie" in name]) == (200, [])


def test_the_application_knows_the_visitors_address_and_no_visitor_forges_it(site: Desk) -> None:
    lies = {"X-Forwarded-For": "192.0.2.1", "X-Real-IP": "192.0.2.1", "Forwarded": "for=192.0.2.1"}
    seen = browse(site.host, "/address", headers=lies).body
    assert seen == said(site, "tail -n 1 /var/log/nginx/guestbook.access.log").split()[0]
    assert seen.count(".") == 3 and seen != "192.0.2.1"


def test_static_files_come_from_nginx(site: Desk) -> None:
    style = browse(site.host, "/static/entries/style.css")
    assert style.status == 200 and style.headers["content-type"] == "text/css"
    assert browse(site.host, "/static/admin/css/base.css").status == 200
    assert browse(site.host, "/static/../live/release/env").status in (400, 404)


def test_an_upload_is_stored_and_served_as_nothing_that_a_browser_runs(site: Desk) -> None:
    browser, photo = Browser(site.host), ("photo", "cat.png", b"\x89PNG a cat")
    assert browser.upload("/", photo, name="Ann", message="Hello").status == 302
    (url,) = re.findall(r'<img src="(/media/[^"]+)"', browser.get("/").body)
    shown = browser.get(url)
    assert shown.status == 200 and "a cat" in shown.body
    assert shown.headers["x-content-type-options"] == "nosniff"
    said(site, "runuser -u guestbook -- sh -c 'echo \"<script>\" >/srv/guestbook/shared/media/x.html'")
    page = browse(site.host, "/media/x.html")
    assert page.headers["content-disposition"] == "attachment"
    media, secrets = "/srv/guestbook/shared/media", "/srv/guestbook/shared/secrets"
    said(site, f"runuser -u guestbook -- ln -s {secrets} {media}/s.txt")
    assert browse(site.host, "/media/s.txt").status in (403, 404)


def test_an_admin_logs_in_over_mysql(site: Desk) -> None:
    site.does("manage", "createsuperuser", "--noinput", "--username", "ann", "--email=ann@example.org")
    site.does(
        "manage",
        'shell -c "from django.contrib.auth.models import User; '
        "u = User.objects.get(username='ann'); u.set_password('s3cret-ann'); u.save()\"",
    )
    browser = Browser(site.host)
    login = "/admin/login/?next=/admin/"
    assert browser.post(login, username="ann", password="s3cret-ann", next="/admin/").status == 302
    assert "Site administration" in browser.get("/admin/").body
    assert said(site, "mariadb -N guestbook -e 'SELECT username FROM auth_user'") == "ann"


def test_gunicorn_runs_as_the_sites_user_who_cannot_write_the_code(site: Desk) -> None:
    assert set(said(site, "ps -o user:20= -C python -C gunicorn | sort -u").split()) == {"guestbook"}
    tries = "touch /srv/guestbook/live/release/code/x /srv/guestbook/live/x /srv/guestbook/live/venv/x"
    assert site.host.ssh(f"runuser -u guestbook -- {tries}", check=False).returncode != 0
    found = said(
        site,
        "runuser -u guestbook -- find /srv/guestbook /etc/supervisor -writable ! -type l 2>/dev/null || :",
    )
    assert {path for path in found.split() if not path.startswith("/srv/guestbook/shared/")} == set()
    assert all(re.match(r"/srv/guestbook/shared/(media|home)", path) for path in found.split())


def test_secrets_stay_where_they_belong(site: Desk) -> None:
    assert said(site, "stat -c '%a %U:%G' /srv/guestbook/shared/secrets") == "640 root:guestbook"
    words = re.findall(r"'([^']{20,})'", said(site, "cat /srv/guestbook/shared/secrets"))
    password = re.search(r"mysql://guestbook:([^@]+)@", "\n".join(words))
    assert words and password
    files = "/etc/supervisor/conf.d/* /var/log/roadie/* /srv/guestbook/releases/*/env"
    everywhere = said(site, f"ps axww; cat {files}")
    shown = site.does("deploy").text + site.does("bootstrap").text + site.fab("plan").text
    for secret in (password[1], *words):
        assert secret not in everywhere and secret not in shown


def test_a_converged_host_has_nothing_to_change_and_is_asked_once(site: Desk) -> None:
    before = sessions(site)
    done = site.does("bootstrap")
    assert "0 changed" in done.out and "changed  " not in done.out
    mine, (connections, execs) = 1, sessions(site)
    assert (connections - before[0] - mine, execs - before[1] - mine) == (1, 1)
    assert site.fab("plan").code == 0


def sessions(site: Desk) -> tuple[int, int]:
    """Return how many logins and sessions sshd has logged. Each call adds one of each."""
    log = said(site, "journalctl -q -o cat -t sshd -t sshd-session")
    return log.count("Accepted publickey"), log.count("Starting session")


def test_deploying_what_serves_already_changes_nothing(site: Desk) -> None:
    before = said(site, "readlink /srv/guestbook/live/release")
    assert "serves already" in site.does("deploy").out
    assert said(site, "readlink /srv/guestbook/live/release") == before


def test_a_changed_line_is_live_and_no_visitor_noticed(site: Desk) -> None:
    change_line(site.project / INDEX, "<h1>Guestbook</h1>", "<h1>Guest book</h1>")
    commit(site.project)
    with Visitors(site.host) as visitors:
        site.does("deploy")
    visitors.assert_content()
    assert "<h1>Guest book</h1>" in browse(site.host).body
    assert eventually(lambda: programs(site) == 1)


def test_a_new_requirement_gets_a_virtualenv_of_its_own(site: Desk) -> None:
    path = site.project / "requirements.txt"
    path.write_text(path.read_text() + "six==1.17.0\n")
    change_line(site.project / "entries/views.py", "from .forms", "import six\n\nfrom .forms")
    commit(site.project)
    before = said(site, "readlink -f /srv/guestbook/live/venv")
    with Visitors(site.host) as visitors:
        site.does("deploy")
    visitors.assert_content()
    assert said(site, "readlink -f /srv/guestbook/live/venv") != before
    assert said(site, "ls -d /srv/guestbook/live/venv/lib/python3*/site-packages/six.py")


def test_a_new_migration_is_applied_by_deploy(site: Desk) -> None:
    (site.project / "entries/migrations/0003_entry_mood.py").write_text(MIGRATION)
    change_line(
        site.project / "entries/models.py",
        "    class Meta:",
        '    mood = models.CharField(max_length=20, default="")\n\n    class Meta:',
    )
    commit(site.project)
    with Visitors(site.host) as visitors:
        done = site.does("deploy")
    visitors.assert_content()
    assert "applied  entries.0003_entry_mood" in done.out
    assert "mood" in said(site, "mariadb -N guestbook -e 'DESCRIBE entries_entry'")
    assert "0 changed" in site.does("migrate").out


def test_a_clone_of_depth_one_can_deploy(site: Desk, tmp_path) -> None:
    git(tmp_path, "clone", "-q", "--depth", "1", f"file://{site.project}", "clone")
    clone = Desk(tmp_path / "clone", site.host)
    change_line(clone.project / INDEX, "<h1>Guest book</h1>", "<h1>Cloned</h1>")
    commit(clone.project)
    clone.does("deploy")
    assert "<h1>Cloned</h1>" in browse(site.host).body


def test_old_releases_go_and_five_stay(site: Desk) -> None:
    for number in range(4):
        change_line(site.project / INDEX, "</h1>", f"{number}</h1>")
        commit(site.project)
        site.does("deploy")
    assert len(said(site, "ls /srv/guestbook/releases").split()) == 5
    assert len(said(site, "ls /srv/guestbook/venvs").split()) == 1


def test_releases_that_were_left_take_the_place_of_no_good_one(site: Desk) -> None:
    for _ in range(2):
        site.does("rollback")
    good = said(site, "readlink -f /srv/guestbook/live/release")
    for number in range(2):
        change_line(site.project / INDEX, "</h1>", f" again {number}</h1>")
        commit(site.project)
        site.does("deploy", env={"ROADIE_KEEP": "3"})
    for _ in range(2):
        site.does("rollback")
    assert said(site, "readlink -f /srv/guestbook/live/release") == good


def test_after_a_reboot_the_site_answers_by_itself(site: Desk) -> None:
    site.host.reboot()
    assert eventually(lambda: is_up(site.host), 30)
    assert eventually(lambda: programs(site) == 1)


def test_fifty_slow_clients_of_each_kind_stop_no_page(site: Desk) -> None:
    starts = (
        b"GET / HTTP/1.1\r\nHost: guestbook.exa",
        b"POST / HTTP/1.1\r\nHost: guestbook.example.org\r\nContent-Length: 100000\r\n\r\nab",
        b"GET /big HTTP/1.1\r\nHost: guestbook.example.org\r\n\r\n",
    )
    slow = []
    try:
        for number in range(150):
            client = socket.create_connection((site.host.address, 80), timeout=20)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
            client.sendall(starts[number % 3])
            slow.append(client)
        for _ in range(20):
            assert browse(site.host, timeout=5).status == 200
        # Gunicorn has answered all slow readers, although none of them has read further.
        for reader in slow[2::3]:
            assert reader.recv(12) == b"HTTP/1.1 200"
    finally:
        for client in slow:
            client.close()


def test_an_unknown_host_name_gets_no_page(site: Desk) -> None:
    for name in ("other.example.org", site.host.address):
        with pytest.raises((http.client.RemoteDisconnected, ConnectionError)):
            browse(site.host, domain=name)
