"""Choice: what roadie chose for a project where the settings leave that to the project's text."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Choice:
    """The kind that was chosen, and why it is this one."""

    kind: str
    why: str
