"""The symbols of the screen, and ASCII in their place for terminals that have nothing else."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Symbols:
    """The symbols for the states of a step, and for what stands between words."""

    good: str
    warning: str
    bad: str
    arrow: str
    dot: str
    dots: str
    spinner: str


SYMBOLS = Symbols("✓", "!", "✗", "→", "·", "…", "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏")
ASCII = Symbols("+", "!", "x", "->", "-", "...", "|/-\\")
