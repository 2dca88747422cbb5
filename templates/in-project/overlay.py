"""Makes the project's settings ready for production: its keys, its database, its paths and its logs."""

import json
import os
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from django import VERSION

RELEASE = Path(__file__).resolve().parent.parent

# ---- What becomes of each setting -------------------------------------------------------------------


def make_ready(settings, words, *, forced=(), domains=(), https=False, hsts=0, urls=None, django=None):
    """Set, in this mapping of settings, what the project leaves to roadie, and the settings in `forced`.

    Those under django: come last. With django-configurations, all of this happens later: a class sets its
    settings only when this module has been imported.
    """

    def make():
        fill(settings, words, forced, domains, urls or {}, https=https, hsts=hsts)
        settings.update(django or {})

    chosen = settings.get(os.environ.get("DJANGO_CONFIGURATION"))
    if hasattr(chosen, "post_setup"):
        settings[chosen.__name__] = and_then(chosen, make)
    else:
        make()


def and_then(configuration, make):
    """A class of django-configurations that calls this function once its settings are set."""

    def post_setup(cls):
        super(found, cls).post_setup()
        make()

    found = type(configuration)(
        configuration.__name__, (configuration,), {"post_setup": classmethod(post_setup)}
    )
    return found


def fill(settings, words, forced, domains, urls, *, https=False, hsts=0):
    """Set what the project leaves to roadie.

    `words` has a word for each setting, read from the project's text. "own" is the project's, and stays.
    "absent", "startproject" and "committed" (a secret key that is in git) are left to roadie. "unread" means
    that the text does not tell. Then the setting is left to roadie if its value is empty or startproject's.
    """

    def is_ours(name):
        if name in forced or words[name] != "unread":
            return name in forced or words[name] != "own"
        return LEFT.get(name, is_empty)(settings.get(name))

    def own(name, without=None):
        return without if name in forced else settings.get(name, without)

    ours = {
        "DEBUG": lambda: False,
        "SECRET_KEY": secret_key,
        "ALLOWED_HOSTS": lambda: [one.removeprefix("*") for one in domains],
        "CSRF_TRUSTED_ORIGINS": lambda: [f"{scheme}://{one}" for one in domains for scheme in SCHEMES],
        # nginx sets this header to the scheme that the visitor used, whatever the visitor sent.
        "SECURE_PROXY_SSL_HEADER": lambda: ("HTTP_X_FORWARDED_PROTO", "https"),
        "SESSION_COOKIE_SECURE": lambda: https,
        "CSRF_COOKIE_SECURE": lambda: https,
        "SECURE_HSTS_SECONDS": lambda: hsts,
        "DATABASES": lambda: with_database(settings.get("DATABASES"), os.environ["ROADIE_DATABASE_URL"]),
        **{name: lambda name=name, url=url: own(name) or url for name, url in urls.items()},
    }
    settings.update({name: make() for name, make in ours.items() if is_ours(name)})
    if https:
        settings["SILENCED_SYSTEM_CHECKS"] = [*settings.get("SILENCED_SYSTEM_CHECKS", ()), *NOT_ASKED]
    complete(settings.get("DATABASES"), os.environ["ROADIE_DATABASE_URL"])
    collects = import_module("roadie_site").COLLECTSTATIC
    settings["STATIC_ROOT"] = static_root(
        own("STATIC_ROOT"), os.environ["ROADIE_STATIC_ROOT"], collects=collects
    )
    settings["MEDIA_ROOT"] = lasting(own("MEDIA_ROOT"), os.environ["ROADIE_MEDIA_ROOT"])
    settings["LOGGING"] = to_stderr(own("LOGGING") or {})
    settings.update(for_celery(settings))


SCHEMES = "https", "http"
# What `check --deploy` asks for, and a site with https does not need. The settings decide whether HSTS is on
# (W004). HSTS for all subdomains (W005) and in the list of browsers (W021) reaches further than this site.
# nginx leads visitors to https (W008).
NOT_ASKED = "security.W004", "security.W005", "security.W008", "security.W021"


def is_empty(value):
    return not value


def is_startprojects_key(key):
    return not key or str(key).startswith("django-insecure-")


def is_startprojects_database(databases):
    """Whether there is no database, or one in a file that would be removed with the release."""
    default = (databases or {}).get("default") or {}
    is_file = str(default.get("ENGINE", "")).endswith("sqlite3")
    return not default.get("ENGINE") or (is_file and lies_in_release(default.get("NAME") or "."))


# For some settings, more values than an empty one are left to roadie: the functions that know such a value.
LEFT = {
    "DEBUG": bool,
    "SECRET_KEY": is_startprojects_key,
    "DATABASES": is_startprojects_database,
}


def secret_key():
    """The key that roadie made on the host, or the one that fabric.yaml names under secrets:."""
    made = os.environ["ROADIE_SECRET_KEY"]
    named = (os.environ.get(name, made) for name in site_names("secret_key"))
    return next((key for key in named if key != made), made)


def site_names(what):
    """The names of the environment variables that hold this value."""
    return import_module("roadie_site").ENV_NAMES[what]


