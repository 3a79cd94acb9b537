"""Restarts every process of a city in turn under a steady load, in the two ways that an operator has, and counts what callers noticed.

Surge, as Kubernetes does for a Deployment: the new process is started, becomes ready, and the old one is asked to end; gateways
stand behind a proxy. In place, as Compose does, and Kubernetes for a StatefulSet: the process is asked to end, and is started again.
"""

from __future__ import annotations

import string
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from services.console.catalogue import SERVICES
from tests.faults.balancer import Balancer
from tests.faults.checker import Findings, check
from tests.faults.city import City
from tests.faults.founding import found
from tests.faults.processes import LinliProcess
from tests.faults.steady import Steady
from tests.processes import free_port, wait_until

#: The time-out of calls in a city that is restarted in place: longer than a process takes to end and to start again. Test machines
#: may be slow.
PATIENT = {"LINLI_RPC_TIMEOUT": "20"}
#: Seconds that a process gets to become ready.
START_WITHIN = 60.0
#: Calls that must be answered between two restarts.
BETWEEN = 15


@dataclass
class Report:
    """The counts of a rolling restart."""

    way: str
    seconds: float = 0.0
    restarts: int = 0
    ends: list[float] = field(default_factory=list)  # seconds from SIGTERM to the end of each process
    starts: list[float] = field(default_factory=list)  # seconds until each process was ready
    calls: int = 0
    commands: int = 0
    failed: list[str] = field(default_factory=list)
    refused: int = 0
    slowest: float = 0.0
    slowest_call: str = ""
    findings: Findings = field(default_factory=Findings)

    def all_well(self) -> bool:
        """Whether no call failed and nothing was lost or doubled."""
        return not self.failed and self.findings.all_well()

    def __str__(self) -> str:
        """Two lines of counts, and the first few failures."""
        lines = [
            f"rolling restart, {self.way}: {self.restarts} restarts in {self.seconds:.0f} s; {self.calls} calls ({self.commands} "
            f"commands), {len(self.failed)} failed, {self.refused} connections refused and tried again, slowest {self.slowest:.1f} s "
            f"({self.slowest_call})",
            f"  slowest end {max(self.ends, default=0):.1f} s, slowest start {max(self.starts, default=0):.1f} s; {self.findings}",
        ]
        return "\n".join(lines + [f"  failed: {line}" for line in self.failed[:10]])


def surge(city: City, tokens: dict[str, str], seed: int, prefix: str = "u") -> Report:
    """A second process of each service takes over from the first; the audit service, which has one key, is restarted in place."""
    port = free_port()
    second = LinliProcess("gateway", city.environment_of("gateway") | {"LINLI_PORT": str(port)})
    first = city.processes["gateway"]
    try:
        start(second)
        balancer = Balancer([(int(city.url.rpartition(":")[2]), first.health), (port, second.health)])
        try:
            return _under_load(
                "surge",
                city,
                balancer.url,
                tokens,
                seed,
                prefix,
                lambda report, load: _surge_all(city, second, report, load),
            )
        finally:
            balancer.close()
    finally:
        second.destroy()


def _surge_all(city: City, second: LinliProcess, report: Report, load: Steady) -> None:
    for name in SERVICES:
        if name in ("audit", "gateway"):
            continue
        successor = LinliProcess(name, city.environment_of(name))
        report.starts.append(start(successor))
        _wait_for_calls(load)  # both work side by side
        city.hold(name)
        former = city.processes[name]
        report.ends.append(_end(former))
        city.processes[name] = successor
        city.release(name)
        former.destroy()
        report.restarts += 1
        _wait_for_calls(load)
    _restart(city, "audit", report, load)
    for gateway in (second, city.processes["gateway"]):
        city.hold("gateway")
        report.ends.append(_end(gateway))
        report.starts.append(start(gateway))
        city.release("gateway")
        report.restarts += 1
        _wait_for_calls(load)


def in_place(city: City, tokens: dict[str, str], seed: int, prefix: str = "p") -> Report:
    """Each process ends and is started again, while callers wait; nobody stands before the one gateway."""

    def all_of_them(report: Report, load: Steady) -> None:
        for name in SERVICES:
            _restart(city, name, report, load)

    return _under_load("in place", city, city.url, tokens, seed, prefix, all_of_them)


def _restart(city: City, name: str, report: Report, load: Steady) -> None:
    city.hold(name)
    process = city.processes[name]
    report.ends.append(_end(process))
    report.starts.append(start(process))
    city.release(name)
    report.restarts += 1
    _wait_for_calls(load)


def _end(process: LinliProcess) -> float:
    """Ask it to end; the seconds it took. AssertionError when it does not end well."""
    since = time.monotonic()
    process.terminate()
    seconds, code = process.wait_for_end(since, 10.0)
    assert code == 0, f"{process.name} ended with {code}:\n{process.tail()}"
    return seconds


def start(process: LinliProcess) -> float:
    """Start it and wait until it says that it is ready; the seconds it took."""
    since = time.monotonic()
    process.start()
    wait_until(
        process.ready, START_WITHIN, lambda: f"{process.name} not ready in {START_WITHIN:g} s:\n{process.tail()}"
    )
    return time.monotonic() - since


def _wait_for_calls(load: Steady) -> None:
    goal = load.calls + BETWEEN
    wait_until(lambda: load.calls >= goal, 60, lambda: f"no {BETWEEN} calls in 60 s: {load.failed[-3:]}")


def _under_load(
    way: str,
    city: City,
    url: str,
    tokens: dict[str, str],
    seed: int,
    prefix: str,
    act: Callable[[Report, Steady], None],
) -> Report:
    report = Report(way)
    with tempfile.TemporaryDirectory(prefix="linli-receipts-") as folder:
        receipts = Path(folder) / "receipts.jsonl"
        load = Steady(url, tokens, receipts, seed, writers=3, prefix=prefix)
        started = time.monotonic()
        load.start()
        try:
            _wait_for_calls(load)
            act(report, load)
        finally:
            load.stop()
        report.seconds = time.monotonic() - started
        report.calls, report.commands, report.refused = load.calls, load.counts.sent, load.refused
        report.failed = [*load.failed, *load.wrong]
        report.slowest, report.slowest_call = load.slowest, load.slowest_call
        city.converge()
        report.findings = check(city, receipts)
    return report


def both(seed: int, times: int = 1) -> Iterator[Report]:
    """Restart a city of its own in both ways, so many times."""
    city = City("city", settings=PATIENT)
    try:
        city.start()
        tokens = found(city)
        for number in range(times):
            letter = string.ascii_lowercase[number % 26] * (
                1 + number // 26
            )  # marks of the load are letters and numbers
            yield surge(city, tokens, seed + number, f"u{letter}")
            yield in_place(city, tokens, seed + number, f"p{letter}")
    finally:
        city.stop()
