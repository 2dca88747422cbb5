"""The migrations of a release: those to come, applying them, and taking them back, with a word on each."""

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
        yield f"app {app} ends in two migrations, {' and '.join(names)}; run manage.py makemigrations --merge"
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
                    reasons.append(f"{'.'.join(each)} depends on {'.'.join(key)} and is to stay")
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
        yield f"{'.'.join(key)} (this release has no such migration)"
    replaced = {*getattr(loader.graph.nodes.get(key), "replaces", ())}
    if replaced & asked and replaced - asked & {*loader.disk_migrations}:
        yield f"{'.'.join(key)} (it replaces some that are to stay)"


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
            cursor.execute("SELECT GET_LOCK(CONCAT('roadie-', DATABASE()), 3600)")


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
