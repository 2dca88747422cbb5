"""rehearse tries everything on a throwaway host, and leaves nothing behind. It tries two of the examples."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from browser_with_cookies import Browser
from desk import Done
from lasting import read_frame
from projects import example, git, settings
from roadie.throwaway import hosts as throwaway
from roadie.throwaway.hosts import ThrowawayHost

FAB = Path(sys.executable).parent / "fab"
SETLIST = "setlist.example.org"


@contextmanager
def started(project: Path, *words: str) -> Iterator[subprocess.Popen[str]]:
    """Start `fab rehearse` in a session of its own."""
    process = subprocess.Popen(
        [FAB, "rehearse", *words],
        cwd=project,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()


def rehearse(project: Path, *words: str) -> Done:
    with started(project, *words) as process:
        out, err = process.communicate(timeout=900)
    return Done(process.returncode, out, err)


def host_in(text: str) -> ThrowawayHost:
    """Return the host that the output names."""
    found = re.search(r"\brehearse-\d+-\d+", text)
    assert found, text
    return throwaway.find(found[0])


def names_of(pid: int) -> list[str]:
    """Return the names of the hosts of one run of rehearse."""
    return [host.name for host in throwaway.hosts() if host.name.startswith(f"rehearse-{pid}-")]


def typed(line: str, text: str) -> str:
    """Run the command that begins so in the output, as typed into a shell. Return the command's output."""
    [command] = [found.strip() for found in text.splitlines() if found.strip().startswith(line)]
    return subprocess.run(command, shell=True, capture_output=True, text=True, check=True).stdout


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return example("guestbook", tmp_path / "guestbook")


@pytest.fixture
def fails_early(project: Path) -> Path:
    """A project with a template of its own that makes the first stage fail."""
    own = project / "roadie-templates/packages/packages.sh.j2"
    own.parent.mkdir(parents=True)
    own.write_text("fail 'a thing' 'there is none; get one'\n")
    return project


async def votes_of(host: ThrowawayHost, song: str) -> list[dict[str, int]]:
    """Return the votes that a websocket of the setlist tells: all at first, and one that comes meanwhile."""
    reader, writer = await asyncio.open_connection(host.address, 80)
    upgrade = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    key = "Sec-WebSocket-Key: c2V0bGlzdCBzZXRsaXN0IQ==\r\n"
    asked = f"GET /votes HTTP/1.1\r\nHost: {SETLIST}\r\nOrigin: http://{SETLIST}\r\n{upgrade}{key}\r\n"
    writer.write(asked.encode())
    async with asyncio.timeout(30):
        assert b" 101 " in await reader.readuntil(b"\r\n\r\n")
        first = (await read_frame(reader))[1]
        assert (await asyncio.to_thread(Browser(host, SETLIST).post, "/", song=song)).status == 302
        second = (await read_frame(reader))[1]
    writer.close()
    return [json.loads(first), json.loads(second)]


def test_a_whole_rehearsal_proves_itself_and_keeps_its_host(tmp_path: Path) -> None:
    project = example("setlist", tmp_path / "setlist")
    before = git(project, "count-objects", "-v")
    done = rehearse(project, "--keep")
    host = host_in(done.text)
    try:
        assert done.code == 0, done.text
        assert "rehearse:   200 /  Setlist" in done.out
        assert re.search(r"rehearse:   200 /static/built/site\.css  .*tailwindcss", done.out)
        assert "here: build_here: npm run build" in done.out
        assert "rehearse:   200 /admin/login/?next=/admin/  Log in" in done.out
        assert "refused, as it should be" in done.out and "/healthz answered 500" in done.out
        assert re.search(r"answered all \d+ visits meanwhile", done.out)
        assert "RuntimeError: broken on purpose by fab rehearse" in done.text

        first, second = asyncio.run(votes_of(host, "John Henry"))
        assert [first[song] for song in second] == [0] and list(second.values()) == [1]
        record = "cat /srv/setlist/live/release/release.json"
        assert git(project, "rev-parse", "HEAD") in host.ssh(record).stdout
        last_run = int(host.ssh("stat -c %Y /var/log/roadie/*.log | sort -n | tail -n 1").stdout)
        assert last_run < int(host.ssh("stat -c %Y /proc/1").stdout), "it was not rebooted after the last run"

        assert (git(project, "count-objects", "-v"), git(project, "status", "--porcelain")) == (before, "")
        assert "John Henry" in typed("curl ", done.out)
        ssh = re.search(r"ssh -F \S+ \S+", done.out)
        assert (
            ssh and subprocess.check_output(f"{ssh[0]} hostname", shell=True, text=True) == f"{host.name}\n"
        )
        manage = re.search(r"cd .+ manage ", done.out)
        assert manage and "no issues" in subprocess.check_output(
            f"{manage[0]} check", shell=True, text=True, stdin=subprocess.DEVNULL
        )
        down = rehearse(project, "--down")
        assert (down.code, down.out) == (0, f"{host.name} is taken down\n")
        assert host.name not in [one.name for one in throwaway.hosts()]
        assert rehearse(project, "--down").out == "no host of a rehearsal is up here\n"
    finally:
        host.down()


