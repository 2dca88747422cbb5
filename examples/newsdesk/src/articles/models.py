"""Articles, written now and published when they are due."""

from django.db import models
from django.urls import reverse
from django.utils import timezone


class Section(models.Model):
    """A part of the paper."""

    name = models.CharField(max_length=40, unique=True)

    def __str__(self):
        return self.name


class Article(models.Model):
    """A piece of news."""

    section = models.ForeignKey(Section, on_delete=models.PROTECT, null=True)
    headline = models.CharField(max_length=120)
    slug = models.SlugField(unique=True)
    body = models.TextField()
    due_at = models.DateTimeField(default=timezone.now)
    is_published = models.BooleanField(default=False, db_index=True)

    class Meta:
        ordering = ["-due_at"]

    def __str__(self):
        return self.headline

    def get_absolute_url(self):
        return reverse("article", args=[self.slug])
