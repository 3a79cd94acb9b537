"""The two toy services at work, and a way to call them, for tests in a patched process."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from shared.following.context import CallContext
from shared.service.logging import configure
from shared.service.rpc import Rpc
from shared.service.runner import runner_for
from shared.service.settings import Settings
from tests.component.toy import ShopService, WatcherService

#: How a test publishes what must arrive: a broker may lose what it had not confirmed when the connection was closed.
CONFIRMED = {"confirm_publish": True}


class Door:
    """A service that only calls."""

    name = "door"
    rpc = Rpc()


class City:
    """Running services; `call` answers or raises as a caller would see it."""

    def __init__(self, runner: Any) -> None:
        self.runner = runner
        self.containers = {container.service_name: container for container in runner.containers}
        self._caller = next(
            extension for extension in self.containers["door"].extensions if isinstance(extension, Rpc)
        ).caller

    def call(
        self, service: str, method: str, arguments: dict[str, Any] | None = None, timeout: float = 10, **context: Any
    ) -> Any:
        who = {"kind": "operator", "actor": "op"} | context
        return self._caller.call(service, method, CallContext(**who), arguments or {}, timeout)

    def here(self, service: str) -> Any:
        return next(extension for extension in self.containers[service].extensions if hasattr(extension, "definition"))

    def settled(self) -> None:
        """Wait until watchers have taken in all shops' facts and applied their own."""
        wait_for(lambda: self._behind() == 0, "the watchers to catch up")

    def _behind(self) -> int:
        shops, watchers = self.here("shops").node, self.here("watchers").node
        return sum(
            (
                shops.log.head().position - watchers.followers["shops"].position,
                watchers.log.head().position - watchers.followers["watchers"].position,
                shops.log.head().position - shops.followers["shops"].position,
            )
        )


def wait_for(ready: Callable[[], bool], what: str, seconds: float = 20) -> None:
    """Wait until something holds, or fail saying what did not."""
    deadline = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < deadline, f"waited {seconds} s for {what}"
        time.sleep(0.01)


@contextmanager
def city(amqp_uri: str, folder: str, *services: type, **variables: str) -> Iterator[City]:
    """Start the toy services on a broker with their files in a folder."""
    configure("error")
    settings = Settings.read({"LINLI_DATA": folder, "AMQP_URI": amqp_uri, "LINLI_CATCH_UP": "1", **variables})
    runner = runner_for(settings, [*(services or (ShopService, WatcherService)), Door])
    runner.start()
    try:
        yield City(runner)
    finally:
        runner.stop()
