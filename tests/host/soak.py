"""The soak: deploys under load, broken releases, and cuts at random instants, as many as asked for.

bench/soak runs the full counts, and tests/host/test_soak.py small counts.
"""

from __future__ import annotations

import argparse
import random
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import standing
from breaks import BREAKS, Break
from chance import DISKS, KILLS, Chance, Hit, answers, kills
from crowd import FULL, LIGHT, Crowd, summed, table
from databases import KINDS
from desk import eventually, is_serving
from postbox import Senders, served
from probe import WORKERS, Probe, Truth
from roadie.throwaway import hosts as throwaway
from within import assert_serves_once, assert_tidy

CUTS = {"kill": KILLS, "disk": DISKS, "reboot": (Hit.reboot,), "power": (Hit.power,), "link": (Hit.link,)}
#: with a longer watch, half of all random instants would fall into the watch
CUT_SETTINGS = {"watch": 2}
PARTS = ("load", "broken", *CUTS, "tasks")
#: how many tasks run at a time, and the seconds that a queued one takes at least and at most
AT_A_TIME, LEAST, MOST = 20, 1, 5


@contextmanager
def ground(
    worker_class: str = "gthread", *, own_disk: bool = False, database: str = "mysql", **settings: Any
) -> Iterator[Probe]:
    """Boot a host that serves the probe with these settings."""
    snapshot = standing.probed(database=database)
    with (
        throwaway.boot("soak", snapshot=snapshot, own_disk=own_disk) as host,
        tempfile.TemporaryDirectory(prefix="roadie-soak-") as folder,
    ):
        assert eventually(lambda: is_serving(host), 30)
        probe = Probe(Path(folder, "probe"), host, database=database)
        probe.use_workers(worker_class, **settings)
        probe.desk.does("deploy")
        yield probe


def crowd_of(probe: Probe, rates: Mapping[str, float]) -> Crowd:
    """Return the crowd that visits this probe."""
    return Crowd(probe.host, probe.truth, rates, probe.database)


@dataclass
class Releases:
    """Puts one release after another into service while a crowd visits the site."""

    probe: Probe
    crowd: Crowd
    dice: random.Random
    say: Callable[[str], None] = print
    #: the truths that served so far, oldest first
    served: list[Truth] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.served = [self.probe.truth]

    def go_through(self, counts: dict[str, int]) -> None:
        """Take so many steps of each kind, in random order. A rollback always follows a new release."""
        steps = [name for name, count in counts.items() for _ in range(count) if name != "rollback"]
        self.dice.shuffle(steps)
        # A second rollback in a row would go back further, to a release that this test does not work out.
        news = [index for index, name in enumerate(steps) if name != "restart"]
        places = self.dice.sample(news, min(counts.get("rollback", 0), len(news)))
        for index, name in enumerate(steps):
            self.take(*getattr(self, f"_{name}")(index in places))
            if index in places:
                self.take(*self._rollback(False))

    def take(self, words: Sequence[str], truth: Truth) -> None:
        """Run this command. After it, only this release may answer."""
        began = time.monotonic()
        self.crowd.expect(truth)
        done = self.probe.desk.fab(*words)
        assert done.code == 0, f"fab {words[0]} ended with {done.code}: {done.text[-600:]}"
        self.crowd.settle(truth)
        self.served.append(truth)
        assert answers(self.probe.host)[1] == truth
        self.say(f"{' '.join(words):10} {time.monotonic() - began:5.1f} s, {len(self.crowd.failed)} failed")

    def _deploy(self, goes_back: bool) -> tuple[Sequence[str], Truth]:
        changes = [self.probe.change_code, self.probe.change_code, self.probe.change_requirements]
        if not goes_back:
            changes.append(self.probe.change_schema)
        return ("deploy",), self.dice.choice(changes)()

    def _environment(self, goes_back: bool) -> tuple[Sequence[str], Truth]:
        return ("deploy",), self.probe.change_environment()

    def _restart(self, goes_back: bool) -> tuple[Sequence[str], Truth]:
        return ("restart",), self.served[-1]

    def _rollback(self, goes_back: bool) -> tuple[Sequence[str], Truth]:
        before = next(truth for truth in reversed(self.served) if truth != self.served[-1])
        return ("rollback",), before


