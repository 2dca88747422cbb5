"""A crowd of visitors to the probe: an open loop over raw sockets, which never repeats a request."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import random
import time
from collections import Counter, defaultdict, deque
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from beside import Beside
from databases import KINDS
from probe import Truth, read
from roadie.throwaway.hosts import ThrowawayHost
from within import enter_network

DOMAIN = "guestbook.example.org"
PATIENCE = 60.0  # seconds for one answer
AT_MOST = 200_000  # requests; the load ends after this many
KEPT_ALIVE = 12
#: visits per second of each kind
FULL: Mapping[str, float] = {
    "kept alive": 30,
    "new": 15,
    "post": 8,
    "static": 4,
    "upload": 1.5,
    "2 s": 0.7,
    "slow upload": 0.1,
    "25 s": 0.02,
}
#: for tests in which the slowest requests must not hold up a deploy
QUICK: Mapping[str, float] = {**FULL, "25 s": 0, "slow upload": 0.3}
#: for tests in which the load does not matter, only that no visitor notices anything
LIGHT: Mapping[str, float] = {name: rate / 3 if rate > 4 else 0 for name, rate in FULL.items()}


class Wrong(Exception):
    """A visitor got a wrong answer."""


@dataclass(frozen=True)
class Page:
    """One complete answer."""

    status: int
    body: bytes
    stays: bool  # whether the server keeps the connection open

    def checked(self) -> bytes:
        if self.status != 200:
            raise Wrong(f"{self.status} {self.body[:80]!r}")
        return self.body


class Line:
    """One connection to nginx."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    @classmethod
    async def open(cls, address: str) -> Line:
        return cls(*await asyncio.open_connection(address, 80))

    async def ask(
        self, method: str, path: str, body: bytes = b"", seconds: float = 0, last: bool = True
    ) -> Page:
        """Send one request, its body spread over `seconds`, and read the whole answer."""
        words = [f"{method} {path} HTTP/1.1", f"Host: {DOMAIN}", *(["Connection: close"] if last else [])]
        words += [f"Content-Length: {len(body)}"] if method == "POST" else []
        self._writer.write("\r\n".join([*words, "", ""]).encode())
        size = len(body) // 8 + 1
        for start in range(0, len(body), size):
            self._writer.write(body[start : start + size])
            await self._writer.drain()
            await asyncio.sleep(seconds / 8)
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower().split("\r\n")
        headers = dict(line.split(": ", 1) for line in head[1:] if line)
        whole = await self._reader.readexactly(int(headers["content-length"]))
        return Page(int(head[0].split()[1]), whole, headers.get("connection") != "close")

    def close(self) -> None:
        self._writer.close()


@dataclass
class Count:
    """The results of the visits of one kind."""

    seconds: list[float] = field(default_factory=list)
    failed: int = 0


