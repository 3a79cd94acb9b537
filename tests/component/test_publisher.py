"""Pipelined confirmed publishing (P8): a return means every message is with the broker, anything else is an error.

Runs on the embedded broker and on RabbitMQ; lost, frozen and blocked connections are made with the test run's own node.
"""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import FrozenInstanceError
from typing import Any

import pytest
from kombu import Connection, Exchange, Queue

from shared.broker.embedded import transport as embedded
from shared.broker.message import Message, NotConfirmed
from shared.broker.publisher import Publisher
from tests.servers import RabbitMQ

QUORUM = {"x-queue-type": "quorum"}


@pytest.fixture
def publisher(amqp_uri: str) -> Iterator[Publisher]:
    opened = Publisher(amqp_uri, "linli.events")
    yield opened
    opened.close()


def facts(count: int, size: int = 10) -> list[Message]:
    return [
        Message(
            routing_key=f"issues.IssueReported.{n % 7}",
            body=b"%06d" % n + b"x" * size,
            headers={"cloudEvents:id": str(n), "cloudEvents:position": n},
            properties={"message_id": f"id-{n}", "type": "IssueReported", "content_type": "application/json"},
        )
        for n in range(count)
    ]


class Tap:
    """A queue bound to the exchange, read over a connection of its own."""

    def __init__(self, uri: str, **arguments: Any) -> None:
        self.connection = Connection(uri)
        exchange = Exchange("linli.events", type="topic", durable=True)
        self.queue = Queue("tap", exchange, "#", queue_arguments=arguments)(self.connection.channel())
        self.queue.declare()

    def take(self, count: int, seconds: float = 20) -> list[Any]:
        found: list[Any] = []
        deadline = time.monotonic() + seconds
        while len(found) < count and time.monotonic() < deadline:
            message = self.queue.get(no_ack=True)
            if message is not None:
                found.append(message)
        return found


@pytest.fixture
def tap(amqp_uri: str) -> Iterator[Tap]:
    opened = Tap(amqp_uri, **QUORUM)
    yield opened
    opened.connection.close()


