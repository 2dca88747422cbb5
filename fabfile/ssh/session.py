"""Session: one exec on a host. Bytes go in, lines come out. It notices a link that dies without a word."""

from __future__ import annotations

import codecs
import queue
import sys
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any, Protocol

HEARTBEAT = 2.0
SILENCE = 20.0
#: the seconds after which our program must run, however much sudo and the login shell print before
START = 60.0
_TICK = 0.5
_CHUNK = 262_144
#: a line without an end must not fill the memory of this machine
_LONGEST_LINE = 1 << 24
_LONGEST_WORDS = 1 << 13


class Payload(Protocol):
    """Bytes, or an object that is sliced like bytes and need not be in memory."""

    def __len__(self) -> int: ...

    def __getitem__(self, part: slice, /) -> bytes: ...


class Silent(Exception):
    """The host gave no sign of life for too long, or our program did not start in time."""


class Refused(Exception):
    """The host asked for the password again."""


class Session:
    """The channel of one exec.

    The line `mark` comes on both streams when our program begins. The host writes the line `beat` to stderr
    for each heartbeat, and for each part of a file that it has received. `prompt` is sudo's prompt, which
    sudo-rs prints within its own words.
    """

    def __init__(self, channel: Any, *, mark: str, prompt: str, beat: str = "b") -> None:
        self.channel = channel
        self.started = False
        self.mark = mark
        #: the lines of stderr besides heartbeats: words of sudo and of the login shell
        self.words: deque[str] = deque(maxlen=20)
        self._beat = beat
        self._prompt = prompt
        self._unread = ""
        self._lines = self._marked_lines()
        self._prompts = 0
        self._heard = time.monotonic()
        self._is_over = threading.Event()
        self._to_send: queue.SimpleQueue[Iterable[Payload]] = queue.SimpleQueue()
        self._feeder = threading.Thread(target=self._feed, daemon=True)
        channel.settimeout(_TICK)

    def feed(self, parts: Iterable[Payload]) -> None:
        """Send the parts, and after them a heartbeat every two seconds, in a thread of the session."""
        self._heard = time.monotonic()
        self._to_send.put(parts)
        if not self._feeder.ident:
            self._feeder.start()

    def send(self, data: bytes) -> None:
        """Send all of the data, and wait while the host has no room for it."""
        rest = memoryview(data)
        while rest and not self._is_over.is_set():
            with suppress(TimeoutError):
                rest = rest[self.channel.send(rest[:_CHUNK]) :]

    def wait_for_start(self) -> bool:
        """Wait until our program on the host runs. Returns False if the session ended before that."""
        deadline = time.monotonic() + START
        while not self.started:
            if time.monotonic() > deadline:
                raise Silent
            try:
                data = self.channel.recv_stderr(65536)
            except TimeoutError:
                self._check_silence()
                continue
            if not data:
                break
            self._take_stderr(data)
        return self.started

    def lines(self) -> Iterator[str]:
        """Every line of stdout after the mark, as it comes. A login shell may print lines before the mark."""
        return self._lines

    def _marked_lines(self) -> Iterator[str]:
        lines = self.all_lines()
        for line in lines:
            if line == self.mark:
                yield from lines

    def last_words(self) -> str:
        """The end of stderr so far."""
        return (self.words[-1] if self.words else self._unread)[-200:]

    def all_lines(self) -> Iterator[str]:
        """Every line of stdout, as it comes."""
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        pieces: list[str] = []
        size = 0
        for data in self._stdout():
            first, *others = decoder.decode(data).split("\n")
            pieces.append(first)
            size += len(first)
            if others or size > _LONGEST_LINE:
                yield "".join(pieces)
                yield from others[:-1]
                pieces = others[-1:]
                size = len(pieces[0]) if pieces else 0
        pieces.append(decoder.decode(b"", final=True))
        if last := "".join(pieces):
            yield last

    def exit_code(self) -> int:
        """The exit status; -1 if the connection broke first."""
        while not self.channel.status_event.wait(_TICK):
            self._check_stderr()
        self._check_stderr()
        return int(self.channel.recv_exit_status())

    def is_open_on(self, transport: Any) -> bool:
        """Whether the session is still open, on this connection."""
        channel = self.channel
        return channel.transport is transport and not channel.closed and not channel.exit_status_ready()

    def finish(self) -> None:
        """Close the session so that another can be opened, even if the host allows only one at a time."""
        self._end_feeding()
        self.channel.shutdown_write()
        self.channel.status_event.wait(2)
        self.channel.close()
        # sshd still counts the session for a moment. Once it answers a later request, the session is gone.
        self.channel.transport.global_request("keepalive@openssh.com")

    def close(self) -> None:
        """End the session. The host sees an end of file."""
        self._end_feeding()
        self.channel.close()

    def release(self) -> Any:
        """Hand over the channel. Prints what was already read from its stderr."""
        self._end_feeding()
        for line in self.words:
            print(line, file=sys.stderr)
        print(self._unread, end="", file=sys.stderr, flush=True)
        return self.channel

    def _stdout(self) -> Iterator[bytes]:
        while True:
            try:
                data = self.channel.recv(65536)
            except TimeoutError:
                self._check_stderr()
                continue
            if not data:
                return
            self._heard = time.monotonic()
            if self.channel.recv_stderr_ready():
                self._check_stderr()
            yield data

    def _check_stderr(self) -> None:
        while self.channel.recv_stderr_ready():
            data = self.channel.recv_stderr(65536)
            if not data:
                break
            self._take_stderr(data)
        self._check_silence()

    def _take_stderr(self, data: bytes) -> None:
        *lines, self._unread = (self._unread + data.decode("utf-8", "replace")).split("\n")
        self._unread = self._unread[-_LONGEST_WORDS:]
        # A process of the login shell may go on printing. Once our program runs, only heartbeats show life.
        if not self.started or self._beat in lines:
            self._heard = time.monotonic()
        for line in lines:
            # A prompt or a banner before the mark may lack its newline.
            self.started = self.started or line.endswith(self.mark)
            self._prompts += line.count(self._prompt)
            if line != self._beat and not line.endswith(self.mark):
                self.words.append(line.replace(self._prompt, "")[:_LONGEST_WORDS])
        if self._prompts + self._unread.count(self._prompt) > 1:
            raise Refused

    def _check_silence(self) -> None:
        if time.monotonic() - self._heard > SILENCE:
            raise Silent

    def _feed(self) -> None:
        try:
            while not self._is_over.is_set():
                for part in self._next_to_send():
                    for start in range(0, len(part), _CHUNK):
                        self.send(part[start : start + _CHUNK])
        except (OSError, EOFError):
            pass  # The channel is closed. The reader learns why.

    def _next_to_send(self) -> Iterable[Payload]:
        try:
            return self._to_send.get(timeout=HEARTBEAT)
        except queue.Empty:
            return (b"\n",)

    def _end_feeding(self) -> None:
        self._is_over.set()
        self._to_send.put(())  # wakes the feeder
