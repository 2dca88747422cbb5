"""What the application is told of its visitor."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from roadie.scripts.render import TEMPLATES

REAL = (b"x-real-ip", b"203.0.113.7")


@pytest.fixture
def front(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.setenv("ROADIE_SLOT", str(tmp_path))
    module = ModuleType("roadie_front")
    exec((TEMPLATES / "in-project/front.py").read_text(), vars(module))
    return module


@pytest.mark.parametrize(
    ("given", "seen"),
    [
        ({"REMOTE_ADDR": "", "HTTP_X_REAL_IP": "203.0.113.7"}, "203.0.113.7"),
        ({"REMOTE_ADDR": "", "HTTP_X_FORWARDED_FOR": "203.0.113.7"}, ""),
        # Over TCP anybody could send the header. A template of the user's own may listen there.
        ({"REMOTE_ADDR": "192.0.2.1", "HTTP_X_REAL_IP": "203.0.113.7"}, "192.0.2.1"),
    ],
)
def test_a_wsgi_application_gets_the_address(front: ModuleType, given: dict[str, str], seen: str) -> None:
    assert front.wsgi(lambda environ, start_response: environ["REMOTE_ADDR"])(given, None) == seen


def scope_seen(front: ModuleType, **scope: Any) -> dict[str, Any]:
    """Return the scope that an ASGI application gets for this scope of the server."""
    seen: list[dict[str, Any]] = []

    async def application(scope: dict[str, Any], receive: object, send: object) -> None:
        seen.append(scope)

    asyncio.run(front.asgi(application)(scope, None, None))
    return seen[0]


@pytest.mark.parametrize(
    ("kind", "scheme", "secure"), [("http", "http", "https"), ("websocket", "ws", "wss")]
)
def test_an_asgi_application_gets_the_address_and_the_scheme(
    front: ModuleType, kind: str, scheme: str, secure: str
) -> None:
    plain = {"type": kind, "scheme": scheme, "client": None, "headers": [REAL]}
    assert scope_seen(front, **plain) == {**plain, "client": ("203.0.113.7", 0)}
    over_https = {**plain, "headers": [REAL, (b"x-forwarded-proto", b"https")]}
    assert scope_seen(front, **over_https)["scheme"] == secure
    assert scope_seen(front, **{**plain, "headers": []})["client"] is None
    assert scope_seen(front, **{**plain, "client": ("192.0.2.1", 80)})["client"] == ("192.0.2.1", 80)


def test_what_has_no_visitor_is_left_alone(front: ModuleType) -> None:
    assert scope_seen(front, type="lifespan") == {"type": "lifespan"}


EVENTS = [("Content-Type", "text/event-stream")]


def test_a_wsgi_event_stream_is_not_buffered_and_ends_when_it_is_time(
    front: ModuleType, tmp_path: Path
) -> None:
    told: list[Any] = []
    closed: list[bool] = []

    def application(environ: object, start_response: Any) -> Any:
        start_response("200 OK", EVENTS)
        try:
            while True:
                yield b"event"
        finally:
            closed.append(True)

    def call(environ: object, start_response: Any) -> Any:
        start_response("200 OK", EVENTS)
        return application(environ, start_response)

    stream = front.wsgi(call)({}, lambda status, headers: told.append(headers))
    assert [next(stream), next(stream)] == [b"event"] * 2
    assert told[0] == [*EVENTS, ("X-Accel-Buffering", "no")]
    (tmp_path / "leave").touch()
    assert list(stream) == [] and closed == [True]
    page = front.wsgi(lambda environ, start: start("200 OK", []) or [b"a", b"b"])
    assert page({}, lambda status, headers: None) == [b"a", b"b"]


class Talk:
    """A connection to an application that talks for ever, and the server's side of it."""

    def __init__(self, front: ModuleType, kind: str, *, heeds: bool = True) -> None:
        self.front, self.kind, self.heeds = front, kind, heeds
        self.sent: list[dict[str, Any]] = []
        self.over: asyncio.Event | None = None
        self.has_ended = False

    async def application(self, scope: object, receive: Any, send: Any) -> None:
        if self.kind == "websocket":
            await send({"type": "websocket.accept"})
        else:
            headers = [(b"content-type", b"text/event-stream; charset=utf-8")]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
        try:
            await (receive() if self.heeds else asyncio.sleep(60))
        finally:
            await send({"type": "one too many"})
            self.has_ended = True

    async def goes_on(self, leave: Path) -> None:
        self.over = asyncio.Event()

        async def receive() -> None:
            assert self.over
            await self.over.wait()

        async def send(message: dict[str, Any]) -> None:
            assert self.over
            self.sent.append(message)
            if message["type"] == "websocket.close" or message.get("more_body") is False:
                self.over.set()

        scope = {"type": self.kind, "headers": []}
        task = asyncio.create_task(self.front.asgi(self.application)(scope, receive, send))
        await asyncio.sleep(0.3)
        assert not task.done() and len(self.sent) == 1
        leave.touch()
        await asyncio.wait_for(task, 5)
        await asyncio.sleep(0.3)


@pytest.mark.parametrize("heeds", [True, False])
def test_a_websocket_is_closed_with_a_code_that_has_the_client_come_back(
    front: ModuleType, tmp_path: Path, heeds: bool
) -> None:
    front.TO_CLEAN_UP = 0.2  # type: ignore[attr-defined]
    talk = Talk(front, "websocket", heeds=heeds)
    asyncio.run(talk.goes_on(tmp_path / "leave"))
    assert [(one["type"], one.get("code")) for one in talk.sent] == [
        ("websocket.accept", None),
        ("websocket.close", 1012),
    ]
    assert talk.has_ended


@pytest.mark.parametrize("heeds", [True, False])
def test_an_event_stream_comes_to_a_whole_end(front: ModuleType, tmp_path: Path, heeds: bool) -> None:
    front.TO_CLEAN_UP = 0.2  # type: ignore[attr-defined]
    talk = Talk(front, "http", heeds=heeds)
    asyncio.run(talk.goes_on(tmp_path / "leave"))
    start, end = talk.sent
    assert (b"x-accel-buffering", b"no") in start["headers"]
    assert end == {"type": "http.response.body", "body": b"", "more_body": False}
    assert talk.has_ended


def test_another_answer_is_left_alone_and_a_client_that_goes_is_forgotten(
    front: ModuleType, tmp_path: Path
) -> None:
    sent: list[dict[str, Any]] = []

    async def application(scope: object, receive: object, send: Any) -> None:
        await send(
            {"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/html")]}
        )
        assert not front._Connection.lasting
        await send({"type": "http.response.body", "body": b"page"})

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    (tmp_path / "leave").touch()
    asyncio.run(front.asgi(application)({"type": "http", "headers": []}, None, send))
    assert [one["type"] for one in sent] == ["http.response.start", "http.response.body"]
    assert len(sent[0]["headers"]) == 1
