"""What a measurement is, how the sides of one take turns, and what its raw figures say."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from math import ceil
from pathlib import Path
from typing import Any

from tests.bench.place import folder

LINLI = "Linli"

#: Name of a figure to its value, as one run of one side gives it.
Figures = Mapping[str, float]
#: Runs one side in a folder, with the work scaled by a factor (1: as published).
Run = Callable[[Path, float], Figures]


@dataclass(frozen=True)
class Row:
    """One line of the table: a figure of Linli, and what it is held against.

    `against` names another side, or is empty for a figure that stands alone; `least` and `most` bound the ratio to that side,
    `floor` and `ceiling` Linli's own figure. Without any bound the line is for information.
    """

    what: str
    unit: str
    figure: str
    against: str = ""
    least: float | None = None
    most: float | None = None
    floor: float | None = None
    ceiling: float | None = None
    side: str = LINLI


@dataclass(frozen=True)
class Bench:
    """Sides that are run in turn. `prepare` fills a folder once that all runs then share; without it each run gets an empty one."""

    id: str
    sides: Mapping[str, Run]
    rows: tuple[Row, ...]
    prepare: Callable[[Path, float], None] | None = None
    note: str = ""
    missing: Mapping[str, str] = field(default_factory=dict)  # sides that cannot be run here, and why


def measure(bench: Bench, rounds: int, scale: float, say: Callable[[str], None]) -> dict[str, Any]:
    """Run all sides `rounds` times, in turn and from alternating ends, and return their raw figures with what they are for."""
    raw: dict[str, list[Figures]] = {side: [] for side in bench.sides}
    load = []
    with Stopwatch() as watch, folder() as shared:
        if bench.prepare is not None:
            say(f"{bench.id}: preparing")
            bench.prepare(shared, scale)
        for number in range(rounds):
            load.append(round(os.getloadavg()[0], 2))
            order = list(bench.sides.items())
            for side, run in order if number % 2 == 0 else reversed(order):
                say(f"{bench.id}: round {number + 1} of {rounds}, {side}")
                with folder() as own:
                    raw[side].append(dict(run(shared if bench.prepare else own, scale)))
    rows = [{name: value for name, value in asdict(row).items() if value not in (None, "")} for row in bench.rows]
    found = {"id": bench.id, "note": bench.note, "rows": rows, "missing": dict(bench.missing), "raw": raw}
    return found | {"load": load, "seconds": round(watch.seconds, 1)}


@dataclass(frozen=True)
class Bound:
    """One wanted bound and the figure held against it; `reach` is how many times as good as wanted (1: just reached)."""

    aim: str
    value: float
    reach: float
    worst: float  # `reach` of the worst round
    best: float


@dataclass(frozen=True)
class Line:
    """What the raw figures say about one row; `missing` says why there is nothing to say."""

    id: str
    row: Row
    linli: list[float] = field(default_factory=list)
    other: list[float] = field(default_factory=list)
    ratio: list[float] = field(default_factory=list)
    bounds: tuple[Bound, ...] = ()
    missing: str = ""

    @property
    def verdict(self) -> str:
        """Reached, by how much a bound is missed, or "-" when there is none."""
        if self.missing:
            return self.missing
        if not self.bounds:
            return "-"
        worst = min(bound.reach for bound in self.bounds)
        if worst >= 1:
            return "reached"
        return f"missed by {ceil(100 - 100 * worst)}%" if worst > 0.5 else f"missed by a factor of {1 / worst:.2g}"


def evaluate(bench: Mapping[str, Any]) -> list[Line]:
    """The lines of one measured bench, from its raw figures alone."""
    return [_line(bench, Row(**row)) for row in bench["rows"]]


def _line(bench: Mapping[str, Any], row: Row) -> Line:
    missing = bench["missing"]
    if reason := missing.get(row.side) or missing.get(row.against):
        return Line(bench["id"], row, missing=reason)
    ours = [figures[row.figure] for figures in bench["raw"][row.side]]
    others = [figures[row.figure] for figures in bench["raw"][row.against]] if row.against else []
    ratios = [mine / other for mine, other in zip(ours, others, strict=True)] if others else []
    bounds = (
        _bound(f"≥ {row.least or 0:g}×", ratios, row.least, False),
        _bound(f"≤ {row.most or 0:g}×", ratios, row.most, True),
        _bound(f"≥ {row.floor or 0:,g} {row.unit}", ours, row.floor, False),
        _bound(f"≤ {row.ceiling or 0:,g} {row.unit}", ours, row.ceiling, True),
    )
    return Line(bench["id"], row, ours, others, ratios, tuple(bound for bound in bounds if bound))


def _bound(aim: str, values: list[float], bound: float | None, smaller_is_better: bool) -> Bound | None:
    if bound is None:
        return None
    reaches = sorted((bound / value if smaller_is_better else value / bound) for value in values)
    return Bound(aim, statistics.median(values), statistics.median(reaches), reaches[0], reaches[-1])


class Stopwatch:
    """`with Stopwatch() as watch: …` and then `watch.seconds`."""

    seconds = 0.0

    def __enter__(self) -> Stopwatch:
        self._started = time.perf_counter()
        return self

    def __exit__(self, *_: object) -> None:
        self.seconds = time.perf_counter() - self._started


def rate(count: int, watch: Stopwatch) -> Figures:
    """Things a second."""
    return {"rate": count / watch.seconds}


def percentile(values: Iterable[float], share: float) -> float:
    """The value that a share of all does not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def shown(value: float) -> str:
    """Three digits, or all before the point."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
