"""Starts Gunicorn in a slot, with two changes to it.

A new socket takes over the path of the old one by one rename. And each worker tells the gate who it is.
"""

import runpy
from contextlib import suppress
from inspect import iscoroutinefunction
from pathlib import Path

# What the gate sends as the header `Forwarded`. Visitors cannot send it: nginx removes the header.
GATE = "by=_roadie"
NAME = "X-Roadie-Worker"


def serve():
    """Become Gunicorn. If a version of Gunicorn has no place for a change, do without that change."""
    for change in bind_beside, name_workers:
        with suppress(ImportError, AttributeError):
            change()
    runpy.run_module("gunicorn", run_name="__main__", alter_sys=True)


def bind_beside():
    """Have a new socket listen before it gets its path, by a rename.

    Gunicorn removes the path, binds it and then listens. A request in between would get no answer, although
    processes that a killed Supervisor left behind could still answer it. When Gunicorn ends, it also removes
    the path. That is prevented here, as the path may belong to its successor by then.
    """
    from gunicorn import sock

    begin, close = sock.UnixSocket.__init__, sock.close_sockets

    def begin_beside(self, addr, conf, log, fd=None):
        if fd is not None:  # an inherited socket, which listens already
            begin(self, addr, conf, log, fd=fd)
            return
        begin(self, f"{addr}.new", conf, log)
        Path(f"{addr}.new").rename(addr)
        self.cfg_addr = addr

    sock.UnixSocket.__init__ = begin_beside
    sock.close_sockets = lambda listeners, unlink=True: close(listeners, unlink=False)


def name_workers():
    """Have each worker name itself to the gate, which asks until all workers have answered."""
    from gunicorn.workers.base import Worker

    load = Worker.load_wsgi

    def load_and_name(self):
        load(self)
        self.wsgi = named(self.wsgi, f"{self.pid} of {self.cfg.workers}")

    Worker.load_wsgi = load_and_name


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
