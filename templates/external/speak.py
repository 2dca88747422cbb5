"""Asks a release about its database, and runs the database's own client: speak.py WORD.

The release's Python runs this, as the site's user. A dump comes in at descriptor 7.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import django
from django.db import connections
from django.db.migrations.recorder import MigrationRecorder

ROWS = re.compile(rb"COPY .* FROM stdin;\n")
# How a view, a trigger or a routine of a dump begins, with the user whose rights it would have.
DEFINER = re.compile(
    rb"^(CREATE |/\*![M0-9]+ (?:CREATE[^*]*\*/ /\*![M0-9]+ )?)"
    rb"DEFINER=(?:`(?:[^`]|``)*`|\"[^\"]*\")@(?:`(?:[^`]|``)*`|\"[^\"]*\")"
)
# The settings of libpq that Django's OPTIONS may have.
OF_LIBPQ = (
    "sslmode sslrootcert sslcert sslkey sslpassword sslcrl sslnegotiation ssl_min_protocol_version hostaddr "
    "gssencmode channel_binding require_auth target_session_attrs connect_timeout application_name"
).split()
# Drops all that belongs to the user. All else stays: an extension, the schema `public`, all rights.
EMPTY_POSTGRESQL = """
SET lock_timeout = '30s';
DO $$ DECLARE one text; BEGIN
  FOR one IN
    SELECT format('DROP %s IF EXISTS %I.%I CASCADE', CASE relkind WHEN 'v' THEN 'VIEW'
      WHEN 'm' THEN 'MATERIALIZED VIEW' WHEN 'S' THEN 'SEQUENCE' WHEN 'c' THEN 'TYPE' ELSE 'TABLE' END,
      n.nspname, relname)
    FROM pg_class o JOIN pg_namespace n ON n.oid = relnamespace
    WHERE relkind IN ('v', 'm', 'r', 'p', 'S', 'c') AND relowner = to_regrole(quote_ident(current_user))
      AND n.nspname !~ '^pg_'
      AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = o.oid AND deptype IN ('e', 'i', 'a'))
    UNION ALL
    SELECT format('DROP ROUTINE IF EXISTS %I.%I(%s) CASCADE', n.nspname, proname,
      pg_get_function_identity_arguments(o.oid))
    FROM pg_proc o JOIN pg_namespace n ON n.oid = pronamespace
    WHERE proowner = to_regrole(quote_ident(current_user))
      AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = o.oid AND deptype = 'e')
    UNION ALL
    SELECT format('DROP TYPE IF EXISTS %I.%I CASCADE', n.nspname, typname)
    FROM pg_type o JOIN pg_namespace n ON n.oid = typnamespace
    WHERE typtype IN ('e', 'd', 'r') AND typowner = to_regrole(quote_ident(current_user))
      AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = o.oid AND deptype = 'e')
    UNION ALL
    SELECT format('DROP SCHEMA IF EXISTS %I CASCADE', nspname) FROM pg_namespace
    WHERE nspowner = to_regrole(quote_ident(current_user)) AND nspname <> 'public' AND nspname !~ '^pg_'
  LOOP EXECUTE one; END LOOP;
