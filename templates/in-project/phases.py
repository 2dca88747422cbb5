"""Chooses the migrations that wait until the release before has ended, and prepares the database for that.

Only what takes away may wait: the drop of a column or of a table. The release before still uses these, and
the new release does not know them. So before the switch the database learns to fill such a column by itself,
and to let the new release delete the rows that such a column or table refers to.
"""

import hashlib
import re
from contextlib import suppress

import roadie_lint as lint
from django.db import migrations, models, router

TAKES_AWAY = (migrations.RemoveField, migrations.DeleteModel)


def split(loader, plan, state, connection):
    """The keys of the migrations that wait, and for the others that take away, why they cannot.

    `state` is the project's state before the plan.
    """
    reasons, takes = {}, set()
    for migration in plan:
        key = migration.app_label, migration.name
        reasons[key] = _why_not(migration, state, connection)
        if mark_of(migration) == AFTER or any(isinstance(one, TAKES_AWAY) for one in migration.operations):
            takes.add(key)
        state = migration.mutate_state(state)
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
    """What the operations of one migration drop."""

    def __init__(self, operations):
        removed = [one for one in operations if isinstance(one, migrations.RemoveField)]
        self.fields = {(one.model_name_lower, one.name) for one in removed}
        self.models = {one.name_lower for one in operations if isinstance(one, migrations.DeleteModel)}

    def touch(self, model, text):
        """Whether a text, such as that of a constraint, names something of a model that goes."""
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
        options = look.state.models[look.app, operation.model_name_lower].options
        [found] = [one for one in options["constraints"] if one.name == operation.name]
        goes = isinstance(found, models.UniqueConstraint) and going.touch(
            operation.model_name_lower, _text(found)
        )
        goes = goes or operation.model_name_lower in going.models
        return "" if goes else f"the new release may need {lint.named(operation)} {operation.name}"
    if isinstance(operation, migrations.AlterUniqueTogether):
        options = look.state.models[look.app, operation.name_lower].options
        now = {tuple(one) for one in options.get("unique_together") or ()}
        then = {tuple(one) for one in operation.option_value or ()}
        goes = then <= now and all(going.touch(operation.name_lower, repr(one)) for one in now - then)
        return "" if goes else f"the new release may need {lint.named(operation)}"
    return (
        f"it also does {lint.named(operation)}; a removal in a migration of its own, the last one, can wait"
    )


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
    """Let the new release live with what a migration drops only later; yield what was changed for that.

    `state` is the project's state before the migration. To do this twice changes nothing more.
    """
    for operation in migration.operations:
        if not isinstance(operation, TAKES_AWAY) or connection.vendor == "sqlite":
            continue
        name = getattr(operation, "model_name", operation.name)
        model = state.apps.get_model(migration.app_label, name)
        if not model._meta.can_migrate(connection) or not router.allow_migrate_model(connection.alias, model):
            continue
        with connection.schema_editor() as editor:
            if isinstance(operation, migrations.DeleteModel):
                yield from _let_go(editor, _references(model), "CASCADE")
            else:
                options = state.models[migration.app_label, name.lower()].options
                yield from _free(editor, model, model._meta.get_field(operation.name), options)


def _free(editor, model, field, options):
    """Free the inserts and deletes of the new release from one column, or from one many-to-many field."""
    if field.many_to_many:
        yield from _let_go(editor, _references_of_many(field), "CASCADE")
        return
    if lint.needs_value(field):
        value = None if field.remote_field or _is_unique(field, options) else _usual(editor, field)
        editor.execute(_fills(editor, model, field, value), None)
        yield f"{model._meta.db_table}.{field.column} the database fills it with {value or 'NULL'}"
    if field.remote_field and field.db_constraint:
        yield from _let_go(editor, [(model, field)], "SET NULL")


def _usual(editor, field):
    """The SQL of the value that Django gives a new row in this column; None if it gives none."""
    is_mysql = editor.connection.vendor == "mysql" and not editor.connection.mysql_is_mariadb
    if is_mysql and editor._is_limited_data_type(field):
        return None
    with suppress(Exception):
        value = editor.effective_default(field)
        return None if value is None else str(editor.quote_value(value))
    return None


def _fills(editor, model, field, value):
    table, column = editor.quote_name(model._meta.db_table), editor.quote_name(field.column)
    if value is not None:
        return f"ALTER TABLE {table} ALTER COLUMN {column} SET DEFAULT {value}"
    if editor.connection.vendor == "postgresql":
        return f"ALTER TABLE {table} ALTER COLUMN {column} DROP NOT NULL"
    with editor.connection.cursor() as cursor:
        cursor.execute(
            "SELECT column_type, collation_name FROM information_schema.columns "
            "WHERE table_schema = DATABASE() AND table_name = %s AND column_name = %s",
            [model._meta.db_table, field.column],
        )
        kind, collation = cursor.fetchone()
    return f"ALTER TABLE {table} MODIFY {column} {kind} {f'COLLATE {collation} ' if collation else ''}NULL"


def _let_go(editor, references, what):
    """Have foreign keys do `what` with a row, if the new release deletes the row that it refers to."""
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
            if is_mysql:  # else the server copies the whole table, although all of its rows fit
                editor.execute("SET SESSION foreign_key_checks = 0", None)
            editor.execute(
                f"ALTER TABLE {quote(model._meta.db_table)} DROP {kind} {quote(name)}, "
                f"ADD CONSTRAINT {quote(new)} FOREIGN KEY ({quote(field.column)}) "
                f"REFERENCES {quote(target.model._meta.db_table)} ({quote(target.column)}) "
                f"ON DELETE {what}{rest}",
                None,
            )
            if is_mysql:
                editor.execute("SET SESSION foreign_key_checks = 1", None)
            yield f"{model._meta.db_table}.{field.column} a delete may go past it ({what.lower()})"


OURS = "roadie_"
