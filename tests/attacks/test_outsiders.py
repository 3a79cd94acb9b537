"""What was tried by people without a right, in both shapes: each test does it again, and says what is right."""

from __future__ import annotations

import json
import time

import pytest

from tests.attacks.target import REPORT, Target
from tests.faults.founding import COMPOUND, OFFICER_POST, PROJECT, STREET, TEAM, WALKERS

pytestmark = pytest.mark.timeout(400)
PHONE, REPORTER, WISHER = "13859112345", "林小满", "陈秀英"


def test_a_text_that_looks_encrypted_alarms_nobody_and_stops_no_start(target: Target) -> None:
    """Once it was taken for a sealed one: `verify` failed for ever, and the service would not start again."""
    for text in ("sealed:v1:p-1:AAAA", " sealed:v1:w-1:" + "QUFB" * 20):
        status, refusal, _ = target.send("POST", "/api/issues/report_issue", REPORT | {"description": text})
        assert (status, list(refusal["fields"])) == (422, ["description"])
    ids = {"X_Correlation_Id": "sealed:v1:w-1:" + "QUFB" * 20, "Idempotency_Key": "sealed:v1:p-1:AAAA"}
    target.done("issues/report_issue", REPORT, **ids)
    target.well()
    name = "issues" if "issues" in target.city.processes else "linli"
    process = target.city.processes[name]
    target.city.hold(name)
    process.kill()
    process.start()
    target.city.wait_ready()
    target.city.release(name)
    target.well()


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("origin", "\x00[/x]"),
        ("origin", "visit-1"),
        ("description", "a\x00b"),
        ("description", "\x1b[2J\x07"),
        ("description", "甲\u202e乙"),
        ("description", "\u200b\u2800"),
        ("description", "\ud800"),
        ("place", "350104.013.001\x00"),
        ("command_id", "x"),
        ("__proto__", "x"),
    ],
)
def test_what_nobody_can_hold_is_refused_and_nothing_is_written(target: Target, field: str, text: str) -> None:
    head = target.city.status()["issues"]["head"]
    status, refusal, _ = target.send("POST", "/api/issues/report_issue", REPORT | {field: text})
    assert status in (403, 422) and refusal["kind"] in ("bad_input", "forbidden")
    assert target.city.status()["issues"]["head"] == head


def test_markup_reaches_the_terminal_as_text(target: Target) -> None:
    receipt = target.done("issues/report_issue", REPORT | {"description": "[/x] [link=http://a.b]灯[/link] [red]"})
    shown = target.city.linli("case", "show", receipt["issue_id"])
    assert shown.returncode == 0 and "[/x] [link=http://a.b]灯[/link] [red]" in shown.stdout
    assert not {character for character in shown.stdout if character < " "} - {"\n"}


def test_positions_beyond_the_head_hold_up_nobody(target: Target) -> None:
    begun = time.monotonic()
    wrong = ("9007199254740991", "99999999", "9007199254740993", "-1", "1e3", "")
    for token in ("", target.tokens["officer"]):
        for position in wrong:
            status, refusal, _ = target.send(
                "GET", "/api/issues/find_issues", None, token, Linli_After=f"issues={position}"
            )
            assert (status, list(refusal["fields"])) == (422, ["Linli-After"]), position
    assert time.monotonic() - begun < 8


def test_proofs_beyond_the_ledger_are_refused(target: Target) -> None:
    for old, new in ((1, 999_999), (999_999, 999_999), (5, 1), (-1, 2), (2**63, 2**63 + 1)):
        status, refusal, _ = target.send("GET", f"/api/audit/prove_consistency?old={old}&new={new}")
        assert (status, refusal["kind"]) == (422, "bad_input"), (old, new)


