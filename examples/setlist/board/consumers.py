"""The websocket of a guest: first all votes, then each one that is given."""

import json

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer
from django.db import connection

from .listener import listener
from .models import Song


class Votes(AsyncWebsocketConsumer):
    """Tells one guest of all votes."""

    async def connect(self):
        """Listen before the votes are counted, so that none is missed."""
        await self.accept()
        if connection.vendor == "postgresql":
            await listener.join(self)
        await self.hear(json.dumps(await counted()))

    async def disconnect(self, code):
        """Stop listening."""
        await listener.leave(self)

    async def hear(self, text):
        """Pass on votes to the guest."""
        await self.send(text_data=text)


@database_sync_to_async
def counted():
    """Return the votes of each song."""
    return dict(Song.objects.values_list("pk", "votes"))
