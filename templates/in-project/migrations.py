"""Names the pending migrations of a release, applies and unapplies migrations, and reports each of them."""

import os
import sys
from contextlib import contextmanager, nullcontext, suppress

import roadie_lint as lint
import roadie_locks as locks
import roadie_phases as phases
import roadie_start as start
from django.core.management import call_command
from django.db import connections, transaction
from django.db.migrations.executor import MigrationExecutor
from roadie_start import answer


def look(phased=False):
    """Name the pending migrations and what they will do; yield each reason why they cannot be applied.

    If `phased`, an older release serves. Then also name the migrations that wait until it has ended.
    """
    executor = MigrationExecutor(connections["default"])
    loader = executor.loader
    for key in sorted(loader.disk_migrations):
        answer("knows", ".".join(key))
    for key, migration in sorted(loader.replacements.items()):
        answer("replaces", " ".join(".".join(each) for each in (key, *migration.replaces)))
    loader.check_consistent_history(connections["default"])
    for app, names in loader.detect_conflicts().items():
        yield f"app {app} ends in two migrations, {' and '.join(names)}; run manage.py makemigrations --merge"
    plan = [migration for migration, _ in executor.migration_plan(loader.graph.leaf_nodes())]
    answer("history", len(loader.applied_migrations))
    for migration in plan:
        answer("pending", name_of(migration))
    for key in _unrecorded(executor):
        answer("unrecorded", ".".join(key))
    if plan and loader.applied_migrations:
        _foresee(executor, plan, phased)


def _unrecorded(executor):
    """The squashed migrations without a record, although all migrations that they replace are applied.

    `manage.py migrate` records them each time. Without a record they are pending once `replaces` is gone.
    """
    replacements = sorted(executor.loader.replacements.items())
    applied = executor.recorder.applied_migrations() if replacements else ()
    for key, migration in replacements:
        if key not in applied and all(part in applied for part in migration.replaces):
            yield key


def ask(phased=False):
    """Do what look() does, for a release that was checked before."""
    for reason in look(phased):
        answer("refuse", reason)
    answer("asked", "")


def migrate():
    """Apply the pending migrations as `manage.py migrate` does, and report each one.

    Those in ROADIE_POSTPONED wait for a later call; the database is only prepared: see phases.prepare().
    """
    waiting = [tuple(name.split(".", 1)) for name in os.environ.get("ROADIE_POSTPONED", "").split()]
    _tell_of("apply_migration", "applying", "applied")
    start.watch_no_more()
    locks.wait_for_others()
    _leave_out(waiting)
    call_command("migrate", interactive=False, verbosity=0)
    _prepare(waiting)
    answer("migrated", "")


def _leave_out(waiting):
    plan_of = MigrationExecutor.migration_plan

    def plan_without(executor, targets, clean_start=False):
        plan = plan_of(executor, targets, clean_start=clean_start)
        # The plan with a clean start is the whole one. Django needs it to follow the state of the models.
        return plan if clean_start else [each for each in plan if _key(each[0]) not in waiting]

    MigrationExecutor.migration_plan = plan_without


def _prepare(waiting):
    connection = connections["default"]
    loader = MigrationExecutor(connection).loader
    for key in waiting:
        migration, state = loader.graph.nodes[key], loader.project_state(key, at_end=False)
        with connection.execute_wrapper(locks.again):
            for told in phases.prepare(migration, state, connection):
                answer("prepared", told)


def _key(migration):
    return migration.app_label, migration.name


def name_of(migration):
    """The name of a migration for people, such as app.0001_initial."""
    return f"{migration.app_label}.{migration.name}"


# ---- What they will do ------------------------------------------------------------------------------


def _foresee(executor, plan, phased):
    """Report the SQL and the dangers of each, and which wait. An error in here must not stop a deploy."""
    connection = executor.connection
    try:
        state = executor._create_project_state(with_applied_migrations=True)
        rows = lint.rows_of_tables(connection)
        waits, why = phases.split(executor.loader, plan, state.clone(), connection) if phased else ((), {})
        for key in waits:
            answer("postponed", ".".join(key))
        for migration in plan:
            name, key = name_of(migration), _key(migration)
            _tell_dangers(name, lint.dangers(migration, state, connection, rows), waits=key in waits)
            if key in why:
                answer("danger", f"{name} it cannot wait until the release before has ended: {why[key]}")
            for line in _sql(migration, state, connection):
                # answer() would squeeze the blanks of the SQL.
                print(f"roadie:\tsql\t{name} {line}", flush=True)
            state = migration.mutate_state(state)
    except Exception as error:
        answer("unforeseen", f"{type(error).__name__}: {error}")


def _tell_dangers(name, dangers, *, waits):
    for danger in dangers:
        if waits:  # then the release before has ended, and uses nothing any more
            danger = danger.replace(f", {lint.IS_USED}", "")
        answer("danger", f"{name} {danger}")
        if danger.endswith(lint.LOSS):
            answer("loss", name)


