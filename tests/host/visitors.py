"""Visitors of a site: ten requests a second, whatever happens, each over a new connection."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from beside import Beside
from desk import Answer, browse
from roadie.throwaway.hosts import ThrowawayHost

PER_SECOND = 10
AT_MOST = 6000  # requests; the load ends after this many


class Visitors(Beside):
    """Asks for pages as long as the block lasts. Afterwards `failed` lists what went wrong."""

    def __init__(
        self,
        host: ThrowawayHost,
        path: str = "/",
        domain: str = "guestbook.example.org",
        right: Callable[[int, str], bool] = lambda status, body: status == 200,
        trusted: ssl.SSLContext | None = None,
    ) -> None:
        super().__init__(60)
        self.host, self.path, self.domain, self.right = host, path, domain, right
        self.trusted = trusted
        self.sent = 0
        #: the times at which those visitors came who got a right page
        self.answered: list[float] = []
        self.failed: list[str] = []

    def assert_content(self) -> None:
        """Check that there were visitors, and that each got a right page."""
        self.assert_counted()
        assert not self.failed, f"{len(self.failed)} of {self.sent}: {self.failed[:5]}"

    def assert_counted(self) -> None:
        """Check that every visit has a result, and that some visitors got a right page."""
        assert self.answered, f"{self.sent} came, nobody got a right page: {self.failed[:5]}"
        assert len(self.answered) + len(self.failed) == self.sent

    def _work(self) -> None:
        with ThreadPoolExecutor(40) as crowd:
            due = time.monotonic()
            while not self._over.is_set() and self.sent < AT_MOST:
                self.sent += 1
                crowd.submit(self._visit, time.time())
                due += 1 / PER_SECOND
                self._over.wait(max(0.0, due - time.monotonic()))

    def _visit(self, at: float) -> None:
        try:
            answer = self._ask()
        # Every error: half an answer is no OSError, and an error in a pool's thread would be lost.
        except Exception as error:
            self.failed.append(f"{at:.2f}: {error!r}")
            return
        if self.right(answer.status, answer.body):
            self.answered.append(at)
        else:
            self.failed.append(f"{at:.2f}: {answer.status} {answer.body[:80]!r}")

    def _ask(self) -> Answer:
        return browse(self.host, self.path, self.domain, trusted=self.trusted)
