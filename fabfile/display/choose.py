"""Chooses the display of a command, by its flags and by where the output goes."""

from __future__ import annotations

import os
import sys

from .display import Display
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
        from .lines import Lines

        return Lines()
    if not (quiet or timestamps) and _is_live():
        from .screen import Screen  # late: rich costs more time than all of `fab --list` may take

        return Screen(is_verbose=verbose)
    return Plain(is_quiet=quiet, with_time=timestamps)


def _is_live() -> bool:
    """Whether the output goes to a terminal that can move its cursor."""
    return sys.stdout.isatty() and os.environ.get("TERM", "") not in ("", "dumb", "unknown")
