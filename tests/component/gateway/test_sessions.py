"""Accounts, sign-in, cookies and pages."""

from __future__ import annotations

import time
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from services.gateway.sign_ins import browser_of
from shared.domain.errors import (
    ForbiddenError,
    NotFoundError,
    TimedOutError,
)
from shared.following.context import CallContext
from tests.component.gateway.city import PASSWORD, REPORT, City, refused


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
    assert (answer.status_code, answer.json) == (
        201,
        {"username": "li", "kind": "person", "person_id": "p-li", "until": "", "second_factor": False},
    )
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
    assert "HttpOnly" in cookie and "SameSite=Lax" in cookie and "Secure" not in cookie
    csrf: str = answer.json["csrf"]
    return csrf


def test_the_cookie_is_marked_secure_over_tls(client: FlaskClient, chen: dict[str, str]) -> None:
    answer = client.post("/api/sign-in", json={"username": "chen", "password": PASSWORD}, base_url="https://localhost")
    assert "Secure" in answer.headers["Set-Cookie"]
    assert all(cookie.startswith("__Host-") for cookie in answer.headers.getlist("Set-Cookie"))
    claimed = {
        "X-Forwarded-Proto": "https"
    }  # by whoever asks; the process at the public port believes trusted proxies only
    answer = client.post("/api/sign-in", json={"username": "chen", "password": PASSWORD}, headers=claimed)
    assert "Secure" not in answer.headers["Set-Cookie"]


def test_what_a_page_may_do_is_said_with_it(shared_client: FlaskClient) -> None:
    headers = shared_client.get("/api/me").headers
    assert "geolocation=()" in headers["Permissions-Policy"]
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "Strict-Transport-Security" not in headers
    headers = shared_client.get("/api/me", base_url="https://localhost").headers
    assert headers["Strict-Transport-Security"] == "max-age=31536000"


def test_guesses_from_elsewhere_do_not_keep_out_whoever_signed_in_from_here(app: Flask, chen: dict[str, str]) -> None:
    def guess(address: str) -> int:
        ask = {"username": "chen", "password": "wrong"}
        return app.test_client().post("/api/sign-in", json=ask, environ_overrides={"REMOTE_ADDR": address}).status_code

    browser = app.test_client()
    right = {"username": "chen", "password": PASSWORD}
    assert browser.post("/api/sign-in", json=right).status_code == 200
    found = [guess(f"10.0.0.{number // 4}") for number in range(40)]
    assert set(found) == {401, 429}, "a name is braked over all addresses"
    assert app.test_client().post("/api/sign-in", json=right).status_code == 429, "from an unknown device"
    assert browser.post("/api/sign-in", json=right).status_code == 200, "from a known one"
    assert browser.post("/api/sign-in", json={"username": "li", "password": "x"}).status_code == 401


def test_names_have_at_most_64_characters_everywhere(app: Flask) -> None:
    browser = app.test_client()
    long = "x" * 900_000
    refused(browser.post("/api/sign-in", json={"username": long, "password": "y"}), 422, "bad_input", "username")
    page = browser.get("/sign-in").text
    token = page.partition('name="csrf_token" value="')[2].partition('"')[0]
    for length, status in ((65, 422), (60_000, 422), (900_000, 413)):
        ask = {"username": "x" * length, "password": "y", "csrf_token": token}
        assert browser.post("/sign-in", data=ask).status_code == status
    credentials = app.extensions["linli"].credentials
    assert len(credentials._attempts._begun) == 0


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
        service: str, method: str, context: CallContext, arguments: dict[str, Any], timeout: float | None = None
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
    kept = app.extensions["linli"].credentials.accounts.views.find("sign_ins", None, "key", 100).rows
    assert kept == []  # nothing of them is left, nor did it ever hold the name


