"""The API over HTTP: commands, queries, and a clear refusal of everything else (R7)."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openapi_spec_validator import validate
from werkzeug.datastructures import MultiDict

from services.gateway.contracts import CONTRACTS
from shared.domain.errors import (
    STATUS,
    NotFoundError,
    from_mapping,
)
from shared.domain.words import said, term
from tests.component.gateway.city import REPORT, City, refused


def test_the_openapi_document_is_valid_and_has_every_command_and_query(shared_client: FlaskClient) -> None:
    document = shared_client.get("/api/openapi.json").json
    validate(document)
    for contract in CONTRACTS:
        for name in contract.commands:
            assert "post" in document["paths"][f"/api/{contract.service}/{name}"]
        for name in contract.queries:
            assert "get" in document["paths"][f"/api/{contract.service}/{name}"]
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            assert method == "parameters" or operation["summary"], path


def test_every_published_field_says_what_it_is_for(shared_client: FlaskClient) -> None:
    document = shared_client.get("/api/openapi.json").json
    silent = [
        f"{name}.{field}"
        for name, schema in document["components"]["schemas"].items()
        if name != "PaginationMetadataSchema" and not name.endswith("Answer")
        for field, shape in schema.get("properties", {}).items()
        if not (shape.get("description") or "$ref" in shape or "allOf" in shape or shape.get("items"))
    ]
    assert silent == []


def test_the_document_says_of_a_declared_query_and_command_what_their_fields_take(shared_client: FlaskClient) -> None:
    document = shared_client.get("/api/openapi.json").json
    query = document["paths"]["/api/issues/find_visits"]["get"]
    fields = {parameter["name"]: parameter for parameter in query["parameters"] if parameter["in"] == "query"}
    assert (fields["limit"]["schema"]["minimum"], fields["limit"]["schema"]["maximum"]) == (1, 500)
    assert fields["status"]["schema"]["enum"] == ["planned", "recorded"]
    assert fields["place__under"]["description"] == "a place and everything below it; empty: your own"
    assert {"Linli-Post", "Linli-After"} <= {parameter["name"] for parameter in query["parameters"]}
    assert {"200", "401", "403", "422", "503"} <= set(query["responses"])
    record = document["components"]["schemas"]["IssuesRecordVisit"]["properties"]
    assert record["household"]["maxLength"] == 200
    assert record["visited_on"]["format"] == "date"
    assert record["place"]["examples"] == ["350104.013.002.007"] and record["place"]["pattern"]
    assert "actions" in document["components"]["schemas"]["Receipt"]["properties"]
    proof = document["components"]["schemas"]["AuditProveEventAnswer"]
    assert proof["properties"]["proof"]["items"]["pattern"] == "^[0-9a-f]{64}$"


def test_the_readable_page_needs_nothing_from_elsewhere(shared_client: FlaskClient) -> None:
    page = shared_client.get("/api/docs").text
    assert "/api/issues/report_issue" in page
    assert "http://" not in page and "https://" not in page and "<script" not in page


def test_a_command_answers_with_its_receipt_and_position(client: FlaskClient, city: City) -> None:
    answer = client.post("/api/issues/report_issue", json=REPORT, headers={"Idempotency-Key": "k-1"})
    assert (answer.status_code, answer.json["id"]) == (200, "i-1")
    assert answer.headers["Linli-Position"] == "issues=1"
    service, method, context, arguments = city.last
    assert (service, method, arguments) == ("issues", "report_issue", REPORT)
    assert (context.kind, context.actor, context.post, context.command_id) == ("anonymous", "", "", "anonymous:k-1")


def test_the_same_key_gives_the_same_receipt_and_without_a_key_each_is_new(client: FlaskClient, city: City) -> None:
    same = [client.post("/api/issues/report_issue", json=REPORT, headers={"Idempotency-Key": "k"}).json for _ in "ab"]
    assert same[0] == same[1]
    for _ in "ab":
        client.post("/api/issues/report_issue", json=REPORT)
    assert len(city.receipts) == 3


def test_nobody_can_use_up_the_key_of_somebody_else(client: FlaskClient, city: City, chen: dict[str, str]) -> None:
    client.post("/api/issues/report_issue", json=REPORT, headers={"Idempotency-Key": "k"})
    client.post("/api/issues/report_issue", json=REPORT, headers=chen | {"Idempotency-Key": "k"})
    assert len(city.receipts) == 2


def test_a_query_takes_numbers_and_lists_from_the_query_string(shared_client: FlaskClient, shared_city: City) -> None:
    answer = shared_client.get("/api/registry/person_names?person_ids=p-1&person_ids=p-2")
    assert answer.json == {"rows": [], "next": None}
    assert shared_city.last[3] == {"person_ids": ["p-1", "p-2"]}
    assert shared_client.get("/api/issues/find_issues?limit=7").status_code == 200
    assert shared_city.last[3] == {"limit": 7}


@pytest.mark.parametrize("kind", sorted(STATUS))
def test_what_a_service_refuses_arrives_with_its_status(
    shared_client: FlaskClient, shared_city: City, kind: str
) -> None:
    shared_city.errors["report_issue"] = from_mapping({"kind": kind, "message": "because", "fields": {"place": "why"}})
    answer = shared_client.post("/api/issues/report_issue", json=REPORT)
    assert refused(answer, STATUS[kind], kind, "place")["message"] == "because"
    assert ("Retry-After" in answer.headers) == (STATUS[kind] == 503)


def test_refusals_are_said_in_the_reader_s_language(shared_client: FlaskClient, shared_city: City) -> None:
    shared_city.errors["report_issue"] = NotFoundError(
        "there is no {thing} {id}", {"place": said("unknown")}, thing=term("thing", "parking"), id="4711"
    )
    answers = {
        language: shared_client.post(
            "/api/issues/report_issue", json=REPORT, headers={"Accept-Language": language} if language else {}
        )
        for language in ("", "en-GB,en", "zh-CN,zh;q=0.9", "fr")
    }
    body = answers["zh-CN,zh;q=0.9"].json
    assert {name: body[name] for name in ("title", "kind", "message", "template", "fields")} == {
        "title": "没有这一项",
        "kind": "not_found",
        "message": "没有编号为4711的搁置的事实。",
        "template": "there is no {thing} {id}",
        "fields": {"place": "没有这一项"},
    }
    for language in ("", "en-GB,en", "fr"):
        assert answers[language].json["message"] == "there is no parking 4711"
        assert answers[language].json["fields"] == {"place": "unknown"}
        assert answers[language].headers["Content-Language"] == "en"
    answer = shared_client.post("/api/sign-in", json={"username": "x"}, headers={"Accept-Language": "zh"})
    assert refused(answer, 422, "bad_input", "password")["message"] == "填写有误。"


def test_a_mistake_of_the_program_shows_an_id_and_no_trace(client: FlaskClient, city: City) -> None:
    city.errors["report_issue"] = ZeroDivisionError("secret detail")  # type: ignore[assignment]
    answer = client.post("/api/issues/report_issue", json=REPORT, headers={"X-Correlation-Id": "c-7"})
    body = refused(answer, 500, "error")
    assert "c-7" in body["message"] and "secret" not in answer.text


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"{", "body"),
        (b"[]", "body"),
        (b"7", "body"),
        (b'{"place": NaN}', "body"),
        (b'{"place": 1e999}', "body"),
        (b'{"place": "\\ud800"}', "body"),
        (b"\xff\xfe", "body"),
        (b"[" * 200_000, "body"),
        (b'{"place": 123456789012345678901234567890}', "body"),
        (b'{"place": "a", "place": "b"}', "place"),
        (b'{"__type__": "datetime", "__value__": "x"}', "__type__"),
        (b"", "place"),
        (b"{}", "description"),
        (json.dumps(REPORT | {"colour": "red"}).encode(), "colour"),
        (json.dumps(REPORT | {"_timeout": 1}).encode(), "_timeout"),
    ],
)
def test_a_bad_body_is_refused_with_the_field(
    shared_client: FlaskClient, shared_city: City, body: bytes, field: str
) -> None:
    answer = shared_client.post("/api/issues/report_issue", data=body, content_type="application/json")
    refused(answer, 422, "bad_input", field)
    assert shared_city.calls == []


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=x", "limit"),
        ("limit=0", "limit"),
        ("limit=1&limit=2", "limit"),
        ("colour=red", "colour"),
    ],
)
def test_a_bad_query_string_is_refused_with_the_field(
    shared_client: FlaskClient, shared_city: City, query: str, field: str
) -> None:
    refused(shared_client.get(f"/api/issues/find_issues?{query}"), 422, "bad_input", field)
    assert shared_city.calls == []


FUTURE = (datetime.now(UTC) + timedelta(hours=1)).isoformat()


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("Idempotency-Key", ""),
        ("Idempotency-Key", "a b"),
        ("Idempotency-Key", "x" * 101),
        ("Idempotency-Key", "键"),
        ("X-Correlation-Id", "a\tb"),
        ("X-Correlation-Id", "x" * 101),
        ("Linli-Post", "/etc"),
        ("Linli-Occurred", "yesterday"),
        ("Linli-Occurred", "2026-03-01T09:00:00"),
        ("Linli-Occurred", "2026-02-30T09:00:00+08:00"),
        ("Linli-Occurred", "0001-01-01T00:00:00+23:59"),
        ("Linli-Occurred", FUTURE),
        ("Linli-After", "issues"),
        ("Linli-After", "issues=-1"),
        ("Linli-After", "issues=1,issues=2"),
        ("Linli-After", "gateway=1"),
        ("Linli-After", "issues=9999999999999999"),
        ("Linli-After", ""),
    ],
)
def test_a_bad_header_is_refused_with_its_name(
    shared_client: FlaskClient, shared_city: City, header: str, value: str
) -> None:
    answer = shared_client.post(
        "/api/issues/report_issue", json=REPORT, headers={header: value.encode().decode("latin1")}
    )
    refused(answer, 422, "bad_input", header)
    assert shared_city.calls == []


def test_good_headers_reach_the_service(shared_client: FlaskClient, shared_city: City) -> None:
    headers = {
        "Linli-Occurred": "2026-03-01T09:00:00+08:00",
        "Linli-After": "issues=12, registry=40",
        "X-Correlation-Id": "c-1",
    }
    answer = shared_client.post("/api/issues/report_issue", json=REPORT, headers=headers)
    assert answer.headers["X-Correlation-Id"] == "c-1"
    context = shared_city.last[2]
    assert context.occurred == "2026-03-01T09:00:00+08:00"
    assert context.after == {"issues": 12, "registry": 40}
    assert context.correlation_id == "c-1"


def test_only_an_operator_imports_and_whoever_acts_stays_who_acts(
    client: FlaskClient, city: City, chen: dict[str, str], operator: dict[str, str]
) -> None:
    theirs = operator["Authorization"].removeprefix("Bearer ")
    assert (
        client.post("/api/issues/report_issue", json=REPORT, headers=chen | {"Linli-Import": theirs}).status_code == 200
    )
    assert (city.last[2].actor, city.last[2].imported) == ("p-chen", "operator:token")
    client.post("/api/issues/report_issue", json=REPORT, headers=chen)
    assert city.last[2].imported == ""
    own = chen["Authorization"].removeprefix("Bearer ")
    answer = client.post("/api/issues/report_issue", json=REPORT, headers=chen | {"Linli-Import": own})
    refused(answer, 403, "forbidden", "Linli-Import")
    refused(client.post("/api/issues/report_issue", json=REPORT, headers={"Linli-Import": "x"}), 401, "unauthenticated")


def test_paths_methods_and_media_types_are_refused_in_json(shared_client: FlaskClient) -> None:
    refused(shared_client.get("/api/issues/nothing"), 404, "not_found")
    refused(shared_client.get("/api/nothing/at/all"), 404, "not_found")
    answer = shared_client.get("/api/issues/report_issue")
    refused(answer, 405, "method_not_allowed")
    assert "POST" in answer.headers["Allow"]
    refused(shared_client.post("/api/issues/find_issues", json={}), 405, "method_not_allowed")
    answer = shared_client.post(
        "/api/issues/report_issue", data="place=1", content_type="application/x-www-form-urlencoded"
    )
    refused(answer, 415, "unsupported_media_type", "Content-Type")


def test_a_body_over_1_mb_is_refused(shared_client: FlaskClient, shared_city: City) -> None:
    big = json.dumps(REPORT | {"description": "x" * 1024 * 1024}).encode()
    refused(shared_client.post("/api/issues/report_issue", data=big, content_type="application/json"), 413, "too_large")
    assert shared_city.calls == []


def test_more_requests_at_a_time_than_allowed_are_told_when_to_come_back(app: Flask, city: City) -> None:
    inner: list[Any] = []

    def ask_meanwhile() -> None:
        city.asked_during = None
        inner.append(app.test_client().get("/api/me"))
        inner.append(app.test_client().get("/health/live"))

    city.asked_during = ask_meanwhile
    assert app.test_client().get("/api/issues/find_issues").status_code == 200
    refused(inner[0], 429, "too_many_requests")
    assert inner[0].headers["Retry-After"] == "1"
    assert inner[1].status_code == 200, "health answers also when busy"
    assert app.test_client().get("/api/me").status_code == 200


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=True) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)
PATHS = [(contract.service, name, schema) for contract in CONTRACTS for name, schema in contract.commands.items()]
QUESTIONS = [(contract.service, name, schema) for contract in CONTRACTS for name, schema in contract.queries.items()]


@given(st.data())
@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
def test_no_body_makes_the_gateway_fail(shared_client: FlaskClient, data: st.DataObject) -> None:
    service, name, schema = data.draw(st.sampled_from(PATHS))
    field = st.sampled_from([*schema().load_fields, "x"])
    body = data.draw(st.dictionaries(field, JSON, max_size=6) | JSON)
    answer = shared_client.post(f"/api/{service}/{name}", data=json.dumps(body), content_type="application/json")
    if answer.status_code != 200:
        assert refused(answer, 422, "bad_input")["fields"]


@given(st.data())
@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
def test_no_query_string_makes_the_gateway_fail(shared_client: FlaskClient, data: st.DataObject) -> None:
    service, name, schema = data.draw(st.sampled_from(QUESTIONS))
    field = st.sampled_from([*schema().load_fields, "x"])
    query = data.draw(st.lists(st.tuples(field, st.text(max_size=20) | st.integers().map(str)), max_size=5))
    answer = shared_client.get(f"/api/{service}/{name}", query_string=MultiDict(query))
    if answer.status_code != 200:
        assert refused(answer, 422, "bad_input")["fields"]


@given(st.binary(max_size=200), st.text(max_size=40))
@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
def test_no_bytes_make_the_gateway_fail(shared_client: FlaskClient, body: bytes, kind: str) -> None:
    kind = kind.encode("unicode_escape").decode()
    answer = shared_client.post("/api/issues/report_issue", data=body, headers={"Content-Type": kind})
    assert 400 <= answer.status_code < 500
    refused(answer, answer.status_code, answer.json["kind"])
