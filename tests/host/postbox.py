"""The postbox on a host: its letters, the tasks that deliver them, its worker and its beat."""

from __future__ import annotations

import random
import re
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from urllib.parse import urlencode

import standing
from beside import Beside
from crowd import Count
from desk import Answer, Desk, browse, eventually
from invoke.util import yaml
from projects import change_line, commit, example, settings
from roadie.throwaway.hosts import ThrowawayHost

DOMAIN = "postbox.example.org"
POST = """
import random
from letters.models import Letter
from letters.tasks import deliver
for letter in [Letter.objects.create(text="{text}") for _ in range({count})]:
    deliver.delay(letter.pk, random.uniform({least}, {most}))
"""
TOLD = """
from letters.models import Letter
for text, deliveries in Letter.objects.filter(text__startswith="{text}").values_list("text", "deliveries"):
    print("letter", text, deliveries)
"""
ACTIVE = """
from postbox.celery import app
for tasks in (app.control.inspect().active() or {}).values():
    print("active", *(task["worker_pid"] for task in tasks))
"""


@dataclass(frozen=True)
class Postbox:
    """A desk with the postbox, whose postman comes every second, and its host."""

    desk: Desk

    @property
    def host(self) -> ThrowawayHost:
        return self.desk.host

    def shell(self, code: str) -> list[list[str]]:
        """Run a piece of Python in the site's own Django. Return the words of each line that it prints."""
        done = self.host.ssh("/usr/local/lib/roadie/manage postbox shell -v 0", text=code)
        return [line.split() for line in done.stdout.splitlines()]

    def post(self, text: str, count: int, seconds: float = 0, most: float = 0) -> None:
        """Queue a task for each of so many new letters. Each takes so many seconds, or up to `most`."""
        self.shell(POST.format(text=text, count=count, least=seconds, most=max(seconds, most)))

    def delivered(self, text: str) -> Counter[tuple[str, int]]:
        """How many letters that begin with this text were delivered so many times."""
        told = self.shell(TOLD.format(text=text))
        return Counter((words[1], int(words[2])) for words in told if words[:1] == ["letter"])

    def assert_each_once(self, text: str, count: int, seconds: float = 120) -> None:
        assert eventually(lambda: self.delivered(text) == {(text, 1): count}, seconds), self.delivered(text)

    def ship(self, version: str) -> str:
        """Deploy a release whose tasks differ from the ones before. Return what the deploy prints."""
        self.commit(version)
        return self.desk.does("deploy").out

    def commit(self, version: str) -> None:
        path = self.desk.project / "letters/tasks.py"
        path.write_text(f"{path.read_text()}\n# {version}\n")
        commit(self.desk.project, version)

    def processes(self, words: str) -> int:
        """How many first processes of such a program run."""
        found = self.host.ssh(
            f"pgrep -u postbox -f 'python -m celery .*{words}' -P $(cat /run/supervisord.pid) | wc -l"
        )
        return int(found.stdout)

    def busy(self) -> list[str]:
        """The processes of the worker that do a task."""
        return [pid for words in self.shell(ACTIVE) if words[:1] == ["active"] for pid in words[1:]]

    def beats(self) -> list[float]:
        """The times at which beat has sent its task."""
        lines = self.host.ssh("cat /var/log/postbox/beat.log*").stdout
        found = re.findall(r"\[([\d-]+ [\d:]+),(\d+): .*Sending due task postman", lines)
        return sorted(datetime.fromisoformat(f"{when}.{part}").timestamp() for when, part in found)

    def assert_one_beat(self) -> list[float]:
        """Check that two beats never ran at the same time. Return the seconds between two ticks, sorted."""
        ticks = self.beats()
        gaps = sorted(late - early for early, late in pairwise(ticks))
        assert len(ticks) > 5
        assert gaps[0] > 0.5, gaps[:5]
        assert self.processes(" beat ") == 1
        return gaps


def hurried(desk: Desk, **more: object) -> Postbox:
    """Have the postman come every second, serve by http, and add settings."""
    change_line(desk.project / "postbox/settings.py", '"schedule": 60', '"schedule": 1')
    known = yaml.safe_load((desk.project / "fabric.yaml").read_text())["roadie"]
    settings(desk.project, **{**known, "tls": "off", **more})
    commit(desk.project, "A hurried postman")
    return Postbox(desk)


@contextmanager
def served(folder: Path, suite: str, database: str, **more: object) -> Iterator[Postbox]:
    """Boot a host that serves the postbox from this folder."""
    snapshot = standing.with_postgresql(suite) if database == "postgresql" else standing.packaged(suite)
    with standing.booted(snapshot, suite) as host:
        box = hurried(Desk(example("postbox", folder), host), database=database, **more)
        box.desk.does("bootstrap")
        box.desk.does("deploy")
        yield box


class Senders(Beside):
    """People who look at the postbox and post a letter, as long as the block lasts.

    Afterwards `failed` lists what went wrong.
    """

    def __init__(self, host: ThrowawayHost, per_second: float = 4) -> None:
        super().__init__(60)
        self.host, self.per_second = host, per_second
        self.counts = {"letter": Count()}
        self.failed: list[str] = []
        self.excused: list[str] = []
        self.tag = f"sent-{random.randrange(16**8):08x}"
        #: the texts of the letters that the site has taken
        self.posted: list[str] = []

    @property
    def sent(self) -> int:
        return len(self.posted) + len(self.failed)

    def assert_each_once(self, box: Postbox, seconds: float = 120) -> None:
        """Check that each letter that the site has taken is there, and was delivered one time."""
        wanted = Counter((text, 1) for text in self.posted)
        assert eventually(lambda: box.delivered(self.tag) == wanted, seconds), (
            box.delivered(self.tag) - wanted,
            wanted - box.delivered(self.tag),
        )

    def _work(self) -> None:
        with ThreadPoolExecutor(40) as crowd:
            due, number = time.monotonic(), 0
            while not self._over.is_set():
                number += 1
                crowd.submit(self._send, f"{self.tag}-{number}")
                due += 1 / self.per_second
                self._over.wait(max(0.0, due - time.monotonic()))

    def _send(self, text: str) -> None:
        at, began = time.time(), time.monotonic()
        try:
            answer = self._post(text)
        # Every error: half an answer is no OSError, and an error in a pool's thread would be lost.
        except Exception as error:
            self.failed.append(f"{at:.2f} {text}: {error!r}")
        else:
            self.counts["letter"].seconds.append(time.monotonic() - began)
            if answer.status == 302:
                self.posted.append(text)
            else:
                self.failed.append(f"{at:.2f} {text}: {answer.status} {answer.body[:80]!r}")

    def _post(self, text: str) -> Answer:
        page = browse(self.host, "/", DOMAIN)
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page.body)
        if page.status != 200 or not token:
            return page
        headers = {"Cookie": page.headers["set-cookie"].partition(";")[0]}
        headers["Content-Type"] = "application/x-www-form-urlencoded"
        form = urlencode({"csrfmiddlewaretoken": token[1], "text": text})
        return browse(self.host, "/", DOMAIN, "POST", form.encode(), headers)
