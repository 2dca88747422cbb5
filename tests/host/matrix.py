"""The shapes of projects that people have, in pairs: each value of one trait meets each value of each other.

A row is the guestbook with a database, an interface, requirements in a form, and a Debian.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

import projects
import standing
from locked import lock
from roadie.throwaway import base_trees
from roadie.throwaway.hosts import ThrowawayHost

INTERFACES = ("wsgi", "asgi")
FORMS = ("requirements.txt", "uv.lock", "poetry.lock", "Pipfile.lock")
_TOOLS = {"uv.lock": "uv", "poetry.lock": "poetry", "Pipfile.lock": "pipenv"}
SUITES = base_trees.SUITES
_LOGIN = "shop_user:p%25w%2F'1@127.0.0.1"
_MARIADB_BY_HAND = """CREATE DATABASE shop CHARACTER SET utf8mb4;
CREATE USER shop_user@localhost IDENTIFIED BY 'p%w/\\'1';
GRANT ALL ON shop.* TO shop_user@localhost;"""
_POSTGRESQL_BY_HAND = """CREATE ROLE shop_user LOGIN PASSWORD 'p%w/''1';
CREATE DATABASE shop OWNER shop_user TEMPLATE template0 ENCODING 'UTF8';"""


@dataclass(frozen=True)
class Database:
    """A database of the matrix.

    `kind` is what the settings say, `vendor` is Django's word for the same. `snapshot` makes the host to
    start from, which is one of `suites`. If that takes long, all rows are in the same `third` (thirds.py).
    For a database elsewhere, `by_hand` makes the database, and `url` leads to it.
    """

    name: str
    kind: str
    vendor: str
    driver: str
    snapshot: Callable[[str], str]
    suites: tuple[str, ...] = SUITES
    third: int | None = None
    url: str = ""
    by_hand: tuple[str, str] = ("", "")

    def make_by_hand(self, host: ThrowawayHost) -> None:
        """Make a database that roadie does not look after."""
        command, statements = self.by_hand
        if command:
            host.ssh(command, text=statements)


MARIADB = Database("mariadb", "mysql", "mysql", "mysqlclient==2.3.1", standing.packaged)
ORACLES_MYSQL = replace(
    MARIADB,
    name="oracles-mysql",
    snapshot=lambda suite: standing.with_mysql(),
    suites=("trixie",),
    third=1,
)
POSTGRESQL = Database(
    "postgresql", "postgresql", "postgresql", "psycopg[binary]==3.3.9", standing.with_postgresql
)
SQLITE = Database("sqlite", "sqlite", "sqlite", "", standing.packaged)
_ELSEWHERE = replace(
    MARIADB,
    name="external",
    kind="external",
    url=f"mysql://{_LOGIN}:3306/shop?connect_timeout=10",
    by_hand=("systemctl enable -q --now mariadb; mariadb", _MARIADB_BY_HAND),
)
_ELSEWHERE_TOO = replace(
    POSTGRESQL,
    name="external",
    kind="external",
    url=f"postgresql://{_LOGIN}:5432/shop?connect_timeout=10",
    by_hand=(
        "systemctl enable -q --now postgresql; env -C / runuser -u postgres -- psql -q",
        _POSTGRESQL_BY_HAND,
    ),
)
# Each database with the form of requirements at the same place in FORMS.
DATABASES = {
    "mariadb": (MARIADB,) * len(FORMS),
    "postgresql": (POSTGRESQL,) * len(FORMS),
    "sqlite": (SQLITE,) * len(FORMS),
    "external": (_ELSEWHERE, _ELSEWHERE_TOO) * 2,
    "oracles-mysql": (ORACLES_MYSQL,) * len(FORMS),
}


@dataclass(frozen=True)
class Row:
    """One shape of a project, and the Debian that the project comes to."""

    database: Database
    interface: str
    form: str
    suite: str

    def __str__(self) -> str:
        return f"{self.database.name}-{self.interface}-{self.form}-{self.suite}"

    @property
    def traits(self) -> tuple[str, str, str, str]:
        """The values of the row, one of each trait."""
        return self.database.name, self.interface, self.form, self.suite

    def project(self, folder: Path) -> Path:
        """Make the row's project, with settings, in a new git repository."""
        project = projects.example("guestbook", folder)
        values: dict[str, Any] = {"domain": "guestbook.example.org", "health": "/healthz"}
        values |= {"database": self.database.kind, "interface": self.interface}
        if self.database.url:
            (folder.parent / "url").write_text(self.database.url)
            values["secrets"] = {"DATABASE_URL": {"file": "../url"}}
        if self.form in _TOOLS:
            lock(project, _TOOLS[self.form])
            # roadie brings the driver of a database that it makes, but not of one elsewhere.
            if self.database.url:
                values["extra_requirements"] = [self.database.driver]
        else:
            path = project / "requirements.txt"
            path.write_text(f"{path.read_text()}{self.database.driver}\n")
        projects.settings(project, **values)
        projects.commit(project, str(self))
        return project


def rows() -> Iterator[Row]:
    """Yield rows in which each value of one trait meets each value of each other trait, where it can."""
    for (d, databases), (f, form) in product(enumerate(DATABASES.values()), enumerate(FORMS)):
        suites = databases[f].suites
        yield Row(databases[f], INTERFACES[(d + f) % 2], form, suites[(d + f // 2) % len(suites)])
