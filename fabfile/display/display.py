"""Display: one way to show a command. A display hears all that happens, and shows what its reader wants."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

from ..events import Event
from ..scripts.stage import Stage


@dataclass(frozen=True)
class Verdict:
    """How a command ended on a host where it did not fail."""

    host: str
    #: how many objects it changed, or would change
    count: int
    #: "changed" or "would"
    word: str
    seconds: float
    #: what is true now, as a line of a log
    sentence: str = ""
    #: what is true now, for a person who has watched the command at a terminal
    headline: str = ""
    #: the word before the seconds and the number of changes, if there is no headline
    title: str = "Done"
    #: what to type next, and what undoes the command
    following: str = ""
    undo: str = ""


class Display:
    """Shows nothing. Each other display overrides the methods whose calls it shows.

    Threads of several hosts may call these methods at the same time.
    """

    #: whether a person watches, who wants tables and folded lists instead of one line for each thing
    is_watched = False
    #: whether the person wants every line, and nothing folded
    is_verbose = False

    def begin(self, command: str, app: str, hosts: Sequence[str]) -> None:
        """A command for this site begins, and connects to these hosts (`user@name`)."""

    def expect(self, host: str, stages: Sequence[Stage]) -> None:
        """A script with these stages goes to the host."""

    def take(self, host: str, event: Event, *, with_detail: bool = False) -> None:
        """A stage says something. `with_detail` asks to show the difference that it makes."""

    def send(self, host: str, sent: int, size: int) -> None:
        """The first `sent` bytes of a payload of this size are on their way to the host."""

    def hear(self, host: str, line: str) -> None:
        """A program on the host prints a line."""

    def tell(self, host: str, text: str, kind: str = "") -> None:
        """Tell one sentence about a host, or about the command if the host is empty.

        The kind is "good", "warn", "bad", "next" (what to type next), or empty.
        """

    def result(self, name: str, host: str, data: Mapping[str, Any], lines: Sequence[str]) -> None:
        """Show one item of a command that tells something: a release, a state, a line of a log.

        A program gets `data`, which goes into JSON as it is. A person gets the lines.
        """

    def verdict(self, verdict: Verdict) -> None:
        """A host is done."""

    def fail(self, host: str, error: Exception, tail: Sequence[str], *, is_last: bool) -> None:
        """A host has failed, after these last words. The last error of a command is shown at its end."""

    def aside(self) -> AbstractContextManager[None]:
        """Leave the terminal to something else for a while."""
        return nullcontext()

    def end(self, error: BaseException | None = None) -> None:
        """The command is over. Its error is shown elsewhere, on stderr."""
