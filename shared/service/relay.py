"""The relay: publishes a service's log in order and keeps a checkpoint of what the broker has confirmed."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Protocol

from shared.broker.message import Message, NotConfirmed
from shared.broker.publisher import Publisher
from shared.broker.topology import EXCHANGE
from shared.domain.errors import LinliError, UnavailableError
from shared.domain.record import Record
from shared.following import cloudevents
from shared.following.codes import Codes
from shared.following.node import ServiceRuntime
from shared.service import metrics, tracing
from shared.service.settings import Settings

#: Seconds a relay's lease lasts; a standby takes over after it when the holder was killed, and at once when it stopped.
#:
#: The holder renews it every third of that time. It may be this short because it only prevents duplicate work. A relay that was frozen
#: for longer publishes at most the batch that it has already read when it resumes. Both relays started at the same checkpoint and
#: publish in order, so each position first arrives from a relay that has published all before it, and followers skip duplicates. The
#: resumed relay then fails to move the checkpoint and has to take the lease again.
LEASE = 5.0
#: Facts published before the relay waits for their confirms.
RELAYED = 1000
#: Seconds after which an unconfirmed batch is published again.
CONFIRM_WITHIN = 10.0
#: Seconds between a publication and the move of the checkpoint: batches published in that time share one write.
GATHER = 0.02
#: Seconds before a relay retries to take a lease that another process holds.
PAUSE = 0.5


class Positioned(Protocol):
    """What a relay publishes: it has a position, counted from 1 without gaps."""

    @property
    def position(self) -> int: ...


class Relay:
    """Publishes a node's log from the relay's checkpoint on; only one relay per log holds the lease.

    The checkpoint never passes what the broker has confirmed and may lag behind it for a moment. After a crash the next relay
    publishes the facts in between once more, in order, and followers skip them. Who publishes something else than the log overrides
    `name`, `exchange`, `_begin`, `_read` and `_made`.
    """

    #: Of its lease and its checkpoint.
    name = "relay"
    exchange = EXCHANGE

    def __init__(self, settings: Settings, codes: Codes, stopping: threading.Event, appended: threading.Event) -> None:
        """`codes` sign the facts. `appended` is set after an append; `stopping` ends the relay after the rest of the log is published."""
        self._settings, self._codes = settings, codes
        self._stopping, self._appended = stopping, appended
        self._embedded = settings.amqp_uri.startswith("linli://")
        self._holder = holder_of(settings)
        self._saved = 0  # where the checkpoint stands

    def run(self, node: ServiceRuntime) -> None:
        """Publish until the service stops; raises errors of broker and store, and may be called again after one."""
        self._node = node
        publisher = Publisher(self._settings.amqp_uri, self.exchange, tls=self._settings.amqp_tls)
        renew = save = 0.0
        position: int | None = None
        try:
            while True:
                stopping = self._stopping.is_set()  # read before the log: appends up to here are still published
                if time.monotonic() >= renew:
                    if not node.views.lease(self.name, self._holder, LEASE):
                        if stopping:
                            return
                        position = None
                        self._stopping.wait(PAUSE)
                        continue
                    renew = time.monotonic() + LEASE / 3
                self._appended.clear()
                if (
                    position is None
                ):  # read once: after a move by another relay our next move fails, and the loop restarts
                    position = self._saved = self._begin(node)
                if records := self._read(node, position):
                    self._publish(publisher, records)
                    if position == self._saved:
                        save = time.monotonic() + GATHER
                    position = records[-1].position
                else:
                    publisher.tick()
                if position != self._saved and (stopping or time.monotonic() >= save):
                    self._save(position)
                if len(records) < RELAYED:
                    if stopping:
                        return
                    unsaved = position != self._saved
                    self._appended.wait(max(0.0, save - time.monotonic()) if unsaved else LEASE / 5)
        finally:
            if renew and not self._embedded:
                with suppress(LinliError):
                    node.views.lease(self.name, self._holder, 0)  # so that the next process need not wait
            publisher.close()

    def _save(self, position: int) -> None:
        self._node.views.save({}, {self.name: (self._saved, position)})
        self._saved = position

    def _begin(self, node: ServiceRuntime) -> int:
        return node.views.checkpoint(self.name)

    def _read(self, node: ServiceRuntime, position: int) -> Sequence[Positioned]:
        """What comes after a position, at most `RELAYED` of it."""
        return list(node.log.read(position, limit=RELAYED))

    @contextmanager
    def _made(self, node: ServiceRuntime, records: Sequence[Any]) -> Iterator[list[Message]]:
        """The messages, and around their publication what is to be noted about it."""
        with tracing.publishing(node.name, records) as carried:
            epoch = node.followers[node.name].epoch
            yield [
                message_of(node.name, record, self._codes, parent, epoch)
                for record, parent in zip(records, carried, strict=False)
            ]
        metrics.RELAYED.labels(node.name).set(records[-1].position)

    def _publish(self, publisher: Publisher, records: Sequence[Positioned]) -> None:
        try:
            with self._made(self._node, records) as messages:
                publisher.publish(messages, CONFIRM_WITHIN)
        except NotConfirmed as error:
            confirmed = records[0].position - 1 + error.confirmed
            if confirmed != self._saved:  # so that these are not published again
                self._save(confirmed)
            raise UnavailableError(f"the broker has not confirmed positions {confirmed + 1} on: {error}") from error


def holder_of(settings: Settings) -> str:
    """Return the holder of this process's leases; an embedded process locks its folder, so it retakes its own leases after a crash."""
    return "embedded" if settings.amqp_uri.startswith("linli://") else uuid.uuid4().hex


def fact_codes(settings: Settings) -> Codes:
    """Return the codes that sign and check facts."""
    return Codes(settings.secrets(), "facts")


def message_of(service: str, record: Record, codes: Codes, traceparent: str = "", epoch: int = 0) -> Message:
    """Return a fact as a CloudEvent in AMQP binary mode; `traceparent` goes into the distributed tracing extension."""
    about = cloudevents.attributes(service, record)
    if epoch:
        about[cloudevents.EPOCH] = epoch
    if traceparent:
        about[tracing.ATTRIBUTE] = traceparent
    cloudevents.sign(about, bytes(record.data), codes)
    return Message(
        routing_key=cloudevents.routing_key(service, record),
        body=bytes(record.data),
        headers=cloudevents.to_headers(about),
        properties={"message_id": record.id, "type": record.type, "content_type": cloudevents.CONTENT_TYPE},
    )
