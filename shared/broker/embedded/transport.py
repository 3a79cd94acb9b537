"""A message broker in process memory, so that all services run in one process without a server to install.

`install()` registers the scheme `linli://` with kombu; nameko then takes `AMQP_URI = "linli://embedded"` like RabbitMQ.
Semantics follow AMQP 0-9-1 and RabbitMQ; messages, properties and errors are those of py-amqp. No message survives the
process, and none has to: followers fetch what they missed from the logs. Queues are bounded: see `queues.py`. eventlet must
patch before the first connection opens; patched and native threads must not share one broker.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from amqp.exceptions import RecoverableConnectionError
from kombu.transport import TRANSPORT_ALIASES, base, pyamqp

from shared.broker.embedded.channel import Channel
from shared.broker.embedded.connection import Connection
from shared.broker.embedded.queues import Broker

_BROKERS: defaultdict[str, Broker] = defaultdict(Broker)


def install() -> None:
    """Register the scheme `linli://` with kombu; repeating the call changes nothing."""
    TRANSPORT_ALIASES["linli"] = f"{__name__}:Transport"


def reset() -> None:
    """Remove all queues, exchanges and bindings and cut every connection, as replacing a broker would."""
    for broker in list(_BROKERS.values()):
        broker.wipe()


class Transport(base.Transport):
    """kombu's transport for `linli://`."""

    driver_type = driver_name = "linli"
    connection_errors = pyamqp.Transport.connection_errors
    channel_errors = pyamqp.Transport.channel_errors
    recoverable_connection_errors = (RecoverableConnectionError,)
    recoverable_channel_errors = pyamqp.Transport.recoverable_channel_errors
    implements = base.Transport.implements.extend(exchange_type=frozenset({"direct", "topic", "fanout"}))

    def establish_connection(self) -> Connection:
        """Connect to the broker of the address; the first connection creates it."""
        client: Any = self.client
        return Connection(_BROKERS[f"{client.hostname}/{client.virtual_host}"], client)

    def create_channel(self, connection: Connection) -> Channel:
        """Open a channel."""
        if not connection.connected:
            raise RecoverableConnectionError("the connection to the embedded broker was closed")
        return Channel(connection)

    def drain_events(self, connection: Connection, **kwargs: Any) -> None:
        """Handle one event of the connection."""
        connection.drain_events(**kwargs)

    def verify_connection(self, connection: Connection) -> bool:
        """Whether the connection is open."""
        return connection.connected

    def close_connection(self, connection: Connection) -> None:
        """Close the connection and its channels."""
        connection.client = None
        connection.close()

    def _collect(self, connection: Connection | None) -> None:
        if connection is not None:
            connection.close()
