"""Chooses the migrations that wait until the release before has ended, and prepares the database for that.

Only a migration that takes away may wait: one that drops a column or a table. The release before still uses
that column or table, and the new release does not know it. So before the switch the database learns to fill
such a column by itself, and to let the new release delete rows that such a column or table refers to.
"""

import hashlib
import re
from contextlib import suppress

import roadie_lint as lint
from django.db import migrations, models, router

TAKES_AWAY = (migrations.RemoveField, migrations.DeleteModel)
TOGETHER = (migrations.AlterUniqueTogether, migrations.AlterIndexTogether)


def split(loader, plan, state, connection):
    """The keys of the migrations that wait, and why the other migrations that take away cannot wait.

    `state` is the project's state before the plan.
    """
    reasons, takes, tables = {}, set(), {}
    for migration in plan:
        key = migration.app_label, migration.name
        reasons[key] = _why_not(migration, state, connection)
        if mark_of(migration) == AFTER or any(isinstance(one, TAKES_AWAY) for one in migration.operations):
            takes.add(key)
        before, state = state, migration.mutate_state(state)
        tables[key] = {*_tables(before)}, {*_tables(state)}
    for key in takes:
        reasons[key] = reasons[key] or _made_again(key, tables, reasons)
    # What depends on a migration that waits must wait too.
    for key in reversed(reasons):
        stays = [each for each in _dependents(loader, key, reasons) if reasons[each]]
        reasons[key] = reasons[key] or (
            f"{'.'.join(stays[0])} depends on it and cannot wait" if stays else ""
        )
    waits = []
    for key, reason in reasons.items():
        if not reason and (key in takes or any(key in _dependents(loader, one, reasons) for one in waits)):
            waits.append(key)
    return waits, {key: reason for key, reason in reasons.items() if reason and key in takes}


def _tables(state):
    """The tables of the models and of the many-to-many fields, as far as their names are easily known."""
    for (app, name), model in state.models.items():
        table = model.options.get("db_table") or f"{app}_{name}"
        yield table.lower()
        for field_name, field in model.fields.items():
            if field.many_to_many:
                yield (field.db_table or f"{table}_{field_name}").lower()


def _made_again(key, tables, reasons):
    """Why a migration that drops a table cannot wait: a later one makes a table of the same name."""
    before, after = tables[key]
    later = [*tables][[*tables].index(key) + 1 :]
    for other in (each for each in later if reasons[each]):
        then, now = tables[other]
        if same := (before - after) & (now - then):
            return f"{'.'.join(other)} makes another table {min(same)}"
    return ""


def _dependents(loader, key, keys):
    """The pending migrations that depend on a migration directly."""
    return [child.key for child in sorted(loader.graph.node_map[key].children) if child.key in keys]


# ---- Markers of the project -------------------------------------------------------------------------

BEFORE, AFTER = "before the switch", "after the switch"
MARKS = {"PRE_DEPLOY": BEFORE, "POST_DEPLOY": AFTER, "BEFORE_DEPLOY": BEFORE, "AFTER_DEPLOY": AFTER}


def mark_of(migration):
    """When the project itself wants a migration, by django-syzygy or django-safemigrate."""
    safe = getattr(migration, "safe", None)
    safe = getattr(safe, "when", safe)
    stages = [getattr(one, "stage", None) for one in (migration, *migration.operations)]
    for mark in (safe, stages[0], *(stages[1:2] if len({*stages[1:]}) == 1 else ())):
        if found := MARKS.get(str(getattr(mark, "name", mark)).upper()):
            return found
    return ""


# ---- May it wait? -----------------------------------------------------------------------------------


def _why_not(migration, state, connection):
    """Why a migration cannot wait; empty if it surely can."""
    if mark := mark_of(migration):
        return "" if mark == AFTER else f"the project marks it as one for {BEFORE}"
    if migration.replaces:
        return "it replaces other migrations"
    look = lint.Look(migration.app_label, state.clone(), connection, rows={})
    going = _Going(migration.operations)
    for operation in migration.operations:
        if reason := _reason(operation, going, look, state):
            return reason
        operation.state_forwards(migration.app_label, look.state)
    return ""


class _Going:
    """The models and fields that one migration drops."""

    def __init__(self, operations):
        removed = [one for one in operations if isinstance(one, migrations.RemoveField)]
        self.fields = {(one.model_name_lower, one.name) for one in removed}
        self.models = {one.name_lower for one in operations if isinstance(one, migrations.DeleteModel)}

    def touch(self, model, text):
        """Whether the model goes, or a text, such as that of a constraint, names a field of it that goes."""
        names = [name for owner, name in self.fields if owner == model]
        return model in self.models or any(_names(text, name) for name in names)


def _names(text, name):
    return re.search(rf"\b{re.escape(name)}(\b|__)", text)


def _text(constraint):
    """What a constraint names, without its own name."""
    _, args, options = constraint.deconstruct()
    return repr([*args, *(value for key, value in options.items() if key != "name")])


