"""Keeps a Celery worker that stops from having a task done twice. roadie's workers include this module.

Celery's own pool, `prefork`, hands a task to one of its processes. The worker takes the task off the queue
once the process says that the task has begun. If the worker is told to stop in between, Celery forgets that
the process has the task. So the process does the task, and yet the task goes back into the queue. This pool
does not forget.
"""

from billiard.pool import RUN
from celery.concurrency.prefork import TaskPool


class Pool(TaskPool.Pool):
    """Celery's pool of processes. Until it has stopped, this one remembers which tasks a process has got."""

    def flush(self):
        """Forget the tasks that no process has got. They go back into the queue."""
        handed_over = {number: job for number, job in self._cache.items() if self._is_handed_over(job)}
        super().flush()
        if self._state != RUN:
            self._cache.update(handed_over)

    def _is_handed_over(self, job):
        """Whether a process has got the whole task. A long one may be half written."""
        return bool(getattr(job, "_write_to", None)) and job._writer() not in self._active_writers


TaskPool.Pool = Pool
