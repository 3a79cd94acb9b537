"""Measures Linli side by side with what it is compared with: `python -m tests.bench` (make bench).

Sides take turns on the same machine in one run; figures are medians of all rounds with the least and the greatest. Raw figures go
to build/bench/<time>.json; `python -m tests.bench.report FILE` carries them into docs/performance.md.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import platform
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any

from rich.console import Console

from tests.bench import appending, calling, proving, replaying, starting
from tests.bench.measuring import BUILD, Bench, measure
from tests.bench.postgres import Postgres, binaries
from tests.bench.report import table

_PACKAGES = ("eventsourcing", "msgspec", "nameko", "kombu", "eventlet", "marshmallow", "psycopg")
_QUICK = 0.1
_ALL = ("P1", "P2", "P3", "P4", "P5", "P7", "P9", "P11", "P13", "P14", "P16")


def main() -> None:
    """Measure, print, and keep the raw figures."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=7, help="rounds of each side (default 7)")
    parser.add_argument(
        "--only", nargs="+", default=_ALL, choices=_ALL, metavar="P1", help=f"some of {', '.join(_ALL)}"
    )
    parser.add_argument(
        "--quick", action="store_true", help="a tenth of the work, 3 rounds: to see that all runs, not to publish"
    )
    options = parser.parse_args()
    rounds, scale = (3, _QUICK) if options.quick else (options.rounds, 1.0)
    progress = Console(stderr=True)
    console = Console(width=None if sys.stdout.isatty() else 180)
    with ExitStack() as stack, progress.status("starting") as status:
        postgres = _postgres(stack) if {"P1", "P2"} & set(options.only) else "not asked for"
        result = environment(postgres) | {"rounds": rounds, "scale": scale, "benches": []}
        for bench in _benches(postgres):
            if bench.id in options.only:
                result["benches"].append(measure(bench, rounds, scale, lambda what: status.update(what)))
                progress.print(table(result["benches"][-1:], title=""))
    result["load_after"] = os.getloadavg()
    path = BUILD / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}.json"
    path.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    console.print(table(result["benches"]))
    console.print(f"raw figures: {path}")


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


def _benches(postgres: Postgres | str) -> Iterator[Bench]:
    reachable = postgres.environment if isinstance(postgres, Postgres) else None
    yield from appending.benches(reachable, postgres if isinstance(postgres, str) else "")
    for module in (replaying, calling, proving, starting):
        yield from module.benches()


def environment(postgres: Postgres | str) -> dict[str, Any]:
    """What the figures depend on besides the code."""
    versions = {name: _version(name) for name in _PACKAGES}
    versions |= {"python": sys.version.split()[0], "sqlite": sqlite3.sqlite_version}
    versions |= {"postgresql": postgres.version if isinstance(postgres, Postgres) else postgres}
    return {
        "time": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
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
