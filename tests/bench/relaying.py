"""Facts to the broker (P8) and out of it (P10): a quorum queue, each message confirmed, each one acknowledged. City only."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import amqp
import eventlet
import msgspec
from kombu import Connection, Consumer, Exchange, Queue
from nameko.containers import WorkerContext
from nameko.events import EventDispatcher
from nameko.runners import ServiceRunner
from nameko.testing.utils import get_extension

from shared.broker.message import Message
from shared.broker.publisher import PERSISTENT
from shared.broker.topology import EXCHANGE, declare, queue_for
from shared.domain.event import Event
from shared.domain.identity import new_id
from shared.following.node import BATCH
from shared.log import Commit, EventLog, NewEvent
from shared.service.relay import fact_codes, message_of
from shared.service.runner import collect_rarely, nameko_config
from shared.service.storage import open_log, open_views
from tests.bench.following import ViewerService
from tests.bench.measuring import LINLI, Bench, Figures, Row, Stopwatch, rate
from tests.bench.patched import patched
from tests.bench.place import Place, forget, settings
from tests.bench.serving import cleared, empty_queue, services
from tests.bench.subject import TIME, fill
from tests.component.city import wait_for
from tests.component.toy import SHOPS_DEFINITION, ShopOpened, ShopService

PIPELINED = "py-amqp, pipelined confirms"
DISPATCHER = "nameko EventDispatcher"
CONSUMED = "kombu consume and acknowledge"
_FACTS = 4_000
_DISPATCHED = 500
_IN_FLIGHT = 2_000
_LOOK = 0.01  # seconds between two looks at a checkpoint


def _opened(number: int) -> Commit:
    event: Event = ShopOpened(shop_id=f"s-{number}", name="Tea")
    new = NewEvent(
        type="ShopOpened", schema=1, data=msgspec.Raw(SHOPS_DEFINITION.codec.encode(event)), id=new_id(), occurred=TIME
    )
    about = {"command": "open_shop", "command_id": new_id(), "actor": "op", "correlation_id": new_id()}
    return Commit(stream=f"shop-s-{number}", expected_version=0, events=(new,), place="350104.013", **about)


def write_facts(folder: Path, scale: float) -> None:
    """The log of the shops, in which nothing has been relayed yet."""
    cleared(folder)
    log = open_log(settings(folder), "shops")
    fill(log, map(_opened, range(int(_FACTS * scale))))
    log.close()


def _log(folder: Path) -> EventLog:
    return open_log(settings(folder), "shops")


def _messages(folder: Path) -> list[Message]:
    codes = fact_codes(settings(folder))
    return [message_of("shops", record, codes) for record in _log(folder).read()]


def _declared(folder: Path, queue: Queue) -> None:
    """An empty queue."""
    with Connection(settings(folder).amqp_uri) as connection:
        queue(connection.channel()).delete()
        declare(connection, queue)


def _check(folder: Path, queue: Queue, numbers: list[Any], key: str) -> None:
    """Read the queue to its end: everything is there, once and in order."""
    found: list[Any] = []
    with Connection(settings(folder).amqp_uri) as connection, connection.channel() as channel:
        take = Consumer(channel, [queue(channel)], accept=None, no_ack=True, auto_declare=False)
        take.on_message = lambda message: found.append((message.headers or {}).get(key, len(found)))
        with take:
            while len(found) < len(numbers):
                connection.drain_events(timeout=10)
    assert found == numbers, "messages were lost, doubled or reordered"


def relay(folder: Path, scale: float) -> Figures:
    """The relay of a running service, from its first checkpoint to its last; its views have nothing to do."""
    queue, head = queue_for("watchers", ("shops",)), _log(folder).head().position
    _declared(folder, queue)
    forget(folder, "shops_views")
    views = open_views(settings(folder), "shops", SHOPS_DEFINITION.all_views)
    views.save({}, {"follow:shops": (0, head)})
    with services(folder, ShopService):
        figures = _pace(lambda: views.checkpoint("relay"), head)
    _check(folder, queue, list(range(1, head + 1)), "cloudEvents:position")
    return figures


def _pace(position: Any, end: int) -> Figures:
    """Facts a second between the first look that finds the position moved and the one that finds it at the end."""
    wait_for(lambda: position() > 0, "the first fact", 60)
    first = position()
    with Stopwatch() as watch:
        while position() < end:
            eventlet.sleep(_LOOK)  # looking must cost little beside what is measured
    return rate(end - first, watch)


def publish_pipelined(folder: Path, scale: float) -> Figures:
    """The same messages, made before the clock runs, over one channel with at most 2,000 unconfirmed."""
    queue, messages = queue_for("watchers", ("shops",)), _messages(folder)
    _declared(folder, queue)
    watch = _publish(folder, messages)
    _check(folder, queue, list(range(1, len(messages) + 1)), "cloudEvents:position")
    return rate(len(messages), watch)


def _publish(folder: Path, messages: list[Message]) -> Stopwatch:
    """Publish on an open channel and wait for the last confirm; the time it takes, without connecting."""
    with Connection(settings(folder).amqp_uri) as connection:
        wire: amqp.Connection = connection.connection
        channel = wire.channel()
        channel.confirm_select()
        unconfirmed: set[int] = set()
        oldest = 1

        def settle(tag: int, multiple: bool) -> None:
            nonlocal oldest
            unconfirmed.difference_update(range(oldest, tag + 1) if multiple else (tag,))
            oldest = tag + 1 if multiple else oldest

        channel.events["basic_ack"].add(settle)
        with Stopwatch() as watch:
            for number, message in enumerate(messages, 1):
                body = amqp.Message(
                    message.body,
                    application_headers=dict(message.headers),
                    delivery_mode=PERSISTENT,
                    **message.properties,
                )
                unconfirmed.add(number)
                channel.basic_publish(body, exchange=EXCHANGE, routing_key=message.routing_key)
                while len(unconfirmed) >= _IN_FLIGHT:
                    wire.drain_events(timeout=30)
            while unconfirmed:
                wire.drain_events(timeout=30)
        return watch


class Dispatching:
    """A bare nameko service that dispatches events."""

    name = "dispatching"
    dispatch = EventDispatcher()


def dispatch_each(folder: Path, scale: float) -> Figures:
    """nameko's own way: one event, one confirm, the next; persistent, into a quorum queue too."""
    exchange = Exchange("dispatching.events", type="topic", durable=True)
    queue = Queue("bench.dispatched", exchange, "ShopOpened", queue_arguments={"x-queue-type": "quorum"})
    _declared(folder, queue)
    runner = ServiceRunner(nameko_config(settings(folder)))
    runner.add_service(Dispatching)
    collect_rarely()
    runner.start()
    container = runner.containers[0] if isinstance(runner.containers, list) else next(iter(runner.containers))
    provider = get_extension(container, EventDispatcher)
    dispatch = provider.get_dependency(WorkerContext(container, None, SimpleNamespace(method_name="call"), data={}))
    count = int(_DISPATCHED * scale)
    with Stopwatch() as watch:
        for number in range(count):
            dispatch("ShopOpened", {"shop_id": f"s-{number}", "name": "Tea"})
    runner.stop()
    _check(folder, queue, list(range(count)), "")
    return rate(count, watch)