def _reason(operation, going, look, before):
    """Why one operation cannot wait."""
    if isinstance(operation, (*lint.STATE_ONLY, migrations.RemoveIndex)):
        return ""
    if isinstance(operation, migrations.DeleteModel):
        return _reason_of_table(operation, look)
    if isinstance(operation, migrations.RemoveField):
        return _reason_of_column(operation, look, before)
    if isinstance(operation, migrations.RemoveConstraint):
        return _reason_of_constraint(operation, going, look)
    if isinstance(operation, TOGETHER):
        return _reason_of_together(operation, going, look)
    return (
        f"it also does {lint.named(operation)}; a removal in a migration of its own, the last one, can wait"
    )


def _reason_of_constraint(operation, going, look):
    model = operation.model_name_lower
    constraints = look.state.models[look.app, model].options["constraints"]
    [found] = [one for one in constraints if one.name == operation.name]
    goes = isinstance(found, models.UniqueConstraint) and going.touch(model, _text(found))
    if goes or model in going.models:
        return ""
    return f"the new release may need {lint.named(operation)} {operation.name}"


def _reason_of_together(operation, going, look):
    options = look.state.models[look.app, operation.name_lower].options
    now = {tuple(one) for one in options.get(operation.option_name) or ()}
    then = {tuple(one) for one in operation.option_value or ()}
    goes = then <= now and all(going.touch(operation.name_lower, repr(one)) for one in now - then)
    return "" if goes else f"the new release may need {lint.named(operation)}"


def _reason_of_table(operation, look):
    if not look.table_of_state(operation.name) or look.connection.vendor != "sqlite":
        return ""
    model = look.state.apps.get_model(look.app, operation.name)
    return SQLITE if [*_references(model)] else ""


def _reason_of_column(operation, look, before):
    model = look.state.apps.get_model(look.app, operation.model_name)
    field, is_sqlite = model._meta.get_field(operation.name), look.connection.vendor == "sqlite"
    if not look.table_of_state(operation.model_name):
        return ""
    if field.many_to_many or field.primary_key:
        return "it is a primary key" if field.primary_key else SQLITE if is_sqlite else ""
    if is_sqlite and (field.remote_field or lint.needs_value(field)):
        return SQLITE
    # Rows that the new release adds have NULL there, or a default, and must pass all constraints.
    options = before.models[look.app, operation.model_name_lower].options
    for constraint in options.get("constraints") or ():
        is_plain = isinstance(constraint, models.UniqueConstraint) and constraint_takes_nulls(constraint)
        if _names(_text(constraint), operation.name) and not is_plain:
            return f"the constraint {constraint.name} may refuse rows of the new release"
    if _is_unique(field, options) and lint.has_default(field):
        return f"{operation.name} is unique, and its default in the database would repeat"
    return ""


SQLITE = "SQLite would rebuild the table for that time"


def constraint_takes_nulls(constraint):
    """Whether rows with NULL never break a unique constraint."""
    return getattr(constraint, "nulls_distinct", None) is not False


def _is_unique(field, options):
    """Whether equal values in two rows may break something."""
    together = [name for one in options.get("unique_together") or () for name in one]
    texts = [
        _text(one) for one in options.get("constraints") or () if isinstance(one, models.UniqueConstraint)
    ]
    return field.unique or field.name in together or any(_names(text, field.name) for text in texts)


def _references(model):
    """The foreign keys of a table, and those of the tables of its many-to-many fields, with their tables."""
    for field in model._meta.local_fields:
        if field.remote_field and field.db_constraint:
            yield model, field
    for field in model._meta.local_many_to_many:
        yield from _references_of_many(field)


def _references_of_many(field):
    if field.remote_field.through._meta.auto_created:
        yield from _references(field.remote_field.through)


# ---- The time between ------------------------------------------------------------------------------


def prepare(migration, state, connection):
    """Have the new release work although a migration drops its columns and tables only later.

    Yield what was changed for that. `state` is the project's state before the migration. A second call
    changes nothing more.
    """
    if connection.vendor == "sqlite":
        return
    # Each statement needs the lock of its table. So a table gets one statement for its columns, and then one
    # for its foreign keys: in MariaDB no key may write NULL into a column that only this statement frees.
    changes = {}
    with connection.schema_editor(atomic=False) as editor:
        for operation in migration.operations:
            if isinstance(operation, TAKES_AWAY):
                for turn, table, *change in _changes(editor, migration.app_label, operation, state):
                    changes.setdefault((turn, table), []).append(change)
        for (_, table), found in sorted(changes.items()):
            _alter(editor, table, [clause for clause, _ in found])
            yield from (f"{table}.{told}" for _, told in found)


