"""Cuts at random instants: a deploy is hit by the clock, wherever it may be just then."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from crowd import Crowd
from desk import browse, eventually, is_serving
from probe import Probe, Truth, read
from roadie.throwaway.hosts import ThrowawayHost
from told import last_run
from within import assert_serves_once, assert_tidy, halves, inside, leftovers, masters

ANSWERS = 20
# The oldest process with the mark of a session in its words is the frame of its runs (wrap.sh).
_PROCESSES = r"""
frame() { pgrep -o -f 'ROADIE roadie-[0-9a-f]{16} ' || :; }
worker() { pgrep -o -f '^bash /run/roadie/' || :; }
tree() { local child; for child in $(pgrep -P "$1"); do tree "$child"; done; echo "$1"; }
"""


@dataclass
class Hit:
    """One deploy, about to be hit; each way to do so is a method."""

    host: ThrowawayHost
    process: subprocess.Popen[str]
    dice: random.Random

    def controller(self) -> None:
        """kill -9 of fab."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)

    def worker(self) -> None:
        """kill -9 of the script on the host."""
        self.script("KILL")

    def script(self, sent: str) -> None:
        """Send the script on the host a signal."""
        self._kill(f"kill -{sent} $(worker)")

    def frame(self) -> None:
        """kill -9 of what holds the script's reins."""
        self._kill("kill -KILL $(frame)")

    def everything(self) -> None:
        """kill -9 of the script on the host, with its frame and all that it started."""
        self._kill('w=$(worker); kill -KILL $(frame) $([ -z "$w" ] || tree "$w")')

    def supervisor(self) -> None:
        """kill -9 of supervisord, as when memory is short."""
        self._kill("kill -KILL $(cat /run/supervisord.pid)")

    def link(self) -> None:
        """No packet passes for a while, and none says so."""
        self.host.cut_link()
        time.sleep(self.dice.uniform(1, 25))
        self.host.mend_link()

    def reboot(self) -> None:
        self.host.reboot()
        self.controller()

    def power(self) -> None:
        """All that runs is gone, and all that was not synced, if the host has a disk of its own."""
        self.host.power_cut()
        self.controller()

    def _kill(self, script: str) -> None:
        inside(self.host, f"{_PROCESSES}\n{script} 2>/dev/null || :")


LIVE = "readlink /srv/guestbook/live"
NOTHING = "before its first word"
Way = Callable[[Hit], None]
DOWN: tuple[Way, ...] = (Hit.reboot, Hit.power)
KILLS: tuple[Way, ...] = (Hit.controller, Hit.worker, Hit.frame, Hit.everything, Hit.supervisor)


@dataclass
class Chance:
    """Hits one deploy after the other, and sees what is left of it."""

    probe: Probe
    dice: random.Random
    say: Callable[[str], None] = print
    crowd: Crowd | None = None
    #: about how long a deploy takes, for the instant to lie anywhere within
    seconds: float = 0.0

    def hit(self, way: Way) -> None:
        """Hit a deploy of something new, or a restart; old or new must serve, and the same command go on."""
        if not self.seconds:
            self.bring("deploy", self._change())
        before, word = self.probe.truth, self.dice.choice(["deploy"] * 6 + ["restart"])
        after = before if word == "restart" else self._change()
        began = self._cut(way, word, after)
        release, truth = answers(self.probe.host)
        assert truth in (before, after), f"{truth} serves, of neither release"
        self.say(f"{'':10} {'new' if truth == after else 'old'} serves ({release})")
        # What a power cut leaves, or a frame that is killed while it asks, is for the next run to sweep up.
        is_left = way in DOWN or (way in (Hit.frame, Hit.everything) and not began)
        if way is Hit.supervisor or (not is_left and self.dice.random() < 0.5):
            self.assert_quiet()
        self.bring(word, after)
        self.assert_settled()

    def bring(self, word: str, truth: Truth) -> None:
        """Run the command to its end, and see its release serve."""
        if self.crowd:
            self.crowd.expect(truth)
        began = time.monotonic()
        self.probe.desk.does(word)
        # One that only finished another says little of how long they take.
        self.seconds = max(time.monotonic() - began, 0.8 * self.seconds)
        if self.crowd:
            self.crowd.settle(truth)
        assert answers(self.probe.host)[1] == truth

    def assert_settled(self) -> None:
        """There is nothing more to do, and nothing is left half done."""
        assert ": 0 changed" in self.probe.desk.does("deploy").out
        self.assert_quiet()
        assert not (half := halves(self.probe.host)), half
        assert_serves_once(self.probe.host)

    def assert_quiet(self) -> None:
        """Whatever still finished by itself has done so, and nothing is left of it."""
        host = self.probe.host
        eventually(
            lambda: not leftovers(host) and all(one.startswith("supervisord ") for one in masters(host)), 60
        )
        assert_tidy(host)

    def _cut(self, way: Way, word: str, after: Truth) -> bool:
        """Hit the command at any instant; whether its run had begun."""
        if self.crowd:
            self.crowd.expect(after)
        log = last_run(self.probe.host).log
        with self.probe.desk.started(word) as process:
            moment = self.dice.uniform(0.3, self.seconds)
            time.sleep(moment)
            told = last_event(self.probe.host, log)
            way(Hit(self.probe.host, process, self.dice))
            self.say(f"{way.__name__:10} after {moment:5.2f} s of {word}, {told}")
            if way in (Hit.controller, *DOWN) or self.dice.random() < 0.5:
                # The hand that holds it is gone; else it comes to its end by itself.
                process.kill()
            process.communicate(timeout=300)
        if way in DOWN:
            assert eventually(lambda: is_serving(self.probe.host), 30), f"no answer after {told}"
        return told != NOTHING

    def _change(self) -> Truth:
        probe = self.probe
        return self.dice.choice(
            [
                probe.change_code,
                probe.change_code,
                probe.change_requirements,
                probe.change_schema,
                probe.change_environment,
            ]
        )()


def last_event(host: ThrowawayHost, before: Path) -> str:
    """What the run told last, if it has a log other than the one of before."""
    run = last_run(host)
    if run.log == before or not run.events:
        return NOTHING
    verb, stage, what, _ = run.events[-1]
    return f"at '{stage}: {verb} {what}'"


def answers(host: ThrowawayHost, count: int = ANSWERS) -> tuple[str, Truth]:
    """The one release that answers all of so many visits; it is the one that the links name."""
    told, live = [], inside(host, LIVE)
    for number in range(count):
        answer = browse(host, f"/?number={number}")
        assert answer.status == 200, f"{answer.status}: {answer.body[:200]}"
        told.append(read(answer.body.encode()))
    if inside(host, LIVE) != live:  # what was cut at the switch finishes it by itself
        return answers(host, count)
    found = {(each["releases"]["code"], each["virtualenvs"][0], Truth.told_by(each)) for each in told}
    assert len(found) == 1, f"{len(found)} releases answer: {found}"
    [(release, virtualenv, truth)] = found
    links = "cd /srv/guestbook && readlink -f live/release current live/venv current/venv"
    folder = f"/srv/guestbook/releases/{release}"
    assert inside(host, links).split() == [folder, folder, virtualenv, virtualenv]
    return release, truth
