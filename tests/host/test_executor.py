"""`fab` works on several hosts at the same time, over one connection each. Ctrl-C ends it at once."""

import os
import pty
import select
import signal
import subprocess
import sys
import termios
import time
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from desk import eventually
from dialling import PASSWORD, boot_with_users, now, since
from roadie.throwaway import hosts as throwaway

FAB = Path(sys.executable).parent / "fab"
FABFILE = """
import fabric
from roadie.run.command import hosts_of
from roadie.run.executor import install
from roadie.run.parallel import in_parallel
from roadie.run.task import roadie_task
install()

def run(c, script):
    hosts = hosts_of(c)
    for host, result in zip(hosts, in_parallel(hosts, lambda host: host.execute(script))):
        if isinstance(result, Exception):
            raise result
        print(host.name, *result.tail, flush=True)

@roadie_task
def name(c):
    "Print the name of each host."
    run(c, "hostname; sleep 1")

@roadie_task
def rest(c):
    "Print, and sleep until it is stopped."
    print("resting", flush=True)
    run(c, "trap 'kill %1; exit 130' TERM; sleep 4747 & wait")

@fabric.task
def own(c):
    c.run("hostname")

@fabric.task
def both(c):
    c.run("hostname")
    name(c)
"""


@pytest.fixture(scope="module")
def hosts():
    with boot_with_users(throwaway, "one") as one, boot_with_users(throwaway, "two") as two:
        two.ssh("cat >>/root/.ssh/authorized_keys", text=one.key.with_suffix(".pub").read_text())
        two.ssh("cat >>/home/asked/.ssh/authorized_keys", text=one.key.with_suffix(".pub").read_text())
        yield one, two


@pytest.fixture
def project(hosts, tmp_path):
    one, two = hosts
    (tmp_path / "fabfile.py").write_text(FABFILE)
    (tmp_path / "known_hosts").write_text(one.known_hosts.read_text() + two.known_hosts.read_text())
    lines = [
        "Host one",
        f"HostName {one.address}",
        "Host two",
        f"HostName {two.address}",
        "Host *",
        "User root",
    ]
    lines += [f"IdentityFile {one.key}", "IdentityAgent none", f"UserKnownHostsFile {tmp_path}/known_hosts"]
    (tmp_path / "ssh_config").write_text("\n".join(lines) + "\n")
    return tmp_path


def fab(project, *argv, **options):
    return subprocess.run(
        [FAB, "-S", "ssh_config", *argv],
        cwd=project,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        **options,
    )


@contextmanager
def resting(project, *hosts):
    """Start `fab` for both hosts with a task that sleeps there. At the end, wait until nothing sleeps."""
    process = subprocess.Popen(
        [FAB, "-S", "ssh_config", "-H", "one,two", "rest"],
        cwd=project,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert eventually(lambda: all(rests(host) for host in hosts))
        yield process
    finally:
        process.kill()
        process.communicate()
        eventually(lambda: not any(rests(host) for host in hosts))


def rests(host):
    return host.ssh("pgrep -f '[s]leep 4747'", check=False).returncode == 0


def test_hosts_are_served_at_the_same_time_and_reported_in_order(project, hosts):
    began = time.monotonic()
    done = fab(project, "-H", "two,one", "name")
    assert done.stdout.splitlines() == [f"two {hosts[1].name}", f"one {hosts[0].name}"]
    assert time.monotonic() - began < 4


def test_all_tasks_of_a_command_share_one_connection(project, hosts):
    places = [now(host) for host in hosts]
    assert fab(project, "-H", "one,two", "name", "name").returncode == 0
    for host, place in zip(hosts, places, strict=True):
        assert len(since(host, place, "Accepted publickey")) == 1


def test_a_users_task_and_ours_share_the_users_connection(project, hosts):
    place = now(hosts[0])
    done = fab(project, "-H", "one", "both")
    assert done.stdout.splitlines() == [hosts[0].name, f"one {hosts[0].name}"]
    assert len(since(hosts[0], place, "Accepted publickey")) == 1


def test_a_users_own_task_beside_ours_still_works(project, hosts):
    done = fab(project, "-H", "one,two", "own", "name", "own")
    names = [host.name for host in hosts]
    assert done.stdout.splitlines() == [*names, f"one {names[0]}", f"two {names[1]}", *names]


def test_a_host_that_cannot_be_reached_does_not_keep_the_others(project, hosts):
    done = fab(project, "-H", "nowhere.invalid,one", "name", "name")
    assert done.returncode == 5
    assert done.stderr.splitlines()[-1].startswith(
        "nowhere.invalid: the name nowhere.invalid does not resolve"
    )
    assert "Traceback" not in done.stderr


def test_a_bare_command_for_all_hosts_is_stock_fabrics(project, hosts):
    done = fab(project, "-H", "one,two", "--", "hostname")
    assert done.stdout.splitlines() == [host.name for host in hosts]


def test_ctrl_c_ends_within_a_second_and_stops_what_runs(project, hosts):
    with resting(project, *hosts) as process:
        at = time.monotonic()
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
        assert time.monotonic() - at < 1
        assert (process.returncode, err.count("\n")) == (130, 1)
        assert err.startswith("interrupted")
        assert eventually(lambda: not any(rests(host) for host in hosts), 5)


def test_ctrl_c_ends_within_a_second_where_a_host_does_not_answer(project, hosts):
    hosts[1].cut_link()
    try:
        with resting(project, hosts[0]) as process:
            at = time.monotonic()
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=60)
            assert time.monotonic() - at < 1
        assert process.returncode == 130
    finally:
        hosts[1].mend_link()


