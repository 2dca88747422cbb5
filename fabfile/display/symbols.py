"""The symbols of the screen: nice ones, and those for terminals that know ASCII only."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Symbols:
    """What stands for the states of a step."""

    good: str
    warning: str
    bad: str
    arrow: str
    dot: str
    dots: str
    spinner: str


SYMBOLS = Symbols("✓", "!", "✗", "→", "·", "…", "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏")
ASCII = Symbols("+", "!", "x", "->", "-", "...", "|/-\\")
