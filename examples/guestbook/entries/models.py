"""What visitors leave: a name, a message, perhaps a photo."""

from django.core.validators import FileExtensionValidator
from django.db import models

PHOTO_TYPES = ["gif", "jpeg", "jpg", "png", "webp"]


class Entry(models.Model):
    """One visitor's lines in the guestbook."""

    name = models.CharField(max_length=80)
    message = models.TextField(max_length=2000)
    photo = models.FileField(
        upload_to="photos/%Y/", blank=True, validators=[FileExtensionValidator(PHOTO_TYPES)]
    )
    signed_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-signed_at", "-pk"]
        verbose_name_plural = "entries"

    def __str__(self):
        return f"{self.name}, {self.signed_at:%Y-%m-%d}"
