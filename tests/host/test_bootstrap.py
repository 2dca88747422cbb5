"""bootstrap makes a bare server ready for its site. It changes just what the plan says, and only once."""

from __future__ import annotations

import re

import pytest
import thirds
from desk import browse, eventually
from roadie.scripts.stages import PROVISION
from roadie.settings.databases import DATABASES
from told import last_run
from within import files, sandboxed

BOTH = pytest.mark.parametrize("suite", thirds.SUITES)
NO_CHANGE = r": 0 changed, [\d.]+ s\n$"
SITE_CONF = "/etc/nginx/sites-available/guestbook.conf"


def connections(host):
    """Return how many connections and sessions sshd has logged."""
    journal = host.ssh("journalctl -q -o cat -u ssh").stdout
    return journal.count("Accepted publickey"), journal.count("Starting session")


def secrets_of(host):
    """Return the secrets that roadie has made on the host: the database's password and the secret key."""
    made = host.ssh("cat /srv/guestbook/shared/secrets").stdout
    return re.search(r"SECRET_KEY='(.+)'", made)[1], re.search(r"DATABASE_URL='[^']*:([^:@]+)@", made)[1]


def logs_of(host):
    return host.ssh("cat /var/log/roadie/*.log; journalctl -q -o cat").stdout


# The user who logs in: root on one host, and on the other a user whom sudo asks for no password.
USERS = {"trixie": "ann", "bookworm": "root"}
# Notes the DEBIAN_FRONTEND that apt gives to dpkg. It tells dpkg and debconf whether they may ask questions.
NOTE_FRONTEND = 'DPkg::Pre-Invoke { "printenv DEBIAN_FRONTEND >/root/frontend"; };\n'


@BOTH
def test_a_bare_server_becomes_ready_just_as_the_plan_says(bare_host, desk, suite):
    bare_host.add_user("ann", nopasswd=True)
    bare_host.ssh("sudo -n true", user="ann")  # at the first use, sudo makes a file in her home
    bare_host.put(NOTE_FRONTEND, "/etc/apt/apt.conf.d/99note")
    bare_host.put("# by hand\n", "/etc/logrotate.conf")  # dpkg would ask which version to keep
    sat = desk(bare_host, user=USERS[suite])
    before = files(bare_host)
    planned = sat.fab("plan")
    assert planned.code == 10, planned.text
    assert files(bare_host) == before
    would = last_run(bare_host).said("would")
    done = sat.does("bootstrap")
    assert last_run(bare_host).said("changed") == would
    assert bare_host.ssh("cat /root/frontend /etc/logrotate.conf").stdout == "noninteractive\n# by hand\n"
    for value in secrets_of(bare_host):
        assert len(value) > 40 and value not in done.text + planned.text + logs_of(bare_host)
    assert sandboxed(bare_host) == ["nginx", "supervisord"]  # from their first start
    answer = browse(bare_host)
    assert (answer.status, answer.headers["retry-after"]) == (503, "30")
    assert "No release yet" in answer.body
    for other in ("unknown.example.org", bare_host.address):
        with pytest.raises(ConnectionError):
            browse(bare_host, domain=other)
    assert re.search(NO_CHANGE, sat.does("bootstrap").out)
    assert sat.fab("plan").code == 0


def test_a_second_run_is_one_connection_with_one_session(bootstrapped):
    at_first = connections(bootstrapped.host)
    bootstrapped.does("bootstrap")
    ours = bootstrapped.host  # reading the journal takes a connection too
    assert connections(ours) == (at_first[0] + 2, at_first[1] + 2)


def test_each_stage_is_a_task_of_its_own(bootstrapped):
    off = {*DATABASES, "redis"} - {"mysql"}
    for stage in PROVISION:
        if stage.name in off:
            done = bootstrapped.fab(stage.name)
            assert done.code == 2 and "the settings turn this stage off" in done.last_line
        else:
            assert re.search(NO_CHANGE, bootstrapped.does(stage.name).out), stage.name


