"""nameko's RPC entrypoint, changed so that neither a lost broker nor a malformed call ends the service."""

from __future__ import annotations

import sys
from contextlib import suppress
from functools import partial
from typing import Any

import msgspec
import structlog
from amqp.exceptions import AMQPError
from eventlet.event import Event
from kombu.exceptions import ContentDisallowed, KombuError
from nameko.exceptions import (
    ContainerBeingKilled,
    MalformedRequest,
    MethodNotFound,
    UnserializableValueError,
    serialize,
)
from nameko.messaging import QueueConsumer
from nameko.rpc import Rpc, RpcConsumer

from shared.broker.message import TooLargeError
from shared.broker.topology import calls
from shared.service.sending import Sender

_log = structlog.get_logger()
_decode = msgspec.json.Decoder().decode
#: Seconds for which a consumer waits on a silent connection before it looks for other work. A stopping service waits this long for
#: each of its two consumers; nameko's default of one second would prolong a restart noticeably for callers.
LOOK_EVERY = 0.1


class Intake(QueueConsumer):
    """Consumes calls and answers, which are JSON; nameko's own consumer starts a green thread for each before it decodes it.

    A stopping service cancels its consumer of calls first: the broker delivers further calls to another process of the service, or
    keeps them for the next one. Calls in progress are finished, answered and acknowledged before the connection closes; a message
    that arrives meanwhile is requeued.
    """

    def run(self, **options: Any) -> None:
        super().run(safety_interval=LOOK_EVERY, **options)

    def register_provider(self, provider: Any) -> None:
        """Bind the queue to an exchange that may exist already; nameko would declare it."""
        provider.queue.exchange = calls()
        super().register_provider(provider)

    def get_consumers(self, consumer_cls: Any, channel: Any) -> Any:
        for provider in self._providers:
            consumer = consumer_cls(queues=[provider.queue], on_message=partial(self._arrived, provider))
            consumer.qos(prefetch_count=self.prefetch_count)
            self._consumers[provider] = consumer
        return self._consumers.values()

    def _arrived(self, provider: Any, message: Any) -> None:
        try:
            if message.content_type != "application/json":
                raise ContentDisallowed(f"{message.content_type!r} is not JSON")
            body = _decode(message.body)
        except Exception as error:  # of any kind: an unacknowledged message would be redelivered for ever
            self.on_decode_error(message, error)
        else:
            provider.handle_message(body, message)


class _Answers(RpcConsumer):
    """Sends answers; in nameko's own consumer, an answer that cannot be sent kills the container.

    When the broker is lost, it redelivers the call later, and the command id gives the same receipt. A message without `reply_to`,
    which any client of the broker can send, is acknowledged: it would be redelivered for ever.
    """

    queue_consumer = Intake()
    sender = Sender()

    def get_provider_for_method(self, routing_key: str) -> Any:
        method = routing_key.rpartition(".")[2]
        for provider in self._providers:
            if provider.method_name == method:
                return provider
        raise MethodNotFound(method)

    def handle_message(self, body: Any, message: Any) -> None:
        try:
            self.get_provider_for_method(message.delivery_info["routing_key"]).handle_message(body, message)
        except Exception:  # a call without a method is answered with the error, in a thread of its own
            refuse = partial(self.handle_result, message, None, sys.exc_info())
            self.container.spawn_managed_thread(refuse, "refusal")

    def handle_result(self, message: Any, result: Any, exc_info: Any) -> tuple[Any, Any]:
        try:
            self._answer(message, result, exc_info)
        except Exception as error:  # of any kind: it must not stop the answers of other calls
            _log.warning("answer not sent", service=self.container.service_name, error=repr(error))
        with suppress(OSError, AMQPError, KombuError):
            self.queue_consumer.ack_message(message)
        return result, exc_info

    def _answer(self, message: Any, result: Any, exc_info: Any) -> None:
        """Send an answer and wait for the confirm: the call may be acknowledged only after it."""
        send = partial(
            self.sender.send,
            routing_key=message.properties["reply_to"],
            correlation_id=message.properties.get("correlation_id"),
        )
        sent = Event()
        try:
            send({"result": result, "error": exc_info and serialize(exc_info[1])}, settled=sent.send)
        except TooLargeError as refused:
            send({"result": None, "error": serialize(refused)}, settled=sent.send)
        except (TypeError, ValueError, RecursionError, OverflowError):
            send({"result": None, "error": serialize(UnserializableValueError(result))}, settled=sent.send)
        if (error := sent.wait()) is not None:
            raise error


class Answered(Rpc):
    """A method that other services may call with named arguments."""

    rpc_consumer = _Answers()

    def handle_message(self, body: Any, message: Any) -> None:
        arguments = body.get("kwargs") if isinstance(body, dict) else None
        if not isinstance(arguments, dict) or body.get("args"):
            raise MalformedRequest("a call is an object with the named arguments in `kwargs`, and no others")
        try:
            self.container.spawn_worker(
                self,
                (),
                arguments,
                context_data=self.unpack_message_headers(message),
                handle_result=partial(self.handle_result, message),
            )
        except ContainerBeingKilled:
            self.rpc_consumer.requeue_message(message)


#: The decorator for such a method.
answered = Answered.decorator
