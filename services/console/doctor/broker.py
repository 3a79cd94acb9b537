"""Checks of the broker: version, credentials, and whether exchanges and queues exist with the right arguments."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from amqp.exceptions import AccessRefused, NotFound, PreconditionFailed, ResourceLocked
from kombu import Connection, Exchange, Queue

from services.console.catalogue import OWNERS, definition
from services.console.doctor.certificates import certificates
from services.console.doctor.finding import Finding
from shared.broker.connecting import connection as connection_to
from shared.broker.topology import (
    PATIENCE,
    PUBLIC,
    Given,
    TopologyError,
    check_version,
    dead_letters,
    exchange,
    explained,
    queue_for,
)
from shared.service.settings import Settings

#: Queues of the release before, in which other systems got whole facts.
_FORMER = ("linli.subscriber.finance", "linli.subscriber.street")
_MISSING = "load deploy/rabbitmq/definitions.json, or start the service once"


def broker(settings: Settings, services: list[str]) -> Iterator[Finding]:
    """Connect as a service would and check; raises `TopologyError` or `UnavailableError` when it cannot connect."""
    where = connection_to(settings.amqp_uri, settings.amqp_tls, connect_timeout=PATIENCE)
    with explained(settings.amqp_uri), where as connection:
        connection.ensure_connection(max_retries=0, reraise_as_library_errors=False)
        properties = getattr(connection.connection, "server_properties", None) or {}
        said = f"{properties.get('product', 'unknown broker')} {properties.get('version', '')}".strip()
        over = " over TLS" if settings.amqp_tls else ""
        yield Finding("broker", "ok", f"{said} answers{over} and accepts the user {connection.userid!r}")
        address = (str(connection.hostname), int(connection.port or 5671))
        yield from certificates("AMQP", [address], settings.amqp_tls)
        try:
            check_version(connection)
            yield Finding("broker version", "ok", said)
        except TopologyError as error:
            yield Finding(
                "broker version", "failed", error.message, "upgrade RabbitMQ; facts stay in the logs meanwhile"
            )
        dead = dead_letters()
        things: list[Exchange | Queue] = [exchange(), dead.exchange, dead]
        for service in services:
            if sources := definition(service).sources if service in OWNERS else ():
                things.append(queue_for(service, sources))
        if "audit" in services:
            things.append(Given(PUBLIC, type="topic", durable=True))
        for thing in things:
            yield _look(connection, thing)
        for name in _FORMER:
            yield from _former(connection, name)


def _former(connection: Connection, name: str) -> Iterator[Finding]:
    """Say that a queue is there which gives another system what is not for everybody; nothing when it is not."""
    try:
        with connection.channel() as channel:
            channel.queue_declare(name, passive=True)
    except (NotFound, AccessRefused):
        return
    except ResourceLocked:
        pass
    how = f"rabbitmqctl -p {connection.virtual_host or '/'} delete_queue {name}"
    advice = f"load deploy/rabbitmq/definitions.json, let the system read linli.public.* instead, then {how}"
    yield Finding(
        f"queue {name}", "failed", "is from the release before and fills with whole facts, for another system", advice
    )


def _look(connection: Connection, thing: Exchange | Queue) -> Finding:
    """Declare it passively and, if it exists, with its right arguments: that changes nothing, and the broker refuses a difference."""
    name = f"{'queue' if isinstance(thing, Queue) else 'exchange'} {thing.name}"
    try:
        with connection.channel() as channel:
            _declare(thing, channel, passive=True)
    except NotFound:
        return Finding(name, "failed", "is missing", _MISSING)
    except (AccessRefused, ResourceLocked) as error:
        return Finding(
            name, "warning", f"may not be looked at by this user: {error.message}", "ask as its own service's user"
        )
    try:
        with connection.channel() as channel:
            _declare(thing, channel)
    except PreconditionFailed as error:
        advice = f"stop the services that use it, delete the {name}, start them again: it comes back, and its facts from the logs"
        return Finding(name, "failed", f"is there, but different: {error.message}", advice)
    except AccessRefused:
        return Finding(name, "ok", "is there (this user may not see how it was declared)")
    return Finding(name, "ok", "is there and as it should be")


def _declare(thing: Exchange | Queue, channel: Any, passive: bool = False) -> None:
    if isinstance(thing, Queue):
        thing(channel).queue_declare(passive=passive)
    else:
        Exchange.declare(thing, passive=passive, channel=channel)
