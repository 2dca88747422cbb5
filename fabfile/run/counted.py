"""Counted: a payload that tells how much of it was read, and so is on its way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..ssh.session import Payload


@dataclass(frozen=True)
class Counted:
    """A payload that calls `tell` with the number of bytes that were read so far, and with the size."""

    payload: Payload
    tell: Callable[[int, int], None]

    def __len__(self) -> int:
        return len(self.payload)

    def __getitem__(self, part: slice, /) -> bytes:
        _, end, _ = part.indices(len(self))
        self.tell(end, len(self))
        return self.payload[part]
