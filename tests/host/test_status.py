"""`fab status` tells how a site fares, whatever has become of the site, and changes nothing."""

from __future__ import annotations

import json
import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import standing
from desk import Desk, browse, eventually
from faults import append, error_of
from projects import commit
from roadie.throwaway.hosts import ThrowawayHost
from within import inside

LEFT = "find /run/roadie /var/log/roadie /var/lib/roadie/incoming -type f ! -name '*.lock' 2>/dev/null || :"
LOCKED = (
    "mkdir -p -m 700 /run/roadie; exec 9>>/run/roadie/guestbook.lock; flock 9; "
    "touch /tmp/locked; exec sleep 600"
)


def told(desk: Desk, code: int = 0) -> dict[str, Any]:
    """Return what `fab status --json` tells of the only host."""
    done = desk.fab("status", "--json")
    assert done.code == code, done.text
    events = [json.loads(line) for line in done.out.splitlines()]
    (found,) = (one["data"] for one in events if one["event"] == "result")
    assert {one["version"] for one in events} == {1}
    return dict(found)


def first_line(text: str) -> str:
    return text.splitlines()[0].partition(": ")[2]


@contextmanager
def frozen(host: ThrowawayHost, program: str) -> Iterator[None]:
    """Have a program on the host hang."""
    inside(host, f"pkill -STOP -x {program}")
    try:
        yield
    finally:
        inside(host, f"pkill -CONT -x {program}")


def test_a_site_that_serves_is_told_in_five_lines_and_nothing_is_left(deployed: Desk) -> None:
    browse(deployed.host)
    browse(deployed.host, "/nowhere")
    before = inside(deployed.host, LEFT)
    # A lock that somebody else holds keeps nobody from looking.
    inside(deployed.host, f"(setsid bash -c '{LOCKED}' </dev/null >/dev/null 2>&1 &)")
    assert eventually(lambda: "locked" in inside(deployed.host, "ls /tmp"))
    done = deployed.does("status")
    lines = [line.partition(": ")[2] for line in done.out.splitlines()]
    assert re.fullmatch(
        r'guestbook\.example\.org  ● up, 200 in \d+ ms, [0-9a-f]{8} "Start" by \S+ for \d+ \w+, '
        r"\d workers, \d+ MB",
        lines[0],
    ), done.text
    assert re.fullmatch(r"answers to visitors in the last 10 min: \d+ 2xx, .*\d 4xx.*", lines[1]), lines
    assert re.fullmatch(r"database \d+ kB, no dump · media \d kB · disk / \d+ % free", lines[2]), lines
    assert lines[3:] == ["lock none · maintenance off · migrations none pending"]
    assert inside(deployed.host, LEFT) == before
    found = told(deployed)
    assert found["state"] == "up" and found["refused"] is None and found["strays"]["count"] == 0
    assert found["workers"] == 2 and found["memory_kb"] > 10_000


def test_a_site_that_nobody_serves_comes_first_with_the_next_step_and_exit_code_6(deployed: Desk) -> None:
    deployed.host.ssh("supervisorctl stop all")
    done = deployed.fab("status")
    says = ("should serve, but no process of it listens", "run: fab restart")
    error_of(done, 6, "status: ", *says)
    assert first_line(done.out).startswith("guestbook.example.org  ○ down: ")
    assert "database 4" in done.out and "5xx" in done.out
    assert told(deployed, 6)["state"] == "down"
    deployed.host.ssh("systemctl stop nginx")
    error_of(deployed.fab("status"), 6, "no process of it listens")
    deployed.host.ssh("supervisorctl start all")
    assert eventually(lambda: "nginx does not answer" in deployed.fab("status").last_line)


