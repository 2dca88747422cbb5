"""What the application is told of its visitor."""

from __future__ import annotations

import asyncio
from types import ModuleType
from typing import Any

import pytest
from roadie.scripts.render import TEMPLATES

REAL = (b"x-real-ip", b"203.0.113.7")


@pytest.fixture
def front() -> ModuleType:
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