def _filled(folder: Path) -> int:
    """The watchers' queue with all facts in it, once and in order; how many they are."""
    empty_queue(folder)
    _declared(folder, queue_for("watchers", ("shops",)))
    _publish(folder, messages := _messages(folder))
    return len(messages)


def follow(folder: Path, scale: float) -> Figures:
    """A running service takes a full queue into its view: checks each position, saves rows and checkpoint, acknowledges."""
    forget(folder, "watchers_views")
    end = _filled(folder)
    with services(folder, ViewerService) as running:
        follower = running.here("watchers").node.followers["shops"]
        return _pace(lambda: follower.position, end)


def consume_raw(folder: Path, scale: float) -> Figures:
    """The same queue: each message is acknowledged and forgotten."""
    end, queue = _filled(folder), queue_for("watchers", ("shops",))
    with Connection(settings(folder).amqp_uri) as connection, connection.channel() as channel:
        done = itertools.count(1)
        position, begun = 0, 0.0

        def on_message(message: Any) -> None:
            nonlocal position, begun
            position, begun = next(done), begun or time.perf_counter()
            message.ack()

        with Consumer(channel, [queue], on_message=on_message, accept=None, prefetch_count=BATCH, auto_declare=False):
            while position < end:
                connection.drain_events(timeout=30)
        return {"rate": (end - 1) / (time.perf_counter() - begun)}


def benches(place: Place) -> Iterator[Bench]:
    """P8 and P10, where there is a broker to speak of."""
    if not place.city:
        return
    yield Bench(
        "P8",
        {LINLI: patched(relay), PIPELINED: patched(publish_pipelined), DISPATCHER: patched(dispatch_each)},
        (
            Row("relay to a quorum queue, confirmed, in order", "events/s", "rate", PIPELINED, least=0.7),
            Row("relay to a quorum queue, confirmed, in order", "events/s", "rate", DISPATCHER, least=8.0),
        ),
        write_facts,
        "the relay reads the log, makes each message and moves its checkpoint; raw: the messages are made before",
    )
    yield Bench(
        "P10",
        {LINLI: patched(follow), CONSUMED: patched(consume_raw)},
        (Row("consume, check position, apply to a view", "events/s", "rate", CONSUMED, least=0.5),),
        write_facts,
        f"a queue of {_FACTS:,} facts, one new row each",
    )
