"""What the worker does: it delivers letters, and counts them for the postman."""

import time

from asgiref.sync import async_to_sync
from celery import shared_task
from channels.layers import get_channel_layer
from django.core.cache import cache
from django.db.models import F

from .consumers import VISITORS
from .models import Count, Letter


@shared_task
def deliver(number, seconds=0):
    """Deliver a letter, and tell whoever looks at the box. A long way takes some seconds."""
    time.sleep(seconds)
    Letter.objects.filter(pk=number).update(deliveries=F("deliveries") + 1)
    tell = async_to_sync(get_channel_layer().group_send)
    tell(VISITORS, {"type": "delivered", "letter": number})


@shared_task
def count():
    """Write down how many letters there are."""
    found = Count.objects.create(letters=Letter.objects.count())
    cache.set("letters", found.letters)
