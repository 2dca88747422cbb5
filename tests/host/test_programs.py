"""Programs in the settings run beside the site. Each release replaces them, and none runs twice at a time."""

from __future__ import annotations

import signal
from itertools import groupby
from typing import Any

import pytest
from desk import Desk, browse, eventually
from faults import error_of, serving
from invoke.util import yaml
from projects import commit, settings

COMMAND = "entries/management/commands/tick.py"
TICKS = "/srv/guestbook/shared/home/ticks"
LINK = "/etc/supervisor/conf.d/guestbook.programs.conf"
# Writes its version and its process five times a second. When told to stop, it takes a second to finish.
TICK = """
import os, signal, time
from pathlib import Path
from django.core.management.base import BaseCommand

class Command(BaseCommand):
    def handle(self, **options):
        is_told = []
        signal.signal(signal.SIGTERM, lambda *_: is_told.append(time.monotonic()))
        while not is_told or time.monotonic() < is_told[0] + 1:
            with Path.home().joinpath("ticks").open("a") as file:
                file.write(f"VERSION {os.getpid()}\\n")
            time.sleep(0.2)
"""
PROGRAMS = {"ticker": {"command": "manage.py tick", "stop_timeout": 20}}


def ship(desk: Desk, version: str, programs: dict[str, Any] = PROGRAMS, command: str = TICK) -> None:
    """Commit this version of the command, and settings that have these programs."""
    path = desk.project / COMMAND
    for folder in (path.parent.parent, path.parent):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "__init__.py").touch()
    path.write_text(command.replace("VERSION", version))
    known = yaml.safe_load((desk.project / "fabric.yaml").read_text())["roadie"]
    settings(desk.project, **{**known, "programs": programs})
    commit(desk.project, version)


def runs(desk: Desk) -> list[tuple[str, str]]:
    """Return the (version, process) pairs that ticked, in order, with repeated ticks of a process as one."""
    lines = desk.host.ssh(f"cat {TICKS} 2>/dev/null || true").stdout.splitlines()
    return [(version, pid) for (version, pid), _ in groupby(tuple(line.split()) for line in lines)]


def ticks(desk: Desk, version: str) -> bool:
    """Forget earlier ticks. Return whether within a few seconds this version ticks, and no other."""
    desk.host.ssh(f"mv {TICKS} {TICKS}.before 2>/dev/null || true")
    return eventually(lambda: {found for found, _ in runs(desk)} == {version}, 20)


def assert_one_at_a_time(desk: Desk) -> None:
    """Check that no two processes ticked at the same time: then a pair would come twice."""
    found = runs(desk)
    assert len(found) == len(set(found)), found


@pytest.fixture
def ticking(deployed: Desk) -> Desk:
    """A desk before a host where the first version of the command ticks."""
    ship(deployed, "one")
    deployed.does("deploy")
    assert ticks(deployed, "one")
    return deployed


def test_a_program_is_replaced_with_its_release_and_goes_back_with_it(ticking: Desk) -> None:
    first = serving(ticking.host).release
    ticking.host.ssh(f"rm -f {TICKS}*")
    ship(ticking, "two")
    assert "program guestbook.ticker" in ticking.does("deploy").out
    assert [version for version, _ in runs(ticking)][-1] == "two"
    ticking.does("restart")
    ticking.does("rollback")
    assert serving(ticking.host).release == first
    versions = [version for version, _ in runs(ticking)]
    assert versions == ["one", "two", "two", "one"]
    assert_one_at_a_time(ticking)
    assert "0 changed" in ticking.does("bootstrap").out


def test_a_program_comes_back_after_a_reboot_and_a_kill_of_supervisor_and_is_never_there_twice(
    ticking: Desk,
) -> None:
    host = ticking.host
    host.reboot()
    assert ticks(ticking, "one")
    for _ in range(2):
        host.ssh(f"rm -f {TICKS}*; pkill -KILL supervisord")
        assert eventually(lambda: len(runs(ticking)) > 1, 40), runs(ticking)
        assert_one_at_a_time(ticking)
        assert host.ssh("pgrep -c -u guestbook -f 'manage.py tick'").stdout.strip() == "1"
        assert eventually(lambda: browse(host).status == 200)


def test_a_program_that_the_settings_name_no_more_is_gone_with_the_next_release(ticking: Desk) -> None:
    ship(ticking, "two", programs={})
    ticking.does("deploy")
    assert ticking.host.ssh(f"ls {LINK}; pgrep -f 'manage.py tick'", check=False).stdout == ""
    ticking.does("rollback")
    assert ticks(ticking, "one")


@pytest.mark.third(1)
def test_remove_ends_the_programs_and_leaves_no_link(ticking: Desk) -> None:
    ticking.does("remove", "--yes")
    left = "ls /etc/supervisor/conf.d/ | grep guestbook; pgrep -u guestbook -a; true"
    assert ticking.host.ssh(left).stdout == ""
    ticking.does("bootstrap")
    ticking.does("deploy")
    assert ticks(ticking, "one")
    ticking.does("remove", "--purge", "--confirm", "guestbook")
    assert ticking.host.ssh("ls /etc/supervisor/conf.d/ | grep guestbook; true").stdout == ""


def test_a_command_that_the_project_lacks_is_refused_before_the_switch(deployed: Desk) -> None:
    before = serving(deployed.host)
    ship(deployed, "one", programs={"other": "manage.py tock"})
    error_of(deployed.fab("deploy"), 6, "the program other runs manage.py tock", "still serves")
    assert serving(deployed.host) == before


def test_a_program_that_does_not_stay_up_is_told_and_the_next_deploy_mends_it(ticking: Desk) -> None:
    ship(ticking, "two", command="raise RuntimeError('no ticks today')\n" + TICK)
    done = ticking.fab("deploy")
    error_of(done, 7, "program guestbook.ticker", "does not stay up", "/var/log/guestbook/ticker.log")
    assert "no ticks today" in done.text
    assert browse(ticking.host).status == 200
    ship(ticking, "three")
    ticking.does("deploy")
    assert ticks(ticking, "three")


def test_a_deploy_that_was_cut_before_the_programs_were_replaced_is_finished_by_the_next_one(
    ticking: Desk,
) -> None:
    slow = TICK.replace("is_told[0] + 1", "is_told[0] + 15")
    ship(ticking, "two", command=slow)
    ticking.does("deploy")
    ship(ticking, "three")
    with ticking.started("deploy") as process:
        step = "cat /run/roadie/guestbook.step 2>/dev/null || true"
        assert eventually(lambda: ticking.host.ssh(step).stdout.strip() == "programs", 60)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)
    assert process.returncode == 130
    ticking.does("deploy", "--wait", "60")
    assert ticks(ticking, "three")
    assert "0 changed" in ticking.does("deploy").out
