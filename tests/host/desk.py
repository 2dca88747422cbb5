"""A developer's desk: a project, `fab` run as a separate process, and a browser without a cache."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from roadie.throwaway.hosts import ThrowawayHost
from terminals import Terminal, terminal

FAB = Path(sys.executable).parent / "fab"


@dataclass(frozen=True)
class Done:
    """The result of a command: its exit code and its output."""

    code: int
    out: str
    err: str

    @property
    def last_line(self) -> str:
        """The last line of the error output. It must say all that matters."""
        return (self.err.strip().splitlines() or [""])[-1]

    @property
    def text(self) -> str:
        return self.out + self.err


@dataclass(frozen=True)
class Desk:
    """One project on a developer's machine, and the host that its commands go to.

    `options` are the options of fab that lead to the host, if they are not the usual `-S` and `-H`.
    """

    project: Path
    host: ThrowawayHost
    user: str = "root"
    options: tuple[str, ...] | None = None

    def fab(self, *words: str, timeout: float = 900, env: Mapping[str, str] | None = None) -> Done:
        """Run fab to its end, without a terminal."""
        with self.started(*words, env=env) as process:
            out, err = process.communicate(timeout=timeout)
        return Done(process.returncode, out, err)

    def does(self, *words: str, **options: Any) -> Done:
        """Run fab, which must succeed."""
        done = self.fab(*words, **options)
        assert done.code == 0, f"fab {' '.join(words)} ended with {done.code}:\n{done.text}"
        return done

    @contextmanager
    def started(self, *words: str, env: Mapping[str, str] | None = None) -> Iterator[subprocess.Popen[str]]:
        """Start fab and yield the running process. When the block ends, fab is killed if it still runs."""
        process = subprocess.Popen(
            [FAB, *self.way, *words],
            cwd=self.project,
            env={**os.environ, "COLUMNS": "200", **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        try:
            yield process
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            for stream in process.stdout, process.stderr:
                if stream:
                    stream.close()

    @contextmanager
    def at_a_terminal(
        self, *words: str, columns: int = 100, env: Mapping[str, str] | None = None
    ) -> Iterator[Terminal]:
        """Start fab in a terminal with so many columns, and yield the terminal."""
        with terminal([str(FAB), *self.way, *words], self.project, columns, env) as made:
            yield made

    def sees(
        self, *words: str, columns: int = 100, code: int = 0, env: Mapping[str, str] | None = None
    ) -> Terminal:
        """Run fab to its end in a terminal with so many columns; it must end with this code."""
        with self.at_a_terminal(*words, columns=columns, env=env) as made:
            assert made.end() == code, made.text
        return made

    @property
    def way(self) -> tuple[str, ...]:
        """The options of fab that lead to the host."""
        plain = ("-S", str(self.host.ssh_config), "-H", f"{self.user}@{self.host.name}")
        return plain if self.options is None else self.options


@dataclass(frozen=True)
class Answer:
    """One answer, as a browser gets it."""

    status: int
    headers: Mapping[str, str]
    body: str


def browse(
    host: ThrowawayHost,
    path: str = "/",
    domain: str = "guestbook.example.org",
    method: str = "GET",
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    timeout: float = 30,
    trusted: ssl.SSLContext | None = None,
) -> Answer:
    """Ask nginx on the host for a page of the domain, over a new connection; by https with `trusted`."""
    connection = http.client.HTTPConnection(host.address, 443 if trusted else 80, timeout=timeout)
    try:
        if trusted:
            plain = socket.create_connection((host.address, 443), timeout=timeout)
            connection.sock = trusted.wrap_socket(plain, server_hostname=domain)
        connection.request(method, path, body, {"Host": domain, **(headers or {})})
        answer = connection.getresponse()
        text = answer.read().decode("utf-8", "replace")
        return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, text)
    finally:
        connection.close()


def is_up(host: ThrowawayHost, domain: str = "guestbook.example.org") -> bool:
    """Return whether the site's first page answers with 200. A refused or lost connection counts as no."""
    try:
        return browse(host, "/", domain, timeout=5).status == 200
    except OSError:
        return False


def is_serving(host: ThrowawayHost) -> bool:
    """Return whether the guestbook answers with 200. A refused or lost connection counts as no."""
    try:
        return browse(host).status == 200
    except OSError:
        return False


def eventually(condition: object, seconds: float = 20) -> bool:
    """Wait until the condition, a function, is true. Return False if it is not true within `seconds`."""
    assert callable(condition)
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True
