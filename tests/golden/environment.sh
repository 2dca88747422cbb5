settings_module=roadie_settings
health=()
python=python3
environment=()
allowed_hosts_names=(ALLOWED_HOSTS DJANGO_ALLOWED_HOSTS)
csrf_trusted_origins_names=(CSRF_TRUSTED_ORIGINS DJANGO_CSRF_TRUSTED_ORIGINS)
debug_names=(DEBUG DJANGO_DEBUG)
static_root_names=()
media_root_names=()
db_name_names=()
db_user_names=()
db_socket_names=()
secret_names=(SECRET_KEY DJANGO_SECRET_KEY DATABASE_URL )
settings_py='"""The settings of this release: guestbook.settings, made ready for production.

roadie writes this at each deploy. Where the project speaks for itself nothing stands here, and what
fabric.yaml has under django: comes last.
"""

from guestbook.settings import *

import os

import roadie_overlay as overlay

DEBUG = False
SECRET_KEY = os.environ["ROADIE_SECRET_KEY"]
ALLOWED_HOSTS = ['"'"'guestbook.example.org'"'"']
CSRF_TRUSTED_ORIGINS = [
    '"'"'https://guestbook.example.org'"'"',
    '"'"'http://guestbook.example.org'"'"',
]
# nginx sets this header to the scheme that the visitor used, whatever the visitor sent.
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

DATABASES["default"] = overlay.database(os.environ["ROADIE_DATABASE_URL"])

STATIC_ROOT = os.environ["ROADIE_STATIC_ROOT"]
MEDIA_ROOT = overlay.lasting(MEDIA_ROOT, os.environ["ROADIE_MEDIA_ROOT"])

LOGGING = overlay.to_stderr({})
'
overlay_py='"""The words that roadie_settings.py is written in: where the database is, which paths stay, where logs go."""

import os
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

RELEASE = Path(__file__).resolve().parent.parent

# ---- The database -----------------------------------------------------------------------------------


def database(url):
    """Django'"'"'s words for a URL: its scheme says the kind of database."""
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
    """The project'"'"'s own path; ours, if it names none or one that would be gone with the release."""
    return ours if not path or lies_in_release(path) else path


def static_root(path, ours):
    """As lasting(), but a folder with committed files in it stays: they are the finished product."""
    return path if holds_files(path) else lasting(path, ours)


def lies_in_release(path):
    """Whether a path is inside this release; a relative one begins in the folder of manage.py."""
    return Path(os.path.realpath(path)).is_relative_to(RELEASE)


def holds_files(path):
    """Whether a folder has files in it; a .gitkeep and its like are none."""
    names = (name for _, _, names in os.walk(path or "") for name in names)
    return any(not name.startswith(".") for name in names)


# ---- Logging ----------------------------------------------------------------------------------------


def to_stderr(config):
    """The project'"'"'s LOGGING, and what it brings to no console goes to stderr, which Supervisor keeps.

    A log file inside the release would be gone with it, and one that nobody may write stops the start:
    such a handler writes to stderr too.
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
    """A filter that holds back what the project'"'"'s own handlers have brought to a console already."""

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
    """Whether a handler writes to the console in production; startproject'"'"'s own does so in DEBUG only."""
    filters = (config.get("filters", {}).get(name, {}) for name in handler.get("filters", ()))
    in_debug_only = any("RequireDebugTrue" in str(found.get("()")) for found in filters)
    return str(handler.get("class")).endswith("StreamHandler") and not in_debug_only


def _told_once(logger, turned, console):
    """A logger that writes no record to stderr twice."""
    names = list(logger.get("handlers", ()))
    twice = [name for name in names if name in turned]
    if not console & {*names}:
        twice = twice[1:]
    return {**logger, "handlers": [name for name in names if name not in twice]}


def _turned(handler):
    kept = ("level", "formatter", "filters")
    return {"class": STREAM, **{key: handler[key] for key in kept if key in handler}}
'
site_py='"""What fabric.yaml told roadie of this site, for the modules beside this one."""

SETTINGS_MODULE = '"'"'roadie_settings'"'"'
PROJECT_SETTINGS = '"'"'guestbook.settings'"'"'
SERVED_MODULE = '"'"'guestbook.wsgi'"'"'
DOMAIN = ['"'"'guestbook.example.org'"'"']
DATABASE = '"'"'mysql'"'"'
DATABASE_NAME = '"'"'guestbook'"'"'
STATIC_URL = '"'"'/static/'"'"'
MEDIA_URL = '"'"'/media/'"'"'
COLLECTSTATIC = True
ENV_NAMES = {'"'"'secret_key'"'"': ('"'"'SECRET_KEY'"'"', '"'"'DJANGO_SECRET_KEY'"'"'), '"'"'database_url'"'"': ('"'"'DATABASE_URL'"'"',), '"'"'allowed_hosts'"'"': ('"'"'ALLOWED_HOSTS'"'"', '"'"'DJANGO_ALLOWED_HOSTS'"'"'), '"'"'csrf_trusted_origins'"'"': ('"'"'CSRF_TRUSTED_ORIGINS'"'"', '"'"'DJANGO_CSRF_TRUSTED_ORIGINS'"'"'), '"'"'debug'"'"': ('"'"'DEBUG'"'"', '"'"'DJANGO_DEBUG'"'"'), '"'"'static_root'"'"': (), '"'"'media_root'"'"': (), '"'"'db_name'"'"': (), '"'"'db_user'"'"': (), '"'"'db_password'"'"': (), '"'"'db_socket'"'"': ()}
MANAGE_COMMANDS = {}
'
guard_py='"""What roadie refuses to serve. The release'"'"'s check asks it first, then the very process that serves."""

import os
import sys

