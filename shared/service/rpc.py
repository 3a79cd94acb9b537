"""Calls from one service to another: signed, with a time-out, and with errors of the callee's kind."""

from __future__ import annotations

import time
import uuid
from functools import partial
from typing import Any

from eventlet import sleep
from eventlet.timeout import Timeout
from nameko.extensions import DependencyProvider, SharedExtension
from nameko.rpc import ReplyListener

from shared.broker.message import TooLargeError, Undeliverable
from shared.broker.publisher import ERRORS
from shared.domain.errors import (
    BadInputError,
    LinliError,
    TimedOutError,
    UnauthenticatedError,
    UnavailableError,
    from_mapping,
)
from shared.domain.words import _, term
from shared.following.context import CallContext, Signer
from shared.service import tracing
from shared.service.answering import Intake
from shared.service.sending import Sender
from shared.tls import explanation

#: Name of the header that carries the signed context (nameko's prefix included).
HEADER = "nameko.linli"
#: Seconds before a call to a service without a queue is repeated.
REPEAT_EVERY = 0.2
#: Part of a call's time in which it may be repeated; the rest is for the broker's reply to the last attempt.
REPEAT_FOR = 0.8


class _Replies(ReplyListener):
    """Passes answers to the green threads that wait for them."""

    queue_consumer = Intake()

    def wait_until_ready(self) -> None:
        """Wait until answers can arrive: at the start of a service, one that comes before its queue exists is lost."""
        self.queue_consumer._consumers_ready.wait()

    def refuse(self, correlation_id: str, error: Exception | None) -> None:
        """Raise an error in the green thread that waits for an answer; None: do nothing."""
        if error is not None and (waiting := self._reply_events.pop(correlation_id, None)) is not None:
            waiting.send_exception(error)


class Caller(SharedExtension):
    """One per service: sends calls and waits for their answers. Safe to use from any green thread of the service.

    A call to a restarting service waits until its time-out: the queue keeps the call for the next process. While the queue does not
    exist (the broker was replaced, the service never ran) the call is repeated for most of that time. Both are safe: a query changes
    nothing, and the command id makes a command take effect once however often it arrives.
    """

    replies = _Replies()
    sender = Sender()

    def setup(self) -> None:
        settings = self.container.config["settings"]
        tracing.configure(settings.traces)
        self._signer = Signer(*settings.secrets())
        self._timeout = float(settings.rpc_timeout)

    def call(
        self,
        service: str,
        method: str,
        context: CallContext,
        arguments: dict[str, Any],
        timeout: float | None = None,
        wait: bool = True,
    ) -> dict[str, Any]:
        """Call `service.method` and return its answer; without `wait` a missing queue is an error at once.

        Raises the error of the service, `TimedOutError` when no answer came within `timeout` seconds (the command may have taken
        effect: repeat it with the same command id), and `UnavailableError` when the service or the broker is absent.
        """
        seconds = timeout or self._timeout
        wait_until = time.monotonic() + seconds * REPEAT_FOR * wait
        with tracing.span(self.container.service_name, f"call {service}.{method}", "CLIENT", context.correlation_id):
            signed = self._signer.sign(context, f"{service}.{method}", arguments)
            try:
                with Timeout(seconds) as limit:
                    self.replies.wait_until_ready()
                    body = self._ask(f"{service}.{method}", signed, arguments, wait_until)
            except Timeout as error:
                if error is not limit:
                    raise
                template = _("{service} did not answer within {seconds} s")
                raise TimedOutError(template, service=term("service", service), seconds=f"{seconds:g}") from None
            except Undeliverable as error:
                raise UnavailableError(
                    _("the service {service} is not running"), service=term("service", service)
                ) from error
            except TooLargeError as error:
                raise BadInputError(_("the call is too large: {reason}"), reason=str(error)) from error
            except ERRORS as error:
                reason = explanation(error, "AMQP") or f"does not answer: {error}"
                raise UnavailableError(_("the broker cannot be reached: {reason}"), reason=reason) from error
            return self._opened(body, signed, f"{service}.{method}")

    def _ask(self, method: str, signed: str, arguments: dict[str, Any], wait_until: float) -> Any:
        """Return the body of the answer; repeat the call while the service has no queue and time is left."""
        while True:
            correlation_id = uuid.uuid4().hex
            reply = self.replies.get_reply_event(correlation_id)
            try:
                self.sender.send(
                    {"args": [], "kwargs": arguments},
                    method,
                    partial(self.replies.refuse, correlation_id),
                    mandatory=True,
                    reply_to=self.replies.routing_key,
                    correlation_id=correlation_id,
                    headers={
                        HEADER: signed,
                        **tracing.call_headers(),
                    },
                )
                return reply.wait()
            except Undeliverable:
                if time.monotonic() + REPEAT_EVERY >= wait_until:
                    raise
            finally:
                self.replies._reply_events.pop(correlation_id, None)  # nameko never removes it when no answer comes
            sleep(REPEAT_EVERY)  # the queue may exist at the next attempt

    def _opened(self, body: Any, signed: str, method: str) -> dict[str, Any]:
        """Return the service's result or raise its error.

        Only an answer with a valid code is trusted, except for a refusal: nameko sends those without a code, and anybody who may
        write to our reply queue can forge one.
        """
        answer = body.get("result") if isinstance(body, dict) else None
        if isinstance(answer, dict) and self._signer.check(answer, signed):
            if "error" in answer:
                raise from_mapping(answer["error"])
            result: dict[str, Any] = answer["ok"]
            return result
        refused = body.get("error") if isinstance(body, dict) else None  # by nameko, before the service saw the call
        if isinstance(refused, dict):
            raise LinliError(f"{method}: {refused.get('value', 'unknown error')}")
        error = answer.get("error") if isinstance(answer, dict) else None
        if isinstance(error, dict) and error.get("kind") == UnauthenticatedError.kind:
            raise from_mapping(error)
        raise UnavailableError(
            _("the answer of {method} is not authentic; all processes must have the same LINLI_SECRET_FILE"),
            method=method,
        )


class Rpc(DependencyProvider):
    """Lets a service's methods call other services: `self.rpc.call(service, method, context, arguments)`."""

    caller = Caller()

    def get_dependency(self, worker_ctx: Any) -> Caller:
        caller: Caller = self.caller
        return caller
