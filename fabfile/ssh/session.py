"""One exec on a host: bytes go in, lines come out, and a link that died without a word is noticed."""

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
_TICK = 0.5
_CHUNK = 262_144
#: a program that never ends its line must not fill the memory here
_LONGEST_LINE = 1 << 24


class Payload(Protocol):
    """Bytes, or what is sliced like them: not all of it need be in memory."""

    def __len__(self) -> int: ...

    def __getitem__(self, part: slice, /) -> bytes: ...


class Silent(Exception):
    """Nothing has come from the host for too long, or its connection broke."""


class Refused(Exception):
    """The host asked for the password again."""


class Session:
    """The channel of one exec.

    `mark` is the line, on both streams, from which on it is our program that speaks; `beat` the one on
    stderr for each heartbeat, and each part of a file, that it has received. `prompt` is sudo's, which
    sudo-rs puts among its own words.
    """

    def __init__(self, channel: Any, *, mark: str, prompt: str, beat: str = "b") -> None:
        self.channel = channel
        self.started = False
        self.mark = mark
        #: what stderr said besides heartbeats: sudo's words and the login shell's
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
        """Send all of it, and from then on a heartbeat every two seconds, from a thread of its own."""
        self._heard = time.monotonic()
        self._to_send.put(parts)
        if not self._feeder.ident:
            self._feeder.start()

    def send(self, data: bytes) -> None:
        """Send all of it; what the host has no room for waits."""
        rest = memoryview(data)
        while rest and not self._is_over.is_set():
            with suppress(TimeoutError):
                rest = rest[self.channel.send(rest[:_CHUNK]) :]

    def wait_for_start(self) -> bool:
        """Wait until the host's side says that it runs; False if it ended without a word of it."""
        while not self.started:
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
        """Every line of stdout after the mark, as it comes, once; a login shell may print some before."""
        return self._lines

    def _marked_lines(self) -> Iterator[str]:
        lines = self.all_lines()
        for line in lines:
            if line == self.mark:
                yield from lines

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
        """Whether more can be sent: the host has not ended it, nor is the connection another."""
        channel = self.channel
        return channel.transport is transport and not channel.closed and not channel.exit_status_ready()

    def finish(self) -> None:
        """Close it for another to be opened, also where the host grants no two at a time."""
        self._end_feeding()
        self.channel.shutdown_write()
        self.channel.status_event.wait(2)
        self.channel.close()
        # sshd counts it until it has nothing else to do: an answer tells that it came to that.
        self.channel.transport.global_request("keepalive@openssh.com")

    def close(self) -> None:
        """End it; the host's side sees an end of file."""
        self._end_feeding()
        self.channel.close()

    def release(self) -> Any:
        """Hand over the channel as it is; what was read of its stderr already is printed."""
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
        self._heard = time.monotonic()
        *lines, self._unread = (self._unread + data.decode("utf-8", "replace")).split("\n")
        for line in lines:
            # What stands before the mark, a prompt or a banner, ended with no newline.
            self.started = self.started or line.endswith(self.mark)
            self._prompts += line.count(self._prompt)
            if line != self._beat and not line.endswith(self.mark):
                self.words.append(line.replace(self._prompt, ""))
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
            pass  # the channel is closed, and whoever reads from it learns why

    def _next_to_send(self) -> Iterable[Payload]:
        try:
            return self._to_send.get(timeout=HEARTBEAT)
        except queue.Empty:
            return (b"\n",)

    def _end_feeding(self) -> None:
        self._is_over.set()
        self._to_send.put(())  # wakes it