def _alter(editor, table, clauses):
    is_mysql = editor.connection.vendor == "mysql"
    if is_mysql:  # otherwise the server would copy the whole table for a foreign key
        editor.execute("SET SESSION foreign_key_checks = 0", None)
    editor.execute(f"ALTER TABLE {editor.quote_name(table)} {', '.join(clauses)}", None)
    if is_mysql:
        editor.execute("SET SESSION foreign_key_checks = 1", None)


def _changes(editor, app, operation, state):
    """The changes for one operation: of each its turn, its table, its clause of ALTER TABLE, its report."""
    connection, name = editor.connection, getattr(operation, "model_name", operation.name).lower()
    if (app, name) not in state.models:  # the migration itself makes or renames it
        return
    model, options = state.apps.get_model(app, name), state.models[app, name].options
    if not model._meta.can_migrate(connection) or not router.allow_migrate_model(connection.alias, model):
        return
    if isinstance(operation, migrations.DeleteModel):
        yield from _let_go(editor, _references(model), "CASCADE")
    elif operation.name in state.models[app, name].fields:
        yield from _free(editor, model, model._meta.get_field(operation.name), options)


def _free(editor, model, field, options):
    """The changes after which one column, or one many-to-many field, stops no insert and no delete."""
    if field.many_to_many:
        yield from _let_go(editor, _references_of_many(field), "CASCADE")
        return
    if lint.needs_value(field):
        value = None if field.remote_field or _is_unique(field, options) else _usual(editor, field)
        yield from _fills(editor, model._meta.db_table, field.column, value)
    if field.remote_field and field.db_constraint:
        yield from _let_go(editor, [(model, field)], "SET NULL")


def _usual(editor, field):
    """The SQL of the value that Django gives a new row in this column, or of an empty value; None if neither.

    With a default, the server changes no row, and the release before finds no NULL, should it come back.
    """
    is_mysql = editor.connection.vendor == "mysql" and not editor.connection.mysql_is_mariadb
    if is_mysql and editor._is_limited_data_type(field):
        return None
    with suppress(Exception):
        value = editor.effective_default(field)
        return _literal(editor.connection, _empty(field) if value is None else value)
    return None


def _empty(field):
    if not type(field).__module__.startswith("django."):  # roadie does not know what others can read
        return None
    if isinstance(field, (models.CharField, models.TextField)):
        return ""
    is_number = isinstance(field, (models.IntegerField, models.FloatField, models.DecimalField))
    return 0 if is_number else None


def _literal(connection, value):
    """A value as the driver writes it into a statement."""
    if value is None:
        return None
    if connection.vendor == "postgresql":
        return connection.ops.compose_sql("%s", [value])
    literal = connection.connection.literal(value)
    return literal.decode() if isinstance(literal, bytes) else literal


def _fills(editor, table, name, value):
    """The change that lets the database fill a column by itself; none if it does so already."""
    is_mysql = editor.connection.vendor == "mysql"
    schema, kind = ("DATABASE()", "column_type") if is_mysql else ("current_schema()", "data_type")
    with editor.connection.cursor() as cursor:
        cursor.execute(
            f"SELECT is_nullable, column_default, {kind}, collation_name FROM information_schema.columns "
            f"WHERE table_schema = {schema} AND table_name = %s AND column_name = %s",
            [table, name],
        )
        nullable, default, kind, collation = cursor.fetchone()
    if nullable == "YES" or default is not None:
        return
    column = editor.quote_name(name)
    if value is not None:
        clause = f"ALTER COLUMN {column} SET DEFAULT {value}"
    elif not is_mysql:
        clause = f"ALTER COLUMN {column} DROP NOT NULL"
    else:
        clause = f"MODIFY {column} {kind} {f'COLLATE {collation} ' if collation else ''}NULL"
    yield COLUMNS, table, clause, f"{name} the database fills it with {value or 'NULL'}"


def _let_go(editor, references, what):
    """The changes after which foreign keys do `what`, such as CASCADE, when the row at the other end goes."""
    is_mysql = editor.connection.vendor == "mysql"
    kind, rest = (
        ("FOREIGN KEY", "") if is_mysql else ("CONSTRAINT", " DEFERRABLE INITIALLY DEFERRED NOT VALID")
    )
    for model, field in references:
        quote, target = editor.quote_name, field.target_field
        for name in editor._constraint_names(model, [field.column], foreign_key=True):
            if name.startswith(OURS):
                continue
            new = f"{OURS}{hashlib.sha256(name.encode()).hexdigest()[:20]}"
            clause = (
                f"DROP {kind} {quote(name)}, "
                f"ADD CONSTRAINT {quote(new)} FOREIGN KEY ({quote(field.column)}) "
                f"REFERENCES {quote(target.model._meta.db_table)} ({quote(target.column)}) "
                f"ON DELETE {what}{rest}"
            )
            table = model._meta.db_table
            yield KEYS, table, clause, f"{field.column} a delete may go past it ({what.lower()})"


OURS = "roadie_"
COLUMNS, KEYS = 1, 2
