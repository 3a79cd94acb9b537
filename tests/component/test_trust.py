"""Nothing that arrives over the broker is believed because it arrived: facts and answers carry a code of this city (R8)."""

from __future__ import annotations

import base64
import json
import struct
import time
from pathlib import Path
from typing import Any

import amqp
import pytest
from kombu import Connection, Consumer, Exchange, Producer, Queue

from shared.broker import topology
from shared.domain.errors import BadInputError, LinliError, UnavailableError
from shared.domain.record import Record
from shared.following import cloudevents
from shared.following.codes import Codes
from shared.service.relay import fact_codes
from tests.component.city import City, city, wait_for
from tests.green import green
from tests.servers import RabbitMQ

FACT = b'{"shop_id":"s9","name":"forged"}'


def publish(uri: str, headers: dict[str, Any], body: bytes, key: str = "shops.ShopOpened") -> None:
    with Connection(uri) as connection:
        producer = Producer(connection.channel(), Exchange(topology.EXCHANGE, type="topic"))
        producer.publish(body, routing_key=key, headers=headers, content_type="application/json",
                         content_encoding="utf-8")  # fmt: skip


def signed(about: dict[str, Any], body: bytes, codes: Codes) -> dict[str, Any]:
    found = dict(about)
    cloudevents.sign(found, body, codes)
    return found


def parked(here: City) -> list[dict[str, Any]]:
    """As they are kept; operators are told where they belong and why they wait."""
    rows: list[dict[str, Any]] = here.call("watchers", "parked", {"limit": 500})["rows"]
    assert not any("record" in row for row in rows)
    kept = here.here("watchers").node.views.get_many("parked", [row["key"] for row in rows])
    return [row | {"record": kept[row["key"]]["record"]} for row in rows]


def record_of(here: City) -> Record:
    """A recorded fact of the shops."""
    here.call("shops", "open_shop", {"shop_id": "s1", "name": "tea"})
    here.settled()
    return next(here.here("shops").node.log.read())


@green
def test_a_forged_next_fact_is_parked_and_the_true_one_is_applied(amqp_uri: str, tmp_path: Path) -> None:
    """A client with the right to publish knows everything but the secret: what it makes changes nothing."""
    with city(amqp_uri, tmp_path) as here:
        record = record_of(here)
        true = signed(cloudevents.attributes("shops", record), bytes(record.data), own := fact_codes(_settings(here)))
        ahead = cloudevents.attributes("shops", record) | {"position": 2, "commitindex": 0, "subject": "shop-s9"}
        forged = [
            (ahead, FACT),
            (ahead | {cloudevents.MAC: true[cloudevents.MAC]}, FACT),
            (signed(ahead, FACT, Codes((b"a guess of at least thirty-two bytes",), "facts")), FACT),
            (signed(ahead, FACT, Codes(_settings(here).secrets(), "answers")), FACT),
            (signed(ahead, FACT, own), FACT.replace(b"forged", b"FORGED")),
            (signed(ahead, FACT, own) | {"subject": "shop-s1"}, FACT),
            (signed(ahead, FACT, own) | {"added": "x"}, FACT),
            (ahead | {cloudevents.MAC: 7}, FACT),
            (ahead | {cloudevents.MAC: ["x"], "deep": {"er": [1, None]}}, FACT),
            (ahead | {"position": 10**15}, FACT),
        ]
        for about, body in forged:
            publish(amqp_uri, cloudevents.to_headers(about), body)
        wait_for(lambda: len(parked(here)) == len(forged), "all forged messages to be parked")
        for row in parked(here):
            assert "not authentic: shops did not send position" in row["reason"]
            assert base64.b64decode(json.loads(row["record"])["body"]).lower() == FACT
        assert here.here("watchers").node.followers["shops"].position == 1
        here.call("shops", "open_shop", {"shop_id": "s2", "name": "tea"})
        here.settled()
        assert here.call("watchers", "seen", {"shop_id": "s9"}) == {"row": None, "sights": None}
        assert here.call("watchers", "seen", {"shop_id": "s2"})["sights"]["count"] == 1


@green
def test_facts_of_an_earlier_release_come_from_the_log(amqp_uri: str, tmp_path: Path) -> None:
    """What lies in the queues at an upgrade has no code yet: it is put aside, and the same facts are fetched."""
    with city(amqp_uri, tmp_path) as here:
        relay = here.here("shops").followers.relay
        relay._publish = lambda publisher, records: [
            publish(amqp_uri, cloudevents.to_headers(cloudevents.attributes("shops", record)), bytes(record.data))
            for record in records
        ]
        for number in range(5):
            here.call("shops", "open_shop", {"shop_id": f"s{number}", "name": "tea"})
        here.settled()
        assert all(here.call("watchers", "seen", {"shop_id": f"s{n}"})["sights"]["count"] == 1 for n in range(5))
        wait_for(lambda: len(parked(here)) == 5, "the messages to be put aside")
        del relay._publish
        here.call("shops", "open_shop", {"shop_id": "s5", "name": "tea"})
        here.settled()


@green
def test_a_silent_source_is_asked_while_others_talk(amqp_uri: str, tmp_path: Path) -> None:
    """The last fact of a source may be lost; messages without end from elsewhere must not hide it."""
    with city(amqp_uri, tmp_path) as here:
        record_of(here)
        here.here("shops").followers.relay._publish = lambda publisher, records: None
        here.call("shops", "open_shop", {"shop_id": "s2", "name": "tea"})

        def heard() -> bool:
            publish(amqp_uri, {"chatter": time.time_ns()}, b"", "shops.X")
            return here._behind() == 0

        wait_for(heard, "the shops to be asked while messages come")


