"""The relay: publishes what a service appended to its log, in order, and remembers how far the broker has it."""

from __future__ import annotations

import threading
import time
import uuid
from contextlib import suppress

from shared.broker.publisher import ConfirmedPublisher, Message, NotConfirmed
from shared.broker.topology import EXCHANGE
from shared.domain.errors import LinliError, UnavailableError
from shared.domain.record import Record
from shared.following import cloudevents
from shared.following.codes import Codes
from shared.following.node import Node
from shared.service import metrics, tracing
from shared.service.settings import Settings

#: Seconds a relay's lease lasts; a standby takes over after it when the holder was killed, and at once when it stopped.
#:
#: It is renewed every third of it, and may be this short because it only saves double work. Whoever was frozen for longer and goes
#: on publishes at most the batch that it has already read: both relays began behind the same checkpoint and each publishes in order,
#: so that every position arrives first from a relay that has published all before it, and followers skip what comes again. Its
#: checkpoint cannot be moved any more then, and it has to take the lease again.
LEASE = 5.0
#: Facts that are published before their confirms are waited for.
RELAYED = 1000
#: Seconds after which a batch that the broker has not confirmed is published again.
CONFIRM_WITHIN = 10.0
#: Seconds after a publication before the checkpoint is moved: what is published meanwhile shares one write.
GATHER = 0.02
#: Seconds before somebody else's lease is asked for again.
PAUSE = 0.5


class Relay:
    """Publishes a node's log from the relay's checkpoint on; only one relay per log holds the lease.

    The checkpoint never passes what the broker has confirmed and may lag behind it for a moment. Whoever begins there after a crash
    publishes that once more, in order, and followers skip it.
    """

    def __init__(self, settings: Settings, codes: Codes, stopping: threading.Event, appended: threading.Event) -> None:
        """`codes` sign the facts. `appended` is set when there is something to publish, `stopping` when that is to be the last of it."""
        self._settings, self._codes = settings, codes
        self._stopping, self._appended = stopping, appended
        self._embedded = settings.amqp_uri.startswith("linli://")
        self._holder = holder_of(settings)
        self._saved = 0  # where the checkpoint stands

    def run(self, node: Node) -> None:
        """Publish until the service stops; raises what a server's failure raises, and can then be run again."""
        self._node = node
        publisher = ConfirmedPublisher(self._settings.amqp_uri, EXCHANGE, tls=self._settings.amqp_tls)
        relayed = metrics.RELAYED.labels(node.name)
        renew = save = 0.0
        position: int | None = None
        try:
            while True:
                stopping = self._stopping.is_set()  # what was appended before is still published
                if time.monotonic() >= renew:
                    if not node.views.lease("relay", self._holder, LEASE):
                        if stopping:
                            return
                        position = None
                        self._stopping.wait(PAUSE)
                        continue
                    renew = time.monotonic() + LEASE / 3
                self._appended.clear()
                if position is None:  # read once: if somebody else moves it, our next move fails and this begins anew
                    position = self._saved = node.views.checkpoint("relay")
                if records := list(node.log.read(position, limit=RELAYED)):
                    self._publish(publisher, records)
                    if position == self._saved:
                        save = time.monotonic() + GATHER
                    position = records[-1].position
                    relayed.set(position)
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
                    node.views.lease("relay", self._holder, 0)  # the next process need not wait
            publisher.close()

    def _save(self, position: int) -> None:
        self._node.views.save({}, {"relay": (self._saved, position)})
        self._saved = position

    def _publish(self, publisher: ConfirmedPublisher, records: list[Record]) -> None:
        node = self._node
        try:
            with tracing.publishing(node.name, records) as carried:
                epoch = node.followers[node.name].epoch
                messages = [
                    message_of(node.name, record, self._codes, parent, epoch)
                    for record, parent in zip(records, carried, strict=False)
                ]
                publisher.publish(messages, CONFIRM_WITHIN)
        except NotConfirmed as error:
            confirmed = records[0].position - 1 + error.confirmed
            if confirmed != self._saved:  # those need not be sent again
                self._save(confirmed)
            raise UnavailableError(f"the broker has not confirmed positions {confirmed + 1} on: {error}") from error


def holder_of(settings: Settings) -> str:
    """Who holds leases: the embedded process alone holds its folder, so after a crash it takes its own up again at once."""
    return "embedded" if settings.amqp_uri.startswith("linli://") else uuid.uuid4().hex


def fact_codes(settings: Settings) -> Codes:
    """What signs facts, and checks them."""
    return Codes(settings.secrets(), "facts")


def message_of(service: str, record: Record, codes: Codes, traceparent: str = "", epoch: int = 0) -> Message:
    """A fact as a CloudEvent in AMQP binary mode; `traceparent` travels as the distributed tracing extension."""
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
        message_id=record.id,
        content_type=cloudevents.CONTENT_TYPE,
        type=record.type,
    )
