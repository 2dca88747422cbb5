"""The display of the command that runs now. Tasks say everything through this module."""

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
    """Show a command on this display. A command inside another one is shown on the outer one's display."""
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
    """Whether a person watches. Then tables are shown instead of lines."""
    return display().is_watched


def folds() -> bool:
    """Whether many things of a kind are shown as one: for a person who has not asked for every line."""
    return display().is_watched and not display().is_verbose


def begin(app: str, hosts: Sequence[str]) -> None:
    """Show that the running command begins for this site, and connects to these hosts."""
    if _shown:
        shown, command = _shown[-1]
        shown.begin(command, app, hosts)


def tell(host: str, text: str, *, kind: str = "") -> None:
    """Tell one sentence about a host. See `Display.tell`."""
    display().tell(host, text, kind)


def forewarn(sentences: Sequence[str]) -> None:
    """Show these sentences as warnings, before anything is done."""
    for each in sentences:
        tell("here", each, kind="warn")


def result(name: str, host: str, data: Mapping[str, Any], lines: Sequence[str]) -> None:
    """Show one item of a command that tells something. See `Display.result`."""
    display().result(name, host, data, lines)
