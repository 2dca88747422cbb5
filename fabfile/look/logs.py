"""Lines of logs: which lines are wanted, and how the lines of several hosts are merged."""

from __future__ import annotations

import heapq
import re
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from ..errors import UsageError
from ..events import Event

KINDS = ("app", "programs", "nginx", "runs")
MOST = 100_000
_FEW, _MANY = 100, 10_000
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_AGO = re.compile(r"(\d{1,6})([smhd])")
_LONGEST_TEXT = 200
_RELEASE = re.compile(r"[0-9A-Za-z-]{4,80}")
_SHA = re.compile(r"[0-9a-f]{9,40}")
#: with --follow: the seconds to wait for the old lines of a slow host before those of the others are shown
_PATIENCE = 5.0


@dataclass(frozen=True)
class Line:
    """A line of a log."""

    #: in seconds since 1970
    time: float
    host: str
    #: the log that has the line: web-blue, access, the name of a program, or when a run began
    log: str
    text: str


@dataclass(frozen=True)
class Wanted:
    """The lines that are wanted."""

    of: tuple[str, ...] = ("app",)
    lines: int = _FEW
    #: seconds since 1970, or empty
    since: str = ""
    grep: str = ""
    release: str = ""
    follow: bool = False

    @classmethod
    def read(cls, of: str, *, release: str, since: str, grep: str, lines: int, follow: bool) -> Wanted:
        """The lines that the flags of a command ask for. Raises UsageError for a flag that makes no sense."""
        kinds = tuple(one.strip() for one in of.split(","))
        for one in kinds:
            if one not in KINDS:
                raise UsageError(f"--of {one}: there are logs of {', '.join(KINDS)}; several with commas")
        if release:
            if kinds not in (("app",), ("runs",)):
                raise UsageError("--release shows the runs of a release; leave out --of")
            if not _RELEASE.fullmatch(release):
                raise UsageError(f"--release {release}: no name of a release or commit; see fab releases")
            kinds = ("runs",)
        if not 0 <= lines <= MOST:
            raise UsageError(f"--lines {lines}: must be from 1 to {MOST}")
        if len(grep) > _LONGEST_TEXT or not grep.isprintable():
            raise UsageError(f"--grep: must be a text of at most {_LONGEST_TEXT} plain characters")
        # The name of a release ends with the first eight characters of its commit.
        release = release[:8] if _SHA.fullmatch(release) else release
        count = lines or (_MANY if since or release else _FEW)
        return cls(kinds, count, _seconds(since), grep, release, follow)

    @property
    def is_labelled(self) -> bool:
        """Whether each line is shown with the name of its log."""
        return len(self.of) > 1 or self.of == ("programs",)


def _seconds(since: str) -> str:
    if not since:
        return ""
    ago = _AGO.fullmatch(since)
    if ago:
        return f"{time.time() - int(ago[1]) * _SECONDS[ago[2]]:.0f}"
    try:
        when = datetime.fromisoformat(since).timestamp()
    except (ValueError, OverflowError):
        raise UsageError(
            f"--since {since}: write 30s, 10m, 2h, 3d, or a time such as 2026-11-29T10:00"
        ) from None
    if when > time.time():
        raise UsageError(f"--since {since}: that is in the future; without a time zone it is the time here")
    return f"{when:.0f}"


@dataclass
class Merged:
    """Shows the lines of several hosts: first the old lines in the order of their times, then each new line.

    Each host has a thread of its own, which calls `take`.
    """

    hosts: Sequence[str]
    wanted: Wanted
    show: Callable[[Line], None]
    _held: dict[str, list[Line]] = field(default_factory=dict)
    #: the hosts that have sent all of their old lines
    _through: set[str] = field(default_factory=set)
    _is_open: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, host: str, event: Event) -> None:
        """Take a line of a host. An event without the name of a log ends the old lines of the host."""
        with self._lock:
            if not event.what:
                self._end_of(host)
                return
            when, _, text = event.detail.partition(" ")
            line = Line(float(when), host, event.what, text)
            if self._is_open:
                self.show(line)
            else:
                self._held.setdefault(host, []).append(line)

    def end(self) -> None:
        """Show the lines that are still held back."""
        with self._lock:
            self._open()

    def _end_of(self, host: str) -> None:
        if not self._through and self.wanted.follow:
            timer = threading.Timer(_PATIENCE, self.end)
            timer.daemon = True
            timer.start()
        self._through.add(host)
        if len(self._through) == len(self.hosts):
            self._open()

    def _open(self) -> None:
        """Show all lines that were held back, and from now on each new line at once."""
        if self._is_open:
            return
        self._is_open = True
        lines = [*heapq.merge(*self._held.values(), key=lambda line: line.time)]
        self._held.clear()
        for line in lines[-self.wanted.lines :]:
            self.show(line)
