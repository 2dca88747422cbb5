"""Starts Gunicorn in a slot, with two changes: workers name themselves to the gate, and beat in memory.

The tool `enclose` made the socket. If older processes still serve this slot, `enclose` waits until this
Gunicorn can serve. The first worker that has loaded the application tells it so.
"""

import os
import runpy
from contextlib import suppress
from inspect import iscoroutinefunction

# What the gate sends as the header `Forwarded`. Visitors cannot send it: nginx removes the header.
GATE = "by=_roadie"
NAME = "X-Roadie-Worker"


def serve():
    """Become Gunicorn. If a version of Gunicorn has no place for a change, do without that change."""
    ready = int(os.environ.pop("ROADIE_READY", 0))
    if ready:
        os.set_inheritable(ready, False)  # not for programs that the project starts
    for change in lambda: change_workers(ready), keep_beats_in_memory:
        with suppress(ImportError, AttributeError):
            change()
    runpy.run_module("gunicorn", run_name="__main__", alter_sys=True)


def change_workers(ready):
    """Have each worker name itself to the gate, which asks until all workers have answered."""
    from gunicorn.workers.base import Worker

    load = Worker.load_wsgi

    def load_and_tell(self):
        load(self)
        self.wsgi = named(self.wsgi, f"{self.pid} of {self.cfg.workers}")
        if ready:
            with suppress(BrokenPipeError):  # nobody waits for this any more
                os.write(ready, b"1")

    Worker.load_wsgi = load_and_tell


def keep_beats_in_memory():
    """Have workers beat in files without a name. In /dev/shm, another site could use up all the room."""
    from gunicorn.workers.workertmp import WorkerTmp

    begin = WorkerTmp.__init__

    def begin_in_memory(self, cfg):
        if cfg.worker_tmp_dir != "/dev/shm":  # the project's own
            begin(self, cfg)
            return
        self._tmp = os.fdopen(os.memfd_create("gunicorn"), "w+b", 0)
        self.spinner = 0  # for Gunicorn before 20.1

    WorkerTmp.__init__ = begin_in_memory


def named(application, name):
    """The application, with one more header in its answers to the gate."""
    if iscoroutinefunction(application) or iscoroutinefunction(type(application).__call__):
        return named_asgi(application, name)

    def answer(environ, *start):  # ASGI 2 calls an application with a scope alone
        if not start or environ.get("HTTP_FORWARDED") != GATE:
            return application(environ, *start)

        def start_named(status, headers, exc_info=None):
            return start[0](status, [*headers, (NAME, name)], exc_info)

        return application(environ, start_named)

    return answer


def named_asgi(application, name):
    """The same for an asynchronous application."""

    async def answer(scope, receive, send):
        async def send_named(message):
            if message["type"] == "http.response.start":
                headers = [*message.get("headers", ()), (NAME.lower().encode(), name.encode())]
                message = {**message, "headers": headers}
            await send(message)

        is_gate = (b"forwarded", GATE.encode()) in scope.get("headers", ())
        await application(scope, receive, send_named if is_gate else send)

    return answer
