"""How a migration waits: for those of a killed run, and for the locks of tables that the site uses."""

import fcntl
import hashlib
import re
import time
from contextlib import suppress
from functools import partial
from types import SimpleNamespace

from django.db import Error, OperationalError, connections, transaction

# While a statement waits for the lock of a table, later queries of visitors wait behind it. MariaDB and MySQL
# even end a visitor's transaction that has read the table and then wants to write to it. So a statement does
# not wait. It tries for PATIENCE seconds, until no transaction uses the table. A statement that works for
# more than USUAL seconds before it needs the lock must not work in vain again: the next time, it waits USUAL.
PATIENCE, USUAL = 60, 5
BESIDE_VISITORS = 600  # CONCURRENTLY waits for transactions, and nobody waits behind it
CHANGES_TABLES = ("CREATE", "ALTER", "DROP", "RENAME", "TRUNCATE")

_turn = SimpleNamespace(seconds=0)  # how long the next statement may wait for a lock


def give_way(connection, seconds=None):
    """Have each statement wait so many seconds at most for the lock of a table. MariaDB would wait for a day.

    Without `seconds`, set what suits a statement that changes rows, as a row may be locked for longer.
    """
    with connection.cursor() as cursor:
        if connection.vendor == "mysql":
            table, row = USUAL, "DEFAULT"
            if seconds is not None:
                table = row = seconds if connection.mysql_is_mariadb else max(1, seconds)
            cursor.execute(f"SET lock_wait_timeout = {table}, innodb_lock_wait_timeout = {row}")
        if connection.vendor == "postgresql":
            # While a transaction waits, others may wait for its locks. roadie can try a transaction again.
            usual = 4000 if connection.in_atomic_block else 50_000
            thousandths = {None: usual, 0: 400, USUAL: 800, BESIDE_VISITORS: 600_000}[seconds]
            if seconds == 0 and _has_changed(cursor):
                thousandths = 100
            cursor.execute(f"SET lock_timeout = '{thousandths}ms'")


def _has_changed(cursor):
    """Whether the transaction has changed something, so that it may hold a lock that a visitor waits for.

    In a deadlock, PostgreSQL ends whoever has waited for a second, and that must not be the visitor.
    """
    cursor.execute("SELECT pg_catalog.txid_current_if_assigned() IS NOT NULL")
    return cursor.fetchone()[0]


def until_free(connection, call):
    """Repeat the call until the locks are free. A call that fails must leave nothing behind."""
    began = time.monotonic()
    _turn.seconds = 0
    while True:
        tried = time.monotonic()
        try:
            return call()
        except OperationalError as error:
            if not is_timeout(error):
                raise
            is_long = time.monotonic() - tried > USUAL
            if time.monotonic() - began > PATIENCE and (_turn.seconds or not is_long):
                raise RuntimeError(
                    f"visitors held the lock of a table each time, for {PATIENCE} seconds ({error}); "
                    "run the same command again when the site is quieter, or show the maintenance page first"
                ) from error
        if is_long:
            _turn.seconds = USUAL
        if connection.vendor == "postgresql" and time.monotonic() - began > USUAL:
            _end_autovacuum(connection)
        time.sleep(0.05)


def _end_autovacuum(connection):
    """Have PostgreSQL end a vacuum that it began by itself, as it does once somebody has waited for a second.

    No try above waits for so long. This lock is the weakest that a vacuum is in the way of: no visitor waits
    behind it.
    """
    with suppress(Error), transaction.atomic(connection.alias), connection.cursor() as cursor:
        cursor.execute(
            "SELECT relation::regclass::text FROM pg_catalog.pg_locks "
            "JOIN pg_catalog.pg_class ON pg_class.oid = relation AND relkind = 'r' "
            "JOIN pg_catalog.pg_database ON pg_database.oid = database AND datname = current_database() "
            "WHERE mode = 'ShareUpdateExclusiveLock' AND granted AND pid <> pg_backend_pid() "
            "AND pg_has_role(relowner, 'USAGE')"
        )
        if tables := ", ".join(table for (table,) in cursor.fetchall()):
            cursor.execute("SET LOCAL lock_timeout = '1500ms'")
            cursor.execute(f"LOCK TABLE {tables} IN SHARE UPDATE EXCLUSIVE MODE")


def again(execute, sql, params, many, context):
    """Run a statement of a migration. If it changes a table and cannot get the lock, try again.

    If the database can undo the statement within a transaction, whoever began the transaction tries again.
    """
    connection, call = context["connection"], partial(execute, sql, params, many, context)
    words = words_of(sql)
    if connection.vendor == "sqlite" or not words.startswith(CHANGES_TABLES):
        return call()
    if connection.vendor == "postgresql":
        if " CONCURRENTLY " in words:
            return _with_patience(connection, call, BESIDE_VISITORS)
        if referenced := _referenced(connection, str(sql), words):
            call = partial(_with_referenced, connection, call, referenced)
    if connection.in_atomic_block and connection.features.can_rollback_ddl:
        return _with_patience(connection, call, _turn.seconds)
    return until_free(connection, lambda: _with_patience(connection, call, _turn.seconds))