def test_a_browser_that_asks_for_nothing_is_signed_out(
    app: Flask, chen: dict[str, str], city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = app.test_client()
    csrf = sign_in(browser)
    now = time.time()
    for minutes in (30, 80, 139):  # whoever goes on stays
        monkeypatch.setattr(time, "time", lambda later=now + 60 * minutes: later)
        assert browser.get("/api/me").json["kind"] == "person"
    cookie = browser.get_cookie("linli_session")
    assert cookie is not None
    monkeypatch.setattr(time, "time", lambda: now + 60 * 200)
    answer = browser.post("/api/issues/report_issue", json=REPORT, headers={"X-CSRF-Token": csrf})
    refused(answer, 401, "unauthenticated")
    assert city.receipts == {} and browser.get("/api/me").json["kind"] == "anonymous"
    monkeypatch.setattr(time, "time", lambda: now + 60 * 140)
    browser.set_cookie("linli_session", cookie.value)
    assert browser.get("/api/me").json["kind"] == "anonymous", "a copy of the cookie has ended too"


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


def test_somebody_sees_where_they_are_signed_in_and_ends_it_from_elsewhere(
    app: Flask, client: FlaskClient, chen: dict[str, str], operator: dict[str, str]
) -> None:
    phone = app.test_client()
    agent = "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130 Mobile Safari/537.36"
    ask = {"username": "chen", "password": PASSWORD}
    lost = {
        "Authorization": f"Bearer {phone.post('/api/sign-in', json=ask, headers={'User-Agent': agent}).json['token']}"
    }
    rows = client.get("/api/sign-ins", headers=chen).json["rows"]
    assert [(row["browser"], row["this"]) for row in sorted(rows, key=lambda row: row["this"])] == [
        ("Chrome, Android", False),
        ("", True),
    ]
    assert all(0 <= time.time() - row["begun"] < 60 and row["expires"] == row["begun"] + 12 * 3600 for row in rows)
    of_phone = next(row["sign_in_id"] for row in rows if not row["this"])
    refused(
        client.post("/api/sign-ins/end", json={"sign_in_id": "unknown"}, headers=chen), 404, "not_found", "sign_in_id"
    )
    assert client.post("/api/sign-ins/end", json={"sign_in_id": of_phone}, headers=chen).json == {"signed_out": True}
    refused(client.get("/api/me", headers=lost), 401, "unauthenticated")
    assert [row["this"] for row in client.get("/api/sign-ins", headers=chen).json["rows"]] == [True]
    # an ended one is not ended again, and nobody who is not signed in with an account has a list
    refused(
        client.post("/api/sign-ins/end", json={"sign_in_id": of_phone}, headers=chen), 404, "not_found", "sign_in_id"
    )
    refused(client.get("/api/sign-ins", headers=operator), 403, "forbidden")
    refused(app.test_client().get("/api/sign-ins"), 401, "unauthenticated")


def test_nobody_ends_the_sign_in_of_somebody_else(
    app: Flask, client: FlaskClient, chen: dict[str, str], operator: dict[str, str]
) -> None:
    made = {"username": "li", "password": PASSWORD, "person_id": "p-li"}
    assert client.post("/api/accounts", json=made, headers=operator).status_code == 201
    theirs = app.test_client().post("/api/sign-in", json={"username": "li", "password": PASSWORD}).json["token"]
    mine = client.get("/api/sign-ins", headers=chen).json["rows"][0]["sign_in_id"]
    answer = client.post("/api/sign-ins/end", json={"sign_in_id": mine}, headers={"Authorization": f"Bearer {theirs}"})
    refused(answer, 404, "not_found", "sign_in_id")
    assert client.get("/api/me", headers=chen).status_code == 200


def test_a_sign_in_is_ended_on_the_page_of_the_account(app: Flask, client: FlaskClient, chen: dict[str, str]) -> None:
    browser = app.test_client()
    browser.post("/api/sign-in", json={"username": "chen", "password": PASSWORD})
    page = browser.get("/account", headers={"Accept-Language": "en"}).text
    assert page.count("Sign out there") == 1 and "This one" in page
    form = {name: page.split(f'name="{name}" value="')[1].split('"')[0] for name in ("csrf_token", "sign_in_id")}
    assert browser.post("/account/sign-ins/end", data=form).status_code == 303
    refused(client.get("/api/me", headers=chen), 401, "unauthenticated")
    assert "Sign out there" not in browser.get("/account", headers={"Accept-Language": "en"}).text
    again = browser.post("/account/sign-ins/end", data=form, headers={"Accept-Language": "en"})
    assert again.status_code == 422 and "no such sign-in" in again.text


def test_what_a_sign_in_tells_of_a_browser_is_two_words() -> None:
    for agent, words in (
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit MicroMessenger/8.0 Safari/604",
            "WeChat, iPhone",
        ),
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/130 Safari/537.36 Edg/130",
            "Edge, Windows",
        ),
        ("curl/8.0 <script>", ""),
        ("", ""),
    ):
        assert browser_of(agent) == words


def test_signing_out_clears_the_browser_and_machines_answers_load_nothing(
    app: Flask, client: FlaskClient, chen: dict[str, str]
) -> None:
    browser = app.test_client()
    csrf = browser.post("/api/sign-in", json={"username": "chen", "password": PASSWORD}).json["csrf"]
    left = browser.post("/sign-out", data={"csrf_token": csrf})
    assert left.headers["Clear-Site-Data"] == '"cache", "storage"'
    assert client.post("/api/sign-out", headers=chen).headers["Clear-Site-Data"] == '"cache", "storage"'
    answer = client.get("/api/me")
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert "Clear-Site-Data" not in answer.headers
