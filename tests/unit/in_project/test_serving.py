"""Gunicorn as it runs in a slot: what its workers tell, and where they beat."""

from __future__ import annotations

import http.client
import os
import re
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from desk import eventually
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
        self, *options: str, application: str = "wsgi", before: str = "", keeps: tuple[int, ...] = ()
    ) -> Iterator[subprocess.Popen[str]]:
        words = [f"app:{application}", "--bind", f"unix:{self.path}", "--no-control-socket", *options]
        with subprocess.Popen(
            [sys.executable, "-c", before + SERVE, *words],
            cwd=self.folder,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            pass_fds=keeps,
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


def test_the_first_worker_that_can_serve_tells_it(site: Site) -> None:
    told, tell = os.pipe()
    os.set_inheritable(tell, True)
    wait = f"import os, time; os.environ['ROADIE_READY'] = '{tell}'; "
    slow = "import time; time.sleep(1)\n"
    (site.folder / "app.py").write_text(slow + APPLICATIONS)
    with site.serves("--workers", "2", before=wait, keeps=(tell,)):
        os.close(tell)
        assert not select.select([told], [], [], 0.2)[0]
        assert os.read(told, 1) == b"1"
        assert site.ask()
    while os.read(told, 1):  # of the other worker, and then the end: nobody else holds the pipe
        pass
    os.close(told)


def test_heartbeats_need_no_room_in_a_folder(site: Site) -> None:
    with site.serves("--worker-tmp-dir", "/dev/shm") as process:
        site.ask()
        held = {path.readlink().name for path in Path(f"/proc/{process.pid}/fd").iterdir()}
        assert "memfd:gunicorn (deleted)" in held
        assert not any("wgunicorn" in name for name in held)
    with site.serves("--worker-tmp-dir", str(site.folder)) as process:  # the project's own choice
        site.ask()
        held = {path.readlink().name for path in Path(f"/proc/{process.pid}/fd").iterdir()}
        assert any("wgunicorn" in name for name in held)


def test_a_worker_that_hangs_is_still_ended(site: Site) -> None:
    hang = "import time\ndef wsgi(environ, start_response):\n    time.sleep(60)\n"
    (site.folder / "app.py").write_text(hang)
    with site.serves("--worker-class", "sync", "--timeout", "1") as process:
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        assert eventually(lambda: children.read_text())
        first = children.read_text()
        with pytest.raises((OSError, http.client.HTTPException, AssertionError)):
            site.ask()
        assert eventually(lambda: children.read_text() not in ("", first))
