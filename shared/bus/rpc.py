"""Calls from one service to another: signed, with a time-out, and with errors that keep their kind."""

from __future__ import annotations

import uuid
from typing import Any

from amqp.exceptions import AMQPError
from eventlet.timeout import Timeout
from kombu.exceptions import KombuError
from nameko.amqp.publish import Publisher, UndeliverableMessage
from nameko.extensions import DependencyProvider, SharedExtension
from nameko.rpc import ReplyListener, get_rpc_exchange

from shared.errors import LinliError, TimedOutError, UnavailableError, from_mapping
from shared.runtime import tracing
from shared.runtime.context import Context, Signer

#: Name of the header that carries the signed context (nameko's prefix included).
HEADER = "nameko.linli"


class Caller(SharedExtension):
    """One per service: sends calls and waits for their answers. Safe to use from any green thread of the service."""

    replies = ReplyListener()

    def setup(self) -> None:
        settings = self.container.config["settings"]
        tracing.configure(settings.traces)
        self._signer = Signer(settings.secret())
        self._timeout = float(settings.rpc_timeout)
        self._exchange = get_rpc_exchange(self.container.config)
        # a lost publisher connection is noticed by the confirm; one retry on a fresh connection, then the caller decides
        policy = {"max_retries": 1, "interval_start": 0.1, "interval_max": 0.5}
        self._publisher = Publisher(settings.amqp_uri, serializer="json", mandatory=True, retry_policy=policy)

    def call(
        self, service: str, method: str, context: Context, arguments: dict[str, Any], timeout: float | None = None
    ) -> dict[str, Any]:
        """Call `service.method` and return its answer.

        Raises the error that the service answered, `TimedOutError` when no answer came in time (seconds; the command may have taken
        effect: repeat it with the same command id), and `UnavailableError` when the service or the broker is not there.
        """
        with tracing.span(self.container.service_name, f"call {service}.{method}", "CLIENT", context.correlation_id):
            return self._call(service, method, context, arguments, timeout or self._timeout)

    def _call(
        self, service: str, method: str, context: Context, arguments: dict[str, Any], seconds: float
    ) -> dict[str, Any]:
        correlation_id = uuid.uuid4().hex
        reply = self.replies.get_reply_event(correlation_id)
        try:
            with Timeout(seconds, TimedOutError(f"{service} did not answer within {seconds:g} s")):
                self._publisher.publish(
                    {"args": [], "kwargs": arguments},
                    exchange=self._exchange,
                    routing_key=f"{service}.{method}",
                    reply_to=self.replies.routing_key,
                    correlation_id=correlation_id,
                    headers={
                        HEADER: self._signer.sign(context, f"{service}.{method}", arguments),
                        **tracing.call_headers(),
                    },
                )
                body = reply.wait()
        except UndeliverableMessage as error:
            raise UnavailableError(f"the service {service} is not running") from error
        except (OSError, AMQPError, KombuError) as error:
            raise UnavailableError(f"the broker does not answer: {error}") from error
        finally:
            self.replies._reply_events.pop(correlation_id, None)  # nameko keeps it for ever when no answer comes
        if body["error"]:
            raise LinliError(f"{service}.{method}: {body['error'].get('value', 'unknown error')}")
        answer: dict[str, Any] = body["result"]
        if "error" in answer:
            raise from_mapping(answer["error"])
        result: dict[str, Any] = answer["ok"]
        return result


class Rpc(DependencyProvider):
    """Lets a service's methods call other services: `self.rpc.call(service, method, context, arguments)`."""

    caller = Caller()

    def get_dependency(self, worker_ctx: Any) -> Caller:
        caller: Caller = self.caller
        return caller
