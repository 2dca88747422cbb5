"""Gunicorn as it runs in a slot. What differs from Gunicorn's own ways is here, and nothing else is.

It takes the path of its socket over in one rename, and its workers tell the gate which of them answers.
"""

import runpy
from contextlib import suppress
from inspect import iscoroutinefunction
from pathlib import Path

# The header `Forwarded` as the gate sends it. No visitor can: nginx takes it out of every request.
GATE = "by=_roadie"
NAME = "X-Roadie-Worker"


def serve():
    """Become Gunicorn. Where a Gunicorn is made otherwise, its own way has to do."""
    for change in bind_beside, name_workers:
        with suppress(ImportError, AttributeError):
            change()
    runpy.run_module("gunicorn", run_name="__main__", alter_sys=True)


def bind_beside():
    """Have a new socket listen before it gets its path, by a rename.

    Gunicorn itself removes the path, binds it and then listens: who asks in between gets no answer, though
    processes that a killed Supervisor left behind could give one. At its end Gunicorn removes the path too,
    which may be that of its successor by then.
    """
    from gunicorn import sock

    begin, close = sock.UnixSocket.__init__, sock.close_sockets

    def begin_beside(self, addr, conf, log, fd=None):
        if fd is not None:  # it listens already
            begin(self, addr, conf, log, fd=fd)
            return
        begin(self, f"{addr}.new", conf, log)
        Path(f"{addr}.new").rename(addr)
        self.cfg_addr = addr

    sock.UnixSocket.__init__ = begin_beside
    sock.close_sockets = lambda listeners, unlink=True: close(listeners, unlink=False)


def name_workers():
    """Have each worker tell the gate who it is. The gate asks until all of them have answered."""
    from gunicorn.workers.base import Worker

    load = Worker.load_wsgi

    def load_and_name(self):
        load(self)
        self.wsgi = named(self.wsgi, f"{self.pid} of {self.cfg.workers}")

    Worker.load_wsgi = load_and_name


def named(application, name):
    """The application, whose answers to the gate have one header more."""
    if iscoroutinefunction(application) or iscoroutinefunction(type(application).__call__):
        return named_asgi(application, name)

    def answer(environ, *start):  # an application of the first ASGI gets no more than a scope here
        if not start or environ.get("HTTP_FORWARDED") != GATE:
            return application(environ, *start)

        def start_named(status, headers, exc_info=None):
            return start[0](status, [*headers, (NAME, name)], exc_info)

        return application(environ, start_named)

    return answer


def named_asgi(application, name):
    """The same for one that is asynchronous."""

    async def answer(scope, receive, send):
        async def send_named(message):
            if message["type"] == "http.response.start":
                headers = [*message.get("headers", ()), (NAME.lower().encode(), name.encode())]
                message = {**message, "headers": headers}
            await send(message)

        is_gate = (b"forwarded", GATE.encode()) in scope.get("headers", ())
        await application(scope, receive, send_named if is_gate else send)

    return answer