END $$;
SET lock_timeout = 0;
"""


class PostgreSQL:
    """pg_dump and psql. They read the login and the TLS options from a service file that only they see."""

    size = "SELECT pg_catalog.pg_database_size(pg_catalog.current_database())"
    count = """SELECT count(*) FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n
        ON n.oid = relnamespace WHERE relkind IN ('r', 'p') AND relpersistence <> 't'
        AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
        AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend WHERE objid = c.oid AND deptype = 'e')"""
    programs = (("pg_dump",), ("psql",))
    package = "postgresql-client"

    def login(self, given, options):
        words = {name: options[name] for name in OF_LIBPQ if name in options}
        names = {"dbname": "NAME", "user": "USER", "password": "PASSWORD", "host": "HOST", "port": "PORT"}
        words.update((word, given[name]) for word, name in names.items() if given.get(name))
        lines = "".join(f"{word}={value}\n" for word, value in words.items())
        return [], {"PGSERVICEFILE": hidden(f"[roadie]\n{lines}"), "PGSERVICE": "roadie"}

    def dump_options(self):
        words = "--no-owner --no-privileges --no-subscriptions --no-tablespaces --encoding=UTF8 --no-password"
        return [*words.split(), "--lock-wait-timeout=30000"]

    def load_options(self):
        words = "--no-psqlrc --quiet --tuples-only --set=ON_ERROR_STOP=1 --no-password --single-transaction"
        return [*words.split(), "--output=/dev/null", "--file=-"]

    def to_load(self, lines):
        """The SQL for psql. It runs in one transaction, and ends at the first command with a backslash."""
        yield f"\\restrict {os.urandom(16).hex()}\n".encode()
        yield EMPTY_POSTGRESQL.encode()
        rows = False
        for line in lines:
            if rows or not re.match(rb"\\(un)?restrict [A-Za-z0-9]+$|COMMENT ON EXTENSION ", line):
                yield line
            rows = line != b"\\.\n" if rows else bool(ROWS.fullmatch(line))

    def tables_in(self, lines):
        """The number of tables in a dump; None if the dump is not whole."""
        count, whole, rows = 0, False, False
        for line in lines:
            if not rows:
                count += line.startswith((b"CREATE TABLE ", b"CREATE UNLOGGED TABLE "))
                whole = line.startswith(b"-- PostgreSQL database dump complete") or (
                    whole and line.startswith((b"--", b"\\unrestrict ", b"\n"))
                )
            rows = line != b"\\.\n" if rows else bool(ROWS.fullmatch(line))
        return count if whole else None


class MySQL:
    """mariadb-dump and mariadb, or mysqldump and mysql. They read the login from a file only they see."""

    size = """SELECT SUM(data_length + index_length) FROM information_schema.tables
        WHERE table_schema = DATABASE()"""
    count = """SELECT COUNT(*) FROM information_schema.tables
        WHERE table_schema = DATABASE() AND table_type NOT IN ('VIEW', 'SEQUENCE')"""
    programs = (("mariadb-dump", "mysqldump"), ("mariadb", "mysql"))
    package = "default-mysql-client"

    def login(self, given, options):
        host, tls = str(given.get("HOST") or ""), options.get("ssl")
        mode = str(options.get("ssl_mode") or "").upper()
        words = {"user": given.get("USER"), "password": given.get("PASSWORD"), "port": given.get("PORT")}
        words["socket" if host.startswith("/") else "host"] = host or options.get("unix_socket")
        words.update(
            {f"ssl-{name}": value for name, value in (tls or {}).items()} if isinstance(tls, dict) else {}
        )
        lines = [f'{word}="{escaped(value)}"\n' for word, value in words.items() if value]
        if mode == "DISABLED" or not (tls or mode or self.driver_is_the_servers):
            lines.append("loose-skip-ssl\nloose-ssl-mode=DISABLED\n")
        elif mode:
            lines.append(f"loose-ssl-mode={mode}\nloose-ssl\n")
            lines.append(f"loose-{'' if mode.startswith('VERIFY') else 'skip-'}ssl-verify-server-cert\n")
        text = "".join(["[client]\n", *lines])
        return [f"--defaults-file={hidden(text)}"], {}

    @property
    def driver_is_the_servers(self):
        """Whether the driver is the library of the server, which uses TLS unasked, as the client does."""
        module = connections["default"].Database
        return "pymysql" not in (getattr(module, "__file__", "") or "")

    def dump_options(self):
        words = "--single-transaction --quick --no-tablespaces --routines --triggers --events --hex-blob"
        purged = [] if shutil.which("mariadb-dump") else ["--set-gtid-purged=OFF"]
        return [
            *words.split(),
            "--default-character-set=utf8mb4",
            *purged,
            connections["default"].settings_dict["NAME"],
        ]

    def load_options(self):
        words = "--binary-mode --local-infile=0 --batch --default-character-set=utf8mb4"
        return [*words.split(), connections["default"].settings_dict["NAME"]]

    def to_load(self, lines):
        """The SQL for the client: first what empties the database, then the dump without its definers."""
        yield from (f"{line}\n".encode() for line in self.emptying())
        yield from (DEFINER.sub(rb"\1", line) for line in lines)

    def emptying(self):
        """The statements that drop all that is in the database."""
        yield "SET SESSION lock_wait_timeout = 30; SET SESSION foreign_key_checks = 0;"
        there = """SELECT IF(table_type IN ('VIEW', 'SEQUENCE'), table_type, 'TABLE'), table_name
            FROM information_schema.tables WHERE table_schema = DATABASE()
            UNION ALL SELECT routine_type, routine_name
            FROM information_schema.routines WHERE routine_schema = DATABASE()
            UNION ALL SELECT 'EVENT', event_name
            FROM information_schema.events WHERE event_schema = DATABASE()"""
        with connections["default"].cursor() as cursor:
            cursor.execute(there)
            found = cursor.fetchall()
        for kind, name in found:
            yield f"DROP {kind} IF EXISTS `{name.replace('`', '``')}`;"

    def tables_in(self, lines):
        """The number of tables in a dump; None if the dump is not whole."""
        count, last = 0, b""
        for line in lines:
            count += line.startswith(b"CREATE TABLE `")
            last = line
        return count if last.startswith(b"-- Dump completed") else None


CLIENTS = {"postgresql": PostgreSQL(), "mysql": MySQL()}


def hidden(text):
    """The path of a file in memory with this text. Only this process and its children reach the file."""
    file = os.memfd_create("login", 0)
    os.fchmod(file, 0o600)
    os.write(file, text.encode())
    return f"/proc/self/fd/{file}"


def escaped(value):
    return str(value).replace("\\", "\\\\").replace('"', '\\"')


def program(names):
    """The path of one of these programs. Debian's pg_dump may be a wrapper without a program behind it."""
    found = next(filter(None, map(shutil.which, names)), "")
    if not os.path.realpath(found).endswith("/pg_wrapper"):
        return found
    return max(map(str, Path("/usr/lib/postgresql").glob(f"*/bin/{names[0]}")), default="")


