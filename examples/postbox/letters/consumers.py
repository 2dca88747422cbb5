"""The websocket of a visitor, who hears of each letter that is delivered."""

from channels.generic.websocket import AsyncWebsocketConsumer

VISITORS = "visitors"


class Deliveries(AsyncWebsocketConsumer):
    """Tells one visitor the number of each letter that a worker delivers."""

    groups = [VISITORS]

    async def delivered(self, event):
        """Pass on what the worker tells."""
        await self.send(text_data=str(event["letter"]))
