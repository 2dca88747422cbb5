"""The Celery application, which takes its settings from Django's."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "postbox.settings")

app = Celery("postbox")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
