"""The entrypoint for calls from other services: nameko's, but neither a lost broker nor a malformed call ends the service."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import structlog
from amqp.exceptions import AMQPError
from kombu.exceptions import KombuError
from nameko.rpc import Rpc, RpcConsumer

_log = structlog.get_logger()


class _Answers(RpcConsumer):
    """Sends answers; with nameko's own, one that cannot be sent kills the container.

    Without a broker the call comes again as soon as there is one, and its command id gives the same receipt. A message without a
    return address, which any client of the broker can send, would come again for ever: it is done with.
    """

    def handle_result(self, message: Any, result: Any, exc_info: Any) -> tuple[Any, Any]:
        try:
            answered: tuple[Any, Any] = super().handle_result(message, result, exc_info)
            return answered
        except Exception as error:  # whatever is wrong with this one, others wait for their answers
            _log.warning("answer not sent", service=self.container.service_name, error=repr(error))
            with suppress(OSError, AMQPError, KombuError):
                self.queue_consumer.ack_message(message)
            return result, exc_info


class Answered(Rpc):
    """A method that others may call."""

    rpc_consumer = _Answers()


#: Decorates such a method.
answered = Answered.decorator
