"""The gateway over HTTP, with a small in-memory city behind it (R7, R8)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from openapi_spec_validator import validate

from services.gateway.accounts import VIEWS, Accounts
from services.gateway.app import create_app
from services.gateway.contracts import CONTRACTS, SERVICES
from shared.errors import (
    STATUS,
    ForbiddenError,
    LinliError,
    NotFoundError,
    TimedOutError,
    UnavailableError,
    from_mapping,
)
from shared.runtime.context import Context
from shared.views.sqlite import SqliteViews

OPERATOR = "operator-token-of-the-test"
PASSWORD = "correct horse 9"
REPORT = {"place": "350104.013", "category": "street_lamp", "description": "路灯不亮"}


class City:
    """A city of one process: posts by person, receipts by command id, and every call it was asked."""

    def __init__(self) -> None:
        self.posts: dict[str, list[str]] = {}
        self.calls: list[tuple[str, str, Context, dict[str, Any]]] = []
        self.receipts: dict[str, dict[str, Any]] = {}
        self.errors: dict[str, LinliError] = {}
        self.asked_during: Any = None

    def call(
        self, service: str, method: str, context: Context, arguments: dict[str, Any], timeout: float | None = None
    ) -> dict[str, Any]:
        self.calls.append((service, method, context, arguments))
        if self.asked_during and method != "posts_of_person":
            self.asked_during()
        if error := self.errors.get(method) or self.errors.get(service):
            raise error
        if method == "posts_of_person":
            held = self.posts.get(arguments["person_id"], [])
            return {"posts": [{"post_id": post, "role": "grid_worker", "title": "网格员"} for post in held]}
        if context.command_id:
            new = {"id": "i-1", "service": service, "position": len(self.receipts) + 1, "version": 1, "events": 1}
            return self.receipts.setdefault(context.command_id, new)
        return {"rows": [], "next": None}

    @property
    def last(self) -> tuple[str, str, Context, dict[str, Any]]:
        return self.calls[-1]


@pytest.fixture(scope="module")
def shared_app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """One gateway for the many tests that leave nothing behind."""
    accounts = Accounts(SqliteViews(tmp_path_factory.mktemp("gateway") / "gateway.views.sqlite", VIEWS, durable=True))
    yield create_app(City(), accounts, b"s" * 32, OPERATOR)
    accounts.close()


@pytest.fixture
def shared_city(shared_app: Flask) -> City:
    made: City = shared_app.extensions["linli"].caller
    made.__init__()  # type: ignore[misc]
    return made


@pytest.fixture
def shared_client(shared_app: Flask, shared_city: City) -> FlaskClient:
    return shared_app.test_client()


@pytest.fixture
def city() -> City:
    return City()


@pytest.fixture
def app(city: City, tmp_path: Path) -> Iterator[Flask]:
    accounts = Accounts(SqliteViews(tmp_path / "gateway.views.sqlite", VIEWS, durable=True))
    yield create_app(city, accounts, b"s" * 32, OPERATOR, max_requests=1)
    accounts.close()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def operator(client: FlaskClient) -> dict[str, str]:
    return {"Authorization": f"Bearer {OPERATOR}"}


@pytest.fixture
def chen(client: FlaskClient, app: Flask, operator: dict[str, str]) -> dict[str, str]:
    """A person with an account, as bearer headers."""
    ask = {"username": "chen", "password": PASSWORD, "person_id": "p-chen"}
    assert client.post("/api/accounts", json=ask, headers=operator).status_code == 201
    answer = app.test_client().post("/api/sign-in", json={"username": "chen", "password": PASSWORD})
    return {"Authorization": f"Bearer {answer.json['token']}"}


def refused(answer: Any, status: int, kind: str, *names: str) -> dict[str, Any]:
    """The refusal has our form, this status and kind, and names these fields."""
    assert answer.status_code == status, answer.data
    assert answer.mimetype == "application/problem+json"
    assert answer.headers["X-Correlation-Id"]
    body: dict[str, Any] = answer.json
    assert set(body) == {"kind", "message", "fields"}
    assert body["kind"] == kind
    assert body["message"]
    assert set(names) <= set(body["fields"]), body
    return body


# the contract


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
        if name != "PaginationMetadataSchema"
        for field, shape in schema.get("properties", {}).items()
        if not (shape.get("description") or "$ref" in shape or "allOf" in shape or shape.get("items"))
    ]
    assert silent == []


def test_the_readable_page_needs_nothing_from_elsewhere(shared_client: FlaskClient) -> None:
    page = shared_client.get("/api/docs").text
    assert "/api/issues/report_issue" in page
    assert "http://" not in page and "https://" not in page and "<script" not in page


# commands and queries


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


def test_a_mistake_of_the_program_shows_an_id_and_no_trace(client: FlaskClient, city: City) -> None:
    city.errors["report_issue"] = ZeroDivisionError("secret detail")  # type: ignore[assignment]
    answer = client.post("/api/issues/report_issue", json=REPORT, headers={"X-Correlation-Id": "c-7"})
    body = refused(answer, 500, "error")
    assert "c-7" in body["message"] and "secret" not in answer.text


# bad input


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"{", "body"),
        (b"[]", "body"),
        (b"7", "body"),
        (b'{"place": NaN}', "body"),
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
        ("limit=", "limit"),
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


# who asks


def test_nobody_in_particular_may_ask_and_report_as_nobody(shared_client: FlaskClient) -> None:
    assert shared_client.get("/api/me").json == {
        "kind": "anonymous",
        "person_id": "",
        "username": "",
        "posts": [],
        "post": "",
    }


@pytest.mark.parametrize("value", ["Bearer x", "Bearer ", "Basic Y2hlbjp4", "x", ""])
def test_a_bad_authorization_never_falls_back_to_nobody(
    shared_client: FlaskClient, shared_city: City, value: str
) -> None:
    answer = shared_client.post("/api/issues/report_issue", json=REPORT, headers={"Authorization": value})
    refused(answer, 401, "unauthenticated")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert shared_city.calls == []


def test_a_person_acts_from_their_only_post(client: FlaskClient, city: City, chen: dict[str, str]) -> None:
    client.get("/api/issues/inbox", headers=chen)
    assert (city.last[2].kind, city.last[2].actor, city.last[2].post) == ("person", "p-chen", "")
    city.posts["p-chen"] = ["post-1"]
    client.get("/api/issues/inbox", headers=chen)
    assert city.last[2].post == "post-1"
    client.get("/api/issues/inbox", headers=chen | {"Linli-Post": "-"})
    assert city.last[2].post == ""
    city.posts["p-chen"] = ["post-1", "post-2"]
    client.get("/api/issues/inbox", headers=chen)
    assert city.last[2].post == "", "with several posts a person says from which they act"
    client.get("/api/issues/inbox", headers=chen | {"Linli-Post": "post-2"})
    assert city.last[2].post == "post-2"


def test_a_post_that_is_not_yours_is_refused_before_any_service_is_asked(
    client: FlaskClient, city: City, chen: dict[str, str], operator: dict[str, str]
) -> None:
    city.posts["p-li"] = ["post-li"]
    for headers in (chen, operator, {}):
        answer = client.post("/api/issues/report_issue", json=REPORT, headers=headers | {"Linli-Post": "post-li"})
        refused(answer, 403, "forbidden", "Linli-Post")
    assert {method for _, method, _, _ in city.calls} == {"posts_of_person"}


def test_without_the_registry_the_last_known_posts_serve(client: FlaskClient, city: City, chen: dict[str, str]) -> None:
    city.errors["posts_of_person"] = UnavailableError("away")
    answer = client.get("/api/issues/inbox", headers=chen | {"Linli-Post": "post-1"})
    refused(answer, 503, "unavailable")
    del city.errors["posts_of_person"]
    city.posts["p-chen"] = ["post-1"]
    client.get("/api/me", headers=chen)
    city.errors["posts_of_person"] = UnavailableError("away")
    assert client.get("/api/issues/inbox", headers=chen | {"Linli-Post": "post-1"}).status_code == 200
    assert city.last[2].post == "post-1"


OPERATOR_ONLY = [
    ("GET", "/api/accounts", None),
    ("POST", "/api/accounts", {"username": "li", "password": PASSWORD, "person_id": "p-li"}),
    ("POST", "/api/accounts/remove", {"username": "chen"}),
    ("POST", "/api/accounts/reset-password", {"username": "chen", "password": PASSWORD}),
    ("GET", "/api/operations/status", None),
    ("GET", "/api/operations/parked", None),
    (
        "POST",
        "/api/operations/park/retry",
        {"service": "issues", "source": "registry", "stream": "s", "reason": "fixed"},
    ),
    (
        "POST",
        "/api/operations/park/skip",
        {"service": "issues", "source": "registry", "stream": "s", "reason": "fixed"},
    ),
    ("POST", "/api/operations/rebuild", {"service": "issues"}),
]


@pytest.mark.parametrize(("method", "path", "body"), OPERATOR_ONLY)
def test_only_operators_operate(
    client: FlaskClient, city: City, chen: dict[str, str], method: str, path: str, body: dict[str, Any] | None
) -> None:
    city.posts["p-chen"] = ["post-1"]
    refused(client.open(path, method=method, json=body), 401, "unauthenticated")
    refused(client.open(path, method=method, json=body, headers=chen), 403, "forbidden")
    assert {called for _, called, _, _ in city.calls} <= {"posts_of_person"}


def test_every_operator_path_is_in_the_list_above(shared_client: FlaskClient) -> None:
    listed = {path for _, path, _ in OPERATOR_ONLY}
    paths = shared_client.get("/api/openapi.json").json["paths"]
    assert {path for path in paths if path.startswith(("/api/accounts", "/api/operations"))} == listed


def test_an_operator_sees_all_services_also_when_one_is_away(
    client: FlaskClient, city: City, operator: dict[str, str]
) -> None:
    city.errors["funding"] = TimedOutError("funding did not answer")
    services = client.get("/api/operations/status", headers=operator).json["services"]
    assert set(services) == set(SERVICES)
    assert services["funding"] == {"problem": {"kind": "timed_out", "message": "funding did not answer"}}
    assert city.last[2].kind == "operator"


def test_an_operator_retries_and_skips_parked_facts(client: FlaskClient, city: City, operator: dict[str, str]) -> None:
    ask = {"source": "registry", "stream": "post-1", "reason": "the program was mended"}
    for action, method in (("retry", "retry_parked"), ("skip", "skip_parked")):
        answer = client.post(f"/api/operations/park/{action}", json=ask | {"service": "issues"}, headers=operator)
        assert answer.status_code == 200
        assert (city.last[0], city.last[1], city.last[3]) == ("issues", method, ask)
    refused(
        client.post("/api/operations/park/skip", json=ask | {"service": "gateway"}, headers=operator),
        422,
        "bad_input",
        "service",
    )
    client.get("/api/operations/parked?service=issues&limit=3", headers=operator)
    assert (city.last[0], city.last[1], city.last[3]) == ("issues", "parked", {"limit": 3})


def test_health_and_metrics_need_no_sign_in(shared_client: FlaskClient, shared_city: City) -> None:
    assert shared_client.get("/health/live").json == {"status": "ok"}
    assert shared_client.get("/health/ready").status_code == 200
    shared_city.errors["audit"] = UnavailableError("away")
    answer = shared_client.get("/health/ready")
    assert (answer.status_code, answer.json["services"]["audit"]) == (503, "unavailable")
    assert b"linli_http_requests_total" in shared_client.get("/metrics").data


# accounts and sessions


def test_accounts_are_checked_when_made(client: FlaskClient, operator: dict[str, str]) -> None:
    good = {"username": "li", "password": PASSWORD, "person_id": "p-li"}
    for change, field in (
        ({"username": "Li Ming"}, "username"),
        ({"password": "short"}, "password"),
        ({"person_id": ""}, "person_id"),
        ({"kind": "operator"}, "person_id"),
        ({"kind": "king"}, "kind"),
        ({"role": "mayor"}, "role"),
    ):
        refused(client.post("/api/accounts", json=good | change, headers=operator), 422, "bad_input", field)
    answer = client.post("/api/accounts", json=good, headers=operator)
    assert (answer.status_code, answer.json) == (201, {"username": "li", "kind": "person", "person_id": "p-li"})
    refused(client.post("/api/accounts", json=good, headers=operator), 409, "illegal_state", "username")


def test_a_wrong_password_and_an_unknown_name_look_alike_and_are_braked(
    client: FlaskClient, chen: dict[str, str]
) -> None:
    wrong = [client.post("/api/sign-in", json={"username": name, "password": "wrong"}) for name in ("chen", "nobody")]
    assert refused(wrong[0], 401, "unauthenticated") == refused(wrong[1], 401, "unauthenticated")
    for _ in range(4):
        refused(client.post("/api/sign-in", json={"username": "chen", "password": "wrong"}), 401, "unauthenticated")
    answer = client.post("/api/sign-in", json={"username": "chen", "password": PASSWORD})
    refused(answer, 429, "too_many_requests")
    assert 1 <= int(answer.headers["Retry-After"]) <= 61


def test_signing_out_ends_the_token_wherever_it_was_copied(client: FlaskClient, chen: dict[str, str]) -> None:
    assert client.get("/api/me", headers=chen).json["username"] == "chen"
    assert client.post("/api/sign-out", headers=chen).status_code == 200
    refused(client.get("/api/me", headers=chen), 401, "unauthenticated")


def test_a_new_password_ends_earlier_sign_ins(
    client: FlaskClient, chen: dict[str, str], operator: dict[str, str]
) -> None:
    change = {"old": "wrong", "new": "another pass 10"}
    refused(client.post("/api/password", json=change, headers=chen), 401, "unauthenticated")
    assert client.post("/api/password", json=change | {"old": PASSWORD}, headers=chen).status_code == 200
    refused(client.get("/api/me", headers=chen), 401, "unauthenticated")
    assert client.post("/api/sign-in", json={"username": "chen", "password": "another pass 10"}).status_code == 200
    refused(client.post("/api/password", json=change, headers=operator), 403, "forbidden")


def sign_in(client: FlaskClient) -> str:
    """Sign in as a browser does; the token against forged forms."""
    answer = client.post("/api/sign-in", json={"username": "chen", "password": PASSWORD})
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie and "SameSite=Strict" in cookie and "Secure" not in cookie
    csrf: str = answer.json["csrf"]
    return csrf


def test_the_cookie_is_marked_secure_over_tls(client: FlaskClient, chen: dict[str, str]) -> None:
    answer = client.post("/api/sign-in", json={"username": "chen", "password": PASSWORD}, base_url="https://localhost")
    assert "Secure" in answer.headers["Set-Cookie"]


def test_a_change_by_cookie_needs_the_token_of_the_session(app: Flask, chen: dict[str, str], city: City) -> None:
    browser = app.test_client()
    csrf = sign_in(browser)
    for headers in (
        {},
        {"X-CSRF-Token": "guess"},
        {"X-CSRF-Token": csrf, "Sec-Fetch-Site": "cross-site"},
        {"X-CSRF-Token": "\xe9"},
    ):
        refused(browser.post("/api/issues/report_issue", json=REPORT, headers=headers), 403, "forbidden")
    assert city.calls == []
    assert browser.get("/api/me").json["csrf"] == csrf
    answer = browser.post(
        "/api/issues/report_issue", json=REPORT, headers={"X-CSRF-Token": csrf, "Sec-Fetch-Site": "same-origin"}
    )
    assert answer.status_code == 200
    assert city.last[2].actor == "p-chen"


def test_a_session_reads_what_it_wrote(app: Flask, chen: dict[str, str], city: City) -> None:
    browser = app.test_client()
    csrf = sign_in(browser)
    browser.post("/api/issues/report_issue", json=REPORT, headers={"X-CSRF-Token": csrf})
    browser.get("/api/issues/find_issues")
    assert city.last[2].after == {"issues": 1}
    browser.get("/api/issues/find_issues", headers={"Linli-After": "registry=4,issues=9"})
    assert city.last[2].after == {"issues": 9, "registry": 4}
    browser.get("/api/issues/find_issues", headers=chen)
    assert city.last[2].after == {}, "a bearer token says itself what it wants to see"


def test_an_older_answer_is_better_than_none_when_a_follower_stands_still(
    app: Flask, chen: dict[str, str], city: City
) -> None:
    browser = app.test_client()
    browser.post("/api/issues/report_issue", json=REPORT, headers={"X-CSRF-Token": sign_in(browser)})
    original = city.call

    def slow(
        service: str, method: str, context: Context, arguments: dict[str, Any], timeout: float | None = None
    ) -> Any:
        if method == "find_issues" and context.after:
            raise TimedOutError("not yet")
        return original(service, method, context, arguments, timeout)

    city.call = slow  # type: ignore[method-assign]
    assert browser.get("/api/issues/find_issues").status_code == 200
    refused(browser.get("/api/issues/find_issues", headers={"Linli-After": "issues=1"}), 504, "timed_out")


def test_an_ended_sign_in_in_a_cookie_reads_as_nobody_but_changes_nothing(
    app: Flask, chen: dict[str, str], operator: dict[str, str], city: City
) -> None:
    browser = app.test_client()
    csrf = sign_in(browser)
    app.test_client().post("/api/accounts/remove", json={"username": "chen"}, headers=operator)
    answer = browser.post("/api/issues/report_issue", json=REPORT, headers={"X-CSRF-Token": csrf})
    refused(answer, 401, "unauthenticated")
    assert city.receipts == {}
    assert browser.get("/api/me").json["kind"] == "anonymous"


def test_a_forged_cookie_is_no_session(app: Flask, chen: dict[str, str]) -> None:
    browser = app.test_client()
    browser.set_cookie("linli_session", "eyJ0b2tlbiI6ICJ4In0.aaaa.bbbb")
    assert browser.get("/api/me").json["kind"] == "anonymous"


def test_the_log_line_of_a_request_holds_no_personal_data(
    client: FlaskClient, chen: dict[str, str], capsys: Any
) -> None:
    client.get("/api/registry/person_names?person_ids=p-secret", headers=chen)
    line = capsys.readouterr().out
    assert "/api/registry/person_names" in line and "correlation_id" in line
    assert "p-secret" not in line and "chen" not in line and "127.0.0.1" not in line


@pytest.fixture
def app_with_pages(app: Flask) -> Flask:
    """The gateway with three pages of a portal."""
    gateway = app.extensions["linli"]

    @app.post("/test-form")
    def form() -> dict[str, Any]:
        first = gateway.do("issues", "report_issue", **REPORT)
        second = gateway.do("issues", "report_issue", **REPORT)
        return {"post": gateway.current().acting_post["post_id"], "receipts": [first, second]}

    @app.post("/test-post")
    def choose() -> dict[str, Any]:
        gateway.act_from("post-2")
        with pytest.raises(ForbiddenError):
            gateway.act_from("post-9")
        return {}

    @app.get("/test-missing")
    def missing() -> dict[str, Any]:
        raise NotFoundError("no such page")

    return app


def test_the_gateway_is_what_pages_use(app_with_pages: Flask, chen: dict[str, str], city: City) -> None:
    city.posts["p-chen"] = ["post-1", "post-2"]
    browser = app_with_pages.test_client()
    csrf = sign_in(browser)
    refused(browser.post("/test-form", data={"command_id": "f-1"}), 403, "forbidden", "csrf_token")
    refused(app_with_pages.test_client().post("/test-form", data={}), 403, "forbidden", "csrf_token")
    assert browser.post("/test-post", data={"csrf_token": csrf}).status_code == 200
    twice = [browser.post("/test-form", data={"csrf_token": csrf, "command_id": "f-1"}).json for _ in "ab"]
    assert twice[0] == twice[1]
    assert twice[0]["post"] == "post-2"
    assert len(city.receipts) == 2, "a form that does two things does each of them once"
    answer = browser.post("/test-form", data={"csrf_token": csrf, "command_id": "a b"})
    refused(answer, 422, "bad_input", "command_id")
    refused(browser.get("/test-missing", headers={"Accept": "application/json"}), 404, "not_found")
