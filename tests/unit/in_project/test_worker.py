"""What Celery's pool of processes remembers when its worker is told to stop."""

from __future__ import annotations

import subprocess
import sys

import pytest
from roadie.scripts.render import TEMPLATES

# A process has got the first of three tasks, and a half of the second. No process has got the third.
FLUSH = """
import runpy, sys
Pool = runpy.run_path(sys.argv[1])["Pool"]
from celery.concurrency.prefork import TaskPool
assert TaskPool.Pool is Pool

class Job:
    _accepted = False
    def __init__(self, number, process=None, writer=None):
        self.number, self._write_to, self._writer = number, process, lambda: writer
    def discard(self):
        del pool._cache[self.number]

pool = object.__new__(Pool)
writer = (one for one in [1])
pool._cache = {1: Job(1, "process"), 2: Job(2, "process", writer), 3: Job(3)}
pool._state, pool.synack, pool.maintain_pool = int(sys.argv[2]), False, lambda: None
pool.outbound_buffer, pool._active_writers, pool._active_writes = set(), {writer}, set()
pool._busy_workers = set()
if pool._state == 0:
    pool._active_writers = set()
pool.flush()
print(*pool._cache)
"""


@pytest.mark.parametrize(("state", "remembered"), [("0", ""), ("1", "1")])
def test_only_a_pool_that_stops_remembers_what_its_processes_have_got(state: str, remembered: str) -> None:
    words = [sys.executable, "-c", FLUSH, str(TEMPLATES / "in-project/worker.py"), state]
    assert subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip() == remembered
