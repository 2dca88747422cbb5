"""Which shell libraries a script needs: those that define what it names, and what these name in turn."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

#: in the order in which they stand in a script
NAMES = (
    "frame/lib.sh words/users.sh frame/locks.sh words/ensure.sh site/words.sh secrets/words.sh"
    " release/words.sh code/words.sh database/words.sh nginx/words.sh supervisor/words.sh web/words.sh"
    " gate/words.sh inspection/words.sh migrations/words.sh virtualenv/words.sh virtualenv/last.sh"
).split()
_FUNCTION = re.compile(r"^([a-z_]\w*)\(\)", re.M)
_VARIABLE_LINE = re.compile(r"^(?:declare -A )?[a-z_]\w*=.*", re.M)
_VARIABLE = re.compile(r"(?<![^ ])([a-z_]\w*)=")
_WORD = re.compile(r"[A-Za-z_]\w*")
_READ = re.compile(r"\$\{?[#!]?([A-Za-z_]\w*)")


def needed(script: str, text_of: Callable[[str], str]) -> list[str]:
    """Return the names of those that a script needs: with all of them it would be twice as long.

    A function counts where its name stands, be it in a comment; a variable where it is read.
    """
    found: set[str] = set()
    named: set[str] = set()
    wanted = [script]
    while wanted:
        named = named.union(*map(_named, wanted))
        new = [name for name in NAMES if name not in found and named & _defined(text_of(name))]
        found.update(new)
        wanted = [text_of(name) for name in new]
    return [name for name in NAMES if name in found]


@lru_cache
def _defined(text: str) -> set[str]:
    variables = (name for line in _VARIABLE_LINE.findall(text) for name in _VARIABLE.findall(line))
    return {*_FUNCTION.findall(text), *(f"${name}" for name in variables)}


def _named(text: str) -> set[str]:
    return {*_WORD.findall(text), *(f"${name}" for name in _READ.findall(text))}
