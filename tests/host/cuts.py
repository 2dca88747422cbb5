"""Cuts runs at their steps. A run stops before each step, and is then let on or cut there."""

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

import thirds
from desk import Desk, eventually
from projects import commit, own_frame
from roadie.throwaway.hosts import ThrowawayHost
from within import assert_serves_once, assert_tidy, events_of, files_of, halves, inside, leftovers

SNIPPET = Path(__file__).with_name("cuts.sh")
AT_ONCE = 4.0  # seconds until a cut step must be gone: two until SIGKILL, and two for a busy machine
PATIENCE = 1.0  # seconds from Ctrl-C to the end of the command
_RELEASE = re.compile(r"\b\d{8}T\d{6}Z(-[0-9a-f]{8})?\b")


@dataclass(frozen=True)
class Step:
    """One change that a run is about to make; `how` is "cut", "atomic" or "whole", with a process."""

    run: str
    stage: str
    what: str
    how: str

    @property
    def name(self) -> str:
        """The name of the step, which is the same in every run: it leaves out names of releases and times."""
        return f"{self.stage}: {_RELEASE.sub('RELEASE', self.what)}"

    @property
    def promise(self) -> str:
        """What roadie tells a person who interrupts the run at this step."""
        what = f"'{self.what}' ({self.stage})"
        return f"finishes {what} by itself" if self.how != "cut" else f"breaks off {what}"


