"""The embedded broker means what RabbitMQ means: the same tests run on both.

It carries every service of the embedded shape, so P7, P9 and P16 and the fault rows R2 and R5 rest on it.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest
from amqp.exceptions import ChannelError, ConsumerCancelled, MessageNacked, NotFound, PreconditionFailed
from kombu import Connection, Consumer, Exchange, Producer, Queue

FACTS = Exchange("linli.events", type="topic", durable=True)


@pytest.fixture
def connection(amqp_uri: str) -> Iterator[Connection]:
    with Connection(amqp_uri, transport_options={"confirm_publish": True}) as opened:
        yield opened


def declare(connection: Connection, name: str, *keys: str, exchange: Exchange = FACTS, **arguments: Any) -> Queue:
    queue = Queue(name, exchange, routing_key=keys[0] if keys else "#", queue_arguments=arguments)(connection.channel())
    queue.declare()
    for key in keys[1:]:
        queue.bind_to(exchange, key)
    return queue


def publish(connection: Connection, *bodies: Any, key: str = "issues.IssueReported.350104", **properties: Any) -> None:
    producer = Producer(connection.channel(), exchange=FACTS, serializer="json")
    for body in bodies:
        producer.publish(body, routing_key=key, **properties)


def everything(queue: Queue, *, seconds: float = 5.0, count: int | None = None) -> list[Any]:
    """Take and acknowledge what the queue holds; waits for `count` messages when it is given."""
    found: list[Any] = []
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        message = queue.get()
        if message is not None:
            found.append(message)
            message.ack()
        elif count is None or len(found) >= count:
            break
    return found


def payloads(messages: list[Any]) -> list[Any]:
    return [message.payload for message in messages]


@pytest.mark.parametrize(
    ("pattern", "taken", "left"),
    [
        ("issues.*.350104.#", ["issues.A.350104", "issues.A.350104.013.002"], ["issues.A.350105", "issues.350104"]),
        ("#", ["issues", "issues.A.350104", ""], []),
        ("issues.#", ["issues", "issues.A", "issues.A.B"], ["issuesX", "funding.issues"]),
        ("#.007", ["007", "a.007", "a.b.007"], ["007.a"]),
        ("*.IssueClosed.#", ["issues.IssueClosed", "x.IssueClosed.1.2"], ["IssueClosed", "a.b.IssueClosed"]),
        ("a.#.b.#.c", ["a.b.c", "a.x.b.b.y.c"], ["a.c", "a.b", "a.b.c.d"]),
        ("*", ["one"], ["", "one.two"]),
        ("a+.b", ["a+.b"], ["aa.b", "aaa.b"]),
    ],
)
def test_topic_patterns_take_words_not_characters(
    connection: Connection, pattern: str, taken: list[str], left: list[str]
) -> None:
    queue = declare(connection, "pattern", pattern)
    for key in taken + left:
        publish(connection, key, key=key)
    assert payloads(everything(queue)) == taken


def test_a_queue_bound_twice_gets_a_message_once(connection: Connection) -> None:
    queue = declare(connection, "twice", "issues.#", "#.350104")
    publish(connection, 1)
    assert payloads(everything(queue)) == [1]


@pytest.mark.parametrize(("kind", "expected"), [("direct", ["a"]), ("fanout", ["a", "b"])])
def test_direct_and_fanout_exchanges(connection: Connection, kind: str, expected: list[str]) -> None:
    exchange = Exchange(f"other.{kind}", type=kind)
    queue = declare(connection, "plain", "a", exchange=exchange)
    producer = Producer(connection.channel(), exchange=exchange)
    for key in ("a", "b"):
        producer.publish(key, routing_key=key)
    assert payloads(everything(queue)) == expected


def test_the_default_exchange_goes_to_the_queue_named(connection: Connection) -> None:
    queue = declare(connection, "named")
    Producer(connection.channel()).publish({"wish": "微心愿"}, routing_key="named", serializer="json")
    assert payloads(everything(queue)) == [{"wish": "微心愿"}]


def test_properties_arrive_as_py_amqp_gives_them(connection: Connection) -> None:
    queue = declare(connection, "properties")
    publish(
        connection,
        {"x": 1},
        correlation_id="c-1",
        reply_to="r-1",
        message_id="m-1",
        type="IssueReported",
        headers={"nameko.call": ["a", 1]},
    )
    (message,) = everything(queue)
    assert {
        name: message.properties[name]
        for name in (
            "content_type",
            "content_encoding",
            "correlation_id",
            "reply_to",
            "message_id",
            "type",
            "delivery_mode",
        )
    } == {
        "content_type": "application/json",
        "content_encoding": "utf-8",
        "correlation_id": "c-1",
        "reply_to": "r-1",
        "message_id": "m-1",
        "type": "IssueReported",
        "delivery_mode": 2,
    }
    assert message.headers == {"nameko.call": ["a", 1]}
    assert message.delivery_info["routing_key"] == "issues.IssueReported.350104"
    assert message.delivery_info["exchange"] == "linli.events"
    assert message.delivery_info["redelivered"] is False
    assert isinstance(message.body, bytes | str)


def test_prefetch_limits_what_is_unacknowledged(connection: Connection) -> None:
    queue = declare(connection, "prefetch")
    publish(connection, *range(5))
    seen: list[Any] = []
    channel = connection.channel()
    with Consumer(channel, [queue], callbacks=[lambda body, message: seen.append(message)], prefetch_count=2):
        drain(connection, lambda: len(seen) == 2)
        with pytest.raises(TimeoutError):
            connection.drain_events(timeout=0.2)
        seen[0].ack()
        drain(connection, lambda: len(seen) == 3)
    assert payloads(seen) == [0, 1, 2]


def drain(connection: Connection, done: Any, seconds: float = 5.0) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        connection.drain_events(timeout=max(0.01, deadline - time.monotonic()))


def test_a_rejected_message_comes_again_at_its_place(connection: Connection) -> None:
    queue = declare(connection, "requeue")
    publish(connection, *range(4))
    first, second = queue.get(), queue.get()
    second.reject(requeue=True)
    first.reject(requeue=True)
    messages = everything(queue, count=4)
    assert payloads(messages) == [0, 1, 2, 3]
    assert [message.delivery_info["redelivered"] for message in messages] == [True, True, False, False]


@pytest.mark.parametrize("what", ["channel", "connection"])
def test_unacknowledged_messages_return_in_order(connection: Connection, amqp_uri: str, what: str) -> None:
    queue = declare(connection, "returned")
    publish(connection, *range(6))
    other = Connection(amqp_uri)
    channel = other.channel()
    seen: list[Any] = []
    Consumer(channel, [queue(channel)], callbacks=[lambda body, message: seen.append(message)]).consume()
    drain(other, lambda: len(seen) == 3)
    seen[1].ack()
    (channel if what == "channel" else other).close()
    assert payloads(everything(queue, count=5)) == [0, 2, 3, 4, 5]
    other.close()


def test_one_queue_is_shared_between_its_consumers(connection: Connection, amqp_uri: str) -> None:
    queue = declare(connection, "shared")
    seen: dict[str, list[Any]] = {"a": [], "b": []}
    others = [Connection(amqp_uri), Connection(amqp_uri)]
    for name, other in zip(seen, others, strict=True):

        def keep(body: Any, message: Any, to: list[Any] = seen[name]) -> None:
            to.append(body)
            message.ack()

        Consumer(other.channel(), [queue], callbacks=[keep]).consume()
    publish(connection, *range(10))
    for name, other in zip(seen, others, strict=True):
        drain(other, lambda name=name: len(seen[name]) == 5)
        other.close()
    assert sorted(seen["a"] + seen["b"]) == list(range(10))


def test_a_single_active_consumer_hands_over_in_order(connection: Connection, amqp_uri: str) -> None:
    queue = declare(connection, "single", **{"x-single-active-consumer": True})
    first, second = Connection(amqp_uri), Connection(amqp_uri)
    seen: list[Any] = []
    for other in (first, second):
        channel = other.channel()
        Consumer(channel, [queue(channel)], callbacks=[lambda body, message: seen.append(message)]).consume()
    publish(connection, 1, 2)
    drain(first, lambda: len(seen) == 2)
    with pytest.raises(TimeoutError):
        second.drain_events(timeout=0.2)
    seen[0].ack()
    first.close()
    drain(second, lambda: len(seen) == 3)
    assert payloads(seen) == [1, 2, 2]
    second.close()


def test_a_refused_message_goes_to_the_dead_letter_exchange(connection: Connection) -> None:
    dead = declare(connection, "dead", exchange=Exchange("linli.dead", type="fanout"))
    queue = declare(connection, "letters", **{"x-dead-letter-exchange": "linli.dead"})
    publish(connection, "poison")
    queue.get().reject()
    (message,) = everything(dead, count=1)
    assert message.payload == "poison"
    assert message.headers["x-death"][0]["reason"] == "rejected"
    assert message.headers["x-death"][0]["queue"] == "letters"


def test_a_message_returned_too_often_is_dead_lettered(connection: Connection) -> None:
    dead = declare(connection, "dead", exchange=Exchange("linli.dead", type="fanout"))
    queue = declare(
        connection,
        "limited",
        **{"x-queue-type": "quorum", "x-delivery-limit": 2, "x-dead-letter-exchange": "linli.dead"},
    )
    publish(connection, "poison")
    deadline, returns = time.monotonic() + 10, 0
    while returns < 3 and time.monotonic() < deadline:
        if (message := queue.get()) is not None:
            message.reject(requeue=True)
            returns += 1
    assert payloads(everything(dead, count=1)) == ["poison"]
    assert queue.get() is None


def test_dead_letters_that_go_round_in_a_circle_end(connection: Connection) -> None:
    pair = {"x-max-length": 1, "x-overflow": "drop-head", "x-dead-letter-exchange": ""}
    first = declare(connection, "first", **pair, **{"x-dead-letter-routing-key": "second"})
    second = declare(connection, "second", "nothing", **pair, **{"x-dead-letter-routing-key": "first"})
    publish(connection, 1, 2, 3)
    assert len(payloads(everything(first, count=1) + everything(second, count=1))) == 2


def test_purge_and_delete(connection: Connection) -> None:
    queue = declare(connection, "doomed")
    publish(connection, 1, 2)
    assert queue.purge() == 2
    publish(connection, 3)
    assert queue.delete() == 1
    with pytest.raises(NotFound):
        queue(connection.channel()).queue_declare(passive=True)


def test_a_consumer_is_told_that_its_queue_was_deleted(connection: Connection, amqp_uri: str) -> None:
    queue = declare(connection, "vanishing")
    with Connection(amqp_uri) as other:
        Consumer(other.channel(), [queue]).consume()
        queue.delete()
        with pytest.raises(ConsumerCancelled):
            drain(other, lambda: False, seconds=3)


def test_a_mandatory_message_without_a_queue_is_returned(connection: Connection) -> None:
    declare(connection, "elsewhere", "funding.#")
    with pytest.raises(ChannelError, match="NO_ROUTE"):
        publish(connection, 1, mandatory=True)


def test_declaring_again_with_other_arguments_is_refused(connection: Connection) -> None:
    declare(connection, "settled")
    declare(connection, "settled")
    with pytest.raises(PreconditionFailed):
        declare(connection, "settled", **{"x-max-length": 3})
    with pytest.raises(PreconditionFailed):
        Exchange("linli.events", type="direct")(connection.channel()).declare()


def test_a_full_queue_refuses_the_publisher(connection: Connection) -> None:
    queue = declare(connection, "full", **{"x-max-length": 2, "x-overflow": "reject-publish"})
    with pytest.raises(MessageNacked):
        publish(connection, *range(10))
    assert payloads(everything(queue))[:2] == [0, 1]


def test_a_queue_may_drop_its_oldest(connection: Connection) -> None:
    queue = declare(connection, "recent", **{"x-max-length": 2})
    publish(connection, *range(5))
    assert payloads(everything(queue)) == [3, 4]


def test_an_exclusive_queue_ends_with_its_connection(connection: Connection, amqp_uri: str) -> None:
    with Connection(amqp_uri) as other:
        Queue("mine", FACTS, "#", exclusive=True)(other.channel()).declare()
        with pytest.raises(ChannelError, match="RESOURCE_LOCKED"):
            Queue("mine")(connection.channel()).queue_declare(passive=True)
    with pytest.raises(NotFound):
        Queue("mine")(connection.channel()).queue_declare(passive=True)


NAMEKO = """
import eventlet; eventlet.monkey_patch()
import sys, time
from shared.broker.embedded import transport as embedded
embedded.install()
from nameko.rpc import rpc
from nameko.exceptions import RemoteError, UnknownService
from nameko.runners import ServiceRunner
from nameko.standalone.rpc import ClusterRpcProxy

