"""Screen: a line for each step, with what it does and then with its result. For a person at a terminal."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.padding import Padding
from rich.text import Text

from .. import console
from ..events import Event
from ..printable import printable
from ..scripts.stage import Stage
from . import phrases
from .display import Display, Verdict
from .step import Step
from .symbols import ASCII, SYMBOLS
from .tail import what_matters

_STYLES = {"good": "green", "warn": "yellow", "bad": "red", "next": "bold", "would": "yellow"}
_REFRESHES = 8
#: the longest line; in a longer one the seconds would be far from the words
_LONGEST = 100
#: the room at the end of a line for the ^C that a terminal shows, which would break the line
_ROOM = 5
#: the width of a step's name, by which lines below a step are indented in a terminal of at least this width
_NAME, _ROOMY = 13, 80


class Screen(Display):
    """Shows a line for each host at the bottom of the terminal, and above it what has happened."""

    is_watched = True

    def __init__(self, *, is_verbose: bool = False) -> None:
        self.is_verbose = is_verbose
        self._rich = Console(highlight=False, emoji=False, markup=False, soft_wrap=False)
        self._symbols = SYMBOLS if console.is_unicode(sys.stdout) else ASCII
        self._live: Live | None = None
        self._ticker: threading.Thread | None = None
        self._is_over = threading.Event()
        self._app = ""
        self._hosts: list[str] = []
        self._facts = ""
        self._header = ""
        self._began = time.monotonic()
        #: the step that runs on each host
        self._steps: dict[str, Step] = {}
        #: the step before it, which goes on if the step that runs says nothing
        self._before: dict[str, Step] = {}
        #: for each host the step that each stage belongs to
        self._names: dict[str, dict[str, str]] = {}
        self._connected: set[str] = set()
        self._sent: dict[str, str] = {}

    def begin(self, command: str, app: str, hosts: Sequence[str]) -> None:
        """Show at once which hosts the command goes to."""
        with console.lock:
            self._hosts = [host.rpartition("@")[2] for host in hosts]
            self._header = f"{app} {self._symbols.arrow} {', '.join(hosts)}"
            self._facts, self._began = "", time.monotonic()
            self._start()

    def expect(self, host: str, stages: Sequence[Stage]) -> None:
        """Note the step of each stage to come."""
        with console.lock:
            self._finish(host)
            self._names[host] = {stage.name: stage.step or stage.name for stage in stages}
            self._start()

    def take(self, host: str, event: Event, *, with_detail: bool = False) -> None:
        """Show what a stage says in the line of its step."""
        with console.lock:
            if event.verb == "fact" and event.what == "host":
                self._facts = event.detail
            elif event.verb == "stage":
                self._enter(host, self._names.get(host, {}).get(event.stage, event.stage))
            elif event.verb != "fact":
                if host not in self._steps:  # A lock, for example, speaks before the first stage.
                    self._enter(host, event.stage or "start")
                self._steps[host].take(event, with_detail=with_detail)
                if event.verb == "doing" or not self._steps[host].is_silent:
                    self._show(self._before.pop(host, None), host)
            self._connected.add(host)

    def send(self, host: str, sent: int, size: int) -> None:
        """Show how much of the work is sent."""
        self._sent[host] = f" {self._symbols.dot} {phrases.of_size(sent, size)}" if sent < size else ""

    def hear(self, host: str, line: str) -> None:
        """Show the last line that a program printed, after what the step does."""
        step = self._steps.get(host)
        if step and line.strip():
            step.heard = line.strip()

    def tell(self, host: str, text: str, kind: str = "") -> None:
        """Show a sentence."""
        with console.lock:
            mark = {"warn": f"{self._symbols.warning} ", "bad": f"{self._symbols.bad} ", "next": "Next: "}
            self._print_header()
            self._print(
                Text(f"{mark.get(kind, '')}{self._of(host)}{self._shown(text)}", _STYLES.get(kind, ""))
            )

    def result(self, name: str, host: str, data: Mapping[str, Any], lines: Sequence[str]) -> None:
        """Show the lines for a person, as they are."""
        with console.lock:
            self._stop()
        for line in lines:
            console.say(line, before=self._of(host))

    def verdict(self, verdict: Verdict) -> None:
        """Show how the command ended on a host, and what to type next."""
        with console.lock:
            self._finish(verdict.host)
            self._print_header()
            seconds = time.monotonic() - self._began if len(self._hosts) == 1 else verdict.seconds
            took, of = phrases.clock(seconds), self._of(verdict.host)
            if verdict.headline:
                parts = [verdict.headline, took, *([f"undo: {verdict.undo}"] if verdict.undo else [])]
                self._print(Text(of + self._shown(f" {self._symbols.dot} ".join(parts)), "bold green"))
            elif verdict.word == "would" and not verdict.count:
                self._print(Text(f"{of}Nothing would change {self._symbols.dot} {took}", "bold green"))
            elif verdict.word == "changed":
                self._print(Text(f"{of}{verdict.title} in {took}: {_count(verdict.count)}", "bold green"))
            if verdict.following:
                self._print(Text(f"Next: {verdict.following}", "bold"))

    def fail(self, host: str, error: Exception, tail: Sequence[str], *, is_last: bool) -> None:
        """Show which step failed, and the host's last words."""
        with console.lock:
            self._finish(host)
        shown = what_matters(tail)
        if shown and len(shown) < len(tail):
            shown.append(f"all its last lines: in the newest log of /var/log/roadie on {host}")
        for line in shown:
            console.say(f"    {line}", error=True, before=self._of(host))
        if not is_last:
            console.say(f"{error}", error=True)

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Take the live lines away for a while."""
        with console.lock:
            was_live = self._live is not None
            self._stop()
        try:
            yield
        finally:
            if was_live and not self._is_over.is_set():
                with console.lock:
                    self._start()

    def end(self, error: BaseException | None = None) -> None:
        """Take the live lines away, and leave the cursor below what is shown."""
        self._is_over.set()
        with console.lock:
            self._stop()

    # ---- The live lines ----

    def _start(self) -> None:
        if not self._ticker:
            self._ticker = threading.Thread(target=self._tick, daemon=True)
            self._ticker.start()
        if self._live is None:
            self._live = Live(
                get_renderable=self._lines,
                console=self._rich,
                transient=True,
                auto_refresh=False,
                redirect_stdout=False,
                redirect_stderr=False,
            )
            console.aside = self.aside
            self._live.start(refresh=True)

    def _tick(self) -> None:
        """Draw the live lines again and again. The thread of rich would draw amid other output."""
        while not self._is_over.wait(1 / _REFRESHES):
            with console.lock:
                if self._live:
                    self._live.refresh()

    def _stop(self) -> None:
        live, self._live = self._live, None
        if live:
            console.aside = nullcontext
            live.stop()

    def _lines(self) -> RenderableType:
        """The lines as they are at this moment."""
        head = [] if not self._header else [self._cut(Text(self._whole_header(), "bold"))]
        return Group(*head, *(self._line(host, self._steps.get(host)) for host in self._hosts))

    def _line(self, host: str, step: Step | None) -> Text:
        frames = self._symbols.spinner
        frame = frames[int(time.monotonic() * _REFRESHES) % len(frames)]
        if step is None:
            is_connected = host in self._connected or host in self._sent
            doing = f"sends the work{self._sent.get(host, '')}" if is_connected else f"connecting to {host}"
            return self._row(frame, host, "", doing, None, "cyan")
        doing = step.doing or "begins"
        what = Text(self._shown(doing))
        if step.heard:
            what.append(f" {self._symbols.dot} {self._shown(step.heard)}", "dim")
        return self._row(frame, host, step.name, what, step.seconds, "cyan")

    # ---- Lines that stay ----

    def _enter(self, host: str, name: str) -> None:
        """Begin a step, or go on with the step before if it is the same."""
        step = self._steps.get(host)
        if step and step.name == name:
            return
        if step and not step.is_silent:
            step.ended = time.monotonic()
            self._before[host] = step
        before = self._before.get(host)
        if before and before.name == name:
            self._steps[host] = self._before.pop(host)
            before.ended = 0
        else:
            self._steps[host] = Step(name)

    def _finish(self, host: str) -> None:
        """Print the results of the steps so far."""
        self._show(self._before.pop(host, None), host)
        self._show(self._steps.pop(host, None), host)

    def _show(self, step: Step | None, host: str) -> None:
        """Print the result of a step."""
        if step is None or step.is_silent:
            return
        self._print_header()
        kind, symbol = self._judged(step)
        summary = Text(self._shown(step.summary()), "red" if step.failure else "")
        self._print(self._row(symbol, host, step.name, summary, step.seconds, _STYLES[kind]))
        if self.is_verbose:
            self._print_under(f"{event.verb} {event.what}" for event in step.changes)
        for event in step.notes:
            joint = " as " if event.verb == "kept" else ": "
            text = joint.join(each for each in (event.what, event.detail) if each)
            self._print_under([f"{event.verb}: {text}" if event.verb != "warn" else text], "yellow")
        self._print_under(step.details)

    def _judged(self, step: Step) -> tuple[str, str]:
        if step.failure:
            return "bad", self._symbols.bad
        if any(event.verb == "would" for event in step.changes):
            return "would", "+"
        if any(event.verb == "warn" for event in step.notes):
            return "warn", self._symbols.warning
        return "good", self._symbols.good

    def _print_header(self) -> None:
        header, self._header = self._whole_header(), ""
        if header:
            self._print(Text(header, "bold"))

    def _whole_header(self) -> str:
        facts = f" ({self._facts})" if self._facts and len(self._hosts) == 1 else ""
        return self._shown(f"{self._header}{facts}") if self._header else ""

    def _print_under(self, lines: Iterator[str] | Sequence[str], style: str = "dim") -> None:
        indent = _NAME + 2 if self._rich.width >= _ROOMY else 4
        for line in lines:
            self._print(Padding(Text(self._shown(line), style, overflow="fold"), (0, 0, 0, indent)))

    def _print(self, what: RenderableType) -> None:
        self._rich.print(what, overflow="fold")

    # ---- Text ----

    def _row(
        self, symbol: str, host: str, name: str, what: Text | str, seconds: float | None, style: str
    ) -> Text:
        """One line: symbol, host if there are several, step, what, and the seconds at its end."""
        width = min(self._rich.width - _ROOM, _LONGEST)
        took = f"  {phrases.clock(seconds):>6}" if seconds is not None else ""
        row = Text().append(f"{symbol} ", style).append(self._of(host))
        row.append(f"{name:<{_NAME}}" if name else "", "bold")
        row.append(what)
        row = self._cut(row, width - len(took))
        row.append(" " * (width - len(took) - row.cell_len))
        return row.append(took, "dim")

    def _cut(self, line: Text, width: int | None = None) -> Text:
        """The line, with dots at its end if it is too wide."""
        width = self._rich.width - 1 if width is None else width
        if line.cell_len > width:
            line.truncate(max(0, width - len(self._symbols.dots)), overflow="crop")
            line.append(self._symbols.dots)
        line.no_wrap = True
        return line

    def _of(self, host: str) -> str:
        if len(self._hosts) < 2 or host not in self._hosts:
            return ""
        longest = max(map(len, self._hosts))
        return f"{host:<{longest}}  "

    def _shown(self, text: str) -> str:
        return console.writable(printable(text).replace("\t", " "), sys.stdout)


def _count(number: int) -> str:
    if not number:
        return "0 changed"
    return f"{number} change{'s' * (number != 1)} (-v lists {'them' if number != 1 else 'it'})"
