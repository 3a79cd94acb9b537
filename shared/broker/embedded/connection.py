"""Connections of the embedded broker, each with a mailbox of deliveries."""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import Any

from amqp import spec
from amqp.exceptions import ConsumerCancelled, RecoverableConnectionError

from shared.broker.embedded.queues import Broker, Consumer, Delivery, Subscriber

_FAIR_EVERY = 64  # events handled without a wait before other threads get a turn


class Connection:
    """One client's connection: queues put events into its mailbox, `drain_events` handles them and sleeps while there are none."""

    def __init__(self, broker: Broker, client: Any) -> None:
        self.broker, self.client = broker, client
        self.connected = True
        self.channels: list[Subscriber] = []
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
            channel.detach()
        self.channels = []
        self._wake.set()

    def drop_events(self, channel: Subscriber, tag: str | None = None) -> list[int]:
        """Remove deliveries that no callback has received and return their tags. Call with the broker's lock held."""

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
        """Close all channels and requeue their unacknowledged deliveries."""
        for channel in list(self.channels):
            channel.close()
        with self.broker.lock:
            self.cut()
            self.broker.connections.discard(self)
            for queue in [queue for queue in self.broker.queues.values() if queue.owner is self]:
                self.broker.delete(queue)
