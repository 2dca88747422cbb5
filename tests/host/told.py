"""The events of runs, read from their logs on the host."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from roadie.throwaway.hosts import ThrowawayHost

_EVENT = re.compile(r"[0-9a-f]{32}\t(\w+)\t([^\t]*)\t([^\t]*)\t([^\t]*)")


@dataclass(frozen=True)
class Told:
    """The events of one run. Each has a verb, a stage, an object and a detail."""

    log: Path
    events: tuple[tuple[str, str, str, str], ...]

    def said(self, verb: str) -> set[tuple[str, str]]:
        """Return the (stage, object) pairs of all events with this verb."""
        return {(stage, what) for said, stage, what, _ in self.events if said == verb}

    def in_order(self, verb: str) -> list[tuple[str, str]]:
        """Return the (stage, object) pairs of all events with this verb, in order."""
        return [(stage, what) for said, stage, what, _ in self.events if said == verb]

    def started(self) -> list[str]:
        """Return the stages that started a program, in order."""
        return [
            stage for verb, stage, what, _ in self.events if verb == "changed" and what.startswith("program ")
        ]

    def detail(self, verb: str, what: str) -> str:
        """Return the detail of the only event with this verb about this object."""
        [found] = [detail for said, _, about, detail in self.events if (said, about) == (verb, what)]
        return found.replace(r"\n", "\n")


def last_run(host: ThrowawayHost) -> Told:
    """Return the run whose log changed last."""
    logs = (host.tree / "var/log/roadie").glob("*.log")
    log = max(logs, key=lambda path: path.stat().st_mtime_ns)
    lines = log.read_text("utf-8", "replace").splitlines()
    return Told(log, tuple(found.groups() for line in lines if (found := _EVENT.fullmatch(line))))  # type: ignore[misc]
