"""Does work for many hosts at the same time."""

from __future__ import annotations

import queue
import signal
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Generic, TypeVar

from .. import console
from ..errors import RoadieError

if TYPE_CHECKING:
    from ..ssh.host import Host

T = TypeVar("T")
MOST_AT_ONCE = 64
#: the seconds that all threads together get to end after Ctrl-C
_STOPPING = 0.6


def in_parallel(hosts: Sequence[Host], work: Callable[[Host], T]) -> list[T | Exception]:
    """Do the work for every host at the same time. Returns its result or its exception for each host.

    A host whose work raised is left out of later tasks. On Ctrl-C all work is stopped first.
    """
    work_on = _Work(hosts, work)
    count = min(len(hosts), MOST_AT_ONCE)
    workers: list[threading.Thread] = []
    try:
        workers += (console.in_background(work_on.until_done) for _ in range(count))
        console.serve_until(lambda: work_on.ended == count)
    except KeyboardInterrupt:
        _stop(hosts, workers)
        raise
    return work_on.results


class _Work(Generic[T]):
    """The work for every host, and its results. Several threads take one host after the other."""

    def __init__(self, hosts: Sequence[Host], work: Callable[[Host], T]) -> None:
        self.results: list[T | Exception] = [RoadieError(f"{host.name}: was not reached") for host in hosts]
        self._ended: list[bool] = []
        self._hosts, self._work = hosts, work
        self._waiting: queue.SimpleQueue[int] = queue.SimpleQueue()
        for index in range(len(hosts)):
            self._waiting.put(index)

    @property
    def ended(self) -> int:
        """How many threads have ended."""
        return len(self._ended)

    def until_done(self) -> None:
        """Do the work for one host after the other until no host waits."""
        try:
            while True:
                self._do(self._waiting.get_nowait())
        except queue.Empty:
            pass
        finally:
            self._ended.append(True)  # unlike `+= 1`, this is safe in several threads
            console.wake()

    def _do(self, index: int) -> None:
        host = self._hosts[index]
        try:
            self.results[index] = self._work(host)
        except Exception as error:
            self.results[index] = host.failure = error


def _stop(hosts: Sequence[Host], workers: Sequence[threading.Thread]) -> None:
    """Close every channel, and wait a moment for the last words of the threads that used them."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        closing = [console.in_background(host.stop) for host in hosts]
        for each in (*closing, *workers):
            each.join(_STOPPING / (len(closing) + len(workers)))
    finally:
        signal.signal(signal.SIGINT, before)