import roadie_site as site
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import connections

# Gunicorn'"'"'s word for "failed to boot": its master ends, instead of starting workers for ever.
FAILED_TO_BOOT = 3


def refuse_unsafe():
    """End this process, with a line for every reason, before it can serve anything unsafe."""
    reasons = unsafe()
    for reason in reasons:
        print("roadie refuses to serve:", reason, file=sys.stderr, flush=True)
    if reasons:
        sys.exit(FAILED_TO_BOOT)


def unsafe():
    """Why the settings as they came out must not serve, each reason with its cure."""
    return [reason for judge in (_module, _debug, _secret_key, _database) for reason in judge()]


def read_it(what):
    """The cure for most: what roadie calls a value in the environment of every process of the site."""
    names = " or ".join(site.ENV_NAMES[what])
    if not names:
        return f"name it in fabric.yaml, env_names: {what}, and read it from the environment"
    return f"read it from the environment, where it is {names} (see env_names of fabric.yaml)"


def _module():
    serving = settings.SETTINGS_MODULE
    assigned = os.environ.get("DJANGO_SETTINGS_MODULE", serving)
    for module in {serving, assigned} - {site.SETTINGS_MODULE}:
        yield (
            f"the settings are those of {module} instead of {site.SETTINGS_MODULE}, as manage.py or wsgi.py "
            "assigns DJANGO_SETTINGS_MODULE; use os.environ.setdefault there"
        )


def _debug():
    if settings.DEBUG:
        yield f"DEBUG is on; {read_it('"'"'debug'"'"')}, or write DEBUG: false under django: there"


def _secret_key():
    try:
        key = settings.SECRET_KEY or ""
    except ImproperlyConfigured:
        key = ""
    if key.startswith(("django-insecure-", "!!!")) or len(key) < 16 or len({*key}) < 5:
        what = "is empty" if not key else "is a placeholder that everyone knows or can guess"
        yield f"SECRET_KEY {what}; {read_it('"'"'secret_key'"'"')}"


def _database():
    engine, name = connections["default"].vendor, str(connections["default"].settings_dict["NAME"])
    if (engine, name) != (site.DATABASE, site.DATABASE_NAME):
        yield (
            f"the default database is {engine} {name} instead of {site.DATABASE} {site.DATABASE_NAME}; "
            f"{read_it('"'"'database_url'"'"')}"
        )
'
release_py='"""What roadie asks of a release before it may serve, inside the project'"'"'s own manage.py."""

import ast
import gc
import hashlib
import inspect as source
import os
import shutil
import sys
from importlib import import_module
from pathlib import Path
from urllib.parse import urlsplit

import django
import roadie_guard as guard
import roadie_migrations as migrations
import roadie_overlay as overlay
import roadie_site as site
import roadie_start as start
from django.apps import apps
from django.conf import settings
from django.core import checks
from django.core.management import call_command, get_commands
from django.http.request import validate_host
from roadie_start import answer


def inspect(collect_into, static_before=""):
    """Judge the release, collect its static files, and name the migrations that are to come."""
    if site.SERVED_MODULE:
        import_module(site.SERVED_MODULE)
    reasons = [*_told(guard.unsafe()), *_told(_unserved()), *_told(_unknown_commands())]
    if not reasons:
        _static(collect_into, static_before)
    reasons += _told(_checks())
    _warn_of_debug()
    if not reasons:
        _collect_garbage()  # what foresees migrations leaves a whole state of the models behind for each
        reasons += _told(migrations.look())
    answer("inspected", "refused" if reasons else "passed")


def _collect_garbage():
    """From here on, and not among what is loaded by now."""
    gc.freeze()
    gc.enable()


def _told(reasons):
    for reason in reasons:
        answer("refuse", reason)
        yield reason


def _unserved():
    """What visitors would miss, as nginx and the settings do not agree."""
    for name in site.DOMAIN:
        if not validate_host(name, settings.ALLOWED_HOSTS):
            yield (
                f"ALLOWED_HOSTS does not hold {name}; {guard.read_it('"'"'allowed_hosts'"'"')}, "
                "or write it under django: there"
            )
    for key, ours in ("STATIC_URL", site.STATIC_URL), ("MEDIA_URL", site.MEDIA_URL):
        theirs = getattr(settings, key) or "/"
        if theirs != "/" and not urlsplit(theirs).netloc and theirs.rstrip("/") != ours.rstrip("/"):
            yield (
                f"{key} is {theirs}, but nginx serves {ours}; set {key.lower()}: {theirs} in fabric.yaml, "
                "then run fab nginx and deploy again"
            )
    uploads, static = _upload_folder(), settings.STATIC_ROOT
    if uploads and overlay.lies_in_release(uploads):
        yield f"uploads would go to {uploads} and be gone with the release; {guard.read_it('"'"'media_root'"'"')}"
    if (
        static != os.environ["ROADIE_STATIC_ROOT"]
        and _reads_static_root()
        and not overlay.holds_files(static)
    ):
        yield f"STATIC_ROOT is {static}, where no static files will be; {guard.read_it('"'"'static_root'"'"')}"


def _unknown_commands():
    """The programs of the settings whose command no app of the project has."""
    for program, command in site.MANAGE_COMMANDS.items():
        if command not in get_commands():
            yield (
                f"the program {program} runs manage.py {command}, and no app of the project has that command; "
                "put it right under programs: in fabric.yaml"
            )


def _upload_folder():
    """Where uploads go, if they go to a folder."""
    storage = getattr(settings, "STORAGES", {}).get("default", {})
    if "FileSystemStorage" in storage.get("BACKEND", "FileSystemStorage"):
        return storage.get("OPTIONS", {}).get("location") or settings.MEDIA_ROOT
    return None


