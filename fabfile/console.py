"""What roadie says to a person and asks of a person: one line or one question at a time."""

from __future__ import annotations

import getpass
import os
import queue
import sys
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import TextIO

from .printable import printable

#: held while a line is printed, and while a question waits for its answer, so that the two do not mix
lock = threading.RLock()

#: takes a live screen away from the terminal, so that lines and questions do not mix with the screen
aside: Callable[[], AbstractContextManager[None]] = nullcontext

#: the questions of background work; None wakes `serve_until`
_waiting: queue.SimpleQueue[_Question | None] = queue.SimpleQueue()
#: the name of each thread of background work
_BACKGROUND = "roadie"
_reader_gone = threading.Event()


@dataclass
class _Question:
    text: str
    secret: bool
    answer: str = ""
    answered: threading.Event = field(default_factory=threading.Event)

    def put(self) -> None:
        try:
            with lock, aside():
                self.answer = _ask(self.text, self.secret)
        finally:
            self.answered.set()


def say(line: str, *, error: bool = False, colour: str = "", before: str = "") -> None:
    """Print one whole line, in a colour if the stream shows colours. The text `before` it has no colour."""
    stream, line = (sys.stderr if error else sys.stdout), printable(line)
    if colour and shows_colours(stream):
        line = f"\x1b[{colour}m{line}\x1b[0m"
    with lock, aside():
        try:
            print(writable(f"{before}{line}", stream), file=stream, flush=True)
        except BrokenPipeError:
            # The reader has ended, as in `fab deploy | head`. The command goes on without one.
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
            if stream is sys.stdout:
                _reader_gone.set()


def is_read() -> bool:
    """Whether somebody still reads stdout. Only a line that is printed finds out that nobody does."""
    return not _reader_gone.is_set()


def writable(text: str, stream: TextIO) -> str:
    """The text, with an escape such as `\\xe4` for each letter that the stream's encoding lacks."""
    encoding = stream.encoding or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)


def is_unicode(stream: TextIO) -> bool:
    """Whether the stream has more letters than ASCII, and by the locale its terminal too."""
    locale = next(filter(None, map(os.environ.get, ("LC_ALL", "LC_CTYPE", "LANG"))), "")
    return (stream.encoding or "").lower().startswith("utf") and locale not in ("C", "POSIX")


def shows_colours(stream: TextIO) -> bool:
    """Whether to print colours: at a terminal, unless NO_COLOR or FORCE_COLOR decides."""
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR", "0") not in ("", "0"):
        return True
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def is_interactive() -> bool:
    """Whether a person sits at a terminal and can be asked."""
    return bool(sys.stdin and sys.stdin.isatty())


def ask(text: str, *, secret: bool = False) -> str:
    """Ask at the terminal. An end of file is an empty answer.

    Background work hands its question to the thread that waits for the work. Mostly that is the main thread,
    and Ctrl-C ends a question only there.
    """
    question = _Question(printable(text), secret)
    if _is_in_background():
        _waiting.put(question)
        question.answered.wait()
    else:
        question.put()
    return question.answer


def in_background(work: Callable[[], None]) -> threading.Thread:
    """Start work that may ask questions. The program does not wait for it at its end."""
    # A thread pool would not do: at its end Python waits for the threads of a pool.
    thread = threading.Thread(target=work, name=_BACKGROUND, daemon=True)
    thread.start()
    return thread


def serve_until(is_over: Callable[[], bool]) -> None:
    """Ask the questions of background work until `is_over` returns True. `wake` has it called at once."""
    while not is_over():
        try:
            question = _waiting.get(timeout=0.5)
        except queue.Empty:
            continue
        if question:
            question.put()


def wait_for(held: threading.Lock) -> None:
    """Take a lock that background work may hold while it asks a question."""
    if _is_in_background():
        held.acquire()
    else:
        serve_until(lambda: held.acquire(blocking=False))


def wake() -> None:
    """Have `serve_until` look at once whether the work is over."""
    _waiting.put(None)


def _is_in_background() -> bool:
    return threading.current_thread().name == _BACKGROUND


def _ask(text: str, secret: bool) -> str:
    try:
        if secret:
            return getpass.getpass(text)
        print(writable(text, sys.stderr), end="", file=sys.stderr, flush=True)
        return sys.stdin.readline().strip()
    except EOFError:
        return ""
    except KeyboardInterrupt:
        print(file=sys.stderr, flush=True)  # The next message begins on a new line.
        raise
