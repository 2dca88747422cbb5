"""Prints the last lines of logs in the order of their times, and then follows the logs.

Each line goes out as an event of roadie, with the label of its log, its time and its text. A line without a
time gets the time of the line before it. This runs as root, so it follows no link, waits for no FIFO, and
keeps only a bounded part of what it reads.
"""

import calendar
import gzip
import heapq
import os
import re
import stat
import sys
import time
from collections import deque
from contextlib import suppress
from itertools import islice
from pathlib import Path

LONGEST = 2000  # bytes of a line
STEPS = (1 << 18, 1 << 22, 1 << 26)  # how far back from the end of a file to look for lines, in bytes
MOST_FOLLOWED = 100  # logs
FOLDER = Path("/var/log")
MONTHS = "JanFebMarAprMayJunJulAugSepOctNovDec"

# The seconds at the end of a line of nginx's format `roadie`.
FIGURES = re.compile(rb'" (\d{9,11}\.\d{3}) [0-9.]+ [^"]*$')
COMMON = re.compile(rb"\[(\d\d)/(\w{3})/(\d{4}):(\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)\]")
NGINX_ERROR = re.compile(rb"(\d{4})/(\d\d)/(\d\d) (\d\d):(\d\d):(\d\d) \[")
ISO = re.compile(
    rb"\[?(\d{4})-(\d\d)-(\d\d)[ T](\d\d):(\d\d):(\d\d)([.,]\d{1,6})?\d* ?(?:Z|([+-])(\d\d):?(\d\d))"
)
EVENT = re.compile(r"[0-9a-f]{32}\t(\w+)\t([^\t]*)\t([^\t]*)\t([^\t]*)$")
STAMP = re.compile(r"(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z")


def offset(sign, hours, minutes):
    """Seconds east of UTC."""
    east = int(hours or 0) * 3600 + int(minutes or 0) * 60
    return -east if sign == b"-" else east


def own_time(line):
    """The time in a line; None if it has none, or if nobody knows the time zone."""
    with suppress(ValueError, IndexError, OverflowError):  # a thirteenth month, say
        return time_in(line)
    return None


def time_in(line):
    """Like own_time, but a time that cannot be raises an error."""
    found = FIGURES.search(line)
    if found:
        return float(found[1])
    found = ISO.match(line)
    if found:
        *fields, fraction, sign, hours, minutes = found.groups()
        when = calendar.timegm((*map(int, fields), 0, 0, 0))
        part = float(b"0." + fraction[1:]) if fraction else 0
        return when + part - offset(sign, hours, minutes)
    found = NGINX_ERROR.match(line)
    if found:
        return time.mktime((*map(int, found.groups()), 0, 0, -1))
    found = COMMON.search(line[:1000])
    if found:
        day, month, year, *clock, sign, hours, minutes = found.groups()
        number = MONTHS.find(month.decode("ascii", "replace")) // 3 + 1
        when = calendar.timegm((int(year), number, int(day), *map(int, clock), 0, 0, 0))
        return when - offset(sign, hours, minutes)
    return None


def opened(path):
    """Open a regular file for reading. Return None if it is something else, or gone."""
    with suppress(OSError):
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            return os.fdopen(descriptor, "rb")
        os.close(descriptor)
    return None


def lines_of(file):
    """The lines of a file from where it stands, each cut to LONGEST bytes."""
    while piece := file.readline(1 << 16):
        yield piece[:LONGEST].rstrip(b"\n")
        while piece and not piece.endswith(b"\n"):
            piece = file.readline(1 << 16)


