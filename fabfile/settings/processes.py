"""The settings of what runs beside the web: programs, periodic commands, Celery and Redis."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .kinds import (
    CONTROL,
    Kind,
    Wrong,
    choice,
    keyed,
    mapping,
    several,
    shown,
    size,
    switch,
    text,
    unknown,
    whole,
)
from .schedules import EXAMPLE, parted

_OF_PROGRAMS = ("command", "stop_timeout")
_STOP_TIMEOUT = 60
#: what Supervisor calls Celery's scheduler
BEAT = "beat"


@dataclass(frozen=True)
class Program:
    """A command that runs beside the site, and how many seconds it may take to stop."""

    command: str
    stop_timeout: int = _STOP_TIMEOUT

    @property
    def words(self) -> tuple[str, ...]:
        """The words of the command. The Python of the release runs manage.py."""
        words = shlex.split(self.command)
        return ("python", *words) if words[0] == "manage.py" else tuple(words)

    @property
    def manage_command(self) -> str:
        """The name of the manage.py command; empty if the command is another."""
        return self.words[2] if self.words[:2] == ("python", "manage.py") else ""


@dataclass(frozen=True)
class Job(Program):
    """A command that runs from time to time."""

    #: in the form of systemd's timers
    when: str = ""


@dataclass(frozen=True)
class Worker:
    """A worker of Celery. Empty values leave the choice to the project, or to Celery."""

    queues: tuple[str, ...] = ()
    pool: str = ""
    concurrency: int = 0
    max_tasks_per_child: int = 0
    stop_timeout: int = 600

    @property
    def options(self) -> str:
        """The options on its command line."""
        numbers = {"concurrency": self.concurrency, "max-tasks-per-child": self.max_tasks_per_child}
        # This is in-project/worker.py, which corrects Celery's own pool.
        options = ["--include roadie_worker"] if self.pool in ("", "prefork") else []
        options += [f"--queues {','.join(self.queues)}"] if self.queues else []
        options += [f"--pool {self.pool}"] if self.pool else []
        return " ".join([*options, *(f"--{name} {number}" for name, number in numbers.items() if number)])


@dataclass(frozen=True)
class Celery:
    """Whether Celery runs, for which application, with which workers, and whether beat runs."""

    is_on: bool = False
    app: str = ""
    workers: Mapping[str, Worker] = field(default_factory=lambda: {"celery": Worker()})
    beat: bool = False

    def __bool__(self) -> bool:
        return self.is_on

    def programs(self, site: str) -> dict[str, Program]:
        """The programs of a site. Beat comes last: the workers must know a task before beat sends it."""
        if not self.is_on:
            return {}
        celery = f"python -m celery --app {self.app}"
        found = {
            name: Program(
                f"{celery} worker --hostname {name}.{site}@%h --loglevel INFO {worker.options}",
                worker.stop_timeout,
            )
            for name, worker in self.workers.items()
        }
        schedule = f"/srv/{site}/shared/home/celerybeat-schedule"
        beat = {BEAT: Program(f"{celery} beat --loglevel INFO --schedule {schedule}")} if self.beat else {}
        return {**found, **beat}


@dataclass(frozen=True)
class Redis:
    """Whether the site has a Redis of its own, and how much memory that Redis may use."""

    is_on: bool = False
    memory: str = "128m"

    def __bool__(self) -> bool:
        return self.is_on

    @property
    def bytes(self) -> int:
        """The memory as a number. Redis itself takes m for a million."""
        return int(self.memory.rstrip("kmg")) * {"k": 2**10, "m": 2**20, "g": 2**30}.get(self.memory[-1], 1)


def _program_name(name: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9_-]{0,30}", name, re.ASCII):
        raise Wrong("must be 1 to 31 small letters, digits, '-' or '_', a letter first")
    if name in ("web", "blue", "green") or name.startswith("web-"):
        raise Wrong("is what roadie calls the site's own web processes; choose another name")
    return name


def _program(value: Any) -> Program:
    given = value if isinstance(value, Mapping) else {"command": value}
    for key in given:
        if key not in _OF_PROGRAMS:
            raise unknown(key, _OF_PROGRAMS)
    command = given.get("command")
    if not isinstance(command, str) or re.search(CONTROL, command):
        raise Wrong(f"must be a command in one line, such as manage.py sendalerts, not {shown(command)}")
    _check_words(command)
    stop_timeout = _SECONDS_TO_STOP.check(given.get("stop_timeout", _STOP_TIMEOUT))
    return Program(command, stop_timeout)


def _job(value: Any) -> Job:
    if not isinstance(value, str) or re.search(CONTROL, value):
        raise Wrong(f"must be a time and a command in one line, {EXAMPLE}, not {shown(value)}")
    when, command = parted(value)
    _check_words(command)
    return Job(command, when=when)


def _command(value: Any) -> Program:
    if not isinstance(value, str):
        raise Wrong(f"must be a command in one line, such as manage.py loaddata start, not {shown(value)}")
    return _program(value)


def _check_words(command: str) -> None:
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise Wrong(f"{shown(command)}: {str(error).lower()}; check its quotes") from None
    if not words or words == ["manage.py"]:
        raise Wrong("names no command; write one such as manage.py sendalerts")


def _celery(value: Any) -> Celery:
    if isinstance(value, bool):
        return Celery(value)
    found = Celery(True, **_SOME_OF_CELERY.check(value))
    if not found.workers and not found.beat:
        raise Wrong("names neither workers nor beat; leave workers out for one worker")
    return found


def _worker_name(name: str) -> str:
    if name == BEAT:
        raise Wrong("is what roadie calls Celery's beat; choose another name")
    return _program_name(name)


def _worker(value: Any) -> Worker:
    return Worker(**_SOME_OF_WORKER.check({} if value is None else value))


def _redis(value: Any) -> Redis:
    if isinstance(value, bool):
        return Redis(value)
    return Redis(True, **_PARTS_OF_REDIS.check(value))


def _memory(value: Any) -> str:
    found = size().check(value)
    if Redis(True, found).bytes < 2**20:
        raise Wrong(f"must be at least 1m, not {shown(value)}")
    return found


_SECONDS_TO_STOP = whole(1, 3600, "seconds")
PROGRAMS = mapping(
    "a mapping of names to commands, such as {alerts: manage.py sendalerts}", _program_name, _program
)
ONCE = mapping(
    "a mapping of names to commands, such as {data: manage.py loaddata start}", _program_name, _command
)
CRON = mapping(
    "a mapping of names to times and commands, such as {sessions: 0 4 * * * manage.py clearsessions}",
    _program_name,
    _job,
)
_WORKERS = "a mapping of names to workers, such as {celery: {queues: [mail], concurrency: 2}}"
_CELERY = "true, false, or a mapping such as {beat: true, workers: {celery: {concurrency: 2}}}"
_SOME_OF_WORKER = keyed(
    "a mapping such as {queues: [mail], concurrency: 2}",
    {
        "queues": several(text("a queue such as mail", r"[A-Za-z0-9_.:-]{1,100}"), "a list of queues"),
        "pool": choice("prefork", "threads", "solo", "gevent", "eventlet"),
        "concurrency": whole(1, 1000),
        "max_tasks_per_child": whole(1, 1_000_000),
        "stop_timeout": _SECONDS_TO_STOP,
    },
)
_SOME_OF_CELERY = keyed(
    _CELERY,
    {
        "app": text("a module such as mysite.celery", r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*(:[A-Za-z_]\w*)?"),
        "workers": mapping(_WORKERS, _worker_name, _worker),
        "beat": switch(),
    },
)
CELERY = Kind(_CELERY, _celery, switch().from_text)
_REDIS = "true, false, or a mapping such as {memory: 256m}"
_PARTS_OF_REDIS = mapping(_REDIS, str, _memory, known=("memory",))
REDIS = Kind(_REDIS, _redis, switch().from_text)
