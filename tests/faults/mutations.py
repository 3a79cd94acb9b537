"""Falsifications of logs, ledger and exports, drawn by a seed: each must be found, and nothing else raise an alarm (R4)."""

from __future__ import annotations

import itertools
import random
import re
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from services.audit.ledger import Ledger
from services.audit.verify import verify_ledger, verify_log
from shared.domain.errors import BadInputError, CorruptionError
from shared.log import EventLog
from tests.audit import ledgers as exports
from tests.faults.falsifications import EXPORT, LEDGER, LOG, Falsify, Unchanged
from tests.faults.falsified import World, build


@dataclass
class Result:
    """The counts of a run."""

    seed: int
    tried: Counter[str] = field(default_factory=Counter)
    missed: list[str] = field(default_factory=list)
    misplaced: list[str] = field(default_factory=list)  # found, but another first wrong position was named
    clean: int = 0  # untouched histories verified
    alarms: list[str] = field(default_factory=list)  # those that raised an alarm
    seconds: float = 0.0

    def all_well(self) -> bool:
        """Whether every falsification was found where it was, and nothing else."""
        return not (self.missed or self.misplaced or self.alarms)

    def __str__(self) -> str:
        """The counts, and the first few that were missed."""
        total = sum(self.tried.values())
        found = total - len(self.missed)
        percent = 100 * found / max(total, 1)
        lines = [
            f"{total} falsifications, {found} found ({percent:.4g} %), {len(self.misplaced)} at a wrong place; {self.clean} untouched "
            f"histories, {len(self.alarms)} false alarms; {self.seconds:.0f} s, seed {self.seed}"
        ]
        lines += [f"  {count:6} {kind}" for kind, count in sorted(self.tried.items())]
        return "\n".join([*lines, *self.missed[:10], *self.misplaced[:10], *self.alarms[:10]])


def run(count: int, seed: int) -> Result:
    """Try `count` falsifications, and one untouched history for every twenty."""
    started = time.monotonic()
    choose, result = random.Random(seed), Result(seed)
    kinds: list[tuple[str, Falsify]] = [*LOG.items(), *LEDGER.items(), *EXPORT.items()]
    world = build(choose)
    for number in range(count):
        if number % 20 == 0:
            world = build(choose)
            result.clean += 1
            try:
                _verify(world)
                exports.verify(world.export, world.checkpoint, disclosures=world.disclosures.splitlines(keepends=True))
            except Exception as error:  # whatever it says, nothing was wrong
                result.alarms.append(f"untouched history {result.clean}: {error!r}")
        kind, falsify = kinds[number % len(kinds)]
        _try(kind, falsify, choose, world.copy(), result)
    result.seconds = time.monotonic() - started
    return result


def _try(kind: str, falsify: Falsify, choose: random.Random, world: World, result: Result) -> None:
    for attempt in itertools.count(1):
        try:
            expected = falsify(choose, world)
            break
        except Unchanged:
            if attempt % 20 == 0:  # such a history may have nothing of that kind
                world = build(choose)
    result.tried[kind] += 1
    try:
        if kind in EXPORT:
            disclosures = world.disclosures.splitlines(keepends=True)
            exports.verify(world.export, world.checkpoint, disclosures=disclosures, **world.options)
        else:
            _verify(world)
    except (CorruptionError, BadInputError, exports.VERIFIER.Wrong) as error:
        if expected and not re.search(re.escape(expected) + r"(?!\d)", str(error)):
            result.misplaced.append(f"{kind}: expected {expected!r}, told: {error}")
    else:
        result.missed.append(f"{kind} was not found (falsification {sum(result.tried.values())})")


def _verify(world: World) -> None:
    """What `linli verify` does, on records in memory."""
    logs = {name: EventLog(name, storage) for name, storage in world.logs.items()}
    for log in logs.values():
        verify_log(log, lambda *_: None)
    ledger: Any = Ledger(world.views, exports.ORIGIN)  # type: ignore[arg-type]  # only its reading half is needed
    verify_ledger(ledger, logs, exports.KEY.public_key(), lambda *_: None)
