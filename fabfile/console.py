"""What is said to the person and asked of them: one line or one question at a time."""

from __future__ import annotations

import getpass
import queue
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

#: Held while a line is printed and while a question waits for its answer, so that neither mixes.
lock = threading.RLock()

_waiting: queue.SimpleQueue[_Question | None] = queue.SimpleQueue()
_OURS = "roadie"


@dataclass
class _Question:
    text: str
    secret: bool
    answer: str = ""
    answered: threading.Event = field(default_factory=threading.Event)

    def put(self) -> None:
        try:
            with lock:
                self.answer = _ask(self.text, self.secret)
        finally:
            self.answered.set()


def say(line: str, *, error: bool = False) -> None:
    """Print one whole line."""
    with lock:
        print(line, file=sys.stderr if error else sys.stdout, flush=True)


def is_interactive() -> bool:
    """Whether a person sits at a terminal and can be asked."""
    return bool(sys.stdin and sys.stdin.isatty())


def ask(text: str, *, secret: bool = False) -> str:
    """Ask at the terminal; an end of file is an empty answer.

    What runs `in_background` has its questions put by who waits for it, the main thread in most
    cases: only there does Ctrl-C end a question and give the terminal back.
    """
    question = _Question(text, secret)
    if threading.current_thread().name == _OURS:
        _waiting.put(question)
        question.answered.wait()
    else:
        question.put()
    return question.answer


def in_background(work: Callable[[], None]) -> threading.Thread:
    """Start work that may ask; nothing waits for it when the program ends."""
    # No pool of threads: at its end Python would wait for those.
    thread = threading.Thread(target=work, name=_OURS, daemon=True)
    thread.start()
    return thread


def serve_until(is_over: Callable[[], bool]) -> None:
    """Put the questions of what runs in the background until it is over; `wake` has it look again."""
    while not is_over():
        try:
            question = _waiting.get(timeout=0.5)
        except queue.Empty:
            continue
        if question:
            question.put()


def wait_for(held: threading.Lock) -> None:
    """Take a lock that something in the background may hold while it asks."""
    if threading.current_thread().name == _OURS:
        held.acquire()
    else:
        serve_until(lambda: held.acquire(blocking=False))


def wake() -> None:
    """Have `serve_until` look at once whether it is over."""
    _waiting.put(None)


def _ask(text: str, secret: bool) -> str:
    try:
        if secret:
            return getpass.getpass(text)
        print(text, end="", file=sys.stderr, flush=True)
        return sys.stdin.readline().strip()
    except EOFError:
        return ""
