"""Sets up hosts and repositories for one bench, and carries out one run of one tool on them."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from fabfile.throwaway import hosts as throwaway

from .sample import DOMAIN, Repository
from .server import Server, Visitor
from .tools import ROADIE, ROADIE_TASKS, Tool, environment

CLOCK = Path(__file__).with_name("clock.py")
TIMEOUT = 900


@dataclass(frozen=True)
class Run:
    """The figures of one run of one tool. Times are in seconds, `rss` is in megabytes.

    `others` are the processor seconds that everything else on this machine used during `span`. `span` begins
    just before the run and ends just after it.
    """

    measure: str
    tool: str
    round_trip: int
    wall: float
    cpu: float
    rss: float
    span: float
    others: float
    host_cpu: float = 0.0
    answers: float = 0.0
    connections: int = 0
    sessions: int = 0

    def as_json(self) -> dict[str, Any]:
        """Return the figures by name."""
        return asdict(self)


@dataclass(frozen=True)
class Reading:
    """One figure that is not the time of a run, such as a share of memory."""

    measure: str
    what: str
    value: float

    def as_json(self) -> dict[str, Any]:
        """Return the fields by name."""
        return asdict(self)


class RunFailed(Exception):
    """A tool did not do its job. The message has the last lines of its output."""


@dataclass(frozen=True)
class Place:
    """A host and a repository that belong together."""

    server: Server
    repository: Repository


class Rig:
    """The hosts, repositories and files of a bench. They are removed when the block ends, however it ends."""

    def __init__(self, peers: Path, virtualenvs: dict[str, Path], suite: str) -> None:
        self.peers, self.virtualenvs, self.suite = peers, virtualenvs, suite
        self.places: dict[str, Place] = {}
        self._stack = ExitStack()

    def __enter__(self) -> Rig:
        folder = tempfile.TemporaryDirectory(prefix="roadie-bench-")
        self.folder = Path(self._stack.enter_context(folder))
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def settle(self, tools: Sequence[Tool]) -> None:
        """Boot a host for each place that the tools need, and give it a repository."""
        for tool in tools:
            if tool.place not in self.places:
                self.places[tool.place] = self.new_place(tool.place, self._stack, self._snapshot())

    def new_place(self, name: str, stack: ExitStack, snapshot: str | None = None) -> Place:
        """Boot a host and make a repository for it. The host goes down when the stack closes."""
        host = throwaway.boot(f"bench-{name}", self.suite, snapshot, syncs=True)
        server = Server(stack.enter_context(host))
        repository = Repository.copy(self.peers / "sample", self._scratch() / "sample")
        if name == "roadie":
            repository.add_roadie()
        return Place(server, repository)

    def _snapshot(self) -> str:
        """Return a snapshot of a host that has the job's packages, so that no measure includes apt.

        Each boot asks again, because new snapshots of other runs push old ones out.
        """
        packages = (self.peers / "job/packages.txt").read_text().split()
        label = "bench-" + hashlib.sha256(" ".join(packages).encode()).hexdigest()[:8]
        install = "apt-get -qq install --no-install-recommends"
        command = f"apt-get -qq update && DEBIAN_FRONTEND=noninteractive {install} {' '.join(packages)}"
        return throwaway.prepared(label, lambda host: host.ssh(command), self.suite)

    def run(
        self,
        measure: str,
        tool: Tool,
        verb: str,
        round_trip: int = 0,
        *,
        is_new: bool = False,
        shows: int = 0,
        place: Place | None = None,
        more: Sequence[str] = (),
    ) -> Run:
        """Run a tool once. With `is_new`, wait until the page shows the new revision.

        This revision is `shows`, or the repository's own if `shows` is 0. `more` are further arguments for
        roadie's task.
        """
        place = place or self.places[tool.place]
        argv, env, folder = self._command(tool, verb, place, round_trip)
        argv = [*argv, *more]
        server = place.server
        server.connections()
        text = f"revision={shows or place.repository.revision}<"
        visitor = Visitor(server.host.address, DOMAIN, text) if is_new else None
        before = server.cpu()
        figures = self._clock(argv, env, folder, measure=f"{tool.name} {verb}")
        host_cpu = server.cpu() - before
        seen = visitor.seen(timeout=5) if visitor else 0.0
        if visitor and not seen:
            raise RunFailed(f"{tool.name} {verb}: the page does not show {text}")
        connections, sessions = server.connections()
        return Run(
            measure,
            tool.name,
            round_trip,
            wall=figures["wall"],
            cpu=figures["cpu"],
            rss=figures["rss"],
            host_cpu=host_cpu,
            span=figures["span"],
            others=max(0.0, figures["busy"] - figures["cpu"] - host_cpu),
            answers=seen - figures["began"] if seen else 0.0,
            connections=connections,
            sessions=sessions,
        )

    def by_roadie(self, verb: str, place: Place) -> None:
        """Have roadie do this at a place. No figure is taken."""
        argv, env, folder = self._command(ROADIE, verb, place, 0)
        self._clock(argv, env, folder, measure=f"roadie {verb}")

    def run_here(self, measure: str, name: str, argv: Sequence[str | Path], folder: Path) -> Run:
        """Run a command that needs no host."""
        figures = self._clock(argv, environment(), folder, measure=name)
        return Run(
            measure,
            name,
            0,
            wall=figures["wall"],
            cpu=figures["cpu"],
            rss=figures["rss"],
            span=figures["span"],
            others=max(0.0, figures["busy"] - figures["cpu"]),
        )

    def _command(
        self, tool: Tool, verb: str, place: Place, round_trip: int
    ) -> tuple[list[str | Path], dict[str, str], Path]:
        host = place.server.host
        if not tool.folder:
            config = place.server.ssh_config(self.folder, round_trip)
            fab = self.virtualenvs["roadie"] / "bin/fab"
            argv: list[str | Path] = [fab, "-S", config, "-H", f"root@{host.name}", *ROADIE_TASKS[verb]]
            return argv, environment(), place.repository.folder
        scratch = self._scratch()
        env = environment(
            HOSTS=f"web={place.server.address(round_trip)}:22",
            KEY=host.key,
            REPO=place.repository.folder,
            RUN=scratch,
            VENV=self.virtualenvs["peers" if tool.folder == "pyinfra" else "roadie"],
            **tool.env,
        )
        return [self.peers / "tools" / tool.folder / "run", verb], env, scratch

    def _scratch(self) -> Path:
        return Path(tempfile.mkdtemp(dir=self.folder))

    def _clock(
        self, argv: Sequence[str | Path], env: dict[str, str], folder: Path, measure: str
    ) -> dict[str, float]:
        note, log = self.folder / "figures.json", self.folder / "output.log"
        note.unlink(missing_ok=True)
        before, began = _busy(), time.monotonic()
        with log.open("w") as output:
            process = subprocess.Popen(
                [sys.executable, "-ISE", CLOCK, note, *argv],
                cwd=folder,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            try:
                process.wait(TIMEOUT)
            except BaseException:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                raise
        busy, span = _busy() - before, time.monotonic() - began
        figures: dict[str, float] = json.loads(note.read_text()) if note.exists() else {"code": 1}
        if figures["code"]:
            said = "\n".join(log.read_text("utf-8", "replace").splitlines()[-15:])
            raise RunFailed(f"{measure} failed ({figures['code']:.0f}):\n{said}")
        return {**figures, "busy": busy, "span": span}


def _busy() -> float:
    """Return how many processor seconds this machine has been busy since it booted."""
    fields = [int(field) for field in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]]
    idle = fields[3] + fields[4]
    return (sum(fields[:8]) - idle) / os.sysconf("SC_CLK_TCK")
