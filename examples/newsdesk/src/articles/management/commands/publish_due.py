"""Publishes the articles that are due. A timer runs this command, and so does the end of a deploy."""

import logging

from django.core.management.base import BaseCommand
from django.utils import timezone

from articles.models import Article

logger = logging.getLogger("articles")


class Command(BaseCommand):
    """`manage.py publish_due`."""

    help = "Publish every article whose time has come."

    def handle(self, *args, **options):
        due = Article.objects.filter(is_published=False, due_at__lte=timezone.now())
        count = due.update(is_published=True)
        logger.info("published %d articles", count)
        self.stdout.write(f"published {count}")
