"""Throwaway hosts are real servers, and leave no trace."""

import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
import thirds
from desk import eventually
from roadie.errors import RoadieError, UsageError
from roadie.throwaway import base_trees as basetree
from roadie.throwaway import hosts as throwaway
from roadie.throwaway import machine, nspawn

BOTH = pytest.mark.parametrize("suite", thirds.SUITES)
PAUSE = "import signal; signal.pause()"
VERSIONS = {"trixie": "13", "bookworm": "12"}


def traces(host):
    """Return what this machine still has of a host: processes, mounts, folders and so on."""
    links = machine.run("ip", "-o", "link")
    found = [line for line in links.splitlines() if f" roadie{host.slot}@" in line]
    found += [line for line in Path("/proc/mounts").read_text().splitlines() if host.name in line]
    found += [line for line in machine.run("ps", "ax").splitlines() if host.name in line]
    folders = [host.state, host.storage, host.image, Path("/run/netns", host.name)]
    folders.append(Path("/run/systemd/nspawn/propagate", host.name))
    cgroups = Path("/sys/fs/cgroup").glob(f"**/roadie-{host.name}")
    return found + [str(path) for path in (*folders, *cgroups) if path.exists()]


@contextmanager
def child(code, **env):
    """Start another Python, which prints what it did. It is killed if the block fails."""
    imports = "from roadie.throwaway import base_trees as basetree, hosts as throwaway"
    with subprocess.Popen(
        [sys.executable, "-c", f"{imports}\n{code}"],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **env},
    ) as process:
        try:
            yield process
        except BaseException:
            process.kill()
            raise


def booted_by(process):
    """Return the host that another Python booted. The first line of its output is the host's name."""
    return throwaway.find(process.stdout.readline().strip())


@BOTH
def test_a_host_is_a_bare_debian_that_runs_systemd(bare_host, suite):
    facts = bare_host.ssh(
        "cat /proc/1/comm; systemctl is-system-running; . /etc/os-release; echo $VERSION_ID"
    )
    assert facts.stdout.split() == ["systemd", "running", VERSIONS[suite]]
    extra = "command -v nginx mysqld gunicorn supervisord pip git rsync"
    assert bare_host.ssh(extra, check=False).stdout == ""


@BOTH
def test_apt_and_pip_work_inside(bare_host, suite):
    bare_host.ssh("apt-get update")
    sources = bare_host.ssh("apt-get indextargets --format '$(RELEASE)' | sort -u").stdout.split()
    assert sources == [suite, f"{suite}-security", f"{suite}-updates"]
    bare_host.ssh("apt-get install -y --no-install-recommends nginx python3-venv")
    assert "Welcome to nginx" in bare_host.ssh("curl -s http://localhost/").stdout
    bare_host.ssh("python3 -m venv /opt/venv && /opt/venv/bin/pip install Django")
    assert bare_host.ssh("/opt/venv/bin/python -m django --version").stdout[0] in "456"


def test_plain_openssh_reaches_it_by_its_config_file_and_by_its_address(bare_host):
    options = ["-i", bare_host.key, "-o", f"UserKnownHostsFile={bare_host.known_hosts}"]
    by_name = ["ssh", "-F", bare_host.ssh_config, bare_host.name, "hostname"]
    by_address = ["ssh", "-F", "none", *options, f"root@{bare_host.address}", "hostname"]
    for command in (by_name, by_address):
        assert subprocess.check_output(command, text=True).strip() == bare_host.name


def test_a_failing_command_says_where_and_why(bare_host):
    with pytest.raises(RoadieError, match=rf"^{bare_host.name}: 'ls /nowhere' failed \(2\): ls: "):
        bare_host.ssh("ls /nowhere")
    assert bare_host.ssh("exit 7", check=False).returncode == 7


def test_put_writes_a_file_byte_by_byte(bare_host):
    text = 'it\'s $HOME, \\ and "quotes"\n\ttab ä\n'
    bare_host.put(text, "/root/with space")
    assert bare_host.ssh("cat '/root/with space'").stdout == text


