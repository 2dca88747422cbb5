"""What roadie asks of a release and has it do, inside the project's own manage.py.

Each answer is a line `roadie:<tab>KEY<tab>VALUE` among whatever the project itself prints.
"""

import ast
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
import roadie_overlay as overlay
import roadie_site as site
import roadie_start as start
from django.apps import apps
from django.conf import settings
from django.core import checks
from django.core.management import call_command
from django.db import connections, transaction
from django.db.migrations.executor import MigrationExecutor
from django.http.request import validate_host


def answer(key, value):
    print(f"roadie:\t{key}\t{' '.join(str(value).split())}", flush=True)


# ---- May it serve? ----------------------------------------------------------------------------------


def inspect(collect_into, static_before=""):
    """Judge the release, collect its static files, and name the migrations that are to come."""
    if site.SERVED_MODULE:
        import_module(site.SERVED_MODULE)
    reasons = [*_told(guard.unsafe()), *_told(_unserved())]
    if not reasons:
        _static(collect_into, static_before)
    reasons += _told(_checks())
    _warn_of_debug()
    if not reasons:
        reasons += _told(_migrations())
    answer("inspected", "refused" if reasons else "passed")


def _told(reasons):
    for reason in reasons:
        answer("refuse", reason)
        yield reason


def _unserved():
    """What visitors would miss, as nginx and the settings do not agree."""
    for name in site.DOMAIN:
        if not validate_host(name, settings.ALLOWED_HOSTS):
            yield (
                f"ALLOWED_HOSTS does not hold {name}; read it from the environment, where it is "
                f"{guard.named('allowed_hosts')}, or write ALLOWED_HOSTS under django: in fabric.yaml"
            )
    for key, ours in ("STATIC_URL", site.STATIC_URL), ("MEDIA_URL", site.MEDIA_URL):
        theirs = getattr(settings, key) or "/"
        if theirs != "/" and not urlsplit(theirs).netloc and theirs.rstrip("/") != ours.rstrip("/"):
            yield (
                f"{key} is {theirs}, but nginx serves {ours}; set {key.lower()}: {theirs} in fabric.yaml, "
                "then run fab nginx and deploy again"
            )


def _checks():
    """Django's own checks, those of `check --deploy` too; only errors are reasons not to serve."""
    found = checks.run_checks(include_deployment_checks=True, databases=["default"])
    found = [one for one in found if not one.is_silenced()]
    warnings = [one for one in found if not one.is_serious()]
    if warnings:
        answer("check", "; ".join(sorted(f"{one.id}: {one.msg.partition('. ')[0]}" for one in warnings)))
    return [f"{one.obj or 'check'}: {one.msg} ({one.id})" for one in found if one.is_serious()]


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


def _migrations():
    """Name the migrations that the database lacks; a history that cannot be followed is a reason."""
    executor = MigrationExecutor(connections["default"])
    executor.loader.check_consistent_history(connections["default"])
    for app, names in executor.loader.detect_conflicts().items():
        yield f"app {app} ends in two migrations, {' and '.join(names)}; run manage.py makemigrations --merge"
    for migration, _ in executor.migration_plan(executor.loader.graph.leaf_nodes()):
        answer("pending", f"{migration.app_label}.{migration.name}")


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


# ---- Migrations -------------------------------------------------------------------------------------


def migrate():
    """Apply what is pending as `manage.py migrate` does, and tell of each as it happens."""
    apply_migration = MigrationExecutor.apply_migration

    def apply_and_tell(executor, state, migration, **options):
        name = f"{migration.app_label}.{migration.name}"
        answer("applying", name)
        changes = Changes()
        try:
            with executor.connection.execute_wrapper(changes):
                state = apply_migration(executor, state, migration, **options)
        except Exception as error:
            answer("half", name if changes.last else "")
            answer("statement", changes.failed[:300])
            answer("error", f"{type(error).__name__}: {error}")
            raise
        answer("applied", name)
        return state

    MigrationExecutor.apply_migration = apply_and_tell
    start.watch_no_more()
    call_command("migrate", interactive=False, verbosity=0)
    answer("migrated", "")


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
        verb = str(sql).lstrip("( \n").partition(" ")[0].upper()
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
