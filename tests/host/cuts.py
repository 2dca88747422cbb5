"""Cuts runs at the steps they take: stops each before every step, and then lets it in or cuts it there."""

from __future__ import annotations

import random
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

from desk import Desk, eventually
from projects import commit, own_frame
from roadie.throwaway.hosts import ThrowawayHost
from within import assert_serves_once, assert_tidy, events_of, files_of, halves, inside, leftovers

SNIPPET = Path(__file__).with_name("cuts.sh")
AT_ONCE = 4.0  # seconds that a cuttable step may still take: two until SIGKILL, and a busy machine
PATIENCE = 1.0  # seconds from Ctrl-C to the end of the command
_RELEASE = re.compile(r"\b\d{8}T\d{6}Z-[0-9a-f]{8}\b")


@dataclass(frozen=True)
class Step:
    """One change that a run is about to make; `how` is "cut" or "atomic"."""

    run: str
    stage: str
    what: str
    how: str

    @property
    def name(self) -> str:
        """The same in every run, whatever its release is called."""
        return f"{self.stage}: {_RELEASE.sub('RELEASE', self.what)}"

    @property
    def promise(self) -> str:
        """What a person is told who interrupts the run at this step."""
        what = f"'{self.what}' ({self.stage})"
        return f"finishes {what} by itself" if self.how == "atomic" else f"breaks off {what}"


class Door:
    """Where every run for a host waits before each of its steps, while somebody guards it."""

    def __init__(self, desk: Desk) -> None:
        self.folder = desk.host.tree / "var/lib/cuts"
        self.here = self.folder / "here"
        self._put_snippet(desk.project)

    @contextmanager
    def guarded(self) -> Iterator[None]:
        """Have runs stop at the door as long as the block lasts."""
        self.folder.mkdir()
        try:
            yield
        finally:
            self.open()

    def open(self) -> None:
        """Let in whoever comes, from now on."""
        if self.folder.is_dir():
            self.folder.rename(self.folder.with_name("cuts-over"))
            for path in self.folder.with_name("cuts-over").iterdir():
                path.unlink()
            self.folder.with_name("cuts-over").rmdir()

    def next(self, process: subprocess.Popen[str], seconds: float = 120) -> Step | None:
        """The step that waits at the door; None if the command ended without another."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            over = process.poll() is not None
            if step := self.waiting():
                return step
            if over:
                return None
            time.sleep(0.01)
        raise AssertionError(f"no step in {seconds} seconds")

    def waiting(self) -> Step | None:
        """The step that waits at the door now."""
        try:
            return Step(*self.here.read_text().split("\t"))
        except FileNotFoundError:
            return None

    def let_in(self) -> None:
        self.here.unlink(missing_ok=True)

    def late(self) -> str:
        """Steps that came although their run knew that it was to stop."""
        late = self.folder / "late"
        return late.read_text() if late.exists() else ""

    def _put_snippet(self, project: Path) -> None:
        own_frame(project, SNIPPET.read_text())
        commit(project, "Knock before every step")


@dataclass
class Cut:
    """One run of a command, about to be cut while it is at a step; each way to do so is a method."""

    desk: Desk
    door: Door
    process: subprocess.Popen[str]
    step: Step

    @property
    def host(self) -> ThrowawayHost:
        return self.desk.host

    def kill_controller(self) -> None:
        """As by a laptop's empty battery, but that the host hears of it."""
        self.end_command()
        self.assert_rule()

    def cut_link(self) -> None:
        """No packet passes, and none says so, until the host has noticed by itself."""
        self.host.cut_link()
        try:
            assert eventually(self.is_noticed, 25), f"{self.step}: a dead link goes unnoticed"
        finally:
            self.host.mend_link()
        self.end_command()
        self.assert_rule()

    def interrupt(self) -> None:
        """Ctrl-C: the command ends within a second and names what still finishes."""
        time.sleep(0.5)  # until it has heard of the step, of which it prints nothing
        # The last step of all may be through by then, and the command too.
        if self.process.poll() == 0 and not self.door.waiting():
            return
        began = time.monotonic()
        self.process.send_signal(signal.SIGINT)
        out, err = self.process.communicate(timeout=20)
        took = time.monotonic() - began
        assert (self.process.returncode, took < PATIENCE) == (130, True), (took, err, out[-300:])
        said = err.strip().splitlines()[-1]
        self.assert_rule()
        # The step may have come to its end, and the next one to the door, since it was chosen.
        assert self.step.promise in said or self.last_step().promise in said, err

    def kill_worker(self) -> None:
        """kill -9 of the script itself, as the kernel does when memory is short."""
        inside(self.host, 'pkill -KILL -f "^bash /run/roadie/$1"', self.step.run)
        _, err = self.process.communicate(timeout=20)
        assert self.process.returncode == 6, (self.process.returncode, err)
        assert eventually(lambda: not files_of(self.host, self.step.run), 10)
        self.door.let_in()  # as it can no more take its own card from there
        # A migration that it had begun comes to its end without it.
        assert eventually(lambda: not leftovers(self.host), 20), leftovers(self.host)

    def kill_frame(self) -> None:
        """kill -9 of what holds the script's reins: the script stops as if the link were cut."""
        inside(self.host, 'kill -KILL "$(cat "/run/roadie/$1.beat")"', self.step.run)
        _, err = self.process.communicate(timeout=20)
        assert self.process.returncode == 5, (self.process.returncode, err)
        self.assert_rule()

    def reboot(self) -> None:
        """The host goes down in good order, and comes back by itself."""
        self.host.reboot()
        self.end_command()

    def cut_power(self) -> None:
        """All that runs on the host is gone at once."""
        self.host.power_cut()
        self.end_command()

    def end_command(self) -> None:
        self.process.kill()
        self.process.communicate()

    def is_noticed(self) -> bool:
        """Whether the host knows that the run is to stop."""
        files = files_of(self.host, self.step.run)
        return not files or any(path.suffix == ".stop" for path in files)

    def last_step(self) -> Step:
        """The last one that the run began."""
        begun = [event for event in events_of(self.host, self.step.run) if event[0] == "doing"]
        return Step(self.step.run, *begun[-1][1:])

    def assert_rule(self) -> None:
        """A cuttable step is gone at once, an atomic one ends, and none starts after it."""
        assert eventually(self.is_noticed, 5), f"{self.step}: the host heard of no cut"
        noticed = time.monotonic()
        assert eventually(lambda: not files_of(self.host, self.step.run), 180), f"{self.step}: goes on"
        took = time.monotonic() - noticed
        events = events_of(self.host, self.step.run)
        last = max(index for index, event in enumerate(events) if event[0] == "doing")
        # What the survey tells comes beside all else.
        verbs = [event[0] for event in events[last:] if event[1] != "survey"]
        assert not (late := self.door.late()), (self.step, late, events[last:])
        if events[last][3] == "atomic":
            assert verbs[1] in ("changed", "applied", "unapplied", "ok"), (self.step, verbs)
        else:
            assert took < AT_ONCE, (self.step, took, verbs)
        assert "failed" not in verbs, (self.step, events[last:])


