"""What the release that serves knows of its database: ask.py WORD. The release's Python runs this."""

import sys

import django
from django.db import connections
from django.db.migrations.recorder import MigrationRecorder

SIZES = {
    "mysql": "SELECT SUM(data_length + index_length) FROM information_schema.tables "
    "WHERE table_schema = DATABASE()",
    "postgresql": "SELECT pg_catalog.pg_database_size(pg_catalog.current_database())",
}


def kb():
    if connection.introspection.table_names():
        print(size() // 1024)


def size():
    """The bytes of the database; 0 if this kind does not tell."""
    if connection.vendor not in SIZES:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(SIZES[connection.vendor])
        return int(cursor.fetchone()[0] or 0)


def tables():
    print(len(connection.introspection.table_names()))


def applied():
    for app, name in MigrationRecorder(connection).applied_migrations():
        print(f"{app}.{name}")


WORDS = {one.__name__: one for one in (kb, tables, applied)}

if __name__ == "__main__":
    django.setup()
    connection = connections["default"]
    WORDS[sys.argv[1]]()
