"""Visitors whose connections last: websockets, and event streams. They come back whenever they are closed."""

from __future__ import annotations

import asyncio
import base64
import itertools
import os
import ssl
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress

from beside import Beside
from roadie.throwaway.hosts import ThrowawayHost
from within import enter_network

DOMAIN = "guestbook.example.org"
PATIENCE = 15.0  # seconds for one message
TEXT, CLOSE, PING, PONG = 1, 8, 9, 10


class Lost(Exception):
    """A connection ended in a way that its client cannot understand."""


class Lasting(Beside):
    """Keeps so many websockets and event streams open as long as the block lasts.

    Afterwards `failed` lists what went wrong, `closed` counts the codes that closed websockets, and `ended`
    the event streams that came to a whole end. `codes` are the releases that answered.
    """

    def __init__(
        self,
        host: ThrowawayHost,
        websockets: int,
        streams: int,
        domain: str = DOMAIN,
        trusted: ssl.SSLContext | None = None,
    ) -> None:
        """Come by https with `trusted`."""
        super().__init__(PATIENCE + 10)
        self.host, self.websockets, self.streams = host, websockets, streams
        self.domain, self.trusted = domain, trusted
        self.failed: list[str] = []
        self.closed: Counter[int] = Counter()
        self.ended = 0
        self.codes: Counter[str] = Counter()
        self.open = 0

    def _finish(self) -> None:
        assert not self._thread.is_alive(), "a connection hangs"

    @property
    def are_open(self) -> bool:
        """Whether all connections are open."""
        return self.open == self.websockets + self.streams

    def _work(self) -> None:
        enter_network(self.host)
        asyncio.run(self._come())

    async def _come(self) -> None:
        talks = [self._repeat(self._talk) for _ in range(self.websockets)]
        await asyncio.gather(*talks, *(self._repeat(self._listen) for _ in range(self.streams)))

    async def _repeat(
        self, last: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
    ) -> None:
        while not self._over.is_set():
            began = time.time()
            try:
                reader, writer = await self._connect()
                try:
                    await last(reader, writer)
                finally:
                    await leave(writer)
            except (OSError, EOFError, ValueError, Lost) as why:
                self.failed.append(f"{began % 86400:.2f}-{time.time() % 86400:.2f} {last.__name__}: {why!r}")
                await asyncio.sleep(1)

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if not self.trusted:
            return await asyncio.open_connection(self.host.address, 80)
        secured = {"ssl": self.trusted, "server_hostname": self.domain, "ssl_shutdown_timeout": 3}
        return await asyncio.open_connection(self.host.address, 443, **secured)

    # ---- Websockets -------------------------------------------------------------------------------------

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._upgrade(reader, writer, "/ws")
        code, address = (await self._text(reader, writer)).split()
        if not address.startswith("10."):
            raise Lost(f"the application knows the address as {address}")
        self.codes[code] += 1
        self.open += 1
        try:
            for number in itertools.count():
                writer.write(frame(TEXT, str(number).encode()))
                if (said := await self._text(reader, writer)) != str(number):
                    raise Lost(f"{said!r} for {number}")
                if self._over.is_set():
                    return
                await asyncio.sleep(0.3)
        except Closed as closed:
            self.closed[closed.code] += 1
        finally:
            self.open -= 1

    async def _upgrade(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, path: str) -> None:
        key = base64.b64encode(os.urandom(16)).decode()
        upgrade = f"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: {key}\r\n"
        origin = f"Origin: {'https' if self.trusted else 'http'}://{self.domain}\r\n"
        await self._ask(reader, writer, path, f"{upgrade}{origin}Sec-WebSocket-Version: 13\r\n", 101)

    async def _text(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, patience: float | None = PATIENCE
    ) -> str:
        """Read the next text. If the server closes, reply as a client must, and wait for the end."""
        async with asyncio.timeout(patience):
            while True:
                kind, body = await read_frame(reader)
                if kind == TEXT:
                    return body.decode()
                if kind == PING:
                    writer.write(frame(PONG, body))
                if kind == CLOSE:
                    writer.write(frame(CLOSE, body[:2]))
                    if await reader.read(1):
                        raise Lost("more after the close frame")
                    raise Closed(int.from_bytes(body[:2]))

    # ---- Event streams ----------------------------------------------------------------------------------

    async def _listen(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._ask(reader, writer, "/events", "", 200)
        self.open += 1
        try:
            async with asyncio.timeout(PATIENCE):
                first = await read_chunk(reader)
            self.codes[first.split()[1].decode()] += 1
            while not self._over.is_set():
                async with asyncio.timeout(PATIENCE):
                    if not await read_chunk(reader):
                        self.ended += 1
                        return
        finally:
            self.open -= 1

    async def _ask(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, path: str, more: str, status: int
    ) -> None:
        writer.write(f"GET {path} HTTP/1.1\r\nHost: {self.domain}\r\n{more}\r\n".encode())
        async with asyncio.timeout(PATIENCE):
            head = await reader.readuntil(b"\r\n\r\n")
        if int(head.split()[1]) != status:
            raise Lost(head[:60].decode("latin-1"))


class Hearing(Lasting):
    """One visitor of a websocket, who only listens. `heard` has all texts that came."""

    def __init__(self, host: ThrowawayHost, path: str, domain: str, trusted: ssl.SSLContext) -> None:
        super().__init__(host, 1, 0, domain, trusted)
        self.path = path
        self.heard: list[str] = []

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._upgrade(reader, writer, self.path)
        self.open += 1
        listening = asyncio.create_task(self._hear(reader, writer))
        try:
            while not listening.done() and not self._over.is_set():
                await asyncio.wait({listening}, timeout=0.2)
            if listening.done():
                await listening
        except Closed as closed:
            self.closed[closed.code] += 1
        finally:
            listening.cancel()
            self.open -= 1

    async def _hear(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            self.heard.append(await self._text(reader, writer, None))


class Closed(Exception):
    """The server has closed a websocket in order."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


async def leave(writer: asyncio.StreamWriter) -> None:
    """Close a connection, and wait for its end: else its socket would outlive the loop."""
    writer.close()
    with suppress(OSError):  # the server may have gone before
        await writer.wait_closed()


def frame(kind: int, body: bytes) -> bytes:
    """Return a short frame as a client sends it: masked."""
    mask = os.urandom(4)
    return bytes([0x80 | kind, 0x80 | len(body)]) + mask + bytes(b ^ mask[i % 4] for i, b in enumerate(body))


async def read_frame(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """Read a short frame of the server."""
    kind, size = await reader.readexactly(2)
    return kind & 15, await reader.readexactly(size)


async def read_chunk(reader: asyncio.StreamReader) -> bytes:
    """Read one chunk of an answer; empty for the last one."""
    size = int(await reader.readline(), 16)
    return (await reader.readexactly(size + 2))[:-2]
