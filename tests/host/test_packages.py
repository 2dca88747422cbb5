"""roadie waits for other runs of apt, lets apt ask no question, and tells apt's failures in one line."""

from __future__ import annotations

import re

import pytest
from desk import eventually
from told import last_run

HOLD = """
import fcntl, time
lock = open("/var/lib/dpkg/lock-frontend", "w")
fcntl.lockf(lock, fcntl.LOCK_EX)
open("/root/held", "w").close()
time.sleep(999)
"""


@pytest.fixture
def lacking(packaged):
    """A host that lacks one small package."""
    packaged.host.ssh("dpkg --purge --force-depends logrotate >/dev/null && apt-get -qq update")
    return packaged


def hold_lock(host):
    host.put(HOLD, "/root/hold.py")
    host.ssh("systemd-run -q --unit=hold python3 /root/hold.py")
    assert eventually((host.tree / "root/held").exists)


def test_another_run_of_apt_is_waited_for_and_named(lacking):
    hold_lock(lacking.host)
    with lacking.started("packages") as process:
        assert "/root/hold.py" in next(line for line in process.stdout if "held by process" in line)
        lacking.host.ssh("systemctl stop hold")
        out, err = process.communicate(timeout=120)
    assert process.returncode == 0, out + err
    assert last_run(lacking.host).said("changed") >= {("packages", "package logrotate")}


def test_another_run_of_apt_that_never_ends_is_named_when_the_time_is_up(lacking, desk):
    hold_lock(lacking.host)
    done = desk(lacking.host, apt_lock_timeout=2).fab("packages")
    assert done.code == 6 and "/root/hold.py" in done.last_line and "apt_lock_timeout" in done.last_line


def test_an_unknown_package_is_named(packaged, desk):
    done = desk(packaged.host, packages=["no-such-thing"]).fab("bootstrap")
    assert (done.code, "Unable to locate package no-such-thing" in done.last_line) == (6, True), done.text


def test_a_mirror_that_does_not_answer_is_named(lacking):
    host = lacking.host
    host.ssh("rm -rf /etc/apt/sources.list* /var/lib/apt/lists/* && mkdir /etc/apt/sources.list.d")
    host.put("deb http://127.0.0.1:9/debian stable main\n", "/etc/apt/sources.list")
    done = lacking.fab("packages")
    assert (done.code, "http://127.0.0.1:9/debian" in done.last_line) == (6, True), done.text


def test_what_a_cut_run_of_dpkg_left_is_put_right_first(lacking):
    host = lacking.host
    host.ssh(
        "dpkg --force-depends --unpack /var/cache/apt/archives/nginx-common_*.deb >/dev/null 2>&1",
        check=False,
    )
    half = host.ssh("dpkg --audit").stdout
    done = lacking.does("packages")
    if half:
        assert ("packages", "dpkg") in last_run(host).said("changed"), done.text
    assert host.ssh("dpkg --audit").stdout == ""
    assert re.search(r": 0 changed", lacking.does("packages").out)


def test_no_program_is_restarted_and_none_asks_a_question(packaged, desk):
    host = packaged.host
    before = host.ssh("systemctl show -p MainPID supervisor mariadb nginx").stdout
    done = desk(host, packages=["needrestart", "postfix"]).does("packages")
    assert host.ssh("systemctl show -p MainPID supervisor mariadb nginx").stdout == before
    assert "Failed to restart" not in done.text
    desk(host, packages=["needrestart", "postfix"]).does("bootstrap")
    assert "supervisor" in host.ssh("cat /etc/needrestart/conf.d/roadie.conf").stdout


def test_names_that_others_provide_and_alternatives_are_enough(packaged, desk):
    """libmagic1 is a package on Debian 12, and on 13 a name that libmagic1t64 provides."""
    packaged.host.ssh("apt-get -qq update")
    sat = desk(packaged.host, packages=["libmagic1", "no-such-thing | jq | no-other", "tree|no-other"])
    sat.does("packages")
    assert ("packages", "package no-such-thing | jq | no-other") in last_run(packaged.host).said("changed")
    assert packaged.host.ssh("dpkg-query -W jq tree").stdout
    assert re.search(r": 0 changed", sat.does("packages").out)
    done = desk(packaged.host, packages=["mail-transport-agent"]).fab("packages")
    assert (done.code, "name one of them in packages: " in done.last_line) == (6, True), done.text
    assert "exim4-daemon-light" in done.last_line
    done = desk(packaged.host, packages=["no-such-thing | no-other"]).fab("packages")
    assert done.code == 6 and "no-such-thing | no-other: apt can install none" in done.last_line, done.text
