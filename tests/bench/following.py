"""Facts on their way into another service's view (P9): 200 a second, from the receipt until the row is saved there.

In a city the two services are processes of their own; both read CLOCK_MONOTONIC, which is one clock for a whole machine.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import eventlet
from kombu import Connection, Consumer, Exchange
from kombu.pools import producers

from shared.broker.topology import queue_for
from shared.domain.identity import new_id
from shared.domain.mandate import Mandate
from shared.domain.record import Record
from shared.following.context import CallContext
from shared.following.definition import Definition
from shared.following.execute import execute
from shared.following.follow import Follower
from shared.service.call import Here
from shared.service.service import Followed
from tests.bench.measuring import LINLI, Bench, Figures, Row, percentile
from tests.bench.patched import beside, in_patched_process, ready
from tests.bench.place import Place, in_city, settings
from tests.bench.serving import cleared, services
from tests.component.city import City, wait_for
from tests.component.toy import SEEN, SHOP, WATCH, ShopService, open_shop

RAW = "kombu publish, confirm, consume"
_PER_SECOND = 200
_SECONDS = 3
_FIRST = 50  # facts before the clocks run


class TimedFollower(Follower):
    """Remembers when each position was in the views."""

    applied: dict[int, float] = {}

    def apply(self, records: Iterable[Record]) -> int:
        """Apply, then look at the clock."""
        before = self.position
        position = super().apply(records)
        if self.source == "shops" and position > before:
            moment = time.monotonic()
            self.applied.update((reached, moment) for reached in range(before + 1, position + 1))
        return position


class ViewerService(Followed):
    """Follows the shops with one view and no policy."""

    name = "watchers"
    here = Here(Definition("watchers", (WATCH,), (SEEN,), sources=("shops",)), TimedFollower)


def _count(scale: float) -> int:
    return int(_PER_SECOND * _SECONDS * scale)


def _paced(work: Callable[[int], None], numbers: range) -> None:
    """Start `work(number)` in a green thread of its own at the chosen rate; when late, at once."""
    pool = eventlet.GreenPool(200)
    begun = time.monotonic()
    for done, number in enumerate(numbers):
        time.sleep(max(0.0, begun + done / _PER_SECOND - time.monotonic()))  # the chosen rate
        pool.spawn(work, number)
    pool.waitall()


def _moments(times: Mapping[int, float]) -> Figures:
    """Moments by number, with the first ones left out, as a process hands them over."""
    return {str(number): moment for number, moment in times.items()}


def _delays(begun: Figures, arrived: Figures) -> Figures:
    delays = [(arrived[number] - moment) * 1000 for number, moment in begun.items() if int(number) > _FIRST]
    return {"p50": percentile(delays, 0.5), "p99": percentile(delays, 0.99)}


def _decide_on_many(running: City, scale: float) -> Figures:
    """Decide 200 times a second; when each receipt was there, by position."""
    acknowledged: dict[int, float] = {}
    shops = running.here("shops").node

    def decide(number: int) -> None:
        context = CallContext(kind="operator", actor="op", command_id=new_id(), occurred="2026-03-01T09:00:00+08:00")
        mandate = Mandate(actor="op", role="operator")
        about: dict[str, Any] = {"context": context, "mandate": mandate, "command": "open_shop", "name": "Tea"}
        receipt = execute(shops.log, SHOP, f"s-{number}", open_shop, **about)
        acknowledged[receipt.position] = time.monotonic()

    _paced(decide, range(_FIRST))
    eventlet.sleep(0.5)  # the other process takes in the first ones before the clock counts
    _paced(decide, range(_FIRST, _FIRST + _count(scale)))
    return _moments(acknowledged)


def _wait_for_views(running: City, scale: float) -> Figures:
    follower = running.here("watchers").node.followers["shops"]
    wait_for(lambda: follower.position == _FIRST + _count(scale), "the last facts", 120)
    return _moments(TimedFollower.applied)


def decide(folder: Path, scale: float) -> Figures:
    """The deciding service alone in its process, until it is ended."""
    with services(folder, ShopService) as running:
        moments = _decide_on_many(running, scale)
        wait_for(lambda: running.here("shops").node.status()["relayed"] == _FIRST + _count(scale), "the relay", 120)
        return moments


def view(folder: Path, scale: float) -> Figures:
    """The viewing service alone in its process."""
    with services(folder, ViewerService) as running:
        ready()
        return _wait_for_views(running, scale)


def both(folder: Path, scale: float) -> Figures:
    """Both services in one process."""
    with services(folder, ShopService, ViewerService) as running:
        return _delays(_decide_on_many(running, scale), _wait_for_views(running, scale))


def facts_to_views(folder: Path, scale: float) -> Figures:
    """The clock runs from the receipt until the row is saved in the other service's views."""
    if not in_city():
        return in_patched_process(both, folder, scale)
    cleared(folder)
    with beside(view, folder, scale) as viewer:
        return _delays(in_patched_process(decide, folder, scale), viewer.figures())


