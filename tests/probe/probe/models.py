from django.db import models


class Entry(models.Model):
    """What a visitor posted; a number that comes twice is kept twice."""

    number = models.CharField(max_length=40)
