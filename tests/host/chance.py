"""Cuts at random instants: a deploy is hit after a random time, whatever it is doing then."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path

from crowd import Crowd
from databases import KINDS
from desk import browse, eventually, is_serving
from probe import Probe, Truth, read
from roadie.throwaway.hosts import ThrowawayHost
from told import last_run
from within import assert_serves_once, assert_tidy, halves, inside, leftovers, masters, waiting_scripts

ANSWERS = 20
# The frame (wrap.sh) is the oldest process whose command line has the mark of a session.
_PROCESSES = r"""
frame() { pgrep -o -f 'ROADIE roadie-[0-9a-f]{16} ' || :; }
worker() { pgrep -o -f '^bash /run/roadie/' || :; }
tree() { local child; for child in $(pgrep -P "$1"); do tree "$child"; done; echo "$1"; }
"""

# The kernel refuses this while a file of the mount is open for writing. The mount stays afterwards. Without
# the mount, a process that began meanwhile could not name its own folder.
_READ_ONLY = """
mountpoint -q /srv || mount --bind /srv /srv
for try in {1..200}; do ! mount -o remount,bind,ro /srv || break; sleep 0.01; done
"""


@dataclass
class Hit:
    """One deploy that is about to be hit. Each method is one way to hit it."""

    probe: Probe
    process: subprocess.Popen[str]
    dice: random.Random

    @property
    def host(self) -> ThrowawayHost:
        return self.probe.host

    def controller(self) -> None:
        """Kill fab with SIGKILL."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)

    def worker(self) -> None:
        """Kill the script on the host with SIGKILL."""
        self.script("KILL")

    def script(self, sent: str) -> None:
        """Send the script on the host a signal."""
        self._kill(f"kill -{sent} $(worker)")

    def frame(self) -> None:
        """Kill the frame on the host, which runs the script, with SIGKILL."""
        self._kill("kill -KILL $(frame)")

    def everything(self) -> None:
        """Kill the script on the host, its frame and all that the script started, with SIGKILL."""
        stop = '[ -z "$w" ] || kill -STOP "$w"'  # so that it starts nothing between the look and the kill
        self._kill(f'w=$(worker); {stop}; kill -KILL $(frame) $([ -z "$w" ] || tree "$w")')

    def supervisor(self) -> None:
        """Kill supervisord with SIGKILL, as the kernel does when memory is short."""
        self._kill("kill -KILL $(cat /run/supervisord.pid)")

    def gunicorn(self) -> None:
        """Kill one process of the site's Gunicorns with SIGKILL, a master or a worker."""
        self._kill("kill -KILL $(pgrep -u guestbook -f '[-]m roadie_gunicorn ' | shuf -n 1)")

    def database(self) -> None:
        """Kill the database server with SIGKILL, or a part of it."""
        self._kill(self.dice.choice(KINDS[self.probe.database].kills))

    def full_disk(self) -> None:
        """Fill the host's disk, but for a few MB."""
        left = self.dice.randrange(0, 30_000_000)
        self._kill(f"fallocate -l $(($(df --output=avail -B1 / | tail -n 1) - {left})) /var/ballast")

    def full_run(self) -> None:
        """Fill /run, where locks and sockets are."""
        self._kill("fallocate -l $(df --output=avail -B1 /run | tail -n 1) /run/ballast")

    def read_only(self) -> None:
        """Make /srv read-only, as the kernel does after an error of a disk."""
        self._kill(_READ_ONLY)

    def mend_disk(self) -> None:
        """Take back what one of the three before did."""
        self._kill("rm -f /var/ballast /run/ballast; mount -o remount,bind,rw /srv")

    def link(self) -> None:
        """Drop all packets for a while. Neither side is told."""
        self.host.cut_link()
        time.sleep(self.dice.uniform(1, 25))
        self.host.mend_link()

    def reboot(self) -> None:
        self.host.reboot()
        self.controller()

    def power(self) -> None:
        """Cut the power. All processes are gone. A host with its own disk also loses what was not synced."""
        self.host.power_cut()
        self.controller()

    def _kill(self, script: str) -> None:
        inside(self.host, f"{_PROCESSES}\n{script} 2>/dev/null || :")


LIVE = "readlink /srv/guestbook/live"
NOTHING = "before its first word"
Way = Callable[[Hit], None]
DOWN: tuple[Way, ...] = (Hit.reboot, Hit.power)
KILLS: tuple[Way, ...] = (
    Hit.controller,
    Hit.worker,
    Hit.frame,
    Hit.everything,
    Hit.supervisor,
    Hit.gunicorn,
    Hit.database,
)
DISKS: tuple[Way, ...] = (Hit.full_disk, Hit.full_run, Hit.read_only)
#: visitors may notice these: what was killed cannot finish its answers
NOTICED: tuple[Way, ...] = (Hit.gunicorn, Hit.database, *DISKS)
#: the exit codes of a command that was hit, but whose controller lived on
ENDS = (0, 6, 7)


def kills(database: str) -> tuple[Way, ...]:
    """Return the kills for a site with this kind of database: not every kind has a server to kill."""
    return tuple(way for way in KILLS if way is not Hit.database or KINDS[database].kills)


