"""Services at work on the embedded broker and on RabbitMQ: once and in order, whatever is lost, repeated or poisoned."""

from __future__ import annotations

import json
import sqlite3
import time
from pathlib import Path

import eventlet
import pytest
from kombu import Connection, Exchange, Producer

from shared.broker import topology
from shared.domain.errors import (
    BadInputError,
    ForbiddenError,
    IllegalStateError,
    NotFoundError,
    TimedOutError,
    UnauthenticatedError,
)
from shared.following import cloudevents
from shared.following.context import CallContext, Signer
from shared.service.rpc import HEADER
from tests.component.city import CONFIRMED, City, city, wait_for
from tests.component.toy import ShopService
from tests.green import green


def opened(here: City, number: int, name: str = "tea") -> int:
    receipt = here.call("shops", "open_shop", {"shop_id": f"s{number}", "name": name}, command_id=f"open-{number}")
    position: int = receipt["position"]
    return position


def seen(here: City, number: int) -> dict:
    return here.call("watchers", "seen", {"shop_id": f"s{number}"})


@green
def test_a_fact_reaches_the_other_service_once(amqp_uri: str, tmp_path: Path) -> None:
    """Command, log, relay, consumer, view and policy; a repeated command changes nothing."""
    with city(amqp_uri, tmp_path) as here:
        position = opened(here, 1)
        assert opened(here, 1) == position == 1
        answer = here.call("watchers", "seen", {"shop_id": "s1"}, after={"shops": 1, "watchers": 1})
        assert answer == {"row": {"key": "s1", "name": "tea", "times": 1}, "sights": {"key": "s1", "count": 1}}


@green
def test_callers_read_their_own_writes(amqp_uri: str, tmp_path: Path) -> None:
    with city(amqp_uri, tmp_path) as here:
        for number in range(20):
            position = opened(here, number)
            assert here.call("watchers", "seen", {"shop_id": f"s{number}"}, after={"shops": position})["row"]
        with pytest.raises(TimedOutError, match="watchers has not heard of shops position 99"):
            here.call("watchers", "seen", {"shop_id": "s1"}, after={"shops": 99})


@green
def test_facts_are_applied_in_order(amqp_uri: str, tmp_path: Path) -> None:
    """Ten workers would reorder open and close; one follower does not."""
    with city(amqp_uri, tmp_path) as here:
        pool = eventlet.GreenPool(20)

        def live(number: int) -> None:
            opened(here, number)
            for turn in range(3):
                here.call("shops", "close_shop", {"shop_id": f"s{number}"}, command_id=f"close-{number}-{turn}")
                name = {"shop_id": f"s{number}", "name": f"turn {turn}"}
                here.call("shops", "open_shop", name, command_id=f"again-{number}-{turn}")

        list(pool.imap(live, range(20)))
        here.settled()
        for number in range(20):
            assert seen(here, number)["row"] == {"key": f"s{number}", "name": "turn 2", "times": 1}
            assert seen(here, number)["sights"] == {"key": f"s{number}", "count": 4}


@green
def test_bad_input_is_named_and_changes_nothing(amqp_uri: str, tmp_path: Path) -> None:
    with city(amqp_uri, tmp_path) as here:
        opened(here, 1)
        with pytest.raises(BadInputError) as error:
            here.call("shops", "open_shop", {"shop_id": 7, "colour": "red"})
        assert set(error.value.fields) == {"shop_id", "name", "colour"}
        with pytest.raises(NotFoundError, match="there is no shop s2"):
            here.call("shops", "close_shop", {"shop_id": "s2"})
        with pytest.raises(BadInputError, match="this key was used for something else"):
            here.call("shops", "close_shop", {"shop_id": "s1"}, command_id="open-1")
        with pytest.raises(BadInputError, match="has not come yet"):
            here.call("shops", "open_shop", {"shop_id": "s3", "name": "a"}, occurred="2199-01-01T00:00:00+08:00")
        with pytest.raises(BadInputError, match="must be a time with its offset"):
            here.call("shops", "open_shop", {"shop_id": "s3", "name": "a"}, occurred="2025-01-01T00:00:00")
        with pytest.raises(ForbiddenError, match="anonymous has no mandate"):
            here.call("shops", "status", kind="anonymous", actor="")
        assert here.here("shops").node.log.head().position == 1


