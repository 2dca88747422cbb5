"""Wraps the project's application: gives it the visitor's address, and ends connections that would never end.

A visitor reaches the application through a Unix socket, which knows no address. nginx writes the visitor's
address into the header `X-Real-IP`, and replaces whatever the visitor sent there. Only nginx and the site's
user can connect to the socket.

Websockets and event streams would never end by themselves. Once another release has taken over, the file
`leave` appears in the folder of the slot. Then each of them is closed as its client expects, and the client
comes back to the new release.
"""

import asyncio
import os
from contextlib import suppress
from pathlib import Path
from typing import ClassVar

LEAVE = Path(os.environ.get("ROADIE_SLOT", "/nonexistent"), "leave")
EVENTS = "text/event-stream"
# nginx must pass on each event at once, and not fill a buffer first.
UNBUFFERED = ("X-Accel-Buffering", "no")
SERVICE_RESTART = 1012
TO_CLEAN_UP = 5  # seconds


# ---- WSGI -------------------------------------------------------------------------------------------


def wsgi(application):
    """The application, with the address of its visitor in REMOTE_ADDR, and with event streams that end."""

    def answer(environ, start_response):
        if not environ.get("REMOTE_ADDR"):
            environ["REMOTE_ADDR"] = environ.get("HTTP_X_REAL_IP", "")
        is_stream = False

        def start(status, headers, *more):
            nonlocal is_stream
            kinds = [value for name, value in headers if name.lower() == "content-type"]
            is_stream = any(kind.lower().startswith(EVENTS) for kind in kinds)
            return start_response(status, [*headers, UNBUFFERED] if is_stream else headers, *more)

        body = application(environ, start)
        return _until_left(body) if is_stream else body

    return answer


def _until_left(body):
    try:
        for event in body:
            yield event
            if LEAVE.exists():
                return
    finally:
        getattr(body, "close", bool)()


# ---- ASGI -------------------------------------------------------------------------------------------


def asgi(application):
    """The application, with the address of its visitor in `client`, and with connections that end."""

    async def answer(scope, receive, send):
        if scope["type"] not in ("http", "websocket"):
            await application(scope, receive, send)
            return
        if not scope.get("client"):
            scope = {**scope, **_visitor(dict(scope["headers"]), scope)}
        connection = _Connection(send)
        try:
            await application(scope, receive, connection.send)
        except asyncio.CancelledError:
            if not connection.is_over:
                raise
        finally:
            connection.forget()

    return answer


def _visitor(headers, scope):
    address, scheme = headers.get(b"x-real-ip", b"").decode("latin-1"), scope.get("scheme", "http")
    if headers.get(b"x-forwarded-proto") == b"https":
        scheme = {"http": "https", "ws": "wss"}.get(scheme, scheme)
    return {"client": (address, 0) if address else None, "scheme": scheme}


class _Connection:
    """What the application sends to one client."""

    lasting: ClassVar = set()  # the connections that would never end
    watch = None  # the task that waits until it is time to leave

    def __init__(self, send):
        self._send = send
        self.is_over = False
        self._task = asyncio.current_task()
        self._last = self._clock = self._farewell = None

    async def send(self, message):
        """Send a message of the application, unless the connection is over."""
        if self.is_over:
            return
        if message["type"] == "http.response.start" and _is_stream(message):
            headers = [*message["headers"], tuple(part.lower().encode() for part in UNBUFFERED)]
            message = {**message, "headers": headers}
            self._last_as({"type": "http.response.body", "body": b"", "more_body": False})
        elif message["type"] == "websocket.accept":
            self._last_as({"type": "websocket.close", "code": SERVICE_RESTART, "reason": "service restart"})
        await self._send(message)

    def _last_as(self, message):
        """Keep the message that ends this connection, in case another release takes over."""
        self._last = message
        self.lasting.add(self)
        if not self.watch or self.watch.done():
            _Connection.watch = asyncio.create_task(_watch())

    def end(self):
        """Send the last message. If the application then does not end by itself, cancel it."""
        self.is_over = True
        self._clock = asyncio.get_running_loop().call_later(TO_CLEAN_UP, self._task.cancel)
        self._farewell = asyncio.create_task(self._bid_farewell())

    async def _bid_farewell(self):
        with suppress(Exception):  # the client has just gone
            await self._send(self._last)

    def forget(self):
        """Note that the application has ended."""
        self.lasting.discard(self)
        if self._clock:
            self._clock.cancel()


def _is_stream(message):
    headers = {name.lower(): value for name, value in message.get("headers", ())}
    return headers.get(b"content-type", b"").lower().startswith(EVENTS.encode())


async def _watch():
    """While a connection lasts, look whether it is time to leave, and end it then."""
    while _Connection.lasting:
        if LEAVE.exists():
            for one in _Connection.lasting:
                if not one.is_over:
                    one.end()
        await asyncio.sleep(0.2)