class Log:
    """One log: the file that is being written, and the older files that were rotated away."""

    def __init__(self, label, path):
        self.label, self.path = label, path
        self.file, self.rest = None, b""
        self.when = 0.0

    def before(self):
        """The rotated files, the newest first."""
        found = {}
        for path in self.path.parent.glob(f"{self.path.name}.*"):
            number = path.name.removeprefix(f"{self.path.name}.").removesuffix(".gz")
            if number.isdigit():
                found[int(number)] = path
        return [found[number] for number in sorted(found)]

    def last(self, search):
        """The last lines that match the search: (time, label, text), in order."""
        self.file = opened(self.path)
        found = self.timed(self.file, search) if self.file else []
        if self.file and not search.follows:
            self.file.close()
        for path in self.before():
            if len(found) >= search.lines or self.is_older(path, search.since):
                break
            file = opened(path)
            if file:
                with file, suppress(OSError, EOFError):  # what is no gzip file is left out
                    found = (
                        self.timed(gzip.GzipFile(fileobj=file) if path.suffix == ".gz" else file, search)
                        + found
                    )
        return [one for one in found if one[0] >= search.since][-search.lines :]

    @staticmethod
    def is_older(path, since):
        with suppress(OSError):
            return bool(since) and path.lstat().st_mtime < since
        return True

    def timed(self, file, search):
        """The last lines of one file that match the search."""
        if isinstance(file, gzip.GzipFile):
            return self.chosen(file, search)
        size, found = os.fstat(file.fileno()).st_size, []
        for step in STEPS:
            file.seek(max(0, size - step))
            if size > step:
                file.readline(1 << 26)  # the rest of a line
            found = self.chosen(file, search)
            is_enough = found and search.since and found[0][0] < search.since
            if size <= step or is_enough or len(found) >= search.lines:
                break
        return found

    def chosen(self, file, search):
        """The last lines from here on that match, with one more from before the time that is searched for."""
        found = deque(maxlen=search.lines)
        self.when = self.first_time(file)
        for line in lines_of(file):
            self.keep_time(line)
            for text in self.texts(line):
                if search.matches(text) and (not search.since or self.when >= search.since or not found):
                    found.append((self.when, self.label, text))
        return [*found]

    def first_time(self, file):
        """The time of the first line that has one; otherwise the time when the file was last written."""
        if isinstance(file, gzip.GzipFile):
            return 0.0
        here = file.tell()
        times = (own_time(line) for line in islice(lines_of(file), 200))
        first = next((each for each in times if each is not None), os.fstat(file.fileno()).st_mtime)
        file.seek(here)
        return first

    def keep_time(self, line):
        when = own_time(line)
        if when is not None:
            self.when = max(self.when, min(when, time.time()))

    def texts(self, line):
        """The texts that a person reads for this line."""
        return [line.decode("utf-8", "replace")]

    def more(self, search):
        """The whole lines that were written since the last look."""
        if not self.file:
            self.file = opened(self.path)
            return []
        found = [*self.fresh(search)]
        if self.is_replaced():
            found += self.fresh(search)
            self.file.close()
            self.file, self.rest = opened(self.path), b""
        elif os.fstat(self.file.fileno()).st_size < self.file.tell():
            self.file.seek(0)
        return found

    def is_replaced(self):
        with suppress(OSError):
            return not os.path.samestat(self.path.lstat(), os.fstat(self.file.fileno()))
        return False

    def fresh(self, search):
        *whole, rest = (self.rest + self.file.read(1 << 20)).split(b"\n")
        self.rest = rest[:LONGEST]
        for line in whole:
            when = own_time(line[:LONGEST])
            now = time.time()
            for text in self.texts(line[:LONGEST]):
                if search.matches(text):
                    yield (now if when is None else min(when, now), self.label, text)


class Run(Log):
    """The log of one run of roadie. Its lines have the time when the run began."""

    def __init__(self, path):
        super().__init__(path.name[:16], path)
        found = STAMP.match(self.label)
        self.began = float(calendar.timegm((*map(int, found.groups()), 0, 0, 0))) if found else 0.0
        self.app, self.release = self.head()

    def head(self):
        """The site and the release that the run works on; empty in the log of an earlier roadie."""
        file = opened(self.path)
        if file:
            with file:
                for line in islice(lines_of(file), 50):
                    found = EVENT.search(line.decode("utf-8", "replace"))
                    if found and found.group(1, 3) == ("fact", "command"):
                        app, *_, release = plain(found[4]).split("\t")
                        return app, release
        return "", ""

    def before(self):
        return []

    def keep_time(self, line):
        pass

    def first_time(self, file):
        return self.began

    def texts(self, line):
        """An event of roadie as a person reads it. An event that only roadie reads is left out."""
        text = line.decode("utf-8", "replace")
        found = EVENT.search(text)
        if not found:
            return [text]
        verb, stage, what, detail = map(plain, found.groups())
        before = [text[: found.start()]] if found.start() else []
        if verb == "stage":
            return [*before, f"--- {what}: {detail}"]
        if (verb, what) == ("fact", "command"):
            app, command, who, release = (detail.split("\t") + [""] * 4)[:4]
            return [*before, f"=== {command} of {app}{release and f', release {release}'}, by {who}"]
        if verb in ("fact", "ok") or not what:
            return before
        first, *rest = detail.split("\n")
        said = f"{stage:<12} {verb:<8} {what}" + (f": {first}" if first and verb != "doing" else "")
        return [*before, said, *(f"    {one}" for one in rest)]


