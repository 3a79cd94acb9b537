"""No operator alone comes to act in the name of who signs for money, forgets a person or leaves a fact out; and everything is noted."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyotp
import pytest

from services.gateway.credentials import TOKEN, Attempts
from services.gateway.current import Current
from services.gateway.operators import ACTS_AN_HOUR
from shared.following.context import CallContext
from tests.component.gateway.city import refused
from tests.component.gateway.every_command import PASSWORD, World
from tests.kit.city import COMPOUND
from tests.kit.town import OPERATOR_TOKEN

NEXT = "violet kettle 73 harbour"
OTHER = "marble onion 58 lantern"
SEEN = "came to the counter with the identity card"


class City:
    """A founded city that is no trial, where people sign in with their telephones; every number is of another half minute."""

    def __init__(self, folder: Path) -> None:
        self.world = World(folder, trial=False)
        self.gateway = self.world.town.app.extensions["linli"]
        self.accounts = self.gateway.credentials.accounts
        self.client = self.world.town.app.test_client()
        self.secrets: dict[str, str] = {}
        self._halves = itertools.count(60_000_000)
        self.gateway.credentials.factors.clock = self.clock
        self._now = 0
        self.tick()
        self._stored = {view: self._rows(view) for view in ("accounts", "revoked", "requests")}
        self._told = 0

    def _rows(self, view: str) -> list[dict[str, Any]]:
        return list(self.accounts.views.find(view, None, "key", 500).rows)

    def fresh(self) -> None:
        """Accounts as they were at first, and nothing counted: founding a city for each test would take too long."""
        for view, stored in self._stored.items():
            rows: dict[tuple[str, str], Any] = {(view, row["key"]): None for row in self._rows(view)}
            self.accounts.views.save(rows | {(view, row["key"]): row for row in stored})
        self.gateway.credentials._attempts = Attempts(time.monotonic)
        self.gateway.before[0].__self__._acted.clear()
        self.gateway.trail.rest()
        self.gateway.trail.flush()
        self.secrets.clear()
        self._told = len(self._all_acts())

    def clock(self) -> float:
        return float(self._now)

    def tick(self) -> None:
        self._now = 30 * next(self._halves)

    def number(self, username: str) -> str:
        self.tick()
        return pyotp.TOTP(self.secrets[username]).at(self._now)

    def post(self, path: str, by: str = "", headers: dict[str, str] | None = None, **ask: Any) -> Any:
        client = self.world.town.app.test_client()  # no cookies
        sent = ({"Authorization": f"Bearer {by}"} if by else {}) | (headers or {})
        return client.post(f"/api/{path}", json=ask, headers=sent)

    def sign_in(self, username: str, password: str = PASSWORD) -> str:
        code = {"code": self.number(username)} if username in self.secrets else {}
        answer = self.post("sign-in", username=username, password=password, **code)
        assert answer.status_code == 200, answer.json
        return str(answer.json["token"])

    def set_up(self, username: str, password: str = PASSWORD) -> None:
        """A second factor."""
        token = self.sign_in(username, password)
        begun = self.post("second-factor/begin", token, password=password)
        self.secrets[username] = begun.json["secret"]
        assert self.post("second-factor/confirm", token, code=self.number(username)).status_code == 200

    def operator(self, username: str) -> str:
        """A named operator with a second factor, signed in."""
        self.accounts.create(username, PASSWORD, "operator")
        self.set_up(username)
        return self.sign_in(username)

    def acts(self, *names: str) -> list[dict[str, Any]]:
        """What was noted in this test, the oldest first."""
        return [row for row in self._all_acts()[self._told :] if row["act"] in names]

    def _all_acts(self) -> list[dict[str, Any]]:
        context = CallContext(kind="operator", actor="operator:auditor")
        page = self.world.town.call("audit", "find_security_acts", context, {"limit": 500, "order": "key"})
        assert page["next"] is None
        return list(page["rows"])


@pytest.fixture(scope="module")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    made = City(tmp_path_factory.mktemp("two"))
    yield made
    made.world.close()


@pytest.fixture
def city(founded: City) -> City:
    founded.fresh()
    return founded


def test_resetting_a_signer_and_signing_is_refused(city: City) -> None:
    """S9: an operator resets the password of who signs, signs in as them, and signs."""
    payment, project = city.world.payment("reviewed")
    city.set_up("p-secretary")
    lin, wu = city.operator("lin"), city.operator("wu")

    asked = refused(
        city.post("accounts/reset-password", lin, username="p-secretary", password=NEXT), 409, "asked", "request_id"
    )
    request = asked["fields"]["request_id"]
    assert city.post("sign-in", username="p-secretary", password=NEXT).status_code == 401, "nothing has changed"
    refused(city.post("operators/confirm", lin, request_id=request), 403, "forbidden")
    refused(city.post("operators/confirm", OPERATOR_TOKEN, request_id=request), 403, "forbidden")
    refused(city.post("operators/confirm", city.sign_in("p-grid"), request_id=request), 403, "forbidden")
    refused(city.post("accounts/reset-second-factor", lin, username="p-secretary", checked=SEEN), 409, "asked")
    refused(
        city.post("accounts/reset-password", OPERATOR_TOKEN, username="p-secretary", password=NEXT), 403, "forbidden"
    )

    # two of them together are noted, and still lack the telephone
    assert city.post("operators/confirm", wu, request_id=request).json["done"] == {"username": "p-secretary"}
    refused(city.post("sign-in", username="p-secretary", password=NEXT), 401, "unauthenticated", "code")
    token = city.sign_in("p-secretary", NEXT)
    read = {"project_id": project, "payment_id": payment, "version": 1, "amount_fen": 50_000}
    post = {"Linli-Post": "post-secretary"}
    refused(city.post("funding/sign_payment", token, post, **read), 403, "forbidden")  # a first password
    assert city.post("password", token, old=NEXT, new=OTHER).status_code == 200
    token = city.sign_in("p-secretary", OTHER)
    refused(city.post("funding/sign_payment", token, post, **read), 422, "bad_input", "code")
    signed = city.post("funding/sign_payment", token, post | {"Linli-Code": city.number("p-secretary")}, **read)
    assert signed.status_code == 200 and signed.json["events"] > 0

    told = [(row["act"], row["by"]) for row in city.acts("asked", "confirmation_failed", "confirmed", "password_reset")]
    assert told == [
        ("asked", "operator:lin"),
        ("confirmation_failed", "operator:lin"),
        ("confirmation_failed", TOKEN),
        ("asked", "operator:lin"),
        ("confirmed", "operator:wu"),
        ("password_reset", "operator:wu"),
    ]
    (reset,) = city.acts("password_reset")
    assert (reset["account"], reset["person_id"], reset["address"]) == ("p-secretary", "p-secretary", "127.0.0.1")


def test_who_lost_the_telephone_proves_who_they_are_and_the_record_says_how(city: City) -> None:
    lin = city.operator("lin")
    city.set_up("p-resident")
    for checked in ({}, {"checked": ""}, {"checked": "x" * 201}):
        answer = city.post("accounts/reset-second-factor", lin, username="p-resident", **checked)
        assert answer.status_code == 422 and list(answer.json["fields"]) == ["checked"]
    assert city.accounts.known("p-resident")["factor"], "nothing has changed"
    refused(city.post("accounts/reset-second-factor", "", username="p-resident", checked=SEEN), 401, "unauthenticated")
    assert city.post("accounts/reset-second-factor", lin, username="p-resident", checked=SEEN).status_code == 200
    (told,) = city.acts("second_factor_reset")
    assert (told["by"], told["detail"], told["person_id"]) == ("operator:lin", SEEN, "p-resident")
    del city.secrets["p-resident"]
    city.sign_in("p-resident")


def test_a_number_serves_one_signature_and_its_repetition(city: City) -> None:
    first, second = city.world.payment("reviewed"), city.world.payment("reviewed")
    city.set_up("p-secretary")
    token = city.sign_in("p-secretary")
    number = city.number("p-secretary")

    def sign(of: tuple[str, str], key: str) -> Any:
        headers = {"Linli-Post": "post-secretary", "Linli-Code": number, "Idempotency-Key": key}
        ask = {"project_id": of[1], "payment_id": of[0], "version": 1, "amount_fen": 50_000}
        return city.post("funding/sign_payment", token, headers, **ask)

    done = sign(first, "one")
    assert done.status_code == 200 and sign(first, "one").json == done.json
    refused(sign(second, "two"), 422, "bad_input", "code")


def test_who_signs_for_money_needs_a_second_factor(city: City) -> None:
    payment, project = city.world.payment("reviewed")
    token = city.sign_in("p-secretary")
    ask = {"project_id": project, "payment_id": payment, "version": 1, "amount_fen": 50_000}
    refused(city.post("funding/sign_payment", token, {"Linli-Post": "post-secretary"}, **ask), 403, "forbidden")
    imported = {"Linli-Post": "post-secretary", "Linli-Import": "forged"}
    refused(city.post("funding/sign_payment", token, imported, **ask), 401, "unauthenticated")
    imported["Linli-Import"] = OPERATOR_TOKEN  # it was signed in the other register, and the facts say so
    assert city.post("funding/sign_payment", token, imported, **ask).status_code == 200


def test_a_new_account_cannot_take_the_place_of_a_signer_s(city: City) -> None:
    """Removing an account weighs nothing, making one again for who signs does; so does making an operator."""
    lin, wu = city.operator("lin"), city.operator("wu")
    assert city.post("accounts/remove", lin, username="p-secretary").status_code == 200
    again = {"username": "p-secretary", "password": NEXT, "person_id": "p-secretary"}
    request = refused(city.post("accounts", lin, **again), 409, "asked")["fields"]["request_id"]
    refused(city.post("accounts", lin, username="friend", password=NEXT, kind="operator"), 409, "asked")
    refused(city.post("accounts/extend", lin, username="wu", until="2099-01-01"), 409, "asked")
    refused(city.post("accounts", lin, username="poor", password="1234567890", person_id="p-new"), 422, "bad_input")
    assert city.post("accounts", lin, username="resident", password=NEXT, person_id="p-new").status_code == 201
    assert city.post("operators/decline", wu, request_id=request).status_code == 200
    refused(city.post("operators/confirm", wu, request_id=request), 409, "illegal_state")
    assert [row["act"] for row in city.acts("account_made", "account_removed", "declined")] == [
        *("account_removed", "account_made", "declined")
    ]


def test_an_operator_alone_gives_nobody_the_power_to_sign(city: City) -> None:
    lin = city.operator("lin")
    appoint = {"post_id": "post-secretary", "person_id": "p-resident"}
    refused(city.post("registry/appoint_person", lin, **appoint), 409, "asked")
    entry = {"kind": "roles", "code": "resident", "zh": "居民", "en": "Resident"}
    refused(city.post("registry/adopt_entry", lin, **entry), 409, "asked")
    other = {"kind": "channels", "code": "fax", "zh": "传真", "en": "Fax"}
    assert city.post("registry/adopt_entry", lin, **other).status_code == 200


def test_a_person_is_forgotten_by_two(city: City) -> None:
    lin, wu = city.operator("lin"), city.operator("wu")
    person = city.world.person()
    city.accounts.create("somebody", PASSWORD, "person", person)
    ask = {"person_id": person, "reason": "本人申请"}
    request = refused(city.post("registry/erase_person", lin, **ask), 409, "asked")["fields"]["request_id"]
    found = city.client.get("/api/operators/requests", headers={"Authorization": f"Bearer {wu}"}).json["rows"]
    assert [(row["request_id"], row["by"]) for row in found] == [(request, "operator:lin")] and person in found[0][
        "detail"
    ]
    answer = city.post("operators/confirm", wu, request_id=request)
    assert answer.json["done"]["events"] == 1
    assert city.accounts.get("somebody") is None, "who is forgotten signs in no more"
    city.gateway.trail.flush()
    (removed,) = city.acts("account_removed")
    assert (removed["by"], removed["person_id"], removed["account"]) == ("operator:wu", person, "")
    refused(city.post("operators/confirm", wu, request_id=request), 409, "illegal_state")


def test_a_form_is_asked_for_and_confirmed_by_clicking(city: City) -> None:
    city.operator("lin")
    city.operator("wu")
    person = city.world.person()
    browsers = {}
    for name in ("lin", "wu"):
        browsers[name] = city.world.town.app.test_client()
        form = {"csrf_token": _token(browsers[name], "/sign-in"), "username": name, "password": PASSWORD}
        assert browsers[name].post("/sign-in", data=form | {"code": city.number(name)}).status_code == 303
    page = f"/work/registry/erase_person?person_id={person}"
    form = {"csrf_token": _token(browsers["lin"], page), "person_id": person, "reason": "本人申请"}
    asked = browsers["lin"].post("/work/registry/erase_person", data=form, headers={"Accept-Language": "zh"})
    assert asked.status_code == 409 and "还要由另一个人在24小时内确认" in asked.text
    assert "确认并办理" not in browsers["lin"].get("/requests", headers={"Accept-Language": "zh"}).text
    shown = browsers["wu"].get("/requests", headers={"Accept-Language": "zh"}).text
    assert "确认并办理" in shown and person in shown and "operator:lin" in shown
    request = shown.split('name="request_id" value="')[1].split('"')[0]
    form = {"csrf_token": _token(browsers["wu"], "/requests"), "request_id": request}
    assert browsers["wu"].post("/requests/confirm", data=form).status_code == 303
    assert [row["by"] for row in city.acts("asked", "confirmed")] == ["operator:lin", "operator:wu"]
    again = browsers["wu"].post("/requests/confirm", data=form)
    assert again.status_code == 409 and 'class="refusal' in again.text
    assert city.client.get("/requests").status_code == 302, "to sign in"


def test_what_fails_when_it_is_confirmed_stays_open(city: City) -> None:
    lin, wu = city.operator("lin"), city.operator("wu")
    ask = {"person_id": "p-secretary", "reason": "holds a post"}
    request = refused(city.post("registry/erase_person", lin, **ask), 409, "asked")["fields"]["request_id"]
    refused(city.post("operators/confirm", wu, request_id=request), 409, "illegal_state")
    assert city.post("operators/decline", lin, request_id=request).status_code == 200, "who asked may take it back"


@pytest.mark.parametrize("act", ["retry", "skip"])
def test_parked_facts_take_two(city: City, act: str) -> None:
    lin, wu = city.operator("lin"), city.operator("wu")
    ask = {"service": "issues", "source": "registry", "stream": "post-1", "reason": "mended"}
    request = refused(city.post(f"operations/park/{act}", lin, **ask), 409, "asked")["fields"]["request_id"]
    refused(city.post("operators/confirm", wu, request_id=request), 404, "not_found")  # nothing is parked here


def test_the_installation_s_token_acts_alone_in_the_open_and_only_until_two_can(city: City) -> None:
    person = city.world.person()
    ask = {"person_id": person, "reason": "本人申请"}
    assert city.post("registry/erase_person", OPERATOR_TOKEN, **ask).status_code == 200
    assert [(row["act"], row["by"], row["alone"]) for row in city.acts("operator_acted", "token_used")] == [
        ("token_used", TOKEN, False),
        ("operator_acted", TOKEN, True),
    ]
    public = city.client.get("/api/audit/find_entries?limit=500").json["rows"]
    assert [row for row in public if '"act":"operator_acted","alone":true' in row["line"]], "anybody can see it"
    lin = city.operator("lin")
    refused(city.post("operators/close-token", lin), 403, "forbidden")
    wu = city.operator("wu")
    ask["person_id"] = city.world.person()
    refused(city.post("registry/erase_person", OPERATOR_TOKEN, **ask), 403, "forbidden")
    refused(city.post("operators/close-token", OPERATOR_TOKEN), 403, "forbidden")
    assert city.post("operators/close-token", wu).json == {"closed": True}
    refused(city.post("accounts/remove", OPERATOR_TOKEN, username="p-grid"), 401, "unauthenticated")
    assert [row["by"] for row in city.acts("token_closed")] == ["operator:wu"]


def test_where_all_telephones_are_lost_the_city_is_opened_as_a_trial_in_the_open(city: City) -> None:
    city.operator("lin")
    city.operator("wu")
    reset = {"username": "lin", "checked": SEEN}
    refused(city.post("accounts/reset-second-factor", OPERATOR_TOKEN, **reset), 403, "forbidden")
    city.gateway.credentials.trial = True
    try:
        assert city.post("accounts/reset-second-factor", OPERATOR_TOKEN, **reset).status_code == 200
    finally:
        city.gateway.credentials.trial = False
    assert [(row["act"], row["alone"]) for row in city.acts("operator_acted", "second_factor_reset")] == [
        ("operator_acted", True),
        ("second_factor_reset", False),
    ]
    del city.secrets["lin"]
    city.set_up("lin")


def test_sign_out_ends_a_sign_in_and_says_where_it_does_not(city: City) -> None:
    refused(city.post("sign-out", OPERATOR_TOKEN), 403, "forbidden")
    lin = city.operator("lin")
    assert city.post("sign-out", lin).status_code == 200
    refused(city.post("accounts/remove", lin, username="p-grid"), 401, "unauthenticated")
    assert [row["by"] for row in city.acts("signed_out")] == ["operator:lin"]


def test_an_operator_needs_a_second_factor_and_a_first_password_is_changed(city: City) -> None:
    city.accounts.create("lin", PASSWORD, "operator", first=True)
    answer = city.post("sign-in", username="lin", password=PASSWORD).json
    assert answer["needs"] == ["password", "second_factor"]
    refused(city.post("accounts/remove", answer["token"], username="p-grid"), 403, "forbidden")
    assert city.post("password", answer["token"], old=PASSWORD, new=NEXT).status_code == 200
    token = city.sign_in("lin", NEXT)
    refused(city.post("accounts/remove", token, username="p-grid"), 403, "forbidden")
    city.set_up("lin", NEXT)
    assert city.post("accounts/remove", city.sign_in("lin", NEXT), username="p-grid").status_code == 200


def test_a_city_may_ask_everybody_for_a_second_factor(city: City) -> None:
    token = city.sign_in("p-resident")
    assert city.client.get("/api/me", headers={"Authorization": f"Bearer {token}"}).status_code == 200
    city.gateway.credentials._everybody = True
    try:
        report = {"place": COMPOUND, "category": "facility.road", "description": "pit"}
        answer = city.post("issues/report_issue", token, **report)
        assert answer.status_code == 403 and "second factor" in answer.json["message"]
        city.set_up("p-resident")
        assert city.post("issues/report_issue", city.sign_in("p-resident"), **report).status_code == 200
        assert city.post("issues/report_issue", **report).status_code == 200, "who has no account reports as before"
    finally:
        city.gateway.credentials._everybody = False


def test_an_operator_is_braked(city: City) -> None:
    lin = city.operator("lin")
    for number in range(ACTS_AN_HOUR):
        refused(city.post("accounts/reset-second-factor", lin, username="lin", checked=SEEN), 409, "asked")
        assert number < ACTS_AN_HOUR
    answer = city.post("accounts/reset-second-factor", lin, username="lin", checked=SEEN)
    refused(answer, 429, "too_many_requests")
    assert int(answer.headers["Retry-After"]) > 3000
    assert [row["by"] for row in city.acts("operator_stopped")] == ["operator:lin"]


def test_who_reads_a_contact_is_noted(city: City) -> None:
    issue = city.world.issue(contact="13800001111")
    token = city.sign_in("p-grid")
    headers = {"Authorization": f"Bearer {token}", "Linli-Post": "post-grid"}
    for _ in range(3):
        assert city.client.get(f"/api/issues/get_issue?issue_id={issue}", headers=headers).json["contact"]
    city.client.get(f"/api/issues/get_issue?issue_id={issue}")  # nobody reads none
    (read,) = city.acts("contact_read")
    assert (read["by"], read["detail"], read["count"]) == ("p-grid", f"issues {issue}", 1)
    city.gateway.trail.rest()
    city.gateway.trail.flush()
    assert [row["count"] for row in city.acts("contact_read")] == [1, 2]


def test_who_is_refused_what_is_noted_and_no_text_of_it(city: City) -> None:
    token = city.sign_in("p-grid")
    for _ in range(3):
        refused_one = city.post("registry/erase_person", token, person_id="p-secretary", reason="a word of theirs")
        assert refused_one.status_code == 403
    (told,) = city.acts("access_refused")
    assert (told["by"], told["detail"], told["count"]) == ("p-grid", "POST /api/registry/erase_person", 1)
    city.gateway.trail.rest()
    city.gateway.trail.flush()
    assert [row["count"] for row in city.acts("access_refused")] == [1, 2], "what repeats is counted"
    client = city.world.town.app.test_client()
    assert client.get("/api/operations/parked").status_code in (401, 403)
    assert client.get("/api/me", headers={"Authorization": "Bearer forged"}).status_code == 401
    assert client.get("/api/me", headers={"Authorization": "Basic eDp5"}).status_code == 401
    assert [(row["by"], row["detail"]) for row in city.acts("token_refused")] == [("", "GET /api/me")]
    report = {"place": COMPOUND, "category": "facility.road", "description": "pit"}
    assert city.post("issues/report_issue", token, headers={"Linli-Import": "forged"}, **report).status_code == 401
    assert city.acts("token_refused")[-1]["detail"] == "POST /api/issues/report_issue"
    assert "a word of theirs" not in str(city.acts("access_refused", "token_refused"))
    with city.world.town.app.test_client() as browser:  # another site's form
        form = browser.post("/report", data={"description": "x"}, headers={"Sec-Fetch-Site": "cross-site"})
        assert form.status_code == 403
    assert city.acts("access_refused")[-1]["detail"] == "POST /report"


def test_acts_are_for_auditors_and_operators(city: City) -> None:
    city.sign_in("p-grid")
    refused(city.client.get("/api/audit/find_security_acts"), 403, "forbidden")
    headers = {"Authorization": f"Bearer {city.sign_in('p-secretary')}", "Linli-Post": "post-secretary"}
    refused(city.client.get("/api/audit/find_security_acts", headers=headers), 403, "forbidden")
    found = city.client.get("/api/audit/find_security_acts", headers={"Authorization": f"Bearer {OPERATOR_TOKEN}"}).json
    assert {"signed_in", "token_used"} <= {row["act"] for row in found["rows"]}
    browser = city.world.town.app.test_client()
    city.operator("lin")
    form = {"csrf_token": _token(browser, "/sign-in"), "username": "lin", "password": PASSWORD}
    browser.post("/sign-in", data=form | {"code": city.number("lin")})
    page = browser.get("/work/audit/find_security_acts", headers={"Accept-Language": "zh"}).text
    shown = page.split("</form>")[-1]
    assert "安全事项" in page and "使用安装令牌" in shown and "token_used" not in shown, "in words, not in codes"
    context = CallContext(kind="person", actor="p-grid", command_id="c")
    with pytest.raises(Exception, match="only the gateway"):
        city.world.town.call("audit", "note_act", context, {"security_act_id": "x-1", "act": "signed_in"})


def _token(browser: Any, path: str) -> str:
    return str(browser.get(path).text.split('name="csrf_token" value="')[1].split('"')[0])


def test_the_page_of_the_account_leads_through(city: City) -> None:
    city.accounts.change("p-grid", {"first": True})
    browser = city.world.town.app.test_client()

    def token(path: str) -> str:
        return _token(browser, path)

    form = {"csrf_token": token("/sign-in"), "username": "p-grid", "password": PASSWORD}
    assert browser.post("/sign-in", data=form).status_code == 303
    assert browser.get("/inbox").headers["Location"] == "/account"
    form = {"csrf_token": token("/account"), "old": PASSWORD, "new": "1234567890"}
    poor = browser.post("/account/password", data=form, headers={"Accept-Language": "zh"})
    assert poor.status_code == 422 and "太容易猜到" in poor.text
    assert browser.post("/account/password", data=form | {"new": NEXT}).status_code == 303
    form = {"csrf_token": token("/sign-in"), "username": "p-grid", "password": NEXT}
    browser.post("/sign-in", data=form)
    assert browser.get("/inbox").status_code == 200
    begun = browser.post("/account/second-factor", data={"csrf_token": token("/account"), "password": NEXT})
    secret = begun.text.split('id="secret">')[1].split("<")[0]
    assert 'src="data:image/svg+xml' in begun.text
    city.secrets["p-grid"] = secret
    form = {"csrf_token": token("/account"), "code": city.number("p-grid")}
    assert browser.post("/account/second-factor/confirm", data=form).status_code == 303
    form = {"csrf_token": token("/sign-in"), "username": "p-grid", "password": NEXT}
    assert browser.post("/sign-in", data=form).status_code == 422
    assert browser.post("/sign-in", data=form | {"code": city.number("p-grid")}).status_code == 303


@pytest.mark.parametrize(
    ("command", "line", "two"),
    [
        ("appoint_person", {"post_id": "x", "person_id": "y"}, True),
        ("adopt_entry", {"kind": "roles", "code": "x"}, True),
        ("adopt_entry", {"kind": "levels", "code": "x"}, False),
        ("register_place", {"place": "350104.013"}, False),
    ],
)
def test_what_takes_two_takes_two_in_a_table_as_well(city: City, command: str, line: dict[str, str], two: bool) -> None:
    """An operator who brings many lines in gives nobody powers alone, whatever else stands in the table."""
    operators = city.world.town.app.extensions["linli.operators"]
    told = {"command": command, "lines": [{"kind": "levels"}, line], "dry_run": False}
    assert operators._wants_two(Current("operator", "operator:zhao"), "registry", "bring_in", told) is two
