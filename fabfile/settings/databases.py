"""The kinds of database that a site can have, and the facts about each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Database:
    """A kind of database.

    fabric.yaml, Django's `connection.vendor` and the folder of its templates all call it by `name`. That
    folder has the stage that makes a site's database, and `words.sh`: see templates/database/words.sh.
    `packages` are Debian's: the server, and what the driver is built with. `services` are the units of
    systemd that the server may be. `drivers` has each Python package that can speak to the server, with the
    module that it brings; a project that requires none of them gets `pins`.
    """

    name: str
    manual: str
    packages: tuple[str, ...]
    services: tuple[str, ...]
    socket: str
    drivers: Mapping[str, str]
    pins: tuple[str, ...]


_ALL = (
    Database(
        name="mysql",
        manual="mysql is Debian's default-mysql-server on the same host, over its socket",
        packages=("default-mysql-server", "default-libmysqlclient-dev"),
        services=("mariadb", "mysql"),
        socket="/run/mysqld/mysqld.sock",
        drivers={"mysqlclient": "MySQLdb", "pymysql": "pymysql"},
        pins=("mysqlclient==2.3.1",),
    ),
)
DATABASES = {one.name: one for one in _ALL}

#: Kinds that roadie does not support yet.
LATER = ("postgresql", "sqlite")

#: Supervisor starts the sites of a host after all of these. A host may have PostgreSQL for other uses.
SERVICES = (*(service for one in _ALL for service in one.services), "postgresql")
