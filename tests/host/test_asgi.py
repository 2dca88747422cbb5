"""A project for ASGI is served as one, and no websocket or event stream of it hangs at a switch."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import standing
from crowd import LIGHT, Crowd
from desk import browse, eventually
from lasting import Lasting
from probe import Probe

SOCKETS, STREAMS, DEPLOYS = 50, 50, 5
SERVICE_RESTART = 1012
REFUSES = """

serve = application


async def application(scope, receive, send):
    if scope["type"] == "lifespan":
        await receive()
        await send({"type": "lifespan.startup.failed", "message": "no broker today"})
    else:
        await serve(scope, receive, send)
"""


@pytest.fixture
def probe(tmp_path: Path) -> Iterator[Probe]:
    """The probe, which requires uvicorn and names its ASGI application, and says nothing else of ASGI."""
    settings = {"workers": 2, "watch": 1}
    with standing.booted(standing.bootstrapped()) as host:
        yield Probe(tmp_path / "probe", host, settings, more_requirements="uvicorn\n")


def test_every_websocket_and_event_stream_is_closed_in_order_and_comes_back(probe: Probe) -> None:
    desk = probe.desk
    assert "interface: asgi, as requirements.txt has uvicorn" in desk.fab("plan").out
    desk.does("bootstrap")  # the database grants more connections
    desk.does("deploy")
    total = SOCKETS + STREAMS
    with Crowd(probe.host, probe.truth, LIGHT) as crowd, Lasting(probe.host, SOCKETS, STREAMS) as lasting:
        assert eventually(lambda: lasting.are_open), lasting.failed
        for number in range(1, DEPLOYS + 1):
            crowd.expect(probe.change_code())
            done = desk.does("deploy")
            crowd.settle(probe.truth)
            assert "requests after" not in done.out  # the drain came to its end
            assert lasting.closed == {SERVICE_RESTART: number * SOCKETS}
            assert lasting.ended == number * STREAMS
            assert eventually(lambda: lasting.are_open), lasting.failed
            assert lasting.codes[str(probe.code)] == total
        desk.does("restart")
        assert eventually(lambda: lasting.are_open) and lasting.codes[str(probe.code)] == 2 * total
        before = str(probe.code - 1)
        crowd.expect(probe.truth)  # the release before may answer again
        desk.does("rollback")
        assert eventually(lambda: lasting.are_open) and lasting.codes[before] == 2 * total
    assert lasting.failed == []
    crowd.assert_content()


def test_an_asgi_application_knows_its_visitor_may_refuse_to_start_and_outlives_a_reboot(
    probe: Probe,
) -> None:
    host = probe.host
    probe.desk.does("deploy")
    lies = {"X-Forwarded-For": "192.0.2.1", "X-Real-IP": "192.0.2.1"}
    seen = json.loads(browse(host, "/?number=1", headers=lies).body)["address"]
    assert seen == host.ssh("tail -n 1 /var/log/nginx/guestbook.access.log").stdout.split()[0] != "192.0.2.1"
    asgi = probe.folder / "probe/asgi.py"
    asgi.write_text(asgi.read_text() + REFUSES)
    probe.change_code()
    refused = probe.desk.fab("deploy")
    assert refused.code == 6 and "it ends as soon as it starts: no broker today;" in refused.last_line
    host.reboot()
    assert eventually(lambda: browse(host, "/health").status == 200, 30)
    with Lasting(host, 1, 1) as lasting:
        assert eventually(lambda: lasting.are_open), lasting.failed
