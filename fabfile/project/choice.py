"""Choice: what roadie chooses by the text of a project, if the settings do not say it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Choice:
    """The kind that was chosen, and why it is this one."""

    kind: str
    why: str
