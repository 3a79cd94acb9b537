"""The threads around a node: apply our own log, relay it to the broker, and take in other services' facts.

These replace nameko's `event_handler` for facts: it drops an event whose handler raises, keeps no order, and acknowledges what it
cannot decode. Nothing here ends a process: an error is logged, counted, and tried again after a pause.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable
from typing import Any

import structlog
from eventlet.timeout import Timeout
from kombu import Connection, Consumer
from nameko.extensions import SharedExtension

from shared.bus import cloudevents
from shared.bus.publisher import ConfirmedPublisher, Message, NotConfirmed
from shared.bus.rpc import Caller
from shared.bus.topology import EXCHANGE, TopologyError, declare, queue_for
from shared.errors import BadInputError, LinliError, UnavailableError
from shared.log import Record
from shared.runtime import metrics, tracing
from shared.runtime.context import Context
from shared.runtime.node import BATCH, Node

#: Seconds a relay's lease lasts; a standby takes over after it.
LEASE = 30.0
#: Seconds before a loop tries again.
PAUSE = 0.5
#: Seconds before a loop tries again what an operator must put right.
LONG_PAUSE = 10.0
#: Seconds after which a batch that the broker has not confirmed is published again.
CONFIRM_WITHIN = 10.0
#: Seconds between two looks at what the gauges show.
SHOW_EVERY = 1.0
#: Seconds that a loop gets to finish when the service stops.
STOP_WITHIN = 2.0

_log = structlog.get_logger()


class Followers(SharedExtension):
    """Runs a node's three loops as green threads of the container."""

    caller = Caller()
    node: Node

    def __init__(self) -> None:
        self._stopping = threading.Event()
        self._appended = threading.Event()  # something for the projector
        self._to_relay = threading.Event()
        self._threads: list[Any] = []
        self._fetching = threading.Lock()

    def follow(self, node: Node) -> None:
        """Name the node to work for; called once, before the start."""
        self.node = node
        node.log.on_append(self._wake)

    def _wake(self) -> None:
        self._appended.set()
        self._to_relay.set()

    def start(self) -> None:
        """Start the loops."""
        loops: list[tuple[str, Callable[[], None]]] = [("projector", self._project), ("relay", self._relay)]
        if self.node.definition.sources:
            loops.append(("consumer", self._consume))
        for name, loop in loops:
            self._threads.append(
                self.container.spawn_managed_thread(lambda name=name, loop=loop: self._keep_on(name, loop), name)
            )

    def stop(self) -> None:
        """Let each loop finish what it is doing; one that waits for a server that is gone is not waited for (R3)."""
        self._stopping.set()
        self._wake()
        with Timeout(STOP_WITHIN, False):
            for thread in self._threads:
                thread.wait()
        for thread in self._threads:
            thread.kill()  # safe at any point: checkpoints say what was done

    def kill(self) -> None:
        """The container is being killed: stop at the next chance."""
        self._stopping.set()
        self._wake()

    def _keep_on(self, name: str, loop: Callable[[], None]) -> None:
        while not self._stopping.is_set():
            try:
                loop()
            except Exception as error:  # a loop must outlive any failure of a server or a bug in one fact
                metrics.RETRIES.labels(self.node.name, name).inc()
                level = _log.warning if isinstance(error, LinliError | OSError) else _log.exception
                level("loop tries again", service=self.node.name, loop=name, error=str(error) or repr(error))
                self._stopping.wait(LONG_PAUSE if isinstance(error, TopologyError) else PAUSE)

    def _project(self) -> None:
        """Apply our own log to our views, and show how far everything is."""
        follower = self.node.followers[self.node.name]
        applied = metrics.APPLIED.labels(self.node.name, self.node.name)
        show = 0.0
        while not self._stopping.is_set():
            self._appended.clear()
            before = follower.position
            self.node.apply_own()
            applied.set(follower.position)
            if time.monotonic() >= show:
                metrics.show(self.node.status())
                show = time.monotonic() + SHOW_EVERY
            if follower.position - before < BATCH:  # there was no more; whoever appended since has woken us
                self._appended.wait(1.0)

    def _relay(self) -> None:
        """Publish our own log from the relay's checkpoint; only one relay per log holds the lease."""
        node = self.node
        publisher = ConfirmedPublisher(self.container.config["settings"].amqp_uri, EXCHANGE)
        # the embedded process alone holds its folder, so after a crash it takes its own lease up again at once
        embedded = self.container.config["settings"].amqp_uri.startswith("linli://")
        holder = "embedded" if embedded else uuid.uuid4().hex
        relayed = metrics.RELAYED.labels(node.name)
        renew = 0.0
        try:
            while not self._stopping.is_set():
                if time.monotonic() >= renew:
                    if not node.views.lease("relay", holder, LEASE):
                        self._stopping.wait(PAUSE)
                        continue
                    renew = time.monotonic() + LEASE / 3
                self._to_relay.clear()
                position = node.views.checkpoint("relay")
                records = list(node.log.read(position, limit=BATCH))
                if records:
                    self._publish(publisher, records)
                    node.views.save({}, {"relay": (position, records[-1].position)})
                    relayed.set(records[-1].position)
                else:
                    publisher.tick()
                if len(records) < BATCH:
                    self._to_relay.wait(2.0)
        finally:
            publisher.close()

    def _publish(self, publisher: ConfirmedPublisher, records: list[Record]) -> None:
        try:
            with tracing.publishing(self.node.name, records) as carried:
                messages = [
                    message_of(self.node.name, record, parent) for record, parent in zip(records, carried, strict=False)
                ]
                publisher.publish(messages, CONFIRM_WITHIN)
        except NotConfirmed as error:
            raise UnavailableError(
                f"the broker has not confirmed positions {records[0].position} on: {error}"
            ) from error

    def _consume(self) -> None:
        """Take in other services' facts: what was missed first, then what arrives."""
        settings = self.container.config["settings"]
        node = self.node
        queue = queue_for(node.name, node.definition.sources)
        with Connection(settings.amqp_uri, heartbeat=10) as connection:
            declare(connection, queue)
            channel = connection.channel()
            arrived: list[Any] = []
            consumer = Consumer(
                channel, [queue], on_message=arrived.append, accept=None, prefetch_count=BATCH, auto_declare=False
            )
            with consumer:
                self._ask_all(connection)
                while not self._stopping.is_set():
                    if self._drain(connection, arrived, settings.catch_up):
                        self._take_in(arrived)
                        arrived.clear()
                    else:
                        self._ask_all(connection)

    def _drain(self, connection: Connection, arrived: list[Any], seconds: float) -> bool:
        """Wait for messages and take those that are there; False when it stayed silent."""
        timeout = 0.25
        waited = 0.0
        while len(arrived) < BATCH and not self._stopping.is_set():
            try:
                connection.drain_events(timeout=0 if arrived else timeout)
            except TimeoutError:
                if arrived:
                    break
                waited += timeout
                if connection.supports_heartbeats:
                    connection.heartbeat_check()
                if waited >= seconds:
                    return False
        return bool(arrived)

    def _take_in(self, messages: list[Any]) -> None:
        batch: list[Record] = []
        source = ""
        for message in messages:
            try:
                headers = cloudevents.from_headers(message.headers)
                found, record = cloudevents.parse(headers, _bytes(message.body))
                if found not in self.node.definition.sources:
                    raise BadInputError(f"this service does not follow {found!r}")
            except BadInputError as error:
                self.node.park_message(message.headers, _bytes(message.body), error.message)
                metrics.PARKED.labels(self.node.name, "unreadable").inc()
                continue
            tracing.arrived(record, headers.get(tracing.ATTRIBUTE))
            if found != source:
                self._apply(source, batch)
                source, batch = found, []
            batch.append(record)
        self._apply(source, batch)
        for message in messages:
            message.ack()

    def _apply(self, source: str, batch: list[Record]) -> None:
        if batch:
            self.node.apply(source, batch, self.fetch)
            metrics.APPLIED.labels(self.node.name, source).set(self.node.followers[source].position)

    def _ask_all(self, connection: Connection) -> None:
        """Catch up with every source; one that does not answer is asked again later."""
        for source in self.node.definition.sources:
            if self._stopping.is_set():
                return
            try:
                self.node.catch_up(source, self.fetch)
            except UnavailableError as error:  # the source, or our own store: the message says which
                _log.warning("catching up put off", service=self.node.name, source=source, error=error.message)
            if connection.supports_heartbeats:
                connection.heartbeat_check()

    def fetch(self, source: str, after: int, limit: int) -> list[Record]:
        """Ask a source for its facts beyond a position."""
        context = Context(kind="service", actor=self.node.name)
        answer = self.caller.call(source, "read_log", context, {"after": after, "limit": limit})
        return [cloudevents.parse(fact["attributes"], fact["data"].encode())[1] for fact in answer["facts"]]


def message_of(service: str, record: Record, traceparent: str = "") -> Message:
    """A fact as a CloudEvent in AMQP binary mode; `traceparent` travels as the distributed tracing extension."""
    about = cloudevents.attributes(service, record)
    if traceparent:
        about[tracing.ATTRIBUTE] = traceparent
    return Message(
        routing_key=cloudevents.routing_key(service, record),
        body=bytes(record.data),
        headers=cloudevents.to_headers(about),
        message_id=record.id,
        content_type=cloudevents.CONTENT_TYPE,
        type=record.type,
    )


def _bytes(body: Any) -> bytes:
    return body.encode() if isinstance(body, str) else bytes(body)