@green
def test_forged_answers_are_not_believed(amqp_uri: str, tmp_path: Path) -> None:
    """Whoever reads a call can answer it first; what is not vouched for counts as no answer."""
    with city(amqp_uri, tmp_path) as here, Connection(amqp_uri) as connection:
        channel, calls = connection.channel(), Exchange(topology.CALLS, type="topic")
        seen: list[Any] = []
        ear = Queue("ear", calls, routing_key=here._caller.replies.routing_key, exclusive=True)
        ghost = Queue("ghost", calls, routing_key="ghost.*", exclusive=True)
        with Consumer(channel, [ear, ghost], on_message=seen.append, no_ack=True):
            here.call("shops", "status")
            true = _next(connection, seen, ear.routing_key).payload["result"]
            assert true["ok"]["service"] == "shops"
            for forged in (
                {"ok": {"position": 7}}, true, true | {"ok": {}}, {"ok": 1, "code": 7}, {}, [], None, "x",
                {"error": {"kind": "not_found", "message": "there is none"}}, {"error": "x"},
            ):  # fmt: skip
                reply = here._caller.container.spawn_managed_thread(lambda: _asked(here))
                call = _next(connection, seen, "ghost.open_shop")
                Producer(channel, calls).publish(
                    {"result": forged, "error": None},
                    routing_key=call.properties["reply_to"],
                    correlation_id=call.properties["correlation_id"],
                    serializer="json",
                )
                assert reply.wait() == "the answer of ghost.open_shop is not authentic; all processes must have the same " \
                    "LINLI_SECRET_FILE", forged  # fmt: skip


@green
def test_what_is_too_large_to_send_is_refused_and_others_go_on(amqp_uri: str, tmp_path: Path) -> None:
    """The broker would end the connection over it, with everybody's calls."""
    with city(amqp_uri, tmp_path) as here:
        with pytest.raises(BadInputError, match=r"the call is too large: 9000\d* bytes are more than"):
            here.call("shops", "open_shop", {"shop_id": "s1", "name": "x" * 9_000_000})
        node = here.here("shops").node
        status, node.status = node.status, lambda: {"ready": True, "much": "x" * 9_000_000}
        with pytest.raises(
            LinliError, match=r"shops\.status: 9000\d* bytes are more than the 8388608 that can be sent"
        ):
            here.call("shops", "status")
        node.status = status
        assert here.call("shops", "status")["head"] == 0


@green
def test_large_facts_are_fetched_a_few_at_a_time(amqp_uri: str, tmp_path: Path) -> None:
    """Two hundred of them in one answer would be more than a broker takes, and a follower would never get any."""
    with city(amqp_uri, tmp_path) as here:
        node = here.here("shops").node
        here.here("shops").followers.relay._publish = lambda publisher, records: None
        for number in range(12):
            here.call("shops", "open_shop", {"shop_id": f"s{number}", "name": "x" * 900_000})
        assert [len(node.read_log(after, 200)) for after in (0, 10, 11, 12)] == [2, 2, 1, 0]
        wait_for(lambda: here._behind() == 0, "all of them to be fetched")
        assert here.call("watchers", "seen", {"shop_id": "s11"})["sights"]["count"] == 1


@pytest.fixture
def broker(rabbitmq: RabbitMQ) -> str:
    """An empty RabbitMQ: only there do headers travel as bytes."""
    return rabbitmq.vhost()


@green
def test_headers_that_cannot_be_decoded_stop_nothing(broker: str, tmp_path: Path) -> None:
    """A time beyond all calendars: the client library ends the connection over it, and the broker delivers it again."""
    with city(broker, tmp_path) as here:
        here.call("shops", "open_shop", {"shop_id": "s1", "name": "tea"})
        here.settled()
        with Connection(broker) as connection:
            for exchange, key in ((topology.EXCHANGE, "shops.X"), (topology.CALLS, "shops.status"),
                                  (topology.CALLS, here._caller.replies.routing_key)):  # fmt: skip
                _publish_odd(connection.channel(), exchange, key)
        wait_for(lambda: len(parked(here)) == 1, "the message to be parked")
        (row,) = parked(here)
        told = json.loads(row["record"])
        assert base64.b64decode(told["body"]) == b"{}" and "cannot be decoded" in told["headers"]["unreadable"]
        assert (b"T" + b"\x7f" + b"\xff" * 7) in bytes.fromhex(told["headers"]["bytes"])
        here.call("shops", "open_shop", {"shop_id": "s2", "name": "tea"})
        here.settled()


def _publish_odd(channel: Any, exchange: str, key: str) -> None:
    """A message with a header that says 2^63-1 seconds since 1970; no client would write it, so its bytes are put together here."""
    message = amqp.Message(b"{}", content_type="application/json", application_headers={"when": "MARKER"})
    written: bytes = message._serialize_properties()
    text, time = b"S" + struct.pack(">I", 6) + b"MARKER", b"T" + struct.pack(">Q", 2**63 - 1)
    name = b"\x04when"
    old, new = (struct.pack(">I", len(name + value)) + name + value for value in (text, time))
    assert old in written
    message._serialize_properties = lambda: written.replace(old, new)
    channel.confirm_select()
    channel.basic_publish_confirm(message, exchange, key)


def _asked(here: City) -> str:
    with pytest.raises(UnavailableError) as caught:
        here.call("ghost", "open_shop", {"shop_id": "s1"})
    return caught.value.message


def _next(connection: Connection, seen: list[Any], routing_key: str) -> Any:
    """The next message with a routing key; others are passed over."""
    while True:
        connection.drain_events(timeout=10)
        if (message := seen.pop()).delivery_info["routing_key"] == routing_key:
            return message


def _settings(here: City) -> Any:
    return here.containers["shops"].config["settings"]
