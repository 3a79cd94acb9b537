"""What the embedded broker promises beyond AMQP: no polling, bounded queues, nothing ignored, a clean start (P16)."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from amqp.exceptions import MessageNacked, NotFound, PreconditionFailed
from hypothesis import given
from hypothesis import strategies as st
from kombu import Connection, Consumer, Queue

from shared.broker.embedded import transport as embedded
from shared.broker.embedded.queues import topic_matches
from tests.component.test_transport import declare, drain, publish


@pytest.fixture
def own() -> Iterator[Connection]:
    """A connection to the embedded broker alone."""
    embedded.install()
    embedded.reset()
    with Connection("linli://embedded") as opened:
        yield opened


WORDS = st.lists(st.sampled_from("ab"), max_size=6)


def takes(pattern: list[str], key: list[str]) -> bool:
    """The definition, word by word."""
    if not pattern:
        return not key
    if pattern[0] == "#":
        return any(takes(pattern[1:], key[skip:]) for skip in range(len(key) + 1))
    return bool(key) and pattern[0] in ("*", key[0]) and takes(pattern[1:], key[1:])


@given(st.lists(st.sampled_from("ab*#"), max_size=6), WORDS)
def test_topic_matching_is_the_definition(pattern: list[str], key: list[str]) -> None:
    assert topic_matches(".".join(pattern), ".".join(key)) == takes(pattern, key)


def test_draining_wakes_at_once_and_stops_at_its_time(own: Connection) -> None:
    queue = declare(own, "waking")
    Consumer(own.channel(), [queue], callbacks=[lambda body, message: message.ack()]).consume()
    before, cpu = time.monotonic(), time.process_time()
    with pytest.raises(TimeoutError):
        own.drain_events(timeout=0.3)
    assert time.monotonic() - before >= 0.3
    assert time.process_time() - cpu < 0.1
    woken: list[float] = []
    waiter = threading.Thread(target=lambda: (own.drain_events(timeout=30), woken.append(time.monotonic())))
    waiter.start()
    with Connection("linli://embedded") as other:
        publish(other, 1)
    waiter.join(10)
    assert woken


def test_threads_lose_and_double_nothing(own: Connection) -> None:
    queue = declare(own, "threads")
    count, seen = 300, []

    def send(start: int) -> None:
        with Connection("linli://embedded") as other:
            publish(other, *range(start, start + count))

    def keep(body: Any, message: Any) -> None:
        seen.append(body)
        message.ack()

    senders = [threading.Thread(target=send, args=(start,)) for start in (0, 1000, 2000)]
    Consumer(own.channel(), [queue], callbacks=[keep], prefetch_count=7).consume()
    for sender in senders:
        sender.start()
    drain(own, lambda: len(seen) == 3 * count, seconds=20)
    for sender in senders:
        sender.join()
    for start in (0, 1000, 2000):
        assert [body for body in seen if start <= body < start + count] == list(range(start, start + count))


def test_arguments_that_would_be_ignored_are_refused(own: Connection) -> None:
    with pytest.raises(PreconditionFailed, match="x-message-ttl"):
        declare(own, "ttl", **{"x-message-ttl": 1000})
    with pytest.raises(PreconditionFailed, match="whole number"):
        declare(own, "bad", **{"x-max-length": "many"})


def test_a_queue_without_a_length_is_bounded_too(own: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.broker.embedded.queues.MAX_LENGTH", 3)
    declare(own, "bounded")
    with pytest.raises(MessageNacked, match="bounded"):
        publish(own, *range(5))


def test_unused_reply_queues_expire(own: Connection) -> None:
    declare(own, "reply", **{"x-expires": 1})
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        declare(own, "other")
        try:
            Queue("reply")(own.channel()).queue_declare(passive=True)
        except NotFound:
            return
        time.sleep(0.01)
    pytest.fail("the queue did not expire")


def test_reset_cuts_connections_so_that_nobody_trusts_old_declarations(own: Connection) -> None:
    declare(own, "old")
    channel = own.channel()
    embedded.reset()
    assert not own.connected
    with pytest.raises(own.connection_errors):
        channel.queue_declare(queue="old", passive=True)
    with pytest.raises(NotFound):
        Queue("old")(own.channel()).queue_declare(passive=True)