def plain(text):
    """The text of a field of an event, without its escapes."""
    return re.sub(r"\\[\\tn]", lambda found: {"\\\\": "\\", "\\t": "\t", "\\n": "\n"}[found.group()], text)


class Search:
    """What is searched for, and where."""

    def __init__(self, app, kinds, lines, since, pattern, release, follow):
        self.app, self.kinds, self.lines, self.follows = app, kinds, int(lines), bool(follow)
        self.since = float(since or 0)
        self.pattern, self.release = pattern.lower(), release
        self.known = {}

    def matches(self, text):
        return self.pattern in text.lower()

    def fresh_logs(self):
        """The logs that were not there at the last look, the newest runs first."""
        found = []
        for label, path in sorted(self.paths(), key=lambda one: one[1], reverse=True):
            if path not in self.known:
                log = self.known[path] = Log(label, path) if label else Run(path)
                if not isinstance(log, Run) or log.app in ("", self.app):
                    found.append(log)
        return found

    def paths(self):
        """A label and a path of each log. The log of a run has no label."""
        for path in (FOLDER / self.app).glob("*.log"):
            if ("app" if path.stem in ("web-blue", "web-green") else "programs") in self.kinds:
                yield path.stem, path
        if "nginx" in self.kinds:
            for label in ("access", "error"):
                yield label, FOLDER / f"nginx/{self.app}.{label}.log"
        if "runs" in self.kinds:
            for path in (FOLDER / "roadie").glob("*.log"):
                if not Log.is_older(path, self.since):
                    yield "", path

    def of_release(self, logs):
        """The logs of the newest release whose name has the text that is searched for."""
        meant = {log.release for log in logs if isinstance(log, Run) and self.release in log.release}
        return [log for log in logs if meant and getattr(log, "release", "") == max(meant)]

    def last(self, logs):
        """The last lines of all logs, by their times. Leaves in the list only the logs that can have more."""
        parts, read, count = [], [], 0
        for log in logs:
            is_run = isinstance(log, Run)
            if not is_run or count < self.lines:
                read.append(log)
                parts.append(log.last(self))
                count += len(parts[-1]) if is_run else 0
        logs[:] = read[:MOST_FOLLOWED]
        return [*heapq.merge(*reversed(parts), key=lambda one: one[0])][-self.lines :]


def main(app, *kinds):
    """Print, and follow until the process that watches is gone."""
    with open(7, encoding="utf-8") as told:
        nonce, stage, lines, since, pattern, release, follow, watcher = told.read().split("\n")[:8]
    search = Search(app, kinds, lines, since, pattern, release, follow)

    def say(verb, what, detail):
        text = detail.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n")
        sys.stdout.write(f"{nonce}\t{verb}\t{stage}\t{what}\t{text}\n")

    logs = search.fresh_logs()
    if release:
        logs = search.of_release(logs)
        say("fact", "found", str(len(logs)))
    for when, label, text in search.last(logs):
        say("line", label, f"{when:.3f} {text}")
    say("line", "", "")
    sys.stdout.flush()
    while follow and Path("/proc", watcher).exists():
        for log in logs:
            for when, label, text in log.more(search):
                say("line", label, f"{when:.3f} {text}")
        sys.stdout.flush()
        time.sleep(0.2)
        if not release:
            logs += search.fresh_logs()


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8", errors="replace")
    main(*sys.argv[1:])
