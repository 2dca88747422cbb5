"""A script runs as root by sudo, with a password or without, and no password is seen."""

import time

import pytest
import thirds
from desk import eventually
from dialling import PASSWORD, at_a_terminal, now, since
from roadie.errors import Unreachable

SUITES = pytest.mark.parametrize("suite", thirds.SUITES)


@pytest.fixture
def host(with_users, suite):
    return with_users(suite)


@SUITES
def test_sudo_without_a_password(reach):
    ours = reach(user="free")
    outcome = ours.execute('id -un; wc -c <"$2"', b"x" * 3_000_000)
    assert outcome.tail == ["root", "3000000"]
    assert ours.execute("echo $HOME").tail == ["/root"]


@SUITES
def test_sudo_with_a_password_of_the_command_line(reach, host):
    ours = reach(user="asked", sudo=PASSWORD)
    for _ in range(2):
        outcome = ours.execute('id -un; wc -c <"$2"; echo script', b"x" * 3_000_000)
        assert outcome.tail == ["root", "3000000", "script"]


def test_a_password_is_harmless_where_sudo_asks_for_none(reach):
    outcome = reach(user="free", sudo="$(touch /tmp/run-by-mistake)").execute(
        "id -un; ls /tmp/run-by-mistake"
    )
    assert outcome.tail[0] == "root"
    assert "No such file" in outcome.tail[1]


@SUITES
def test_a_wrong_sudo_password_is_one_try_and_sends_nothing_else(reach, host):
    place = now(host)
    began = time.monotonic()
    with pytest.raises(Unreachable, match=r"^asked@web1: sudo refused the password"):
        reach(user="asked", sudo="wrong").execute("echo secret")
    assert time.monotonic() - began < 10
    assert eventually(lambda: since(host, place, "incorrect password attempt"))
    (attempt,) = since(host, place, "incorrect password attempt")
    assert "1 incorrect password attempt" in attempt


@SUITES
def test_without_a_terminal_nobody_is_asked_for_a_sudo_password(reach):
    with pytest.raises(Unreachable, match=r"^asked@web1: sudo wants a password; use --prompt-for-sudo"):
        reach(user="asked").execute("true")


@SUITES
def test_a_user_whom_sudo_does_not_know_is_told_in_its_words(reach):
    with pytest.raises(Unreachable, match=r"^stranger@web1: sudo refused: stranger is not in the sudoers"):
        reach(user="stranger", sudo=PASSWORD).execute("true")


def test_the_sudo_password_is_asked_once_at_a_terminal(reach):
    reach.write()
    shown = at_a_terminal(
        reach, "print(host.execute('id -un').tail, host.execute('echo again').tail)", PASSWORD, user="asked"
    )
    assert shown.count("sudo password of asked@web1: ") == 1
    assert "['root'] ['again']" in shown
    assert PASSWORD not in shown


@pytest.mark.parametrize("password", [None, PASSWORD])
def test_a_sudo_that_requires_a_terminal_is_told_in_its_words(reach, host, password):
    host.put("Defaults requiretty\n", "/etc/sudoers.d/tty")
    try:
        for user in ("free", "asked"):
            with pytest.raises(
                Unreachable, match=rf"^{user}@web1: sudo refused: .*must have a tty.*requiretty$"
            ):
                reach(user=user, sudo=password).execute("true")
    finally:
        host.ssh("rm /etc/sudoers.d/tty")


def test_sudo_with_a_terminal_of_its_own(reach, host):
    host.put("Defaults use_pty\nDefaults lecture = always\n", "/etc/sudoers.d/pty")
    try:
        assert reach(user="asked", sudo=PASSWORD).execute("id -un").tail == ["root"]
    finally:
        host.ssh("rm /etc/sudoers.d/pty")


def test_a_password_is_never_seen_on_the_host(reach, host):
    ours = reach(user="asked", sudo=PASSWORD)
    seen = ours.execute('tr "\\0" " " </proc/[0-9]*/cmdline; cat /proc/[0-9]*/environ; cat "$1"').tail
    assert not any(PASSWORD[:6] in line for line in seen)


def test_sudo_rs_is_understood(reach, host):
    host.ssh("apt-get -qq update; apt-get -qq install -y sudo-rs")
    host.ssh("dpkg-divert --rename --quiet --add /usr/bin/sudo; ln -sf /usr/lib/cargo/bin/sudo /usr/bin/sudo")
    try:
        assert reach(user="free").execute("id -un").tail == ["root"]
        assert reach(user="asked", sudo=PASSWORD).execute("id -un").tail == ["root"]
        with pytest.raises(Unreachable, match="sudo refused the password"):
            reach(user="asked", sudo="wrong").execute("true")
        with pytest.raises(Unreachable, match="sudo wants a password"):
            reach(user="asked").execute("true")
        with pytest.raises(Unreachable, match="sudo refused: "):
            reach(user="stranger", sudo=PASSWORD).execute("true")
    finally:
        host.ssh("rm /usr/bin/sudo; dpkg-divert --rename --quiet --remove /usr/bin/sudo")
