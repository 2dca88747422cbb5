"""Snapshots of hosts that are already set up in part. A snapshot is made again when its sources change."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from desk import Desk, eventually, is_serving
from probe import Probe
from projects import EXAMPLES, example
from roadie.throwaway import hosts as throwaway
from roadie.throwaway.hosts import ThrowawayHost

ROOT = Path(__file__).parents[2]
GUESTBOOK = EXAMPLES / "guestbook"


def packaged(suite: str = "trixie") -> str:
    """Return the snapshot of a host that has the guestbook's packages, and nothing else of roadie's."""
    names = ("packages/packages.sh.j2", "nginx/sandbox.conf.j2", "supervisor/sandbox.conf.j2")
    label = _label("packaged", [*(ROOT / "templates" / name for name in names), GUESTBOOK / "fabric.yaml"])
    return throwaway.prepared(label, _does("packages"), suite)


def with_postgresql(suite: str = "trixie") -> str:
    """Return the snapshot of a host that has the packages of a guestbook on PostgreSQL besides."""
    sources = (ROOT / "templates/packages/packages.sh.j2", ROOT / "fabfile/settings/databases.py")
    label = _label("with-postgresql", [*sources, GUESTBOOK / "fabric.yaml"])
    return throwaway.prepared(label, _does("packages", "postgresql"), suite, on=packaged(suite))


def with_mysql() -> str:
    """Return the snapshot of a trixie host that has MySQL of Oracle, and a guestbook's packages.

    Debian has that server in sid only. Programs of sid need the C library of sid, and so does a compiler.
    """
    names = ("packages/packages.sh.j2", "nginx/sandbox.conf.j2", "supervisor/sandbox.conf.j2")
    sources = [*(ROOT / "templates" / name for name in names), ROOT / "fabfile/settings/databases.py"]
    label = _label("with-mysql", [*sources, GUESTBOOK / "fabric.yaml"])
    return throwaway.prepared(label, _takes_mysql_from_sid)


def _takes_mysql_from_sid(host: ThrowawayHost) -> None:
    pins = "Package: *\nPin: release n=sid\nPin-Priority: 100\n\nPackage: src:mysql-*\nPin: release n=sid\n"
    host.put(f"{pins}Pin-Priority: 500\n", "/etc/apt/preferences.d/sid")
    host.ssh("sed -n 's/ trixie / sid /p' /etc/apt/sources.list >/etc/apt/sources.list.d/sid.list")
    installs = "DEBIAN_FRONTEND=noninteractive apt-get -q -y -t sid --no-install-recommends install"
    done = host.ssh(f"apt-get -q update && {installs} mysql-server libc6-dev", check=False)
    if done.returncode:
        pytest.skip(f"sid's MySQL cannot be installed on trixie today: {done.stdout[-600:]}")
    _does("packages")(host)


def bootstrapped(suite: str = "trixie") -> str:
    """Return the snapshot of a host that is ready for the guestbook."""
    label = _label("bootstrapped", _everything())
    return throwaway.prepared(label, _does("bootstrap"), suite, on=packaged(suite))


def deployed(suite: str = "trixie") -> str:
    """Return the snapshot of a host that serves the guestbook."""
    label = _label("deployed", _everything())
    return throwaway.prepared(label, _does("deploy"), suite, on=bootstrapped(suite))


def with_authority(suite: str = "trixie") -> str:
    """Return the snapshot of a host that serves the guestbook, and has certbot and Pebble."""
    label = _label("with-authority", _everything())
    return throwaway.prepared(label, _installs("certbot", "pebble"), suite, on=deployed(suite))


def probed(suite: str = "trixie", database: str = "mysql") -> str:
    """Return the snapshot of a host that serves the probe, and has both of the probe's virtualenvs."""
    below = {"mysql": bootstrapped, "postgresql": with_postgresql}.get(database, packaged)
    label = _label(f"probed-{database}", [*_everything(), *_files(ROOT / "tests/probe")])
    return throwaway.prepared(label, _deploys_probe(database), suite, on=below(suite))


@contextmanager
def booted(snapshot: str, suite: str = "trixie") -> Iterator[ThrowawayHost]:
    """Boot a new host from such a snapshot. If the guestbook is on the host, wait until it answers."""
    with throwaway.boot("standing", suite, snapshot) as host:
        if snapshot.startswith("deployed"):
            assert eventually(lambda: is_serving(host), 30)
        yield host


def _does(task: str, database: str = "mysql") -> Callable[[ThrowawayHost], object]:
    def prepare(host: ThrowawayHost) -> object:
        with tempfile.TemporaryDirectory() as folder:
            desk = Desk(example("guestbook", Path(folder, "guestbook")), host)
            return desk.does(task, env={"ROADIE_DATABASE": database})

    return prepare


def _installs(*packages: str) -> Callable[[ThrowawayHost], object]:
    command = f"apt-get -q update && apt-get -q install -y --no-install-recommends {' '.join(packages)}"
    return lambda host: host.ssh(f"export DEBIAN_FRONTEND=noninteractive; {command}")


def _deploys_probe(database: str) -> Callable[[ThrowawayHost], object]:
    def prepare(host: ThrowawayHost) -> None:
        with tempfile.TemporaryDirectory() as folder:
            probe = Probe(Path(folder, "probe"), host, database=database)
            probe.desk.does("bootstrap")
            for change in (probe.change_requirements, probe.change_requirements):
                change()
                probe.desk.does("deploy")

    return prepare


def _everything() -> Iterable[Path]:
    for folder in (ROOT / "fabfile", ROOT / "templates", GUESTBOOK):
        yield from _files(folder)


def _files(folder: Path) -> Iterable[Path]:
    return (path for path in folder.rglob("*") if "__pycache__" not in path.parts and path.is_file())


def _label(name: str, files: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for path in sorted(files):
        digest.update(f"{path.relative_to(ROOT)}\0".encode() + path.read_bytes())
    return f"{name}-{digest.hexdigest()[:12]}"
