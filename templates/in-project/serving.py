"""Gunicorn as it runs in a slot. What differs from Gunicorn's own ways is here, and nothing else is.

It takes the path of its socket over in one rename.
"""

import runpy
from contextlib import suppress
from pathlib import Path


def serve():
    """Become Gunicorn. Where a Gunicorn is made otherwise, its own way has to do."""
    with suppress(ImportError, AttributeError):
        bind_beside()
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