def test_users_log_in_with_the_key_and_sudo_asks_as_told(bare_host):
    bare_host.add_user("anna", nopasswd=True)
    bare_host.add_user("bob", password="pass word")
    assert bare_host.ssh("sudo -n id -u", user="anna").stdout == "0\n"
    assert bare_host.ssh("sudo -n true", user="bob", check=False).returncode == 1
    asked = bare_host.ssh("sudo -S -p '' id -u", user="bob", text="pass word\n")
    assert (asked.stdout, asked.stderr) == ("0\n", "")
    assert bare_host.ssh("sudo -S -k true", user="bob", text="wrong\n", check=False).returncode == 1


def test_sshd_logs_every_connection_and_session(bare_host):
    count = "journalctl -u ssh -o cat | grep -c"
    before = int(bare_host.ssh(f"{count} '^Connection from'").stdout)
    bare_host.ssh("true")
    assert int(bare_host.ssh(f"{count} '^Connection from'").stdout) == before + 2
    assert int(bare_host.ssh(f"{count} '^Starting session: command'").stdout) >= 4


def test_a_reboot_ends_all_that_runs_and_keeps_what_is_on_disk(bare_host):
    bare_host.ssh("touch /run/volatile /root/kept; systemd-run --quiet sleep 1000")
    bare_host.reboot()
    assert bare_host.ssh("pgrep sleep; ls /run/volatile", check=False).stdout == ""
    assert bare_host.ssh("ls /root/kept; systemctl is-system-running").stdout == "/root/kept\nrunning\n"


def test_a_host_that_is_told_to_reboot_comes_back_by_itself(bare_host):
    before = nspawn.running(bare_host.state)
    bare_host.ssh("touch /run/volatile; systemctl reboot", check=False)
    assert eventually(lambda: nspawn.running(bare_host.state) != before, 60)
    bare_host.wait_until_up()
    assert bare_host.ssh("ls /run/volatile", check=False).returncode == 2


def test_a_power_cut_runs_no_shutdown(bare_host):
    bare_host.put(
        "[Service]\nExecStart=sleep 1000\nExecStop=touch /root/stopped\n", "/etc/systemd/system/nap.service"
    )
    bare_host.ssh("systemctl daemon-reload && systemctl start nap && echo whole >/root/kept && sync")
    bare_host.power_cut()
    assert bare_host.ssh("cat /root/kept; ls /root/stopped", check=False).stdout == "whole\n"


def test_a_power_cut_takes_from_a_disk_what_was_not_synced():
    with throwaway.boot("disk", own_disk=True) as host:
        # One file is synced by name together with its folder, and another file is not synced.
        host.ssh("echo 1 >/root/synced && sync /root/synced /root && echo 2 >/root/lost")
        host.power_cut()
        assert host.ssh("cd /root; cat synced lost", check=False).stdout == "1\n"
        host.ssh("echo 3 >/root/again && sync -f /root")
        host.power_cut()
        assert host.ssh("cat /root/again; systemctl is-system-running").stdout == "3\nrunning\n"
    assert traces(host) == []


def test_only_a_disk_that_a_power_cut_may_harm_is_synced(bare_host):
    def obeys(host):
        [line] = [line for line in Path("/proc/mounts").read_text().splitlines() if f" {host.tree} " in line]
        return "volatile" not in line

    assert not obeys(bare_host)
    for more in {"own_disk": True}, {"syncs": True}:
        with throwaway.boot("synced", **more) as host:
            assert obeys(host)


