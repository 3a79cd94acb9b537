"""Channels of the embedded broker: the methods kombu calls, with the names, meanings and errors of py-amqp."""

from __future__ import annotations

import time
import uuid
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from amqp.exceptions import (
    AMQPNotImplementedError,
    ChannelError,
    MessageNacked,
    NotFound,
    PreconditionFailed,
    RecoverableConnectionError,
    error_for_code,
)
from amqp.protocol import queue_declare_ok_t
from kombu.transport import base, pyamqp

from shared.broker.embedded.connection import Connection
from shared.broker.embedded.queues import UNDERSTOOD_ARGUMENTS, Broker, Consumer, Delivery, Exchange, Held, Queue

_merge_arguments: Callable[..., dict[str, Any]] = base.to_rabbitmq_queue_arguments


class Channel(base.StdChannel):
    """The channel methods kombu calls, as py-amqp has them."""

    Message: Any = pyamqp.Message

    def __init__(self, connection: Connection) -> None:
        self.connection: Connection | None = connection
        self.broker = connection.broker
        self.channel_id = len(connection.channels) + 1
        self.consumers: dict[str, Consumer] = {}
        self.unacknowledged: dict[int, Delivery] = {}
        self.events: defaultdict[str, set[Callable[..., Any]]] = defaultdict(set)
        self.no_ack_consumers: Any = set()
        self.last_tag = 0
        self.prefetch: int | None = None
        connection.channels.append(self)

    @property
    def is_open(self) -> bool:
        """Whether the channel can still be used."""
        return self.connection is not None

    def prepare_message(
        self,
        body: Any,
        priority: int | None = None,
        content_type: str | None = None,
        content_encoding: str | None = None,
        headers: dict[str, Any] | None = None,
        properties: dict[str, Any] | None = None,
    ) -> tuple[bytes, dict[str, Any]]:
        """Return the argument of `basic_publish`: the body and its properties, without None values as on the wire."""
        known = {
            "content_type": content_type,
            "content_encoding": content_encoding,
            "priority": priority,
            "application_headers": dict(headers or {}),
            **(properties or {}),
        }
        if known.get("expiration") is not None:
            raise AMQPNotImplementedError("the embedded broker has no message expiration; leave it out")
        if isinstance(body, str):
            body = body.encode(known["content_encoding"] or "utf-8")
        return bytes(body), {name: value for name, value in known.items() if value is not None}

    def prepare_queue_arguments(self, arguments: dict[str, Any], **options: Any) -> dict[str, Any]:
        """Merge kombu's queue options into queue arguments, as for RabbitMQ."""
        return _merge_arguments(arguments, **options)

    def message_to_python(self, raw: Any) -> Any:
        """Wrap a delivery in kombu's message class."""
        return self.Message(raw, channel=self) if isinstance(raw, Delivery) else raw

    def exchange_declare(self, exchange: str, type: str = "direct", passive: bool = False, **_: Any) -> None:
        """Declare an exchange; PreconditionFailed when it exists with another type."""
        with self.broker.lock:
            broker = self._opened()
            found = broker.exchanges.get(exchange)
            if found is None and passive:
                raise NotFound(f"NOT_FOUND - no exchange '{exchange}' in the embedded broker", (40, 10))
            if type not in ("topic", "direct", "fanout"):
                raise AMQPNotImplementedError(f"the embedded broker has no exchanges of type '{type}'")
            if found is None:
                broker.exchanges[exchange] = Exchange(type)
            elif found.kind != type and not passive:
                raise PreconditionFailed(f"exchange '{exchange}' is of type {found.kind}, not {type}", (40, 10))

    def exchange_delete(self, exchange: str, if_unused: bool = False, **_: Any) -> None:
        """Delete an exchange and its bindings."""
        with self.broker.lock:
            broker = self._opened()
            found = broker.exchanges.get(exchange)
            if found is not None and if_unused and found.bindings:
                raise PreconditionFailed(f"exchange '{exchange}' has bindings", (40, 20))
            broker.exchanges.pop(exchange, None)

    def queue_declare(
        self,
        queue: str = "",
        passive: bool = False,
        exclusive: bool = False,
        auto_delete: bool = False,
        arguments: dict[str, Any] | None = None,
        **_: Any,
    ) -> queue_declare_ok_t:
        """Declare a queue; PreconditionFailed for unknown arguments or for others than it was declared with."""
        arguments = dict(arguments or {})
        if unknown := arguments.keys() - UNDERSTOOD_ARGUMENTS:
            raise PreconditionFailed(f"queue '{queue}': {sorted(unknown)} mean nothing when embedded", (50, 10))
        limit = arguments.get("x-max-length", 0)
        if not isinstance(limit, int) or limit < 0:
            raise PreconditionFailed(f"x-max-length of queue '{queue}' must be a whole number, not {limit!r}", (50, 10))
        with self.broker.lock:
            broker = self._opened()
            broker.sweep()
            queue = queue or f"amq.gen-{uuid.uuid4().hex}"
            if passive or queue in broker.queues:
                found = broker.queue(queue, self.connection)
                if not passive and found.arguments != arguments:
                    raise PreconditionFailed(f"queue '{queue}' has {found.arguments}, not {arguments}", (50, 10))
            else:
                owner = self.connection if exclusive else None
                found = broker.queues[queue] = Queue(broker, queue, owner, auto_delete, arguments)
            found.used = time.monotonic()
            return queue_declare_ok_t(queue, len(found.ready), len(found.consumers))

    def queue_bind(self, queue: str, exchange: str = "", routing_key: str = "", **_: Any) -> None:
        """Bind a queue to an exchange; NotFound when either is missing."""
        self._change_binding(queue, exchange, routing_key, bound=True)

    def queue_unbind(self, queue: str, exchange: str, routing_key: str = "", **_: Any) -> None:
        """Remove one binding."""
        self._change_binding(queue, exchange, routing_key, bound=False)

    def _change_binding(self, queue: str, exchange: str, routing_key: str, *, bound: bool) -> None:
        with self.broker.lock:
            broker = self._opened()
            broker.queue(queue, self.connection)
            if exchange not in broker.exchanges:
                raise NotFound(f"NOT_FOUND - no exchange '{exchange}' in the embedded broker", (50, 20))
            broker.exchanges[exchange].change(queue, routing_key, bound=bound)

    def queue_delete(self, queue: str = "", if_unused: bool = False, if_empty: bool = False, **_: Any) -> int:
        """Delete a queue, cancel its consumers and return how many messages it held."""
        with self.broker.lock:
            broker = self._opened()
            if queue not in broker.queues:
                return 0
            found = broker.queue(queue, self.connection)
            if (if_unused and found.consumers) or (if_empty and found.ready):
                raise PreconditionFailed(f"queue '{queue}' is in use or not empty", (50, 40))
            count = len(found.ready)
            broker.delete(found)
            return count

    def queue_purge(self, queue: str = "", **_: Any) -> int:
        """Drop the waiting messages of a queue and return how many they were."""
        with self.broker.lock:
            broker = self._opened()
            found = broker.queue(queue, self.connection)
            count = len(found.ready)
            found.ready.clear()
            return count

    def basic_publish(
        self,
        message: tuple[bytes, dict[str, Any]],
        exchange: str = "",
        routing_key: str = "",
        mandatory: bool = False,
        **_: Any,
    ) -> None:
        """Put a message into every queue that it is routed to: the return is the confirm, MessageNacked means that one is full.

        A mandatory message without a queue is returned: to the `basic_return` listeners, or as a ChannelError NO_ROUTE.
        """
        body, properties = message
        with self.broker.lock:
            broker = self._opened()
            queues = broker.targets(exchange, routing_key)
            if full := [queue.name for queue in queues if queue.full()]:
                raise MessageNacked(f"queue '{full[0]}' is full; consume from it or raise its x-max-length")
            held = Held(body, properties, exchange, routing_key)
            for queue in queues:
                queue.put(held)
        if mandatory and not queues:
            error = error_for_code(312, "NO_ROUTE", (50, 60), ChannelError)
            if not self.events["basic_return"]:
                raise error
            for listener in self.events["basic_return"]:
                listener(error, exchange, routing_key, message)

    def basic_qos(self, prefetch_size: int = 0, prefetch_count: int = 0, a_global: bool = False, **_: Any) -> None:
        """Limit the unacknowledged messages of each consumer started on this channel from now on (0: no limit)."""
        if a_global:
            raise AMQPNotImplementedError("the embedded broker limits each consumer, not a whole channel")
        self.prefetch = prefetch_count or None

    def basic_consume(
        self,
        queue: str = "",
        consumer_tag: str = "",
        no_ack: bool = False,
        callback: Callable[[Any], Any] | None = None,
        on_cancel: Callable[[str], Any] | None = None,
        **_: Any,
    ) -> str:
        """Start to consume and return the consumer's tag."""
        if callback is None:
            raise ValueError("a consumer needs a callback")
        with self.broker.lock:
            broker = self._opened()
            found = broker.queue(queue, self.connection)
            tag = consumer_tag or f"amq.ctag-{uuid.uuid4().hex}"
            if tag in self.consumers:
                raise PreconditionFailed(f"the channel already has a consumer '{tag}'", (60, 20))
            consumer = self.consumers[tag] = Consumer(self, found, tag, no_ack, callback, on_cancel, self.prefetch)
            if no_ack:
                self.no_ack_consumers.add(tag)
            found.consumers.append(consumer)
            found.pump()
            return tag

    def basic_cancel(self, consumer_tag: str, **_: Any) -> None:
        """Stop a consumer; deliveries that its callback has not received return to the queue."""
        with self.broker.lock:
            if self.connection is None or (consumer := self.consumers.pop(consumer_tag, None)) is None:
                return
            self.no_ack_consumers.discard(consumer_tag)
            queue = consumer.queue
            queue.consumers.remove(consumer)
            queue.used = time.monotonic()
            self.settle(self.connection.drop_events(self, consumer_tag), requeue=True, seen=False)
            if queue.auto_delete and not queue.consumers:
                self.broker.delete(queue)
            else:
                queue.pump()

    def basic_get(self, queue: str = "", no_ack: bool = False, **_: Any) -> Delivery | None:
        """Take one message, or None when the queue is empty."""
        with self.broker.lock:
            broker = self._opened()
            found = broker.queue(queue, self.connection)
            found.used = time.monotonic()
            if not found.ready:
                return None
            delivery = found.take(self, None)
            if no_ack:
                self.settle([delivery.delivery_tag])
            return delivery

    def basic_ack(self, delivery_tag: int, multiple: bool = False, **_: Any) -> None:
        """Acknowledge one delivery, or all up to it."""
        with self.broker.lock:
            self._opened()
            self.settle(self._tags(delivery_tag, multiple))

    def basic_reject(self, delivery_tag: int, requeue: bool = False, **_: Any) -> None:
        """Reject a delivery: requeue it at its place, or dead-letter it."""
        with self.broker.lock:
            self._opened()
            self.settle(self._tags(delivery_tag, False), requeue=requeue, refused=not requeue)

    def basic_recover(self, requeue: bool = True, **_: Any) -> None:
        """Requeue all unacknowledged deliveries."""
        with self.broker.lock:
            self._opened()
            assert self.connection is not None
            self.connection.drop_events(self)
            self.settle(list(self.unacknowledged), requeue=True)

    def close(self) -> None:
        """Cancel the consumers and requeue all unacknowledged deliveries in their order."""
        for tag in list(self.consumers):
            self.basic_cancel(tag)
        with self.broker.lock:
            if self.connection is None:
                return
            self.connection.channels.remove(self)
            self.settle(list(self.unacknowledged), requeue=True)
            self.connection = None

    def detach(self) -> None:
        """Note that the connection was lost. Call with the lock held."""
        self.connection = None

    def settle(self, tags: list[int], *, requeue: bool = False, refused: bool = False, seen: bool = True) -> None:
        """Settle deliveries; `seen` says whether a requeued message counts as delivered. Call with the lock held."""
        touched: dict[Queue, list[Held]] = {}
        for tag in tags:
            delivery = self.unacknowledged.pop(tag)
            queue, consumer = delivery.queue, delivery.consumer
            queue.unacknowledged -= 1
            if consumer is not None and consumer.room is not None and not consumer.no_ack:
                consumer.room += 1
            back = touched.setdefault(queue, [])
            if requeue:
                delivery.held.returns += seen
                back.append(delivery.held)
            elif refused:
                queue.dead_letter(delivery.held, "rejected")
        for queue, back in touched.items():
            if self.broker.queues.get(queue.name) is queue:
                queue.give_back(back) if back else queue.pump()

    def _tags(self, delivery_tag: int, multiple: bool) -> list[int]:
        if multiple:
            return [tag for tag in self.unacknowledged if tag <= delivery_tag or delivery_tag == 0]
        if delivery_tag not in self.unacknowledged:
            raise PreconditionFailed(f"PRECONDITION_FAILED - unknown delivery tag {delivery_tag}", (60, 80))
        return [delivery_tag]

    def _opened(self) -> Broker:
        """Return the broker; call with its lock held. Raises `RecoverableConnectionError` when the channel was closed."""
        if self.connection is None:
            raise RecoverableConnectionError("the channel to the embedded broker was closed")
        return self.broker