def _reads_static_root():
    """Whether the site itself looks into STATIC_ROOT when it serves: most leave that to nginx."""
    if not apps.is_installed("django.contrib.staticfiles"):
        return False
    from django.contrib.staticfiles.storage import staticfiles_storage

    return hasattr(staticfiles_storage, "read_manifest") or "whitenoise" in str(settings.MIDDLEWARE)


def _checks():
    """Django'"'"'s own checks, those of `check --deploy` too; only errors are reasons not to serve."""
    found = checks.run_checks(include_deployment_checks=True, databases=["default"])
    found = [one for one in found if not one.is_silenced()]
    warnings = [one for one in found if not one.is_serious()]
    if warnings:
        answer("check", "; ".join(sorted(f"{one.id}: {one.msg.partition('"'"'. '"'"')[0]}" for one in warnings)))
    return [f"{one.obj or '"'"'check'"'"'}: {one.msg} ({one.id})" for one in found if one.is_serious()]


def _warn_of_debug():
    """Tell where the project acts on a DEBUG of its own that is on: roadie turns it off only afterwards."""
    if settings.DEBUG or not getattr(import_module(site.PROJECT_SETTINGS), "DEBUG", False):
        return
    places = sorted({place for module in list(sys.modules.values()) for place in _asks_for_debug(module)})
    if places:
        answer("debug", "; ".join(places))


def _asks_for_debug(module):
    path = getattr(module, "__file__", None) or ""
    if "DEBUG" in vars(module) and path.endswith(".py") and overlay.lies_in_release(path):
        for node in ast.walk(ast.parse(Path(path).read_text("utf-8"))):
            if isinstance(node, ast.Name) and node.id == "DEBUG" and isinstance(node.ctx, ast.Load):
                yield f"{os.path.relpath(path)}, line {node.lineno}"


# ---- Static files -----------------------------------------------------------------------------------


def _static(into, before):
    """Collect the static files, unless the project ships them or they are what they were."""
    root = settings.STATIC_ROOT
    if root != os.environ["ROADIE_STATIC_ROOT"] and overlay.holds_files(root):
        answer("static", f"own {os.path.realpath(root)}")
    elif not site.COLLECTSTATIC or not apps.is_installed("django.contrib.staticfiles"):
        answer("static", "none")
    elif (digest := _digest()) and digest == before:
        answer("static", f"same {digest}")
    else:
        _collect(into)
        answer("static", f"collected {digest}")


def _collect(into):
    """From here on this process takes its static files from there."""
    # django.test comes with the receivers that have the storages see a new STATIC_ROOT.
    from django.test.utils import override_settings

    _collect_garbage()
    shutil.rmtree(into, ignore_errors=True)
    override_settings(STATIC_ROOT=into).enable()
    start.watch_no_more()
    call_command("collectstatic", interactive=False, verbosity=0)
    start.watch()


def _digest():
    """Names what collectstatic would make by what it is made of; empty if that cannot be told."""
    from django.contrib.staticfiles.finders import get_finders
    from django.contrib.staticfiles.storage import staticfiles_storage

    storage = staticfiles_storage.__class__
    made_of = [django.VERSION, settings.STATIC_URL, getattr(settings, "STORAGES", ""), storage]
    made_of += [_looks(source.getsourcefile(cls)) for cls in storage.__mro__[:-1]]
    ignored = apps.get_app_config("staticfiles").ignore_patterns
    try:
        for finder in get_finders():
            for path, files in finder.list(ignored):
                made_of.append((getattr(files, "prefix", ""), path, _looks(files.path(path))))
    except NotImplementedError:
        return ""
    return hashlib.sha256(repr(made_of).encode()).hexdigest()


def _looks(path):
    stat = Path(path).stat()
    return stat.st_size, stat.st_mtime_ns
'
migrations_py='"""The migrations of a release: those to come, applying them, and taking them back, with a word on each."""

import os

import roadie_lint as lint
import roadie_start as start
from django.core.management import call_command
from django.db import connections, transaction
from django.db.migrations.executor import MigrationExecutor
from roadie_start import answer


def look():
    """Name the migrations that the database lacks, and what they will do; yields why they cannot be."""
    executor = MigrationExecutor(connections["default"])
    loader = executor.loader
    for key in sorted(loader.disk_migrations):
        answer("knows", ".".join(key))
    loader.check_consistent_history(connections["default"])
    for app, names in loader.detect_conflicts().items():
        yield f"app {app} ends in two migrations, {'"'"' and '"'"'.join(names)}; run manage.py makemigrations --merge"
    plan = [migration for migration, _ in executor.migration_plan(loader.graph.leaf_nodes())]
    answer("history", len(loader.applied_migrations))
    for migration in plan:
        answer("pending", name_of(migration))
    if plan and loader.applied_migrations:
        _foresee(executor, plan)


def ask():
    """As look() for a release that was inspected before."""
    for reason in look():
        answer("refuse", reason)
    answer("asked", "")


def migrate():
    """Apply what is pending as `manage.py migrate` does, and tell of each as it happens."""
    _tell_of("apply_migration", "applying", "applied")
    start.watch_no_more()
    _wait_for_others()
    call_command("migrate", interactive=False, verbosity=0)
    answer("migrated", "")


def name_of(migration):
    """The name that people know it by: app.0001_initial."""
    return f"{migration.app_label}.{migration.name}"


# ---- What they will do ------------------------------------------------------------------------------