def test_a_database_that_hangs_or_is_gone_is_told_beside_all_the_rest(deployed: Desk) -> None:
    with frozen(deployed.host, "mariadbd"):
        found = told(deployed, 6)  # its health page asks the database
    assert found["trouble"] == "/healthz gives no answer within 10 seconds; see: fab logs"
    assert "nothing within" in found["database"]["error"] and found["migrations"]["pending"] is None
    assert found["disks"][0]["path"] == "/" and found["media_kb"] is not None and found["workers"] == 2
    deployed.host.ssh("systemctl stop mariadb")
    done = deployed.fab("status")
    assert done.code == 6 and "○ down: /healthz answers 50" in done.out
    assert "! the database does not answer: no answer over" in done.out and "run: fab bootstrap" in done.out
    assert "database does not answer, no dump · media" in done.out and "migrations not known" in done.out


def test_what_holds_back_a_run_and_what_is_half_done_is_told(deployed: Desk) -> None:
    deployed.does("lock", "--message", "the fair")
    deployed.does("maintenance", "on", "--message", "Back at noon")
    (deployed.host.tree / "var/lib/roadie/migrating-guestbook").write_text("entries.0009_x\t\t\tapplying\n")
    done = deployed.does("status")
    assert "◐ maintenance (503 in " in done.out and "fab maintenance off ends it" in done.out
    assert "lock held back by " in done.out and ": the fair · maintenance on" in done.out
    assert "migrations half applied: entries.0009_x, none pending" in done.out
    assert "an earlier run ended half way through it; put its tables right by hand" in done.out
    found = told(deployed)
    assert found["state"] == "maintenance" and "the fair" in found["lock"]["held"]
    assert found["migrations"]["half_applied"] == ["entries.0009_x"]


def test_a_run_that_works_is_named(deployed: Desk) -> None:
    append(
        deployed.project / "fabric.yaml",
        "  post_build: ['touch ~/slow && while test -e ~/slow; do sleep 0.1; done']",
    )
    commit(deployed.project)
    slow = deployed.host.tree / "srv/guestbook/shared/home/slow"
    with deployed.started("deploy") as process:
        assert eventually(slow.exists, 60)
        assert re.search(r"fab deploy of \S+, since .* at step static", told(deployed)["lock"]["run"])
        slow.unlink()
        process.communicate(timeout=120)
    assert told(deployed)["lock"]["run"] is None


@pytest.mark.third(0)
def test_a_release_that_was_refused_is_told_with_where_its_log_is(deployed: Desk) -> None:
    urls = deployed.project / "guestbook/urls.py"
    good = urls.read_text()
    append(urls, "import sys\nif 'gunicorn' in sys.modules:\n    raise OSError('no such key')")
    sha = commit(deployed.project, "Break it")
    assert deployed.fab("deploy").code == 6
    done = deployed.does("status")
    (line,) = (one for one in done.out.splitlines() if "the last deploy" in one)
    assert f'{sha[:8]} "Break it" by ' in line and "does not serve: " in line and "serve: ;" not in line
    release = line.rpartition(" ")[2]
    log = deployed.does("logs", "--release", release).out
    assert "OSError: no such key" in log and f"=== fab deploy of guestbook, release {release}, by " in log
    assert deployed.does("logs", "--release", sha).out == log
    error_of(deployed.fab("logs", "--release", "20200101T000000Z-00000000"), 2, "no log of a run for release")
    urls.write_text(f"{good}# mended\n")
    commit(deployed.project, "Mend it")
    deployed.does("deploy")
    deployed.does("rollback")
    assert "the last deploy" not in deployed.does("status").out


def test_a_process_that_no_program_owns_is_named_and_steers_no_terminal(deployed: Desk) -> None:
    hostile = "exec -a $'hid\\033[2Jden\\nroadie' sleep 7777"
    deployed.host.ssh(f'runuser -u guestbook -- setsid -f bash -c "{hostile}" </dev/null >/dev/null 2>&1')
    inside(
        deployed.host,
        "cd /srv/guestbook/shared/media; mkfifo fifo; mkdir $'\\033[2J\\n'; chown -R guestbook .",
    )
    assert eventually(lambda: told(deployed)["strays"]["count"] == 1)
    done = deployed.does("status")
    (line,) = (one for one in done.out.splitlines() if "belongs to no program" in one)
    assert r"hid\x1b[2Jden roadie 7777" in line and "the next deploy ends it" in line
    assert "\x1b" not in done.text


