"""Which answers the crowd of the soak judges as wrong."""

import asyncio
import json
import time
from collections import deque

import pytest
from crowd import KEPT_ALIVE, Crowd, Page, Wrong
from probe import Truth

OLD = Truth("1", "1.16.0", "0", "probe/style.1.css")
NEW = Truth("2", "1.16.0", "0", "probe/style.2.css")
PLACES = ("code", "folder", "environment", "settings", "static")


def answer(truth=OLD, number="7", release="one", **others):
    told = {
        "number": number,
        "releases": {**dict.fromkeys(PLACES, release), **others.get("releases", {})},
        "virtualenvs": ["/venv", others.get("virtualenv", "/venv")],
        **vars(truth),
    }
    return Page(200, json.dumps(told).encode(), True)


def judge(page, settled=False):
    crowd = Crowd(None, OLD)
    crowd.expect(NEW)
    if settled:
        crowd.settle(NEW)
    return crowd._judge(page, "7", time.monotonic() + 1)


def test_old_and_new_are_right_during_a_deploy_and_the_new_one_after_it():
    judge(answer(OLD))
    judge(answer(NEW))
    judge(answer(NEW), settled=True)
    with pytest.raises(Wrong, match="an old release"):
        judge(answer(OLD), settled=True)


@pytest.mark.parametrize(
    "page",
    [
        Page(502, b"", True),
        answer(number="8"),
        answer(Truth("3", "1.16.0", "0", "probe/style.3.css")),
        answer(releases={"static": "two"}),
        answer(releases={"environment": "two"}),
        answer(virtualenv="/other"),
    ],
)
def test_a_failed_swapped_or_mixed_answer_is_wrong(page):
    with pytest.raises((Wrong, AssertionError)):
        judge(page)


def test_a_release_that_answers_in_two_ways_is_wrong():
    crowd = Crowd(None, OLD)
    crowd.expect(NEW)
    crowd._judge(answer(OLD), "7", 0.0)
    with pytest.raises(Wrong, match="a mixture"):
        crowd._judge(answer(NEW), "7", 0.0)


class LostLine:
    """A connection that is lost before there is an answer."""

    is_closed = False

    async def ask(self, *words, **more):
        raise EOFError

    def close(self):
        self.is_closed = True


def test_a_connection_that_is_lost_is_closed_and_asked_no_more():
    crowd, lines = Crowd(None, OLD), [LostLine() for _ in range(KEPT_ALIVE)]
    crowd._idle = deque(lines)
    with pytest.raises(EOFError):
        asyncio.run(crowd._visit_again())
    assert lines[0].is_closed and lines[0] not in crowd._idle
