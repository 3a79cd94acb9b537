"""Tampering with real stores, drawn by a seed: each change must be found, by whom is counted, and nothing else raise an alarm (R4)."""

from __future__ import annotations

import random
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults.stores import Databases, Files, Place, Refused
from tests.faults.tampering import BOTH, ONLY_DATABASES, ONLY_FILES, Nothing, Tamper

#: Changes that are tried on one history before another one is written, by shape: writing one takes as long as finding some of them.
EACH = {"files": 60, "databases": 100}


@dataclass
class Result:
    """The counts of a run; `found` says by whom."""

    shape: str
    seed: int
    found: Counter[tuple[str, str]] = field(default_factory=Counter)
    missed: list[str] = field(default_factory=list)
    refused: Counter[str] = field(default_factory=Counter)  # the store itself did not take the change
    clean: int = 0
    alarms: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def all_well(self) -> bool:
        """Whether every change was found, and nothing else."""
        return not (self.missed or self.alarms)

    def tried(self) -> Counter[str]:
        """How many of each kind."""
        count: Counter[str] = Counter()
        for (kind, _), number in self.found.items():
            count[kind] += number
        count.update(dict.fromkeys(self.refused, 0))
        count.update(one.partition(":")[0] for one in self.missed)
        return count

    def __str__(self) -> str:
        """A table: kind, number, found by."""
        tried = self.tried()
        lines = [
            f"{self.shape}: {sum(tried.values())} changes, {len(self.missed)} not found; {self.clean} untouched histories, "
            f"{len(self.alarms)} false alarms; {self.seconds:.0f} s, seed {self.seed}"
        ]
        for kind, number in sorted(tried.items()):
            by = ", ".join(f"{who} {n}" for (name, who), n in sorted(self.found.items()) if name == kind)
            refused = f"; refused by the store {self.refused[kind]}" if self.refused[kind] else ""
            lines.append(f"  {number:6} {kind}: {by or 'nobody'}{refused}")
        return "\n".join([*lines, *self.missed[:10], *self.alarms[:10]])


def on_files(count: int, seed: int) -> Result:
    """Try so many changes on SQLite files, in memory where there is such a folder."""
    fast = Path("/dev/shm")
    with tempfile.TemporaryDirectory(prefix="linli-tamper-", dir=fast if fast.is_dir() else None) as folder:
        return _run(Files(Path(folder)), "files", BOTH | ONLY_FILES, count, seed)


def on_databases(count: int, seed: int, uri: str) -> Result:
    """Try so many changes on MongoDB databases; those named `linli_*` of the server are overwritten."""
    with tempfile.TemporaryDirectory(prefix="linli-tamper-") as folder:
        place = Databases(Path(folder), uri)
        try:
            return _run(place, "databases", BOTH | ONLY_DATABASES, count, seed)
        finally:
            place.client.close()


def _run(place: Place, shape: str, kinds: Mapping[str, Tamper], count: int, seed: int) -> Result:
    started = time.monotonic()
    choose, result, names = random.Random(seed), Result(shape, seed), list(kinds)
    for number in range(count):
        if number % EACH[shape] == 0:
            place.build(choose)
        if number % 20 == 0:
            result.clean += 1
            if (alarm := place.found(replayed=True)) is not None:
                result.alarms.append(f"untouched history {result.clean}: {alarm}")
            place.restore()
        _try(names[number % len(names)], kinds, choose, place, result)
    result.seconds = time.monotonic() - started
    return result


def _try(kind: str, kinds: Mapping[str, Tamper], choose: random.Random, place: Place, result: Result) -> None:
    for _attempt in range(40):
        try:
            kinds[kind](choose, place)
        except Nothing:
            continue
        except Refused:  # nobody can make such a change through the store
            result.refused[kind] += 1
            place.restore()
            if _attempt < 3:
                continue
            return
        found = place.found(replayed=False) or place.found(replayed=True)
        if found is None:
            result.missed.append(f"{kind}: change {sum(result.found.values()) + len(result.missed)}")
        else:
            result.found[kind, found[0]] += 1
        place.restore()
        return
    raise AssertionError(f"{kind} could not be tried")
