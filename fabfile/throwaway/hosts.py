"""Real Debian hosts to throw away: systemd in a container, reached by OpenSSH like any server."""

from __future__ import annotations

import atexit
import json
import os
import re
import shlex
import socket
import subprocess
import time
import warnings
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from ..errors import RoadieError, Unreachable, UsageError
from . import base_trees, disk, identity, machine, nspawn
from .base_trees import has_snapshot

__all__ = ["ThrowawayHost", "boot", "clean", "down_all", "find", "has_snapshot", "hosts", "kept", "prepared"]

STATE = Path("/run/roadie-throwaway")


@dataclass(frozen=True)
class ThrowawayHost:
    """One bare Debian server with systemd and sshd, gone without a trace after `down`."""

    name: str
    suite: str
    slot: int
    layers: tuple[Path, ...]
    storage: Path

    @property
    def address(self) -> str:
        return nspawn.addresses(self.slot)[1]

    @property
    def state(self) -> Path:
        return STATE / self.name

    @property
    def tree(self) -> Path:
        """The host's `/` as this machine sees it, without the host's own mounts."""
        return self.state / "tree"

    @property
    def upper(self) -> Path:
        return self.storage / "upper"

    @property
    def image(self) -> Path:
        """The file of the host's own disk, if it has one."""
        return self.storage.with_suffix(".img")

    @property
    def key(self) -> Path:
        return self.state / "key"

    @property
    def known_hosts(self) -> Path:
        return self.state / "known_hosts"

    @property
    def ssh_config(self) -> Path:
        return self.state / "ssh_config"

    def ssh(
        self,
        command: str,
        user: str = "root",
        check: bool = True,
        text: str | None = None,
        timeout: float = 600,
    ) -> subprocess.CompletedProcess[str]:
        """Run a command on the host with OpenSSH; `text` is its standard input."""
        done = subprocess.run(
            ["ssh", "-F", self.ssh_config, "-o", "BatchMode=yes", f"{user}@{self.name}", command],
            capture_output=True,
            text=True,
            input=text or "",
            timeout=timeout,
        )
        if check and done.returncode:
            last = (done.stderr.strip() or done.stdout.strip() or "no message").splitlines()[-1]
            error = RoadieError(f"{self.name}: {command!r} failed ({done.returncode}): {last}")
            error.add_note(done.stdout + done.stderr)
            raise error
        return done

    def put(self, text: str, path: str) -> None:
        """Write a file on the host, as root."""
        self.ssh(f"cat >{shlex.quote(path)}", text=text)

    def add_user(self, name: str, password: str | None = None, nopasswd: bool = False) -> None:
        """Make a user in the sudo group who logs in with the same key as root."""
        home = f"/home/{name}"
        self.ssh(f"useradd --create-home --shell /bin/bash --groups sudo {name}")
        self.ssh(f"install -d -m 700 -o {name} -g {name} {home}/.ssh")
        self.ssh(f"install -m 600 -o {name} -g {name} /root/.ssh/authorized_keys {home}/.ssh/")
        if password is not None:
            self.ssh("chpasswd", text=f"{name}:{password}\n")
        if nopasswd:
            self.put(f"{name} ALL=(ALL:ALL) NOPASSWD: ALL\n", f"/etc/sudoers.d/{name}")

    def start(self) -> None:
        """Switch the host on and wait until it has booted and sshd answers."""
        nspawn.start(self.state, self.name, self.tree)
        self.wait_until_up()

    def stop(self) -> None:
        """Shut the host down in good order; `start` switches it on again."""
        nspawn.stop(self.state, self.name)

    def reboot(self) -> None:
        """Have the host reboot itself, and wait until it is back."""
        before = nspawn.running(self.state)
        self.ssh("systemctl reboot", check=False)  # the connection may die first
        deadline = time.monotonic() + 120
        while nspawn.running(self.state) in (before, 0):
            if time.monotonic() > deadline:
                raise RoadieError(f"{self.name}: no reboot: {nspawn.last_words(self.state)}")
            time.sleep(0.02)
        self.wait_until_up()

    def wait_until_up(self) -> None:
        """Wait until sshd answers and all that starts at boot has started."""
        began = time.monotonic()
        while not _greets(self.address):
            waited = time.monotonic() - began
            if waited > 60 or not nspawn.running(self.state, "keeper"):
                words = f"The console: {nspawn.last_words(self.state)}"
                running = f"Running there: {nspawn.programs(self.name) or 'nothing'}"
                raise Unreachable(f"{self.name}: no sshd after {waited:.0f} s. {words}. {running}.")
            time.sleep(0.01)
        self.ssh("systemctl is-system-running --wait", check=False)

    def power_cut(self) -> None:
        """Kill everything on the host at once and boot it again.

        If the host has its own disk, unsynced data is lost. Otherwise the page cache survives.
        """
        has_disk = self.image.exists()
        if has_disk:
            disk.cut_off(self.storage)
        nspawn.kill(self.state, self.name)
        if has_disk:
            machine.unmount(self.tree)
            disk.come_back(self.image, self.storage)
            nspawn.mount(self.tree, self.layers, self.upper, syncs=True)
        self.start()

    def cut_link(self) -> None:
        """Silence the host: no packet passes, and no connection is told of an end."""
        nspawn.set_link(self.slot, "down")

    def mend_link(self) -> None:
        """Let packets pass again."""
        nspawn.set_link(self.slot, "up")

    def snapshot(self, label: str) -> Path:
        """Keep what the host holds, for `boot(snapshot=label)`; the host restarts for it."""
        self.stop()
        try:
            return base_trees.keep_snapshot(label, self.suite, self.upper, self.layers)
        finally:
            self.start()

    def keep(self) -> None:
        """Let the host live on when this process ends, until `down` or `down_all`."""
        _write_state(self, owner=None)

    def down(self) -> None:
        """Take the host away, with all it wrote; harmless if part of it is gone already."""
        nspawn.kill(self.state, self.name)
        nspawn.unmount(self.tree, self.upper, self.image)
        with machine.locked(_lock()):
            nspawn.close_network(self.name, self.slot)
            machine.run("rm", "-rf", "--one-file-system", self.state)
            if not hosts():
                nspawn.close_firewall()

    def __enter__(self) -> ThrowawayHost:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.down()


