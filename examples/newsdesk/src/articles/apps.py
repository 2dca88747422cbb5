"""The newsdesk's one app."""

from django.apps import AppConfig


class ArticlesConfig(AppConfig):
    """Articles and the sections they appear in."""

    name = "articles"
