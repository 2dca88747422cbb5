"""Finds the dangers of a migration: what the release before does not survive, and what cannot be undone."""

import re
from contextlib import suppress
from functools import singledispatch

from django.conf import settings
from django.db import DatabaseError, connections, migrations, models, router
from django.db.backends.utils import truncate_name
from django.db.models.fields import NOT_PROVIDED

# With this many rows or more, a change of the table may take noticeably long.
BIG = 100_000


def dangers(migration, state, connection, rows):
    """The dangers of a migration, one sentence each. `state` is the project's state before it.

    `rows` has the tables that exist. A change to a table that does not exist yet is no danger.
    """
    look = Look(migration.app_label, state.clone(), connection, rows)
    found = [danger for operation in migration.operations for danger in look.at(operation)]
    if look.steps > 1 and not (connection.features.can_rollback_ddl and migration.atomic):
        found.append(f"if one of its {look.steps} steps fails, those before it stay")
    return list(dict.fromkeys(found))


def lost(migration, state, connection):
    """The tables and columns whose content a migration deletes. `state` is the project's state before it."""
    look = Look(migration.app_label, state.clone(), connection, rows={})
    return [
        what
        for operation in migration.operations
        for each in look.parts(operation)
        for what in lost_by(each, look)
    ]


def rows_of_tables(connection):
    """The server's estimate of the rows in each table; 0 where it has no estimate."""
    with connection.cursor() as cursor:
        rows = dict.fromkeys(connection.introspection.table_names(cursor), 0)
        if connection.vendor == "mysql":
            cursor.execute(
                "SELECT table_name, table_rows FROM information_schema.tables "
                "WHERE table_schema = DATABASE() AND table_rows IS NOT NULL"
            )
            rows.update(cursor.fetchall())
        if connection.vendor == "postgresql":
            cursor.execute(
                "SELECT relname, CAST(reltuples AS bigint) FROM pg_catalog.pg_class "
                "WHERE relkind IN ('r', 'p') AND reltuples > 0 AND pg_catalog.pg_table_is_visible(oid)"
            )
            rows.update((table, count) for table, count in cursor.fetchall() if table in rows)
        for table in rows if connection.vendor == "sqlite" else ():
            with suppress(DatabaseError):  # a table without rowids
                cursor.execute(f"SELECT MAX(rowid) FROM {connection.ops.quote_name(table)}")
                rows[table] = cursor.fetchone()[0] or 0
    return rows


class Look:
    """Goes through the operations of one migration, and keeps the state from before each operation."""

    def __init__(self, app, state, connection, rows):
        self.app, self.state, self.connection, self.rows = app, state, connection, rows
        self.steps = 0

    def at(self, operation):
        """The dangers of the next operation."""
        for each in self.parts(operation):
            if not each.reversible:
                yield f"{named(each)} cannot be undone"
            self.steps += not isinstance(each, STATE_ONLY) and not is_idle(each, self)
            yield from dangers_of(each, self)

    def parts(self, operation):
        """The parts of the next operation that change the database, each while `state` is as before it."""
        if isinstance(operation, migrations.SeparateDatabaseAndState):
            before = self.state.clone()
            for each in operation.database_operations:
                yield from self.parts(each)
            self.state = before
        else:
            yield operation
        operation.state_forwards(self.app, self.state)

    def table(self, model):
        """The table of a model, if it exists and migrations change it; None otherwise."""
        table = self.table_of_state(model)
        return table if table in self.rows else None

    def table_of_state(self, model):
        """The table that a model has by the state, if migrations change it; None otherwise."""
        options = self.state.models[self.app, model.lower()].options
        swapped = options.get("swappable") and getattr(settings, options["swappable"], None)
        is_swapped = swapped and swapped.lower() != f"{self.app}.{model.lower()}".lower()
        allowed = router.allow_migrate(self.connection.alias, self.app, model_name=model.lower())
        if is_swapped or options.get("proxy") or not options.get("managed", True) or not allowed:
            return None
        limit = self.connection.ops.max_name_length()
        return (options.get("db_table") or truncate_name(f"{self.app}_{model.lower()}", limit)).strip('"')

    def field(self, model, name):
        return self.state.models[self.app, model.lower()].fields[name]

    def loss(self, table):
        """How the danger of an operation that deletes content ends; empty if the table has no row."""
        with self.connection.cursor() as cursor:
            cursor.execute(f"SELECT 1 FROM {self.connection.ops.quote_name(table)} LIMIT 1")
            return f", {LOSS}" if cursor.fetchone() else ""

    def size(self, table, hint=""):
        """The danger of an operation that goes through all of a big table. The hint is for PostgreSQL."""
        if (count := self.rows[table] or 0) >= BIG:
            told = f"it goes through {table} with about {count} rows, which may take long and hold up writes"
            ends = {"sqlite": ", and SQLite lets nobody else write for so long", "postgresql": hint}
            yield told + ends.get(self.connection.vendor, "")

    def rebuild(self, table):
        """Like size, for an operation for which only SQLite makes the whole table anew."""
        if self.connection.vendor == "sqlite":
            yield from self.size(table)

    def views(self, table, column=""):
        """The danger for each view that reads a dropped table or column."""
        vendor = self.connection.vendor
        with self.connection.cursor() as cursor:
            cursor.execute(VIEWS[vendor][0])
            for view, text in cursor.fetchall():
                if {table, column} - {""} <= {*re.findall(r"\w+", text or "")}:
                    yield f"the view {view} may read it, {VIEWS[vendor][1]}: first drop or change the view"


