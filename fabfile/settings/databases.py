"""The kinds of database that a site can have, and the facts about each."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Database:
    """A kind of database. templates/database/words.sh says what the folder of a kind must have."""

    #: fabric.yaml, Django's `connection.vendor` and the folder of templates have this name for the kind
    name: str
    #: a sentence for docs/settings.rst
    manual: str
    #: Debian's packages: the server, and what its driver is built with
    packages: tuple[str, ...]
    #: the units of systemd that the server may be; none for a kind without a server
    services: tuple[str, ...]
    socket: str
    #: each Python package that speaks to the server, with the module that the package brings
    drivers: Mapping[str, str]
    #: what roadie installs for a project that requires none of the drivers
    pins: tuple[str, ...]
    #: the last part of the ENGINE of this kind begins with one of these
    engines: tuple[str, ...]
    #: the URL of this kind has one of these schemes
    schemes: tuple[str, ...]
    #: other schemes that the URL of the site's database gets, if the project names one; else it gets `name`
    spellings: tuple[str, ...] = ()
    #: those spellings that stand for an extension of the server, with the packages that bring the extension
    extensions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    #: whether this kind is for developers only, if a project also names another kind
    yields: bool = False
    #: the name of the database, and of its user, for a site {app}
    names: str = "{app}"
    users: str = "{app}"
    #: a template of Python that the shell words of the kind run
    program: str = ""
    #: the end of the name of a dump, and after how many seconds without more of it a dump is given up
    dump_ending: str = "sql.gz"
    dump_seconds: int = 60
    #: whether roadie makes the database on the host; else it is elsewhere, and a secret has its URL
    is_provisioned: bool = True
    #: Debian's package with the client, for a database of this kind elsewhere
    client: str = ""
    #: how many seconds `status` waits for an answer
    patience: int = 6

    @property
    def claim(self) -> str:
        """The line for this kind in a site's claim on its host. Early versions of roadie knew only MySQL."""
        return "database" if self.name == DEFAULT else f"database {self.name}"


#: The kind for a project that names none.
DEFAULT = "mysql"

_ALL = (
    Database(
        name="mysql",
        manual="mysql is Debian's default-mysql-server on the same host, or the MySQL that is there already",
        packages=(
            "default-mysql-server | virtual-mysql-server | mysql-community-server",
            "default-libmysqlclient-dev | libmysqlclient-dev",
            "tzdata",
        ),
        services=("mariadb", "mysql"),
        socket="/run/mysqld/mysqld.sock",
        drivers={"mysqlclient": "MySQLdb", "pymysql": "pymysql"},
        pins=("mysqlclient==2.3.1",),
        engines=("mysql",),
        schemes=("mysql", "mysql2", "mysqlgis", "mysql-connector"),
        client="default-mysql-client | virtual-mysql-client",
    ),
    Database(
        name="postgresql",
        manual="postgresql is Debian's on the same host",
        packages=("postgresql", "libpq-dev"),
        services=("postgresql",),
        socket="/run/postgresql",
        drivers={"psycopg": "psycopg", "psycopg2": "psycopg2", "psycopg2-binary": "psycopg2"},
        pins=("psycopg==3.3.9", "psycopg-binary==3.3.9"),
        engines=("postgresql", "postgis"),
        schemes=("postgresql", "postgres", "pgsql", "psql", "postgis"),
        spellings=("postgis", "postgres"),
        extensions={"postgis": ("postgresql-postgis", "gdal-bin")},
        client="postgresql-client",
    ),
    Database(
        name="sqlite",
        manual="sqlite is a file in /srv/<app>/shared/database, without a server",
        packages=(),
        services=(),
        socket="",
        drivers={},
        pins=(),
        engines=("sqlite",),
        schemes=("sqlite", "sqlite3"),
        yields=True,
        names="/srv/{app}/shared/database/db.sqlite3",
        users="",
        program="sqlite/file.py",
        dump_ending="sqlite3.gz",
        dump_seconds=1800,
    ),
    Database(
        name="external",
        manual="external is one elsewhere, whose URL is a secret (secrets: {DATABASE_URL: {command: ...}}),"
        " and which its own client dumps",
        packages=("default-libmysqlclient-dev | libmysqlclient-dev", "libpq-dev"),
        services=(),
        socket="",
        drivers={},
        pins=(),
        engines=(),
        schemes=(),
        names="",
        users="",
        program="external/speak.py",
        is_provisioned=False,
        patience=20,
    ),
)
DATABASES = {one.name: one for one in _ALL}

#: Supervisor starts the sites of a host after all of these, as each site may have another kind.
SERVICES = tuple(service for one in _ALL for service in one.services)


def clients(kind: str, packages: Collection[str]) -> tuple[str, ...]:
    """Debian's packages that dump a database elsewhere, for the drivers among a project's packages."""
    if DATABASES[kind].is_provisioned:
        return ()
    return tuple(one.client for one in _ALL if any(driver in packages for driver in one.drivers))