def test_a_cut_link_is_silence_without_an_end_until_it_is_mended(bare_host):
    command = ["ssh", "-F", bare_host.ssh_config, bare_host.name, "sleep 2; echo still here"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as ssh:
        assert eventually(lambda: bare_host.ssh("pgrep -x sleep", check=False).stdout)
        bare_host.cut_link()
        try:
            time.sleep(4)
            assert ssh.poll() is None
            refused = ["ssh", "-F", bare_host.ssh_config, "-o", "ConnectTimeout=2", bare_host.name, "true"]
            assert "timed out" in subprocess.run(refused, capture_output=True, text=True).stderr
        finally:
            bare_host.mend_link()
        assert ssh.communicate(timeout=60)[0] == "still here\n"


def test_a_small_disk_runs_full():
    with throwaway.boot("small", disk_limit="40M") as host:
        full = host.ssh("head -c 60M /dev/zero >/root/big", check=False)
        assert full.returncode == 1
        assert "No space left on device" in full.stderr
        assert int(host.ssh("stat -c %s /root/big").stdout) < 40 << 20
        host.ssh("rm /root/big && echo room >/root/again")


def test_two_hosts_are_two_servers_that_reach_each_other():
    with throwaway.boot("twin") as one, throwaway.boot("twin") as two:
        assert one.name != two.name
        assert one.address != two.address
        assert one.known_hosts.read_text().split()[2] != two.known_hosts.read_text().split()[2]
        assert one.key.read_text() != two.key.read_text()
        assert one.ssh("cat /etc/machine-id").stdout != two.ssh("cat /etc/machine-id").stdout
        one.ssh("touch /root/mine && systemctl stop systemd-logind")
        assert two.ssh("ls /root; systemctl is-active systemd-logind").stdout == "active\n"
        assert one.ssh(f"ssh-keyscan -t ed25519 {two.address}").stdout


@BOTH
def test_a_host_from_a_snapshot_has_what_the_first_one_had(suite):
    label = f"test-{os.getpid()}"

    def prepare(host):
        host.ssh("apt-get update && apt-get install -y --no-install-recommends default-mysql-server")
        host.ssh("mysql -e 'create database kept; create table kept.t select 42'")
        host.add_user("anna", nopasswd=True)

    try:
        assert not throwaway.has_snapshot(label, suite)
        assert throwaway.prepared(label, prepare, suite) == label
        assert throwaway.prepared(label, pytest.fail, suite) == label
        with (
            throwaway.boot("one", suite, snapshot=label) as one,
            throwaway.boot("two", suite, snapshot=label) as two,
        ):
            one.ssh("mysql -e 'drop database kept'")
            assert two.ssh("mysql -BNe 'select * from kept.t'").stdout == "42\n"
            assert two.ssh("sudo -n hostname", user="anna").stdout == f"{two.name}\n"
            assert one.known_hosts.read_text().split()[2] != two.known_hosts.read_text().split()[2]
            above = two.snapshot(f"{label}-above")
            assert two.ssh("mysql -BNe 'select * from kept.t'").stdout == "42\n"
        with throwaway.boot("three", suite, snapshot=f"{label}-above") as three:
            assert three.ssh("mysql -BNe 'select * from kept.t'").stdout == "42\n"
        assert above.is_dir()
    finally:
        basetree.drop_snapshot(label, suite)
        basetree.drop_snapshot(f"{label}-above", suite)


def test_a_snapshot_that_nobody_made_is_refused():
    with pytest.raises(UsageError, match="No snapshot of-nobody of trixie"):
        throwaway.boot("web", snapshot="of-nobody")


@pytest.mark.parametrize("name", ["", "Web", "a b", "../x", "-x", "x" * 40])
def test_a_name_that_is_none_is_refused(name):
    with pytest.raises(UsageError, match="cannot be named"):
        throwaway.boot(name)


def test_another_suite_is_refused():
    with pytest.raises(UsageError, match="choose trixie or bookworm"):
        throwaway.boot("web", "sid")


def test_down_leaves_no_trace_and_may_come_twice():
    with throwaway.boot("gone") as host:
        assert len(traces(host)) > 5
    assert traces(host) == []
    host.down()
    with machine.locked(throwaway.STATE / "lock"):
        table = nspawn.TABLE in machine.run("nft", "list", "tables")
        assert table == bool(throwaway.hosts())


def test_a_host_that_is_gone_takes_no_link_from_the_one_that_has_its_number_now(bare_host):
    nspawn.close_network("gone-1-1", bare_host.slot)
    assert bare_host.ssh("echo here").stdout == "here\n"


def test_a_mount_that_is_held_for_moments_is_waited_for(tmp_path):
    machine.run("mount", "-t", "tmpfs", "none", tmp_path)
    with subprocess.Popen(["sleep", "1"], cwd=tmp_path):
        machine.unmount(tmp_path)
    assert not tmp_path.is_mount()
    with pytest.raises(RoadieError, match="not mounted"):
        machine.unmount(tmp_path)


def test_a_boot_that_fails_leaves_no_trace(monkeypatch):
    seen = []

    def fail(state, name, tree):
        seen.extend(throwaway.hosts())
        raise RoadieError("no")

    monkeypatch.setattr(nspawn, "start", fail)
    with pytest.raises(RoadieError, match="^no$"):
        throwaway.boot("unlucky")
    [host] = [host for host in seen if host.name.startswith(f"unlucky-{os.getpid()}-")]
    assert traces(host) == []


def test_what_a_killed_process_left_is_cleaned_away_and_what_lives_stays(bare_host):
    with child(f"print(throwaway.boot('orphan').name, flush=True); {PAUSE}") as process:
        host = booted_by(process)
        throwaway.clean()
        assert host.ssh("hostname").stdout == f"{host.name}\n"
        process.kill()
        process.wait()
        assert len(traces(host)) > 5
        throwaway.clean()
        assert traces(host) == []
    assert bare_host.ssh("true").returncode == 0


@pytest.mark.parametrize("end", [signal.SIGINT, None])
def test_a_host_ends_with_the_process_that_booted_it(end):
    wait = PAUSE if end else ""
    with child(f"print(throwaway.boot('brief').name, flush=True); {wait}") as process:
        name = process.stdout.readline().strip()
        if end:
            process.send_signal(end)
    assert name not in [host.name for host in throwaway.hosts()]
    assert name not in machine.run("ip", "netns", "list") + machine.run("ps", "ax")


def test_a_kept_host_outlives_its_process_until_it_is_taken_down():
    with child("host = throwaway.boot('stays'); host.keep(); print(host.name)") as process:
        name = process.stdout.readline().strip()
    host = throwaway.find(name)
    try:
        throwaway.clean()
        host.ssh("touch /root/kept")
        host.reboot()
        assert host.ssh("ls /root").stdout == "kept\n"
    finally:
        host.down()
    assert traces(host) == []
    with pytest.raises(UsageError, match=f"No throwaway host {name} here"):
        throwaway.find(name)


@pytest.mark.third(0)
def test_a_cut_while_a_tree_is_made_leaves_no_half_tree_and_no_process(tmp_path):
    def trees():
        return [path.name for path in (tmp_path / "trees").glob("trixie-*")]

    make = "print(basetree.base('trixie'), flush=True)"
    with child(make, ROADIE_CACHE=str(tmp_path)) as first:
        assert eventually(lambda: list(tmp_path.glob("trees/.new-*/usr/bin/dpkg")), 300)
        first.kill()
    assert trees() == []
    with child(make, ROADIE_CACHE=str(tmp_path)) as one, child(make, ROADIE_CACHE=str(tmp_path)) as two:
        made = {one.stdout.readline().strip(), two.stdout.readline().strip()}
    assert [Path(path).name for path in made] == trees()
    assert not list(tmp_path.glob("trees/.new-*"))
    assert str(tmp_path) not in machine.run("ps", "ax") + Path("/proc/mounts").read_text()


def test_a_first_boot_that_dies_is_tried_once_more(monkeypatch):
    began, start = [], nspawn.start

    def starts_and_dies(state, name, tree):
        start(state, name, tree)
        began.append(name)
        if len(began) == 1:
            nspawn.kill(state, name)

    monkeypatch.setattr(nspawn, "start", starts_and_dies)
    with pytest.warns(UserWarning, match="Running there: nothing"), throwaway.boot("dies") as host:
        assert host.ssh("hostname").stdout.strip() == host.name
    assert len(began) == 2
