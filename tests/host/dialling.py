"""Reaches a throwaway host by an ssh_config of the test. Runs programs at a terminal or with pipes."""

import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from contextlib import contextmanager

import fabric
from roadie.ssh import host_keys, transport
from roadie.ssh import options as ssh_config
from roadie.ssh.host import Host
from roadie.ssh.login import _keys

PASSWORD = "it's a pass word \\ é"
#: sshd's settings for tests with many connections that end early, for which sshd must not punish the client
FORGIVING = "PerSourcePenalties no\nMaxStartups 100\n"


@contextmanager
def boot_with_users(throwaway, name, suite="trixie"):
    """Boot a host with three users: sudo asks `asked` for a password, allows `free`, refuses `stranger`."""
    with throwaway.boot(name, suite) as host:
        host.add_user("asked", password=PASSWORD)
        host.add_user("free", nopasswd=True)
        host.add_user("stranger", password=PASSWORD)
        host.ssh("gpasswd --delete stranger sudo")
        if suite != "bookworm":
            host.put(FORGIVING, "/etc/ssh/sshd_config.d/10-tests.conf")
            host.ssh("systemctl reload ssh")
        yield host


class Dial:
    """Makes Host objects that lead to the throwaway host by the name `web1`. `close` closes all of them."""

    def __init__(self, host, folder):
        self.host = host
        self.config = folder / "ssh_config"
        self.known_hosts = folder / "known_hosts"
        self.made = []
        _keys.clear()

    def __call__(self, *lines, user=None, port=None, sudo=None, **more):
        """Make a Host. `lines` stand in ssh_config before the lines that lead to the host."""
        connect_kwargs = more.pop("connect_kwargs", None)
        self.write(*lines, **more)
        overrides = {"ssh_config_path": str(self.config), "sudo": {"password": sudo}}
        connection = fabric.Connection(
            "web1",
            user=user,
            port=port,
            config=transport.without_ssh_config(fabric.Config(overrides=overrides)),
            connect_kwargs=connect_kwargs,
        )
        self.made.append(Host(connection, user=user, port=port))
        return self.made[-1]

    def write(self, *lines, known=None, key=None, address=None):
        """Write ssh_config, and known_hosts with the text `known`. False leaves known_hosts as it is."""
        ssh_config.ask.cache_clear()
        if known is not False:
            self.known_hosts.write_text(self.host.known_hosts.read_text() if known is None else known)
        own = ["Host web1", f"HostName {address or self.host.address}", "User root"]
        rest = [
            "Host *",
            f"IdentityFile {key or self.host.key}",
            f"UserKnownHostsFile {self.known_hosts}",
            "GlobalKnownHostsFile /dev/null",
            "IdentityAgent none",
        ]
        self.config.write_text("\n".join([*lines, *own, *rest, ""]))

    def close(self):
        for host in self.made:
            host.close()
        transport.close_gateways()
        host_keys._parse.cache_clear()


PIPED = """
import sys
import fabric
from roadie.ssh import transport
from roadie.ssh.host import Host, Outcome
config = transport.without_ssh_config(fabric.Config(overrides={overrides!r}))
host = Host(fabric.Connection("web1", user={user!r}, config=config), user={user!r})
host.execute("true")
sys.exit(host.terminal({command!r}))
"""


def piped(dial, command, data=b"", user=None, sudo=None):
    """Run a program on the host by a local process that has pipes and no terminal."""
    dial.write()
    overrides = {"ssh_config_path": str(dial.config), "sudo": {"password": sudo}}
    code = PIPED.format(overrides=overrides, user=user, command=command)
    return subprocess.run(
        [sys.executable, "-c", code], input=data, capture_output=True, timeout=60, check=False
    )


PROGRAM = """
import fabric
from roadie.ssh import transport
from roadie.ssh.host import Host
config = transport.without_ssh_config(fabric.Config(overrides={{"ssh_config_path": {config!r}}}))
host = Host(fabric.Connection("web1", user={user!r}, config=config), user={user!r})
try:
    {code}
except Exception as error:
    print("refused:", error)
"""


def at_a_terminal(dial, code, *answers, user=None, timeout=30):
    """Run a program at a terminal, type the next answer at each question, and return what is shown."""
    program = PROGRAM.format(config=str(dial.config), user=user, code=code)
    child, screen = pty.fork()
    if child == 0:
        os.execv(sys.executable, [sys.executable, "-c", program])
    shown = ""
    waiting = list(answers)
    deadline = time.monotonic() + timeout
    try:
        while time.monotonic() < deadline:
            if select.select([screen], [], [], 0.1)[0]:
                try:
                    shown += os.read(screen, 65536).decode()
                except OSError:
                    break
            if waiting and re.search(r"(\? |: )$", shown):
                os.write(screen, f"{waiting.pop(0)}\n".encode())
                shown += "\n"
    finally:
        os.kill(child, signal.SIGKILL)  # if the program has not ended in time
        os.waitpid(child, 0)
        os.close(screen)
    return shown.replace("\r", "")


def now(host):
    """Return the current place in the host's journal, for `since`."""
    return host.ssh("journalctl -q -n 1 --show-cursor").stdout.split("cursor: ")[1].strip()


def since(host, place, pattern):
    """Return matching lines of sshd and sudo after this place, without those of the connection that asks."""
    asked = f"journalctl -q -o cat -t sshd -t sshd-session -t sudo --after-cursor='{place}'"
    mine = 'set -- $SSH_CLIENT; grep -vE "port $2( |$)"'
    return host.ssh(f"{asked} | grep -E '{pattern}' | ({mine})", check=False).stdout.splitlines()
