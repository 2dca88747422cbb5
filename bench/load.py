"""Sends requests for a page at a steady rate from a separate process. Counts the waits and the failures.

Each request has its own planned instant, and does not wait until earlier requests are answered. So if the
site stalls, every request waits, and every wait counts.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from statistics import quantiles

_TIMEOUT = 30.0
_AT_ONCE = 8


@dataclass
class Waits:
    """The results of one span of time: the seconds each answered visitor waited, and how many got no page."""

    seconds: list[float] = field(default_factory=list)
    failed: int = 0

    @property
    def p99(self) -> float:
        """The 99th percentile of the waits, in milliseconds."""
        return quantiles(self.seconds, n=100)[-1] * 1000 if len(self.seconds) > 1 else 0.0


def saturation(address: str, domain: str, seconds: float) -> float:
    """Return how many requests a second the site answers when a few visitors ask without a pause."""
    waits = Waits()
    began = time.monotonic()
    with visitors(address, domain, 0, waits):
        time.sleep(seconds)
    return len(waits.seconds) / (time.monotonic() - began)


@contextmanager
def visitors(address: str, domain: str, rate: float, waits: Waits) -> Iterator[None]:
    """Send `rate` requests a second until the block ends. With rate 0, each visitor asks again at once."""
    argv = [sys.executable, "-ISE", __file__, address, domain, str(rate)]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield
            said, _ = process.communicate("\n", timeout=_TIMEOUT * 2)
        finally:
            process.kill()
    found = json.loads(said)
    waits.seconds += found["seconds"]
    waits.failed += found["failed"]


async def _come(address: str, domain: str, rate: float) -> Waits:
    waits = Waits()
    leave = asyncio.Event()
    asyncio.get_running_loop().add_reader(sys.stdin, leave.set)
    if rate:
        await _at_a_rate(address, domain, rate, waits, leave)
    else:
        await asyncio.gather(*(_without_end(address, domain, waits, leave) for _ in range(_AT_ONCE)))
    return waits


async def _at_a_rate(address: str, domain: str, rate: float, waits: Waits, leave: asyncio.Event) -> None:
    began, number = time.monotonic(), 0
    coming: set[asyncio.Task[None]] = set()
    while not leave.is_set():
        due = began + number / rate
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        task = asyncio.create_task(_ask(address, domain, due, waits))
        coming.add(task)
        task.add_done_callback(coming.discard)
        number += 1
    await asyncio.gather(*coming)


async def _without_end(address: str, domain: str, waits: Waits, leave: asyncio.Event) -> None:
    while not leave.is_set():
        await _ask(address, domain, time.monotonic(), waits)


async def _ask(address: str, domain: str, due: float, waits: Waits) -> None:
    try:
        async with asyncio.timeout(_TIMEOUT):
            reader, writer = await asyncio.open_connection(address, 80)
            writer.write(f"GET / HTTP/1.1\r\nHost: {domain}\r\nConnection: close\r\n\r\n".encode())
            answer = await reader.read(-1)
            writer.close()
    except (OSError, TimeoutError):
        answer = b""
    if answer.startswith(b"HTTP/1.1 200 "):
        waits.seconds.append(time.monotonic() - due)
    else:
        waits.failed += 1


if __name__ == "__main__":
    told = asyncio.run(_come(sys.argv[1], sys.argv[2], float(sys.argv[3])))
    print(json.dumps({"seconds": told.seconds, "failed": told.failed}))
