"""Connects a program on a host to this terminal, or to our standard streams if they are no terminal."""

from __future__ import annotations

import os
import select
import shutil
import signal
import sys
import termios
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

_CHUNK = 32_768


def is_whole() -> bool:
    """Whether a program can have a terminal. Both our input and our output must be one."""
    return bool(sys.stdin and sys.stdin.isatty() and sys.stdout.isatty())


def size() -> tuple[int, int]:
    """Columns and rows of the terminal here."""
    columns, rows = shutil.get_terminal_size()
    return columns, rows


def attach(channel: Any) -> int:
    """Pass bytes both ways until the program ends. Returns its exit code, or -1 if the link broke."""
    channel.settimeout(None)
    if not is_whole():
        _pump(channel)
    else:
        with _raw_terminal(), _following_size(channel):
            _pump(channel)
    return int(channel.recv_exit_status())


def _pump(channel: Any) -> None:
    source: int | None = sys.stdin.fileno() if sys.stdin and not sys.stdin.closed else None
    while not _take(channel):
        # Read no input while there is no room to send: the program may wait for us to read first.
        wanted = [channel] + ([source] if source is not None and channel.send_ready() else [])
        ready, _, _ = select.select(wanted, [], [], 0.05 if source is not None else 1)
        if source is not None and source in ready and not _give(channel, source):
            source = None


def _give(channel: Any, source: int) -> bool:
    data = os.read(source, _CHUNK)
    if not data:
        channel.shutdown_write()
        return False
    try:
        while data:
            data = data[channel.send(data) :]
    except OSError:  # The program has ended. `_take` notices that.
        return False
    return True


def _take(channel: Any) -> bool:
    """Print the output that has come. Returns whether this was the last of it."""
    is_over = channel.eof_received or channel.closed
    for is_ready, receive, stream in (
        (channel.recv_ready, channel.recv, sys.stdout),
        (channel.recv_stderr_ready, channel.recv_stderr, sys.stderr),
    ):
        while is_ready() and (data := receive(_CHUNK)):
            stream.buffer.write(data)
        stream.flush()
    return bool(is_over)


@contextmanager
def _raw_terminal() -> Iterator[None]:
    before = termios.tcgetattr(sys.stdin)
    try:
        tty.setraw(sys.stdin)
        yield
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)


@contextmanager
def _following_size(channel: Any) -> Iterator[None]:
    def resize(_signal: int, _frame: FrameType | None) -> None:
        channel.resize_pty(*size())

    before: Callable[..., Any] | int | None = signal.signal(signal.SIGWINCH, resize)
    try:
        yield
    finally:
        signal.signal(signal.SIGWINCH, before)