# How to ask for the views with their text, and what becomes of a view that reads what a migration drops.
VIEWS = {
    "mysql": (
        "SELECT table_name, view_definition FROM information_schema.views WHERE table_schema = DATABASE()",
        "and would fail, and with it each dump",
    ),
    "postgresql": (
        "SELECT viewname, definition FROM pg_catalog.pg_views "
        "WHERE schemaname NOT IN ('pg_catalog', 'information_schema')",
        "and PostgreSQL would drop it too",
    ),
    "sqlite": ("SELECT name, sql FROM sqlite_master WHERE type = 'view'", "and SQLite may refuse the drop"),
}
# How each danger that deletes content ends. roadie asks a person before it applies such a migration.
LOSS = "and its content is gone"
STATE_ONLY = (migrations.AlterModelOptions, migrations.AlterModelManagers)
IS_USED = "which the release before still uses"


def is_idle(operation, look):
    """Whether an operation changes only what Python sees of a field, such as its help_text."""
    if not isinstance(operation, migrations.AlterField):
        return False
    before, after = look.field(operation.model_name, operation.name), operation.field
    return column("", operation.name, before) == column("", operation.name, after) and (
        (holds(before), before.null, before.unique) == (holds(after), after.null, after.unique)
    )


def named(operation):
    """The name of an operation for people, such as `RunPython fill_moods`."""
    code = getattr(getattr(operation, "code", None), "__name__", "")
    return f"{type(operation).__name__}{code and ' '}{code}"


def has_default(field):
    """Whether the database itself fills the column in new rows."""
    return getattr(field, "db_default", NOT_PROVIDED) is not NOT_PROVIDED


def needs_value(field):
    """Whether a release that does not know the column can insert no rows."""
    return not field.null and not has_default(field) and not getattr(field, "generated", False)


def column(table, name, field):
    own = f"{name}_id" if isinstance(field, models.ForeignKey) else name
    return f"{table}.{field.db_column or own}"


# ---- What one operation deletes ---------------------------------------------------------------------


@singledispatch
def lost_by(operation, look):
    """The tables and columns that one operation drops; most drop none."""
    return ()


@lost_by.register
def _(operation: migrations.DeleteModel, look):
    if table := look.table_of_state(operation.name):
        yield f"table {table}"


@lost_by.register
def _(operation: migrations.RemoveField, look):
    field, table = look.field(operation.model_name, operation.name), look.table_of_state(operation.model_name)
    if not isinstance(field, models.ManyToManyField):
        if table:
            yield f"column {column(table, operation.name, field)}"
    elif table and field.remote_field.through is None:
        yield f"table of {operation.model_name}.{operation.name}"


@lost_by.register
def _(operation: migrations.AlterOrderWithRespectTo, look):
    table = look.table_of_state(operation.name)
    if table and not operation.order_with_respect_to:
        yield f"column {table}._order"


