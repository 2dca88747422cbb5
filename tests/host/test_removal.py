"""A site is removed from its host: what goes, what stays, and that no other site notices."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import standing
from browser_with_cookies import Browser
from cuts import QUICK_WAYS, Cuts, Turns
from desk import Desk, browse, eventually, is_serving
from faults import error_of
from invoke.util import yaml
from projects import commit, example, settings
from roadie.throwaway import hosts as throwaway
from visitors import Visitors
from within import inside

SECOND = "second.example.org"
PURGE = ("remove", "--purge", "--confirm", "guestbook")
# Finds what is left of the site, by name, by owner and by content. Logs of runs belong to the host.
# The name of the other site begins with the name of this site.
TRACES = r"""
app=guestbook
{
find / -xdev -regextype egrep -path '/srv/*/releases' -prune -o -regex ".*[/%.-]$app([-./%].*)?" -print
find / /dev/shm -xdev -nouser -o -xdev -nogroup
getent passwd $app $app-build; getent group $app $app-build
grep -rlsP --exclude="*-" "\b$app\b(?!-eu)" /etc /var/lib/roadie /var/spool/cron
mariadb -N -e "SELECT schema_name FROM information_schema.schemata WHERE schema_name = '$app'
  UNION SELECT user FROM mysql.user WHERE user = '$app'"
ls -d /run/$app 2>/dev/null
supervisorctl status | grep "^$app-"
nginx -T 2>/dev/null | grep -w "$app"
} | grep -v "$app-eu" || :
"""
# Traps that the site's own user can leave for root, who removes the site.
TRAPS = """
cd /srv/guestbook/shared && ln -s /srv/guestbook-eu media/all
ln -s /srv/guestbook-eu/shared/secrets media/secrets
ln -s /etc home/etc && mkdir -p home/deep/er && ln -s / home/deep/er/root && touch /tmp/left /dev/shm/left
mkdir -m 000 media/closed
"""
# What cron, at, mail and systemd keep for the site's user.
SPOOLED = """
mkdir -p /var/spool/cron/{crontabs,atjobs} /var/lib/systemd/linger /var/mail
echo '* * * * * touch /tmp/by-cron' >/var/spool/cron/crontabs/guestbook
touch /var/spool/cron/crontabs/guestbook-build /var/lib/systemd/linger/guestbook /var/mail/guestbook
touch /var/spool/cron/atjobs/a0001 && chown guestbook /var/spool/cron/{crontabs/guestbook,atjobs/a0001}
"""
STUBBORN = "(trap '' TERM; exec -a old-gunicorn sleep 1000) >/dev/null 2>&1 &"
AS_SITE = "setpriv --reuid=guestbook --regid=guestbook --init-groups bash -s"


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Desk, Desk]]:
    """Two desks, whose sites both serve on one host. All tests of this file use these sites, in order."""
    with throwaway.boot("removal", "trixie", standing.deployed("trixie")) as host:
        folder = tmp_path_factory.mktemp("desk")
        first, second = (Desk(example("guestbook", folder / name), host) for name in ("first", "second"))
        known = yaml.safe_load((second.project / "fabric.yaml").read_text())["roadie"]
        settings(second.project, **{**known, "app": "guestbook-eu", "domain": SECOND})
        commit(second.project)
        for task in ("bootstrap", "deploy"):
            second.does(task)
        assert eventually(lambda: is_serving(host), 30)
        yield first, second


def answers(site: Desk) -> bool:
    """Return whether a request with the first site's domain gets an answer."""
    try:
        return bool(browse(site.host, timeout=5).status)
    except OSError:
        return False


def test_a_site_goes_however_often_it_is_cut_no_other_notices_and_it_comes_back_with_its_data(
    sites: tuple[Desk, Desk], seed: int
) -> None:
    first, _ = sites
    host, turns = first.host, Turns(seed, QUICK_WAYS)
    photo = ("photo", "cat.png", b"\x89PNG a cat")
    assert Browser(host).upload("/", photo, name="Ann", message="Still here").status == 302
    host.ssh(AS_SITE, text=STUBBORN)
    secrets = inside(host, "cat /srv/guestbook/shared/secrets")
    with Visitors(host, domain=SECOND) as neighbours:
        Cuts(first, ("remove", "--yes"), turns).all()
        assert not answers(first)
        again = first.does("remove", "--yes").out
        assert ": 0 changed" in again and "its database, uploads, secrets and logs stay" in again
        assert inside(host, "cd /srv/guestbook && find . -maxdepth 2 | sort").split() == [
            *(". ./shared ./shared/home ./shared/media ./shared/secrets".split()),
            "./shared/secrets.given",
        ]
        left = inside(host, "ls /run /etc/supervisor/conf.d /etc/nginx/*/ /etc/tmpfiles.d")
        assert "guestbook" not in left.replace("guestbook-eu", "")
        assert inside(host, "pgrep -u guestbook || :") == ""
        error_of(first.fab("deploy"), 6, "fab bootstrap")
        for task in ("bootstrap", "deploy"):
            first.does(task)
        page = browse(host)
        assert page.status == 200 and "Still here" in page.body
        assert ": 0 changed" in first.does("bootstrap").out
    turns.tell()
    neighbours.assert_content()
    assert inside(host, "cat /srv/guestbook/shared/secrets") == secrets
    assert inside(host, "ls /srv/guestbook/shared/media/*") != ""


