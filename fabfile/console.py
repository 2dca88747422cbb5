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

#: Held while a line is printed and while a question waits for its answer, so that they do not mix.
lock = threading.RLock()

#: Takes a live screen away from the terminal, so that words and questions do not mix with the screen.
aside: Callable[[], AbstractContextManager[None]] = nullcontext

_waiting: queue.SimpleQueue[_Question | None] = queue.SimpleQueue()
_OURS = "roadie"
_gone = threading.Event()


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
    """Print one whole line, in a colour where colours are shown. The words `before` it have no colour."""
    stream, line = (sys.stderr if error else sys.stdout), printable(line)
    if colour and shows_colours(stream):
        line = f"\x1b[{colour}m{line}\x1b[0m"
    with lock, aside():
        try:
            print(writable(f"{before}{line}", stream), file=stream, flush=True)
        except BrokenPipeError:
            # The reader has gone: `fab deploy | head`. The command goes on, and nobody hears it.
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
            if stream is sys.stdout:
                _gone.set()


def is_read() -> bool:
    """Whether somebody still reads stdout, as far as is known: only a line that was not taken tells."""
    return not _gone.is_set()


def writable(text: str, stream: TextIO) -> str:
    """The text with every letter written out that the stream's encoding lacks."""
    encoding = stream.encoding or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)


def is_unicode(stream: TextIO) -> bool:
    """Whether the stream, and the terminal behind it by its locale, know more letters than ASCII."""
    locale = next(filter(None, map(os.environ.get, ("LC_ALL", "LC_CTYPE", "LANG"))), "")
    return (stream.encoding or "").lower().startswith("utf") and locale not in ("C", "POSIX")


def shows_colours(stream: TextIO) -> bool:
    """Whether to print colours: at a terminal, as NO_COLOR and FORCE_COLOR do not say otherwise."""
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

    Work that runs `in_background` does not ask itself. The thread that waits for the work asks: mostly the
    main thread, as Ctrl-C ends a question only there.
    """
    question = _Question(printable(text), secret)
    if threading.current_thread().name == _OURS:
        _waiting.put(question)
        question.answered.wait()
    else:
        question.put()
    return question.answer


def in_background(work: Callable[[], None]) -> threading.Thread:
    """Start work that may ask questions. The program does not wait for it at its end."""
    # No thread pool: Python waits for its threads at the end.
    thread = threading.Thread(target=work, name=_OURS, daemon=True)
    thread.start()
    return thread


def serve_until(is_over: Callable[[], bool]) -> None:
    """Ask the questions of background work until `is_over` says so. `wake` makes it look at once."""
    while not is_over():
        try:
            question = _waiting.get(timeout=0.5)
        except queue.Empty:
            continue
        if question:
            question.put()


def wait_for(held: threading.Lock) -> None:
    """Take a lock that background work may hold while it asks a question."""
    if threading.current_thread().name == _OURS:
        held.acquire()
    else:
        serve_until(lambda: held.acquire(blocking=False))


def wake() -> None:
    """Make `serve_until` look at once whether the work is over."""
    _waiting.put(None)


def _ask(text: str, secret: bool) -> str:
    try:
        if secret:
            return getpass.getpass(text)
        print(writable(text, sys.stderr), end="", file=sys.stderr, flush=True)
        return sys.stdin.readline().strip()
    except EOFError:
        return ""
    except KeyboardInterrupt:
        print(file=sys.stderr, flush=True)  # What is said next stands on a line of its own.
        raise
