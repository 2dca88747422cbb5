"""What the worker does: it delivers letters, and counts them for the postman."""

import time

from celery import shared_task
from django.core.cache import cache
from django.db.models import F

from .models import Count, Letter


@shared_task
def deliver(number, seconds=0):
    """Deliver a letter. A long way takes some seconds."""
    time.sleep(seconds)
    Letter.objects.filter(pk=number).update(deliveries=F("deliveries") + 1)


@shared_task
def count():
    """Write down how many letters there are."""
    found = Count.objects.create(letters=Letter.objects.count())
    cache.set("letters", found.letters)
