"""What a whole host of the guestbook holds in memory: idle, and at most while roadie works on it."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from contextlib import suppress

from fabfile.throwaway import hosts as throwaway

from .rig import Place, Reading, Rig
from .sample import Repository
from .server import Most, Server, page
from .tools import ROOT

DATABASES = ("mysql", "postgresql")
MOMENTS = ("idle", "deploy", "first")
DOMAIN = "guestbook.example.org"
VISITS = 60
_OWN = re.compile(r"^Pss_(?:Anon|Shmem): +(\d+)", re.M)
# A mapping of a file: its device, inode and place in it; what is in memory, and what of this is not shared.
_FILE = re.compile(
    r"^\S+ \S+ (\S+ \S+ [1-9]\d*) +/(?!dev/|SYSV|memfd:|\[).*\n(?:\w+:.*\n)*?"
    r"Rss: +(\d+) .*\n(?:\w+:.*\n)*?Anonymous: +(\d+)",
    re.M,
)


def used(server: Server) -> float:
    """Return the MB that all processes of a host hold. What several of them share counts once.

    PSS alone would not tell: it shares a page of a file out among all hosts of this machine that have the
    file open.
    """
    kb, files = 0, dict[str, int]()
    for process in server.processes():
        with suppress(OSError):  # it has ended
            kb += sum(int(part) for part in _OWN.findall((process / "smaps_rollup").read_text()))
            for place, rss, own in _FILE.findall((process / "smaps").read_text()):
                files[place] = max(files.get(place, 0), int(rss) - int(own))
    return (kb + sum(files.values())) / 1024


def readings(rig: Rig, rounds: int, say: Callable[[str], None]) -> Sequence[Reading]:
    """Deploy the guestbook on a host for each kind of database. Read its memory before and during deploys."""
    return [one for database in DATABASES for one in _readings(rig, database, rounds, say)]


def _readings(rig: Rig, database: str, rounds: int, say: Callable[[str], None]) -> Sequence[Reading]:
    found = []
    with throwaway.boot(f"bench-{database}", rig.suite, syncs=True) as host:
        server, repository = Server(host), Repository.copy(ROOT / "examples/guestbook", rig.folder / database)
        repository.append("fabric.yaml", f"  database: {database}\n")
        say(f"memory, {database}: bootstrap and first deploy")
        with Most(lambda: used(server)) as most:
            rig.by_roadie("site", Place(server, repository))
        found.append(Reading("memory", f"{database}, first", most.value))
        for turn in range(rounds):
            say(f"memory, {database}, round {turn + 1} of {rounds}")
            for _ in range(VISITS):
                page(host.address, DOMAIN)
            time.sleep(3)
            found.append(Reading("memory", f"{database}, idle", used(server)))
            repository.append("entries/static/entries/style.css", "/* more */\n")
            with Most(lambda: used(server)) as most:
                rig.by_roadie("deploy", Place(server, repository))
            found.append(Reading("memory", f"{database}, deploy", most.value))
    return found
