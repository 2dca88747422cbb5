"""Hears of votes, once in a process, for all of its websockets."""

import asyncio
import contextlib

import psycopg
from asgiref.sync import sync_to_async
from django.db import connection

from .models import CHANNEL


class Listener:
    """One connection to the database, as long as anybody watches."""

    def __init__(self):
        self._watchers = set()
        self._hearing = None
        self._one_at_a_time = asyncio.Lock()

    async def join(self, watcher):
        """Call `watcher.hear` for each vote from now on, until `leave`."""
        async with self._one_at_a_time:
            if self._hearing is None or self._hearing.done():
                self._hearing = asyncio.create_task(self._hear(await listening()))
        self._watchers.add(watcher)

    async def leave(self, watcher):
        """Forget a watcher. After the last one the connection ends."""
        self._watchers.discard(watcher)
        if not self._watchers and self._hearing:
            self._hearing.cancel()
            self._hearing = None

    async def _hear(self, votes):
        try:
            async with votes:
                async for notice in votes.notifies():
                    for watcher in list(self._watchers):
                        with contextlib.suppress(Exception):  # A guest may be gone by now.
                            await watcher.hear(notice.payload)
        except psycopg.Error:  # The guests come back by themselves, and the first of them starts anew.
            for watcher in list(self._watchers):
                await watcher.close()


async def listening():
    """Return a connection that PostgreSQL tells of votes."""
    known = await sync_to_async(connection.get_connection_params)()
    known = {key: value for key, value in known.items() if key not in ("context", "cursor_factory")}
    votes = await psycopg.AsyncConnection.connect(**known, autocommit=True)
    await votes.execute(f"LISTEN {CHANNEL}")
    return votes


listener = Listener()