def test_a_stage_alone_on_a_bare_server_says_what_comes_first(bare_host, desk):
    done = desk(bare_host).fab("mysql")
    assert (done.code, "run: fab bootstrap" in done.last_line) == (6, True), done.text


def test_an_edit_by_hand_shows_as_a_diff_and_is_kept_and_named(bootstrapped):
    host = bootstrapped.host
    host.ssh(f"sed -i 's/120s/7s/' {SITE_CONF} && systemctl reload nginx && chmod 600 {SITE_CONF}")
    edited = host.ssh(f"cat {SITE_CONF}").stdout
    planned = bootstrapped.fab("plan")
    assert planned.code == 10
    assert "-        proxy_read_timeout 7s;" in planned.out
    assert "+        proxy_read_timeout 120s;" in planned.out
    done = bootstrapped.does("bootstrap")
    [kept] = re.findall(rf"/var/backups/roadie{SITE_CONF}\S+", done.out)
    assert host.ssh(f"cat {kept}").stdout == edited
    assert host.ssh(f"stat -c %a {kept}").stdout == "600\n"
    running = {(stage, what) for stage, what in last_run(host).said("changed") if stage == "nginx"}
    assert running == {("nginx", f"file {SITE_CONF}"), ("nginx", "reload of nginx")}
    assert re.search(NO_CHANGE, bootstrapped.does("bootstrap").out)


def test_a_second_site_disturbs_nothing_of_the_first(deployed, desk):
    host = deployed.host
    newsdesk = desk(host, "newsdesk")
    newsdesk.does("bootstrap")
    assert browse(host, "/healthz").status == 200
    assert browse(host, domain="newsdesk.example.org").status == 503
    assert re.search(NO_CHANGE, deployed.does("bootstrap").out)
    assert re.search(NO_CHANGE, newsdesk.does("bootstrap").out)


def test_after_a_reboot_all_is_ready_by_itself(bootstrapped):
    host = bootstrapped.host
    host.reboot()
    assert browse(host).status == 503
    assert host.ssh("stat -c '%a %U:%G' /run/guestbook").stdout == "711 root:root\n"
    assert host.ssh("systemctl is-active nginx supervisor mariadb").stdout.split() == ["active"] * 3
    assert re.search(NO_CHANGE, bootstrapped.does("bootstrap").out)


def test_a_service_that_was_stopped_or_kept_from_starting_at_boot_is_put_right(bootstrapped):
    host = bootstrapped.host
    host.ssh("systemctl disable --now nginx; systemctl disable supervisor; systemctl stop mariadb")
    planned = bootstrapped.fab("plan")
    assert (planned.code, "failed" in planned.text) == (10, False), planned.text
    bootstrapped.does("bootstrap")
    services = {
        ("mysql", "service mariadb"),
        ("supervisor", "service supervisor"),
        ("nginx", "service nginx"),
    }
    assert last_run(host).said("changed") == services
    assert browse(host).status == 503
    assert re.search(NO_CHANGE, bootstrapped.does("bootstrap").out)


@pytest.mark.third(1)
def test_a_run_that_is_killed_in_apt_is_made_good_by_the_next(bare_host, desk):
    sat = desk(bare_host)
    with sat.started("bootstrap") as process:
        # dpkg is halted first. Otherwise it might end before it is killed.
        halted = "grep -q 'Setting up' /var/log/roadie/*.log && pkill -STOP -x dpkg"
        assert eventually(lambda: not _fails(bare_host, halted), 300)
        bare_host.ssh("pkill -KILL -f '^bash /run/roadie/'; pkill -KILL -x apt-get; pkill -KILL -x dpkg")
        process.kill()
    sat.does("bootstrap")
    changed = last_run(bare_host).said("changed")
    assert ("packages", "dpkg") in changed
    assert bare_host.ssh("dpkg --audit").stdout == ""
    assert re.search(NO_CHANGE, sat.does("bootstrap").out)


def _fails(host, command):
    return host.ssh(command, check=False).returncode != 0
