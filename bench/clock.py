"""Runs one command and writes down its time, processor time and peak memory.

This is a small separate process, because a child's peak memory includes what its parent held at the fork.
"""

from __future__ import annotations

import json
import os
import sys
import time


def main(note: str, *command: str) -> None:
    """Run the command to its end and write its figures to the file `note`."""
    began = time.monotonic()
    pid = os.posix_spawnp(command[0], command, os.environ)
    _, status, used = os.wait4(pid, 0)
    figures = {
        "began": began,
        "wall": time.monotonic() - began,
        "code": os.waitstatus_to_exitcode(status),
        "cpu": used.ru_utime + used.ru_stime,
        "rss": used.ru_maxrss / 1024,
    }
    with open(note, "w") as file:  # noqa: PTH123  pathlib alone takes as long to import as all of this
        json.dump(figures, file)


if __name__ == "__main__":
    main(*sys.argv[1:])
