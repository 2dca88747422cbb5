"""Keeps a worker of Celery from having a task done twice when the worker stops. roadie's workers include it.

Celery's own pool, `prefork`, hands a task to one of its processes. The worker takes the task off the queue
once the process says that the task has begun. If the worker is told to stop in between, Celery forgets the
task. So the process does the task, and the task goes back into the queue, too. This pool does not forget it.
"""

from billiard.pool import RUN
from celery.concurrency.prefork import TaskPool


class Pool(TaskPool.Pool):
    """Celery's pool of processes, which remembers, until it has stopped, what each process has got."""

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