def test_ctrl_c_ends_within_a_second_where_a_link_has_died(project, hosts):
    with resting(project, *hosts) as process:
        hosts[1].cut_link()
        try:
            at = time.monotonic()
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=60)
            assert time.monotonic() - at < 1
        finally:
            hosts[1].mend_link()
        assert process.returncode == 130
        assert eventually(lambda: not any(rests(host) for host in hosts), 20)


@pytest.mark.parametrize("death", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP])
def test_a_controller_that_dies_stops_what_runs(project, hosts, death):
    with resting(project, *hosts) as process:
        process.send_signal(death)
        process.communicate(timeout=60)
        assert eventually(lambda: not any(rests(host) for host in hosts), 5)


@contextmanager
def at_a_terminal(project, *argv):
    """Start `fab` at a terminal. Yield the process and the screen. The process ends with the block."""
    child, screen = pty.fork()
    if child == 0:
        os.chdir(project)
        os.execv(FAB, ["fab", "-S", "ssh_config", *argv])
    try:
        yield child, screen
    finally:
        with suppress(ProcessLookupError, ChildProcessError):
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
        os.close(screen)


def test_ctrl_c_at_a_question_gives_the_terminal_back(project):
    with at_a_terminal(project, "-H", "asked@one,asked@two", "name") as (child, screen):
        shown = until(screen, "sudo password of asked@one: ", "sudo password of asked@two: ")
        assert not termios.tcgetattr(screen)[3] & termios.ECHO
        at = time.monotonic()
        os.write(screen, b"\x03")
        shown += until(screen, "interrupted")
        assert termios.tcgetattr(screen)[3] & termios.ECHO
        _, status = os.waitpid(child, 0)
        assert os.waitstatus_to_exitcode(status) == 130
        assert time.monotonic() - at < 1.5
    assert "Traceback" not in shown


def test_one_sudo_password_serves_all_hosts_of_a_user(project, hosts):
    with at_a_terminal(project, "-H", "asked@one,asked@two", "name", "name") as (_, screen):
        shown = until(screen, "sudo password of ")
        time.sleep(0.3)  # time in which the other host could ask too
        os.write(screen, f"{PASSWORD}\n".encode())
        shown += until(screen)
    assert shown.count("sudo password of ") == 1
    assert shown.count(hosts[0].name) == shown.count(hosts[1].name) == 2


def until(screen, *wanted, seconds=20):
    """Return what the screen shows until one of these words appears, or until the program ends."""
    shown = ""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and not any(each in shown for each in wanted):
        if select.select([screen], [], [], 0.1)[0]:
            try:
                shown += os.read(screen, 65536).decode()
            except OSError:
                break
    return shown
