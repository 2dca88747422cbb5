"""Songs: a title, where the song comes from, and its text with chords."""

import re

from django.db import models
from django.urls import reverse

FOUND = """
SELECT song.* FROM songs_index JOIN songs_song song ON song.id = songs_index.rowid
WHERE songs_index MATCH %s ORDER BY rank
"""
CHORD = re.compile(r"\[([A-G][#b]?m?7?)\]")


class Song(models.Model):
    """A song. Its text has each chord in brackets, before the syllable that the chord is played on."""

    title = models.CharField(max_length=80, unique=True)
    origin = models.CharField(max_length=120)
    text = models.TextField()

    class Meta:
        ordering = ["title"]

    def __str__(self):
        return self.title

    def get_absolute_url(self):
        return reverse("song", args=[self.pk])

    @classmethod
    def search(cls, words):
        """Return the songs that have all these words, or their beginnings. Those that fit best come first."""
        terms = [f'"{word}"*' for word in re.findall(r"\w+", words)]
        return cls.objects.raw(FOUND, [" ".join(terms)]) if terms else cls.objects.none()

    @property
    def chords(self):
        """The chords of the song, each once, in the order in which they come."""
        return list(dict.fromkeys(CHORD.findall(self.text)))

    @property
    def lines(self):
        """The lines of the text, each as a list of (chord, words)."""
        for line in self.text.splitlines():
            first, *rest = CHORD.split(line)
            yield [pair for pair in [("", first), *zip(rest[::2], rest[1::2], strict=True)] if any(pair)]