@pytest.mark.third(2)
def test_a_quick_rehearsal_on_debian_12_takes_its_host_down(tmp_path: Path) -> None:
    with started(example("songbook", tmp_path / "songbook"), "--quick", "--suite", "bookworm") as process:
        out, err = process.communicate(timeout=900)
        assert process.returncode == 0, out + err
        assert "rehearse:   200 /  Songbook" in out
        assert "broken on purpose" not in out and "reboot" not in out and "To look around" not in out
        assert names_of(process.pid) == []


@pytest.mark.third(0)
def test_a_quick_rehearsal_has_a_certificate_of_its_own_and_runs_celery(tmp_path: Path) -> None:
    with started(example("postbox", tmp_path / "postbox"), "--quick") as process:
        out, err = process.communicate(timeout=900)
        assert process.returncode == 0, out + err
        assert "rehearse:   200 /  Postbox" in out and "serves https://postbox.example.org/" in out
        for program in ("celery", "beat"):
            assert f"program postbox.{program}\n" in out
        assert names_of(process.pid) == []


def test_a_failure_is_one_line_and_takes_the_host_down(fails_early: Path) -> None:
    with started(fails_early) as process:
        _, err = process.communicate(timeout=300)
        assert process.returncode == 6
        assert err.splitlines()[-1].endswith(
            "packages: a thing: there is none; get one; the throwaway host is taken down; --keep leaves it up"
        )
        assert names_of(process.pid) == []


def test_a_failure_leaves_the_host_up_if_it_is_to_be_kept(fails_early: Path) -> None:
    done = rehearse(fails_early, "--keep")
    host = host_in(done.out)
    try:
        assert done.code == 6
        assert done.last_line.endswith("the throwaway host stays up for a look")
        assert f"{host.name} stays up" in done.out
        assert host.ssh("hostname").stdout == f"{host.name}\n"
    finally:
        host.down()


@pytest.mark.parametrize("words", [(), ("--keep",)], ids=["", "also with --keep"])
@pytest.mark.parametrize("times", [1, 2], ids=["once", "twice"])
@pytest.mark.parametrize("at", ["boots a throwaway host", "package lists"])
def test_ctrl_c_leaves_nothing_behind(project: Path, at: str, times: int, words: tuple[str, ...]) -> None:
    with started(project, *words) as process:
        assert process.stdout
        _wait_for(process.stdout.readline, at)
        time.sleep(0.5)  # so that Ctrl-C comes in the middle of the work
        for _ in range(times):
            os.killpg(process.pid, signal.SIGINT)
            time.sleep(0.1)
        _, err = process.communicate(timeout=60)
        # A second signal in the last moments of Python ends Python. A shell shows 130 for both.
        assert process.returncode in (130, -signal.SIGINT), err
        assert "interrupted" in err.strip().splitlines()[-1]
        assert "Traceback" not in err
        assert names_of(process.pid) == []


def test_what_cannot_be_deployed_is_refused_before_a_host_boots(project: Path) -> None:
    settings(project, domain="www.example.org", nonsense=1)
    wrong = rehearse(project)
    assert (wrong.code, wrong.out) == (2, "")
    assert "unknown setting" in wrong.last_line
    (project / "fabric.yaml").write_text("roadie: {domain: www.example.org}\n")
    git(project, "update-ref", "-d", "HEAD")
    bare = rehearse(project)
    assert (bare.code, bare.out) == (2, "")
    assert "nothing is committed yet" in bare.last_line


def test_a_debian_that_is_not_known_is_refused(project: Path) -> None:
    done = rehearse(project, "--suite", "woody")
    assert done.code == 2
    assert done.last_line == "No throwaway host of 'woody': choose trixie or bookworm."


def _wait_for(readline: Callable[[], str], words: str) -> None:
    while line := readline():
        if words in line:
            return
    raise AssertionError(f"it ended without {words!r}")
