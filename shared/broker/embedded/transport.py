"""A message broker in process memory, so that all services run in one process without a server to install.

`install()` teaches kombu the scheme `linli://`; `AMQP_URI = "linli://embedded"` then works for nameko like RabbitMQ.
Meanings follow AMQP 0-9-1 and RabbitMQ: messages, properties and errors are those of py-amqp. Nothing survives the
process; the log is the queue, so nothing has to. Queues are bounded: see `embedded_queues.py`. eventlet must patch
before the first connection is made; one broker must not be used from patched and native threads at once.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict, deque
from typing import Any

from amqp import spec
from amqp.exceptions import ConsumerCancelled, RecoverableConnectionError
from kombu.transport import TRANSPORT_ALIASES, base, pyamqp

from shared.broker.embedded.channel import Channel
from shared.broker.embedded.queues import Broker, Consumer, Delivery

_FAIR_EVERY = 64  # events taken without waiting before other threads get a turn
_BROKERS: defaultdict[str, Broker] = defaultdict(Broker)


def install() -> None:
    """Register the scheme `linli://` with kombu; calling it again changes nothing."""
    TRANSPORT_ALIASES["linli"] = f"{__name__}:Transport"


def reset() -> None:
    """Forget all queues, exchanges and bindings and cut every connection, as wiping a broker would."""
    for broker in list(_BROKERS.values()):
        broker.wipe()


class Connection:
    """One client's connection: a box of events that `drain_events` empties; it sleeps, without polling, while empty."""

    def __init__(self, broker: Broker, client: Any) -> None:
        self.broker, self.client = broker, client
        self.connected = True
        self.channels: list[Channel] = []
        self._events: deque[Delivery | Consumer] = deque()
        self._wake = threading.Event()
        self._waiting = False
        self._taken = 0
        with broker.lock:
            broker.connections.add(self)

    def deliver(self, event: Delivery | Consumer) -> None:
        """Add a delivery, or a consumer whose queue was deleted. Call with the broker's lock held."""
        self._events.append(event)
        if self._waiting:
            self._waiting = False
            self._wake.set()

    def cut(self) -> None:
        """Lose the connection and everything on it. Call with the broker's lock held."""
        self.connected = False
        self._events.clear()
        for channel in self.channels:
            channel.connection = None
        self.channels = []
        self._wake.set()

    def drop_events(self, channel: Channel, tag: str | None = None) -> list[int]:
        """Forget deliveries not yet handed to the program and return their tags. Call with the broker's lock held."""

        def mine(event: Delivery | Consumer) -> bool:
            consumer = event.consumer if isinstance(event, Delivery) else event
            return consumer is not None and consumer.channel is channel and tag in (None, consumer.tag)

        dropped = [event.delivery_tag for event in self._events if isinstance(event, Delivery) and mine(event)]
        self._events = deque(event for event in self._events if not mine(event))
        return dropped

    def drain_events(self, timeout: float | None = None) -> None:
        """Handle one event; TimeoutError when none came in `timeout` seconds (None: wait for ever)."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while (event := self._next()) is None:
            left = None if deadline is None else deadline - time.monotonic()
            if left is not None and left <= 0:
                self._rest()
                raise TimeoutError("no message within the time given")
            self._wake.wait(left)
        self._taken += 1
        if self._taken % _FAIR_EVERY == 0:
            self._rest()
        if isinstance(event, Delivery):
            assert event.consumer is not None
            event.consumer.callback(event)
        elif event.on_cancel is None:
            raise ConsumerCancelled(event.tag, spec.Basic.Cancel)
        else:
            event.on_cancel(event.tag)

    def _next(self) -> Delivery | Consumer | None:
        with self.broker.lock:
            if not self.connected:
                raise RecoverableConnectionError("the connection to the embedded broker was closed")
            if not self._events:
                self._wake.clear()
                self._waiting = True
                return None
            event = self._events.popleft()
            if isinstance(event, Delivery) and event.consumer is not None and event.consumer.no_ack:
                event.consumer.channel.settle([event.delivery_tag])
            return event

    @staticmethod
    def _rest() -> None:
        time.sleep(0)

    def close(self) -> None:
        """Close all channels; what they had not acknowledged goes back to its queues."""
        for channel in list(self.channels):
            channel.close()
        with self.broker.lock:
            self.cut()
            self.broker.connections.discard(self)
            for queue in [queue for queue in self.broker.queues.values() if queue.owner is self]:
                self.broker.delete(queue)


class Transport(base.Transport):
    """kombu's door to the embedded broker."""

    driver_type = driver_name = "linli"
    connection_errors = pyamqp.Transport.connection_errors
    channel_errors = pyamqp.Transport.channel_errors
    recoverable_connection_errors = (RecoverableConnectionError,)
    recoverable_channel_errors = pyamqp.Transport.recoverable_channel_errors
    implements = base.Transport.implements.extend(exchange_type=frozenset({"direct", "topic", "fanout"}))

    def establish_connection(self) -> Connection:
        """Connect to the broker of the address, making it when it is the first to ask."""
        client: Any = self.client
        return Connection(_BROKERS[f"{client.hostname}/{client.virtual_host}"], client)

    def create_channel(self, connection: Connection) -> Channel:
        """Open a channel."""
        if not connection.connected:
            raise RecoverableConnectionError("the connection to the embedded broker was closed")
        return Channel(connection)

    def drain_events(self, connection: Connection, **kwargs: Any) -> None:
        """Handle one event of the connection."""
        connection.drain_events(**kwargs)

    def verify_connection(self, connection: Connection) -> bool:
        """Whether the connection still stands."""
        return connection.connected

    def close_connection(self, connection: Connection) -> None:
        """Close the connection and its channels."""
        connection.client = None
        connection.close()

    def _collect(self, connection: Connection | None) -> None:
        if connection is not None:
            connection.close()
