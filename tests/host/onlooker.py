"""Somebody on a host who looks at its processes all the time, as any user of a host can."""

from __future__ import annotations

import subprocess
from types import TracebackType

from roadie.throwaway.hosts import ThrowawayHost
from within import entering

# Notes every command line, and also the environment of each process that belongs neither to root nor to the
# site's own user. Ends when told to, or after ten minutes.
LOOK = r"""
import os, pwd, select, sys, time

site, names, seen = sys.argv[1], {}, set()

def name_of(uid):
    if uid not in names:
        try:
            names[uid] = pwd.getpwuid(uid).pw_name
        except KeyError:
            return str(uid)  # the user may have no name yet, because bootstrap is still making the user
    return names[uid]

def read(path):
    with open(path, "rb") as file:
        return file.read().replace(b"\0", b" ").replace(b"\n", b" ")

def look():
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            user = name_of(os.stat(f"/proc/{pid}").st_uid)
            seen.add(user.encode() + b" runs " + read(f"/proc/{pid}/cmdline"))
            if user not in ("root", site):
                seen.add(user.encode() + b" has " + read(f"/proc/{pid}/environ"))
        except OSError:
            pass

print("looking", flush=True)
deadline = time.monotonic() + 600
while not select.select([sys.stdin], [], [], 0.002)[0] and time.monotonic() < deadline:
    look()
sys.stdout.buffer.write(b"\n".join(sorted(seen)))
"""


class Onlooker:
    """Looks as long as the block lasts. Afterwards `seen` has one line for each thing that was seen."""

    def __init__(self, host: ThrowawayHost, site: str = "guestbook") -> None:
        self.host, self.site, self.seen = host, site, ""

    def __enter__(self) -> Onlooker:
        self._process = subprocess.Popen(
            [*entering(self.host), "python3", "-c", LOOK, self.site],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            errors="replace",
        )
        assert self._process.stdout
        if self._process.stdout.readline() != "looking\n":
            self._process.kill()
            raise AssertionError(f"the onlooker did not start: {self._process.communicate()}")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.seen, _ = self._process.communicate("enough\n", timeout=30)
