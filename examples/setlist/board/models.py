"""What the band can play, and what the guests want to hear."""

import json

from django.db import connection, models, transaction
from django.db.models import F

CHANNEL = "votes"


class Song(models.Model):
    """A song that the band knows."""

    title = models.CharField(max_length=80, unique=True)
    origin = models.CharField(max_length=120)
    votes = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["-votes", "title"]

    def __str__(self):
        return self.title

    def vote(self):
        """Count one vote, and tell all processes when the vote is safe."""
        with transaction.atomic():
            Song.objects.filter(pk=self.pk).update(votes=F("votes") + 1)
            self.refresh_from_db()
            announce(self)


def announce(song):
    """Have PostgreSQL tell of the song's votes. Another database tells nobody."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_notify(%s, %s)", [CHANNEL, json.dumps({song.pk: song.votes})])
