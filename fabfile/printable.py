"""Makes the text of a host or a program safe to show: nothing in it may control the terminal."""

from __future__ import annotations

import re
import unicodedata

# The codes by which programs colour their words. They are left out; all other codes are written out.
_COLOUR = re.compile(r"\x1b\[[0-9;:]*m")
# These join and separate the letters of some languages, and some emoji.
_JOINERS = "\u200c\u200d"


def printable(text: str) -> str:
    """The text with control characters, line ends and marks of direction written out: ESC is `\\x1b`."""
    if text.isprintable():
        return text
    return "".join(map(_shown, _COLOUR.sub("", text).rstrip("\r\n")))


def _shown(letter: str) -> str:
    is_harmless = letter.isprintable() or letter in f"\t{_JOINERS}" or unicodedata.category(letter) == "Zs"
    return letter if is_harmless else letter.encode("unicode_escape").decode()