def test_a_host_without_a_release_and_a_bare_host_say_what_to_run(
    bootstrapped: Desk, bare_host: ThrowawayHost
) -> None:
    done = bootstrapped.fab("status")
    error_of(done, 2, "there is no release yet; run: fab deploy")
    assert first_line(done.out) == "guestbook.example.org  ○ there is no release yet; run: fab deploy"
    bare = replace(bootstrapped, host=bare_host).fab("status")
    error_of(bare, 6, "is not set up on this host; run: fab bootstrap")
    assert bare.out == ""


@pytest.mark.parametrize("columns", [60, 200])
def test_a_terminal_gets_a_table_of_releases_that_fits(deployed: Desk, columns: int) -> None:
    (id_of_live,) = inside(deployed.host, "ls /srv/guestbook/releases").split()
    head, row = deployed.sees("releases", columns=columns).lines
    assert head.split() == "RELEASE STATE WHEN TOOK WHO COMMIT".split()
    name = id_of_live if columns == 200 else id_of_live[-8:]
    assert row.startswith(f"● {name}  serves  ") and "main: Start" in row
    assert max(len(head), len(row)) <= columns
    status = deployed.sees("status", columns=columns).text
    assert status.startswith("guestbook.example.org  ● up, 200 in ")
    plain = deployed.sees("status", columns=columns, env={"LC_ALL": "C"}).text
    assert plain.startswith("guestbook.example.org  * up, 200 in ") and plain.isascii()
    assert deployed.does("releases").out.startswith(f"{deployed.host.name}: {id_of_live}  serves ")


@pytest.fixture
def pair(deployed: Desk, tmp_path: Path) -> Iterator[tuple[Desk, ThrowawayHost]]:
    """A desk before two hosts that serve the guestbook, and the second of these."""
    with standing.booted(standing.deployed()) as other:
        config = tmp_path / "ssh_config"
        config.write_text("\n".join(one.ssh_config.read_text() for one in (deployed.host, other)))
        names = f"root@{deployed.host.name},root@{other.name}"
        yield replace(deployed, options=("-S", str(config), "-H", names)), other


def test_two_hosts_have_a_block_each_and_the_worse_one_decides(pair: tuple[Desk, ThrowawayHost]) -> None:
    desk, other = pair
    assert desk.does("status").out.count("● up") == 2
    other.ssh("supervisorctl stop all")
    done = desk.fab("status")
    error_of(done, 6, f"{other.name}, status: ")
    assert f"{desk.host.name}: guestbook.example.org  ● up" in done.out
    assert f"{other.name}: guestbook.example.org  ○ down" in done.out


def test_logs_of_two_hosts_are_merged_by_time_with_the_hosts_names(pair: tuple[Desk, ThrowawayHost]) -> None:
    desk, other = pair
    for second, host in enumerate((desk.host, other, desk.host)):
        line = f"[2026-01-01 00:00:0{second} +0000] line {second}"
        inside(host, f"cd /var/log/guestbook; echo '{line}' >>web-green.log")
    out = desk.does("logs", "--grep", "LINE ").out
    assert [line.partition(": ")[0] for line in out.splitlines()] == [
        desk.host.name,
        other.name,
        desk.host.name,
    ]
    with desk.started("logs", "-f", "--lines", "1") as process:
        assert process.stdout and process.stdout.readline()
        for host in (other, desk.host):
            inside(host, "echo written later >>/var/log/guestbook/web-green.log")
            assert process.stdout.readline() == f"{host.name}: written later\n"
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0
