"""Counted: the work on its way to a host, which tells how much of it is read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..ssh.session import Payload


@dataclass(frozen=True)
class Counted:
    """A payload that calls `tell` with the number of bytes read so far, and with the size."""

    payload: Payload
    tell: Callable[[int, int], None]

    def __len__(self) -> int:
        return len(self.payload)

    def __getitem__(self, part: slice, /) -> bytes:
        _, end, _ = part.indices(len(self))
        self.tell(end, len(self))
        return self.payload[part]