def eventually(condition: Callable[[], bool], tick: Callable[[], None] = lambda: None, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        tick()
        time.sleep(0.02)


def test_messages_arrive_complete_and_in_order(publisher: Publisher, tap: Tap) -> None:
    sent = facts(500)
    publisher.publish(sent[:300], timeout=30)
    publisher.publish(sent[300:], timeout=30)
    got = tap.take(500)
    assert [bytes(message.body) for message in got] == [message.body for message in sent]
    last = got[-1]
    assert last.delivery_info["routing_key"] == sent[-1].routing_key
    assert last.headers.items() >= {"cloudEvents:id": "499", "cloudEvents:position": 499}.items()
    assert {name: last.properties[name] for name in ("message_id", "type", "content_type", "delivery_mode")} == {
        "message_id": "id-499",
        "type": "IssueReported",
        "content_type": "application/json",
        "delivery_mode": 2,
    }


def test_bodies_larger_than_a_frame_arrive_whole(publisher: Publisher, tap: Tap) -> None:
    sent = facts(3, size=300_000)
    publisher.publish(sent, timeout=30)
    assert [bytes(message.body) for message in tap.take(3)] == [message.body for message in sent]


def test_a_message_nobody_listens_to_is_confirmed(publisher: Publisher) -> None:
    publisher.publish(facts(3), timeout=10)
    publisher.publish([], timeout=0)


def test_a_message_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        facts(1)[0].body = b""  # type: ignore[misc]


def test_a_full_queue_is_an_error_and_the_rest_goes_when_there_is_room(publisher: Publisher, amqp_uri: str) -> None:
    small = Tap(amqp_uri, **{"x-max-length": 3, "x-overflow": "reject-publish"})
    with pytest.raises(NotConfirmed, match="full") as caught:
        publisher.publish(facts(6), timeout=10)
    assert 3 <= caught.value.confirmed < caught.value.total == 6
    small.queue.purge()
    publisher.publish(facts(2), timeout=10)
    assert [message.headers["cloudEvents:position"] for message in small.take(2)] == [0, 1]
    small.connection.close()


def test_an_exchange_of_another_type_is_an_error(amqp_uri: str, publisher: Publisher) -> None:
    with Connection(amqp_uri) as other:
        Exchange("linli.events", type="fanout", durable=True)(other.channel()).declare()
    with pytest.raises(NotConfirmed, match="type"):
        publisher.publish(facts(1), timeout=5)


def test_a_deleted_exchange_is_made_again(publisher: Publisher, amqp_uri: str) -> None:
    publisher.publish(facts(1), timeout=10)
    with Connection(amqp_uri) as other:
        other.channel().exchange_delete("linli.events")
    with pytest.raises(NotConfirmed, match=r"0 of 5 .*linli\.events"):
        publisher.publish(facts(5), timeout=10)
    publisher.publish(facts(5), timeout=10)


def test_nobody_at_the_address_is_an_error_that_names_it_without_the_password() -> None:
    publisher = Publisher("amqp://relay:secret@127.0.0.1:1/city", "linli.events")
    with pytest.raises(NotConfirmed, match=r"127\.0\.0\.1:1/") as caught:
        publisher.publish(facts(1), timeout=2)
    assert "secret" not in str(caught.value)
    publisher.close()


def test_a_closed_publisher_opens_again(publisher: Publisher, tap: Tap) -> None:
    publisher.publish(facts(1), timeout=10)
    publisher.close()
    publisher.close()
    assert not publisher.connected
    publisher.publish(facts(1), timeout=10)
    assert len(tap.take(2)) == 2


def test_the_embedded_broker_wiped_between_two_calls() -> None:
    embedded.install()
    embedded.reset()
    publisher = Publisher("linli://embedded", "linli.events")
    publisher.publish(facts(1), timeout=1)
    embedded.reset()
    with pytest.raises(NotConfirmed, match="lost"):
        publisher.publish(facts(1), timeout=1)
    publisher.publish(facts(1), timeout=1)


@pytest.fixture
def own(rabbitmq: RabbitMQ) -> Iterator[Publisher]:
    """A publisher on RabbitMQ with short heartbeats."""
    opened = Publisher(rabbitmq.vhost(), "linli.events", heartbeat=1)
    opened.publish(facts(1), timeout=10)
    yield opened
    opened.close()


def test_ticks_keep_an_idle_connection_and_without_them_it_is_lost(own: Publisher, rabbitmq: RabbitMQ) -> None:
    """A connection is closed by RabbitMQ after two silent heartbeats; four seconds are twice that."""
    quiet = Publisher(rabbitmq.vhost(), "linli.events", heartbeat=1)
    quiet.publish(facts(1), timeout=10)
    until = time.monotonic() + 4
    eventually(lambda: time.monotonic() > until, tick=own.tick)
    assert own.connected
    own.publish(facts(10), timeout=10)
    with pytest.raises(NotConfirmed, match="lost"):
        quiet.publish(facts(1), timeout=10)
    quiet.publish(facts(1), timeout=10)
    quiet.close()


def test_a_memory_alarm_blocks_until_it_is_over(own: Publisher, rabbitmq: RabbitMQ) -> None:
    rabbitmq.ctl("set_vm_memory_high_watermark", "absolute", "1000")
    try:
        with pytest.raises(NotConfirmed, match="blocked"):
            own.publish(facts(5), timeout=3)
        assert own.blocked
        with pytest.raises(NotConfirmed, match=r"0 of 5 .*blocked"):
            own.publish(facts(5), timeout=0.3)
        waiting = threading.Thread(target=own.publish, args=(facts(5), 60))
        waiting.start()
    finally:
        rabbitmq.ctl("set_vm_memory_high_watermark", "0.4")
    waiting.join(60)
    assert not own.blocked
    own.publish(facts(5), timeout=10)


def test_a_frozen_broker_is_an_error_in_time(own: Publisher, rabbitmq: RabbitMQ) -> None:
    rabbitmq.pause()
    try:
        before = time.monotonic()
        with pytest.raises(NotConfirmed, match="0 of 5000"):
            own.publish(facts(5000, size=2000), timeout=1.5)
        with pytest.raises(NotConfirmed, match="no connection"):
            own.publish(facts(1), timeout=0.5)
        assert time.monotonic() - before < 10
    finally:
        rabbitmq.resume()
    eventually(lambda: confirms(own))


def confirms(publisher: Publisher) -> bool:
    try:
        publisher.publish(facts(1), timeout=5)
    except NotConfirmed:
        return False
    return True


@pytest.mark.city
def test_a_broker_killed_under_load_loses_nothing_confirmed(own: Publisher, rabbitmq: RabbitMQ) -> None:
    """Every confirmed message is in the quorum queue after `kill -9` and a restart (R1)."""
    uri = rabbitmq.vhost()
    publisher, tap = Publisher(uri, "linli.events"), Tap(uri, **QUORUM)
    confirmed = 0
    sent = facts(400_000)
    killer = threading.Timer(0.5, rabbitmq.kill)
    killer.start()
    with pytest.raises(NotConfirmed) as caught:
        for confirmed in range(0, len(sent), 200):
            publisher.publish(sent[confirmed : confirmed + 200], timeout=10)
    killer.join()
    confirmed += caught.value.confirmed
    assert confirmed > 0
    publisher.tick()
    own.tick()
    assert not own.connected
    rabbitmq.start()
    eventually(lambda: confirms(publisher))
    tap.connection = Connection(uri)
    tap.queue = tap.queue(tap.connection.channel())
    found = [int(message.body[:6]) for message in tap.take(confirmed)]
    assert found == list(range(confirmed))
    tap.connection.close()
    publisher.close()


PATCHED = """
import eventlet; eventlet.monkey_patch()
import sys, time
from shared.broker.embedded import transport as embedded
embedded.install()
from kombu import Connection, Exchange, Queue
from shared.broker.message import Message
from shared.broker.publisher import Publisher
publisher = Publisher(sys.argv[1], "linli.events", heartbeat=1)
turns = 0
def turn():
    global turns
    while True:
        turns += 1
        eventlet.sleep(0)
other = eventlet.spawn(turn)
publisher.publish([Message("a.b.c", b"%d" % n) for n in range(3000)], timeout=30)
assert turns > 3, "others starve"
other.kill()
until = time.monotonic() + 3
while time.monotonic() < until:
    publisher.tick()
    eventlet.sleep(0.1)
publisher.publish([Message("a.b.c", b"end")], timeout=10)
publisher.close()
print("confirmed")
"""


def test_it_works_patched_by_eventlet(amqp_uri: str, pytestconfig: pytest.Config) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PATCHED, amqp_uri],
        cwd=pytestconfig.rootpath,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout == "confirmed\n", done.stderr
