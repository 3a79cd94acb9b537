"""Measures Linli side by side with what it is compared with: `python -m tests.bench` (make bench).

Sides take turns on the same machine in one run; figures are medians of all rounds with the least and the greatest. Raw figures go
to build/bench/<time>-<shape>.json; `python -m tests.bench.report FILE…` carries them into docs/performance.md.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import platform
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any

from rich.console import Console

from tests.bench import appending, calling, chaining, following, growing, proving, relaying, replaying, starting
from tests.bench.measuring import Bench, Stopwatch, measure
from tests.bench.place import BUILD, SHAPES, Place, running
from tests.bench.postgres import Postgres, binaries
from tests.bench.report import table

_PACKAGES = ("eventsourcing", "msgspec", "nameko", "kombu", "amqp", "eventlet", "marshmallow", "pymongo", "psycopg")
_MODULES = (appending, chaining, replaying, growing, calling, relaying, following, proving, starting)
_QUICK = 0.1
_ALL = ("P1", "P2", "P3", "P4", "P5", "P6", "P7", "P8", "P9", "P10", "P11", "P12", "P13", "P14", "P16")
_ON_POSTGRES = {"P1", "P2", "P3", "P5"}


def main() -> None:
    """Measure, print, and keep the raw figures."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--shape", default="both", choices=(*SHAPES, "both"), help="what to measure (default both)")
    parser.add_argument("--rounds", type=int, default=7, help="rounds of each side (default 7)")
    parser.add_argument(
        "--only", nargs="+", default=_ALL, choices=_ALL, metavar="P1", help=f"some of {', '.join(_ALL)}"
    )
    parser.add_argument(
        "--full", action="store_true", help="P6 with 1,000,000 events (city: 100,000) and P12 with 10,000,000"
    )
    parser.add_argument(
        "--quick", action="store_true", help="a tenth of the work, 3 rounds: to see that all runs, not to publish"
    )
    options = parser.parse_args()
    rounds, scale = (3, _QUICK) if options.quick else (options.rounds, 1.0)
    failed = False
    for shape in SHAPES if options.shape == "both" else (options.shape,):
        failed |= _measure_shape(shape, set(options.only), rounds, scale, options.full)
    sys.exit(1 if failed else 0)


def _measure_shape(shape: str, only: set[str], rounds: int, scale: float, full: bool) -> bool:
    """Measure one shape; True when something failed, which stands in the raw figures and is not published."""
    progress = Console(stderr=True, width=None if sys.stderr.isatty() else 180)
    console = Console(width=None if sys.stdout.isatty() else 180)
    with ExitStack() as stack, progress.status(f"{shape}: starting") as status, Stopwatch() as watch:
        postgres = _postgres(stack) if _ON_POSTGRES & only else "not asked for"
        broker, database = stack.enter_context(running(shape))
        reachable = postgres.environment if isinstance(postgres, Postgres) else None
        place = Place(shape, broker, database, reachable, postgres if isinstance(postgres, str) else "", full)
        result = environment(place, postgres) | {"rounds": rounds, "scale": scale, "benches": [], "failed": {}}
        for bench in benches(place):
            if bench.id in only:
                _measure(bench, result, lambda what: status.update(f"{shape}: {what}"))
                progress.print(table({**result, "benches": result["benches"][-1:]}))
    result["load_after"] = os.getloadavg()
    result["seconds"] = round(watch.seconds)
    BUILD.mkdir(parents=True, exist_ok=True)
    path = BUILD / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{shape}.json"
    path.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    console.print(table(result))
    console.print(f"{watch.seconds / 60:.1f} minutes; raw figures: {path}")
    for name, reason in result["failed"].items():
        console.print(f"[red]{name} failed:[/] {reason}")
    return bool(result["failed"])


def _measure(bench: Bench, result: dict[str, Any], say: Callable[[str], None]) -> None:
    try:
        result["benches"].append(measure(bench, result["rounds"], result["scale"], say))
    except Exception as error:  # the others are measured all the same, and the run ends with an error
        result["failed"][bench.id] = f"{type(error).__name__}: {error}"


def _postgres(stack: ExitStack) -> Postgres | str:
    """A running PostgreSQL, or why there is none."""
    programs = binaries()
    if programs is None:
        return "not measured: no PostgreSQL here"
    try:
        importlib.metadata.version("psycopg")
    except importlib.metadata.PackageNotFoundError:
        return "not measured: psycopg is not installed"
    BUILD.mkdir(parents=True, exist_ok=True)
    return stack.enter_context(Postgres(programs, BUILD))


def benches(place: Place) -> Iterator[Bench]:
    """All benchmarks of a shape."""
    for module in _MODULES:
        yield from module.benches(place)


def environment(place: Place, postgres: Postgres | str) -> dict[str, Any]:
    """What the figures depend on besides the code."""
    versions = {name: _version(name) for name in _PACKAGES} | {"python": sys.version.split()[0]}
    versions |= {"postgresql": postgres.version if isinstance(postgres, Postgres) else postgres}
    return {
        "time": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "shape": place.shape,
        "broker": place.broker,
        "database": place.database,
        "machine": platform.platform(),
        "cpus": os.cpu_count(),
        "load": os.getloadavg(),
        "versions": versions,
    }


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


if __name__ == "__main__":
    main()
