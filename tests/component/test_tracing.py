"""Traces follow one request through both toy services; without LINLI_TRACES there is nothing to pay."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import pytest

from shared.domain.errors import BadInputError, LinliError
from shared.domain.identity import new_id
from shared.service.settings import Settings
from tests.component.city import City, city, wait_for
from tests.green import ROOT, green

CORRELATION = "0190b0b4-7c1e-7d3a-8a55-0242ac120002"


def _one_trace(finished: list[Any], correlation_id: str = CORRELATION) -> dict[str, Any]:
    """The spans of the request by name, after checking that they hang together."""
    from shared.service.tracing import trace_id

    ours = [span for span in finished if span.context.trace_id == trace_id(correlation_id)]
    ids = {span.context.span_id for span in ours}
    assert len(ids) == len(ours), "two spans share an id"
    roots = [span.name for span in ours if span.parent is None]
    assert roots == ["call shops.open_shop"]
    assert all(span.parent.span_id in ids for span in ours if span.parent is not None), "a parent is missing"
    named = {f"{span.resource.attributes['service.name']} {span.name}": span for span in ours}
    assert len(named) == len(ours)
    return named


def _parent(named: dict[str, Any], child: str) -> str:
    return next(name for name, span in named.items() if span.context.span_id == named[child].parent.span_id)


@green
def test_one_trace_from_a_call_to_another_services_view(amqp_uri: str, tmp_path: Path) -> None:
    """Call, execute, append, publish, apply there, what the policy appends there, and its own view."""
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    from shared.service import tracing

    memory = InMemorySpanExporter()
    tracing.start(SimpleSpanProcessor(memory))
    with city(amqp_uri, str(tmp_path)) as running:
        for number in range(20):  # a fact that was fetched before its message came hangs below the append instead
            correlation_id = new_id()
            command = {"command_id": f"open-{number}", "correlation_id": correlation_id}
            running.call("shops", "open_shop", {"shop_id": str(number), "name": "tea"}, **command)
            wait_for(lambda seen=number + 1: _count(memory, "apply Sight") == seen, "the watchers' own view")
            wait_for(lambda seen=number + 1: _count(memory, "publish ShopOpened") >= seen, "the broker's confirm")
            running.settled()
            named = _one_trace(list(memory.get_finished_spans()), correlation_id)
            above = _parent(named, "linli-watchers apply ShopOpened")
            assert above in ("linli-shops append", "linli-shops publish ShopOpened")
            if above != "linli-shops append":
                break
        assert running.call("watchers", "seen", {"shop_id": "0"})["row"]["times"] == 1
        stored = "".join(commit.body.decode() for commit in running.here("shops").node.log.read_commits())
    chain = [
        "linli-door call shops.open_shop",
        "linli-shops shops.open_shop",
        "linli-shops execute open_shop",
        "linli-shops append",
        "linli-shops publish ShopOpened",
        "linli-watchers apply ShopOpened",
        "linli-watchers append",
        "linli-watchers apply Sight",
    ]
    for parent, child in pairwise(chain):
        assert _parent(named, child) == parent, child
    assert _parent(named, "linli-shops apply ShopOpened") == "linli-shops append"
    assert "traceparent" not in stored, "traces are not stored"


def _count(memory: Any, name: str) -> int:
    return sum(span.name == name for span in memory.get_finished_spans())


@green
def test_a_fact_that_was_fetched_finds_its_trace(tmp_path: Path) -> None:
    """Published long ago, in another process: the fact names its request, and its span follows from it."""
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    from shared.broker.embedded import transport as embedded
    from shared.service import tracing
    from tests.component.toy import ShopService

    embedded.install()
    memory = InMemorySpanExporter()
    tracing.start(SimpleSpanProcessor(memory))
    with city("linli://embedded", str(tmp_path), ShopService) as running:
        _open(running)
        wait_for(lambda: _count(memory, "publish ShopOpened") == 1, "the relay")
    embedded.reset()  # the message is gone; the log is not
    with city("linli://embedded", str(tmp_path)):
        wait_for(lambda: _count(memory, "apply Sight") == 1, "the watchers' own view")
    named = _one_trace(list(memory.get_finished_spans()))
    assert _parent(named, "linli-watchers apply ShopOpened") == "linli-shops append"


def _open(running: City) -> None:
    running.call("shops", "open_shop", {"shop_id": "1", "name": "tea"}, command_id="open-1", correlation_id=CORRELATION)


@green
def test_a_span_says_what_kind_of_refusal_and_never_its_words(tmp_path: Path) -> None:
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    from shared.service import tracing

    memory = InMemorySpanExporter()
    tracing.start(SimpleSpanProcessor(memory))
    with city("linli://embedded", str(tmp_path)) as running:
        _open(running)
        with pytest.raises(LinliError):
            running.call("shops", "open_shop", {"shop_id": "1", "name": "x" * 500}, correlation_id=CORRELATION)
    for error, kind in ((BadInputError("陈志明 302"), "bad_input"), (RuntimeError("陈志明 302"), "RuntimeError")):
        with pytest.raises(type(error)), tracing.span("shops", kind, correlation_id=CORRELATION):
            raise error
        assert memory.get_finished_spans()[-1].status.description == kind
    told = "".join(span.to_json(indent=None) for span in memory.get_finished_spans())
    assert "陈志明" not in told and "\\u9648" not in told and "xxx" not in told
    assert [dict(span.events) for span in memory.get_finished_spans() if span.events] == []
    (append,) = (
        span
        for span in memory.get_finished_spans()
        if span.name == "append" and "shops" in str(span.resource.attributes)
    )
    assert "linli.stream" not in append.attributes and append.attributes["linli.command"] == "open_shop"


@green
def test_the_message_carries_the_extension_and_calls_the_header(tmp_path: Path) -> None:
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    from shared.domain.record import Record
    from shared.following import cloudevents
    from shared.following.codes import Codes
    from shared.service import relay, tracing
    from tests.component.test_tracing import CORRELATION, some_record

    record: Record = some_record()
    codes = Codes((b"s" * 32,), "facts")
    assert tracing.call_headers() == {} and not any(map(bool, _carried(tracing, record)))
    tracing.start(SimpleSpanProcessor(InMemorySpanExporter()))
    (carried,) = _carried(tracing, record)
    version, trace, parent, flags = carried.split("-")
    assert (version, int(trace, 16), len(parent), flags) == ("00", tracing.trace_id(CORRELATION), 16, "01")
    message = relay.message_of("shops", record, codes, carried)
    assert message.headers["cloudEvents:traceparent"] == carried
    source, parsed = cloudevents.parse(cloudevents.from_headers(message.headers), message.body)
    assert (source, parsed) == ("shops", record)
    assert "cloudEvents:traceparent" not in relay.message_of("shops", record, codes).headers
    with tracing.span("shops", "outer", correlation_id=CORRELATION):
        assert tracing.call_headers()[tracing.HEADER].split("-")[1] == trace
    assert tracing.call_headers() == {}, "the span is closed"
    with tracing.span("shops", "nobody asked"):
        assert tracing.call_headers() == {}, "services asking one another make no trace of their own"


def _carried(tracing: Any, record: Any) -> list[str]:
    with tracing.publishing("shops", [record]) as carried:
        return [text for text, _ in zip(carried, [record], strict=False)]


def some_record() -> Any:
    """A fact as the log gives it."""
    from shared.log import Commit, EventLog, NewEvent
    from shared.log.memory import MemoryStorage

    log = EventLog("shops", MemoryStorage())
    data = msgspec.Raw(b'{"name":"tea"}')
    event = NewEvent(type="ShopOpened", schema=1, data=data, id="e1", occurred="2026-03-01T09:00:00+08:00")
    log.append(Commit(stream="shop-1", expected_version=0, events=(event,), command="open", command_id="c1", actor="op",
                      correlation_id=CORRELATION))  # fmt: skip
    return next(log.read())


def test_off_means_off(tmp_path: Path) -> None:
    """Without LINLI_TRACES a service at work does not even import OpenTelemetry."""
    script = f"""