Way = Callable[[Cut], None]
WAYS: tuple[Way, ...] = (Cut.kill_controller, Cut.cut_link, Cut.interrupt)
QUICK_WAYS: tuple[Way, ...] = (Cut.kill_controller, Cut.interrupt)
HARD_WAYS: tuple[Way, ...] = (Cut.kill_worker, Cut.interrupt)


class Turns:
    """Which step is cut in which way: each new one in the next. Hosts side by side share it.

    No step of the stages in `spared` is cut: another test does that.
    """

    def __init__(self, seed: int, ways: Sequence[Way] = WAYS, spared: Sequence[str] = ()) -> None:
        self.seed, self.ways, self.spared = seed, ways, spared
        #: every step that was seen, in order, and how it was cut
        self.taken: dict[str, str] = {}
        self._lock = Lock()

    def take(self, step: Step) -> Way | None:
        """The way to cut this step, for the first who asks."""
        with self._lock:
            if step.name in self.taken or step.stage in self.spared:
                return None
            way = self.ways[(len(self.taken) + self.seed) % len(self.ways)]
            self.taken[step.name] = way.__name__
            return way

    def tell(self) -> None:
        """Print what was cut, and how."""
        print("\n".join(f"{way:18} {step}" for step, way in self.taken.items()))


@dataclass
class Cuts:
    """Runs a command again and again on one host; each run is cut at its first step that is new.

    A cuttable step is cut a second time, in its midst. An atomic one named in `midst` is cut only
    then, that many seconds after it began.
    """

    desk: Desk
    words: tuple[str, ...]
    turns: Turns
    midst: Mapping[str, float] = field(default_factory=dict)
    _due: set[str] = field(default_factory=set)

    def all(self) -> None:
        """Cut at every step, then let the command come to its end."""
        self.door = Door(self.desk)
        self.dice = random.Random(self.turns.seed)
        with self.door.guarded():
            while self._is_cut():
                assert_tidy(self.desk.host)

    def _is_cut(self) -> bool:
        """Run until it is time to cut, and cut; False if the command came to its end."""
        with self.desk.started(*self.words) as process:
            while step := self.door.next(process):
                if way := self._way_to_cut(step):
                    way(Cut(self.desk, self.door, process, step))
                    return True
                self.door.let_in()
                if step.name in self._due and self._is_cut_in_midst(process, step):
                    return True
            out, err = process.communicate()
        assert process.returncode == 0, f"after {list(self.turns.taken.items())[-3:]}:\n{out}{err}"
        return False

    def _way_to_cut(self, step: Step) -> Way | None:
        way = self.turns.take(step)
        if way and (step.how == "cut" or step.name in self.midst):
            self._due.add(step.name)
        return None if step.name in self.midst else way

    def _is_cut_in_midst(self, process: subprocess.Popen[str], step: Step) -> bool:
        """Cut it there, unless it is through before that."""
        self._due.remove(step.name)
        way = self.dice.choice([way for way in self.turns.ways if way is not Cut.cut_link])
        self._wait(self.midst.get(step.name) or self.dice.uniform(0.02, 0.5))
        if self.door.waiting():
            return False
        self.turns.taken[step.name] += f", {way.__name__}"
        way(Cut(self.desk, self.door, process, step))
        # Where it was through before the host heard of it, it is the next step that was cut.
        begun = [event for event in events_of(self.desk.host, step.run) if event[0] == "doing"]
        _, stage, what, how = begun[-1]
        self.turns.taken.setdefault(Step(step.run, stage, what, how).name, way.__name__)
        return True

    def _wait(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and not self.door.waiting():
            time.sleep(0.01)


def side_by_side(work: Callable[[], None], hosts: int) -> None:
    """Do the work that many times at once, in a thread each."""
    with ThreadPoolExecutor(hosts) as crowd:
        for job in [crowd.submit(work) for _ in range(hosts)]:
            job.result()


def assert_nothing_changes(desk: Desk, task: str = "bootstrap") -> None:
    """The run before has done it all: one more changes nothing, and nothing half made is left."""
    assert ": 0 changed" in desk.does(task).out
    assert_tidy(desk.host)
    assert not (half := halves(desk.host)), half


def assert_deployed(desk: Desk) -> None:
    """The run before has done it all: its release serves, alone."""
    assert_nothing_changes(desk, "deploy")
    assert_serves_once(desk.host)