def refuse(probe: Probe, crowd: Crowd, fault: Break, say: Callable[[str], None] = print) -> None:
    """Deploy a release with this fault. It is refused, the release before serves on, and the next deploys."""
    before, noticed = answers(probe.host)[1], len(crowd.failed)
    with fault.brought_about(probe) as broken:
        if fault.serves_a_while:
            crowd.expect(broken)
        done = probe.desk.fab("deploy")
        last = done.last_line
        assert done.code in (6, 7), f"{fault.name} ended with {done.code}: {done.text[-600:]}"
        assert all(words in last for words in fault.says), f"{fault.name}: {last}"
        assert answers(probe.host)[1] == before
    crowd.expect(probe.change_code())
    probe.desk.does("deploy")
    crowd.settle(probe.truth)
    assert answers(probe.host)[1] == probe.truth
    assert_serves_once(probe.host)
    say(f"{fault.name}: exit {done.code}, {last.partition(': ')[2][:150]}")
    if met := [failure for failure in crowd.failed[noticed:] if fault.explains(failure)]:
        say(f"{fault.name}: {len(met)} visitors noticed the fault")
        crowd.failed[noticed:] = [failure for failure in crowd.failed[noticed:] if failure not in met]


# ---- The command line -------------------------------------------------------------------------------


@dataclass
class Row:
    """The results of one part of the soak."""

    part: str
    rounds: int = 0
    crowds: list[Crowd | Senders] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def fails(self, what: str, error: BaseException) -> None:
        """Note a failure in one line, and print its whole traceback now."""
        traceback.print_exception(error, file=sys.stdout)
        first = [*str(error).splitlines(), ""][0]
        self.failures.append(f"{what}: {type(error).__name__}: {first[:300]}")

    @property
    def line(self) -> str:
        sent = sum(crowd.sent for crowd in self.crowds)
        failed = sum(len(crowd.failed) for crowd in self.crowds)
        excused = sum(len(crowd.excused) for crowd in self.crowds)
        cells = f"{self.rounds:8}{len(self.failures):10}{sent:12}{failed:10}{excused:10}{self.seconds:10.0f}"
        return f"{self.part:18}{cells}"


