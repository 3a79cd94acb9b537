"""Queues, exchanges and routing of the embedded broker; `transport.py` connects it to kombu.

Every queue is bounded (`x-max-length`, by default `MAX_LENGTH`, unacknowledged deliveries included): the broker nacks a publish
beyond the bound. As in RabbitMQ, a queue with a length and without `x-overflow: reject-publish` drops its oldest messages instead.
"""

from __future__ import annotations

import threading
import time
from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Protocol

from amqp.exceptions import NotFound, ResourceLocked

MAX_LENGTH = 100_000
"""Messages a queue may hold when its arguments name no `x-max-length`."""

UNDERSTOOD_ARGUMENTS = frozenset(
    {
        "x-dead-letter-exchange",
        "x-dead-letter-routing-key",
        "x-dead-letter-strategy",
        "x-delivery-limit",
        "x-expires",
        "x-max-length",
        "x-overflow",
        "x-queue-type",
        "x-quorum-initial-group-size",
        "x-single-active-consumer",
    }
)


def topic_matches(pattern: str, routing_key: str) -> bool:
    """Whether a topic binding matches a routing key: `*` is exactly one word, `#` is any number of words, also none."""
    words, key = (text.split(".") if text else [] for text in (pattern, routing_key))
    at = position = 0
    hash_at, resume = -1, 0
    while position < len(key):
        if at < len(words) and words[at] == "#":
            hash_at, resume = at, position
            at += 1
        elif at < len(words) and words[at] in ("*", key[position]):
            at += 1
            position += 1
        elif hash_at >= 0:
            resume += 1
            at, position = hash_at + 1, resume
        else:
            return False
    return all(word == "#" for word in words[at:])


_TAKES: dict[str, Callable[[str, str], bool]] = {
    "topic": topic_matches,
    "direct": lambda pattern, routing_key: pattern == routing_key,
    "fanout": lambda pattern, routing_key: True,
}


class Receiver(Protocol):
    """What queues need of a connection. Call both with the broker's lock held."""

    def deliver(self, event: Delivery | Consumer) -> None:
        """Add a delivery, or a consumer whose queue was deleted."""

    def cut(self) -> None:
        """Lose the connection and everything on it."""


class Subscriber(Protocol):
    """What queues and connections need of a channel; `last_tag` counts its deliveries."""

    last_tag: int
    unacknowledged: dict[int, Delivery]
    consumers: dict[str, Consumer]

    @property
    def connection(self) -> Receiver | None: ...

    def settle(self, tags: list[int], *, requeue: bool = False, refused: bool = False, seen: bool = True) -> None:
        """End deliveries. Call with the broker's lock held."""

    def detach(self) -> None:
        """Note that the connection was lost. Call with the broker's lock held."""

    def close(self) -> None:
        """Cancel the consumers and give back all that was not acknowledged."""


@dataclass(slots=True, eq=False)
class Held:
    """A message in one queue; `order` is its place, to which it returns when requeued."""

    body: bytes
    properties: dict[str, Any]
    exchange: str
    routing_key: str
    order: int = 0
    returns: int = 0


@dataclass(slots=True, eq=False)
class Delivery:
    """A message on its way to one consumer, with the attributes of a py-amqp message."""

    body: bytes
    properties: dict[str, Any]
    delivery_info: dict[str, Any]
    delivery_tag: int
    queue: Queue
    held: Held
    consumer: Consumer | None


@dataclass(slots=True, eq=False)
class Consumer:
    """One subscription; `room` is how many more unacknowledged deliveries it may have, None for no limit."""

    channel: Subscriber
    queue: Queue
    tag: str
    no_ack: bool
    callback: Callable[[Delivery], Any]
    on_cancel: Callable[[str], Any] | None
    room: int | None