def boot(
    name: str,
    suite: str = "trixie",
    snapshot: str | None = None,
    disk_limit: str | None = None,
    own_disk: bool = False,
    syncs: bool = False,
) -> ThrowawayHost:
    """Boot a new host, bare or from a snapshot.

    `disk_limit` such as `300M` caps its disk; with `own_disk` a power cut is a real one. Other hosts never
    wait until their data is on this machine's disk, unless they are booted with `syncs`.
    """
    machine.require()
    if not re.fullmatch(r"[a-z][a-z0-9-]{0,30}", name):
        raise UsageError(f"A throwaway host cannot be named {name!r}: use a-z, 0-9 and -.")
    host = _claim(name, suite, base_trees.layers(suite, snapshot))
    try:
        nspawn.open_network(host.name, host.slot)
        nspawn.make_storage(host.storage, disk_limit, host.image if own_disk else None)
        nspawn.mount(host.tree, host.layers, host.upper, syncs=syncs or own_disk)
        identity.make_keys(host.state, host.tree, host.name, host.address)
        identity.settle_in(host.state, host.tree, host.name)
        if own_disk:
            machine.run("sync", "-f", host.storage)
        _switch_on(host)
    except BaseException:
        host.down()
        raise
    return host


def prepared(
    label: str,
    prepare: Callable[[ThrowawayHost], object],
    suite: str = "trixie",
    on: str | None = None,
) -> str:
    """Make the snapshot of this label with `prepare`, unless it exists. The first process makes it.

    `on` is the snapshot to start from; without it the host is bare.
    """
    machine.require()
    with machine.locked(STATE / f"{suite}-{label}.lock"):
        if not has_snapshot(label, suite):
            with boot("prepare", suite, on) as host:
                prepare(host)
                host.snapshot(label)
    return label


