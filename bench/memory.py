"""What the whole host of an example holds in memory: idle, and at most while roadie works on it."""

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

#: the sites that are measured: the example, which postbox has Celery and Redis besides, and its database
SITES = {
    "mysql": ("guestbook", "mysql"),
    "postgresql": ("guestbook", "postgresql"),
    "celery, mysql": ("postbox", "mysql"),
    "celery, postgresql": ("postbox", "postgresql"),
}
#: what a deploy changes in each example
CHANGES = {
    "guestbook": ("entries/static/entries/style.css", "/* more */\n"),
    "postbox": ("letters/tasks.py", "# more\n"),
}
MOMENTS = ("idle", "deploy", "first")
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
    """Deploy each site on a host of its own. Read the host's memory before and during deploys."""
    return [one for site in SITES for one in _readings(rig, site, rounds, say)]


def _readings(rig: Rig, site: str, rounds: int, say: Callable[[str], None]) -> Sequence[Reading]:
    example, database = SITES[site]
    name, found = f"{example}-{database}", []
    with throwaway.boot(f"bench-{name}", rig.suite, syncs=True) as host:
        server, repository = Server(host), Repository.copy(ROOT / "examples" / example, rig.folder / name)
        settings = repository.folder / "fabric.yaml"
        settings.write_text(settings.read_text().replace("tls: letsencrypt", 'tls: "off"'))
        repository.append("fabric.yaml", f"  database: {database}\n")
        say(f"memory, {site}: bootstrap and first deploy")
        with Most(lambda: used(server)) as most:
            rig.by_roadie("site", Place(server, repository))
        found.append(Reading("memory", f"{site}, first", most.value))
        for turn in range(rounds):
            say(f"memory, {site}, round {turn + 1} of {rounds}")
            for _ in range(VISITS):
                page(host.address, f"{example}.example.org")
            time.sleep(3)
            found.append(Reading("memory", f"{site}, idle", used(server)))
            repository.append(*CHANGES[example])
            with Most(lambda: used(server)) as most:
                rig.by_roadie("deploy", Place(server, repository))
            found.append(Reading("memory", f"{site}, deploy", most.value))
    return found
