"""The kinds of database, as a test on a host needs them: how to ask one, and how to kill its server."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

import thirds
from roadie.throwaway.hosts import ThrowawayHost
from within import inside

_FILE = "/srv/guestbook/shared/database/db.sqlite3"
_READ = "import sqlite3, sys; print(*(row[0] for row in sqlite3.connect(sys.argv[1]).execute(sys.argv[2])))"
# All other processes of PostgreSQL come from this one. If another one dies, the server begins anew by itself.
_POSTMASTER = "$(head -qn 1 /var/lib/postgresql/*/main/postmaster.pid)"


@dataclass(frozen=True)
class Kind:
    """A kind of database. `ask` is shell that prints what the SQL in $1 answers in the guestbook's database.

    Each of `kills` is shell that kills the server, or a part of it. A kind without a server has none.
    """

    name: str
    ask: str
    kills: tuple[str, ...] = ()

    def rows(self, host: ThrowawayHost, sql: str) -> list[str]:
        """Return what the database answers: one column, whose values have no blanks."""
        return inside(host, self.ask, sql).split()

    def answers(self, host: ThrowawayHost) -> bool:
        """Whether the database answers."""
        return inside(host, f"{{ {self.ask}; }} 2>/dev/null || :", "SELECT 1").split() == ["1"]


KINDS: Mapping[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind("mysql", 'mariadb -N guestbook -e "$1"', ("pkill -KILL -x mariadbd",)),
        Kind(
            "postgresql",
            'env -C / runuser -u guestbook -- psql -XAtc "$1" guestbook',
            (
                "pkill -KILL -x postgres",
                f"kill -KILL {_POSTMASTER}",
                f"kill -KILL $(pgrep -P {_POSTMASTER} | shuf -n 1)",
            ),
        ),
        Kind("sqlite", f'setpriv --reuid=guestbook --clear-groups python3 -c "{_READ}" {_FILE} "$1"'),
    )
}


def in_turn(shift: int = 0) -> str:
    """Return the kind whose turn it is (thirds.py). TEST_DATABASE names one for all tests.

    Tests with different shifts have different kinds in the same run.
    """
    return os.environ.get("TEST_DATABASE") or thirds.in_turn([*KINDS], shift)
