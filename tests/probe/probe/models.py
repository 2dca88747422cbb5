from django.db import models


class Entry(models.Model):
    """A number that a visitor posted. Numbers are not unique: one posted twice is stored twice."""

    number = models.CharField(max_length=40)