@green
def test_a_forged_context_is_refused(amqp_uri: str, tmp_path: Path) -> None:
    """Any client of the broker can send a message, but not sign for the city (R8)."""
    with city(amqp_uri, tmp_path) as here:
        caller = here._caller
        real = caller._signer
        arguments = {"shop_id": "s1", "name": "tea"}
        operator = CallContext(kind="operator", actor="op", command_id="c")

        class Replay:
            def __init__(self, text: str) -> None:
                self.sign = lambda *_: text
                self.check = real.check

        expired = Signer(Path(tmp_path, "secret").read_bytes().strip())
        for forged, why in (
            (Signer(b"x" * 32), "not signed by this city"),
            (Replay(""), "no signed context"),
            (Replay("code.%%%"), "cannot be read"),
            (Replay(real.sign(operator, "shops.close_shop", arguments)), "signed for another call"),
            (
                Replay(real.sign(operator, "shops.open_shop", {"shop_id": "s1", "name": "coffee"})),
                "signed for another call",
            ),
            (Replay(_expired(expired, operator, arguments)), "expired"),
        ):
            caller._signer = forged
            with pytest.raises(UnauthenticatedError, match=why):
                here.call("shops", "open_shop", arguments)
        assert here.here("shops").node.log.head().position == 0


def _expired(signer: Signer, context: CallContext, arguments: dict) -> str:
    real = time.time
    time.time = lambda: real() - 3600
    try:
        return signer.sign(context, "shops.open_shop", arguments)
    finally:
        time.time = real


@green
def test_poison_is_parked_and_other_streams_go_on(amqp_uri: str, tmp_path: Path) -> None:
    """A view that raises parks the fact with its reason; later facts of that stream wait, others do not (R5)."""
    with city(amqp_uri, tmp_path) as here:
        opened(here, 1, "poison")
        here.call("shops", "close_shop", {"shop_id": "s1"}, command_id="close-1")
        opened(here, 2)
        here.settled()
        assert seen(here, 2)["row"]["times"] == 1
        assert seen(here, 1)["row"] is None
        rows = here.call("watchers", "parked")["rows"]
        assert [(row["position"], row["state"]) for row in rows] == [(1, "parked"), (2, "waiting")]
        assert rows[0]["reason"] == "ValueError: this name cannot be counted"
        kept = here.here("watchers").node.views.get("parked", rows[0]["key"])["record"]
        assert '"poison"' in kept and '"poison"' not in json.dumps(rows), "it is kept whole, and not shown"
        act = {"source": "shops", "stream": "shop-s1", "reason": "trying again"}
        assert here.call("watchers", "retry_parked", act, command_id="r1")["applied"] == 0
        with pytest.raises(NotFoundError, match="no fact of shop-s9 is parked"):
            here.call("watchers", "skip_parked", act | {"stream": "shop-s9"}, command_id="r2")
        skipped = here.call("watchers", "skip_parked", act | {"reason": "cannot be counted"}, command_id="r3")
        assert skipped["applied"] == 1
        assert (
            here.call("watchers", "skip_parked", act | {"reason": "cannot be counted"}, command_id="r3")["applied"] == 0
        )
        assert here.call("watchers", "parked")["rows"] == []
        types = [record.type for record in here.here("watchers").node.log.read()]
        assert types == ["FactParked", "Sight", "ParkedFactsRetried", "ParkedFactSkipped"]
        here.call("shops", "open_shop", {"shop_id": "s1", "name": "tea"}, command_id="again")
        here.settled()
        assert seen(here, 1)["row"]["times"] == 1


@green
def test_what_is_not_a_fact_is_parked_with_its_bytes(amqp_uri: str, tmp_path: Path) -> None:
    """Undecodable bodies, unknown versions and strange sources are kept for an operator and stop nothing (R5)."""
    with city(amqp_uri, tmp_path) as here:
        opened(here, 1)
        here.settled()
        record = next(here.here("shops").node.log.read())
        good = cloudevents.to_headers(cloudevents.attributes("shops", record))
        with Connection(amqp_uri, transport_options=CONFIRMED) as connection:
            producer = Producer(connection.channel(), Exchange(topology.EXCHANGE, type="topic"))
            for body, headers in (
                (b"\xff\xfe not json", good),
                (b"[1]", good),
                (b"{}", {}),
                (b"{}", good | {"cloudEvents:specversion": "9.0"}),
                (b"{}", good | {"cloudEvents:source": "/linli/elsewhere", "cloudEvents:type": "cn.linli.elsewhere.X"}),
                (b"{}", good | {"cloudEvents:position": "many"}),
            ):
                producer.publish(
                    body,
                    routing_key="shops.X",
                    headers=headers,
                    content_type="application/json",
                    content_encoding="utf-8",
                )
        wait_for(lambda: len(here.call("watchers", "parked")["rows"]) == 6, "six parked messages")
        reasons = sorted(row["reason"] for row in here.call("watchers", "parked")["rows"])
        assert any("version '9.0' is not known" in reason for reason in reasons)
        assert any("does not follow 'elsewhere'" in reason for reason in reasons)
        opened(here, 2)
        here.settled()
        assert seen(here, 2)["row"]["times"] == 1
        rows = here.call("watchers", "parked")["rows"]
        act = {"source": "unreadable", "stream": rows[0]["stream"], "reason": "a stranger's, told to the police"}
        with pytest.raises(IllegalStateError, match="no fact cannot be applied"):
            here.call("watchers", "retry_parked", act, command_id="r1")
        assert here.call("watchers", "skip_parked", act, command_id="r2")["applied"] == 0
        assert here.call("watchers", "parked")["rows"] == rows[1:], "it is put away with its bytes"
        with pytest.raises(NotFoundError, match="is parked here"):
            here.call("watchers", "skip_parked", act, command_id="r3")
        last = list(here.here("watchers").node.log.read())[-1]
        assert last.type == "ParkedFactSkipped" and b"told to the police" in bytes(last.data)


