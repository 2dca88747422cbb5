"""Gunicorn as it runs in a slot: the path of its socket, and what its workers tell the gate."""

from __future__ import annotations

import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest
from roadie.scripts.render import TEMPLATES

APPLICATIONS = """
def wsgi(environ, start_response):
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]

async def asgi(scope, receive, send):
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"ok"})

def first_asgi(scope):
    async def answer(receive, send):
        await asgi(scope, receive, send)
    return answer
"""
# Makes Gunicorn slow: it waits before it binds a socket, and again before it listens there.
SLOWLY = """
import time
from gunicorn import sock
bind = sock.UnixSocket.bind
def bind_slowly(self, made):
    time.sleep(0.2)
    bind(self, made)
    time.sleep(0.2)
sock.UnixSocket.bind = bind_slowly
"""
SERVE = "import roadie_serving; roadie_serving.serve()"
GATE = {"Forwarded": "by=_roadie"}
CLASSES = {
    "sync": "wsgi",
    "gthread": "wsgi",
    "gevent": "wsgi",
    "uvicorn_worker.UvicornWorker": "asgi",
}


class Site:
    """Gunicorn on a socket in a test's folder."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.path = folder, folder / "blue.sock"
        (folder / "roadie_serving.py").write_text((TEMPLATES / "in-project/serving.py").read_text())
        (folder / "app.py").write_text(APPLICATIONS)

    @contextmanager
    def serves(
        self, *options: str, application: str = "wsgi", before: str = ""
    ) -> Iterator[subprocess.Popen[str]]:
        words = [f"app:{application}", "--bind", f"unix:{self.path}", "--no-control-socket", *options]
        with subprocess.Popen(
            [sys.executable, "-c", before + SERVE, *words],
            cwd=self.folder,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        ) as process:
            try:
                self.until_it_listens(process)
                yield process
            finally:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)

    def until_it_listens(self, process: subprocess.Popen[str]) -> None:
        """Wait until Gunicorn's master says that it listens."""
        assert process.stderr
        for line in process.stderr:
            if "Listening at: " in line:
                assert line.split()[-2].removesuffix(")") == f"unix:{self.path}"
                return
        raise AssertionError("Gunicorn ended before it listened")

    def ask(self, headers: Mapping[str, str] = GATE) -> str:
        """Ask for a page. Return the header that names the worker, or an empty text."""
        connection = http.client.HTTPConnection("www.example.org")
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.settimeout(20)
        try:
            connection.sock.connect(str(self.path))
            connection.request("GET", "/", headers={"Connection": "close", **headers})
            answer = connection.getresponse()
            assert (answer.status, answer.read()) == (200, b"ok")
            return answer.getheader("X-Roadie-Worker") or ""
        finally:
            connection.close()


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


@pytest.mark.parametrize(("kind", "application"), CLASSES.items(), ids=str)
def test_the_gate_is_told_which_worker_answers_and_visitors_are_not(
    site: Site, kind: str, application: str
) -> None:
    with site.serves("--workers", "3", "--worker-class", kind, application=application) as process:
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        told: set[str] = set()
        deadline = time.monotonic() + 20
        while len(told) < 3 and time.monotonic() < deadline:
            told.add(site.ask())
        assert told == {f"{pid} of 3" for pid in children.read_text().split()}
        for headers in {}, {"Forwarded": "for=1.2.3.4"}, {"X-Roadie-Worker": "1"}:
            assert site.ask(headers) == ""


def test_the_projects_own_number_of_workers_and_hooks_count(site: Site) -> None:
    own = "workers = 2\npreload_app = True\ndef post_fork(server, worker):\n    print('forked', flush=True)\n"
    (site.folder / "gunicorn.conf.py").write_text(own)
    with site.serves():
        assert re.fullmatch(r"\d+ of 2", site.ask())


def test_an_application_of_asgi_2_is_left_alone(site: Site) -> None:
    with site.serves("--worker-class", "uvicorn_worker.UvicornWorker", application="first_asgi"):
        assert site.ask() == ""


def test_somebody_listens_at_the_path_all_the_time(site: Site) -> None:
    with ExitStack() as stack:
        first = stack.enter_context(site.serves())
        with asked_all_the_time(site):
            stack.enter_context(site.serves(before=SLOWLY))
        assert not site.path.with_name("blue.sock.new").exists()
        first.terminate()  # when the first ends, it must not remove the second's socket
        assert first.wait(20) == 0
        site.ask()
    with site.serves():  # at the path lies the socket of a killed Gunicorn
        site.ask()


def test_the_half_made_socket_of_a_killed_gunicorn_is_in_nobodys_way(site: Site) -> None:
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(f"{site.path}.new")
    with site.serves():
        site.ask()


@contextmanager
def asked_all_the_time(site: Site) -> Iterator[None]:
    """Ask for pages as long as the block lasts, and check that each request gets an answer."""
    over = threading.Event()

    def ask() -> int:
        count = 0
        while not over.is_set():
            site.ask({})
            count += 1
        return count

    with ThreadPoolExecutor(1) as crowd:
        asked = crowd.submit(ask)
        try:
            yield
        finally:
            over.set()
    assert asked.result() > 20