import eventlet; eventlet.monkey_patch()
import sys
from shared.broker.embedded import transport as embedded
from tests.component.city import city
embedded.install()
with city("linli://embedded", {str(tmp_path)!r}) as running:
    running.call("shops", "open_shop", {{"shop_id": "1", "name": "tea"}}, command_id="1", correlation_id="c")
    running.settled()
print([name for name in sys.modules if name.startswith("opentelemetry")])
"""
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", script], cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)},
                          capture_output=True, text=True, timeout=60, check=False)  # fmt: skip
    assert done.stdout.strip().splitlines()[-1:] == ["[]"], done.stdout + done.stderr


def test_the_console_prints_a_line_a_span() -> None:
    script = f"""
from shared.service import tracing
tracing.configure("console")
with tracing.span("shops", "outer", correlation_id={CORRELATION!r}):
    with tracing.span("shops", "inner"):
        pass
"""
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    inner, outer = map(json.loads, done.stdout.splitlines())
    assert inner["parent_id"] == outer["context"]["span_id"]
    assert outer["context"]["trace_id"] == "0x" + CORRELATION.replace("-", "")


@green
def test_spans_reach_a_collector_and_one_that_is_gone_hurts_nobody(tmp_path: Path) -> None:
    """OTLP over HTTP: a POST to /v1/traces; afterwards the collector is away and work goes on."""
    import threading
    from http.server import BaseHTTPRequestHandler, HTTPServer

    from shared.broker.embedded import transport as embedded
    from shared.service import tracing

    got: list[tuple[str, bytes]] = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append((self.path, self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *arguments: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Collector)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    embedded.install()
    tracing.configure(f"http://127.0.0.1:{server.server_port}")
    with city("linli://embedded", str(tmp_path)) as running:
        _open(running)
        wait_for(lambda: any(b"apply ShopOpened" in body for _, body in got), "the collector")
        server.shutdown()
        server.server_close()
        assert (
            running.call("shops", "close_shop", {"shop_id": "1"}, command_id="close", correlation_id="c2")["events"]
            == 1
        )
        running.settled()
    assert {path for path, _ in got} == {"/v1/traces"}


@pytest.mark.parametrize("traces", ["yes", "ftp://collector", "127.0.0.1:4318"])
def test_a_wrong_address_is_named(traces: str) -> None:
    with pytest.raises(BadInputError, match="LINLI_TRACES must be console or an http address"):
        Settings.read({"LINLI_TRACES": traces})


@green
def test_the_gauges_say_how_far_everything_is(tmp_path: Path) -> None:
    """Log head, relayed, relay lag, applied per source, parked, append latency: as /metrics gives them."""
    from prometheus_client import REGISTRY, generate_latest

    from shared.broker.embedded import transport as embedded

    embedded.install()
    with city("linli://embedded", str(tmp_path)) as running:
        _open(running)
        running.call("shops", "open_shop", {"shop_id": "2", "name": "poison"}, command_id="open-2")
        running.settled()
        value = REGISTRY.get_sample_value
        expected = {
            ("linli_log_head", "shops", ""): 2,
            ("linli_log_head", "watchers", ""): 2,
            ("linli_relayed", "shops", ""): 2,
            ("linli_relay_lag", "shops", ""): 0,
            ("linli_applied", "shops", "shops"): 2,
            ("linli_applied", "watchers", "shops"): 2,
            ("linli_applied", "watchers", "watchers"): 2,
            ("linli_parked_waiting", "watchers", "shops"): 1,
            ("linli_parked_waiting", "watchers", "watchers"): 0,
        }

        def shown() -> dict[Any, Any]:
            return {
                key: value(key[0], {"service": key[1]} | ({"source": key[2]} if key[2] else {})) for key in expected
            }

        wait_for(lambda: shown() == expected, f"the gauges; they say {shown()}")
        assert value("linli_append_seconds_count", {"service": "shops", "outcome": "ok"}) == 2
        assert b"linli_call_seconds_bucket" in generate_latest()


def test_one_trace_from_http_to_the_city_ledger(tmp_path: Path) -> None:
    """A request to the gateway with a correlation id of its own; the spans on stdout lead to the audit service."""
    from tests.e2e.backups import City as Embedded

    embedded = Embedded(tmp_path / "data")
    embedded.environment["LINLI_TRACES"] = "console"
    process = embedded.start()
    try:
        person = {"person_id": "lin", "name": "林小满"}
        headers = {"Idempotency-Key": "person-1", "X-Correlation-Id": CORRELATION}
        embedded.client().post("/api/registry/register_person", person, headers)
        output = tmp_path / "data.up.log"
        wait_for(
            lambda: '"audit"' in json.dumps([_brief(span) for span in _printed(output)]), "the audit service's span"
        )
    finally:
        process.kill()
        process.wait()
    spans = {_brief(span): span for span in _printed(output)}
    chain = [
        ("gateway", "POST /api/registry/register_person"),
        ("gateway", "call registry.register_person"),
        ("registry", "registry.register_person"),
        ("registry", "execute register_person"),
        ("registry", "append"),
        ("registry", "publish PersonRegistered"),
        ("audit", "apply PersonRegistered"),
    ]
    assert spans[chain[0]]["parent_id"] is None
    for parent, child in pairwise(chain):
        assert spans[child]["parent_id"] == spans[parent]["context"]["span_id"], child
    assert "林小满" not in json.dumps(list(spans.values()), ensure_ascii=False), "personal data in a trace"


def _printed(output: Path) -> list[dict[str, Any]]:
    """The spans of the request among the lines of a process."""
    lines = [json.loads(line) for line in output.read_text().splitlines() if line.startswith('{"name"')]
    return [line for line in lines if line["context"]["trace_id"] == "0x" + CORRELATION.replace("-", "")]


def _brief(span: dict[str, Any]) -> tuple[str, str]:
    return span["resource"]["attributes"]["service.name"].removeprefix("linli-"), span["name"]
