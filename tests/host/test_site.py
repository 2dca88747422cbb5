"""A site takes no name that belongs to somebody else, and its own user cannot change its files."""

from __future__ import annotations

import re

import pytest
from told import last_run

TAKEN = {
    "useradd guestbook": "a user guestbook",
    "groupadd guestbook": "a group guestbook",
    "useradd guestbook-build": "a user guestbook-build",
    "mkdir /srv/guestbook": "/srv/guestbook",
    "ln -s /nowhere /srv/guestbook": "/srv/guestbook",
    "touch /etc/nginx/sites-available/guestbook.conf": "/etc/nginx/sites-available/guestbook.conf",
    "touch /etc/supervisor/conf.d/guestbook.conf": "/etc/supervisor/conf.d/guestbook.conf",
    "touch /etc/supervisor/conf.d/guestbook-green.conf": "/etc/supervisor/conf.d/guestbook-green.conf",
    "touch /var/log/nginx/guestbook.access.log.2.gz": "/var/log/nginx/guestbook.access.log.2.gz",
}
# Plain attempts of the site's user to write and read files. No bug is needed for these.
BREAK_OUT = """
cd /srv/guestbook
for path in . releases slots venvs venvs/* shared shared/static /{var/log,run}/guestbook \
  /usr/local/lib/roadie; do
  touch $path/evil 2>/dev/null && echo "can write $path"
done
for path in shared/secrets /etc/tmpfiles.d/guestbook.conf /usr/local/lib/roadie/enclose venvs/*/bin/pip*; do
  [ -w $path ] && echo "can change $path"
done
for path in /srv/newsdesk/shared/{secrets,media,home} /run/newsdesk /var/log/newsdesk; do
  [ -r $path ] && echo "can read $path"
done
for path in /var/log/roadie /var/lib/roadie{,/sites} /run/roadie /var/cache/roadie/guestbook; do
  [ -r $path ] && echo "can read $path"
done
for path in shared/home shared/media; do
  touch $path/mine && rm $path/mine || echo "cannot write $path"
done
cat shared/secrets >/dev/null || echo "cannot read its own secrets"
"""
AS_SITE = "setpriv --reuid=guestbook --regid=guestbook --init-groups bash -s"


@pytest.mark.parametrize(("command", "named"), TAKEN.items(), ids=TAKEN)
def test_a_name_that_is_somebody_elses_is_refused_before_anything_is_made(packaged, command, named):
    host = packaged.host
    host.ssh(command)
    for task in ("plan", "bootstrap"):
        done = packaged.fab(task)
        assert (done.code, named in done.last_line, "app:" in done.last_line) == (6, True, True), done.text
    made = {what for _, what in last_run(host).said("changed")}
    assert made == {
        "directory /var/lib/roadie/sites",
        "file /var/lib/roadie/format",
    }
    assert "guestbook" not in host.ssh("ls /var/lib/roadie/sites").stdout


def test_a_run_that_was_cut_knows_its_own_names_again(packaged):
    host = packaged.host
    host.ssh("mkdir -p -m 700 /var/lib/roadie/sites && groupadd guestbook")
    host.put("site\n", "/var/lib/roadie/sites/guestbook")
    packaged.does("bootstrap")
    assert ("site", "user guestbook") in last_run(host).said("changed")
    assert re.search(r": 0 changed", packaged.does("bootstrap").out)


def test_the_sites_user_can_change_nothing_but_its_data_and_read_nothing_of_another_site(bootstrapped, desk):
    host = bootstrapped.host
    desk(host, "newsdesk").does("bootstrap")
    assert host.ssh(AS_SITE, text=BREAK_OUT).stdout == ""
    account = host.ssh("getent passwd guestbook; id guestbook").stdout
    assert ":/usr/sbin/nologin" in account and "www-data" not in account and "sudo" not in account


def test_nginx_reaches_sockets_and_files_to_serve_and_no_more(bootstrapped):
    look = "cd /srv/guestbook; ls shared/media shared/static /run/guestbook venvs releases shared/home"
    as_nginx = "setpriv --reuid=www-data --regid=www-data --init-groups bash -s"
    done = bootstrapped.host.ssh(as_nginx, text=look, check=False)
    denied = set(re.findall(r"'([^']+)': Permission denied", done.stderr))
    # nginx may pass through /run/guestbook to a socket, but not list the folder.
    assert denied == {"/run/guestbook", "venvs", "releases", "shared/home"}


def test_folders_that_strayed_are_put_right_but_something_else_in_their_place_is_not(bootstrapped):
    host = bootstrapped.host
    host.ssh("cd /srv/guestbook && chmod 777 releases && chown guestbook . && rmdir shared/static")
    bootstrapped.does("bootstrap")
    changed = {what for _, what in last_run(host).said("changed")}
    assert changed == {f"directory /srv/guestbook{path}" for path in ("", "/releases", "/shared/static")}
    host.ssh("rmdir /srv/guestbook/slots && ln -s /etc /srv/guestbook/slots")
    done = bootstrapped.fab("bootstrap")
    assert (done.code, "directory /srv/guestbook/slots" in done.last_line) == (6, True), done.text


def test_a_host_set_up_by_a_newer_roadie_is_left_alone(bootstrapped):
    bootstrapped.host.ssh("echo 2 >/var/lib/roadie/format")
    done = bootstrapped.fab("bootstrap")
    assert (done.code, "upgrade roadie" in done.last_line) == (3, True), done.text