def _foresee(executor, plan):
    """Tell the SQL and the dangers of each; an error in here must stop no deploy."""
    connection = executor.connection
    try:
        state = executor._create_project_state(with_applied_migrations=True)
        rows = lint.rows_of_tables(connection)
        for migration in plan:
            name = name_of(migration)
            for danger in lint.dangers(migration, state, connection, rows):
                answer("danger", f"{name} {danger}")
            for line in _sql(migration, state, connection):
                # Not by answer(), which squeezes blanks.
                print(f"roadie:\tsql\t{name} {line}", flush=True)
            state = migration.mutate_state(state)
    except Exception as error:
        answer("unforeseen", f"{type(error).__name__}: {error}")


def _sql(migration, state, connection):
    """What sqlmigrate prints; of a migration that builds on others to come, not all can be told."""
    editor = connection.schema_editor(collect_sql=True, atomic=migration.atomic)
    more = ()
    try:
        with connection.execute_wrapper(_only_ask), editor:
            migration.apply(state.clone(), editor, collect_sql=True)
    except Exception as error:
        more = (f"-- The rest can be told only once what comes before is applied ({error}).",)
    return [line for text in (*editor.collected_sql, *more) for line in text.splitlines()]


def _only_ask(execute, sql, params, many, context):
    if _verb(sql) not in CHANGES_NOTHING:
        raise RuntimeError("it acts on the database by itself")
    return execute(sql, params, many, context)


# ---- Taking back ------------------------------------------------------------------------------------


def way_back():
    """Tell what has to be unapplied so that those that ROADIE_UNAPPLY names are, and what of it cannot be."""
    _way_back(MigrationExecutor(connections["default"]).loader)


def unapply():
    """Unapply those that ROADIE_UNAPPLY names, the newest first; none, if one of them cannot be undone."""
    start.watch_no_more()
    _wait_for_others()
    executor = MigrationExecutor(connections["default"])
    plan, is_clear = _way_back(executor.loader)
    if plan and is_clear:
        _tell_of("unapply_migration", "unapplying", "unapplied")
        executor.migrate(None, plan=[(migration, True) for migration in plan])


def _way_back(loader):
    asked = {tuple(name.split(".", 1)) for name in os.environ["ROADIE_UNAPPLY"].split()}
    reasons = [reason for key in sorted(asked) for reason in _why_not(loader, key, asked)]
    keys = []
    for key in sorted(asked & {*loader.graph.nodes}):
        if _stands_for(loader, key, asked):
            continue
        for each in loader.graph.backwards_plan(key):
            if each in loader.applied_migrations and each not in keys:
                keys.append(each)
                if each not in asked:
                    reasons.append(f"{'"'"'.'"'"'.join(each)} depends on {'"'"'.'"'"'.join(key)} and is to stay")
    plan = [loader.graph.nodes[key] for key in keys]
    for migration in plan:
        answer("unapply", name_of(migration))
        reasons += [f"{name_of(migration)} ({told})" for told in _one_way(migration.operations)]
    for reason in reasons:
        answer("irreversible", reason)
    return plan, not reasons


def _why_not(loader, key, asked):
    """Why one that was asked for cannot be unapplied by this code at all."""
    if key not in loader.applied_migrations:
        return
    if key not in loader.disk_migrations:
        yield f"{'"'"'.'"'"'.join(key)} (this release has no such migration)"
    replaced = {*getattr(loader.graph.nodes.get(key), "replaces", ())}
    if replaced & asked and replaced - asked & {*loader.disk_migrations}:
        yield f"{'"'"'.'"'"'.join(key)} (it replaces some that are to stay)"


def _stands_for(loader, key, asked):
    """Whether it merely replaces migrations that are to stay: the tables are as theirs."""
    replaced = {*loader.graph.nodes[key].replaces}
    return bool(replaced) and not replaced & asked


def _one_way(operations):
    """The operations that cannot be undone."""
    for operation in operations:
        if not operation.reversible:
            yield lint.named(operation)
        yield from _one_way(getattr(operation, "database_operations", ()))


def _wait_for_others():
    """Let migrations of a run that was killed come to their end; its lock went with it, theirs does not."""
    connection = connections["default"]
    if connection.vendor == "mysql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT GET_LOCK(CONCAT('"'"'roadie-'"'"', DATABASE()), 3600)")


# ---- Telling of each --------------------------------------------------------------------------------


def _tell_of(method, doing, done):
    """Have the executor tell when it begins a migration and how that ended."""
    perform = getattr(MigrationExecutor, method)

    def perform_and_tell(executor, state, migration, **options):
        name = name_of(migration)
        answer(doing, name)
        changes = Changes()
        try:
            with executor.connection.execute_wrapper(changes):
                state = perform(executor, state, migration, **options)
        except Exception as error:
            answer("half", name if changes.last else "")
            answer("statement", changes.failed[:200])
            answer("error", f"{type(error).__name__}: {error}")
            raise
        answer(done, name)
        return state

    setattr(MigrationExecutor, method, perform_and_tell)


CHANGES_SCHEMA = {"CREATE", "ALTER", "DROP", "RENAME", "TRUNCATE"}
CHANGES_NOTHING = set(
    "SELECT SHOW SET EXPLAIN PRAGMA BEGIN START COMMIT SAVEPOINT RELEASE ROLLBACK".split(),
)


class Changes:
    """Watches the statements of one migration: would any of its changes outlast its failure?"""

    def __init__(self):
        self.last = False
        self.failed = ""

    def __call__(self, execute, sql, params, many, context):
        try:
            result = execute(sql, params, many, context)
        except Exception:
            self.failed = str(sql)
            raise
        verb = _verb(sql)
        if verb not in CHANGES_NOTHING:
            self.failed = ""
            self._remember(verb, context["connection"])
        return result

    def _remember(self, verb, connection):
        can_undo = connection.in_atomic_block
        if verb in CHANGES_SCHEMA:
            can_undo = can_undo and connection.features.can_rollback_ddl
        if can_undo:
            transaction.on_commit(self._keep, using=connection.alias)
        else:
            self._keep()

    def _keep(self):
        self.last = True


