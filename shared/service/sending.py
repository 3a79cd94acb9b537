"""The publisher of calls and answers: one connection that all green threads of a service share.

nameko's own publisher takes a connection from a pool for each message and holds it until the confirm.
"""

from __future__ import annotations

from typing import Any

import msgspec
from nameko.extensions import SharedExtension

from shared.broker.message import Message, Settled
from shared.broker.publisher import PASSING, Publisher
from shared.broker.topology import CALLS

_encode = msgspec.json.Encoder().encode


class Sender(SharedExtension):
    """Sends plain data as JSON; one per service."""

    def setup(self) -> None:
        settings = self.container.config["settings"]
        self.publisher = Publisher(
            settings.amqp_uri, CALLS, tls=settings.amqp_tls, spawn=self.container.spawn_managed_thread
        )

    def stop(self) -> None:
        """Close the connection; messages that are not confirmed yet are settled with an error."""
        self.publisher.close()

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
        """Send as `Publisher.send` does; raises `TypeError` and the like for what is not plain data, `TooLargeError` beyond its limit."""
        properties = {
            "content_type": "application/json",
            "content_encoding": "utf-8",
            "correlation_id": correlation_id,
            "reply_to": reply_to,
            # calls hold what people type, names among it, in clear; one that a broker loses is made again by who waits for its answer
            "delivery_mode": PASSING,
        }
        given = {name: value for name, value in properties.items() if value}
        self.publisher.send(Message(routing_key, _encode(content), headers or {}, given, mandatory), settled)