@dataclass
class Chance:
    """Hits one deploy after another, and checks what each leaves behind."""

    probe: Probe
    dice: random.Random
    say: Callable[[str], None] = print
    crowd: Crowd | None = None
    #: about how long a deploy takes; the instant of a hit lies within this time
    seconds: float = 0.0
    #: how many numbers were posted just before the host went down
    posted: int = 0

    def hit(self, way: Way) -> None:
        """Hit a deploy or a restart. Then old or new must serve, and the same command must end the work."""
        if not self.seconds:
            self.bring("deploy", self._change())
        before, word = self.probe.truth, self.dice.choice(["deploy"] * 6 + ["restart"])
        after = before if word == "restart" else self._change()
        with self.crowd.trouble() if self.crowd and way in NOTICED else nullcontext():
            began = self._cut(way, word, after)
        release, truth = answers(self.probe.host)
        assert truth in (before, after), f"{truth} serves, neither the old release nor the new one"
        self.say(f"{'':10} {'new' if truth == after else 'old'} serves ({release})")
        # Only the next run removes what a power cut leaves, or a frame that is killed before a script began.
        has_begun = began and not waiting_scripts(self.probe.host)
        is_left = way in DOWN or (way in (Hit.frame, Hit.everything) and not has_begun)
        if way is Hit.supervisor or (not is_left and self.dice.random() < 0.5):
            self.assert_quiet()
        self.bring(word, after)
        self.assert_settled()

    def bring(self, word: str, truth: Truth) -> None:
        """Run the command to its end, and check that its release serves."""
        if self.crowd:
            self.crowd.expect(truth)
        began = time.monotonic()
        self.probe.desk.does(word)
        # A command that only finishes an earlier one is quicker than a whole one, so the time shrinks slowly.
        self.seconds = max(time.monotonic() - began, 0.8 * self.seconds)
        if self.crowd:
            self.crowd.settle(truth)
        assert answers(self.probe.host)[1] == truth

    def assert_settled(self) -> None:
        """Check that a deploy has nothing to do, and that nothing half made is left."""
        assert ": 0 changed" in self.probe.desk.does("deploy").out
        self.assert_quiet()
        assert not (half := halves(self.probe.host)), half
        assert_serves_once(self.probe.host)

    def assert_quiet(self) -> None:
        """Wait for work that finishes by itself, then check that it left nothing behind."""
        host = self.probe.host
        eventually(
            lambda: not leftovers(host) and all(one.startswith("supervisord ") for one in masters(host)), 60
        )
        assert_tidy(host)

    def _cut(self, way: Way, word: str, after: Truth) -> bool:
        """Hit the command at a random instant. Return whether its run had begun."""
        if self.crowd:
            self.crowd.expect(after)
        log = last_run(self.probe.host).log
        with self.probe.desk.started(word) as process:
            moment = self.dice.uniform(0.3, self.seconds)
            time.sleep(moment)
            told = last_event(self.probe.host, log)
            if way in DOWN:
                self._post()
            way(Hit(self.probe, process, self.dice))
            self.say(f"{way.__name__:10} after {moment:5.2f} s of {word}, {told}")
            if way in (Hit.controller, *DOWN) or self.dice.random() < 0.5:
                # The controller is gone too. Otherwise the command is left to end by itself.
                process.kill()
            said = process.communicate(timeout=300)
        if way in NOTICED:
            assert process.returncode in (-signal.SIGKILL, *ENDS), said
        if way in DISKS:
            Hit(self.probe, process, self.dice).mend_disk()
        if way is Hit.gunicorn:
            time.sleep(3)  # the workers of a master that was killed serve for a second more, and then end
        if way in (*DOWN, *NOTICED):
            assert eventually(self._is_back, 60), f"no answer after {told}"
        if way in DOWN:
            self._assert_posted()
        return told != NOTHING

    def _post(self) -> None:
        """Post a number, and have the site acknowledge it. No crowd sees a host that goes down."""
        self.posted += 1
        answer = browse(self.probe.host, f"/entries?number=last-{self.posted}", method="POST")
        assert answer.status == 200, f"{answer.status}: {answer.body[:200]}"

    def _assert_posted(self) -> None:
        """Check that each post was kept, once: an acknowledged one is on disk."""
        query = "SELECT number FROM probe_entry WHERE number LIKE 'last-%' ORDER BY id"
        kept = KINDS[self.probe.database].rows(self.probe.host, query)
        assert kept == [f"last-{number + 1}" for number in range(self.posted)], kept

    def _is_back(self) -> bool:
        """Whether the site serves and its database answers. systemd restarts a killed one after 5 seconds."""
        return is_serving(self.probe.host) and KINDS[self.probe.database].answers(self.probe.host)

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
    """Return the last event of the newest run, or NOTHING if its log is the one from before."""
    run = last_run(host)
    if run.log == before or not run.events:
        return NOTHING
    verb, stage, what, _ = run.events[-1]
    return f"at '{stage}: {verb} {what}'"


def answers(host: ThrowawayHost, count: int = ANSWERS) -> tuple[str, Truth]:
    """Visit the site `count` times. Check that one release gives all answers, and that the links name it."""
    told, live = [], inside(host, LIVE)
    for number in range(count):
        answer = browse(host, f"/?number={number}")
        assert answer.status == 200, f"{answer.status}: {answer.body[:200]}"
        told.append(read(answer.body.encode()))
    if inside(host, LIVE) != live:  # a run that was cut at its switch has just finished the switch
        return answers(host, count)
    found = {(each["releases"]["code"], each["virtualenvs"][0], Truth.told_by(each)) for each in told}
    assert len(found) == 1, f"{len(found)} releases answer: {found}"
    [(release, virtualenv, truth)] = found
    links = "cd /srv/guestbook && readlink -f live/release current live/venv current/venv"
    folder = f"/srv/guestbook/releases/{release}"
    assert inside(host, links).split() == [folder, folder, virtualenv, virtualenv]
    return release, truth