def _verb(sql):
    return str(sql).lstrip("( \n").partition(" ")[0].upper()
'
lint_py='"""What a migration does that the release before does not survive, or that the database cannot undo."""

from functools import singledispatch

from django.conf import settings
from django.db import migrations, models, router
from django.db.backends.utils import truncate_name
from django.db.models.fields import NOT_PROVIDED

# From so many rows on, a change of the table may take long enough to be noticed.
BIG = 100_000


def dangers(migration, state, connection, rows):
    """What is dangerous about a migration, in a sentence each; `state` is the one before it.

    `rows` has the tables that are there. Nobody misses anything in one that is yet to come.
    """
    look = Look(migration.app_label, state.clone(), connection, rows)
    found = [danger for operation in migration.operations for danger in look.at(operation)]
    if look.steps > 1 and not connection.features.can_rollback_ddl:
        found.append(f"if one of its {look.steps} steps fails, those before it stay")
    return list(dict.fromkeys(found))


def rows_of_tables(connection):
    """About how many rows each table has, as the server estimates for itself; 0 where it does not."""
    with connection.cursor() as cursor:
        rows = dict.fromkeys(connection.introspection.table_names(cursor), 0)
        if connection.vendor == "mysql":
            cursor.execute(
                "SELECT table_name, table_rows FROM information_schema.tables "
                "WHERE table_schema = DATABASE() AND table_rows IS NOT NULL"
            )
            rows.update(cursor.fetchall())
    return rows


