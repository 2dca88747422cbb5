"""The reader of logs, a program for hosts: the lines that it chooses, and their times."""

from __future__ import annotations

import gzip
import os
import runpy
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from roadie.scripts.render import TEMPLATES

NONCE = "0123456789abcdef" * 2


@pytest.fixture
def reader(tmp_path: Path) -> Any:
    names = runpy.run_path(str(TEMPLATES / "look/reader.py"))
    names["Search"].paths.__globals__["FOLDER"] = tmp_path
    for folder in ("shop", "nginx", "roadie"):
        (tmp_path / folder).mkdir()
    return SimpleNamespace(**names)


def found(
    reader: Any, *kinds: str, lines: int = 100, since: str = "", grep: str = "", release: str = ""
) -> list[str]:
    search = reader.Search("shop", kinds or ("app",), lines, since, grep, release, "")
    logs = search.fresh_logs()
    if release:
        logs = search.of_release(logs)
    return [text for _, _, text in search.last(logs)]


@pytest.mark.parametrize(
    ("line", "when"),
    [
        (b"[2026-01-02 03:04:05 +0100] [7] [INFO] x", 1767319445),
        (b"2026-01-02T03:04:05.250Z x", 1767323045.25),
        (b"2026-01-02 03:04:05,250+01:00 x", 1767319445.25),
        (
            b'1.2.3.4 - - [02/Jan/2026:03:04:05 +0100] "GET / HTTP/1.1" 200 1 "-" "x" 1767319445.123 0.1 - -',
            1767319445.123,
        ),
        (b'1.2.3.4 - - [02/Jan/2026:03:04:05 +0100] "GET / HTTP/1.1" 200 1 "-" "x"', 1767319445),
        (b"2026-01-02 03:04:05,250 no time zone is named", None),
        (b"2026-99-99T99:99:99Z", None),
        (b"no time", None),
    ],
)
def test_the_time_of_a_line_is_its_own_if_its_time_zone_is_known(
    reader: Any, line: bytes, when: float | None
) -> None:
    assert reader.own_time(line) == when


def test_nginx_writes_its_errors_in_the_time_zone_of_the_host(reader: Any) -> None:
    here = time.mktime((2026, 1, 2, 3, 4, 5, 0, 0, -1))
    assert reader.own_time(b"2026/01/02 03:04:05 [error] 7#7: x") == here


def test_a_line_without_a_time_stays_behind_the_line_before_it(reader: Any, tmp_path: Path) -> None:
    (tmp_path / "shop/web-blue.log").write_text(
        "begins\n[2026-01-01 00:00:01 +0000] error\n  its traceback\n[2026-01-01 00:00:03 +0000] x\n"
    )
    (tmp_path / "shop/web-green.log").write_text("[2026-01-01 00:00:02 +0000] between\n")
    assert [text[-9:] for text in found(reader)] == [
        "begins",
        "00] error",
        "traceback",
        "] between",
        " +0000] x",
    ]


def test_older_files_count_and_the_last_lines_win(reader: Any, tmp_path: Path) -> None:
    log = tmp_path / "shop/web-blue.log"
    with gzip.open(f"{log}.2.gz", "wt") as file:
        file.write("a1\na2\n")
    Path(f"{log}.1").write_text("b1\nb2\n")
    log.write_text("c1\nc2")
    assert found(reader) == ["a1", "a2", "b1", "b2", "c1", "c2"]
    assert found(reader, lines=3) == ["b2", "c1", "c2"]
    assert found(reader, grep="A", lines=1) == ["a2"]
    Path(f"{log}.2.gz").write_text("no gzip")
    assert found(reader) == ["b1", "b2", "c1", "c2"]


def test_a_long_log_is_read_from_its_end_as_far_as_needed(reader: Any, tmp_path: Path) -> None:
    lines = [
        f"[2026-01-01 {n // 3600:02}:{n // 60 % 60:02}:{n % 60:02} +0000] line {n}" for n in range(20_000)
    ]
    (tmp_path / "shop/web-blue.log").write_text("\n".join([*lines, "x" * 9999, ""]))
    assert found(reader, lines=2) == [lines[-1], "x" * 2000]
    assert found(reader, grep="line 77", lines=1) == [lines[7799]]
    since = found(reader, since=str(1767225600 + 5000), lines=100_000)
    assert since[0] == lines[5000] and len(since) == 15_001


def test_only_regular_files_are_read(reader: Any, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret\n")
    (tmp_path / "shop/web-blue.log").symlink_to(tmp_path / "secret")
    os.mkfifo(tmp_path / "shop/web-green.log")
    (tmp_path / "shop/beat.log").mkdir()
    assert found(reader, "app", "programs") == []


def test_runs_of_another_site_are_left_out_and_a_release_finds_its_own(reader: Any, tmp_path: Path) -> None:
    def run(at: int, app: str, release: str, *texts: str) -> None:
        head = f"{NONCE}\tfact\t\tcommand\t{app}\\tfab deploy\\tann at desk\\t{release}"
        text = "\n".join([head, f"{NONCE}\tstage\tgate\tgate\tAsk.", *texts, ""])
        (tmp_path / f"roadie/2026010{at}T000000Z-0123abcd.log").write_text(text)

    said = f"50% of {NONCE}\tchanged\tnginx\tfile /x\t-a\\n+b"
    run(1, "shop", "20260101T000000Z-aaaaaaaa", "mine", f"{NONCE}\tok\tgate\tfine\t", said)
    run(2, "other", "20260102T000000Z-aaaaaaaa", "theirs")
    run(3, "shop", "20260103T000000Z-bbbbbbbb", "newer")
    first = [
        "=== fab deploy of shop, release 20260101T000000Z-aaaaaaaa, by ann at desk",
        "--- gate: Ask.",
        "mine",
        "50% of ",
        "nginx        changed  file /x: -a",
        "    +b",
    ]
    assert found(reader, "runs")[:6] == first and len(found(reader, "runs")) == 9
    assert found(reader, "runs", release="aaaaaaaa") == first
    assert found(reader, "runs", release="cccccccc") == []
    assert found(reader, "runs", lines=1) == ["newer"]


def test_what_is_written_later_comes_whole_and_once_across_a_rotation(reader: Any, tmp_path: Path) -> None:
    log = tmp_path / "shop/web-blue.log"
    log.write_text("before\n")
    search = reader.Search("shop", ("app",), 100, "", "", "", "1")
    (followed,) = search.fresh_logs()
    search.last([followed])

    def more() -> list[str]:
        return [text for _, _, text in followed.more(search)]

    with log.open("a") as file:
        file.write("half")
        file.flush()
        assert more() == []
        file.write(" line\n")
    assert more() == ["half line"]
    log.rename(f"{log}.1")
    with Path(f"{log}.1").open("a") as file:
        file.write("last\n")
    log.write_text("first\n")
    assert [*more(), *more()] == ["last", "first"]
    log.write_text("x\n")  # shorter than before
    assert [*more(), *more()] == ["x"]
    followed.file.close()
