"""The figures as tables: medians with their spread, and ratios."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .figures import Figures, Spread, bounds
from .measures import LOAD, MEASURES, STARTS, Measure
from .memory import MOMENTS, SITES
from .rig import Reading, Run

NONE = "-"


def tables(runs: Sequence[Run], readings: Sequence[Reading] = ()) -> str:
    """Return tables of all measures, as reStructuredText."""
    figures = Figures(runs, readings)
    parts = [_starts(figures)] if figures.of("start", "python") else []
    parts += [_table_of(figures, measure) for measure in MEASURES if _tools(runs, measure.name)]
    parts += [_rollback(figures)] if _tools(runs, "rollback") else []
    parts += [_switch(figures)] if any(one.measure == "switch" for one in readings) else []
    parts += [_memory(figures)] if any(one.measure == "memory" for one in readings) else []
    parts += [_cold(figures, _tools(runs, "cold"))] if _tools(runs, "cold") else []
    return "\n".join([*parts, _bounds(figures)])


def _tools(runs: Sequence[Run], measure: str) -> list[str]:
    return list(dict.fromkeys(run.tool for run in runs if run.measure == measure))


def _starts(figures: Figures) -> str:
    rows = []
    for name, text in STARTS.items():
        found = figures.of("start", name)
        rows.append(
            [
                text,
                *(_text(figures.spread(found, what)) for what in (_wall, _cpu)),
                f"{max(run.rss for run in found):.0f}",
                _others(found),
            ]
        )
    return titled("Start of the controller", ["command", "s", "CPU s", "peak MB", "others"], rows)


def _table_of(figures: Figures, measure: Measure) -> str:
    names = [tool.name for tool in measure.tools if figures.of(measure.name, tool.name)]
    until_answer = measure.before is not None
    head = ["tool"]
    for round_trip in measure.round_trips:
        head += [f"{round_trip} ms: s", f"x {measure.floor}"]
        head += ["end s"] if until_answer else []
    head += ["CPU s", "host CPU s", "peak MB", "conn.", "sess.", "others"]
    rows = []
    for name in names:
        row = [name]
        for round_trip in measure.round_trips:
            took = figures.time(measure.name, name, round_trip)
            row += [_text(took), _ratio(took, figures.time(measure.name, measure.floor, round_trip))]
            if until_answer:
                ended = figures.spread(figures.of(measure.name, name, round_trip), _wall)
                row.append(f"{ended.middle:.2f}" if ended else NONE)
        rows.append([*row, *_costs(figures, figures.of(measure.name, name))])
    note = " (until the new code answers; `end` is when the command ends)" if until_answer else ""
    return titled(f"{measure.title}{note}", head, rows)


def _costs(figures: Figures, runs: Sequence[Run]) -> list[str]:
    cpu, host_cpu = figures.spread(runs, _cpu), figures.spread(runs, lambda run: run.host_cpu)
    return [
        f"{cpu.middle:.2f}" if cpu else NONE,
        f"{host_cpu.middle:.2f}" if host_cpu else NONE,
        f"{max(run.rss for run in runs):.0f}",
        _counted(run.connections for run in runs),
        _counted(run.sessions for run in runs),
        _others(runs),
    ]


def _rollback(figures: Figures) -> str:
    rows = [
        [text, _text(figures.time(name, "roadie"))]
        for name, text in (("rollback", "fab rollback"), ("rollback-to", "fab rollback --to RELEASE"))
    ]
    rows.append(["the app alone, from its start", _text(figures.read("rollback", "start of the app"))])
    return titled("Rollback by roadie (until the other release answers)", ["what", "s"], rows)


def _switch(figures: Figures) -> str:
    rows = [
        [text, *(_text(figures.read("switch", name.format(when))) for when in ("quiet", "deploy"))]
        for text, name in (("p99 ms", "p99, {}"), ("requests that failed", "failed, {}"))
    ]
    memory = [_text(figures.read("switch", f"memory, {slots}")) for slots in ("one slot", "both slots")]
    rows.append(["MB of the site's processes", *memory])
    most = figures.read("switch", "saturation")
    title = (
        f"A deploy under load, {LOAD:.0%} of the {most.middle if most else 0:.0f} requests a second possible"
    )
    return titled(title, ["what", "quiet", "during the deploy"], rows)


def _memory(figures: Figures) -> str:
    rows = [[site, *(_text(figures.read("memory", f"{site}, {when}")) for when in MOMENTS)] for site in SITES]
    head = ["site", "idle", "at most in a deploy", "at most in a bootstrap and first deploy"]
    return titled("MB that a host of the guestbook holds, or of the postbox with Celery", head, rows)


def _cold(figures: Figures, names: Sequence[str]) -> str:
    rows = []
    for name in names:
        runs, took = figures.of("cold", name), figures.time("cold", name)
        rows.append([name, _text(took), _ratio(took, figures.time("cold", "bash")), *_costs(figures, runs)])
    head = ["tool", "s", "x bash", "CPU s", "host CPU s", "peak MB", "conn.", "sess.", "others"]
    return titled("Bootstrap and first deploy of a bare host (until the site answers)", head, rows)


def _bounds(figures: Figures) -> str:
    rows = [
        [bound.what, f"{bound.measured:.3g}", f"{bound.most:.3g}", "held" if bound.is_held else "missed"]
        for bound in bounds(figures)
    ]
    return titled("Bounds", ["what", "measured", "at most", ""], rows) if rows else ""


def _wall(run: Run) -> float:
    return run.wall


def _cpu(run: Run) -> float:
    return run.cpu


def _others(runs: Sequence[Run]) -> str:
    return f"{sum(run.others for run in runs) / sum(run.span for run in runs):.1f}"


def _counted(values: Iterable[int]) -> str:
    least, *more = sorted(set(values))
    return f"{least}-{more[-1]}" if more else str(least)


def _text(spread: Spread | None) -> str:
    return str(spread) if spread else NONE


def _ratio(value: Spread | None, floor: Spread | None) -> str:
    return f"{value.middle / floor.middle:.2f}" if value and floor else NONE


def titled(title: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    widths = [max(len(row[column]) for row in [head, *rows]) for column in range(len(head))]
    rule = "  ".join("=" * max(width, 1) for width in widths)

    def line(cells: Sequence[str]) -> str:
        return "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()

    return "\n".join([title, "-" * len(title), "", rule, line(head), rule, *map(line, rows), rule, ""])
