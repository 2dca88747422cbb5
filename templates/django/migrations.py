"""The migrations of a release: those to come, and applying them with a word on each."""

import roadie_start as start
from django.core.management import call_command
from django.db import connections, transaction
from django.db.migrations.executor import MigrationExecutor
from roadie_start import answer


def look():
    """Name the migrations that the database lacks; a history that cannot be followed is a reason."""
    executor = MigrationExecutor(connections["default"])
    executor.loader.check_consistent_history(connections["default"])
    for app, names in executor.loader.detect_conflicts().items():
        yield f"app {app} ends in two migrations, {' and '.join(names)}; run manage.py makemigrations --merge"
    for migration, _ in executor.migration_plan(executor.loader.graph.leaf_nodes()):
        answer("pending", f"{migration.app_label}.{migration.name}")


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
