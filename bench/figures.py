"""Sums up the runs: medians with their spread, and the bounds that roadie must keep."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from .rig import Reading, Run


@dataclass(frozen=True)
class Spread:
    """The median, the least and the most of some values."""

    middle: float
    least: float
    most: float

    def __str__(self) -> str:
        return f"{self.middle:.2f} [{self.least:.2f}-{self.most:.2f}]"


class Figures:
    """All runs, which can be looked up by measure, tool and round-trip time."""

    def __init__(self, runs: Sequence[Run], readings: Sequence[Reading] = ()) -> None:
        self._runs, self._readings = runs, readings

    def of(self, measure: str, tool: str, round_trip: int | None = None) -> list[Run]:
        """Return the runs of a tool at this round-trip time. None means at every round-trip time."""
        return [
            run
            for run in self._runs
            if (run.measure, run.tool) == (measure, tool) and round_trip in (None, run.round_trip)
        ]

    def read(self, measure: str, what: str) -> Spread | None:
        """Return the spread of these readings, or None if there are none."""
        values = [one.value for one in self._readings if (one.measure, one.what) == (measure, what)]
        return Spread(median(values), min(values), max(values)) if values else None

    def reading(self, measure: str, what: str) -> float:
        """Return the median of these readings. Raises NotMeasured if there are none."""
        spread = self.read(measure, what)
        if not spread:
            raise NotMeasured
        return spread.middle

    def spread(self, runs: Sequence[Run], what: Callable[[Run], float]) -> Spread | None:
        """Return the spread of one figure over the runs, or None if there is no run."""
        values = [what(run) for run in runs]
        return Spread(median(values), min(values), max(values)) if values else None

    def time(self, measure: str, tool: str, round_trip: int = 0) -> Spread | None:
        """Return the spread of the times, each until the new code answered if the measure waits for that."""
        return self.spread(self.of(measure, tool, round_trip), lambda run: run.answers or run.wall)

    def seconds(self, measure: str, tool: str, round_trip: int = 0) -> float:
        """Return the median of `time`. Raises NotMeasured if there is no run."""
        spread = self.time(measure, tool, round_trip)
        if not spread:
            raise NotMeasured
        return spread.middle

    def most(self, measure: str, tool: str, what: Callable[[Run], float]) -> float:
        """Return the largest value of one figure over the runs. Raises NotMeasured if there is no run."""
        runs = self.of(measure, tool)
        if not runs:
            raise NotMeasured
        return max(what(run) for run in runs)


class NotMeasured(Exception):
    """This bench did not take the measure that a figure needs."""


@dataclass(frozen=True)
class Bound:
    """A limit on one of roadie's figures: the measured value, and the most it may be in the same bench."""

    what: str
    measured: float
    most: float

    @property
    def is_held(self) -> bool:
        """Whether roadie kept this bound."""
        return self.measured <= self.most


def bounds(figures: Figures) -> Iterator[Bound]:
    """Yield each bound whose figures this bench measured."""
    for what, measured, most in _BOUNDS:
        try:
            yield Bound(what, measured(figures), most(figures))
        except NotMeasured:
            continue


_Ask = Callable[[Figures], float]


def _roadie(measure: str, round_trip: int = 0) -> _Ask:
    return lambda figures: figures.seconds(measure, "roadie", round_trip)


def _times(factor: float, tool: str, measure: str, round_trip: int = 0) -> _Ask:
    return lambda figures: factor * figures.seconds(measure, tool, round_trip)


def _nothing(round_trip: int = 0) -> _Ask:
    """Return 1.3 times the floor: bash's deploy with nothing new, plus the time to import Fabric."""
    return lambda figures: (
        1.3 * (figures.seconds("nothing", "bash", round_trip) + figures.seconds("start", "fabric"))
    )


def _start_and(seconds: float) -> _Ask:
    return lambda figures: figures.reading("rollback", "start of the app") + seconds


#: Seconds that Mina, the fastest deployer, takes for the same one-line change (measured in November 2026).
MINA = 3.8
_BOUNDS: tuple[tuple[str, _Ask, _Ask], ...] = (
    (
        "fab --list: 0.04 s more than with a fabfile that imports fabric",
        lambda figures: figures.seconds("start", "listed"),
        lambda figures: figures.seconds("start", "plain") + 0.04,
    ),
    (
        "converged, 0 ms: bash + import fabric + 0.06 s",
        _roadie("converged"),
        lambda figures: figures.seconds("converged", "bash") + figures.seconds("start", "fabric") + 0.06,
    ),
    ("converged, 50 ms: 1.15 x bash", _roadie("converged", 50), _times(1.15, "bash", "converged", 50)),
    ("converged, 100 ms: 1.15 x bash", _roadie("converged", 100), _times(1.15, "bash", "converged", 100)),
    (
        "converged, 100 ms: 0.15 x pyinfra",
        _roadie("converged", 100),
        _times(0.15, "pyinfra", "converged", 100),
    ),
    ("one line, 0 ms: 2.5 x fabric-fast", _roadie("line"), _times(2.5, "fabric-fast", "line")),
    ("one line, 0 ms: half of Mina's 3.8 s", _roadie("line"), lambda figures: MINA / 2),
    ("one line, 100 ms: 1.75 x fabric-fast", _roadie("line", 100), _times(1.75, "fabric-fast", "line", 100)),
    ("nothing new, 0 ms: 1.3 x (bash + import fabric)", _roadie("nothing"), _nothing()),
    ("nothing new, 100 ms: 1.3 x (bash + import fabric)", _roadie("nothing", 100), _nothing(100)),
    ("one more requirement, 0 ms: 3.5 x bash", _roadie("requirement"), _times(3.5, "bash", "requirement")),
    ("rollback: the app's start + 1.5 s", _roadie("rollback"), _start_and(1.5)),
    ("rollback --to: the app's start + 1.5 s", _roadie("rollback-to"), _start_and(1.5)),
    (
        "switch: requests that failed",
        lambda figures: figures.reading("switch", "failed, deploy"),
        lambda figures: 0,
    ),
    *(
        (
            f"memory, {database}, {when}: 450 of the 512 MB of a small server",
            lambda figures, what=f"{database}, {when}": figures.reading("memory", what),
            lambda figures: 450,
        )
        for database in ("mysql", "postgresql")
        for when in ("deploy", "first")
    ),
    ("cold: 0.65 x bash", _roadie("cold"), _times(0.65, "bash", "cold")),
    (
        "converged: peak MB of the controller",
        lambda figures: figures.most("converged", "roadie", lambda run: run.rss),
        lambda figures: 60,
    ),
    (
        "converged: connections",
        lambda figures: figures.most("converged", "roadie", lambda run: run.connections),
        lambda figures: 1,
    ),
    (
        "converged: sessions",
        lambda figures: figures.most("converged", "roadie", lambda run: run.sessions),
        lambda figures: 1,
    ),
)