def run(names, words, **more):
    """Start a program of the client with the login of the release."""
    given = connection.settings_dict
    first, variables = client.login(given, given.get("OPTIONS") or {})
    env = {
        **{name: os.environ[name] for name in ("HOME", "PATH") if name in os.environ},
        "LC_ALL": "C.UTF-8",
        **variables,
    }
    return subprocess.Popen([program(names), *first, *words], env=env, close_fds=False, **more)


def incoming():
    with open(7, "rb") as file:
        yield from file


def kb():
    if connection.introspection.table_names():
        print(int(asked(client.size) if client else 0) // 1024)


def asked(statement):
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchone()[0] or 0


def tables():
    print(asked(client.count) if client else len(connection.introspection.table_names()))


def applied():
    for app, name in MigrationRecorder(connection).applied_migrations():
        print(f"{app}.{name}")


def cannot_dump():
    """Print why no dump can be made or loaded here; nothing if a dump can."""
    if not client:
        print(f"roadie has no client for {connection.vendor}")
    elif not all(map(program, client.programs)):
        print(f"this host has no client of it; fab bootstrap installs it ({client.package})")


def dump():
    sys.exit(run(client.programs[0], client.dump_options()).wait())


def tables_in_dump():
    count = client.tables_in(incoming())
    if count is not None:
        print(count)


def load():
    process = run(client.programs[1], client.load_options(), stdin=subprocess.PIPE)
    try:
        for line in client.to_load(incoming()):
            process.stdin.write(line)
        process.stdin.close()
    except BrokenPipeError:
        pass  # the client has ended, and has printed why
    sys.exit(process.wait())


WORDS = {one.__name__: one for one in (kb, tables, applied, cannot_dump, dump, tables_in_dump, load)}

if __name__ == "__main__":
    django.setup()
    connection = connections["default"]
    client = CLIENTS.get(connection.vendor)
    WORDS[sys.argv[1]]()
