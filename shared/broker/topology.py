"""The exchanges and queues that Linli needs on the broker, declared at start or checked where they exist already.

A city loads the same objects from `deploy/rabbitmq/definitions.json`, where each service's user has rights on its own queues only.
An error about a wrong object says how to correct it; the service then waits instead of restarting in a loop.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import unquote, urlsplit

from amqp.exceptions import (
    AccessRefused,
    AMQPError,
    NotAllowed,
    NotFound,
    PreconditionFailed,
    RecoverableConnectionError,
)
from kombu import Connection, Exchange, Queue

from shared import tls
from shared.broker.connecting import connection as connection_to
from shared.domain.errors import UnavailableError

#: Whole facts, from service to service.
EXCHANGE = "linli.events"
#: What anybody may read of facts, for other systems.
PUBLIC = "linli.public"
#: nameko's exchange for calls and their answers.
CALLS = "nameko-rpc"
DEAD_LETTERS = "linli.dead"
DEAD_LETTER_QUEUE = "linli.dead-letters"
#: Deliveries after which the broker dead-letters a message; a follower parks an event long before that.
DELIVERY_LIMIT = 20
#: The oldest RabbitMQ that has all features used here.
OLDEST = (3, 10)
#: Seconds to wait for a connection in `check`.
PATIENCE = 5.0

#: Users that the broker refused an exchange, with its message. They do not retry: each refusal is an error in the broker's log.
_REFUSED: dict[tuple[str, int, str, str], str] = {}


class TopologyError(UnavailableError):
    """The broker answers but has a wrong version, user or object; an operator has to correct it."""


class Given(Exchange):
    """An exchange that may exist already: in a city it comes from the definitions, and no service has the right to declare it."""

    def declare(self, nowait: bool = False, passive: bool | None = None, channel: Any = None) -> None:
        """Declare the exchange, or check that it exists.

        A missing exchange that this user may not declare is raised as a lost connection, so that consumers reconnect until it exists.
        """
        try:
            _provide((channel or self.channel).connection.client, self)
        except TopologyError as error:
            raise RecoverableConnectionError(error.message) from error


def exchange() -> Exchange:
    """Return the topic exchange of all facts."""
    return Given(EXCHANGE, type="topic", durable=True)


def calls() -> Exchange:
    """Return the topic exchange of calls and answers."""
    return Given(CALLS, type="topic", durable=True)


def dead_letters() -> Queue:
    """Return the queue of messages that the broker gave up delivering; only operators read it."""
    dead = Given(DEAD_LETTERS, type="fanout", durable=True)
    return Queue(DEAD_LETTER_QUEUE, dead, durable=True, queue_arguments={"x-queue-type": "quorum"})


def queue_for(service: str, sources: tuple[str, ...]) -> Queue:
    """Return a service's queue of foreign facts: all events of its sources, in order, for one active consumer."""
    facts = exchange()
    return Queue(
        f"linli.facts.{service}",
        bindings=[facts.binding(routing_key=f"{source}.#") for source in sources],
        durable=True,
        queue_arguments={
            "x-queue-type": "quorum",
            "x-single-active-consumer": True,
            "x-delivery-limit": DELIVERY_LIMIT,
            "x-dead-letter-exchange": DEAD_LETTERS,
        },
    )


def declare(connection: Connection, queue: Queue) -> None:
    """Declare the exchanges, the queue with its bindings, and the dead letters.

    Objects that this user may not declare must exist already. Raises `TopologyError` when an object differs, or is missing and
    may not be declared.
    """
    dead = dead_letters()
    for thing in (exchange(), dead.exchange, queue, dead):
        _declare(connection, thing)


def check(uri: str, service: str, sources: tuple[str, ...] | None, secured: tls.Tls | None = None) -> None:
    """Connect with the service's user and check every object that it needs, before it starts.

    `sources` are the services that it follows; None for a service that only calls others, as the gateway does. `secured` holds the
    TLS files for an amqps:// address.

    Raises `TopologyError` for what an operator must correct (version, credentials, a wrong queue) and `UnavailableError` when the
    broker does not answer.
    """
    with explained(uri), connection_to(uri, secured, connect_timeout=PATIENCE) as connection:
        connection.ensure_connection(max_retries=0, reraise_as_library_errors=False)
        check_version(connection)
        _declare(connection, calls())
        if sources is not None:
            _declare(connection, exchange())
            _declare(connection, Queue(f"rpc-{service}", calls(), routing_key=f"{service}.*", durable=True))
        if sources:
            declare(connection, queue_for(service, sources))


