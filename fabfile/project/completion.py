"""Completes the settings with what the project says, where the user wrote nothing."""

from __future__ import annotations

from dataclasses import replace

from ..errors import SettingsError
from ..settings.databases import DATABASES
from ..settings.kinds import Kind, Wrong
from ..settings.names import APP, URL_PATH
from ..settings.reading import Settings, check_urls
from .celery import with_app
from .interface import worker_class_of
from .project import Project


def complete(settings: Settings, project: Project) -> Settings:
    """The settings, completed by the project where the user wrote nothing."""
    done = replace(
        settings,
        app=settings.app or _allowed(APP, project.name, "the project's name", "app"),
        database=settings.database or project.database.kind,
        static_url=settings.static_url or _served(project.static_url, "/static/"),
        media_url=settings.media_url or _served(project.media_url, "/media/"),
        redirect_www=settings.redirect_www and not project.leads_to_www,
        interface=project.interface.kind,
        worker_class=worker_class_of(settings, project.interface),
    )
    if done.celery:
        done = replace(done, celery=with_app(done.celery, project.celery))
    check_urls(done, "the project's settings")
    _refuse_without_url(done)
    return done


def _refuse_without_url(settings: Settings) -> None:
    """Refuse a database elsewhere if no secret has its URL."""
    if not (DATABASES[settings.database].is_provisioned or settings.url_secret):
        names = " or ".join(settings.env_names["database_url"]) or "DATABASE_URL, and env_names: for it"
        raise SettingsError(
            f"`database: {settings.database}` needs the URL of that database; name {names} under secrets:"
        )


def _allowed(kind: Kind[str], value: str, what: str, key: str) -> str:
    try:
        return kind.check(value)
    except Wrong as wrong:
        raise SettingsError(f"{what}: {wrong.why}; write `{key}:` in fabric.yaml") from None


def _served(url: str | None, default: str) -> str:
    """The path that nginx can serve, completed as Django does; the default if the URL is no path."""
    try:
        return URL_PATH.check(url if not url or url.startswith("/") or "://" in url else f"/{url}")
    except Wrong:
        return default