def unfillable(migration, loader):
    """The columns that a migration drops and that cannot come back, as the rows would have no value there."""
    connection, app = connections["default"], migration.app_label
    look = Look(app, loader.project_state((app, migration.name), at_end=False), connection, rows={})
    for operation in migration.operations if connection.vendor != "mysql" else ():
        table = isinstance(operation, migrations.RemoveField) and look.table_of_state(operation.model_name)
        if table:
            field = look.state.apps.get_model(app, operation.model_name)._meta.get_field(operation.name)
            lacks = not field.many_to_many and needs_value(field)
            if lacks and connection.schema_editor().effective_default(field) is None and look.loss(table):
                yield f"rows of {table} would have no value for {operation.name}, which is NOT NULL"
        operation.state_forwards(app, look.state)


# ---- The dangers of one operation -------------------------------------------------------------------


@singledispatch
def dangers_of(operation, look):
    """The dangers of one operation; most have none."""
    return ()


@dangers_of.register
def _(operation: migrations.DeleteModel, look):
    if table := look.table(operation.name):
        yield f"it drops the table {table}, {IS_USED}{look.loss(table)}"
        yield from look.views(table)


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
            yield f"it drops the table of {name}, {IS_USED}, {LOSS}"
        return
    name = column(table, operation.name, field)
    yield f"it drops the column {name}, {IS_USED}{look.loss(table)}"
    yield from look.size(table)
    yield from look.views(table, name.rpartition(".")[2])


@dangers_of.register
def _(operation: migrations.AlterOrderWithRespectTo, look):
    options = look.state.models[look.app, operation.name_lower].options
    was, table = options.get("order_with_respect_to"), look.table(operation.name)
    if table and was and not operation.order_with_respect_to:
        yield f"it drops the column {table}._order, {IS_USED}{look.loss(table)}"
    elif table and not was:
        yield f"{table}._order is NOT NULL, so that the release before cannot insert into {table}"


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
    if needs_value(field):
        yield f"{name} is NOT NULL without db_default, so that the release before cannot insert into {table}"
    if field.unique and not field.null:
        yield f"{name} is unique, and existing rows get equal values"
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
        yield f"{name} becomes NOT NULL, and rows without a value may exist or still be added"
        yield from look.size(table)
    if after.db_index and not before.db_index:
        yield from look.size(table, HINT)
    yield from look.rebuild(table) if not is_idle(operation, look) else ()
    if after.unique and not before.unique:
        yield f"{name} becomes unique, which fails on rows that are equal in it"
    if holds(after) != holds(before):
        if not (type(after) is type(before) and grows(before, after)):
            yield f"{name} becomes another {after.get_internal_type()}, which values may not fit"
        yield from look.size(table)


def holds(field):
    """The type and the sizes of a field, by which its column can hold a value or not."""
    return field.get_internal_type(), *(getattr(field, key, None) for key in SIZES)


def grows(before, after):
    sizes = [(getattr(before, key, None), getattr(after, key, None)) for key in SIZES]
    return all(new is None or (old is not None and new >= old) for old, new in sizes)


SIZES = ("max_length", "max_digits", "decimal_places")


@dangers_of.register
def _(operation: migrations.AddConstraint, look):
    table = look.table(operation.model_name)
    if table and type(operation).__name__ != "AddConstraintNotValid":
        yield f"the constraint {operation.constraint.name} fails on rows of {table} that break it"
        is_check = isinstance(operation.constraint, models.CheckConstraint)
        yield from look.size(table, CHECK_HINT if is_check else "")


@dangers_of.register
def _(operation: migrations.RemoveConstraint, look):
    if table := look.table(operation.model_name):
        yield from look.rebuild(table)


@dangers_of.register
def _(operation: migrations.AlterUniqueTogether, look):
    before = look.state.models[look.app, operation.name.lower()].options.get("unique_together") or ()
    more = {*(operation.option_value or ())} - {tuple(one) for one in before}
    if not (table := look.table(operation.name)):
        return
    if more:
        told = ", ".join("+".join(one) for one in sorted(more))
        yield f"{told} becomes unique, which fails on rows of {table} that are equal in it"
        yield from look.size(table)
    yield from look.rebuild(table)


@dangers_of.register
def _(operation: migrations.AddIndex, look):
    table = look.table(operation.model_name)
    if table and type(operation).__name__ != "AddIndexConcurrently":
        yield from look.size(table, HINT)


HINT = "; AddIndexConcurrently, in a migration with atomic = False, does not"
CHECK_HINT = "; AddConstraintNotValid, and ValidateConstraint in the next migration, do not"
