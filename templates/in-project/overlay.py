"""What roadie_settings.py calls: for the database, for paths that outlast a release, and for logs."""

import os
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

RELEASE = Path(__file__).resolve().parent.parent

# ---- The database -----------------------------------------------------------------------------------


def database(url):
    """The entry of DATABASES for a URL. Its scheme names the kind of database."""
    parts = urlsplit(url)
    return KINDS[parts.scheme](parts)


def _mysql(parts):
    """mysql://user:password@host:port/name?unix_socket=path"""
    if not find_spec("MySQLdb"):
        import_module("pymysql").install_as_MySQLdb()
    options = dict(parse_qsl(parts.query))
    socket = options.pop("unix_socket", "")
    return {
        "ENGINE": "django.db.backends.mysql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": socket or unquote(parts.hostname or ""),
        "PORT": str(parts.port or ""),
        "OPTIONS": {"charset": "utf8mb4", **options},
    }


KINDS = {"mysql": _mysql}


# ---- Paths ------------------------------------------------------------------------------------------


def lasting(path, ours):
    """The project's path; roadie's own, if the project has none or if its path goes with the release."""
    return ours if not path or lies_in_release(path) else path


def static_root(path, ours):
    """The same, but a folder with committed files stays: the project ships its static files there."""
    return path if holds_files(path) else lasting(path, ours)


def lies_in_release(path):
    """Whether a path is inside this release; a relative path starts in the folder of manage.py."""
    return Path(os.path.realpath(path)).is_relative_to(RELEASE)


def holds_files(path):
    """Whether a folder has files in it; hidden ones such as .gitkeep do not count."""
    names = (name for _, _, names in os.walk(path or "") for name in names)
    return any(not name.startswith(".") for name in names)


# ---- Logging ----------------------------------------------------------------------------------------


def to_stderr(config):
    """The project's LOGGING, with an addition: records that reach no console go to stderr.

    Supervisor keeps stderr. A handler writes to stderr instead of its file if the file lies inside the
    release, and so would be removed with the release. It does so too if the app's user cannot write the
    file, as then the project would not start.
    """
    if config.get("incremental"):
        return config
    handlers = config.get("handlers", {})
    turned = {name for name, handler in handlers.items() if not _has_a_place(handler)}
    console = {name for name, handler in handlers.items() if _is_console(handler, config)}
    loggers = {
        name: _told_once(logger, turned, console)
        for name, logger in {**config.get("loggers", {}), "": _root(config)}.items()
    }
    told = [name for name, logger in loggers.items() if {*logger["handlers"]} & (turned | console)]
    root = loggers.pop("")
    if "" not in told:
        root["handlers"].append("roadie")
    return {
        "version": 1,
        "disable_existing_loggers": False,
        **config,
        "formatters": {**config.get("formatters", {}), "roadie": {"format": LINE}},
        "filters": {**config.get("filters", {}), "roadie": {"()": Untold, "loggers": told}},
        "handlers": {
            **{name: _turned(h) if name in turned else h for name, h in handlers.items()},
            "roadie": {"class": STREAM, "formatter": "roadie", "filters": ["roadie"]},
        },
        "loggers": loggers,
        "root": root,
    }


LINE = "%(asctime)s %(levelname)s %(name)s: %(message)s"
STREAM = "logging.StreamHandler"


class Untold:
    """A filter that drops the records that the project's own handlers have brought to a console."""

    def __init__(self, loggers):
        self.loggers = [f"{name}." for name in loggers]

    def filter(self, record):
        return not f"{record.name}.".startswith(tuple(self.loggers))


def _root(config):
    return config.get("root") or config.get("loggers", {}).get("", {})


def _has_a_place(handler):
    path = handler.get("filename")
    if not path:
        return True
    place = Path(path) if Path(path).exists() else Path(path).absolute().parent
    return not lies_in_release(path) and os.access(place, os.W_OK)


def _is_console(handler, config):
    """Whether a handler writes to the console in production. The one of startproject does not."""
    filters = (config.get("filters", {}).get(name, {}) for name in handler.get("filters", ()))
    in_debug_only = any("RequireDebugTrue" in str(found.get("()")) for found in filters)
    return str(handler.get("class")).endswith("StreamHandler") and not in_debug_only


def _told_once(logger, turned, console):
    """The logger, without the handlers that would write a record to stderr a second time."""
    names = list(logger.get("handlers", ()))
    twice = [name for name in names if name in turned]
    if not console & {*names}:
        twice = twice[1:]
    return {**logger, "handlers": [name for name in names if name not in twice]}


def _turned(handler):
    kept = ("level", "formatter", "filters")
    return {"class": STREAM, **{key: handler[key] for key in kept if key in handler}}