def hosts() -> list[ThrowawayHost]:
    """Return every host of this machine that is up or was left behind."""
    found = []
    for path in sorted(STATE.glob("*/state.json")):
        with suppress(UsageError):  # Another process may take the host down meanwhile.
            found.append(find(path.parent.name))
    return found


def kept() -> list[ThrowawayHost]:
    """Return the hosts that were kept: no process owns them."""
    return [host for host in hosts() if _owner(host) is None]


def find(name: str) -> ThrowawayHost:
    """Return a host by its whole name, also one that another process booted."""
    try:
        state = json.loads((STATE / name / "state.json").read_text())
    except FileNotFoundError:
        raise UsageError(f"No throwaway host {name} here.") from None
    layers = tuple(Path(layer) for layer in state["layers"])
    return ThrowawayHost(name, state["suite"], state["slot"], layers, Path(state["storage"]))


def clean() -> None:
    """Take away what dead processes left behind. Hosts that are in use or were kept stay."""
    machine.require()
    with machine.locked(STATE / "clean"):
        for host in hosts():
            owner = _owner(host)
            if owner and nspawn.birth(owner[0]) != owner[1]:
                host.down()
        with machine.locked(_lock()):
            names = {host.name for host in hosts()}
            # A folder without a host: the process was killed in between, or the machine lost power.
            for path in (*STATE.iterdir(), *base_trees.folder("hosts").iterdir()):
                if (path.is_dir() or path.suffix == ".img") and path.stem not in names:
                    machine.run("rm", "-rf", "--one-file-system", path)
            base_trees.prune({layer for host in hosts() for layer in host.layers})


def down_all() -> None:
    """Take away the hosts of this process, those that were kept, and those of dead processes."""
    for host in hosts():
        owner = _owner(host)
        if not owner or owner[0] == os.getpid():
            host.down()
    clean()


@atexit.register
def _down_mine() -> None:
    for host in hosts():
        owner = _owner(host)
        if owner and owner[0] == os.getpid():
            host.down()


def _switch_on(host: ThrowawayHost) -> None:
    """Boot a new host, twice if need be."""
    try:
        host.start()
    except Unreachable as error:
        warnings.warn(f"Booted a second time: {error}", stacklevel=1)
        nspawn.kill(host.state, host.name)
        host.start()


def _claim(name: str, suite: str, layers: tuple[Path, ...]) -> ThrowawayHost:
    """Take a name and a subnet that no other process has, and note that they are ours."""
    with machine.locked(_lock()):
        slots = {host.slot for host in hosts()} | nspawn.slots_seen()
        slot = next(slot for slot in range(nspawn.SLOTS) if slot not in slots)
        name = f"{name}-{os.getpid()}-{slot}"
        host = ThrowawayHost(name, suite, slot, layers, base_trees.folder("hosts") / name)
        _write_state(host, owner=os.getpid())
    return host


def _write_state(host: ThrowawayHost, owner: int | None) -> None:
    state = {
        "owner": [owner, nspawn.birth(owner)] if owner else None,
        "suite": host.suite,
        "slot": host.slot,
        "layers": [str(layer) for layer in host.layers],
        "storage": str(host.storage),
    }
    host.state.mkdir(mode=0o700, parents=True, exist_ok=True)
    new = host.state / "state.new"
    new.write_text(json.dumps(state))
    new.rename(host.state / "state.json")


def _owner(host: ThrowawayHost) -> tuple[int, int] | None:
    try:
        owner = json.loads((host.state / "state.json").read_text())["owner"]
    except FileNotFoundError:
        return None
    return tuple(owner) if owner else None


def _lock() -> Path:
    return STATE / "lock"


def _greets(address: str) -> bool:
    try:
        with socket.create_connection((address, 22), timeout=1) as connection:
            return connection.recv(4) == b"SSH-"
    except OSError:
        return False