class Look:
    """A walk through the operations of one migration, and the state that each of them finds."""

    def __init__(self, app, state, connection, rows):
        self.app, self.state, self.connection, self.rows = app, state, connection, rows
        self.steps = 0

    def at(self, operation):
        """The dangers of the next operation."""
        if not operation.reversible:
            yield f"{named(operation)} cannot be undone"
        if isinstance(operation, migrations.SeparateDatabaseAndState):
            yield from self._inside(operation)
        else:
            self.steps += not isinstance(operation, STATE_ONLY) and not is_idle(operation, self)
            yield from dangers_of(operation, self)
        operation.state_forwards(self.app, self.state)

    def _inside(self, operation):
        before = self.state.clone()
        for each in operation.database_operations:
            yield from self.at(each)
        self.state = before

    def table(self, model):
        """The table of a model that is there and that migrations change; None otherwise."""
        options = self.state.models[self.app, model.lower()].options
        swapped = options.get("swappable") and getattr(settings, options["swappable"], None)
        is_swapped = swapped and swapped.lower() != f"{self.app}.{model.lower()}".lower()
        allowed = router.allow_migrate(self.connection.alias, self.app, model_name=model.lower())
        if is_swapped or options.get("proxy") or not options.get("managed", True) or not allowed:
            return None
        limit = self.connection.ops.max_name_length()
        table = (options.get("db_table") or truncate_name(f"{self.app}_{model.lower()}", limit)).strip('"'"'"'"'"')
        return table if table in self.rows else None

    def field(self, model, name):
        return self.state.models[self.app, model.lower()].fields[name]

    def size(self, table):
        """What it takes to change each row."""
        if (count := self.rows[table] or 0) >= BIG:
            yield f"it goes through {table} with about {count} rows, which may take long and hold up writes"


STATE_ONLY = (migrations.AlterModelOptions, migrations.AlterModelManagers)
IS_USED = "which the release before still uses"


def is_idle(operation, look):
    """Whether it alters what only Python sees of a field: its help_text, say."""
    if not isinstance(operation, migrations.AlterField):
        return False
    before, after = look.field(operation.model_name, operation.name), operation.field
    return column("", operation.name, before) == column("", operation.name, after) and (
        (holds(before), before.null, before.unique) == (holds(after), after.null, after.unique)
    )


def named(operation):
    """An operation as a person would look for it: RunPython fill_moods."""
    code = getattr(getattr(operation, "code", None), "__name__", "")
    return f"{type(operation).__name__}{code and '"'"' '"'"'}{code}"


def column(table, name, field):
    own = f"{name}_id" if isinstance(field, models.ForeignKey) else name
    return f"{table}.{field.db_column or own}"


# ---- One operation ----------------------------------------------------------------------------------


@singledispatch
def dangers_of(operation, look):
    """The dangers of one operation; most have none."""
    return ()


@dangers_of.register
def _(operation: migrations.DeleteModel, look):
    if table := look.table(operation.name):
        yield f"it drops the table {table}, {IS_USED}, and its content is gone"


@dangers_of.register
def _(operation: migrations.RenameModel, look):
    table = look.table(operation.old_name)
    if table and not look.state.models[look.app, operation.old_name_lower].options.get("db_table"):
        yield f"it renames the table {table}, {IS_USED}"


@dangers_of.register
def _(operation: migrations.AlterModelTable, look):
    table = look.table(operation.name)
    if table and table != operation.table:
        yield f"it renames the table {table}, {IS_USED}"


@dangers_of.register
def _(operation: migrations.RemoveField, look):
    field = look.field(operation.model_name, operation.name)
    if not (table := look.table(operation.model_name)):
        return
    if isinstance(field, models.ManyToManyField):
        if field.remote_field.through is None:
            name = f"{operation.model_name}.{operation.name}"
            yield f"it drops the table of {name}, {IS_USED}, and its content is gone"
        return
    yield f"it drops the column {column(table, operation.name, field)}, {IS_USED}, and its content is gone"
    yield from look.size(table)


@dangers_of.register
def _(operation: migrations.RenameField, look):
    field = look.field(operation.model_name, operation.old_name)
    table = look.table(operation.model_name)
    if table and not field.db_column and not isinstance(field, models.ManyToManyField):
        yield f"it renames the column {column(table, operation.old_name, field)}, {IS_USED}"


@dangers_of.register
def _(operation: migrations.AddField, look):
    field, table = operation.field, look.table(operation.model_name)
    if not table or isinstance(field, models.ManyToManyField):
        return
    name = column(table, operation.name, field)
    has_default = getattr(field, "db_default", NOT_PROVIDED) is not NOT_PROVIDED
    if not field.null and not has_default and not getattr(field, "generated", False):
        yield f"{name} is NOT NULL without db_default, so that the release before cannot insert into {table}"
    if field.unique and not field.null:
        yield f"{name} is unique, and rows that are there get equal values"
    yield from look.size(table)


@dangers_of.register
def _(operation: migrations.AlterField, look):
    before, after = look.field(operation.model_name, operation.name), operation.field
    table = look.table(operation.model_name)
    if not table or isinstance(after, models.ManyToManyField):
        return
    name = column(table, operation.name, before)
    if column(table, operation.name, after) != name:
        yield f"it renames the column {name}, {IS_USED}"
    if before.null and not after.null:
        yield f"{name} becomes NOT NULL, and rows without a value are there or still come"
    if after.unique and not before.unique:
        yield f"{name} becomes unique, which fails on rows that are equal in it"
    if holds(after) != holds(before):
        if not (type(after) is type(before) and grows(before, after)):
            yield f"{name} becomes another {after.get_internal_type()}, which values may not fit"
        yield from look.size(table)


def holds(field):
    """What a column can hold, as far as its field says so."""
    return field.get_internal_type(), *(getattr(field, key, None) for key in SIZES)


def grows(before, after):
    sizes = [(getattr(before, key, None), getattr(after, key, None)) for key in SIZES]
    return all(new is None or (old is not None and new >= old) for old, new in sizes)


SIZES = ("max_length", "max_digits", "decimal_places")


@dangers_of.register
def _(operation: migrations.AddConstraint, look):
    if table := look.table(operation.model_name):
        yield f"the constraint {operation.constraint.name} fails on rows of {table} that break it"
        yield from look.size(table)


@dangers_of.register
def _(operation: migrations.AlterUniqueTogether, look):
    before = look.state.models[look.app, operation.name.lower()].options.get("unique_together") or ()
    more = {*(operation.option_value or ())} - {tuple(one) for one in before}
    if (table := look.table(operation.name)) and more:
        told = ", ".join("+".join(one) for one in sorted(more))
        yield f"{told} becomes unique, which fails on rows of {table} that are equal in it"


@dangers_of.register
def _(operation: migrations.AddIndex, look):
    if table := look.table(operation.model_name):
        yield from look.size(table)
'
start_py='"""Runs a call of roadie'"'"'s modules in the project'"'"'s shell; a project that hangs is ended, and says where.

Each answer is a line `roadie:<tab>KEY<tab>VALUE` among whatever the project itself prints.
"""

import faulthandler
import runpy
import sys


def answer(key, value):
    """Tell the stage that asked."""
    print(f"roadie:\t{key}\t{'"'"' '"'"'.join(str(value).split())}", flush=True)


def watch(seconds=60):
    """End this process, with a traceback, if it has not gone on by then."""
    faulthandler.dump_traceback_later(seconds, exit=True)


def watch_no_more():
    """What comes now may take its time."""
    faulthandler.cancel_dump_traceback_later()


def ask(call, *seconds):
    """Run it as `manage.py shell` would."""
    watch(*map(float, seconds))
    module = f"roadie_{call.partition('"'"'.'"'"')[0]}"
    sys.argv = ["manage.py", "shell", "-v", "0", "-c", f"import {module}; roadie_{call}"]
    runpy.run_path("manage.py", run_name="__main__")


if __name__ == "__main__":
    ask(*sys.argv[1:])
'
gunicorn_py='"""What Supervisor runs in a slot: Gunicorn. It loads itself and Django while the release is still on its way.

`python -m roadie_gunicorn SLOT APPLICATION OPTION...`, begun with the environment of the release that serves,
or with its own. A file `inspect` in the slot'"'"'s folder asks for the release'"'"'s check, whose answers go into
the FIFO `answers` there; a file `serve` has Gunicorn serve.
"""

import gc
import os
import runpy
import signal
import sys
import time
from contextlib import suppress
from importlib import import_module
from importlib.machinery import all_suffixes
from pathlib import Path

# What needs no settings, by the class of workers. Gevent has to patch before anything of Django is loaded,
# and so may a project whose own gunicorn.conf.py names the class.
DJANGO = {
    "sync": "django.core.handlers.wsgi",
    "gthread": "django.core.handlers.wsgi",
    "uvicorn_worker.UvicornWorker": "django.core.handlers.asgi",
}
GUNICORN = "gunicorn.app.wsgiapp", "gunicorn.arbiter"
SUFFIXES = tuple(all_suffixes())


def load_django(options):
    """Load what each worker, and the check, would otherwise load for itself."""
    workers = options[options.index("--worker-class") + 1] if "--worker-class" in options else ""
    if workers in DJANGO:
        load(DJANGO[workers])


def load(*modules):
    """Import them, if they can be; whatever is wrong will be told when they are needed."""
    gc.disable()  # what comes with imports stays: to look for garbage in it costs an eighth of the time
    with suppress(Exception):
        for module in modules:
            import_module(module)
    gc.enable()
    gc.freeze()  # what is never collected stays shared with the processes to come


def await_release(slot, *modules):
    """Return once the release may be served, False; or in a process for its check, True.

    Loads the modules meanwhile; the check, which needs none of them, does not wait for that.
    """
    is_asked, soon = False, time.monotonic() + 60
    while True:
        may_serve = (slot / "serve").exists()
        if not is_asked and (slot / "inspect").exists():
            is_asked = True
            if fork_check(slot):
                return True
        if modules:
            load(*modules)
            modules = ()
            continue
        if may_serve:
            return False
        with suppress(ChildProcessError):
            os.waitpid(-1, os.WNOHANG)
        time.sleep(0.005 if time.monotonic() < soon else 0.1)


def fork_check(slot):
    """Fork a process for the check, in which this returns True, and one that tells how that ended."""
    try:
        answers = os.open(slot / "answers", os.O_WRONLY | os.O_NONBLOCK)
        (slot / "answers").chmod(0)  # once only: not again by a process that Supervisor starts after this one
    except OSError:  # nobody asks any more
        return False
    os.set_blocking(answers, True)
    teller = os.fork()
    if teller:
        os.write(answers, f"roadie:\tteller\t{teller}\n".encode())
        os.close(answers)
        return False
    check = os.fork()
    if check:
        code = os.waitstatus_to_exitcode(os.waitpid(check, 0)[1])
        with suppress(OSError):  # all was heard that was asked for
            os.write(answers, f"\nroadie:\tended\t{code if code >= 0 else 128 - code}\n".encode())
        os._exit(0)  # whatever it was: to Gunicorn, whose child this is, other codes mean something
    for stream in sys.stdout, sys.stderr:
        os.dup2(answers, stream.fileno())
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    return True


def look_after_children():
    """Until Gunicorn does, have none of those that are there stay behind as a zombie.

    To ignore SIGCHLD would do too, but then whatever the project starts meanwhile has no exit code.
    """
    children = set()
    with suppress(OSError):  # of a kernel that does not tell
        children.update(map(int, Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()))

    def bury(*_):
        for child in [*children]:
            try:
                is_over = os.waitpid(child, os.WNOHANG)[0]
            except ChildProcessError:
                is_over = True
            if is_over:
                children.discard(child)

    signal.signal(signal.SIGCHLD, bury)
    bury()


def move(before, release):
    """Be as a process that began in this release. Its environment differs in nothing but its folders."""
    virtualenv = Path(sys.prefix).with_name(Path(before, "venv").readlink().name)
    for name, value in os.environ.items():
        os.environ[name] = value.replace(before, release).replace(str(virtualenv), sys.prefix)
    sys.path[:] = [path.replace(before, release) for path in sys.path]
    os.chdir(os.environ["ROADIE_WORK_DIR"])
    if "gunicorn.config" in sys.modules:  # it goes back to where it was loaded
        sys.modules["gunicorn.config"].Chdir.default = os.environ["ROADIE_WORK_DIR"]


def has_own(release):
    """Whether the release has a module by the name of one that was loaded from elsewhere."""
    loaded = {name.partition(".")[0] for name in sys.modules}
    folders = [Path(path) for path in sys.path if path.startswith(f"{release}/")]
    return any(module_of(path) in loaded for folder in folders for path in folder.iterdir())


def module_of(path):
    """What a file or a folder is imported as; a folder that is no package comes after all that are one."""
    is_one = (path / "__init__.py").exists() if path.is_dir() else path.name.endswith(SUFFIXES)
    return path.name.partition(".")[0] if is_one else ""


def check(order, *, anew):
    """Ask the release what the file says: a call, and variables for its environment."""
    gc.disable()  # for the little while that it takes; `inspect` has it back where it may be long
    call, *variables = order.read_text("utf-8").splitlines()
    os.environ.update(one.split("=", 1) for one in variables)
    if anew:
        os.execv(sys.executable, [sys.executable, "-m", "roadie_start", call])
    for name in [*sys.modules]:  # by which projects tell whether they serve
        if name.partition(".")[0] == "gunicorn":
            del sys.modules[name]
    import_module("roadie_start").ask(call)


def main(slot, options):
    """Load, wait and move there; then check the release, or serve it.

    What may serve already is Gunicorn at once: visitors wait at its socket.
    """
    before, release = str(Path(os.environ["PYTHONPATH"]).parent), os.path.realpath(slot / "release")
    is_early, paths = before != release, sys.path[:]
    if is_early:  # the modules there are those of another release
        sys.path[:] = [path for path in paths if not path.startswith(f"{before}/")]
    if (slot / "serve").exists():
        is_for_check = await_release(slot)
    else:
        load_django(options)
        is_for_check = await_release(slot, *GUNICORN)
    sys.path[:] = [*paths, *(path for path in sys.path if path not in paths)]
    if is_early:
        move(before, release)
    anew = is_early and has_own(release)
    if is_for_check:
        check(slot / "inspect", anew=anew)
        return
    look_after_children()
    if anew:
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])
    else:
        runpy.run_module("gunicorn", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(Path(sys.argv.pop(1)), sys.argv)
'
served_module=roadie_wsgi
served_py='"""What Gunicorn serves: the application of guestbook.wsgi, unless its settings are unsafe."""

import roadie_guard
from guestbook.wsgi import application

roadie_guard.refuse_unsafe()
'
program_in='[program:guestbook-@COLOUR@]
command=/usr/local/lib/roadie/launch @RELEASE_DIR@ @VENV_DIR@/bin/python -m roadie_gunicorn /srv/guestbook/slots/@COLOUR@ roadie_wsgi:application --bind unix:/run/guestbook/@COLOUR@.sock --workers @WORKERS@ --worker-class gthread --threads @THREADS@ --timeout 90 --graceful-timeout 60 --worker-tmp-dir /dev/shm @CONTROL@
user=guestbook
autostart=true
autorestart=true
startsecs=1
startretries=30
stopsignal=TERM
stopwaitsecs=70
stopasgroup=false
killasgroup=true
redirect_stderr=true
stdout_logfile=/var/log/guestbook/web-@COLOUR@.log
stdout_logfile_maxbytes=10MB
stdout_logfile_backups=5
'
programs_conf=''

set_value() { # VALUE NAME...
  local name
  for name in "${@:2}"; do
    env_text+="${name}=${1@Q}"$'\n'
  done
}

write_environment() { # what the user gave in env: comes last and wins, but for roadie's own
  local env_text='' origins i
  set_value "${root}/shared/home" HOME
  set_value "${venv_dir}/bin:/usr/local/bin:/usr/bin:/bin" PATH
  set_value "${venv_dir}" VIRTUAL_ENV
  set_value C.UTF-8 LC_ALL
  set_value 1 PYTHONDONTWRITEBYTECODE PYTHONUNBUFFERED
  set_value False "${debug_names[@]}"
  set_value "$(joined "${domains[@]}")" "${allowed_hosts_names[@]}"
  origins=("${domains[@]/#/https://}" "${domains[@]/#/http://}")
  set_value "$(joined "${origins[@]}")" "${csrf_trusted_origins_names[@]}"
  set_value "${release_dir}/static" "${static_root_names[@]}"
  set_value "${root}/shared/media" "${media_root_names[@]}"
  set_value "${app}" "${db_name_names[@]}" "${db_user_names[@]}"
  set_value "${database_socket}" "${db_socket_names[@]}"
  for ((i = 0; i < ${#environment[@]}; i += 2)); do
    set_value "${environment[i + 1]}" "${environment[i]}"
  done
  set_value "${settings_module}" DJANGO_SETTINGS_MODULE
  set_value "${release_dir}/overlay" PYTHONPATH
  set_value "${work_dir}" ROADIE_WORK_DIR
  set_value "${release_dir}/static" ROADIE_STATIC_ROOT
  set_value "${root}/shared/media" ROADIE_MEDIA_ROOT
  printf '%s' "${env_text}" >"${release_dir}/env.new"
}

joined() { # WORD...: with commas between
  local IFS=,
  printf '%s' "$*"
}

write_health() { # the pages that this release is asked for, also when it comes back
  printf '%s\n' "${health[@]}" >"${release_dir}/health"
}

write_modules() { # with bytecode for the Python that first met them; mostly they are those of the release that serves
  local -A modules=(
    [roadie_overlay]=${overlay_py} [roadie_site]=${site_py} [roadie_guard]=${guard_py} [roadie_release]=${release_py}
    [roadie_migrations]=${migrations_py} [roadie_lint]=${lint_py} [roadie_start]=${start_py} [roadie_gunicorn]=${gunicorn_py}
    ["${served_module}"]=${served_py}
  )
  [[ ${settings_module} != roadie_settings ]] || modules[roadie_settings]=${settings_py}
  remove_if_there "${release_dir}/overlay"
  if serve_already; then
    cp -al -- "${root}/live/release/overlay" "${release_dir}/overlay"
  else
    write_modules_anew
  fi
}

serve_already() {
  local name text files=("${root}/live/release/overlay"/*.py)
  [[ ${#files[@]} == "${#modules[@]}" ]] || return 1
  for name in "${!modules[@]}"; do
    contents_of "${root}/live/release/overlay/${name}.py" text 2>/dev/null
    [[ ${text} == "${modules[${name}]%$'\n'}" ]] || return 1
  done
}

write_modules_anew() {
  local name
  mkdir -- "${release_dir}/overlay"
  for name in "${!modules[@]}"; do
    printf '%s\n' "${modules[${name}]%$'\n'}" >"${release_dir}/overlay/${name}.py"
  done
  "${python}" -I -S -c "${compile_py}" "${release_dir}"/overlay/*.py
}

require_secrets() { # of these names, which may be new in the settings
  local name text=''
  contents_of "${root}/shared/secrets" text
  for name in "${secret_names[@]}"; do
    [[ $'\n'${text} == *$'\n'"${name}="* ]] ||
      fail "secret ${name}" "${root}/shared/secrets does not have it by this name of env_names; run fab bootstrap, then deploy again"
  done
}

write_program() { # what the project's own gunicorn.conf.py sets is its word: a flag would win over it
  local text=${program_in} own=${work_dir}/gunicorn.conf.py setting
  for setting in workers worker_class threads timeout worker_tmp_dir; do
    [[ -e ${own} ]] || break
    grep -qsE "^${setting}[[:space:]]*=" -- "${own}" || continue
    [[ ! ${text} =~ \ --${setting//_/-}\ [^\ ]+ ]] || text=${text/"${BASH_REMATCH[0]}"/}
  done
  printf '%s\n' "${text}" >"${release_dir}/program.in"
}

write_programs() { # of the site besides the web process; a release without any has no such file
  remove_if_there "${release_dir}/programs.conf"
  [[ -z ${programs_conf} ]] || printf '%s\n' "${programs_conf//@RELEASE_DIR@/${release_dir}}" >"${release_dir}/programs.conf"
}

lay_out_settings() {
  umask 027
  write_environment
  write_health
  write_modules
  write_program
  write_programs
  ln -sfn -- "../../venvs/${venv_dir##*/}" "${release_dir}/venv"
  umask 022
  chown -R -- "root:${app}" "${release_dir}/env.new" "${release_dir}/overlay" "${release_dir}/program.in"
  mv -T -- "${release_dir}/env.new" "${release_dir}/env" # last: a process that begins meanwhile goes by whether it is there
}

require_secrets
change "settings of ${release}" lay_out_settings