class Soak:
    """Runs the parts that the command line asks for, one after another, and keeps their results."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.rows: list[Row] = []
        self.dice = random.Random(options.seed)

    def run(self) -> bool:
        """Run all parts. Return whether nothing failed."""
        for part in self.options.only or PARTS:
            if part == "load":
                for worker_class in self.options.worker_class or WORKERS:
                    self._part(f"load, {worker_class}", lambda row, name=worker_class: self._load(row, name))
            elif part == "broken":
                self._part(part, self._broken)
            elif part == "tasks":
                self._part(part, self._tasks)
            elif part in CUTS:
                self._part(part, lambda row, name=part: self._cuts(row, name))
        self._print_table()
        return not any(row.failures or any(crowd.failed for crowd in row.crowds) for row in self.rows)

    def _part(self, name: str, work: Callable[[Row], None]) -> None:
        print(f"---- {name}", flush=True)
        row, began = Row(name), time.monotonic()
        self.rows.append(row)
        try:
            work(row)
        except Exception as error:
            row.fails(name, error)
        row.seconds = time.monotonic() - began

    def _load(self, row: Row, worker_class: str) -> None:
        wanted = {name: getattr(self.options, f"{name}s") for name in ("deploy", "rollback", "restart")}
        counts = {**wanted, "environment": self.options.environments}
        with self._ground(worker_class) as probe, crowd_of(probe, FULL) as crowd:
            row.crowds.append(crowd)
            Releases(probe, crowd, self.dice, self._say(row)).go_through(counts)
            assert_tidy(probe.host)
            assert_serves_once(probe.host)

    def _broken(self, row: Row) -> None:
        with self._ground(own_disk=True) as probe, crowd_of(probe, FULL) as crowd:
            row.crowds.append(crowd)
            for fault in BREAKS:
                try:
                    refuse(probe, crowd, fault, self._say(row))
                except AssertionError as error:
                    row.fails(fault.name, error)

    def _tasks(self, row: Row) -> None:
        """Release the postbox while its worker delivers what is queued, and what visitors post meanwhile."""
        say, count, longest = self._say(row), self.options.tasks, 0.0
        celery = {"beat": True, "workers": {"celery": {"concurrency": AT_A_TIME}}}
        with (
            tempfile.TemporaryDirectory(prefix="roadie-soak-") as folder,
            served(Path(folder, "postbox"), self.options.suite, self.options.database, celery=celery) as box,
        ):
            with Senders(box.host) as senders:
                row.crowds.append(senders)
                box.post("queued", count, LEAST, MOST)
                for step in self._steps():
                    if step == "deploy":
                        box.commit(f"release {row.rounds}")
                    began = time.monotonic()
                    box.desk.does(step)
                    took = time.monotonic() - began
                    longest = max(longest, took)
                    done = box.delivered("queued")["queued", 1]
                    say(f"{step} {took:5.1f} s, {done} delivered, {len(senders.failed)} failed")
            box.assert_each_once("queued", count, count * MOST)
            senders.assert_each_once(box, count * MOST)
            gaps = box.assert_one_beat()
            assert gaps[-1] < longest, f"beat stood still for {gaps[-1]} s, a step took {longest} s at most"
            beat = f"{len(gaps)} ticks, {gaps[0]:.1f} to {gaps[-1]:.1f} s apart"
            say(f"{count} queued and {len(senders.posted)} posted, each delivered once; {beat}")

    def _steps(self) -> Iterator[str]:
        """The deploys, with the rollbacks spread among them."""
        deploys, rollbacks = self.options.deploys, min(self.options.rollbacks, self.options.deploys)
        for number in range(deploys):
            yield "deploy"
            if (number + 1) * rollbacks // deploys > number * rollbacks // deploys:
                yield "rollback"

    def _cuts(self, row: Row, part: str) -> None:
        """Cut commands on one host until a check fails there. Then go on with a new host."""
        left = getattr(self.options, f"{part}s")
        ways = kills(self.options.database) if part == "kill" else CUTS[part]
        while left and len(row.failures) < 5:
            with (
                self._ground(own_disk=part in ("power", "disk"), **CUT_SETTINGS) as probe,
                self._onlookers(probe, part, row) as crowd,
            ):
                if self.options.without_syncs:
                    probe.leave_out_syncs()
                chance = Chance(probe, self.dice, self._say(row, counts=False), crowd)
                try:
                    while left:
                        left -= 1
                        row.rounds += 1
                        chance.hit(self.dice.choice(ways))
                except Exception as error:
                    row.fails(f"{part} {row.rounds}", error)

    def _ground(self, worker_class: str = "gthread", **more: Any) -> AbstractContextManager[Probe]:
        return ground(worker_class, database=self.options.database, **more)

    @contextmanager
    def _onlookers(self, probe: Probe, part: str, row: Row) -> Iterator[Crowd | None]:
        """Provide a crowd, but none if the part takes the host down."""
        if part in ("reboot", "power"):
            yield None
            return
        with crowd_of(probe, LIGHT) as crowd:
            row.crowds.append(crowd)
            yield crowd

    def _say(self, row: Row, counts: bool = True) -> Callable[[str], None]:
        def say(text: str) -> None:
            row.rounds += counts
            print(f"{time.strftime('%H:%M:%S')} {row.part} {row.rounds:3}: {text}", flush=True)

        return say

    def _print_table(self) -> None:
        print(
            f"\n{'':18}{'rounds':>8}{'failures':>10}{'requests':>12}{'failed':>10}{'excused':>10}{'seconds':>10}"
        )
        for row in self.rows:
            print(row.line)
        crowds = [crowd for row in self.rows for crowd in row.crowds]
        if crowds:
            print(f"\n{table(summed(crowds))}")
        for row in self.rows:
            for failure in [*row.failures, *(each for crowd in row.crowds for each in crowd.failed[:10])]:
                print(f"{row.part}: {failure}")
        print(f"seed {self.options.seed}, {self.options.database}")


def main() -> int:
    """Run the soak. Return 1 if anything failed."""
    parser = argparse.ArgumentParser(
        prog="bench/soak", description="Deploys under load, broken releases, and cuts at random instants."
    )
    for name, count in (("deploys", 50), ("rollbacks", 10), ("restarts", 10), ("environments", 10)):
        parser.add_argument(
            f"--{name}", type=int, default=count, help=f"how many under load, per worker class ({count})"
        )
    for name, count in (("kills", 100), ("disks", 60), ("reboots", 15), ("powers", 15), ("links", 30)):
        parser.add_argument(
            f"--{name}", type=int, default=count, help=f"how many, at random instants ({count})"
        )
    parser.add_argument("--tasks", type=int, default=500, help="how many are queued for a worker (500)")
    parser.add_argument("--suite", default="trixie", help="the Debian of the part `tasks` (trixie)")
    parser.add_argument("--database", choices=KINDS, default="mysql", help="the kind of database (mysql)")
    parser.add_argument("--only", action="append", choices=PARTS, help="run this part; may be repeated")
    parser.add_argument(
        "--worker-class", action="append", choices=WORKERS, help="load this class; may be repeated"
    )
    parser.add_argument(
        "--without-syncs", action="store_true", help="deploy without sync; some power cuts must then fail"
    )
    parser.add_argument("--seed", type=int, default=random.randrange(10**6), help="repeat random choices")
    options = parser.parse_args()
    print(f"seed {options.seed}, rates {dict(FULL)} a second", flush=True)
    return 0 if Soak(options).run() else 1


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    throwaway.clean()
    sys.exit(main())
