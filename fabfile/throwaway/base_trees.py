"""Debian trees and snapshots in the cache. Each is whole or absent, and all hosts share it read-only."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from pathlib import Path

from ..errors import UsageError
from . import machine

FORMAT = 1
SUITES = ("trixie", "bookworm")
INCLUDE = (
    "systemd systemd-sysv dbus openssh-server sudo ca-certificates python3-minimal iproute2 procps curl"
).split()
LOCAL_CA = "usr/local/share/ca-certificates"
#: as many as the tests of one commit make, and some of another's
KEPT_SNAPSHOTS = 16


def cache() -> Path:
    """Return the folder that keeps trees and snapshots between runs."""
    return Path(os.environ.get("ROADIE_CACHE") or "/var/cache/roadie/throwaway").absolute()


def folder(kind: str) -> Path:
    """Return a folder of the cache. Only root may enter, as old trees hold old setuid programs."""
    path = cache() / kind
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def layers(suite: str, snapshot: str | None) -> tuple[Path, ...]:
    """Return the read-only layers that a new host stands on, uppermost first."""
    tree = base(suite)
    if snapshot is None:
        return (tree,)
    kept = _snapshot(suite, snapshot)
    if not kept.is_dir():
        raise UsageError(f"No snapshot {snapshot} of {suite}: make it first.")
    os.utime(kept)
    return kept / "upper", *_below(kept)


def base(suite: str) -> Path:
    """Return the tree of a bare Debian, made the first time it is asked for."""
    if suite not in SUITES:
        raise UsageError(f"No throwaway host of {suite!r}: choose {' or '.join(SUITES)}.")
    tree = _tree(suite)
    with machine.locked(tree.parent / f"{suite}.lock") as lock:
        if not tree.is_dir():
            _build(suite, tree, lock)
    return tree


def has_snapshot(label: str, suite: str = "trixie") -> bool:
    """Tell whether this snapshot exists for today's tree."""
    return _snapshot(suite, label).is_dir()


def keep_snapshot(label: str, suite: str, upper: Path, below: tuple[Path, ...]) -> Path:
    """Copy a stopped host's upper layer to the cache, whole or not at all; the first one stays."""
    kept = _snapshot(suite, label)
    with machine.locked(kept.parent / "lock"):
        if not kept.is_dir():
            new = Path(tempfile.mkdtemp(prefix=".new-", dir=kept.parent))
            machine.run("cp", "-a", "--reflink=auto", upper, new / "upper")
            (new / "layers.json").write_text(json.dumps([str(layer) for layer in below]))
            machine.run("sync", "-f", new)
            new.rename(kept)
    return kept


def drop_snapshot(label: str, suite: str = "trixie") -> None:
    """Remove a snapshot that no host stands on."""
    shutil.rmtree(_snapshot(suite, label), ignore_errors=True)


def prune(in_use: set[Path]) -> None:
    """Drop half-made snapshots, and all but the last used ones. A snapshot under a host stays."""
    with machine.locked(folder("snapshots") / "lock"):
        made = [path for path in folder("snapshots").iterdir() if path.is_dir()]
        halves = [path for path in made if path.name.startswith(".new-")]
        whole = sorted(set(made) - set(halves), key=lambda path: path.stat().st_mtime)
        needed = in_use.union(*map(_below, whole[-KEPT_SNAPSHOTS:]))
        for path in halves + whole[:-KEPT_SNAPSHOTS]:
            if path / "upper" not in needed:
                shutil.rmtree(path, ignore_errors=True)


def _build(suite: str, tree: Path, lock: int) -> None:
    for half in tree.parent.glob(f".new-{suite}-*"):
        machine.run("rm", "-rf", "--one-file-system", half)
    new = Path(tempfile.mkdtemp(prefix=f".new-{suite}-", dir=tree.parent))
    with tempfile.TemporaryDirectory() as folder:
        for number, pem in enumerate(machine.own_certificates()):
            Path(folder, f"machine-{number}.crt").write_text(pem)
        apt = Path(folder, "apt.conf")
        apt.write_text(machine.apt_settings() or "# nothing\n")
        # In namespaces of its own: if this process is killed, mmdebstrap ends too and leaves no mount behind.
        # It holds the lock until then, so that no other process removes the half-made tree.
        machine.run(
            *"setpriv --pdeathsig KILL unshare --mount --pid --fork --kill-child --mount-proc".split(),
            *("mmdebstrap", "--quiet", "--mode=root", "--variant=minbase"),
            *("--format=directory", f"--include={','.join(INCLUDE)}", f"--aptopt={apt}"),
            f'--customize-hook=find {folder} -name "*.crt" -exec cp -t "$1/{LOCAL_CA}" {{}} +',
            '--customize-hook=chroot "$1" update-ca-certificates',
            *(suite, new),
            pass_fds=(lock,),
        )
    machine.run("sync", "-f", new)
    new.rename(tree)


def _tree(suite: str) -> Path:
    parts = [FORMAT, suite, INCLUDE, machine.own_certificates(), machine.apt_settings()]
    key = hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:12]
    return folder("trees") / f"{suite}-{key}"


def _snapshot(suite: str, label: str) -> Path:
    return folder("snapshots") / f"{_tree(suite).name}-{label}"


def _below(snapshot: Path) -> tuple[Path, ...]:
    return tuple(Path(layer) for layer in json.loads((snapshot / "layers.json").read_text()))
