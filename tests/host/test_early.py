"""A deploy begins on its host before it is known to be needed, and before its code has come."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path

from desk import Desk, browse, eventually
from faults import error_of, serving
from projects import change_line, commit
from roadie.throwaway import ThrowawayHost
from told import last_run

INDEX = "entries/templates/entries/index.html"
LOCK = "/run/roadie/guestbook.lock"
STEP = "/run/roadie/guestbook.step"
# A git that hands out no code.
STALLED_GIT = """#!/bin/bash
[[ " $* " != *' pack-objects '* ]] || exec sleep 60
exec {git} "$@"
"""


def with_title(desk: Desk, title: str) -> Desk:
    change_line(desk.project / INDEX, "<h1>Guestbook</h1>", f"<h1>{title}</h1>")
    commit(desk.project, title)
    return desk


def is_quiet(host: ThrowawayHost) -> bool:
    """Whether no run is left, and no program but that of the release that serves."""
    left = host.ssh(f"ls /run/roadie | grep -E 'beat|came|sh$'; flock -n {LOCK} true || echo locked").stdout
    programs = host.ssh("ls /etc/supervisor/conf.d; supervisorctl status | wc -l").stdout.split()
    return left == "" and len(programs) == 2


def test_where_nothing_is_new_it_ends_without_the_lock(deployed: Desk) -> None:
    host = deployed.host
    pid = host.ssh(f"mkdir -p /run/roadie; flock {LOCK} sleep 600 >/dev/null 2>&1 & echo $!").stdout.strip()
    try:
        assert "0 changed" in deployed.does("deploy").out
    finally:
        host.ssh(f"pkill -P {pid}")
    assert eventually(lambda: is_quiet(host))
    told = {verb for verb, *_ in last_run(host).events}
    assert told <= {"fact", "stopped"}, told  # that it is served, or that nobody listens any more


def test_where_the_site_is_held_back_nothing_is_begun(deployed: Desk) -> None:
    with_title(deployed, "Held")
    deployed.does("lock", "--message", "audit")
    error_of(deployed.fab("deploy"), 4, "held back on purpose", "audit")
    assert eventually(lambda: is_quiet(deployed.host))
    deployed.does("unlock")


def test_code_that_never_comes_leaves_the_release_that_serves_and_the_next_deploy_works(
    deployed: Desk, tmp_path: Path
) -> None:
    host, before = deployed.host, serving(deployed.host)
    with_title(deployed, "Late")
    git = tmp_path / "git"
    git.write_text(STALLED_GIT.format(git=shutil.which("git")))
    git.chmod(0o755)
    for end in signal.SIGINT, signal.SIGKILL:
        host.ssh(f"rm -f {STEP}")
        with deployed.started("deploy", env={"PATH": f"{tmp_path}:{os.environ['PATH']}"}) as process:
            assert eventually(lambda: host.ssh(f"cat {STEP} 2>/dev/null || true").stdout == "receive\n")
            assert host.ssh("ls /etc/supervisor/conf.d | wc -l").stdout == "2\n"  # it loads already
            error_of(deployed.fab("deploy"), 4, "locked by ", "at step receive")
            os.killpg(process.pid, end)
            process.communicate(timeout=30)
        assert eventually(lambda: is_quiet(host))
        assert serving(host) == before
    deployed.does("deploy")
    assert "<h1>Late</h1>" in browse(host).body
