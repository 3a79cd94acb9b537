"""Publishing many messages at once, each confirmed by the broker, without waiting for one before sending the next.

The relay's way out: it may move its checkpoint over a message only when the broker has it. On RabbitMQ this is a
channel in confirm mode over py-amqp; on the embedded broker a put is the confirm. A message is never lost without an
error, but one that was not confirmed may have arrived: publishing it again makes a duplicate, which consumers skip.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import amqp
from amqp import spec
from amqp.exceptions import AMQPError, MessageNacked, RecoverableConnectionError
from amqp.method_framing import frame_writer
from amqp.serialization import dumps

from shared.broker.connecting import connection
from shared.broker.topology import Given
from shared.tls import Tls, explanation

PERSISTENT = 2
WINDOW = 2000  # messages in flight before more are sent
CHUNK = 64  # messages written to the socket at once
ERRORS = (AMQPError, OSError)


@dataclass(frozen=True, slots=True)
class Message:
    """What is published: a routing key, the body and the properties a CloudEvent in binary mode needs."""

    routing_key: str
    body: bytes
    headers: Mapping[str, Any] = field(default_factory=dict)
    message_id: str = ""
    content_type: str = "application/json"
    type: str = ""


class NotConfirmed(Exception):
    """Not every message is known to be with the broker; the publisher may be used again at once.

    `confirmed` is how many messages from the start of the sequence are confirmed, `total` how many were given.
    """

    def __init__(self, reason: str, confirmed: int, total: int) -> None:
        super().__init__(f"{confirmed} of {total} messages confirmed: {reason}")
        self.reason, self.confirmed, self.total = reason, confirmed, total


class ConfirmedPublisher:
    """Publish to one durable topic exchange over a connection of its own, made when first needed and after every loss.

    `blocked` says whether the broker has asked publishers to wait (memory or disk alarm). Safe between threads: one
    call of `publish` runs at a time. `heartbeat` is in seconds; call `tick` at least twice in that time while idle.
    """

    def __init__(self, uri: str, exchange: str, *, tls: Tls | None = None, heartbeat: int = 10) -> None:
        self.exchange = exchange
        self.blocked = False
        options = {"on_blocked": self._on_blocked, "on_unblocked": self._on_unblocked}
        self._client: Any = connection(uri, tls, heartbeat=heartbeat, transport_options=options)
        self._attempts = max(1, len(self._client.alt))
        self._lock = threading.Lock()
        self._connection: Any = None
        self._channel: Any = None
        self._next_beat = 0.0
        self._waiting: set[int] = set()
        self._refused: set[int] = set()
        self._oldest = self._next = 1

    @property
    def connected(self) -> bool:
        """Whether there is a connection that has not been seen to fail."""
        return self._channel is not None

    def publish(self, messages: Sequence[Message], timeout: float) -> None:
        """Return when the broker has confirmed every message; NotConfirmed when it has not within `timeout` seconds."""
        if not messages:
            return
        deadline = time.monotonic() + timeout
        if not self._lock.acquire(timeout=max(0.0, timeout)):
            raise NotConfirmed("another call was still publishing", 0, len(messages))
        try:
            self._connect(deadline, len(messages))
            send = self._put if self._client.transport.driver_type == "linli" else self._pipeline
            send(messages, deadline)
        except NotConfirmed:
            raise
        except BaseException:
            self._drop()
            raise
        finally:
            self._lock.release()

    def tick(self) -> None:
        """Read what the broker sent and send a heartbeat when due; a lost connection is dropped, not raised."""
        if self._channel is None or not self._lock.acquire(blocking=False):
            return
        try:
            self._beat(0.0)
        except ERRORS:
            self._drop()
        finally:
            self._lock.release()

    def close(self) -> None:
        """Close the connection; a later `publish` opens a new one."""
        with self._lock:
            if hasattr(self._connection, "heartbeat_tick") and not self.blocked:
                with suppress(*ERRORS), self._connection.transport.having_timeout(1.0):
                    self._connection.send_method(spec.Connection.Close, "BsBB", (0, "", 0, 0))
            self._drop()

    def _connect(self, deadline: float, total: int) -> None:
        if self._channel is not None:
            return
        failure: Exception | None = None
        for _ in range(self._attempts):
            left = deadline - time.monotonic()
            if left <= 0:
                break
            self._client.connect_timeout = min(5.0, left)
            try:
                self._client.ensure_connection(max_retries=0, reraise_as_library_errors=False)
                self._connection = self._client.connection
                wire = getattr(self._connection, "transport", None)
                with wire.having_timeout(left) if wire else nullcontext():
                    channel = self._open_channel()
            except ERRORS as error:
                failure = error
                self._drop()
                self._client.maybe_switch_next()
            else:
                self._channel = channel
                return
        where = self._client.as_uri()
        why = failure and (explanation(failure, "AMQP") or failure)
        raise NotConfirmed(f"no connection to {where}: {why or 'out of time'}", 0, total) from failure

    def _open_channel(self) -> Any:
        channel = self._client.channel()
        Given(self.exchange, type="topic", durable=True).declare(channel=channel)
        if hasattr(channel, "confirm_select"):
            channel.confirm_select()
            channel.events["basic_ack"].add(self._settle)
            channel.events["basic_nack"].add(self._on_nack)
        return channel

    def _drop(self) -> None:
        self._channel = self._connection = None
        self.blocked = False
        self._waiting, self._refused = set(), set()
        self._oldest = self._next = 1
        self._client.collect()

    def _put(self, messages: Sequence[Message], deadline: float) -> None:
        for count, message in enumerate(messages):
            if time.monotonic() > deadline:
                raise NotConfirmed("out of time", count, len(messages))
            content = self._channel.prepare_message(message.body, headers=message.headers, properties=_known(message))
            try:
                self._channel.basic_publish(content, exchange=self.exchange, routing_key=message.routing_key)
            except MessageNacked as error:
                raise NotConfirmed(str(error), count, len(messages)) from error
            except ERRORS as error:
                self._drop()
                raise NotConfirmed(f"the connection was lost: {error}", count, len(messages)) from error
            if count % CHUNK == 0:
                time.sleep(0)  # the broker never makes us wait: give the consumers a turn

    def _pipeline(self, messages: Sequence[Message], deadline: float) -> None:
        first, total = self._next, len(messages)
        self._refused.clear()
        unsent = iter(messages)
        try:
            self._beat(0.0)
            more = True
            while more or self._waiting:
                if deadline <= time.monotonic():
                    raise TimeoutError
                if more and not self.blocked and len(self._waiting) < WINDOW:
                    more = self._write(list(islice(unsent, CHUNK)), deadline)
                    time.sleep(
                        0
                    )  # a broker that is faster than we are never makes us wait: others get a turn all the same
                else:
                    self._beat(deadline - time.monotonic())
        except TimeoutError as error:
            confirmed, blocked = self._confirmed(first), self.blocked
            if not blocked:
                self._drop()
            why = "publishers are blocked (memory or disk alarm)" if blocked else "the broker did not answer in time"
            raise NotConfirmed(why, confirmed, total) from error
        except ERRORS as error:
            confirmed = self._confirmed(first)
            self._drop()
            raise NotConfirmed(f"the connection was lost: {error!r}", confirmed, total) from error
        if refused := [tag for tag in self._refused if tag >= first]:
            why = f"the broker refused {len(refused)} (a queue is full or failed)"
            raise NotConfirmed(why, self._confirmed(first), total)

    def _confirmed(self, first: int) -> int:
        return min([tag for tag in (*self._waiting, *self._refused) if tag >= first], default=self._next) - first

    def _write(self, messages: list[Message], deadline: float) -> bool:
        """Frame messages into one buffer and write it with one call: a packet a message costs both ends more."""
        connection = self._connection
        frames = _Frames()
        write_frame = frame_writer(connection, frames)
        for message in messages:
            arguments = dumps("Bssbb", (0, self.exchange, message.routing_key, False, False))
            content = amqp.Message(message.body, application_headers=dict(message.headers), **_known(message))
            write_frame(1, self._channel.channel_id, spec.Basic.Publish, arguments, content)
        self._waiting.update(range(self._next, self._next + len(messages)))
        self._next += len(messages)
        if frames.parts:
            try:
                with connection.transport.having_timeout(max(0.001, deadline - time.monotonic())):
                    connection.transport.write(b"".join(frames.parts))
            except TimeoutError as error:  # half a frame may be out: the connection is of no more use
                raise RecoverableConnectionError("the broker stopped reading") from error
        return len(messages) == CHUNK

    def _beat(self, timeout: float) -> None:
        """Handle one event if one comes within `timeout` seconds (0: all that are there); send a heartbeat when due."""
        connection = self._connection
        if connection is None or not connection.connected:
            raise RecoverableConnectionError("the connection was closed")
        rhythm = (getattr(connection, "heartbeat", 0) or 60) / 4
        with suppress(TimeoutError):
            connection.drain_events(timeout=min(timeout, rhythm))
            while timeout <= 0:
                connection.drain_events(timeout=0)
        if hasattr(connection, "heartbeat_tick") and time.monotonic() >= self._next_beat:
            self._next_beat = time.monotonic() + rhythm
            connection.heartbeat_tick()

    def _on_nack(self, tag: int, multiple: bool) -> None:
        self._refused.update(self._settle(tag, multiple))

    def _settle(self, tag: int, multiple: bool) -> list[int]:
        tags = list(range(self._oldest, tag + 1)) if multiple else [tag]
        settled = [tag for tag in tags if tag in self._waiting]
        self._waiting.difference_update(settled)
        if multiple:
            self._oldest = tag + 1
        return settled

    def _on_blocked(self, reason: str) -> None:
        self.blocked = True

    def _on_unblocked(self) -> None:
        self.blocked = False


class _Frames:
    """Collects what py-amqp would write to its socket."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []

    def write(self, frame: bytes) -> None:
        self.parts.append(bytes(frame))


def _known(message: Message) -> dict[str, Any]:
    """List the AMQP properties of a message, without those it leaves empty."""
    properties = {"message_id": message.message_id, "type": message.type, "content_type": message.content_type}
    return {name: value for name, value in properties.items() if value} | {"delivery_mode": PERSISTENT}
