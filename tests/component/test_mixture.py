"""Whatever comes in whatever order: every bad message is kept with reason and bytes, none is lost, other streams go on (R5)."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from random import Random
from typing import Any

import msgspec
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from kombu import Connection, Exchange, Producer

from shared.broker.topology import EXCHANGE
from shared.domain.identity import new_id
from shared.domain.record import Record
from shared.log import Commit, NewEvent
from shared.service.relay import fact_codes, message_of
from tests.component.city import CONFIRMED, City, city, wait_for
from tests.green import green

#: What happens to one of four shops. The name "poison" makes a view raise, and nobody has told watchers what painting is.
HAPPENS = st.tuples(st.sampled_from(["open", "open", "close", "poison", "paint"]), st.integers(0, 3))
ODD = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.text(max_size=20), st.lists, max_leaves=4
)
HEADERS = st.dictionaries(st.text("abcdefgh:-", min_size=1, max_size=12), ODD, max_size=4)
CHANGES = {
    "specversion": st.sampled_from(["0.3", "2.0", 2, None]),
    "position": st.sampled_from([0, -1, 10**15, "next", 1.5, [1]]),
    "source": st.sampled_from(["/linli/elsewhere", "/linli/", "elsewhere", 7]),
    "type": st.sampled_from(["cn.linli.shops.ShopOpened.v2", "ShopOpened", None]),
    "subject": st.text(max_size=10).map(lambda text: f"shop-{text}?"),
    "id": st.text(min_size=1, max_size=10),
    "mac": st.sampled_from(["", "00", 7, None, ["x"], "é"]),
}
#: What is wrong with a message: its body, all its headers, or one attribute of a fact that is true otherwise.
BAD = (
    st.tuples(st.just("body"), st.binary(max_size=60))
    | st.tuples(st.just("headers"), HEADERS)
    | st.sampled_from(sorted(CHANGES)).flatmap(lambda name: st.tuples(st.just(name), CHANGES[name]))
)


class Mixer:
    """Appends to the shops' log and decides what of it reaches the watchers, how often and among what."""

    def __init__(self, here: City, amqp_uri: str) -> None:
        self.here, self.uri = here, amqp_uri
        self.shops, self.watchers = here.here("shops"), here.here("watchers").node
        self.codes = fact_codes(here.containers["shops"].config["settings"])
        self.held: list[Record] = []
        self.shops.followers.relay._publish = lambda publisher, records: self.held.extend(records)
        self.bad: dict[str, bytes] = {}
        self.rounds = 0
        self.rows: dict[str, dict[str, Any] | None] = {}
        self.put_aside: dict[int, str] = {}  # position to state

    def happen(self, events: list[tuple[str, int]]) -> None:
        """Append, and work out what the watchers must make of it."""
        self.rounds += 1
        versions, blocked = [0] * 4, [False] * 4
        for what, number in events:
            shop = f"r{self.rounds}-{number}"
            type = {"close": "ShopClosed", "paint": "ShopPainted"}.get(what, "ShopOpened")
            name = {"open": "tea", "poison": "poison"}.get(what)
            data = msgspec.json.encode({"shop_id": shop} | ({"name": name} if name else {}))
            event = NewEvent(type=type, schema=1, data=msgspec.Raw(data), id=new_id(), occurred="2026-03-01T09:00:00Z")
            position = self.shops.node.log.append(
                Commit(stream=f"shop-{shop}", expected_version=versions[number], events=(event,), command=what,
                       command_id=new_id(), actor="op")
            ).position  # fmt: skip
            versions[number] += 1
            if blocked[number]:
                self.put_aside[position] = "waiting"
            elif what in ("poison", "paint"):
                self.put_aside[position], blocked[number] = "parked", True
            else:
                row = self.rows.get(shop) or {}
                self.rows[shop] = None if what == "close" else {"name": "tea", "times": row.get("times", 0) + 1}

    def send(self, bad: list[tuple[str, Any]], repeats: int, random: Random) -> None:
        """Publish all that was held back, some of it twice, with the bad between, in any order."""
        head = self.shops.node.log.head().position
        wait_for(lambda: self.shops.node.views.checkpoint("relay") >= head, "the relay to hand over")
        true = [
            (dict(message.headers), message.body) for message in (message_of("shops", r, self.codes) for r in self.held)
        ]
        self.held.clear()
        mixed = true + random.choices(true, k=repeats)
        for what, value in bad:
            headers, body = random.choice(true)
            if what == "body":
                body = value
            else:
                headers = value if what == "headers" else {**headers, f"cloudEvents:{what}": value}
            number = f"{len(self.bad)}"
            self.bad[number] = body
            mixed.append(({**headers, "number": number}, body))
        random.shuffle(mixed)
        with Connection(self.uri, transport_options=CONFIRMED) as connection:
            producer = Producer(connection.channel(), Exchange(EXCHANGE, type="topic"), auto_declare=False)
            for headers, body in mixed:
                kind = random.choice(["application/json", "text/plain", "application/x-python-serialize", "?"])
                code = random.choice(["utf-8", "binary", "utf-16", "zip", "?"])
                producer.publish(body, routing_key=random.choice(["shops.X", "shops", "shops.ShopOpened.1.2"]),
                                 headers=headers, content_type=kind, content_encoding=code)  # fmt: skip

    def check(self) -> None:
        """Nothing is lost, nothing is applied twice, and a replay makes the same of it."""
        self.here.settled()
        wait_for(lambda: len(self._kept()) >= len(self.bad), "every bad message to be kept")
        assert self._kept() == self.bad
        parked = {row["position"]: row["state"] for row in self._parked() if row["source"] == "shops"}
        assert parked == self.put_aside
        assert all(row["reason"] for row in self._parked())
        before = self._seen()
        assert before == {shop: row for shop, row in self.rows.items() if row is not None}
        self.here.call("watchers", "rebuild_views", timeout=30)
        assert self._seen() == before

    def _kept(self) -> dict[str, bytes]:
        records = [json.loads(row["record"]) for row in self._parked() if row["source"] == "unreadable"]
        return {record["headers"]["number"]: base64.b64decode(record["body"]) for record in records}

    def _parked(self) -> tuple[dict[str, Any], ...]:
        return self.watchers.views.find("parked", {}, limit=500).rows

    def _seen(self) -> dict[str, dict[str, Any]]:
        return {row.pop("key"): row for row in self.watchers.views.find("seen", {}, limit=500).rows}


@green
def test_any_mixture_is_sorted_out(amqp_uri: str, tmp_path: Path) -> None:
    with city(amqp_uri, tmp_path) as here:
        mixer = Mixer(here, amqp_uri)

        @settings(max_examples=15, deadline=None, database=None, derandomize=True, phases=[Phase.generate],
                  suppress_health_check=list(HealthCheck))  # fmt: skip
        @given(
            st.lists(HAPPENS, min_size=1, max_size=12),
            st.lists(BAD, max_size=8),
            st.integers(0, 6),
            st.integers(0, 2**32).map(Random),
        )
        def rounds(events: list[tuple[str, int]], bad: list[tuple[str, Any]], repeats: int, random: Random) -> None:
            mixer.happen(events)
            mixer.send(bad, repeats, random)
            mixer.check()

        rounds()
        assert len(mixer.bad) > 20 and "parked" in mixer.put_aside.values() and "waiting" in mixer.put_aside.values()
        kinds = {row["reason"].split(":")[0] for row in mixer._parked()}
        assert {"not authentic", "ValueError", "KeyError"} <= kinds, kinds
