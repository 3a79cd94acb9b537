"""A proxy in front of several gateways, as a city has one: it asks each whether it is ready, and turns to another when one refuses."""

from __future__ import annotations

import itertools
import socket
import threading
from collections.abc import Sequence

from tests.faults.gate import Gate
from tests.faults.processes import healthy

#: Seconds between two questions whether a gateway is ready.
ASK_EVERY = 0.25


class Balancer(Gate):
    """Passes each connection to the next gateway that is ready. `gateways` are (HTTP port, port of its health)."""

    def __init__(self, gateways: Sequence[tuple[int, int]]) -> None:
        self._gateways = gateways
        self._ready = {port for port, health in gateways if healthy(health)}
        self._turn = itertools.count()
        self._closing = threading.Event()
        super().__init__(0)
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self._ask, daemon=True).start()

    def _ask(self) -> None:
        while not self._closing.wait(ASK_EVERY):
            self._ready = {port for port, health in self._gateways if healthy(health)}

    def _reach(self) -> socket.socket:
        ports = sorted(self._ready)
        first = next(self._turn)
        for number in range(len(ports)):
            try:
                return socket.create_connection(("127.0.0.1", ports[(first + number) % len(ports)]), 5)
            except ConnectionRefusedError:  # it stopped listening since it was asked
                continue
        raise ConnectionRefusedError("no gateway is ready")

    def close(self) -> None:
        """Stop asking, and close every connection."""
        self._closing.set()
        super().close()
