"""The identity of a throwaway host: its keys, its names, and its way to the network."""

from __future__ import annotations

import shutil
from pathlib import Path

from . import machine

SSHD = "LogLevel VERBOSE\nMaxStartups 500\nMaxSessions 100\n"
HOSTS = "127.0.0.1 localhost\n127.0.1.1 {name}\n::1 localhost ip6-localhost ip6-loopback\n"
SSH_CONFIG = """\
Host {name} {address}
  HostName {address}
  User root
  IdentityFile {state}/key
  IdentitiesOnly yes
  IdentityAgent none
  UserKnownHostsFile {state}/known_hosts
  GlobalKnownHostsFile /dev/null
  StrictHostKeyChecking yes
  ControlMaster no
  ControlPath none
  ConnectTimeout 10
"""


def make_keys(state: Path, tree: Path, name: str, address: str) -> None:
    """Make a client key and host keys that no other host has, and tell OpenSSH of them."""
    for old in (tree / "etc/ssh").glob("ssh_host_*"):
        old.unlink()
    for kind in ("ed25519", "ecdsa"):
        _make_key(kind, tree / f"etc/ssh/ssh_host_{kind}_key", f"root@{name}")
    _make_key("ed25519", state / "key", "roadie-throwaway")
    public = sorted((tree / "etc/ssh").glob("ssh_host_*.pub"))
    known = [f"{name},{address} {path.read_text()}" for path in public]
    (state / "known_hosts").write_text("".join(known))
    config = SSH_CONFIG.format(name=name, address=address, state=state)
    (state / "ssh_config").write_text(config)


def settle_in(state: Path, tree: Path, name: str) -> None:
    """Write what tells the host its names, who may log in, and the way out."""
    _write(tree / "etc/resolv.conf", machine.nameservers())
    _write(tree / "etc/hostname", f"{name}\n")
    _write(tree / "etc/hosts", HOSTS.format(name=name))
    _write(tree / "etc/pip.conf", machine.pip_settings())
    _write(tree / "etc/ssh/sshd_config.d/throwaway.conf", SSHD)
    (tree / "root/.ssh").mkdir(mode=0o700, exist_ok=True)
    _write(tree / "root/.ssh/authorized_keys", "")
    # On a real server these timers run at an hour of their own. In a test they would run at random.
    for timer in ("apt-daily", "apt-daily-upgrade", "dpkg-db-backup"):
        mask = tree / f"etc/systemd/system/{timer}.timer"
        if not mask.is_symlink():
            mask.symlink_to("/dev/null")
    for path in (*tree.glob("root/.ssh/authorized_keys"), *tree.glob("home/*/.ssh/authorized_keys")):
        shutil.copyfile(state / "key.pub", path, follow_symlinks=False)


def _make_key(kind: str, path: Path, comment: str) -> None:
    machine.run("ssh-keygen", "-q", "-t", kind, "-N", "", "-C", comment, "-f", path)


def _write(path: Path, text: str) -> None:
    path.unlink(missing_ok=True)  # a link would lead out of the tree, into this machine's files
    path.write_text(text)
    path.chmod(0o644)
