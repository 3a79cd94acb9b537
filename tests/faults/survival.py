"""A whole run: a city under load meets faults, heals, converges, and is compared with what it acknowledged (R1, R2)."""

from __future__ import annotations

import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults.checker import Findings, check
from tests.faults.city import City
from tests.faults.founding import found
from tests.faults.injector import Injector
from tests.faults.load import Counts, Load


@dataclass
class Report:
    """The counts of a run."""

    shape: str
    seed: int
    seconds: float = 0.0
    asked: int = 0
    kills: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    told: list[str] = field(default_factory=list)
    counts: Counts = field(default_factory=Counts)
    ended: dict[str, list[int]] = field(default_factory=dict)  # processes that ended though nobody killed them
    wrong: list[str] = field(default_factory=list)
    converged: float = 0.0  # seconds until all followers had reached the heads
    findings: Findings = field(default_factory=Findings)

    def all_well(self) -> bool:
        """Whether nothing was lost, doubled, reordered or refused, and nothing fell over."""
        return not (self.wrong or self.ended) and self.findings.all_well()

    def __str__(self) -> str:
        """A line a count, and at the end how to run the same again."""
        faults = ", ".join(f"{kind} {count}" for kind, count in sorted(self.faults.items()))
        lines = [
            f"{self.shape}: {self.kills} kills in {self.seconds:.0f} s ({faults})",
            f"  commands: {self.counts.sent} sent, {self.counts.acknowledged} acknowledged, {self.counts.repeated} repeated, "
            f"{self.counts.left} left with an unknown outcome",
            f"  after {self.converged:.1f} s all followers at the heads: {self.findings}",
        ]
        lines += [f"  wrong: {line}" for line in self.wrong[:10]]
        lines += [f"  {name} ended by itself with {codes}" for name, codes in self.ended.items()]
        lines.append(f"  again: make faults SHAPE={self.shape} KILLS={self.asked} SEED={self.seed}")
        return "\n".join(lines)


def survive(
    city: City, tokens: dict[str, str], seed: int, act: Callable[[Injector], None], prefix: str = "k"
) -> Report:
    """Load a founded city while `act` breaks it; then heal, converge and check. `prefix` keeps two runs on one city apart."""
    report = Report(city.shape, seed)
    with tempfile.TemporaryDirectory(prefix="linli-receipts-") as folder:
        receipts = Path(folder) / "receipts.jsonl"
        load = Load(city.url, tokens, receipts, seed, prefix=prefix)
        injector = Injector(city, load, seed)
        ended = {name: len(process.ended) for name, process in city.processes.items()}
        started = time.monotonic()
        load.start()
        try:
            load.wait_for(10)
            act(injector)
            city.heal()
            load.wait_for(10)
        except TimeoutError as error:
            raise AssertionError(f"seed {seed}: {error}\n" + "\n".join(injector.log) + city.tails()) from None
        finally:
            city.heal()
            load.stop()
        report.seconds = time.monotonic() - started
        report.asked, report.kills, report.faults, report.told = (
            injector.asked,
            injector.kills,
            injector.done,
            injector.log,
        )
        report.counts = load.counts
        report.wrong = load.wrong
        report.ended = {
            n: process.ended[ended[n] :] for n, process in city.processes.items() if process.ended[ended[n] :]
        }
        report.converged = city.converge()
        report.findings = check(city, receipts)
    return report


def embedded(seed: int, kills: int) -> Report:
    """Kill and freeze the one process of an embedded city of its own."""
    return _alone("embedded", seed, kills)


def city(seed: int, kills: int) -> Report:
    """Kill, freeze, cut, delay and wipe in a city of its own, with its own broker and database."""
    return _alone("city", seed, kills)


def _alone(shape: str, seed: int, kills: int) -> Report:
    here = City(shape)
    try:
        here.start()
        return survive(here, found(here), seed, lambda injector: injector.run(kills, each=True))
    finally:
        here.stop()