class Echo:
    name = "echo"
    @rpc
    def echo(self, value):
        return value
    @rpc
    def fail(self):
        raise ValueError("no")

config = {"AMQP_URI": sys.argv[1]}
runner = ServiceRunner(config)
runner.add_service(Echo)
runner.start()
with ClusterRpcProxy(config, timeout=10) as cluster:
    assert cluster.echo.echo({"a": [1, None]}) == {"a": [1, None]}
    replies = [cluster.echo.echo.call_async(n) for n in range(50)]
    assert [reply.result() for reply in replies] == list(range(50))
    try:
        cluster.echo.fail()
    except RemoteError as error:
        assert error.exc_type == "ValueError"
    try:
        cluster.nobody.echo(1)
    except UnknownService:
        print("unknown service refused")
used = time.process_time()
eventlet.sleep(1)
assert time.process_time() - used < 0.2, "busy while idle"
runner.stop()
print("stopped")
"""


def test_nameko_calls_work_and_rest(amqp_uri: str, pytestconfig: pytest.Config) -> None:
    """RPC in a patched process: answers, errors, unknown services, no work while idle, an orderly stop (P7, P16)."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", NAMEKO, amqp_uri],
        cwd=pytestconfig.rootpath,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout.split("\n")[:2] == ["unknown service refused", "stopped"], done.stderr
