"""The kinds of database that a site can have, and the facts about each."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Database:
    """A kind of database.

    fabric.yaml, Django's `connection.vendor` and the folder of its templates all call it by `name`. That
    folder has the stage that makes a site's database, and `words.sh`: see templates/database/words.sh.
    `packages` are Debian's: the server, and what the driver is built with. `services` are the units of
    systemd that the server may be. `drivers` has each Python package that can speak to the server, with the
    module that it brings; a project that requires none of them gets `pins`. A kind without a server has
    neither.

    A project names the kind by an ENGINE whose last part begins with one of `engines`, or by a URL with one
    of `schemes`. Of two kinds that it names, one that `yields` is for its developers. The site's URL begins
    with one of `spellings` if the project names one, else with the name of the kind. `extensions` has those
    spellings that stand for an extension of the server, with the packages that bring the extension. `names`
    and `users` say what the database and its user are called for a site {app}. `program` is a template of
    Python that the words of the kind run. The name of a dump ends with `dump_ending`; a dump of which nothing
    more comes for `dump_seconds` is given up. A kind that is not `is_provisioned` is elsewhere: a secret has
    its URL, and the site's host needs Debian's package `client` of the kind that it is. `status` waits
    `patience` seconds for an answer.
    """

    name: str
    manual: str
    packages: tuple[str, ...]
    services: tuple[str, ...]
    socket: str
    drivers: Mapping[str, str]
    pins: tuple[str, ...]
    engines: tuple[str, ...]
    schemes: tuple[str, ...]
    spellings: tuple[str, ...] = ()
    extensions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    yields: bool = False
    names: str = "{app}"
    users: str = "{app}"
    program: str = ""
    dump_ending: str = "sql.gz"
    dump_seconds: int = 60
    is_provisioned: bool = True
    client: str = ""
    patience: int = 6

    @property
    def claim(self) -> str:
        """The line by which a site's claim on its host names the kind. The first roadies knew MySQL only."""
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
    """Debian's packages to dump a database elsewhere, by the drivers among a project's packages."""
    if DATABASES[kind].is_provisioned:
        return ()
    return tuple(one.client for one in _ALL if any(driver in packages for driver in one.drivers))
