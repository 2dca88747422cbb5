"""What lies in the postbox."""

from django.db import models


class Letter(models.Model):
    """One letter, and how often it was delivered: once, unless something is wrong."""

    text = models.TextField(max_length=2000)
    posted_at = models.DateTimeField(auto_now_add=True)
    deliveries = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["-posted_at", "-pk"]

    def __str__(self):
        return f"letter {self.pk}"


class Count(models.Model):
    """What the postman counted, when."""

    counted_at = models.DateTimeField(auto_now_add=True)
    letters = models.PositiveIntegerField()

    def __str__(self):
        return f"{self.letters} letters"
