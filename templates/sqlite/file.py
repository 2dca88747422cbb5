"""Asks, dumps and fills a database in a file: file.py WORD FILE.

The site's user runs this, with Debian's own Python.

Other processes have the file open meanwhile. So a dump is loaded into the same file in one transaction, and
SQLite shows them the old content or the new one. If the file were replaced, they would go on with the old.
"""

import os
import shutil
import sqlite3
import stat
import sys
from contextlib import suppress
from pathlib import Path

word, path = sys.argv[1], Path(sys.argv[2])
copy = path.with_name(".roadie-copy")
DUMP = 7  # the descriptor at which a dump comes
TABLES = "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite~_%' ESCAPE '~'"
APPLIED = "SELECT substr(app, 1, 255), substr(name, 1, 255) FROM django_migrations LIMIT 20000"


def connect(name, mode="rw"):
    """Open a database. Refuse whatever is no plain file: a FIFO, for example, would never answer."""
    with suppress(FileNotFoundError):
        if not stat.S_ISREG(name.lstat().st_mode):
            raise OSError(f"{name} is no plain file")
    return sqlite3.connect(f"file:{name}?mode={mode}", uri=True, timeout=25, isolation_level=None)


def ask(database, statement):
    return database.execute(statement).fetchone()[0]


def remove(name):
    for ending in ("", "-journal", "-wal", "-shm", "-migrating"):
        with suppress(FileNotFoundError):
            Path(f"{name}{ending}").unlink()


def make():
    """Make the file. With a write-ahead log beside it, readers and a writer do not wait for each other."""
    ask(connect(path, "rwc"), "PRAGMA journal_mode = WAL")


def mode():
    print(ask(connect(path), "PRAGMA journal_mode"))


def kb():
    database = connect(path)
    if ask(database, TABLES):
        print(ask(database, "PRAGMA page_count") * ask(database, "PRAGMA page_size") // 1024)


def tables():
    print(ask(connect(path), TABLES))


def applied():
    for row in connect(path).execute(APPLIED):
        print(*row, sep=".")


def dump():
    """Print the database as of one instant, as a file of its own."""
    made = connect(copy, "rwc")
    connect(path).backup(made)
    made.execute("PRAGMA journal_mode = DELETE")
    made.close()
    with copy.open("rb") as whole:
        remove(copy)
        shutil.copyfileobj(whole, sys.stdout.buffer)


def tables_in_dump():
    print(ask(incoming(), TABLES))


def load():
    """Fill the database with a dump, in one transaction."""
    source, target = incoming(), connect(path, "rwc")
    size = ask(target, "PRAGMA page_size")
    if ask(source, "PRAGMA page_size") != size:
        source.execute(f"PRAGMA page_size = {size}")
        source.execute("VACUUM")
    source.backup(target)
    target.execute("PRAGMA journal_mode = WAL")


def incoming():
    """The dump that comes in, as a database of its own. A dump that is not whole is refused."""
    with os.fdopen(DUMP, "rb") as source, copy.open("xb") as target:
        shutil.copyfileobj(source, target)
    made = connect(copy)
    if not copy.stat().st_size or ask(made, "PRAGMA integrity_check(1)") != "ok":
        raise sqlite3.DatabaseError("the dump is not whole")
    return made


def drop():
    remove(path)


WORDS = {one.__name__: one for one in (make, mode, kb, tables, applied, dump, tables_in_dump, load, drop)}
# These words use the copy. Only one run at a time says them; other runs may say the other words meanwhile.
COPIES = ("dump", "tables_in_dump", "load")

if __name__ == "__main__":
    os.umask(0o077)
    try:
        if word in COPIES:
            remove(copy)  # of a run that was killed
        WORDS[word]()
    except (sqlite3.Error, OSError) as error:
        sys.exit(f"sqlite: {error}")
    finally:
        if word in COPIES:
            remove(copy)