def test_a_purge_wants_the_name(sites: tuple[Desk, Desk]) -> None:
    first, _ = sites
    error_of(first.fab("remove", "--purge"), 2, "--confirm guestbook")
    error_of(first.fab("remove", "--purge", "--confirm", "guestbook-eu"), 2, "guestbook")
    error_of(first.fab("remove", "--confirm", "guestbook"), 2, "--purge")
    error_of(first.fab("remove", "--purge", "--yes"), 2, "--confirm guestbook")
    assert is_serving(first.host)


def test_nothing_is_removed_unasked_and_no_dry_run_removes(
    sites: tuple[Desk, Desk],
) -> None:
    first, _ = sites
    error_of(first.fab("remove"), 2, "takes guestbook off", "--yes")
    error_of(first.fab("--dry", "remove", "--yes"), 2, "--dry: roadie's tasks cannot obey it", "fab plan")
    error_of(first.fab("remove", "--yes", env={"FABRIC_RUN_DRY": "1"}), 2, "--dry")
    assert is_serving(first.host)


def test_what_cannot_go_is_told_before_anything_went(sites: tuple[Desk, Desk]) -> None:
    first, _ = sites
    host, media = first.host, "/srv/guestbook/shared/media"
    host.ssh(f"mount -t tmpfs none {media}")
    error_of(first.fab(*PURGE), 6, media, "unmount")
    host.ssh(f"umount {media}")
    host.put("server { no_such_thing; }\n", "/etc/nginx/sites-enabled/broken")
    error_of(first.fab(*PURGE), 6, "sites-enabled/broken")
    host.ssh("rm /etc/nginx/sites-enabled/broken")
    for user in ("guestbook", "guestbook-build"):
        mine = "/etc/supervisor/conf.d/mine.conf"
        host.put(f"[program:mine]\ncommand=sleep 1000\nuser = {user} ; me\n", mine)
        error_of(first.fab(*PURGE), 6, mine, f"as {user};")
        host.ssh(f"rm {mine}")
    assert is_serving(host)


def test_a_purge_may_be_cut_at_every_step_and_leaves_nothing_of_the_site_and_all_of_the_other(
    sites: tuple[Desk, Desk], seed: int
) -> None:
    first, second = sites
    host = first.host
    host.ssh(AS_SITE, text=TRAPS)
    host.ssh("bash -s", text=SPOOLED)
    host.ssh("ln -s /etc /run/guestbook/etc")  # the site's user could, in a folder of an earlier roadie
    first.does("maintenance", "on")
    others = "find /srv/guestbook-eu -path '*/home' -prune -o -printf '%p %m %u %l\\n' | sort; ls /etc /;"
    others += "find / -xdev -name '*guestbook-eu*' | sort"
    before = inside(host, others)
    host.ssh("systemctl stop mariadb")
    error_of(first.fab(*PURGE), 7, "database guestbook", "site is off already")
    host.ssh("systemctl start mariadb")
    assert eventually(lambda: browse(host, domain=SECOND).status == 200)
    turns = Turns(seed, QUICK_WAYS)
    with Visitors(host, domain=SECOND) as neighbours:
        Cuts(first, PURGE, turns).all()
        assert ": 0 changed" in first.does(*PURGE).out
    turns.tell()
    neighbours.assert_content()
    assert inside(host, TRACES).splitlines() == []
    assert inside(host, others) == before
    assert ": 0 changed" in second.does("bootstrap").out
    assert first.fab("plan").code == 10  # the name is free again, so plan finds a site to set up


def test_what_roadie_did_not_make_is_not_removed(sites: tuple[Desk, Desk]) -> None:
    first, _ = sites
    first.host.ssh("useradd guestbook && mkdir /srv/guestbook && touch /srv/guestbook/theirs")
    for words in (("remove", "--yes"), PURGE):
        error_of(first.fab(*words), 6, "a user guestbook", "roadie did not make it")
    assert inside(first.host, "ls /srv/guestbook") == "theirs\n"
