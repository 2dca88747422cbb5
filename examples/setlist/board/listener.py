"""Hears of votes, once in a process, for all of its websockets."""

import asyncio
import contextlib

import psycopg
from asgiref.sync import sync_to_async
from django.db import connection

from .models import CHANNEL

_watchers = set()
_listening = None


async def join(watcher):
    """Call `watcher.hear` for each vote, until `leave`."""
    global _listening
    _watchers.add(watcher)
    if _listening is None or _listening.done():
        _listening = asyncio.create_task(_listen())


async def leave(watcher):
    """Forget a watcher. After the last one nobody needs a connection to the database."""
    global _listening
    _watchers.discard(watcher)
    if not _watchers and _listening:
        _listening.cancel()
        _listening = None


async def _listen():
    known = await sync_to_async(connection.get_connection_params)()
    known = {key: value for key, value in known.items() if key not in ("context", "cursor_factory")}
    try:
        async with await psycopg.AsyncConnection.connect(**known, autocommit=True) as listening:
            await listening.execute(f"LISTEN {CHANNEL}")
            async for notice in listening.notifies():
                for watcher in list(_watchers):
                    with contextlib.suppress(Exception):  # A guest may be gone by now.
                        await watcher.hear(notice.payload)
    except psycopg.Error:  # The guests come back by themselves, and the first of them starts anew.
        for watcher in list(_watchers):
            await watcher.close()
