"""What a measurement is, and how the sides of one take turns."""

from __future__ import annotations

import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "bench"
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
    """Run all sides `rounds` times, in turn and from alternating ends, and return their raw figures."""
    raw: dict[str, list[Figures]] = {side: [] for side in bench.sides}
    load = []
    with folder() as shared:
        if bench.prepare is not None:
            say(f"{bench.id}: preparing")
            bench.prepare(shared, scale)
        for number in range(rounds):
            load.append(os.getloadavg()[0])
            order = list(bench.sides.items())
            for side, run in order if number % 2 == 0 else reversed(order):
                say(f"{bench.id}: round {number + 1} of {rounds}, {side}")
                with folder() as own:
                    raw[side].append(dict(run(shared if bench.prepare else own, scale)))
    rows = [_row(bench, row, raw) for row in bench.rows]
    return {"id": bench.id, "note": bench.note, "rows": rows, "raw": raw, "load": load}


def _row(bench: Bench, row: Row, raw: Mapping[str, Sequence[Figures]]) -> dict[str, Any]:
    found: dict[str, Any] = {"what": row.what, "unit": row.unit, "side": row.side, "against": row.against}
    if reason := bench.missing.get(row.side) or bench.missing.get(row.against):
        return found | {"missing": reason, "aim": _aim(row)}
    ours = [figures[row.figure] for figures in raw[row.side]]
    found |= {"linli": spread(ours)}
    verdicts = [_verdict(statistics.median(ours), row.floor, row.ceiling)]
    if row.against:
        others = [figures[row.figure] for figures in raw[row.against]]
        ratios = [mine / other for mine, other in zip(ours, others, strict=True)]
        found |= {"other": spread(others), "ratio": spread(ratios)}
        verdicts.append(_verdict(statistics.median(ratios), row.least, row.most))
    return found | {"aim": _aim(row), "verdict": _worst(verdicts)}


def spread(values: Iterable[float]) -> dict[str, float]:
    """Median, least and greatest."""
    values = list(values)
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}


def _verdict(value: float, least: float | None, most: float | None) -> float | None:
    """How far a bound is missed, as a share of it (0: reached, None: there is no bound)."""
    if least is None and most is None:
        return None
    below = 0.0 if least is None else max(0.0, 1 - value / least)
    above = 0.0 if most is None else max(0.0, value / most - 1)
    return max(below, above)


def _worst(verdicts: Iterable[float | None]) -> str:
    bounds = [verdict for verdict in verdicts if verdict is not None]
    if not bounds:
        return "-"
    return "reached" if max(bounds) == 0 else f"missed by {max(bounds):.1%}"


def _aim(row: Row) -> str:
    parts = [f"≥ {row.least:g}×" if row.least else "", f"≤ {row.most:g}×" if row.most else ""]
    parts += [
        f"≥ {row.floor:,g} {row.unit}" if row.floor else "",
        f"≤ {row.ceiling:,g} {row.unit}" if row.ceiling else "",
    ]
    return ", ".join(part for part in parts if part) or "-"


class folder:
    """An empty folder on the disk that the project lies on, gone afterwards."""

    def __enter__(self) -> Path:
        BUILD.mkdir(parents=True, exist_ok=True)
        self.path = Path(tempfile.mkdtemp(prefix="run-", dir=BUILD))
        return self.path

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self.path, ignore_errors=True)


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
