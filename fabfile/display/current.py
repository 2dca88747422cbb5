"""The display of the command that runs now. All that a task says goes through here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from .display import Display
from .plain import Plain

#: the display and the name of each task that runs, the innermost last
_shown: list[tuple[Display, str]] = []


def display() -> Display:
    """The display of the command that runs now: plain lines if no command chose another."""
    return _shown[-1][0] if _shown else Plain()


@contextmanager
def showing(chosen: Display, command: str) -> Iterator[None]:
    """Show a command on this display. A command within another one is shown on the display of the other."""
    is_inner = bool(_shown)
    _shown.append((display() if is_inner else chosen, command))
    error: BaseException | None = None
    try:
        yield
    except BaseException as raised:
        error = raised
        raise
    finally:
        _shown.pop()
        if not is_inner:
            chosen.end(error)


def is_watched() -> bool:
    """Whether a person watches, so that tables are shown instead of lines."""
    return display().is_watched


def folds() -> bool:
    """Whether things of a kind are shown as one: a person watches, who has not asked for every line."""
    return display().is_watched and not display().is_verbose


def begin(app: str, hosts: Sequence[str]) -> None:
    """Show that the running command begins for this site. The hosts are being connected to."""
    if _shown:
        shown, command = _shown[-1]
        shown.begin(command, app, hosts)


def tell(host: str, text: str, *, kind: str = "") -> None:
    """Tell one sentence about a host. See `Display.tell`."""
    display().tell(host, text, kind)


def forewarn(sentences: Sequence[str]) -> None:
    """Warn of what is known before anything is done."""
    for each in sentences:
        tell("here", each, kind="warn")


def result(name: str, host: str, data: Mapping[str, Any], lines: Sequence[str]) -> None:
    """Show one item of a command that tells something. See `Display.result`."""
    display().result(name, host, data, lines)
