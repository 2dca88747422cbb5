"""What `fab` says of a host that it cannot reach or must not touch: one line with the right exit code."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from desk import Desk
from dialling import Dial, boot_with_users
from faults import error_of
from roadie.throwaway import hosts as throwaway
from roadie.throwaway.hosts import ThrowawayHost
from within import files

OTHER_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"
FEDORA = 'NAME="Fedora Linux"\nID=fedora\nVERSION_ID=43\nPRETTY_NAME="Fedora Linux 43"\n'


@pytest.fixture(scope="module")
def host() -> Iterator[ThrowawayHost]:
    """A bare host with users that sudo asks for a password."""
    with boot_with_users(throwaway, "refusals") as booted:
        yield booted


@dataclass(frozen=True)
class Trouble:
    """Why a host cannot be reached: its known_hosts, the key and user, and the words that fab must say."""

    name: str
    says: tuple[str, ...]
    known: str | None = None
    key: str | None = None
    where: str = "web1"

    def __str__(self) -> str:
        return self.name


TROUBLES = (
    Trouble("an unknown host key", ("web1", "host key is not known", "SHA256:", "ssh root@web1"), known=""),
    Trouble("a changed host key", ("web1", "HAS CHANGED", "ssh-keygen"), known=f"{{address}} {OTHER_KEY}\n"),
    Trouble("a wrong key", ("web1", "refuses root", "-i FILE"), key="{folder}/wrong"),
    Trouble("a wrong sudo password", ("asked@web1", "sudo", "password"), where="asked@web1"),
    Trouble(
        "a name that does not resolve", ("nowhere.invalid", "does not resolve"), where="root@nowhere.invalid"
    ),
)


@pytest.mark.parametrize("trouble", TROUBLES, ids=str)
def test_a_host_that_cannot_be_reached_is_one_line(host, desk, tmp_path: Path, trouble: Trouble) -> None:
    subprocess.run(["ssh-keygen", "-q", "-N", "", "-t", "ed25519", "-f", tmp_path / "wrong"], check=True)
    dial = Dial(host, tmp_path)
    dial.write(
        known=None if trouble.known is None else trouble.known.format(address=host.address),
        key=trouble.key and trouble.key.format(folder=tmp_path),
    )
    sat: Desk = replace(desk(host), options=("-S", str(dial.config), "-H", trouble.where))
    before = files(host)
    done = sat.fab("bootstrap", env={"FABRIC_SUDO_PASSWORD": "wrong"}, timeout=60)
    error_of(done, 5, *trouble.says)
    assert done.out == "" and "wrong" not in done.text.replace(str(tmp_path / "wrong"), "")
    assert files(host) == before


@pytest.mark.parametrize("task", ["bootstrap", "plan", "deploy"])
def test_a_host_that_is_neither_debian_nor_ubuntu_is_left_as_it_is(host, desk, task: str) -> None:
    host.ssh("rm -f /etc/os-release")
    host.put(FEDORA, "/etc/os-release")
    before = files(host)
    error_of(desk(host).fab(task), 3, f"{host.name}, ", "Fedora Linux 43", "Debian 12 or later")
    assert files(host) == before


@pytest.mark.parametrize(
    "words", ["restart", "migrate", "rollback", "manage check --deploy", "manage migrate"]
)
def test_a_task_that_needs_a_release_ends_with_2_where_there_is_none(bootstrapped, words: str) -> None:
    error_of(
        bootstrapped.fab(*words.split()),
        2,
        f"{bootstrapped.host.name}",
        "no release serves; run: fab deploy",
    )


def test_manage_on_a_bare_host_says_what_deploy_says(bare_host, desk) -> None:
    sat = desk(bare_host)
    says = "site guestbook: is not set up on this host; run: fab bootstrap"
    error_of(sat.fab("manage", "check"), 6, says)
    error_of(sat.fab("deploy"), 6, says)