class Door:
    """The place where every run for a host waits at each of its steps, while the door is guarded.

    `snippet` is the shell that knocks there.
    """

    def __init__(self, desk: Desk, snippet: Path = SNIPPET) -> None:
        self.folder = desk.host.tree / "var/lib/cuts"
        self.here = self.folder / "here"
        self._put_snippet(desk.project, snippet)

    @contextmanager
    def guarded(self) -> Iterator[None]:
        """Make runs wait at the door as long as the block lasts."""
        self.close()
        try:
            yield
        finally:
            self.open()

    def close(self) -> None:
        """Guard the door from now on. Nobody waits there yet."""
        self.folder.mkdir(exist_ok=True)
        self.let_in()

    def open(self) -> None:
        """Guard the door no longer: from now on no run waits there."""
        if self.folder.is_dir():
            self.folder.rename(self.folder.with_name("cuts-over"))
            for path in self.folder.with_name("cuts-over").iterdir():
                path.unlink()
            self.folder.with_name("cuts-over").rmdir()

    def next(self, process: subprocess.Popen[str], seconds: float = 120) -> Step | None:
        """Return the next step at the door. Return None if the command ends without another step."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            over = process.poll() is not None
            if step := self.waiting():
                return step
            if over:
                return None
            time.sleep(0.01)
        raise AssertionError(f"no step came to the door in {seconds} seconds")

    def waiting(self) -> Step | None:
        """Return the step that waits at the door now, or None."""
        try:
            return Step(*self.here.read_text().split("\t"))
        except FileNotFoundError:
            return None

    def let_in(self) -> None:
        self.here.unlink(missing_ok=True)

    def late(self) -> str:
        """Return the steps that came to the door although their run already knew that it must stop."""
        late = self.folder / "late"
        return late.read_text() if late.exists() else ""

    def _put_snippet(self, project: Path, snippet: Path) -> None:
        own_frame(project, snippet.read_text())
        commit(project, "Knock at every step")


@dataclass
class Cut:
    """One run of a command that is about to be cut at a step. The methods are the ways to cut it."""

    desk: Desk
    door: Door
    process: subprocess.Popen[str]
    step: Step

    @property
    def host(self) -> ThrowawayHost:
        return self.desk.host

    def kill_controller(self) -> None:
        """Kill fab, as when a laptop's battery is empty. Unlike then, the host sees the connection end."""
        self.end_command()
        self.assert_rule()

    def cut_link(self) -> None:
        """Drop all packets until the host has noticed the dead link by itself."""
        self.host.cut_link()
        try:
            assert eventually(self.is_noticed, 25), f"{self.step}: the host did not notice the dead link"
        finally:
            self.host.mend_link()
        self.end_command()
        self.assert_rule()

    def interrupt(self) -> None:
        """Press Ctrl-C. The command must end within a second and name the step that still finishes."""
        time.sleep(0.5)  # until fab has received the step's event, which it does not print
        # If this was the last step, the step and the command may have ended meanwhile.
        if self.process.poll() == 0 and not self.door.waiting():
            return
        began = time.monotonic()
        self.process.send_signal(signal.SIGINT)
        out, err = self.process.communicate(timeout=20)
        took = time.monotonic() - began
        assert (self.process.returncode, took < PATIENCE) == (130, True), (took, err, out[-300:])
        said = err.strip().splitlines()[-1]
        self.assert_rule()
        # Since this step was chosen, the step may have ended, and the next step may have come to the door.
        assert self.step.promise in said or self.last_step().promise in said, err

    def kill_worker(self) -> None:
        """Kill the script itself with SIGKILL, as the kernel does when memory is short."""
        inside(self.host, 'pkill -KILL -f "^bash /run/roadie/$1"', self.step.run)
        _, err = self.process.communicate(timeout=20)
        assert self.process.returncode == 6, (self.process.returncode, err)
        assert eventually(lambda: not files_of(self.host, self.step.run), 10)
        self.door.let_in()  # the killed script can no longer remove its own file from the door
        # A migration that the script had begun comes to its end without the script.
        assert eventually(lambda: not leftovers(self.host), 20), leftovers(self.host)

    def kill_frame(self) -> None:
        """Kill the frame, which runs the script, with SIGKILL. The script stops as if the link were cut."""
        inside(self.host, 'kill -KILL "$(cat "/run/roadie/$1.beat")"', self.step.run)
        _, err = self.process.communicate(timeout=20)
        assert self.process.returncode == 5, (self.process.returncode, err)
        self.assert_rule()

    def reboot(self) -> None:
        """Reboot the host with an orderly shutdown."""
        self.host.reboot()
        self.end_command()

    def cut_power(self) -> None:
        """Cut the host's power: all of its processes are gone at once."""
        self.host.power_cut()
        self.end_command()

    def end_command(self) -> None:
        self.process.kill()
        self.process.communicate()

    def is_noticed(self) -> bool:
        """Return whether the host knows that the run must stop."""
        files = files_of(self.host, self.step.run)
        return not files or any(path.suffix == ".stop" for path in files)

    def last_step(self) -> Step:
        """Return the last step that the run began."""
        begun = [event for event in events_of(self.host, self.step.run) if event[0] == "doing"]
        return Step(self.step.run, *begun[-1][1:])

    def assert_rule(self) -> None:
        """Check that a cuttable step is gone at once, an atomic step ends, and no step starts after it."""
        assert eventually(self.is_noticed, 5), f"{self.step}: the host did not notice the cut"
        noticed = time.monotonic()
        assert eventually(lambda: not files_of(self.host, self.step.run), 180), (
            f"{self.step}: the run goes on"
        )
        took = time.monotonic() - noticed
        events = events_of(self.host, self.step.run)
        last = max(index for index, event in enumerate(events) if event[0] == "doing")
        # Events of the survey do not count, because the survey changes nothing.
        verbs = [event[0] for event in events[last:] if event[1] != "survey"]
        assert not (late := self.door.late()), (self.step, late, events[last:])
        if events[last][3] != "cut":
            assert verbs[1] in ("changed", "applied", "unapplied", "ok"), (self.step, verbs)
        else:
            assert took < AT_ONCE, (self.step, took, verbs)
        assert "failed" not in verbs, (self.step, events[last:])


Way = Callable[[Cut], None]
WAYS: tuple[Way, ...] = (Cut.kill_controller, Cut.cut_link, Cut.interrupt)
QUICK_WAYS: tuple[Way, ...] = (Cut.kill_controller, Cut.interrupt)
HARD_WAYS: tuple[Way, ...] = (Cut.kill_worker, Cut.interrupt)


