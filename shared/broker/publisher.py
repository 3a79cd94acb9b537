"""Publishing to the broker over one connection, pipelined: the next message is sent before the last one is confirmed.

A message is never lost without an error, but one that was not confirmed may have arrived: sending it again makes a duplicate, which
its receivers skip. On RabbitMQ this is a channel of py-amqp in confirm mode; on the embedded broker a put is the confirm.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext, suppress
from functools import partial
from itertools import islice
from typing import Any

import amqp
from amqp import spec
from amqp.exceptions import AMQPError, ChannelError, MessageNacked, RecoverableConnectionError
from amqp.method_framing import frame_writer
from amqp.serialization import dumps
from kombu.exceptions import KombuError

from shared.broker.connecting import connection
from shared.broker.heartbeat import HEARTBEAT
from shared.broker.message import (
    LARGEST_MESSAGE,
    Frames,
    Message,
    NotConfirmed,
    Sent,
    Settled,
    TooLargeError,
    Undeliverable,
)
from shared.broker.topology import Given
from shared.tls import Tls, explanation

#: Delivery modes: whether the broker writes a message to its disk.
PASSING, PERSISTENT = 1, 2
#: Messages in flight before `publish` waits for confirms.
WINDOW = 2000
#: Messages that `publish` writes to the socket at once.
CHUNK = 64
#: Seconds that one attempt to connect may take.
CONNECT_WITHIN = 5.0
#: Seconds between two attempts to connect.
PAUSE = 0.1
#: What a connection that is lost, or cannot be opened, raises.
ERRORS = (AMQPError, OSError, KombuError)


class Publisher:
    """Publish to one durable topic exchange over a connection of its own, opened when first needed and after every loss.

    `publish` waits until a batch is confirmed and reads the confirms itself; between batches the caller calls `tick`. `send` returns
    at once and reports through a callback: it needs `spawn`, which starts a green thread, to read the confirms and to repeat what was
    on a lost connection. A publisher is used in one of these two ways. Both may be called from several threads.
    """

    def __init__(
        self,
        uri: str,
        exchange: str,
        *,
        tls: Tls | None = None,
        heartbeat: int = HEARTBEAT,
        spawn: Callable[[Callable[[], None]], Any] | None = None,
    ) -> None:
        """`heartbeat` is in seconds: call `tick` at least twice in that time while idle."""
        self.exchange = exchange
        #: Whether the broker has asked publishers to wait (memory or disk alarm).
        self.blocked = False
        options = {"on_blocked": self._on_blocked, "on_unblocked": self._on_unblocked}
        self._client: Any = connection(uri, tls, heartbeat=heartbeat, transport_options=options)
        self._attempts = max(2 if spawn else 1, len(self._client.alt))
        self._spawn = spawn
        self._lock = threading.Lock()  # one thread connects or writes: tags are counted in the order of writing
        self._connection: Any = None
        self._channel: Any = None
        self._reader: Any = None
        self._closed = False
        self._next_beat = 0.0
        self._frames = Frames()
        self._write_frame: Any = None
        self._waiting: set[int] = set()
        self._refused: set[int] = set()
        self._sent: dict[int, Sent] = {}
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
            try:
                channel = self._connect(deadline)
            except ERRORS as error:
                why = f"no connection to {self._client.as_uri()}: {explanation(error, 'AMQP') or error}"
                raise NotConfirmed(why, 0, len(messages)) from error
            publish = self._pipeline if isinstance(channel, amqp.Channel) else self._put_all
            publish(messages, deadline)
        except NotConfirmed:
            raise
        except BaseException:
            self._drop()
            raise
        finally:
            self._lock.release()

    def send(self, message: Message, settled: Settled) -> None:
        """Send a message without waiting for the broker; it is sent once more when the connection is lost before the confirm.

        `settled` gets `Undeliverable` when the message is mandatory and no queue takes it, one of `ERRORS` when it is not known to
        have reached the broker. Raises `TooLargeError`.
        """
        if len(message.body) > LARGEST_MESSAGE:
            raise TooLargeError(f"{len(message.body)} bytes are more than the {LARGEST_MESSAGE} that can be sent")
        self._send(Sent(message, settled))

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
        """Close the connection without waiting for a broker that may be gone; a later call opens a new one."""
        self._closed = True
        held = self._lock.acquire(timeout=1.0)
        try:
            if isinstance(self._channel, amqp.Channel) and not self.blocked:
                with suppress(*ERRORS), self._connection.transport.having_timeout(1.0):
                    self._connection.send_method(spec.Connection.Close, "BsBB", (0, "", 0, 0))
            self._lose(self._channel, ConnectionError("the publisher was closed"))
        finally:
            if held:
                self._lock.release()

    def _connect(self, deadline: float) -> Any:
        if self._channel is not None:
            return self._channel
        failure: Exception = TimeoutError("out of time")
        for attempt in range(self._attempts):
            if attempt:
                time.sleep(PAUSE)
            left = deadline - time.monotonic()
            if left <= 0:
                break
            self._client.connect_timeout = min(CONNECT_WITHIN, left)
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
            except BaseException:  # a time-out of the caller: the rest of the broker's answer is still on the wire
                self._drop()
                raise
            else:
                self._closed = False
                self._channel = channel
                if self._spawn and isinstance(channel, amqp.Channel):
                    self._reader = self._spawn(partial(self._read, channel))
                return channel
        raise failure

    def _open_channel(self) -> Any:
        channel = self._client.channel()
        Given(self.exchange, type="topic", durable=True).declare(channel=channel)
        if isinstance(channel, amqp.Channel):
            channel.confirm_select()
            channel.events["basic_ack"].add(self._on_ack)
            channel.events["basic_nack"].add(self._on_nack)
            channel.events["basic_return"].add(self._on_return)
            self._write_frame = frame_writer(self._connection, self._frames)
        return channel

    def _lose(self, channel: Any, error: Exception) -> None:
        """Drop a connection, and repeat what `send` had on it."""
        if channel is not self._channel:
            return
        lost, reader = list(self._sent.values()), self._reader
        self._drop()
        if reader is not None:
            reader.kill()
        if lost and self._spawn:
            self._spawn(partial(self._repeat, lost, error))

    def _drop(self) -> None:
        self._channel = self._connection = self._reader = None
        self.blocked = False
        self._waiting, self._refused, self._sent = set(), set(), {}
        self._oldest = self._next = 1
        self._client.collect()

    def _put(self, message: Message) -> None:
        """Give a message to the embedded broker: the return is the confirm."""
        properties = {"delivery_mode": PERSISTENT, **message.properties}
        content = self._channel.prepare_message(message.body, headers=message.headers, properties=properties)
        self._channel.basic_publish(content, self.exchange, message.routing_key, message.mandatory)

    def _put_all(self, messages: Sequence[Message], deadline: float) -> None:
        for count, message in enumerate(messages):
            if time.monotonic() > deadline:
                raise NotConfirmed("out of time", count, len(messages))
            try:
                self._put(message)
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
                    time.sleep(0)  # a broker that is faster than we are never makes us wait: give others a turn
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

    def _write(self, messages: list[Message], deadline: float | None = None) -> bool:
        """Frame messages into one buffer and write it with one call: a packet a message costs both ends more."""
        transport, parts = self._connection.transport, self._frames.parts
        parts.clear()
        for message in messages:
            arguments = dumps("Bssbb", (0, self.exchange, message.routing_key, message.mandatory, False))
            content = amqp.Message(
                message.body,
                application_headers=dict(message.headers),
                **{"delivery_mode": PERSISTENT, **message.properties},
            )
            self._write_frame(1, self._channel.channel_id, spec.Basic.Publish, arguments, content)
        self._waiting.update(range(self._next, self._next + len(messages)))
        self._next += len(messages)
        if parts:
            limit = (
                nullcontext() if deadline is None else transport.having_timeout(max(0.001, deadline - time.monotonic()))
            )
            try:
                with limit:
                    transport.write(b"".join(parts))
            except TimeoutError as error:  # half a frame may be out: the connection is of no more use
                raise RecoverableConnectionError("the broker stopped reading") from error
        return len(messages) == CHUNK

    def _send(self, sent: Sent) -> None:
        try:
            with self._lock:
                channel = self._connect(time.monotonic() + 2 * CONNECT_WITHIN)
                if isinstance(channel, amqp.Channel):
                    self._write_sent(channel, sent)
                    return
        except ERRORS as error:
            sent.settled(error)
        else:
            self._put_sent(channel, sent)

    def _write_sent(self, channel: Any, sent: Sent) -> None:
        tag = self._next
        self._sent[tag] = sent
        try:
            self._write([sent.message])
        except ERRORS as error:
            self._lose(channel, error)
        except BaseException:  # a time-out of the caller in the middle: half a message may be out
            self._sent.pop(tag, None)
            self._lose(channel, ConnectionError("a message was broken off"))
            raise

    def _put_sent(self, channel: Any, sent: Sent) -> None:
        try:
            self._put(sent.message)
        except MessageNacked as error:
            sent.settled(error)
        except ChannelError as error:
            sent.settled(Undeliverable() if "NO_ROUTE" in str(error) else error)
        except ERRORS as error:
            self._lose(channel, error)
            self._repeat([sent], error)
        else:
            sent.settled(None)

    def _repeat(self, lost: Iterable[Sent], error: Exception) -> None:
        for sent in lost:
            if sent.repeated or self._closed:
                sent.settled(error)
            else:
                sent.repeated = True
                self._send(sent)

    def _read(self, channel: Any) -> None:
        """Read the confirms of `send` until the connection is lost."""
        try:
            while channel is self._channel:
                self._beat(math.inf)
        except ERRORS as error:
            if channel is self._channel:
                self._reader = None  # this is the reader: it ends by itself
                self._lose(channel, error)

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

    def _on_ack(self, tag: int, multiple: bool) -> None:
        tags = self._settle(tag, multiple)
        if self._sent:
            self._report(tags, None)

    def _on_nack(self, tag: int, multiple: bool) -> None:
        tags = self._settle(tag, multiple)
        if self._sent:
            self._report(tags, MessageNacked("the broker refused a message: a queue is full or failed"))
        else:
            self._refused.update(tags)

    def _on_return(self, error: Exception, exchange: str, routing_key: str, message: Any) -> None:
        """Note that no queue takes a message; its confirm follows."""
        for sent in self._sent.values():
            if sent.message.properties.get("correlation_id") == message.properties.get("correlation_id"):
                sent.returned = True

    def _settle(self, tag: int, multiple: bool) -> list[int]:
        tags = list(range(self._oldest, tag + 1)) if multiple else [tag]
        settled = [tag for tag in tags if tag in self._waiting]
        self._waiting.difference_update(settled)
        if multiple:
            self._oldest = tag + 1
        elif not self._waiting:
            self._oldest = self._next
        return settled

    def _report(self, tags: Iterable[int], error: Exception | None) -> None:
        for tag in tags:
            if (sent := self._sent.pop(tag, None)) is not None:
                sent.settled(error or (Undeliverable() if sent.returned else None))

    def _on_blocked(self, reason: str) -> None:
        self.blocked = True

    def _on_unblocked(self) -> None:
        self.blocked = False
