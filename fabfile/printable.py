"""Text of a host or a program, as it may be shown: nothing in it steers the terminal."""

from __future__ import annotations

import re
import unicodedata

# Programs colour their words with these. All else that steers a terminal is shown, so that nothing is hidden.
_COLOUR = re.compile(r"\x1b\[[0-9;:]*m")
# The letters of some languages, and some emoji, are joined and kept apart by these.
_JOINERS = "\u200c\u200d"


def printable(text: str) -> str:
    """The text with control characters, line ends and marks of direction written out: ESC is `\\x1b`."""
    if text.isprintable():
        return text
    return "".join(map(_shown, _COLOUR.sub("", text).rstrip("\r\n")))


def _shown(letter: str) -> str:
    is_harmless = letter.isprintable() or letter in f"\t{_JOINERS}" or unicodedata.category(letter) == "Zs"
    return letter if is_harmless else letter.encode("unicode_escape").decode()
