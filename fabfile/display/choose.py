"""Chooses the display of a command: by its flags, and by where its output goes."""

from __future__ import annotations

from .display import Display
from .lines import Lines
from .plain import Plain

#: the flags of every task: the names of each, and its help
FLAGS = {
    ("json",): "print JSON, one event a line (docs/output.rst)",
    ("quiet", "q"): "print only warnings, failures and what was asked for",
    ("verbose", "v"): "print every change",
    ("timestamps",): "print plain lines, each with its time",
}


def choose(
    *, json: bool = False, quiet: bool = False, verbose: bool = False, timestamps: bool = False
) -> Display:
    """The display for these flags."""
    if json:
        return Lines()
    return Plain(is_quiet=quiet, with_time=timestamps)
