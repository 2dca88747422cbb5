"""Serves pages by Django, and two kinds of connections that last: a websocket and an event stream."""

import asyncio
import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "probe.settings")
pages = get_asgi_application()


async def application(scope, receive, send):
    if scope["type"] == "websocket":
        await talk(scope, receive, send)
    else:
        await pages(scope, receive, send)


async def talk(scope, receive, send):
    """Say which code answers, and then say again whatever the client says."""
    from . import release

    await receive()
    await send({"type": "websocket.accept"})
    await send({"type": "websocket.send", "text": f"{release.CODE} {scope['client'][0]}"})
    while (message := await receive())["type"] == "websocket.receive":
        await asyncio.sleep(0.01)
        await send({"type": "websocket.send", "text": message["text"]})
