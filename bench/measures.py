"""The measures. Each sets up what it needs and lets its tools take turns."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from . import memory
from .delay import slow_ways
from .load import Waits, saturation, visitors
from .rig import Place, Reading, Rig, Run, RunFailed
from .sample import DOMAIN, Repository
from .server import Most
from .tools import BASH, FABRIC_FAST, FABRIC_ONE, PYINFRA, ROADIE, Tool

STARTS = {
    "python": "python -c pass",
    "fabric": "python -c 'import fabric'",
    "plain": "fab --list, a fabfile that imports fabric",
    "listed": "fab --list, a fabfile that imports roadie",
}


@dataclass(frozen=True)
class Measure:
    """One job that several tools do at several round-trip times (ms)."""

    name: str
    title: str
    verb: str
    tools: Sequence[Tool]
    round_trips: Sequence[int]
    #: done to the repository before each run
    before: Callable[[Repository], None] | None = None
    #: the tool that the other tools are compared with
    floor: str = "bash"


MEASURES = (
    Measure(
        "converged",
        "Bootstrap of a host that needs no change",
        "bootstrap",
        (BASH, FABRIC_ONE, PYINFRA, ROADIE),
        (0, 50, 100),
    ),
    Measure(
        "line",
        "Deploy of a one-line change",
        "deploy",
        (BASH, FABRIC_FAST, PYINFRA, ROADIE),
        (0, 100),
        Repository.change_line,
        floor="fabric-fast",
    ),
    Measure("nothing", "Deploy with nothing new", "deploy", (BASH, FABRIC_FAST, PYINFRA, ROADIE), (0, 100)),
    Measure(
        "requirement",
        "Deploy of one more requirement",
        "deploy",
        (BASH, PYINFRA, ROADIE),
        (0, 100),
        Repository.add_requirement,
    ),
)
NAMES = ("start", *(measure.name for measure in MEASURES), "rollback", "switch", "memory", "cold")
LOAD = 0.4  # the load, as a part of the rate that the site can answer
COLD_TOOLS = (BASH, FABRIC_ONE, PYINFRA, ROADIE)


class Bench:
    """Takes the measures. `runs` and `readings` hold the figures, `failures` the runs that failed."""

    def __init__(self, rig: Rig, rounds: int, quick: bool) -> None:
        self.rig, self.rounds, self.quick = rig, rounds, quick
        self.runs: list[Run] = []
        self.readings: list[Reading] = []
        self.failures: list[str] = []
        self._ready: set[str] = set()

    def take(self, names: Sequence[str]) -> None:
        """Take the measures with these names, in the order of NAMES."""
        if "start" in names:
            self._start()
        for measure in MEASURES:
            if measure.name in names:
                self._measure(measure)
        for name, take in (("rollback", self._rollback), ("switch", self._switch)):
            if name in names:
                self._by_roadie(take)
        if "memory" in names:
            self._memory()
        if "cold" in names:
            self._cold()

    def _start(self) -> None:
        commands = self._commands()
        for _ in range(self.rounds * 3):
            for name, (argv, folder) in commands.items():
                self.runs.append(self.rig.run_here("start", name, argv, folder))

    def _commands(self) -> dict[str, tuple[list[str | Path], Path]]:
        programs = self.rig.virtualenvs["roadie"] / "bin"
        plain, ours = self.rig.folder / "plain", self.rig.folder / "ours"
        for folder, text in (
            (plain, "from fabric import task\n\n\n@task\ndef hello(c):\n    pass\n"),
            (ours, "from roadie import *\n"),
        ):
            folder.mkdir()
            (folder / "fabfile.py").write_text(text)
        return {
            "python": ([programs / "python", "-c", "pass"], plain),
            "fabric": ([programs / "python", "-c", "import fabric"], plain),
            "plain": ([programs / "fab", "--list"], plain),
            "listed": ([programs / "fab", "--list"], ours),
        }

    def _measure(self, measure: Measure) -> None:
        tools = [tool for tool in measure.tools if not (self.quick and tool is PYINFRA)]
        self.rig.settle(tools)
        # The first turn does not count: the first run on a host fills caches.
        for tool in list(tools):
            try:
                self._make_ready(tool)
                self._once(measure, tool, 0)
            except RunFailed as failure:
                self._drop(tools, tool, failure)
        for round_trip in measure.round_trips:
            places = {tool.place for tool in tools}
            hosts = [self.rig.places[place].server.host for place in places]
            with ExitStack() as stack:
                if round_trip:
                    stack.enter_context(
                        slow_ways({host.slot: host.name for host in hosts}, round_trip / 1000)
                    )
                self._rounds(measure, tools, round_trip)

    def _rounds(self, measure: Measure, tools: list[Tool], round_trip: int) -> None:
        for turn in range(self.rounds):
            _say(f"{measure.name}, {round_trip} ms, round {turn + 1} of {self.rounds}")
            shift = turn % len(tools) if tools else 0
            for tool in [*tools[shift:], *tools[:shift]]:
                try:
                    self.runs.append(self._once(measure, tool, round_trip))
                except RunFailed as failure:
                    self._drop(tools, tool, failure)

    def _once(self, measure: Measure, tool: Tool, round_trip: int) -> Run:
        if measure.before:
            measure.before(self.rig.places[tool.place].repository)
        return self.rig.run(measure.name, tool, measure.verb, round_trip, is_new=measure.before is not None)

    def _make_ready(self, tool: Tool) -> None:
        if tool.place not in self._ready:
            _say(f"{tool.name}: bootstrap and first deploy")
            self.rig.run("ready", tool, "site", is_new=True)
            self._ready.add(tool.place)

    def _by_roadie(self, take: Callable[[Place], None]) -> None:
        """Take a measure that only roadie can do."""
        self.rig.settle([ROADIE])
        try:
            self._make_ready(ROADIE)
            take(self.rig.places[ROADIE.place])
        except RunFailed as failure:
            self.failures.append(str(failure))
            _say(str(failure))

    def _rollback(self, place: Place) -> None:
        for turn in range(self.rounds):
            _say(f"rollback, round {turn + 1} of {self.rounds}")
            before = place.repository.revision
            place.repository.change_line()
            self.rig.run("ready", ROADIE, "deploy", is_new=True)
            left = place.server.release()
            self.runs.append(self.rig.run("rollback", ROADIE, "rollback", is_new=True, shows=before))
            back = self.rig.run("rollback-to", ROADIE, "rollback", is_new=True, more=["--to", left])
            self.runs.append(back)
            self._read("rollback", "start of the app", place.server.start_of_app())

    def _switch(self, place: Place) -> None:
        address, held = place.server.host.address, place.server.memory
        for turn in range(self.rounds):
            _say(f"switch, round {turn + 1} of {self.rounds}")
            most = saturation(address, DOMAIN, 4)
            self._read("switch", "saturation", most)
            self._read("switch", "memory, one slot", held())
            quiet, busy = Waits(), Waits()
            with visitors(address, DOMAIN, LOAD * most, quiet):
                time.sleep(10)
            place.repository.change_line()
            with visitors(address, DOMAIN, LOAD * most, busy), Most(held) as both:
                self.rig.run("switch", ROADIE, "deploy", is_new=True)
            self._read("switch", "memory, both slots", both.value)
            for when, waits in (("quiet", quiet), ("deploy", busy)):
                self._read("switch", f"p99, {when}", waits.p99)
                self._read("switch", f"failed, {when}", waits.failed)

    def _read(self, measure: str, what: str, value: float) -> None:
        self.readings.append(Reading(measure, what, value))

    def _memory(self) -> None:
        try:
            self.readings += memory.readings(self.rig, self.rounds, _say)
        except RunFailed as failure:
            self.failures.append(str(failure))
            _say(str(failure))

    def _cold(self) -> None:
        tools = list(COLD_TOOLS)
        for turn in range(min(self.rounds, 3)):
            for tool in [*tools[turn % len(tools) :], *tools[: turn % len(tools)]]:
                _say(f"cold, round {turn + 1}: {tool.name}")
                with ExitStack() as stack:
                    place = self.rig.new_place(tool.place, stack)
                    try:
                        self.runs.append(self.rig.run("cold", tool, "site", is_new=True, place=place))
                    except RunFailed as failure:
                        self._drop(tools, tool, failure)

    def _drop(self, tools: list[Tool], tool: Tool, failure: RunFailed) -> None:
        tools.remove(tool)
        self.failures.append(str(failure))
        _say(str(failure))


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
