"""Poison on the real broker: parked or refused with the reason, no process ends over it, and the facts go on (R5)."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from kombu import Connection, Exchange, Producer

from shared.broker.topology import EXCHANGE
from shared.following import cloudevents
from shared.service.storage import open_log
from tests.component.city import CONFIRMED
from tests.faults.api import Api, Unknown
from tests.faults.checker import check
from tests.faults.conftest import Founded
from tests.faults.founding import COMPOUND
from tests.faults.load import Load
from tests.processes import wait_until

pytestmark = [pytest.mark.city, pytest.mark.timeout(500)]

FOLLOWERS_OF_REGISTRY = ("issues", "volunteers", "funding", "audit")


@pytest.fixture
def good_headers(founded: Founded) -> dict[str, Any]:
    """Headers of a true fact of the registry."""
    log = open_log(founded.city.settings, "registry", read_only=True)
    return dict(cloudevents.to_headers(cloudevents.attributes("registry", next(log.read()))))


def parked(founded: Founded) -> list[tuple[str, str]]:
    """Who parked what that could not be read: service and reason; each with the digest of its bytes."""
    found = []
    for name, service in _parked_of(founded).items():
        for row in service:
            if row["source"] == "unreadable":
                assert len(row["digests"]["body"]) == 64 and "record" not in row
                found.append((name, row["reason"]))
    return found


def _parked_of(founded: Founded) -> dict[str, list[dict[str, Any]]]:
    import urllib.request

    rows: dict[str, list[dict[str, Any]]] = {}
    for name in FOLLOWERS_OF_REGISTRY:
        request = urllib.request.Request(f"{founded.city.url}/api/operations/parked?service={name}&limit=200")
        request.add_header("Authorization", f"Bearer {founded.tokens['operator']}")
        with urllib.request.urlopen(request, timeout=20) as answer:
            told = json.load(answer)
        rows[name] = told["rows"] if "rows" in told else told["services"][name]["rows"]
    return rows


def test_what_is_no_fact_is_parked_by_each_that_follows(
    founded: Founded, good_headers: dict[str, Any], seed: int, tmp_path: Path
) -> None:
    """Undecodable, unknown, strange and oversized messages stop nothing, also when they come under wrong routing keys."""
    before = len(parked(founded))
    pids = {name: process.pid for name, process in founded.city.processes.items()}
    poison: list[tuple[bytes, dict[str, Any], str]] = [
        (b"\xff\xfe not json", good_headers, "registry.PersonRegistered.350104"),
        (b"[1]", good_headers, "registry.PersonRegistered"),
        (b"{}", {}, "registry.Unknown"),
        (b"{}", good_headers | {"cloudEvents:specversion": "9.0"}, "registry.PersonRegistered"),
        (b"{}", good_headers | {"cloudEvents:source": "/elsewhere"}, "registry.PersonRegistered"),
        (b"\x00" * 20_000_000, {}, "registry.Large"),
    ]
    ahead = {name: "999999" if name.endswith("position") else value for name, value in good_headers.items()}
    poison.append((b"{}", ahead, "registry.PersonRegistered"))
    with Connection(founded.city.broker_uri, transport_options=CONFIRMED) as connection:
        producer = Producer(connection.channel(), Exchange(EXCHANGE, type="topic"))
        for body, headers, routing_key in poison:
            producer.publish(body, routing_key=routing_key, headers=headers, content_type="application/json",
                             content_encoding="utf-8")  # fmt: skip
    expected = len(poison) * len(FOLLOWERS_OF_REGISTRY)
    wait_until(lambda: len(parked(founded)) - before >= expected, 120,
               lambda: f"{expected} parked messages expected:\n{parked(founded)}\n{founded.city.tails()}")  # fmt: skip
    told = parked(founded)
    assert len(told) - before == expected, told
    assert any("version '9.0' is not known" in reason for _, reason in told)
    assert sum("not authentic: registry did not send position 999999" in reason for _, reason in told) == len(
        FOLLOWERS_OF_REGISTRY
    )
    stray = next(row for row in _parked_of(founded)["issues"] if row["source"] == "unreadable")
    done = founded.city.linli("park", "skip", "issues", "unreadable", stray["stream"], "--reason", "looked into")
    assert done.returncode == 0, done.stderr
    assert stray not in _parked_of(founded)["issues"] and len(parked(founded)) == len(told) - 1
    load = Load(founded.city.url, founded.tokens, tmp_path / "receipts.jsonl", seed, prefix="p")
    load.start()
    load.wait_for(10)
    load.stop()
    founded.city.converge(relays=True)
    findings = check(founded.city, tmp_path / "receipts.jsonl")
    assert findings.all_well() and not load.wrong, (findings, load.wrong)
    assert {name: process.pid for name, process in founded.city.processes.items()} == pids


def test_malformed_calls_end_no_service(founded: Founded) -> None:
    """Any client of the broker can send them: without a return address, undecodable, for no method, or of a wrong shape."""
    city = founded.city
    pids = {name: process.pid for name, process in city.processes.items()}
    calls: list[tuple[bytes, dict[str, Any]]] = [
        (b'{"args": [], "kwargs": {}}', {}),
        (b'{"args": [], "kwargs": {}}', {"reply_to": "nobody", "correlation_id": "x"}),
        (b"\xff", {"reply_to": "nobody", "correlation_id": "x"}),
        (b"[]", {"reply_to": "nobody", "correlation_id": "x"}),
        (b"7", {}),
        (b'{"args": 1, "kwargs": 2}', {"reply_to": "nobody", "correlation_id": "x"}),
        (b'{"args": [1, 2, 3], "kwargs": {"x": 1}}', {}),
        (b"pickled", {"content_type": "application/x-python-serialize", "reply_to": "nobody", "correlation_id": "x"}),
        (b"?", {"content_type": "application/unknown"}),
    ]
    with Connection(city.broker_uri, transport_options=CONFIRMED) as connection:
        producer = Producer(connection.channel(), Exchange("nameko-rpc", type="topic"))
        for name in city.processes:
            for method in ("report_issue", "status", "no_such_method", ""):
                for body, properties in calls:
                    producer.publish(body, routing_key=f"{name}.{method}", **{"content_type": "application/json",
                                     "content_encoding": "utf-8", **properties})  # fmt: skip
    api = Api(city.url, "")
    deadline = time.monotonic() + 30
    while True:
        try:
            report = {"place": COMPOUND, "category": "clutter", "description": "楼道堆物"}
            assert api.send("issues/report_issue", report, "after-poison")["position"] > 0
            break
        except Unknown:
            assert time.monotonic() < deadline, city.tails()
    city.wait_ready(30)
    assert {name: process.pid for name, process in city.processes.items()} == pids, city.tails()