def test_the_ledger_tells_nobody_who_reported_wished_went_along_or_signed_in(target: Target) -> None:
    """Rows, proofs and pages alike."""
    target.officer("issues/report_issue", **REPORT, contact=f"{REPORTER} {PHONE}")
    target.officer("volunteers/ask_wish", wish_id="w-ledger", place=COMPOUND, wish="一副拐杖", wisher=WISHER)
    target.officer("volunteers/log_patrol", patrol_id="round-ledger", team_id=TEAM, started="2026-11-01T20:00:00+08:00",
                   minutes=30, members=WALKERS, place=COMPOUND, route="一号楼到三号楼")  # fmt: skip
    rows = target.entries()
    told = json.dumps(rows, ensure_ascii=False)
    for secret in (PHONE, REPORTER, WISHER, "林晓燕", "陈干事", *(f'"{walker}"' for walker in WALKERS)):
        assert secret not in told, secret
    newest = next(row for row in rows if "PatrolLogged" in row["line"])
    proof = target.get(f"/api/audit/prove_event?event_id={newest['event_id']}")
    page = target.get("/audit", Accept="text/html")
    for shown in (json.dumps(proof, ensure_ascii=False), page):
        assert not any(secret in shown for secret in (PHONE, *(f'"{walker}"' for walker in WALKERS)))


def test_the_contact_of_a_wish_is_for_who_was_introduced(target: Target) -> None:
    """Somebody of elsewhere claims, reads and gives back, one wish after the other."""
    target.operator("registry/register_person", person_id="elsewhere", name="周平", place="350104")
    target.operator("accounts", username="elsewhere", password="three odd words 77", person_id="elsewhere")
    stranger = target.sign_in("elsewhere", "three odd words 77")
    for number in range(4):
        id = f"w-contact-{number}"
        target.officer("volunteers/ask_wish", wish_id=id, place=COMPOUND, wish="一副拐杖", wisher=WISHER, contact=PHONE)
        receipt = target.officer("volunteers/publish_wish", wish_id=id, title="一副拐杖")
        after = {"Linli_After": f"volunteers={receipt['position']}"}
        target.send("POST", "/api/volunteers/claim_wish", {"wish_id": id}, stranger, **after)
        for token in ("", stranger):
            wish = target.get(f"/api/volunteers/get_wish?wish_id={id}", token, **after)
            assert not {WISHER, PHONE} & {str(value) for value in wish.values()}, wish
        target.send("POST", "/api/volunteers/release_wish", {"wish_id": id}, stranger, **after)


def test_a_new_account_of_an_old_name_is_somebody_else(target: Target) -> None:
    ask = {"username": "passing", "password": "three odd words 77"}
    target.operator("accounts", **ask, person_id=WALKERS[0])
    old = target.sign_in("passing", ask["password"])
    assert target.get("/api/me", old)["person_id"] == WALKERS[0]
    target.operator("accounts/remove", username="passing")
    target.operator("accounts", username="passing", password="four other words 8", person_id=WALKERS[1])
    status, refusal, _ = target.send("GET", "/api/me", None, old)
    assert (status, refusal["kind"]) == (401, "unauthenticated")


@pytest.mark.parametrize(
    "password", ["1234567890", "          ", "password12", "1q2w3e4r5t", "aaaaaaaaaa", "poorpoor12"]
)
def test_a_poor_password_is_not_taken(target: Target, password: str) -> None:
    ask = {"username": "poorpoor", "password": password, "person_id": WALKERS[0]}
    status, refusal, _ = target.send("POST", "/api/accounts", ask, target.tokens["operator"])
    assert (status, list(refusal["fields"])) == (422, ["password"]), refusal


def test_what_people_do_at_the_door_is_noted_and_for_auditors(target: Target) -> None:
    target.send("POST", "/api/sign-in", {"username": "officer", "password": "a wrong one"})
    target.send("POST", "/api/issues/triage_issue", {"issue_id": "none"}, "no token at all")
    begun = time.monotonic()
    while True:
        acts = target.get("/api/audit/find_security_acts?limit=200", target.tokens["operator"])["rows"]
        found = {act["act"] for act in acts}
        if {"signed_in", "account_made", "token_used"} <= found and found & {"sign_in_failed", "token_refused"}:
            break
        assert time.monotonic() - begun < 30, found
        time.sleep(0.2)
    for token in ("", target.tokens["officer"]):
        status, refusal, _ = target.send("GET", "/api/audit/find_security_acts", None, token)
        assert (status, refusal["kind"]) == (403, "forbidden")