@green
def test_lost_and_repeated_messages_are_made_good(amqp_uri: str, tmp_path: Path) -> None:
    """The broker is disposable: what it lost is fetched from the log, what it repeats is skipped (R2)."""
    with city(amqp_uri, tmp_path) as here:
        node = here.here("shops").node
        opened(here, 1)
        here.settled()
        relay = here.here("shops").followers.relay
        publish, relay._publish = relay._publish, lambda publisher, records: None  # these are lost
        for number in range(2, 6):
            opened(here, number)
        wait_for(lambda: node.views.checkpoint("relay") == 5, "the relay to pass the lost ones")
        relay._publish = lambda publisher, records: (publish(publisher, records), publish(publisher, records))
        opened(here, 6)
        here.settled()
        for number in range(1, 7):
            assert seen(here, number)["row"]["times"] == 1
            assert seen(here, number)["sights"]["count"] == 1
        relay._publish = lambda publisher, records: None  # and a lost last one is asked for
        opened(here, 7)
        here.settled()
        assert seen(here, 7)["row"]["times"] == 1


@green
def test_a_restart_goes_on_from_the_files(amqp_uri: str, tmp_path: Path) -> None:
    with city(amqp_uri, tmp_path, ShopService) as here:
        for number in range(5):
            opened(here, number)
    with city(amqp_uri, tmp_path) as here:
        here.settled()
        assert all(seen(here, number)["row"]["times"] == 1 for number in range(5))
    with city(amqp_uri, tmp_path) as here:
        assert opened(here, 1) == 2
        assert opened(here, 9) == 6
        here.settled()
        assert seen(here, 9)["row"]["times"] == 1
        assert here.call("watchers", "status")["head"] == 6


@green
def test_views_are_rebuilt_while_reads_go_on(amqp_uri: str, tmp_path: Path) -> None:
    with city(amqp_uri, tmp_path) as here:
        for number in range(50):
            opened(here, number)
        opened(here, 50, "poison")
        here.settled()
        before = [seen(here, number) for number in range(51)]
        with sqlite3.connect(Path(tmp_path, "watchers.views.sqlite")) as views:
            views.execute('UPDATE seen SET row = \'{"name":"wrong"}\'')
        reading, reads = True, 0

        def read() -> None:
            nonlocal reads
            while reading:
                assert seen(here, 7)["row"]["name"] in ("wrong", "tea")
                reads += 1

        reader = eventlet.spawn(read)
        here.call("watchers", "rebuild_views", timeout=30)
        reading = False
        reader.wait()
        assert reads > 0
        assert [seen(here, number) for number in range(51)] == before
        opened(here, 51)
        here.settled()
        assert seen(here, 51)["row"]["times"] == 1


@green
def test_a_call_without_an_answer_times_out(amqp_uri: str, tmp_path: Path) -> None:
    """Nothing is kept for answers that never come."""
    with city(amqp_uri, tmp_path) as here:
        here.here("shops").answer_slowly = True
        node = here.here("shops").node
        real = node.decide
        node.decide = lambda *args, **kwargs: (time.sleep(2), real(*args, **kwargs))[1]
        with pytest.raises(TimedOutError, match="shops did not answer within 0.3 s"):
            here.call("shops", "open_shop", {"shop_id": "s1", "name": "tea"}, timeout=0.3, command_id="c")
        node.decide = real
        assert here._caller.replies._reply_events == {}
        assert HEADER.startswith("nameko.")
