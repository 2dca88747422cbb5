"""How migrations wait: for those of a killed run, and for the locks of tables that the site uses."""

import fcntl
import hashlib
import time
from contextlib import suppress

from django.db import OperationalError, connections

# As long as a statement waits for the lock of a table, later queries of visitors wait behind it. So it gives
# up soon, lets the visitors pass, and tries again, for so many seconds in all.
TURN, PAUSE, ALL = 5, 1, 60
CHANGES_TABLES = ("CREATE", "ALTER", "DROP", "RENAME", "TRUNCATE")


def give_way(connection, seconds=TURN):
    """Have each statement wait no longer for the lock of a table. By default MariaDB waits for a day."""
    with connection.cursor() as cursor:
        if connection.vendor == "mysql":
            cursor.execute(f"SET SESSION lock_wait_timeout = {seconds}")
        if connection.vendor == "postgresql":
            # PostgreSQL looks for deadlocks after a second. Who gave up before that harms no visitor.
            cursor.execute(f"SET lock_timeout = '{seconds * 800}ms'")


def until_free(call):
    """Call until the locks are free; the call must leave nothing behind when it fails."""
    until = time.monotonic() + ALL
    while True:
        try:
            return call()
        except OperationalError as error:
            if not is_timeout(error):
                raise
            if time.monotonic() > until:
                raise RuntimeError(
                    f"visitors held the lock of a table each time, for {ALL} seconds ({error}); "
                    "run the same command again when the site is quieter, or show the maintenance page first"
                ) from error
        time.sleep(PAUSE)


def again(execute, sql, params, many, context):
    """Run a statement of a migration; on MySQL, one that changes a table runs again if it waited in vain."""
    is_mysql = context["connection"].vendor == "mysql"
    if is_mysql and str(sql).lstrip("( \n").upper().startswith(CHANGES_TABLES):
        return until_free(lambda: execute(sql, params, many, context))
    return execute(sql, params, many, context)


def is_timeout(error):
    """Whether a statement waited for a lock in vain."""
    cause = error.__cause__
    state = getattr(cause, "sqlstate", None) or getattr(cause, "pgcode", None)
    return state == "55P03" or getattr(cause, "args", ())[:1] == (1205,)


def wait_for_others():
    """Wait for migrations of a killed run. Its lock is gone, but the server holds theirs until they end.

    Also have a migration give way to the site: see give_way().
    """
    connection = connections["default"]
    if connection.vendor == "sqlite":
        _wait_beside(connection.settings_dict["NAME"])
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '60s'")
            try:
                cursor.execute("SELECT pg_catalog.pg_advisory_lock(%s)", [LOCK])
            except OperationalError:
                raise RuntimeError(
                    "another run may still migrate: another connection of the database holds the lock of "
                    "migrations; wait until it ends, or end it"
                ) from None
    if connection.vendor == "mysql":
        with connection.cursor() as cursor:
            lock = _lock_of(connection.settings_dict)
            cursor.execute("SELECT GET_LOCK(%s, 60), IS_USED_LOCK(%s)", [lock, lock])
            has_lock, holder = cursor.fetchone()
        if not has_lock:
            raise RuntimeError(
                f"another run may still migrate: connection {holder} of the database holds the lock of "
                "migrations; wait until it ends, or end it"
            )
    give_way(connection)


# In PostgreSQL the lock belongs to the database, where no other site can log in.
LOCK = 0x726F61646965


def _wait_beside(path):
    """The same for SQLite, which has no server: lock a file beside the database until this process ends."""
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
    """The name of the lock. All sites of the server share such names, and none can guess another's."""
    secret = f"{settings['NAME']} {settings['PASSWORD']}"
    return f"roadie-{hashlib.sha256(secret.encode()).hexdigest()[:40]}"
