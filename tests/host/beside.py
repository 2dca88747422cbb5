"""Beside: work of a test that goes on in a thread of its own as long as a block lasts."""

from __future__ import annotations

import threading
from types import TracebackType
from typing import Self


class Beside:
    """Begins its work at the start of the block. At its end the work is told to end, and waited for."""

    def __init__(self, seconds: float) -> None:
        """Wait so many seconds at most for the end of the work."""
        self._seconds = seconds
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)

    def _work(self) -> None:
        """Work until `_over` is set."""
        raise NotImplementedError

    def _finish(self) -> None:
        """Check the work after a block that did not fail."""

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        self._thread.join(timeout=self._seconds)
        if not kind:
            self._finish()
