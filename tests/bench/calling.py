"""Calls between services (P7) and facts on their way to another service's view (P9), on the broker in process memory."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import eventlet
from kombu import Connection, Consumer, Exchange
from kombu.pools import producers
from nameko.containers import WorkerContext
from nameko.rpc import RpcProxy, rpc
from nameko.runners import ServiceRunner
from nameko.testing.utils import get_extension

from shared.bus.embedded import install
from shared.bus.followers import queue_for
from shared.identity import new_id
from shared.log import Record
from shared.runtime.authority import Mandate
from shared.runtime.context import Context
from shared.runtime.definition import Definition
from shared.runtime.execute import execute
from shared.runtime.follow import Follower
from shared.runtime.runner import nameko_config
from shared.runtime.service import Followed, Here
from shared.runtime.settings import Settings
from tests.bench.measuring import LINLI, Bench, Figures, Row, Run, Stopwatch, percentile
from tests.bench.patched import in_patched_process
from tests.component.city import City, city, wait_for
from tests.component.toy import SEEN, SHOP, WATCH_CODEC, ShopService, WatcherService, open_shop

URI = "linli://embedded"
ECHO = "nameko echo"
FOLLOWED = "Linli, followed by another service"
RAW = "kombu confirm and consume"
IN_FLIGHT = 32
_SEQUENTIAL = 600
_CONCURRENT = 2_400
_PER_SECOND = 200
_SECONDS = 6


def _rates(call: Callable[[int], Any], scale: float) -> Figures:
    """Calls a second: one after the other, and 32 in flight."""
    numbers = itertools.count()
    for _ in range(100):  # connections, caches, first plans
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


def _command(running: City) -> Callable[[int], Any]:
    def call(number: int) -> Any:
        receipt = running.call("shops", "open_shop", {"shop_id": f"s-{number}", "name": "Tea"}, command_id=new_id())
        assert receipt["events"] == 1
        return receipt

    return call


def command_calls(folder: Path, scale: float) -> Figures:
    """Commands of a service that writes, projects and relays; nobody follows it."""
    with city(URI, str(folder), ShopService) as running:
        return _rates(_command(running), scale)


def followed_command_calls(folder: Path, scale: float) -> Figures:
    """The same while another service follows it, with a view and a policy that writes a fact for each of its facts."""
    with city(URI, str(folder), ShopService, WatcherService) as running:
        return _rates(_command(running), scale)


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


def echo_calls(folder: Path, scale: float) -> Figures:
    """Bare nameko: its service, its proxy."""
    runner = ServiceRunner(nameko_config(Settings.read({"LINLI_DATA": str(folder), "AMQP_URI": URI})))
    runner.add_service(EchoService)
    runner.add_service(EchoCaller)
    runner.start()
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


class TimedFollower(Follower):
    """Remembers when each position was in the views."""

    applied: dict[int, float] = {}

    def apply(self, records: Iterable[Record]) -> int:
        """Apply, then look at the clock."""
        before = self.position
        position = super().apply(records)
        if self.source == "shops" and position > before:
            moment = time.perf_counter()
            self.applied.update((reached, moment) for reached in range(before + 1, position + 1))
        return position


class ViewerService(Followed):
    """Follows the shops with one view and no policy."""

    name = "watchers"
    here = Here(Definition("watchers", WATCH_CODEC, (SEEN,), sources=("shops",)), TimedFollower)


def _paced(work: Callable[[int], None], count: int) -> None:
    """Start `work(number)` in a green thread of its own at the chosen rate; when late, at once."""
    pool = eventlet.GreenPool(200)
    begun = time.perf_counter()
    for number in range(count):
        time.sleep(max(0.0, begun + number / _PER_SECOND - time.perf_counter()))
        pool.spawn(work, number)
    pool.waitall()


def _figures(begun: dict[int, float], arrived: dict[int, float]) -> Figures:
    delays = [(arrived[key] - moment) * 1000 for key, moment in begun.items()]
    return {"p50": percentile(delays, 0.5), "p99": percentile(delays, 0.99)}


def facts_to_views(folder: Path, scale: float) -> Figures:
    """200 decisions a second; the clock runs from the receipt until the row is saved in the other service's views."""
    acknowledged: dict[int, float] = {}
    with city(URI, str(folder), ShopService, ViewerService) as running:
        shops, watchers = running.here("shops").node, running.here("watchers").node

        def decide(number: int) -> None:
            context = Context(kind="operator", actor="op", command_id=new_id(), occurred="2026-03-01T09:00:00+08:00")
            mandate = Mandate(actor="op", role="operator")
            receipt = execute(
                shops.log,
                SHOP,
                f"s-{number}",
                open_shop,
                context=context,
                mandate=mandate,
                command="open_shop",
                name="Tea",
            )
            acknowledged[receipt.position] = time.perf_counter()

        _paced(decide, 50)
        wait_for(lambda: watchers.followers["shops"].position == 50, "the first facts")
        acknowledged.clear()
        count = int(_PER_SECOND * _SECONDS * scale)
        _paced(lambda number: decide(50 + number), count)
        wait_for(lambda: watchers.followers["shops"].position == 50 + count, "the last facts")
    return _figures(acknowledged, TimedFollower.applied)


