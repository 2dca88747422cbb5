"""A run that is stopped, or whose link dies, ends on both sides."""

import time

import pytest
import thirds
from desk import eventually
from roadie.errors import Interrupted, Unreachable
from roadie.ssh import session
from roadie.throwaway import hosts as throwaway
from scripted import LASTS, NONCE, begun, is_gone, say

SUITES = pytest.mark.parametrize("suite", thirds.SUITES)


@pytest.fixture
def host(with_users, suite):
    return with_users(suite)


def test_stop_ends_a_run_at_once_and_the_host_hears_of_it(reach, host):
    ours = reach()
    result = begun(ours, LASTS.format(4242))
    at = time.monotonic()
    ours.stop()
    error, ended = result()
    assert isinstance(error, Interrupted)
    assert str(error).startswith("web1: stopped in stage test after ")
    assert ended - at < 0.5
    assert eventually(lambda: is_gone(host, "sleep 4242"), 5)


def test_stop_before_anything_runs_is_no_different(reach):
    ours = reach()
    ours.stop()
    with pytest.raises(Interrupted):
        ours.execute("true")


def test_an_error_of_the_listener_ends_the_run_on_the_host_too(reach, host):
    def fail(event):
        raise ZeroDivisionError

    script = "trap 'kill %1; exit 130' TERM\n" + say("ok", "x") + "sleep 4343 & wait"
    with pytest.raises(ZeroDivisionError):
        reach().execute(script, on_event=fail, nonce=NONCE)
    assert eventually(lambda: is_gone(host, "sleep 4343"), 5)


@SUITES
def test_a_link_that_dies_without_a_word_is_noticed_on_both_sides(reach, host):
    ours = reach()
    result = begun(ours, LASTS.format(4444))
    host.cut_link()
    at = time.monotonic()
    try:
        error, ended = result()
        assert isinstance(error, Unreachable)
        assert str(error).startswith("lost web1 in stage test after ")
        assert ended - at < 22
    finally:
        host.mend_link()
    assert eventually(lambda: is_gone(host, "sleep 4444"), 20)


def test_a_link_that_dies_behind_a_jump_host_is_noticed_too(reach, host, tmp_path):
    with throwaway.boot("hop") as hop:
        hop.ssh("cat >>/root/.ssh/authorized_keys", text=host.key.with_suffix(".pub").read_text())
        lines = ["Host jump", f"HostName {hop.address}", "User root", "Host web1", "ProxyJump jump"]
        ours = reach(*lines, known=host.known_hosts.read_text() + hop.known_hosts.read_text())
        result = begun(ours, "sleep 60")
        host.cut_link()
        at = time.monotonic()
        try:
            error, ended = result()
            assert isinstance(error, Unreachable)
            assert ended - at < 25
        finally:
            host.mend_link()


def test_a_host_that_goes_down_is_noticed(reach, host):
    ours = reach()
    result = begun(ours, "sleep 60")
    at = time.monotonic()
    host.power_cut()
    error, ended = result()
    assert isinstance(error, Unreachable)
    assert ended - at < 22


def test_a_quiet_script_that_takes_longer_than_the_silence_allowed_is_let_be(reach, monkeypatch):
    monkeypatch.setattr(session, "SILENCE", 4)
    assert reach().execute("sleep 6; echo done").tail == ["done"]
