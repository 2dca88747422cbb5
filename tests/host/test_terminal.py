"""A program on the host gets a real terminal, or streams that pass unchanged."""

import os

import pytest
from dialling import PASSWORD, at_a_terminal, piped


@pytest.fixture
def host(with_users, suite):
    return with_users(suite)


def test_a_program_gets_a_real_terminal(reach):
    reach.write()
    program = 'tty; stty size; read -p "name: " x; echo "[$x]"; exit 7'
    code = f"print('code', host.terminal({program!r}))"
    shown = at_a_terminal(reach, code, "it's me")
    assert "/dev/pts/" in shown
    assert "[it's me]" in shown
    assert "code 7" in shown


def test_a_terminal_waits_for_a_question_of_the_connection(reach):
    reach.write(known="")
    shown = at_a_terminal(reach, "host.open_soon(); print('code', host.terminal(['id', '-un']))", "yes")
    assert "Trust it (yes/no)?" in shown
    assert "root\ncode 0" in shown


def test_a_program_gets_a_terminal_through_sudo_too(reach):
    reach.write()
    shown = at_a_terminal(reach, "print('code', host.terminal(['id', '-un']))", PASSWORD, user="asked")
    assert "root\n" in shown
    assert "code 0" in shown


@pytest.mark.parametrize(("user", "sudo"), [(None, None), ("free", None), ("asked", PASSWORD)])
def test_without_a_terminal_streams_pass_unchanged(reach, user, sudo):
    data = os.urandom(3_000_000)
    done = piped(reach, ["sh", "-c", "cat; echo err >&2; exit 9"], data, user, sudo)
    assert done.stdout == data
    assert (done.stderr, done.returncode) == (b"err\n", 9)


def test_a_host_that_grants_one_session_at_a_time_will_do(reach, host):
    host.put("MaxSessions 1\n", "/etc/ssh/sshd_config.d/00-one.conf")
    host.ssh("systemctl reload ssh")
    try:
        for _ in range(5):
            done = piped(reach, ["echo", "fine"])
            assert done.stdout == b"fine\n", done.stderr
    finally:
        host.ssh("rm /etc/ssh/sshd_config.d/00-one.conf; systemctl reload ssh")


def test_arguments_reach_a_program_as_they_are(reach):
    words = ["it's", "a b", "$(id)", "`id`", "*", "", "\\", "é", "-x"]
    done = piped(reach, ["printf", "[%s]", *words])
    assert done.stdout.decode() == "".join(f"[{word}]" for word in words)