def _allow(target: Target, number: int) -> None:
    """So many reports a day of people who are not signed in."""
    target.operator(
        "registry/adopt_entry",
        kind="parameters",
        code="anonymous_a_day",
        zh="每日匿名上报",
        en="reports of nobody in a day",
        data={"value": number},
    )


def test_many_reports_of_nobody_are_held_and_no_duty(target: Target) -> None:
    _allow(target, 3)
    target.city.converge()
    taken = [target.done("issues/report_issue", REPORT | {"description": f"灯{number}"}) for number in range(8)]
    after = f"issues={taken[-1]['position']}"
    path = "/api/issues/find_held_issues?limit=50"
    held = target.get(path, target.tokens["officer"], Linli_Post=OFFICER_POST, Linli_After=after)["rows"]
    assert len(held) >= 5
    target.officer("issues/strike_out_issue", issue_id=held[0]["issue_id"], reason="一样的灯报了八次")
    _allow(target, 100_000)
    target.city.converge()


def test_who_is_forgotten_is_forgotten_everywhere(target: Target) -> None:
    receipt = target.officer("issues/report_issue", **REPORT, contact=f"{REPORTER} {PHONE}")
    target.officer("issues/erase_contact", issue_id=receipt["issue_id"])
    target.operator("registry/register_person", person_id="leaving", name="吴长青", place=COMPOUND)
    target.operator("accounts", username="leaving", password="three odd words 77", person_id="leaving")
    token = target.sign_in("leaving", "three odd words 77")
    target.operator("registry/erase_person", person_id="leaving", reason="她要求")
    target.city.converge()
    begun = time.monotonic()
    while target.send("GET", "/api/me", None, token)[0] != 401:
        assert time.monotonic() - begun < 20
        time.sleep(0.1)
    assert target.send("POST", "/api/sign-in", {"username": "leaving", "password": "three odd words 77"})[0] == 401
    seen = target.get(
        f"/api/issues/get_issue?issue_id={receipt['issue_id']}", target.tokens["officer"], Linli_Post=OFFICER_POST
    )
    assert PHONE not in json.dumps(seen) and REPORTER not in json.dumps(seen, ensure_ascii=False)
    target.well()


def test_all_files_are_their_owners(target: Target) -> None:
    found = [target.city.data, *target.city.data.rglob("*")]
    assert len(found) > 4 and [path for path in found if path.stat().st_mode & 0o077] == []


def test_nobody_signs_reads_or_pays_without_a_power(target: Target) -> None:
    for path, body in (
        (
            "funding/record_receipt",
            {"project_id": PROJECT, "source": "society", "payer": "商会", "amount_fen": 100, "voucher": "V-1"},
        ),
        ("volunteers/register_volunteer", {"person_id": "w-9", "name": "某人", "home": COMPOUND}),
        ("volunteers/join_team", {"team_id": TEAM, "person_id": WALKERS[0]}),
        ("registry/register_place", {"place": f"{STREET}.9", "kind": "compound", "name": "九", "parent": STREET}),
        ("operations/rebuild", {"service": "issues"}),
        ("accounts", {"username": "me", "password": "three odd words 77", "kind": "operator"}),
    ):
        status, refusal, _ = target.send("POST", f"/api/{path}", body)
        assert status in (401, 403), (path, refusal)
    for path in ("registry/find_persons", "volunteers/find_members", "issues/find_held_issues", "operations/status"):
        status, content, _ = target.send("GET", f"/api/{path}")
        assert status in (401, 403, 422) or not any("name" in row for row in content["rows"]), (path, content)
