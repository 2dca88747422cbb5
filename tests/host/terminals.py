"""A terminal: a command runs in it as in front of a person, and a test reads what the person sees."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

import pyte
from rich.style import Style
from rich.text import Text

ROWS = 60
#: what a test's own environment must not decide
_LEFT_OUT = ("COLUMNS", "NO_COLOR", "FORCE_COLOR", "LC_ALL", "LC_CTYPE", "PYTHONIOENCODING")


@dataclass
class Terminal:
    """A terminal of so many columns, in which a command runs."""

    process: int
    descriptor: int
    columns: int
    #: all that the command has written
    raw: bytes = b""
    _screen: pyte.Screen = field(init=False)

    def __post_init__(self) -> None:
        self._screen = pyte.Screen(self.columns, ROWS)
        self._stream = pyte.ByteStream(self._screen)

    @property
    def lines(self) -> list[str]:
        """The lines that a person sees now."""
        return [line.rstrip() for line in self._screen.display if line.strip()]

    @property
    def styled(self) -> list[Text]:
        """The same lines with their colours."""
        rows = [self._screen.buffer[number] for number in range(ROWS)]
        lines = [_styled([row[x] for x in range(self.columns)]) for row in rows]
        return [line for line in lines if line.plain.strip()]

    @property
    def text(self) -> str:
        """All that a person sees now."""
        return "\n".join(self.lines)

    @property
    def cursor_is_shown(self) -> bool:
        return not self._screen.cursor.hidden

    def until(self, pattern: str, seconds: float = 120) -> str:
        """Wait until the screen shows this, or has shown it for a moment. Return the screen."""
        deadline = time.monotonic() + seconds
        while not (re.search(pattern, self.text) or re.search(pattern, self.written)):
            assert time.monotonic() < deadline, f"{pattern!r} was not shown within {seconds} s:\n{self.text}"
            assert self._read(), f"the command ended before it showed {pattern!r}:\n{self.text}"
        return self.text

    @property
    def written(self) -> str:
        """All that the command has written, also what has left the screen."""
        return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]|\r", "", self.raw.decode("utf-8", "replace"))

    def type(self, text: str) -> None:
        """Type; `\\x03` is Ctrl-C."""
        os.write(self.descriptor, text.encode())

    def end(self, seconds: float = 600) -> int:
        """Wait for the command's end. Return its exit code."""
        deadline = time.monotonic() + seconds
        while self._read():
            assert time.monotonic() < deadline, f"it has not ended within {seconds} s:\n{self.text}"
        _, status = os.waitpid(self.process, 0)
        return os.waitstatus_to_exitcode(status)

    def _read(self) -> bool:
        if not select.select([self.descriptor], [], [], 0.1)[0]:
            return True
        try:
            data = os.read(self.descriptor, 65536)
        except OSError:
            return False
        self.raw += data
        self._stream.feed(data)
        return bool(data)


@contextmanager
def terminal(
    words: Sequence[str], folder: Path, columns: int = 100, env: Mapping[str, str] | None = None
) -> Iterator[Terminal]:
    """Start a command in a terminal of its own. The command ends with the block."""
    kept = {name: value for name, value in os.environ.items() if name not in _LEFT_OUT}
    environment = {**kept, "TERM": "xterm-256color", "LANG": "C.UTF-8", **(env or {})}
    process, descriptor = pty.fork()
    if process == 0:
        fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, columns, 0, 0))
        os.chdir(folder)
        os.execve(words[0], list(words), environment)
    try:
        yield Terminal(process, descriptor, columns)
    finally:
        with suppress(ProcessLookupError, ChildProcessError):
            os.kill(process, signal.SIGKILL)
            os.waitpid(process, 0)
        os.close(descriptor)


def _styled(cells: Sequence[Any]) -> Text:
    runs = groupby(cells, key=lambda cell: (cell.fg, cell.bold))
    line = Text.assemble(*(("".join(cell.data for cell in run), _style(*key)) for key, run in runs))
    line.rstrip()
    return line


def _style(colour: str, bold: bool) -> Style:
    return Style(color={"default": None, "brown": "yellow"}.get(colour, colour), bold=bold)
