"""Chooses faults by a seed and carries them out on a running city."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.faults.city import City
from tests.faults.load import Load

#: Weight of each fault; only those that the city's shape has are drawn.
WEIGHTS = {
    "kill a service": 8, "kill several": 2, "pause a service": 3, "kill the broker": 1, "kill the database": 1,
    "pause the broker": 1, "pause the database": 1, "wipe the broker": 1, "cut": 3, "hold": 2, "delay": 2,
}  # fmt: skip
#: Seconds a piece, each way, up to which commands are still answered within their time-out of 5 s; beyond, callers are told so.
BEARABLE = 0.2
_EMBEDDED = ("kill a service", "pause a service")


@dataclass
class Injector:
    """Faults on a city under load; `done` counts them by kind, `log` tells them in order."""

    city: City
    load: Load
    seed: int
    done: Counter[str] = field(default_factory=Counter)
    kills: int = 0
    asked: int = 0  # kills that the run was to reach
    log: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._choose = random.Random(self.seed)
        self._kinds = list(_EMBEDDED if self.city.shape == "embedded" else WEIGHTS)
        self._acts: dict[str, Callable[[], str]] = {
            "kill a service": lambda: self._kill_services(1),
            "kill several": lambda: self._kill_services(self._choose.randint(2, len(self.city.processes))),
            "pause a service": self._pause_service,
            "kill the broker": lambda: self._server("broker", "kill"),
            "kill the database": lambda: self._server("database", "kill"),
            "pause the broker": lambda: self._server("broker", "pause"),
            "pause the database": lambda: self._server("database", "pause"),
            "wipe the broker": lambda: f"{self.city.wipe_broker()} queues deleted",
            "cut": self._cut,
            "hold": self._hold,
            "delay": self._delay,
        }

    def run(self, kills: int, each: bool = False) -> None:
        """Go on until so many processes were killed; with `each`, start with one fault of every kind."""
        self.asked = kills
        first = self._choose.sample(self._kinds, len(self._kinds)) if each else []
        while self.kills < kills or first:
            weights = [WEIGHTS[kind] for kind in self._kinds]
            self.inject(first.pop() if first else self._choose.choices(self._kinds, weights)[0])

    def inject(self, kind: str) -> None:
        """One fault, and then at times a wait until the city answers again, at times the next fault at once."""
        told = self._acts[kind]()
        self.done[kind] += 1
        self.log.append(f"{len(self.log) + 1}. {kind}: {told}")
        if self._choose.random() < 0.7:
            self.load.wait_for(self._choose.randint(1, 12))
        else:
            time.sleep(self._choose.uniform(0.0, 1.0))
        self.city.heal()

    def _kill_services(self, count: int) -> str:
        names = self._choose.sample(sorted(self.city.processes), count)
        for name in names:
            self.city.hold(name)
            self.city.processes[name].kill()
        time.sleep(self._choose.choice((0.0, 0.0, 0.5)))
        for name in names:
            self.city.processes[name].start()
            self.city.release(name)
        self.kills += count
        return ", ".join(names)

    def _pause_service(self) -> str:
        name = self._choose.choice(sorted(self.city.processes))
        seconds = self._choose.uniform(0.2, 3.0)
        self.city.hold(name)
        self.city.processes[name].pause()
        time.sleep(seconds)
        self.city.processes[name].resume()
        self.city.release(name)
        return f"{name} for {seconds:.1f} s"

    def _server(self, name: str, how: str) -> str:
        server = self.city.server(name)
        if how == "kill":
            server.kill()
            self.kills += 1
            time.sleep(self._choose.choice((0.0, 0.5)))
            server.start()
            return name
        seconds = self._choose.uniform(0.2, 3.0)
        self.city.pause_server(name, seconds)
        return f"{name} for {seconds:.1f} s"

    def _gate(self) -> tuple[str, str]:
        return self._choose.choice(sorted(self.city.gates))

    def _cut(self) -> str:
        chosen = [self._gate() for _ in range(self._choose.randint(1, 4))]
        for gate in chosen:
            self.city.gates[gate].cut()
        return ", ".join(" to ".join(gate) for gate in chosen)

    def _hold(self) -> str:
        gate, seconds = self._gate(), self._choose.uniform(0.2, 3.0)
        self.city.gates[gate].hold()
        time.sleep(seconds)
        if self._choose.random() < 0.5:
            self.city.gates[gate].cut()
        self.city.gates[gate].heal()
        return f"{' to '.join(gate)} for {seconds:.1f} s"

    def _delay(self) -> str:
        gate, seconds = self._gate(), self._choose.uniform(0.05, 0.4)
        self.city.gates[gate].delay(seconds)
        time.sleep(1.0)
        if seconds > BEARABLE:
            self.city.gates[gate].heal()
        return f"{' to '.join(gate)} by {seconds:.2f} s"
