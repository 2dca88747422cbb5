"""How a site fares, in a few lines: the worst comes first, and what is not known is not made up."""

from __future__ import annotations

import io
import json
import time
from typing import Any

import pytest
from roadie.look.status import Status
from roadie.look.words import age, cut, kilobytes, width_of, with_known_symbols

RECORD = json.dumps(
    {"commit": "ca45e96e" * 5, "subject": "drop", "who": "ann", "from": "desk", "branch": "main"}
)
UP: dict[str, list[str]] = {
    "page": ["/"],
    "answer": ["200 0.034123"],
    "live": ["20261128T210231Z-ca45e96e"],
    "record": [RECORD],
    "processes": ["2 153600"],
    "answers": ["600 120 3 1 0"],
    "database": ["12288"],
    "pending": [""],
    "dump": ["3600 /var/backups/roadie/dumps/shop/20261128T210202Z-before-x.sql.gz"],
    "media": ["1229"],
    "disks": ["Avail 1K-blocks IFree Inodes Mounted on\n 610 1000 90 100 /\n 50 1000 0 0 /data disk"],
}


def status(**changed: list[str] | None) -> Status:
    up = {**UP, "since": [f"{time.time() - 250:.0f}"]}
    facts = {name: value for name, value in {**up, **changed}.items() if value is not None}
    return Status("shop", "www.example.org", facts)


def test_a_site_that_is_up_takes_four_lines() -> None:
    first, answers, sizes, locks, *rest = status(disks=["head\n 610 1000 90 100 /"]).lines()
    assert first == (
        'www.example.org  ● up, 200 in 34 ms, ca45e96e "drop" by ann for 4 min, 2 workers, 150 MB'
    )
    assert answers == "answers to visitors in the last 10 min: 120 2xx, 3 3xx, 1 4xx"
    assert sizes.startswith("database 12 MB, dump ") and sizes.endswith(
        " ago · media 1.2 MB · disk / 61 % free"
    )
    assert locks == "lock none · maintenance off · migrations none pending" and rest == []
    assert status().trouble() == ""


@pytest.mark.parametrize(
    ("facts", "state", "says"),
    [
        ({"live": [""]}, "no release", "run: fab deploy"),
        ({"answer": ["502 0.1"]}, "down", "/ answers 502; see: fab logs; to go back: fab rollback"),
        ({"answer": ["503 0.1"], "down": ["x"]}, "down", "no process of it listens"),
        ({"answer": ["000 0.001"]}, "down", "nginx does not answer"),
        ({"answer": ["000 10.001"]}, "down", "/ gives no answer within 10 seconds"),
        ({"answer": ["400 0.1"]}, "down", "ALLOWED_HOSTS may not hold www.example.org"),
        ({"answer": ["404 0.1"]}, "up", ""),
        ({"answer": ["302 0.1"]}, "up", ""),
        ({"answer": ["503 0.1"], "maintenance": ["by ann since then"]}, "maintenance", ""),
    ],
)
def test_the_first_line_says_what_visitors_get_and_what_to_do(facts: Any, state: str, says: str) -> None:
    found = status(**facts)
    assert (found.state, found.data["state"]) == (state, state)
    assert says in found.trouble() and bool(says) == bool(found.trouble())
    assert found.trouble() in found.lines()[0]


def test_what_may_go_wrong_next_is_named_below() -> None:
    found = status(
        database=None,
        pending=None,
        silent=["no answer over /run/mysqld/mysqld.sock: nothing within 6 seconds"],
        half=["shop.0003_drop"],
        program=["beat FATAL", "worker RUNNING"],
        strays=["12"],
        stray=["812 sleep 1000 ", "813 "],
        refused=["20261128T211802Z-52411a25"],
        record=[RECORD, json.dumps({"commit": "52411a25" * 5, "subject": "500", "who": "ci"})],
        why=["gate: release"],
    )
    text = "\n".join(found.lines())
    for words in (
        "worker runs",
        "database does not answer, dump ",
        "migrations half applied: shop.0003_drop, not known",
        "! program beat is fatal; see: fab logs --of programs",
        "! the disk of /data disk is 95 % full",
        "! process 812 (sleep 1000) of the site's user belongs to no program; the next deploy ends it",
        "! process 813 (?)",
        "! 10 more processes",
        '! the last deploy, 52411a25 "500" by ci, does not serve: gate: release; see: fab logs --release ',
    ):
        assert words in text, (words, text)
    assert found.data["migrations"]["pending"] is None and found.data["database"]["kb"] is None


def test_a_periodic_command_whose_last_run_failed_is_named() -> None:
    ended = f"ExecMainExitTimestamp=@{time.time() - 330:.0f}"
    found = status(
        job=[
            f"sessions ActiveState=failed Result=exit-code ExecMainStatus=3 {ended}",
            "mail ActiveState=failed Result=signal ExecMainStatus=9 ExecMainExitTimestamp=",
            "report ActiveState=inactive Result=success ExecMainStatus=0 ExecMainExitTimestamp=",
        ]
    )
    text = "\n".join(found.lines())
    assert "! cron sessions failed 5 min ago: exit code 3; see: fab logs --of programs" in text
    assert "! cron mail failed: signal; see: " in text and "report" not in text
    assert found.data["cron"]["report"] == {"state": "inactive", "ended": None, "failed": None}


def test_the_days_of_a_certificate_are_told() -> None:
    now = time.time()
    assert "· certificate for 60 days" in "\n".join(status(certificate=[f"{now + 60.5 * 86400:.0f}"]).lines())
    late = status(certificate=[f"{now + 5.5 * 86400:.0f}"])
    assert late.state == "up" and "! the certificate ends in 5 days" in "\n".join(late.lines())
    over = status(certificate=[f"{now - 86400 * 1.5:.0f}"])
    assert over.state == "down" and "its certificate ended 2 days ago; run: fab tls" in over.lines()[0]
    none = status(certificate=["none"])
    assert none.state == "up" and "! the site answers by http, as it has no certificate" in "\n".join(
        none.lines()
    )
    assert (over.data["certificate"], none.data["certificate"]) == ({"days": -2}, {"days": None})


def test_whatever_a_host_leaves_out_the_rest_is_told_and_is_json() -> None:
    for name in UP:
        if name not in ("answer", "live"):
            found = status(**{name: None})
            assert len(found.lines()) >= 4 and json.loads(json.dumps(found.data))
    assert status(record=["[1]"]).lines()[0].endswith('? "?" by ? for 4 min, 2 workers, 150 MB')


def test_sizes_ages_and_widths() -> None:
    assert [age(each) for each in (0, 59, 60, 7199, 90000)] == ["0 s", "59 s", "1 min", "1 h", "1 d"]
    assert [kilobytes(each) for each in (4, 1229, 12288, 5 << 30)] == ["4 kB", "1.2 MB", "12 MB", "5.0 TB"]
    assert (width_of("日本"), cut("日本語", 5), cut("abc", 3)) == (4, "日本…", "abc")

    pipe = io.TextIOWrapper(io.BytesIO(), "ascii")
    assert with_known_symbols(["● up · ä"], pipe) == ["* up - ä"]