@dataclass(slots=True, eq=False)
class Exchange:
    """A named exchange; `bindings` are (queue, pattern), `routes` is a cache that each change of a binding clears."""

    kind: str
    bindings: dict[tuple[str, str], None] = field(default_factory=dict)
    routes: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def route(self, routing_key: str) -> tuple[str, ...]:
        """Return the names of the matching queues, each once."""
        if (found := self.routes.get(routing_key)) is None:
            takes = _TAKES[self.kind]
            found = tuple(dict.fromkeys(queue for queue, pattern in self.bindings if takes(pattern, routing_key)))
            if len(self.routes) >= 4096:
                self.routes.clear()
            self.routes[routing_key] = found
        return found

    def change(self, queue: str, pattern: str | None, *, bound: bool = False) -> None:
        """Bind a queue, or unbind it (pattern None: from every pattern)."""
        if bound and pattern is not None:
            self.bindings[queue, pattern] = None
        else:
            self.bindings = {key: None for key in self.bindings if key[0] != queue or pattern not in (None, key[1])}
        self.routes.clear()


class Queue:
    """Waiting messages in order, and consumers that get them in turn. Call all methods with the broker's lock held."""

    def __init__(
        self, broker: Broker, name: str, owner: Receiver | None, auto_delete: bool, arguments: dict[str, Any]
    ) -> None:
        self.broker, self.name, self.owner = broker, name, owner
        self.auto_delete, self.arguments = auto_delete, arguments
        self.ready: deque[Held] = deque()
        self.consumers: deque[Consumer] = deque()
        self.unacknowledged = 0
        self.last_order = 0
        self.used = time.monotonic()
        self.limit: int = arguments.get("x-max-length", MAX_LENGTH)
        self.drops = "x-max-length" in arguments and arguments.get("x-overflow", "drop-head") == "drop-head"

    def full(self) -> bool:
        """Whether the broker must nack the next publish."""
        return not self.drops and len(self.ready) + self.unacknowledged >= self.limit

    def put(self, message: Held) -> None:
        """Add a message at the end."""
        self.last_order += 1
        held = Held(
            message.body, message.properties, message.exchange, message.routing_key, self.last_order, message.returns
        )
        self.ready.append(held)
        self.pump()
        while self.drops and len(self.ready) > self.limit:
            self.dead_letter(self.ready.popleft(), "maxlen")

    def take(self, channel: Subscriber, consumer: Consumer | None) -> Delivery:
        """Make the first message a delivery of a channel."""
        held = self.ready.popleft()
        channel.last_tag += 1
        info = {
            "exchange": held.exchange,
            "routing_key": held.routing_key,
            "redelivered": held.returns > 0,
            "delivery_tag": channel.last_tag,
        }
        properties = dict(held.properties)
        headers = properties["application_headers"] = dict(properties.get("application_headers") or {})
        if held.returns:
            headers["x-delivery-count"] = held.returns
        if consumer is None:
            info["message_count"] = len(self.ready)
        else:
            info["consumer_tag"] = consumer.tag
            if consumer.room is not None and not consumer.no_ack:
                consumer.room -= 1
        delivery = Delivery(held.body, properties, info, channel.last_tag, self, held, consumer)
        channel.unacknowledged[channel.last_tag] = delivery
        self.unacknowledged += 1
        return delivery

    def pump(self) -> None:
        """Deliver waiting messages to consumers with room, in turn (or to the first, for a single active consumer)."""
        single = bool(self.arguments.get("x-single-active-consumer"))
        skipped = 0
        while self.ready and skipped < (min(1, len(self.consumers)) if single else len(self.consumers)):
            consumer = self.consumers[0]
            if consumer.room is None or consumer.room > 0 or consumer.no_ack:
                skipped = 0
                connection = consumer.channel.connection
                assert connection is not None
                connection.deliver(self.take(consumer.channel, consumer))
            else:
                skipped += 1
            if not single:
                self.consumers.rotate(-1)

    def give_back(self, messages: Iterable[Held]) -> None:
        """Requeue messages at their places; a message requeued more than `x-delivery-limit` times is dead-lettered."""
        limit = self.arguments.get("x-delivery-limit")
        for held in sorted(messages, key=lambda held: held.order, reverse=True):
            if limit is not None and held.returns > limit:
                self.dead_letter(held, "delivery_limit")
            elif not self.ready or held.order < self.ready[0].order:
                self.ready.appendleft(held)
            else:
                self.ready.insert(bisect_left(self.ready, held.order, key=lambda other: other.order), held)
        self.pump()

    def dead_letter(self, held: Held, reason: str) -> None:
        """Publish a rejected message to the dead-letter exchange, if the queue has one."""
        exchange = self.arguments.get("x-dead-letter-exchange")
        if exchange is None:
            return
        headers = dict(held.properties.get("application_headers") or {})
        headers.setdefault("x-first-death-queue", self.name)
        headers.setdefault("x-first-death-reason", reason)
        deaths = {(death["queue"], death["reason"]): death for death in headers.get("x-death", [])}
        count = deaths.pop((self.name, reason), {"count": 0})["count"] + 1
        headers["x-death"] = [
            {
                "queue": self.name,
                "reason": reason,
                "exchange": held.exchange,
                "routing-keys": [held.routing_key],
                "count": count,
            },
            *deaths.values(),
        ]
        key = self.arguments.get("x-dead-letter-routing-key", held.routing_key)
        message = Held(held.body, held.properties | {"application_headers": headers}, exchange, key)
        been = {death["queue"] for death in headers["x-death"]} if reason != "rejected" else set()
        for queue in self.broker.targets(exchange, key, missing_ok=True):
            if queue.name not in been and not queue.full():  # a dead-letter cycle without a consumer would never end
                queue.put(message)


