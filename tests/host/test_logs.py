"""`fab logs` shows the logs of a site, and leaves nothing behind on the host."""

from __future__ import annotations

import json
import os
import signal

from desk import Desk, browse, eventually
from within import inside

WEB = "/var/log/guestbook/web-green.log"
READS = "pgrep -af '^python3 -I -S -c|^bash /run/roadie/' || :"


def test_each_kind_of_log_is_shown_and_no_log_of_the_look_stays(deployed: Desk) -> None:
    browse(deployed.host, "/?from=test")
    runs = inside(deployed.host, "ls /var/log/roadie")
    assert "[INFO] Booting worker" in deployed.does("logs").out
    nginx = deployed.does("logs", "--of", "nginx").out
    assert '"GET /?from=test HTTP/1.1" 200' in nginx
    shown = deployed.does("logs", "--of", "runs").out
    assert "=== fab deploy of guestbook, release 2" in shown and "--- watch: " in shown
    assert not any(len(word) == 32 and word.isalnum() for word in shown.split())  # no nonce
    inside(deployed.host, "echo tick >/var/log/guestbook/alerts.log")
    assert deployed.does("logs", "--of", "programs").out == "alerts: tick\n"
    both = deployed.does("logs", "--of", "app,nginx").out
    assert "access: " in both and "web-blue: " in both
    assert inside(deployed.host, "ls /var/log/roadie") == runs
    assert inside(deployed.host, "ls /run/roadie") == ""


def test_rotated_files_count_and_the_flags_choose(deployed: Desk) -> None:
    inside(
        deployed.host,
        f"cd /var/log/guestbook; echo '[2026-01-01 10:00:00 +0000] oldest' | gzip >{WEB}.2.gz;"
        f"printf '[2026-01-02 10:00:00 +0000] older\\n  of the same time\\n' >{WEB}.1;"
        f"echo '[2026-01-03 10:00:00 +0000] Newest' >{WEB}; touch -d 2026-01-01T10:00Z {WEB}.2.gz;"
        f"touch -d 2026-01-02T10:00Z {WEB}.1; rm -f web-blue.log*",
    )
    texts = ["oldest", "older", "same time", "Newest"]
    for flags, chosen in (
        ([], texts),
        (["--lines", "2"], texts[2:]),
        (["--since", "2026-01-02T10:00:00+00:00"], texts[1:]),
        (["--since", "2026-01-02T10:00:01Z"], texts[3:]),
        (["--since", "10m"], []),
        (["--grep", "OLDE"], texts[:2]),
        (["--grep", "e", "--lines", "1"], texts[3:]),
    ):
        lines = deployed.does("logs", *flags).out.splitlines()
        assert len(lines) == len(chosen) and all(map(str.__contains__, lines, chosen)), (flags, lines)
    found = [json.loads(line) for line in deployed.does("logs", "--json", "--lines", "1").out.splitlines()]
    (data,) = (one["data"] for one in found if one["event"] == "result")
    assert data["log"] == "web-green" and data["time"] == 1767434400 and "Newest" in data["text"]
    for flags in (["--of", "mail"], ["--since", "1y"], ["--lines", "0x"], ["--release", "../x"]):
        done = deployed.fab("logs", *flags)
        assert done.code == 2 and done.err.count("\n") == 1 and flags[0] in done.err, done.text


def test_hostile_lines_steer_no_terminal_and_forge_nothing(deployed: Desk) -> None:
    forged = f"{'0' * 32}\\tfailed\\tlogs\\tx\\ty"
    inside(
        deployed.host,
        f"printf 'a\\033[2Jb\\001\\n{forged}\\n\\xff\\xfe\\rc\\n' >>{WEB};"
        f"echo '[2099-01-01 00:00:00 +0000] from the future' >>{WEB};"
        f"head -c 5000000 /dev/zero | tr '\\0' x >>{WEB}; ln -s /etc/shadow /var/log/guestbook/shadow.log;"
        "mkfifo /var/log/guestbook/pipe.log; mkfifo $'/var/log/guestbook/\\033[2J.log'",
    )
    done = deployed.does("logs", timeout=60)
    assert r"a\x1b[2Jb\x01" in done.out and "\x1b" not in done.text and "from the future" in done.out
    assert max(map(len, done.out.splitlines())) <= 2000
    assert deployed.does("logs", "--of", "programs", timeout=60).out == ""


def test_follow_shows_what_is_written_later_and_leaves_no_process(deployed: Desk) -> None:
    with deployed.started("logs", "-f", "--lines", "1") as process:
        assert process.stdout and process.stdout.readline()
        assert inside(deployed.host, READS)
        inside(deployed.host, f"printf half >>{WEB}; sleep 0.5; echo ' line' >>{WEB}")
        assert process.stdout.readline() == "half line\n"
        inside(deployed.host, f"mv {WEB} {WEB}.1; echo last of it >>{WEB}.1; echo rotated >{WEB}")
        assert [process.stdout.readline() for _ in range(2)] == ["last of it\n", "rotated\n"]
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0 and process.stderr and process.stderr.read() == ""
    assert eventually(lambda: not inside(deployed.host, READS)), inside(deployed.host, READS)
    # A controller that is killed closes the connection, too.
    with deployed.started("logs", "-f", "--lines", "1") as process:
        assert process.stdout and process.stdout.readline()
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    assert eventually(lambda: not inside(deployed.host, READS)), inside(deployed.host, READS)
    assert inside(deployed.host, "ls /run/roadie") == ""


def test_a_reader_that_goes_away_ends_the_command(deployed: Desk) -> None:
    with deployed.started("logs", "-f", "--lines", "1") as process:
        assert process.stdout and process.stdout.readline()
        process.stdout.close()
        inside(deployed.host, f"echo nobody reads this >>{WEB}")
        assert process.wait(20) == 0 and process.stderr and process.stderr.read() == ""
    assert eventually(lambda: not inside(deployed.host, READS))