def publish(folder: Path, scale: float) -> Figures:
    """Publish 200 confirmed messages a second over a topic exchange; when each was handed over, by number."""
    begun: dict[int, float] = {}
    exchange = Exchange("linli.events", type="topic", durable=True)
    connection = Connection(settings(folder).amqp_uri, transport_options={"confirm_publish": True})

    def send(number: int) -> None:
        begun[number] = time.monotonic()
        with producers[connection].acquire(block=True) as producer:
            producer.publish(
                b'{"shop_id": "s-1", "name": "Tea"}',
                exchange=exchange,
                routing_key="shops.ShopOpened",
                headers={"number": number},
                delivery_mode=2,
            )

    _paced(send, range(1, _FIRST + 1))
    eventlet.sleep(0.5)  # as for the decisions
    _paced(send, range(_FIRST + 1, _FIRST + _count(scale) + 1))
    return _moments(begun)


def _consumer(folder: Path, scale: float) -> Callable[[], Figures]:
    """Start a consumer of the same queue that only looks at the clock and acknowledges."""
    arrived: dict[int, float] = {}
    queue = queue_for("watchers", ("shops",))
    connection = Connection(settings(folder).amqp_uri)

    def on_message(message: Any) -> None:
        arrived[message.headers["number"]] = time.monotonic()
        message.ack()

    consumer = Consumer(connection.channel(), [queue], on_message=on_message, accept=None)
    consumer.consume()

    def drain() -> Figures:
        while len(arrived) < _FIRST + _count(scale):
            connection.drain_events(timeout=60)
        return _moments(arrived)

    return drain


def consume(folder: Path, scale: float) -> Figures:
    """The consumer alone in its process."""
    drain = _consumer(folder, scale)
    ready()
    return drain()


def publish_and_consume(folder: Path, scale: float) -> Figures:
    """Both in one process."""
    consumer = eventlet.spawn(_consumer(folder, scale))
    eventlet.sleep(0.1)  # the consumer declares its queue
    return _delays(publish(folder, scale), consumer.wait())


def raw_messages(folder: Path, scale: float) -> Figures:
    """The clock runs from handing over a message that the broker is to confirm until the consumer has it."""
    if not in_city():
        return in_patched_process(publish_and_consume, folder, scale)
    cleared(folder)
    with beside(consume, folder, scale) as consumer:
        return _delays(in_patched_process(publish, folder, scale), consumer.figures())


def benches(place: Place) -> list[Bench]:
    """P9."""
    together = "both services and the broker in one process"
    what = "acknowledged to applied elsewhere, 200/s"
    return [
        Bench(
            "P9",
            {LINLI: facts_to_views, RAW: raw_messages},
            (
                Row(f"{what}, p50", "ms", "p50", RAW, most=3.0),
                Row(f"{what}, p99", "ms", "p99", RAW, most=3.0, ceiling=50),
            ),
            note=f"{'a process each' if place.city else together}; raw: the same exchange and queue, nothing stored",
        )
    ]
