"""Who asks, from which post, and what only operators may do (R8)."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from services.gateway.contracts import SERVICES
from services.gateway.operations import look_at_services
from shared.domain.errors import (
    TimedOutError,
    UnavailableError,
)
from tests.component.gateway.city import PASSWORD, REPORT, City, refused


def test_nobody_in_particular_may_ask_and_report_as_nobody(shared_client: FlaskClient) -> None:
    assert shared_client.get("/api/me").json == {
        "kind": "anonymous",
        "person_id": "",
        "username": "",
        "posts": [],
        "needs": [],
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
    ("POST", "/api/accounts/reset-second-factor", {"username": "chen", "checked": "seen with the card"}),
    ("POST", "/api/accounts/extend", {"username": "chen", "until": "2030-01-01"}),
    ("POST", "/api/operators/close-token", {}),
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
    ("POST", "/api/operations/bring-in", {"command": "register_place", "lines": [{"place": "350104"}]}),
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
    assert {path for path in paths if path.startswith(("/api/accounts", "/api/operations", "/api/operators"))} == {
        *listed,
        *("/api/operators/requests", "/api/operators/confirm", "/api/operators/decline"),  # see test_two_persons
    }


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


def test_health_needs_no_sign_in_and_says_no_more_than_that(shared_client: FlaskClient, shared_city: City) -> None:
    assert shared_client.get("/health/live").json == {"status": "ok"}
    assert shared_client.get("/health/ready").status_code == 200
    shared_city.errors["audit"] = UnavailableError("away")
    answer = shared_client.get("/health/ready")
    assert (answer.status_code, answer.json) == (503, {"status": "not ready"}), "what is wrong is for operators"
    assert look_at_services(shared_client.application.extensions["linli"], ("audit", "issues")) == {
        "audit": "unavailable",
        "issues": "ok",
    }
    assert shared_client.get("/metrics").status_code == 404


def test_a_gateway_that_ends_says_that_it_is_not_ready(client: FlaskClient) -> None:
    """Proxies turn to another one; who still comes is served."""
    client.application.extensions["linli"].leaving = True
    answer = client.get("/health/ready")
    assert (answer.status_code, answer.json) == (503, {"status": "not ready"})
    assert client.get("/health/live").status_code == 200
    assert client.get("/api/me").status_code == 200