def words_of(sql):
    """A statement on one line and in capitals, from its verb on.

    Comments may stand before the verb. Django drops a foreign key after SET CONSTRAINTS.
    """
    text = str(sql).upper()
    return " ".join(text[_BEFORE_VERB.match(text).end() :].split())


_BEFORE_VERB = re.compile(
    r"([(\s]|(--|#)[^\n]*(\n|$)|/\*.*?\*/)*(SET CONSTRAINTS \S+ IMMEDIATE; *)?", re.DOTALL
)


def _with_patience(connection, call, seconds):
    give_way(connection, seconds)
    try:
        return call()
    finally:
        # A failed transaction takes no more statements. When it ends, the usual patience is back anyway.
        with suppress(Error):
            give_way(connection)


def _referenced(connection, sql, words):
    """The SQL that locks the tables at the other end of the foreign keys that a statement makes or drops.

    PostgreSQL would lock them only after the statement's own table. Most visitors use the tables in the other
    order. So the statement and a visitor would wait for each other, and no try would ever succeed.
    """
    drops = "DROP " in words
    if not drops and "REFERENCES " not in words:
        return ""
    name = "own.relname" if words.startswith("DROP TABLE") else "conname"
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT oid::regclass::text FROM pg_catalog.pg_class WHERE pg_has_role(relowner, 'USAGE') AND ("
            "relname = ANY(%s) AND pg_table_is_visible(oid) OR oid IN (SELECT confrelid "
            "FROM pg_catalog.pg_constraint JOIN pg_catalog.pg_class AS own ON own.oid = conrelid "
            f"WHERE contype = 'f' AND {name} = ANY(%s))) ORDER BY oid",
            [re.findall(r'REFERENCES "([^"]+)"', sql), re.findall(r'"([^"]+)"', sql)],
        )
        tables = ", ".join(table for (table,) in cursor.fetchall())
    mode = "ACCESS EXCLUSIVE" if drops else "SHARE ROW EXCLUSIVE"
    return tables and f"LOCK TABLE {tables} IN {mode} MODE"


def _with_referenced(connection, call, lock):
    with transaction.atomic(connection.alias), connection.cursor() as cursor:
        cursor.execute(lock)
        return call()


def is_timeout(error):
    """Whether a statement did not get its lock, or the server ended the statement because of a deadlock."""
    cause = error.__cause__
    state = getattr(cause, "sqlstate", None) or getattr(cause, "pgcode", None)
    return state in ("55P03", "40P01") or getattr(cause, "args", ())[:1] in ((1205,), (1213,))


def wait_for_others():
    """Wait until no migration of a killed run is under way, and have this one give way to the site.

    The run's own lock is gone, but the connection of its migration holds a lock in the server until it ends.
    """
    connection = connections["default"]
    waits = {"sqlite": _wait_in_sqlite, "postgresql": _wait_in_postgresql, "mysql": _wait_in_mysql}
    if connection.vendor in waits:
        waits[connection.vendor](connection)
    give_way(connection)


# In PostgreSQL the lock belongs to the database, where no other site can log in.
LOCK = 0x726F61646965


_MIGRATES = (
    "another run may still migrate: {} of the database holds the lock of migrations; "
    "wait until it ends, or end it"
)


def _wait_in_postgresql(connection):
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '60s'")
        try:
            cursor.execute("SELECT pg_catalog.pg_advisory_lock(%s)", [LOCK])
        except OperationalError as error:
            if not is_timeout(error):
                raise
            raise RuntimeError(_MIGRATES.format("another connection")) from None


def _wait_in_mysql(connection):
    with connection.cursor() as cursor:
        lock = _lock_of(connection.settings_dict)
        cursor.execute("SELECT GET_LOCK(%s, 60), IS_USED_LOCK(%s)", [lock, lock])
        has_lock, holder = cursor.fetchone()
    if not has_lock:
        raise RuntimeError(_MIGRATES.format(f"connection {holder}"))


def _wait_in_sqlite(connection):
    """SQLite has no server. So lock a file beside the database until this process ends."""
    path = connection.settings_dict["NAME"]
    _beside.append(open(f"{path}-migrating", "a"))  # noqa: PTH123, SIM115
    until = time.monotonic() + 60
    while True:
        with suppress(BlockingIOError):
            return fcntl.flock(_beside[0], fcntl.LOCK_EX | fcntl.LOCK_NB)
        if time.monotonic() > until:
            raise RuntimeError("another run still migrates; wait until its process ends, or end it")
        time.sleep(0.1)


_beside = []


def _lock_of(settings):
    """The name of the lock in MySQL. All sites of the server share such names; none can guess another's."""
    secret = f"{settings['NAME']} {settings['PASSWORD']}"
    return f"roadie-{hashlib.sha256(secret.encode()).hexdigest()[:40]}"