class Crowd(Beside):
    """Sends visits as long as the block lasts. Afterwards `failed` lists what went wrong.

    Any release that was expected may answer a visit. After `settle`, only the last release may answer. The
    visits come from the host's own network, so a cut link does not affect them.
    """

    def __init__(
        self,
        host: ThrowawayHost,
        truth: Truth,
        rates: Mapping[str, float] = FULL,
        database: str = "mysql",
    ) -> None:
        super().__init__(PATIENCE + 10)
        self.host, self.rates, self.database = host, rates, KINDS[database]
        self.counts: dict[str, Count] = {name: Count() for name in rates}
        self.failed: list[str] = []
        self.excused: list[str] = []
        self._trouble = (float("inf"), float("-inf"))
        self.answered_by: Counter[Truth] = Counter()
        self._truths, self._settled = {truth}, float("inf")
        self._truth_of: dict[str, Truth] = {}
        self._truth = truth
        self._numbers = itertools.count(1)
        self._tag = f"{random.randrange(16**8):08x}"
        self._posted: set[str] = set()
        self._acknowledged: set[str] = set()

    def _finish(self) -> None:
        self._compare_with_database()

    @property
    def sent(self) -> int:
        return sum(len(count.seconds) + count.failed for count in self.counts.values())

    def expect(self, truth: Truth) -> None:
        """Allow this release to answer too, from now on."""
        self._settled = float("inf")
        self._truths |= {truth}
        self._truth = truth

    def settle(self, truth: Truth) -> None:
        """Require that this release answers every visit that begins from now on."""
        self._truth, self._settled = truth, time.monotonic()

    @contextmanager
    def trouble(self) -> Iterator[None]:
        """Excuse the visits that fail while the block lasts: something that served them was killed."""
        began = time.monotonic()
        self._trouble = (began, float("inf"))
        yield
        self._trouble = (began, time.monotonic())

    def assert_content(self) -> None:
        """Check that every visitor got a right page, and that there were visits of each kind."""
        assert not self.failed, f"{len(self.failed)} of {self.sent} failed: {self.failed[:8]}"
        assert all(count.seconds for name, count in self.counts.items() if self.rates[name]), self.counts

    # ---- Coming ---------------------------------------------------------------------------------------

    def _work(self) -> None:
        enter_network(self.host)
        asyncio.run(self._come())

    async def _come(self) -> None:
        self._idle: deque[Line] = deque()
        visits = {
            "kept alive": self._visit_again,
            "new": self._visit_newly,
            "post": self._post,
            "static": self._ask_style,
            "upload": lambda: self._upload(random.randrange(50_000, 800_000), 0.4),
            "2 s": lambda: self._wait_for_answer(2),
            "slow upload": lambda: self._upload(300_000, 8),
            "25 s": lambda: self._wait_for_answer(25),
        }
        async with asyncio.TaskGroup() as group:
            for name, rate in self.rates.items():
                if rate:
                    group.create_task(self._repeat(group, name, visits[name], 1 / rate))
        for line in self._idle:
            line.close()

    async def _repeat(
        self, group: asyncio.TaskGroup, name: str, visit: Callable[[], Awaitable[None]], every: float
    ) -> None:
        """Start each visit at its planned time, whether or not earlier visits are over."""
        due = time.monotonic() + min(every, 1) * random.random()
        while not self._over.is_set() and self.sent < AT_MOST:
            await asyncio.sleep(max(0.0, min(due - time.monotonic(), 0.2)))
            if time.monotonic() >= due:
                due += every
                group.create_task(self._note(name, visit))

    async def _note(self, name: str, visit: Callable[[], Awaitable[None]]) -> None:
        count, at, began = self.counts[name], time.time(), time.monotonic()
        try:
            async with asyncio.timeout(PATIENCE):
                await visit()
        except (OSError, EOFError, ValueError, LookupError, AssertionError, Wrong) as why:
            count.failed += 1
            since, until = self._trouble
            failed = self.excused if began <= until and time.monotonic() >= since else self.failed
            failed.append(f"{at % 86400:.2f} {name}, after {time.monotonic() - began:.2f} s: {why!r}")
        else:
            count.seconds.append(time.monotonic() - began)

    # ---- Kinds of visits --------------------------------------------------------------------------------

    async def _visit_newly(self) -> None:
        await self._ask(lambda line, query: line.ask("GET", f"/?{query}"))

    async def _visit_again(self) -> None:
        line = self._idle.popleft() if len(self._idle) >= KEPT_ALIVE else await Line.open(self.host.address)
        number = self._next()
        began = time.monotonic()
        stays = False
        try:
            page = await line.ask("GET", f"/?number={number}", last=False)
            self._judge(page, number, began)
            stays = page.stays
        finally:
            if stays:
                self._idle.append(line)
            else:
                line.close()

    async def _post(self) -> None:
        number = self._next()
        self._posted.add(number)
        told = await self._ask(lambda line, query: line.ask("POST", f"/entries?{query}"), number)
        if told["stored"] != number:
            raise Wrong(f"stored {told['stored']} for {number}")
        self._acknowledged.add(number)

    async def _upload(self, size: int, seconds: float) -> None:
        body = random.randbytes(size)
        told = await self._ask(lambda line, query: line.ask("POST", f"/uploads?{query}", body, seconds))
        if told["sha1"] != hashlib.sha1(body).hexdigest():
            raise Wrong(f"an upload of {size} bytes arrived changed")

    async def _wait_for_answer(self, seconds: int) -> None:
        await self._ask(lambda line, query: line.ask("GET", f"/slow/{seconds}?{query}"))

    async def _ask_style(self) -> None:
        """Ask for the stylesheet of a page, from the newest release or from the one before."""
        truth = random.choice(list(self._truth_of.values())[-2:] or [self._truth])
        line = await Line.open(self.host.address)
        try:
            text = (await line.ask("GET", f"/static/{truth.style}")).checked()
        finally:
            line.close()
        if text != f"/* {truth.code} */\n".encode():
            raise Wrong(f"{truth.style} has {text[:40]!r}")

    async def _ask(
        self, ask: Callable[[Line, str], Awaitable[Page]], number: str | None = None
    ) -> dict[str, object]:
        number = number or self._next()
        line = await Line.open(self.host.address)
        began = time.monotonic()
        try:
            return self._judge(await ask(line, f"number={number}"), number, began)
        finally:
            line.close()

    def _next(self) -> str:
        return f"{self._tag}-{next(self._numbers)}"

    def _judge(self, page: Page, number: str, began: float) -> dict[str, object]:
        told = read(page.checked())
        if told["number"] != number:
            raise Wrong(f"visitor {number} got the answer to {told['number']}")
        truth = Truth.told_by(told)
        if truth not in self._truths or self._truth_of.setdefault(told["releases"]["code"], truth) != truth:
            raise Wrong(f"a mixture: {truth} of {told['releases']['code']}")
        if began > self._settled and truth != self._truth:
            raise Wrong(f"an old release: {truth} instead of {self._truth}")
        self.answered_by[truth] += 1
        return told

    def _compare_with_database(self) -> None:
        """Check that the database has each acknowledged post, none twice, and none that nobody sent."""
        query = f"SELECT number FROM probe_entry WHERE number LIKE '{self._tag}-%'"
        there = Counter(self.database.rows(self.host, query))
        lost = self._acknowledged - set(there)
        twice = {number for number, times in there.items() if times > 1}
        self.failed += [f"post {number} is lost" for number in lost] + [
            f"post {n} is there twice" for n in twice
        ]
        self.failed += [f"post {number} came from nowhere" for number in set(there) - self._posted]


def quantiles(seconds: Iterable[float], *parts: float) -> list[float]:
    """Return the quantiles of the seconds at these parts, such as 0.5 for the median."""
    row = sorted(seconds)
    return [row[min(len(row) - 1, int(len(row) * part))] if row else 0.0 for part in parts]


def table(counts: Mapping[str, Count]) -> str:
    """Return a table of each kind of visit: how many, how many failed, and their times in milliseconds."""
    lines = [f"{'':12}{'visits':>8}{'failed':>8}{'p50':>8}{'p99':>8}{'max':>8}"]
    for name, count in counts.items():
        ms = [f"{1000 * value:8.0f}" for value in quantiles(count.seconds, 0.5, 0.99, 1)]
        lines.append(f"{name:12}{len(count.seconds) + count.failed:8}{count.failed:8}{''.join(ms)}")
    return "\n".join(lines)


def summed(crowds: Iterable[Crowd]) -> dict[str, Count]:
    """Return the sums of the counts of several crowds."""
    sums: dict[str, Count] = defaultdict(Count)
    for crowd in crowds:
        for name, count in crowd.counts.items():
            sums[name].seconds += count.seconds
            sums[name].failed += count.failed
    return dict(sums)