def for_celery(settings):
    """The settings of Celery that have roadie's REDIS_URL, with the address in the form that Celery reads.

    The queue has a database of its own, so that nobody who empties the cache empties the queue.
    """
    found = {
        name: value
        for name, value in settings.items()
        if name.endswith(("BROKER_URL", "RESULT_BACKEND")) and str(value).startswith("unix://")
    }
    ours = {os.environ.get(name) for name in site_names("redis_url")} if found else set()
    return {
        name: f"redis+socket://{urlsplit(value).path}?virtual_host=1"
        for name, value in found.items()
        if value in ours
    }


# ---- The database -----------------------------------------------------------------------------------


def with_database(databases, url):
    """The project's databases, with roadie's as the default. The project's use of connections stays."""
    databases = {} if databases is None else databases
    kept = {key: value for key, value in databases.get("default", {}).items() if key in KEPT}
    databases["default"] = {**kept, **database(url)}
    return databases


KEPT = "ATOMIC_REQUESTS AUTOCOMMIT CONN_HEALTH_CHECKS CONN_MAX_AGE TEST TIME_ZONE".split()


def database(url):
    """The entry of DATABASES for a URL. Its scheme names the kind of database."""
    parts = urlsplit(url)
    if parts.scheme not in KINDS:
        raise ValueError(
            f"roadie reads no URL that begins with {parts.scheme}:; read DATABASE_URL in the settings"
        )
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
        "OPTIONS": {"charset": "utf8mb4", **_driver_options(options)},
    }


def _driver_options(options):
    """The options as MySQL's driver takes them: ssl-ca=path and the like in one mapping, numbers as int."""
    tls = {key[4:]: value for key, value in options.items() if key.startswith("ssl-")}
    plain = {key: value for key, value in options.items() if not key.startswith("ssl-")}
    plain = {key: int(value) if value.isdigit() else value for key, value in plain.items()}
    return {**plain, "ssl": tls} if tls else plain


def _sqlite(parts):
    """sqlite:////path"""
    return {"ENGINE": "django.db.backends.sqlite3", "NAME": unquote(parts.path)[1:]}


def _postgresql(parts):
    """postgresql://user@/name?host=folder, where the folder has the socket"""
    options = dict(parse_qsl(parts.query))
    gis = parts.scheme == "postgis"
    return {
        "ENGINE": "django.contrib.gis.db.backends.postgis" if gis else "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": options.pop("host", "") or unquote(parts.hostname or ""),
        "PORT": str(parts.port or ""),
        "OPTIONS": options,
    }


KINDS = {
    "mysql": _mysql,
    **dict.fromkeys(("postgresql", "postgres", "postgis"), _postgresql),
    "sqlite": _sqlite,
}


def complete(databases, url):
    """Add to the default database, whoever set it, what the project has left out.

    MySQL gets a charset with all of Unicode, which is Django's own choice from 5.2 on. In SQLite a writer
    waits for another one instead of failing at once. SQLite's file must not be removed with the release.
    """
    default = (databases or {}).get("default") or {}
    engine, options = str(default.get("ENGINE", "")), {}
    if engine.endswith(".mysql"):
        options = {"charset": "utf8mb4"}
    if engine.endswith(".sqlite3"):
        options = {"timeout": 20, **({"transaction_mode": "IMMEDIATE"} if VERSION >= (5, 1) else {})}
        if urlsplit(url).scheme == "sqlite" and lies_in_release(default.get("NAME") or "."):
            default["NAME"] = _sqlite(urlsplit(url))["NAME"]
    if options:
        default["OPTIONS"] = {**options, **default.get("OPTIONS", {})}


# ---- Paths ------------------------------------------------------------------------------------------


def lasting(path, ours):
    """The project's path; roadie's own, if the project has none, or if its path lies in the release."""
    return ours if not path or lies_in_release(path) else path


def static_root(path, ours, *, collects):
    """roadie's own folder, where a deploy collects and nginx serves, whatever path the project has.

    The project's path stays if nothing is collected, or if the project ships its static files there.
    """
    if ships_static(path, collects=collects):
        return path
    return ours if collects else lasting(path, ours)


def ships_static(path, *, collects):
    """Whether nginx serves a folder as it is: it has files, and a manifest, or nothing is collected.

    To collect into a folder with a manifest would break the names in the manifest.
    """
    return holds_files(path) and (not collects or any(map(_is_manifest, Path(path).glob("*.json"))))


def _is_manifest(path):
    try:
        content = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(content, dict) and isinstance(content.get("paths"), dict)


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

    Supervisor keeps stderr. If the file of a handler lies inside the release, it would be removed with the
    release. If the app's user cannot write it, the project would not start. So both write to stderr instead.
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
    """The logger, without the handlers that would bring a record to stderr a second time."""
    names = list(logger.get("handlers", ()))
    twice = [name for name in names if name in turned]
    if not console & {*names}:
        twice = twice[1:]
    return {**logger, "handlers": [name for name in names if name not in twice]}


def _turned(handler):
    kept = ("level", "formatter", "filters")
    return {"class": STREAM, **{key: handler[key] for key in kept if key in handler}}
