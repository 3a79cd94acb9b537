"""Commands over RPC (P7): embedded in one process with their caller, in a city each service in a process of its own."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import eventlet
from nameko.containers import WorkerContext
from nameko.rpc import RpcProxy, rpc
from nameko.runners import ServiceRunner
from nameko.testing.utils import get_extension

from shared.domain.identity import new_id
from shared.service.runner import collect_rarely, nameko_config
from tests.bench.measuring import LINLI, Bench, Figures, Row, Run, Stopwatch
from tests.bench.patched import beside, in_patched_process, ready
from tests.bench.place import Place, in_city, settings
from tests.bench.serving import cleared, serve_shops, serve_watchers, services
from tests.component.city import City
from tests.component.toy import ShopService, WatcherService

ECHO = "nameko echo"
FOLLOWED = "Linli, followed by another service"
IN_FLIGHT = 32
_SEQUENTIAL = 200
_CONCURRENT = 640


def _rates(call: Callable[[int], Any], scale: float) -> Figures:
    """Calls a second: one after the other, and 32 in flight."""
    numbers = itertools.count()
    for _ in range(50):  # connections, caches, first plans
        call(next(numbers))
    one, many = int(_SEQUENTIAL * scale), int(_CONCURRENT * scale)
    with Stopwatch() as sequential:
        for _ in range(one):
            call(next(numbers))
    pool = eventlet.GreenPool(IN_FLIGHT)
    with Stopwatch() as concurrent:
        for _ in pool.imap(call, [next(numbers) for _ in range(many)]):
            pass
    return {"sequential": one / sequential.seconds, "in_flight": many / concurrent.seconds}


def _call_shops(running: City, scale: float) -> Figures:
    def call(number: int) -> Any:
        receipt = running.call("shops", "open_shop", {"shop_id": f"s-{number}", "name": "Tea"}, command_id=new_id())
        assert receipt["events"] == 1
        return receipt

    return _rates(call, scale)


def command_calls(folder: Path, scale: float) -> Figures:
    """Commands of a service that writes, projects and relays; nobody follows it."""
    with services(folder, *(() if in_city() else (ShopService,))) as running:
        return _call_shops(running, scale)


def followed_command_calls(folder: Path, scale: float) -> Figures:
    """The same while another service follows it."""
    with services(folder, *(() if in_city() else (ShopService, WatcherService))) as running:
        return _call_shops(running, scale)


class EchoService:
    """Returns what it gets."""

    name = "echo"

    @rpc
    def echo(self, shop_id: str, name: str) -> dict[str, Any]:
        """As little as a method can do."""
        return {"shop_id": shop_id, "name": name}


class EchoCaller:
    """Calls it."""

    name = "echo_caller"
    echo = RpcProxy("echo")


def _bare(folder: Path, *classes: type) -> ServiceRunner:
    runner = ServiceRunner(nameko_config(settings(folder)))
    for service in classes:
        runner.add_service(service)
    collect_rarely()
    runner.start()
    return runner


def serve_echo(folder: Path, scale: float) -> Figures:
    """The echo alone in its process."""
    _bare(folder, EchoService)
    ready()
    eventlet.Event().wait()
    return {}


def echo_calls(folder: Path, scale: float) -> Figures:
    """Bare nameko: its service, its proxy."""
    runner = _bare(folder, EchoCaller, *(() if in_city() else (EchoService,)))
    container = next(container for container in runner.containers if container.service_name == "echo_caller")
    proxy = get_extension(container, RpcProxy)

    def call(number: int) -> Any:
        echo = proxy.get_dependency(WorkerContext(container, None, SimpleNamespace(method_name="call"), data={}))
        answer = echo.echo(shop_id=f"s-{number}", name="Tea")
        assert answer["name"] == "Tea"
        return answer

    try:
        return _rates(call, scale)
    finally:
        runner.stop()


def _between(caller: Run, *servers: Run) -> Run:
    """The caller in a patched process; in a city with the servers in processes of their own."""

    def run(folder: Path, scale: float) -> Figures:
        cleared(folder)
        with ExitStack() as stack:
            for server in servers if in_city() else ():
                stack.enter_context(beside(server, folder, scale))
            return in_patched_process(caller, folder, scale)

    return run


def benches(place: Place) -> list[Bench]:
    """P7."""
    together = "broker, caller, service, projector and relay share one process and one core"
    apart = f"caller and service in a process each, {place.broker} between them"
    return [
        Bench(
            "P7",
            {
                LINLI: _between(command_calls, serve_shops),
                ECHO: _between(echo_calls, serve_echo),
                FOLLOWED: _between(followed_command_calls, serve_shops, serve_watchers),
            },
            (
                Row("command over RPC, one by one", "calls/s", "sequential", ECHO, least=0.8),
                Row("command over RPC, 32 in flight", "calls/s", "in_flight", ECHO, least=1.0),
                Row("same, followed; one by one", "calls/s", "sequential", ECHO, side=FOLLOWED),
                Row("same, followed; 32 in flight", "calls/s", "in_flight", ECHO, side=FOLLOWED),
            ),
            note=apart if place.city else together,
        )
    ]
