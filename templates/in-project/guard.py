"""Refuses to serve unsafe settings. The check of the release calls it, and then each process that serves."""

import os
import sys
from urllib.parse import unquote, urlsplit

import roadie_site as site
from django import conf
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import connections
from django.utils.encoding import force_str

# By this exit code of a worker, Gunicorn's master knows that workers cannot boot. It ends and starts no more.
FAILED_TO_BOOT = 3


def keep_settings():
    """Have Django load the settings of this release, although an older wsgi.py assigns the project's own.

    Call this before the project's wsgi.py or asgi.py is imported. refuse_unsafe() comes after that.
    """
    os.environ["ROADIE_SETTINGS_MODULE"] = site.SETTINGS_MODULE
    conf.ENVIRONMENT_VARIABLE = "ROADIE_SETTINGS_MODULE"


def refuse_unsafe():
    """If the settings are unsafe, end this process before it can serve, with a line for every reason."""
    reasons = unsafe()
    if not reasons:
        os.environ["DJANGO_SETTINGS_MODULE"] = settings.SETTINGS_MODULE  # for what the site starts
    for reason in reasons:
        print("roadie refuses to serve:", reason, file=sys.stderr, flush=True)
    if reasons:
        sys.exit(FAILED_TO_BOOT)


def unsafe():
    """The reasons why the loaded settings must not serve, each with its cure."""
    return [reason for judge in (_module, _debug, _secret_key, _database) for reason in judge()]


def cure(setting, what):
    """The cure for most reasons: read the value from the environment, or have roadie set it."""
    names = " or ".join(site.ENV_NAMES[what])
    reads = f"where it is {names}" if names else f"by a name under env_names: {what}"
    return f"read it from the environment, {reads}, or write overlay: [{setting}] in fabric.yaml"


def _module():
    serving = settings.SETTINGS_MODULE
    assigned = os.environ.get("DJANGO_SETTINGS_MODULE", serving)
    if assigned == site.PROJECT_SETTINGS:  # harmless: by keep_settings(), no web process loads these
        assigned = site.SETTINGS_MODULE
    for module in {serving, assigned} - {site.SETTINGS_MODULE}:
        yield (
            f"the settings are those of {module} instead of {site.SETTINGS_MODULE}, as manage.py or wsgi.py "
            "assigns DJANGO_SETTINGS_MODULE; use os.environ.setdefault there"
        )


def _debug():
    if settings.DEBUG:
        yield f"DEBUG is on; {cure('DEBUG', 'debug')}"


def _secret_key():
    try:
        key = force_str(settings.SECRET_KEY or "", errors="replace")  # Django takes bytes too
    except ImproperlyConfigured:
        key = ""
    if key.startswith(("django-insecure-", "!!!")) or len(key) < 16 or len({*key}) < 5:
        what = "is empty" if not key else "is a placeholder that everyone knows or can guess"
        yield f"SECRET_KEY {what}; {cure('SECRET_KEY', 'secret_key')}"


def _database():
    engine, name = connections["default"].vendor, str(connections["default"].settings_dict["NAME"])
    wanted = site.DATABASE, site.DATABASE_NAME
    if not site.IS_PROVISIONED:
        url = urlsplit(os.environ["ROADIE_DATABASE_URL"])
        wanted = engine, unquote(url.path.lstrip("/"))
    if (engine, name) != wanted:
        yield (
            f"the default database is {engine} {name} instead of {' '.join(wanted)}; "
            f"{cure('DATABASES', 'database_url')}; env_names can also name its parts: db_name, db_user, "
            "db_password and db_socket"
        )