def raw_messages(folder: Path, scale: float) -> Figures:
    """200 confirmed messages a second over a topic exchange; the clock runs from the confirm until the consumer has it."""
    install()
    confirmed: dict[int, float] = {}
    arrived: dict[int, float] = {}
    queue = queue_for("raw", ("raw",))

    def on_message(message: Any) -> None:
        arrived[message.headers["number"]] = time.perf_counter()
        message.ack()

    def consume() -> None:
        with Connection(URI) as connection, Consumer(connection.channel(), [queue], on_message=on_message, accept=None):
            while True:
                connection.drain_events()

    consumer = eventlet.spawn(consume)
    exchange = Exchange("linli.events", type="topic", durable=True)

    def publish(number: int) -> None:
        with producers[Connection(URI)].acquire(block=True) as producer:
            producer.publish(
                b'{"shop_id": "s-1", "name": "Tea"}',
                exchange=exchange,
                routing_key="raw.ShopOpened",
                headers={"number": number},
            )
        confirmed[number] = time.perf_counter()

    eventlet.sleep(0.1)
    _paced(publish, 50)
    confirmed.clear()
    count = int(_PER_SECOND * _SECONDS * scale)
    _paced(lambda number: publish(50 + number), count)
    wait_for(lambda: len(arrived) == 50 + count, "the last messages")
    consumer.kill()
    return _figures(confirmed, arrived)


def _patched(run: Run) -> Run:
    return lambda folder, scale: in_patched_process(run, folder, scale)


def benches() -> list[Bench]:
    """P7 and P9."""
    return [
        Bench(
            "P7",
            {LINLI: _patched(command_calls), ECHO: _patched(echo_calls), FOLLOWED: _patched(followed_command_calls)},
            (
                Row("command over RPC, one by one", "calls/s", "sequential", ECHO, least=0.8),
                Row("command over RPC, 32 in flight", "calls/s", "in_flight", ECHO, least=1.0),
                Row("same, followed; one by one", "calls/s", "sequential", ECHO, side=FOLLOWED),
                Row("same, followed; 32 in flight", "calls/s", "in_flight", ECHO, side=FOLLOWED),
            ),
            note="broker, caller, service, projector and relay share one process and one core",
        ),
        Bench(
            "P9",
            {LINLI: _patched(facts_to_views), RAW: _patched(raw_messages)},
            (
                Row("acknowledged to applied elsewhere, 200/s, p50", "ms", "p50", RAW, most=3.0),
                Row("acknowledged to applied elsewhere, 200/s, p99", "ms", "p99", RAW, most=3.0, ceiling=50),
            ),
            note="both services and the broker in one process; raw: a topic exchange and one queue, nothing stored",
        ),
    ]