def _sql(migration, state, connection):
    """What sqlmigrate prints, up to a step that runs Python or needs an earlier pending migration."""
    editor = connection.schema_editor(collect_sql=True, atomic=migration.atomic)
    more = ()
    try:
        with connection.execute_wrapper(_only_ask), editor:
            migration.apply(state.clone(), editor, collect_sql=True)
    except Exception as error:
        more = (f"-- The rest is known only when the migration runs ({error}).",)
    return [line for text in (*editor.collected_sql, *more) for line in text.splitlines()]


def _only_ask(execute, sql, params, many, context):
    if _verb(sql) not in CHANGES_NOTHING:
        raise RuntimeError("it changes the database from Python")
    return execute(sql, params, many, context)


# ---- Taking back ------------------------------------------------------------------------------------


def way_back():
    """Report what must be unapplied with the migrations in ROADIE_UNAPPLY, and what cannot be undone.

    Also report the tables and columns that these migrations dropped: they come back without their content.
    """
    executor = MigrationExecutor(connections["default"])
    plan, _ = _way_back(executor.loader)
    for migration in plan:
        try:
            state = executor.loader.project_state(_key(migration), at_end=False)
            for what in lint.lost(migration, state, executor.connection):
                answer("empty", f"{name_of(migration)} {what}")
        except Exception as error:
            answer("unforeseen", f"{name_of(migration)}: {type(error).__name__}: {error}")


def unapply():
    """Unapply the migrations in ROADIE_UNAPPLY, newest first. If one cannot be undone, unapply none."""
    start.watch_no_more()
    locks.wait_for_others()
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
        with suppress(Exception):  # an error in here must not stop a rollback that would work
            reasons += [f"{name_of(migration)} ({told})" for told in lint.unfillable(migration, loader)]
    for reason in reasons:
        answer("irreversible", reason)
    return plan, not reasons


def _why_not(loader, key, asked):
    """Why the code of this release cannot unapply one of the asked migrations."""
    if key not in loader.applied_migrations:
        return
    if key not in loader.disk_migrations:
        yield f"{'.'.join(key)} (this release has no such migration)"
    replaced = {*getattr(loader.graph.nodes.get(key), "replaces", ())}
    if replaced & asked and replaced - asked & {*loader.disk_migrations}:
        yield f"{'.'.join(key)} (it replaces some that are to stay)"


def _stands_for(loader, key, asked):
    """Whether it only replaces migrations that are to stay. If so, nothing is undone."""
    replaced = {*loader.graph.nodes[key].replaces}
    return bool(replaced) and not replaced & asked


def _one_way(operations):
    """The operations that cannot be undone."""
    for operation in operations:
        if not operation.reversible:
            yield lint.named(operation)
        yield from _one_way(getattr(operation, "database_operations", ()))


# ---- Telling of each --------------------------------------------------------------------------------


def _tell_of(method, doing, done):
    """Have the executor report when a migration begins and how it ends."""
    perform = getattr(MigrationExecutor, method)

    def perform_and_tell(executor, state, migration, **options):
        name = name_of(migration)
        is_whole = migration.atomic and executor.connection.features.can_rollback_ddl
        answer(f"{doing} whole" if is_whole else doing, name)
        _await_record()
        changes, states, connection = Changes(), iter([state]), executor.connection

        def attempt():
            now = next(states, None)
            if not now:  # a failed attempt to apply has changed the state that Django gave
                is_back = done == "unapplied"
                now = state if is_back else MigrationExecutor(connection)._create_project_state(True)
            whole = _whole(connection) if is_whole else nullcontext()
            with connection.execute_wrapper(changes), connection.execute_wrapper(locks.again), whole:
                locks.give_way(connection)
                return perform(executor, now, migration, **options)

        try:
            result = locks.until_free(connection, attempt) if is_whole else attempt()
        except Exception as error:
            answer("half", name if changes.last else "")
            answer("statement", changes.failed[:200])
            answer("error", f"{type(error).__name__}: {error}")
            raise
        answer(done, name)
        return result

    setattr(MigrationExecutor, method, perform_and_tell)


@contextmanager
def _whole(connection):
    """Keep all of a migration, with its record, in one transaction. Django uses another one for the record.

    In SQLite a change of a table needs foreign keys off, which only works before a transaction.
    """
    with connection.constraint_checks_disabled(), transaction.atomic(connection.alias):
        yield


def _await_record():
    """Wait until the stage has the migration on record. If the stage was killed, begin no other migration."""
    told = os.environ.get("ROADIE_RECORDED")
    if told and not os.read(int(told), 1):
        sys.exit("the run that applies the migrations was killed, so no other migration begins")


CHANGES_SCHEMA = {"CREATE", "ALTER", "DROP", "RENAME", "TRUNCATE"}
CHANGES_NOTHING = set(
    "SELECT SHOW SET EXPLAIN PRAGMA LOCK BEGIN START COMMIT SAVEPOINT RELEASE ROLLBACK".split(),
)


class Changes:
    """Watches the statements of one migration. `last` says whether a change stays even after a failure."""

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
    return locks.words_of(sql).partition(" ")[0]
