"""The way out for calls and answers: one connection that all green threads of a service share.

A message is written and its sender goes on; what became of it is told later. nameko's own publisher makes a connection object and
looks for its pool with each message, and lets each wait for the broker's confirm before anything else may use the connection.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

import amqp
import msgspec
from amqp import spec
from amqp.exceptions import AMQPError, ChannelError, MessageNacked
from eventlet import getcurrent
from kombu.exceptions import KombuError
from nameko.amqp.publish import UndeliverableMessage
from nameko.extensions import SharedExtension
from nameko.rpc import get_rpc_exchange

from shared.broker.connecting import connection

#: Seconds between two heartbeats; a connection that is silent for two of them is lost.
HEARTBEAT = 10
#: Seconds that a connection may take to open.
CONNECT_WITHIN = 5.0
#: Most bytes of a call or an answer; half of what RabbitMQ takes since version 4.
LARGEST_MESSAGE = 8 * 1024 * 1024
#: What a connection that is lost, or cannot be opened, raises.
ERRORS = (OSError, AMQPError, KombuError)

#: Told once what became of a message: None when the broker has it, else why not.
Settled = Callable[[Exception | None], None]

_encode = msgspec.json.Encoder().encode


class TooLargeError(ValueError):
    """A call or an answer has more than `LARGEST_MESSAGE` bytes: the broker would end the connection over it."""


@dataclass(slots=True, eq=False)
class _Sending:
    """A message on its way."""

    body: bytes
    routing_key: str
    properties: dict[str, Any]
    mandatory: bool
    settled: Settled
    returned: bool = False  # no queue takes it
    again: bool = False  # it was on a connection that was lost


class Sender(SharedExtension):
    """One per service. Messages that the broker had not confirmed when the connection was lost are sent once more."""

    def setup(self) -> None:
        settings = self.container.config["settings"]
        self._client: Any = connection(
            settings.amqp_uri, settings.amqp_tls, heartbeat=HEARTBEAT, connect_timeout=CONNECT_WITHIN
        )
        self._exchange = get_rpc_exchange(self.container.config).name
        self._opening = threading.Lock()  # one green thread connects
        self._writing = threading.Lock()  # tags are counted in the order of writing
        self._channel: Any = None
        self._reader: Any = None
        self._stopping = False
        self._sent: dict[int, _Sending] = {}
        self._last = 0

    def stop(self) -> None:
        """Close the connection, without waiting for a broker that may be gone."""
        self._stopping = True
        if (channel := self._channel) is not None:
            if isinstance(channel, amqp.Channel):
                with suppress(*ERRORS), channel.connection.transport.having_timeout(1.0):
                    channel.connection.send_method(spec.Connection.Close, "BsBB", (0, "", 0, 0))
            self._lose(channel, ConnectionError("this service stops"))

    def send(
        self,
        content: Any,
        routing_key: str,
        settled: Settled,
        *,
        correlation_id: str | None,
        reply_to: str = "",
        headers: dict[str, Any] | None = None,
        mandatory: bool = False,
    ) -> None:
        """Send plain data as JSON; raises `TypeError` and the like for what is none, `TooLargeError` for what is too much.

        `settled` gets `UndeliverableMessage` when the message is mandatory and no queue takes it, one of `ERRORS` when it is not
        known to have reached the broker.
        """
        properties = {
            "content_type": "application/json",
            "content_encoding": "utf-8",
            "delivery_mode": 2,
            "correlation_id": correlation_id,
            "reply_to": reply_to,
            "application_headers": headers or {},
        }
        given = {name: value for name, value in properties.items() if value}
        body = _encode(content)
        if len(body) > LARGEST_MESSAGE:
            raise TooLargeError(f"{len(body)} bytes are more than the {LARGEST_MESSAGE} that can be sent")
        self._send(_Sending(body, routing_key, given, mandatory, settled))

    def _send(self, sending: _Sending) -> None:
        try:
            channel = self._channel or self._connect()
        except ERRORS as error:
            sending.settled(error)
            return
        if isinstance(channel, amqp.Channel):
            self._write(channel, sending)
        else:
            self._put(channel, sending)

    def _connect(self) -> Any:
        with self._opening:
            if self._channel is None:
                self._client.ensure_connection(max_retries=1, interval_start=0.1, reraise_as_library_errors=False)
                channel = self._client.channel()
                if isinstance(channel, amqp.Channel):
                    channel.confirm_select()
                    channel.events["basic_ack"].add(self._on_ack)
                    channel.events["basic_nack"].add(self._on_nack)
                    channel.events["basic_return"].add(self._on_return)
                    self._reader = self.container.spawn_managed_thread(partial(self._read, channel), "sender")
                self._channel = channel
            return self._channel

    def _write(self, channel: Any, sending: _Sending) -> None:
        content = amqp.Message(sending.body, **sending.properties)
        arguments = (0, self._exchange, sending.routing_key, sending.mandatory, False)
        with self._writing:
            if channel is not self._channel:  # lost while we waited for our turn
                sent = False
            else:
                self._last += 1
                tag = self._last
                self._sent[tag] = sending
                sent = True
                try:
                    channel.send_method(spec.Basic.Publish, "Bssbb", arguments, content)
                except ERRORS as error:
                    self._lose(channel, error)
                except BaseException:  # given up in the middle: half a message may be out
                    self._sent.pop(tag, None)
                    self._lose(channel, ConnectionError("a message was broken off"))
                    raise
        if not sent:
            self._send(sending)

    def _put(self, channel: Any, sending: _Sending) -> None:
        """Give it to the embedded broker: the return is the confirm."""
        try:
            channel.basic_publish(
                (sending.body, sending.properties), self._exchange, sending.routing_key, sending.mandatory
            )
        except ChannelError as error:
            sending.settled(UndeliverableMessage() if "NO_ROUTE" in str(error) else error)
        except MessageNacked as error:
            sending.settled(error)
        except ERRORS as error:
            self._lose(channel, error)
            self._send_again([sending], error)
        else:
            sending.settled(None)

    def _read(self, channel: Any) -> None:
        """Hear what the broker says of the messages on a channel, until it is lost."""
        connection = channel.connection
        try:
            while channel is self._channel:
                with suppress(TimeoutError):
                    connection.drain_events(timeout=HEARTBEAT / 4)
                connection.heartbeat_tick()
        except ERRORS as error:
            self._lose(channel, error)

    def _on_ack(self, tag: int, multiple: bool) -> None:
        for sending in self._settle(tag, multiple):
            sending.settled(UndeliverableMessage() if sending.returned else None)

    def _on_nack(self, tag: int, multiple: bool) -> None:
        for sending in self._settle(tag, multiple):
            sending.settled(MessageNacked("the broker refused a message: a queue is full or failed"))

    def _on_return(self, error: Exception, exchange: str, routing_key: str, message: Any) -> None:
        """Note that no queue takes a message; its confirm follows."""
        for sending in self._sent.values():
            if sending.properties.get("correlation_id") == message.properties.get("correlation_id"):
                sending.returned = True

    def _settle(self, tag: int, multiple: bool) -> list[_Sending]:
        tags = [sent for sent in self._sent if sent <= tag] if multiple else [tag]
        return [self._sent.pop(tag) for tag in tags if tag in self._sent]

    def _lose(self, channel: Any, error: Exception) -> None:
        """Let go of a connection, and send what was on it once more."""
        if channel is not self._channel:
            return
        lost, self._sent = list(self._sent.values()), {}
        reader, self._reader = self._reader, None
        self._channel, self._last = None, 0
        self._client.collect()
        if reader is not None and reader is not getcurrent():
            reader.kill()
        if lost:
            self.container.spawn_managed_thread(partial(self._send_again, lost, error), "sender, once more")

    def _send_again(self, lost: Iterable[_Sending], error: Exception) -> None:
        for sending in lost:
            if sending.again or self._stopping:
                sending.settled(error)
            else:
                sending.again = True
                self._send(sending)
