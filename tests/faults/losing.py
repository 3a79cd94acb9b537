"""Kill -9, and files that are lost, older, broken or missing at the next start: refused with a sentence, or nothing was lost by it (R4).

Each round writes under load, kills the city, changes its files, and starts it. A refused city gets its files back and goes on; one that
starts must have everything that it acknowledged.
"""

from __future__ import annotations

import json
import random
import re
import shutil
import string
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults.checker import Findings, check
from tests.faults.city import City
from tests.faults.founding import found
from tests.faults.load import Load
from tests.processes import wait_until

#: Seconds in which a start is refused, or the city is ready.
PATIENCE = 60.0
_LOGS = ("registry", "issues", "volunteers", "funding")


@dataclass
class Report:
    """The counts of a run."""

    seed: int
    refused: Counter[str] = field(default_factory=Counter)
    recovered: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    findings: Findings = field(default_factory=Findings)

    def all_well(self) -> bool:
        """Whether nothing was acknowledged on a history that had shrunk, and nothing lost."""
        return not self.wrong and self.findings.all_well()

    def __str__(self) -> str:
        """A line a kind of loss."""
        kinds = sorted({*self.refused, *self.recovered})
        lines = [f"lost, older, broken and missing files at a start (seed {self.seed}): {self.findings}"]
        lines += [f"  {kind}: refused {self.refused[kind]}, recovered {self.recovered[kind]}" for kind in kinds]
        return "\n".join([*lines, *self.wrong[:10]])


def _parts(data: Path, name: str) -> list[Path]:
    return [path for part in ("", "-wal", "-shm") if (path := data / f"{name}{part}").exists()]


def _lose_wal(choose: random.Random, data: Path, older: Path) -> None:
    for path in _parts(data, f"{choose.choice(_LOGS)}.log.sqlite")[1:]:
        path.unlink()


def _break_wal(choose: random.Random, data: Path, older: Path) -> None:
    path = data / f"{choose.choice(_LOGS)}.log.sqlite-wal"
    content = bytearray(path.read_bytes())
    for _ in range(20):
        content[choose.randrange(len(content))] ^= 1 << choose.randrange(8)
    path.write_bytes(content)


def _older_log(choose: random.Random, data: Path, older: Path) -> None:
    name = f"{choose.choice(_LOGS)}.log.sqlite"
    for path in _parts(data, name):
        path.unlink()
    for path in _parts(older, name):
        shutil.copy(path, data)


def _no_log(choose: random.Random, data: Path, older: Path) -> None:
    for path in _parts(data, f"{choose.choice(_LOGS)}.log.sqlite"):
        path.unlink()


def _log_and_lists_gone(choose: random.Random, data: Path, older: Path) -> None:
    name = choose.choice(_LOGS)
    for path in (*_parts(data, f"{name}.log.sqlite"), *_parts(data, f"{name}.views.sqlite")):
        path.unlink()


def _another_log(choose: random.Random, data: Path, older: Path) -> None:
    one, two = choose.sample(_LOGS, 2)
    for path in _parts(data, f"{one}.log.sqlite"):
        path.unlink()
    for path in _parts(data, f"{two}.log.sqlite"):
        shutil.copy(path, data / path.name.replace(two, one))


def _cut_file(choose: random.Random, data: Path, older: Path) -> None:
    """With what stands beside it: from a whole -wal file the log could be whole again."""
    path, *beside = _parts(data, f"{choose.choice(_LOGS)}.log.sqlite")
    for one in beside:
        one.unlink()
    path.write_bytes(path.read_bytes()[: choose.choice((0, 100, 2048))])


def _no_keys(choose: random.Random, data: Path, older: Path) -> None:
    for path in _parts(data / "keys", "personal.sqlite"):
        path.unlink()


def _no_lists(choose: random.Random, data: Path, older: Path) -> None:
    """Lists follow from the logs: the city folds them anew."""
    for path in _parts(data, f"{choose.choice(_LOGS)}.views.sqlite"):
        path.unlink()


def _nothing(choose: random.Random, data: Path, older: Path) -> None:
    """So that it is seen to start when nothing is wrong."""


LOSSES: dict[str, Callable[[random.Random, Path, Path], None]] = {
    "-wal file of a log lost": _lose_wal, "-wal file of a log broken": _break_wal, "older log put back": _older_log,
    "log missing": _no_log, "log and its lists missing": _log_and_lists_gone, "another log in its place": _another_log,
    "log cut": _cut_file, "keys missing": _no_keys, "lists missing": _no_lists, "nothing": _nothing,
}  # fmt: skip
#: Of these a city always knows; the others may have lost nothing.
REFUSED = {
    "older log put back",
    "log missing",
    "log and its lists missing",
    "another log in its place",
    "log cut",
    "keys missing",
}


def lose(seed: int, rounds: int) -> Report:
    """So many rounds on an embedded city of its own, each kind of loss in turn."""
    city, choose, report = City("embedded"), random.Random(seed), Report(seed)
    kinds = list(LOSSES)
    try:
        city.start()
        tokens = found(city)
        process = city.processes["linli"]
        with tempfile.TemporaryDirectory(prefix="linli-losing-") as name:
            folder, receipts = Path(name), Path(name) / "receipts.jsonl"
            shutil.copytree(city.data, folder / "older")
            for number in range(rounds):
                prefix = "q" + string.ascii_lowercase[number // 26 % 26] + string.ascii_lowercase[number % 26]
                load = Load(city.url, tokens, receipts, seed + number, prefix=prefix)
                load.start()
                load.wait_for(10)
                load.stop()
                report.wrong += load.wrong
                city.converge()  # what nobody but a log has seen nobody can miss
                city.hold("linli")
                process.kill()
                shutil.copytree(city.data, folder / "aside")
                kind = kinds[number % len(kinds)]
                LOSSES[kind](choose, city.data, folder / "older")
                _start(city, kind, receipts, report)
                if not city.ready():
                    shutil.rmtree(city.data)
                    shutil.copytree(folder / "aside", city.data)
                    process.start()
                    city.wait_ready()
                shutil.rmtree(folder / "aside")
                city.release("linli")
            city.converge()
            report.findings = check(city, receipts)
    finally:
        city.stop()
    return report


def _start(city: City, kind: str, receipts: Path, report: Report) -> None:
    """Start the city, and see whether it refuses with a sentence or has all that it acknowledged."""
    process, ended = city.processes["linli"], ""
    process.start()

    def settled() -> bool:
        nonlocal ended
        try:
            return not process.running() or city.ready()
        except RuntimeError as error:  # it has ended, and says with what
            ended = str(error)
            return True

    wait_until(settled, PATIENCE, lambda: f"{kind}: hangs\n{city.tails()}")
    if ended:
        report.refused[kind] += 1
        told = ended.rpartition("stopping …")[2]
        if not re.search(r"ended with code [13]:", ended) or "linli: " not in told or "Traceback" in told:
            report.wrong.append(f"{kind}: {ended}")
        return
    report.recovered[kind] += 1
    if kind in REFUSED:
        report.wrong.append(f"{kind}: was not refused")
    heads = {name: int(service["head"]) for name, service in city.status().items()}
    for line in receipts.read_text(encoding="utf-8").splitlines():
        receipt = json.loads(line)["receipt"]
        if heads[receipt["service"]] < receipt["position"]:
            report.wrong.append(
                f"{kind}: {receipt['service']} {receipt['position']} was acknowledged, the log ends before"
            )
            break