def check_version(connection: Connection) -> None:
    """Raise `TopologyError` when the broker is a RabbitMQ older than `OLDEST`."""
    properties: dict[str, Any] = getattr(connection.connection, "server_properties", None) or {}
    version = str(properties.get("version", ""))
    numbers = tuple(int(number) for number in re.findall(r"\d+", version)[:2])
    if properties.get("product") == "RabbitMQ" and numbers < OLDEST:
        needed = ".".join(map(str, OLDEST))
        raise TopologyError(f"the broker is RabbitMQ {version}, and Linli needs {needed} or later: upgrade the broker")


@contextmanager
def explained(uri: str) -> Iterator[None]:
    """Turn errors of a connection into errors for an operator, without the password of the address."""
    parts = urlsplit(uri)
    port = parts.port or (5671 if parts.scheme == "amqps" else 5672)
    where = f"{parts.hostname}:{port}"
    vhost = unquote(parts.path[1:]) or "/"
    try:
        yield
    except AccessRefused as error:
        raise TopologyError(
            f"the broker at {where} refuses the user {parts.username!r}: check the password (AMQP_PASSWORD_FILE) and that "
            f"deploy/rabbitmq/definitions.json is loaded ({error.message})"
        ) from error
    except NotAllowed as error:
        raise TopologyError(
            f"the broker at {where} lets the user {parts.username!r} not into the virtual host {vhost!r}: load "
            f"deploy/rabbitmq/definitions.json, or correct the end of AMQP_URI ({error.message})"
        ) from error
    except (AMQPError, OSError) as error:
        if wrong := tls.explanation(error, "AMQP"):
            raise TopologyError(f"the broker at {where} {wrong}") from error
        if parts.scheme == "amqp" and tls.spoken_at(str(parts.hostname), port):
            raise TopologyError(f"the broker at {where} {tls.plain_to('AMQP')}") from error
        raise UnavailableError(f"the broker at {where} does not answer: {error}") from error


def _provide(connection: Connection, wanted: Exchange) -> None:
    """Declare an exchange or check that it exists, each on a separate channel because a refusal closes the channel."""
    vhost = connection.virtual_host or "/"
    who = (connection.hostname, connection.port, vhost, connection.userid)
    refused = _REFUSED.get(who, "")
    if not refused:
        try:
            with connection.channel() as channel:
                Exchange.declare(wanted, channel=channel)
            return
        except AccessRefused as error:
            _REFUSED[who] = refused = error.message
    try:
        with connection.channel() as channel:
            Exchange.declare(wanted, passive=True, channel=channel)
    except NotFound as error:
        raise TopologyError(_not_there("exchange", wanted.name, vhost, refused)) from error


def _declare(connection: Connection, thing: Exchange | Queue) -> None:
    """Declare an exchange or queue, or check that it exists; raises `TopologyError` when it is missing or different."""
    kind = "queue" if isinstance(thing, Queue) else "exchange"
    vhost = connection.virtual_host or "/"
    try:
        if isinstance(thing, Exchange):
            _provide(connection, thing)
        else:
            with connection.channel() as channel:
                thing(channel).declare()
        return
    except PreconditionFailed as error:
        raise TopologyError(_how_to_migrate(kind, thing.name, vhost, error.message)) from error
    except AccessRefused as error:
        refused = error
    try:  # this user may not declare it, so it must exist already
        with connection.channel() as channel:
            thing(channel).queue_declare(passive=True)
    except NotFound as error:
        raise TopologyError(_not_there(kind, thing.name, vhost, refused.message)) from error


def _not_there(kind: str, name: str, vhost: str, refused: str) -> str:
    return (
        f"the {kind} {name} is missing in the virtual host {vhost!r} and this user may not make it ({refused}): "
        "load deploy/rabbitmq/definitions.json"
    )


def _how_to_migrate(kind: str, name: str, vhost: str, difference: str) -> str:
    """Describe the difference and how to migrate; deleting a queue is safe because consumers fetch its facts from the logs."""
    if kind == "exchange":
        remove = f"delete the exchange {name!r} in the management pages"
    else:
        remove = f"delete the queue (rabbitmqctl -p {vhost} delete_queue {name})"
    return (
        f"the {kind} {name} in the virtual host {vhost!r} is not what Linli needs: {difference}. To migrate: stop the services "
        f"that use it, {remove}, and start them again: it is made anew, and what was in it is fetched again from the logs"
    )


__all__ = [
    "CALLS",
    "DEAD_LETTERS",
    "DEAD_LETTER_QUEUE",
    "DELIVERY_LIMIT",
    "EXCHANGE",
    "PUBLIC",
    "Given",
    "TopologyError",
    "calls",
    "check",
    "check_version",
    "dead_letters",
    "declare",
    "exchange",
    "explained",
    "queue_for",
]