class Turns:
    """Decides which step is cut in which way. Each new step gets the next way. Parallel hosts share one.

    The steps of the stages in `spared` are not cut, because another test cuts them. If `every` is not 1, one
    step of so many is cut, as the seed says, and each step whose name begins like one of `always`. A run that
    has a third of the long tests cuts a third of the steps.
    """

    def __init__(
        self,
        seed: int,
        ways: Sequence[Way] = WAYS,
        spared: Sequence[str] = (),
        every: int = 1,
        always: Sequence[str] = (),
    ) -> None:
        self.seed, self.ways, self.spared = seed, ways, spared
        self.every, self.always, self.first = every, tuple(always), seed
        if every == 1 and (third := thirds.this_third()) is not None:
            self.every, self.first = thirds.COUNT, thirds.COUNT - third
        #: every step that was seen, in order, and how it was cut
        self.taken: dict[str, str] = {}
        self._lock = Lock()

    def take(self, step: Step, is_due: bool = False) -> Way | None:
        """Return the way to cut this step to the first caller, and None to all later callers.

        A step that `is_due` is cut whatever its number is.
        """
        with self._lock:
            if step.name in self.taken or step.stage in self.spared:
                return None
            number = len(self.taken)
            is_due = is_due or (number + self.first) % self.every == 0 or step.name.startswith(self.always)
            if not is_due:
                self.taken[step.name] = "let on"
                return None
            way = self.ways[(number + self.seed) // self.every % len(self.ways)]
            self.taken[step.name] = way.__name__
            return way

    def tell(self) -> None:
        """Print how each step was cut."""
        print("\n".join(f"{way:18} {step}" for step, way in self.taken.items()))


@dataclass
class Cuts:
    """Runs a command again and again on one host. Each run is cut at its first step that was not cut before.

    A cuttable step is cut twice: before it begins, and in the middle. A step in `midst` is cut only in the
    middle, so many seconds after it began. `check` is called after each cut.
    """

    desk: Desk
    words: tuple[str, ...]
    turns: Turns
    midst: Mapping[str, float] = field(default_factory=dict)
    snippet: Path = SNIPPET
    check: Callable[[ThrowawayHost], object] = assert_tidy
    _due: set[str] = field(default_factory=set)

    def all(self) -> None:
        """Cut the command at every step, then let it run to its end."""
        self.door = Door(self.desk, self.snippet)
        self.dice = random.Random(self.turns.seed)
        with self.door.guarded():
            while self._is_cut():
                self.check(self.desk.host)
                self.door.close()  # a power cut may have taken the door away

    def _is_cut(self) -> bool:
        """Run the command and cut it. Return False if it ran to its end without a new step."""
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
        way = self.turns.take(step, is_due=step.name in self.midst)
        # When the cut comes, the next run may have begun: so the question of `history` is cut only before it.
        if way and step.stage != "history" and (step.how == "cut" or step.name in self.midst):
            self._due.add(step.name)
        return None if step.name in self.midst else way

    def _is_cut_in_midst(self, process: subprocess.Popen[str], step: Step) -> bool:
        """Cut the run in the middle of this step. Return False if the step ended too early."""
        self._due.remove(step.name)
        way = self.dice.choice([way for way in self.turns.ways if way is not Cut.cut_link])
        self._wait(self.midst.get(step.name) or self.dice.uniform(0.02, 0.5))
        if self.door.waiting() or not self._is_running(step):
            return False
        self.turns.taken[step.name] += f", {way.__name__}"
        way(Cut(self.desk, self.door, process, step))
        # If the step ended before the host noticed the cut, the cut hit the next step.
        begun = [event for event in events_of(self.desk.host, step.run) if event[0] == "doing"]
        _, stage, what, how = begun[-1]
        self.turns.taken.setdefault(Step(step.run, stage, what, how).name, way.__name__)
        return True

    def _is_running(self, step: Step) -> bool:
        """Whether the script still runs. After its last step it may end before the command does."""
        return bool(inside(self.desk.host, 'pgrep -f "^bash /run/roadie/$1" || :', step.run))

    def _wait(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and not self.door.waiting():
            time.sleep(0.01)


def side_by_side(work: Callable[[], None], hosts: int) -> None:
    """Do the work `hosts` times at once, each time in a thread."""
    with ThreadPoolExecutor(hosts) as crowd:
        for job in [crowd.submit(work) for _ in range(hosts)]:
            job.result()


def assert_nothing_changes(desk: Desk, task: str = "bootstrap") -> None:
    """Check that the run before did everything: another run changes nothing. No half-made file is left."""
    assert ": 0 changed" in desk.does(task).out
    assert_tidy(desk.host)
    assert not (half := halves(desk.host)), half


def assert_deployed(desk: Desk) -> None:
    """Check that the deploy before did everything: only its release serves."""
    assert_nothing_changes(desk, "deploy")
    assert_serves_once(desk.host)
