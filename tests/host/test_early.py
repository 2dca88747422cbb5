"""A deploy first asks the host. Without anything new, or before the code has come, nothing begins there."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path

from desk import Desk, browse, eventually
from faults import Serving, error_of, serving
from projects import retitle
from roadie.throwaway.hosts import ThrowawayHost
from told import last_run

LOCK = "/run/roadie/guestbook.lock"
# A git whose pack-objects hangs, so that no code reaches the host.
STALLED_GIT = """#!/bin/bash
[[ " $* " != *' pack-objects '* ]] || exec sleep 60
exec {git} "$@"
"""


def is_as(before: Serving, host: ThrowawayHost) -> bool:
    """Return whether no run left a file, and release, programs and locks are as before."""
    return not host.ssh("ls /run/roadie | grep -E 'beat|gz$|sh$' || true").stdout and serving(host) == before


def test_a_deploy_of_nothing_new_ends_without_the_lock(deployed: Desk) -> None:
    host, before = deployed.host, serving(deployed.host)
    pid = host.ssh(f"mkdir -p /run/roadie; flock {LOCK} sleep 600 >/dev/null 2>&1 & echo $!").stdout.strip()
    try:
        assert eventually(lambda: host.ssh(f"flock -n {LOCK} true", check=False).returncode == 1)
        assert "0 changed" in deployed.does("deploy").out
    finally:
        host.ssh(f"pkill -P {pid}")
    assert eventually(lambda: is_as(before, host))
    assert {verb for verb, *_ in last_run(host).events} == {"stage", "fact", "ok"}


def test_a_deploy_of_a_site_that_is_held_back_begins_nothing(deployed: Desk) -> None:
    before = serving(deployed.host)
    retitle(deployed.project, "Held")
    deployed.does("lock", "--message", "audit")
    error_of(deployed.fab("deploy"), 4, "held back on purpose", "audit")
    assert eventually(lambda: is_as(before, deployed.host))
    deployed.does("unlock")


def test_code_that_never_comes_leaves_the_release_that_serves_and_the_next_deploy_works(
    deployed: Desk, tmp_path: Path
) -> None:
    host, before = deployed.host, serving(deployed.host)
    retitle(deployed.project, "Late")
    git = tmp_path / "git"
    git.write_text(STALLED_GIT.format(git=shutil.which("git")))
    git.chmod(0o755)
    for end in signal.SIGINT, signal.SIGKILL:
        with deployed.started("deploy", env={"PATH": f"{tmp_path}:{os.environ['PATH']}"}) as process:
            assert any(" -> " in line for line in process.stdout)
            host.ssh(f"flock -n {LOCK} true")  # the site's lock is free, so no other run has to wait
            os.killpg(process.pid, end)
            process.communicate(timeout=30)
        assert eventually(lambda: is_as(before, host))
    deployed.does("deploy")
    assert "<h1>Late</h1>" in browse(host).body