class Broker:
    """Exchanges and queues of one `linli://` address."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.exchanges: dict[str, Exchange] = {}
        self.queues: dict[str, Queue] = {}
        self.connections: set[Receiver] = set()
        self.wipe()

    def wipe(self) -> None:
        """Remove everything and cut every connection."""
        with self.lock:
            cut, self.connections = self.connections, set()
            self.queues = {}
            self.exchanges = {f"amq.{kind}": Exchange(kind) for kind in ("direct", "topic", "fanout")}
            for connection in cut:
                connection.cut()

    def queue(self, name: str, connection: Receiver | None = None) -> Queue:
        """Find a queue; NotFound when there is none, ResourceLocked when it is exclusive to another connection."""
        if (queue := self.queues.get(name)) is None:
            raise NotFound(f"NOT_FOUND - no queue '{name}' in the embedded broker", (50, 10))
        if connection is not None and queue.owner not in (None, connection):
            raise ResourceLocked(f"RESOURCE_LOCKED - queue '{name}' is exclusive to another connection", (50, 10))
        return queue

    def targets(self, exchange: str, routing_key: str, *, missing_ok: bool = False) -> list[Queue]:
        """Return the queues that a message with this key is routed to; NotFound when there is no such exchange."""
        if not exchange:
            return [self.queues[routing_key]] if routing_key in self.queues else []
        if (found := self.exchanges.get(exchange)) is None:
            if missing_ok:
                return []
            raise NotFound(f"NOT_FOUND - no exchange '{exchange}' in the embedded broker", (60, 40))
        return [self.queues[name] for name in found.route(routing_key)]

    def delete(self, queue: Queue) -> None:
        """Delete a queue with its bindings and messages, and notify its consumers."""
        self.queues.pop(queue.name, None)
        for exchange in self.exchanges.values():
            exchange.change(queue.name, None)
        for consumer in queue.consumers:
            consumer.channel.consumers.pop(consumer.tag, None)
            if consumer.channel.connection is not None:
                consumer.channel.connection.deliver(consumer)
        queue.consumers.clear()
        queue.ready.clear()

    def sweep(self) -> None:
        """Delete queues that were unused for their `x-expires` (milliseconds); each declaration of a queue calls it."""
        now = time.monotonic()
        for queue in list(self.queues.values()):
            if queue.consumers or queue.unacknowledged:
                queue.used = now
            elif now - queue.used > queue.arguments.get("x-expires", float("inf")) / 1000:
                self.delete(queue)
