"""After a human is erased no file holds them: not the logs, views, free pages, parked facts, accounts, log lines, traces, exports."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from shared.service.storage import open_keys
from tests.e2e import seed
from tests.e2e.seed import COMPOUND, Api
from tests.faults.city import City
from tests.kit.city import ENTRIES
from tests.kit.traces import found

#: What is known of one human in the services, each word only there.
NAME, USER = "欧阳零捌", "ouyanglingba"
REGISTRY = {"name": NAME}
ISSUES = {"contact": "contact-ouyang-7731 零捌号信箱", "household": "household-ouyang 零捌家"}
VOLUNTEERS = {
    "volunteer": "欧阳零捌志愿",
    "wish": "wish-ouyang 零捌想要",
    "wisher": "wisher-ouyang 零捌阿姨",
    "reach": "reach-ouyang 零捌",
}
ANSWERS = {"unit": "unit-ouyang 零捌厂", "offer": "offer-ouyang 零捌帮忙", "noted": "noted-ouyang 零捌户"}
MONEY = {"payer": "payer-ouyang 零捌付", "payee": "payee-ouyang 零捌收"}
WORDS = {**REGISTRY, **ISSUES, **VOLUNTEERS, **ANSWERS, **MONEY}


def live(operator: Api) -> dict[str, str]:
    """One human reports, volunteers, wishes, is visited, pays and is paid; and is refused now and then. Ids of all that."""
    operator.do("registry", "register_person", person_id="p-o", name=NAME, place=COMPOUND)
    operator.send("accounts", {"username": USER, "password": seed.PASSWORD, "person_id": "p-o"})
    human = operator.as_person(USER)
    human.post = ""
    contact = WORDS["contact"]
    case = {"place": COMPOUND, "category": "noise", "description": "楼上半夜搬家具。"}
    ids = {"issue": human.do("issues", "report_issue", contact=contact, **case)["id"]}
    human.do("volunteers", "register_volunteer", name=WORDS["volunteer"], home=COMPOUND)
    asked = {"place": COMPOUND, "wish": WORDS["wish"], "wisher": WORDS["wisher"], "contact": WORDS["reach"]}
    ids["wish"] = human.do("volunteers", "ask_wish", **asked)["id"]
    for wrong in ({"category": WORDS["contact"]}, {"place": "350104.013.999"}, {"contact": contact * 20}):
        with pytest.raises(AssertionError, match="4[0-9][0-9]"):
            human.do("issues", "report_issue", **({"contact": contact} | case | wrong))
    lin, chen, he = (operator.as_person(name) for name in ("lin", "chen", "he"))
    ids["notice"] = notice(operator, chen)
    human.do("registry", "answer_notice", regulation_id=ids["notice"], unit=WORDS["unit"], offer=WORDS["offer"])
    building = {"regulation_id": ids["notice"], "place": f"{COMPOUND}.01"}
    human.do("registry", "acknowledge_regulation", household=WORDS["noted"], **building)
    visit = {"place": COMPOUND, "visited_on": "2026-03-01", "household": WORDS["household"]}
    ids["visit"] = lin.do("issues", "record_visit", **visit)["id"]
    project = {
        "project_id": "lamps",
        "title": "路灯",
        "title_en": "Lamps",
        "place": COMPOUND,
        "issue_ids": [ids["issue"]],
    }
    shares = {"government": 60, "society": 20, "residents": 20}
    criteria = [{"code": "light", "zh": "亮", "en": "light"}]
    chen.do("funding", "propose_project", budget_fen=100, shares=shares, criteria=criteria, **project)
    chen.do("funding", "approve_project", project_id="lamps")
    given = {"source": "residents", "payer": WORDS["payer"], "payer_kind": "person", "amount_fen": 90}
    ids["receipt"] = he.do("funding", "record_receipt", project_id="lamps", **given)["receipt_id"]
    paid = {"payee": WORDS["payee"], "payee_kind": "person", "purpose": "零工", "amount_fen": 10, "bill": "B-1"}
    ids["payment"] = lin.do("funding", "request_payment", project_id="lamps", **paid)["payment_id"]
    read = {"project_id": "lamps", "payment_id": ids["payment"], "version": 1, "amount_fen": 10}
    for person, body in (("wu", "branch"), ("huang", "committee"), ("xu", "board")):
        operator.as_person(person).do("funding", "review_payment", **read, body=body, verdict="approved")
    chen.do("funding", "sign_payment", **read)
    operator.as_person("guo").do("funding", "make_payment", project_id="lamps", payment_id=ids["payment"])
    assert chen.ask("issues", "get_issue", issue_id=ids["issue"])["contact"] == contact
    assert NAME in [row["name"] for row in chen.ask("registry", "find_persons", limit=200)["rows"]]
    (answer,) = chen.ask("registry", "find_responses", regulation_id=ids["notice"])["rows"]
    assert answer["unit"] == WORDS["unit"]
    ids["response"] = answer["response_id"]
    lin.ask("issues", "find_visits"), chen.ask("volunteers", "find_wishes"), he.ask("funding", "find_receipts")
    return ids


def notice(operator: Api, chen: Api) -> str:
    """A notice that hangs in a community where residents may answer one."""
    rules = {"of": "party", "adopted_by": "party", "answered": True, "acknowledged": True}
    operator.do("registry", "adopt_entry", kind="regulations", code="notice", zh="告知书", en="Notice", data=rules)
    powers = [*ENTRIES["roles"]["resident"]["powers"], "regulation.respond", "regulation.acknowledge"]
    residents = {"zh": "居民", "en": "resident", "data": {"powers": powers}}
    operator.do("registry", "adopt_entry", kind="roles", code="resident", **residents)
    counted = {"households": 20, "as_of": seed.SINCE}
    operator.do("registry", "count_households", place=f"{COMPOUND}.01", **counted)
    drafted = {
        "kind": "notice",
        "organisation_id": "community-committee",
        "number": 1,
        "title": "告知书",
        "text": "请回应",
    }
    id: str = chen.do("registry", "draft_regulation", **drafted)["id"]
    chen.do("registry", "adopt_regulation", regulation_id=id, resolution="决议")
    chen.do("registry", "post_regulation", regulation_id=id, channel="portal", where="公开栏")
    return id


def erase(operator: Api, ids: dict[str, str]) -> None:
    """Everything that an operator and staff do when the human asks for it."""
    lin, he = operator.as_person("lin"), operator.as_person("he")
    operator.do("registry", "erase_person", person_id="p-o", reason="asked for it")
    lin.do("issues", "erase_household", visit_id=ids["visit"])
    he.do("funding", "erase_payer", project_id="lamps", receipt_id=ids["receipt"])
    he.do("funding", "erase_payee", project_id="lamps", payment_id=ids["payment"])


@pytest.fixture(scope="module", params=["embedded", pytest.param("city", marks=pytest.mark.city)])
def erased(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """A city that logs and traces all it can, backed up and exported before and after an erasure; it still runs.

    In the city shape it is on RabbitMQ and on a database that speaks MongoDB's protocol, whose files are looked at too.
    """
    folder = tmp_path_factory.mktemp("erased")
    city = City(request.param, settings={"LINLI_LOG_LEVEL": "debug", "LINLI_TRACES": "console"})
    try:
        city.start()
        operator = Api(city.url, city.token())
        seed.found(operator)
        ids = live(operator)
        _told(city, "backup", str(folder / "before"), "--keys", str(folder / "keys-before"))
        erase(operator, ids)
        _told(city, "backup", str(folder / "after"), "--keys", str(folder / "keys-after"))
        operator.ask("audit", "get_checkpoint")  # once the ledger has all that was written
        _told(city, "export", str(folder / "export"))
        _told(city, "export", str(folder / "export-full"), "--full")
        (folder / "case.txt").write_text(_told(city, "case", "show", ids["issue"]))
        broker, database = (server.folder if server else None for server in (city.broker, city.database))
        ours = [folder, city.data, *(process.folder for process in city.processes.values())]
        yield {"folder": folder, "ours": ours, "broker": broker, "database": database, "ids": ids}
    finally:
        city.stop()


def _told(city: City, *command: str) -> str:
    done = city.linli(*command)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def files(erased: dict[str, Any], *names: str) -> list[Path]:
    """Everything of ours, and of the servers named, but the copy of the keys from before: it is to be destroyed (docs/backup.md)."""
    kept = erased["folder"] / "keys-before"
    folders = [*erased["ours"], *(erased[name] for name in names if erased[name])]
    return [path for folder in folders for path in folder.rglob("*") if path.is_file() and kept not in path.parents]


def test_no_file_holds_a_word_of_who_was_erased(erased: dict[str, Any]) -> None:
    everything = files(erased, "broker", "database")
    assert found(WORDS.values(), everything) == []
    seen = {path.name for _, path in found(["issues.report_issue", "linli.correlation_id", "半夜搬家具"], everything)}
    assert {"issues.log.jsonl", "ledger.disclosures.jsonl"} <= seen, "what is no secret is seen"
    assert any("debug" in path.read_text() for path in everything if path.name == "output.log")


def test_the_servers_files_hide_no_words(erased: dict[str, Any]) -> None:
    """Facts lie there, with names sealed. Calls, which hold what somebody types, are never written by the broker."""
    for folder in (erased["broker"], erased["database"]):
        if folder:
            assert found(["IssueReported"], [path for path in folder.rglob("*") if path.is_file()])


def test_the_sign_in_name_is_gone_with_the_account(erased: dict[str, Any]) -> None:
    """A backup from before holds the accounts as they were, and a replica set its last changes for a while (docs/backup.md)."""
    assert {path for _, path in found([USER], files(erased, "broker"))} == {
        erased["folder"] / "before" / "gateway.state.jsonl"
    }


def test_no_file_of_ours_holds_a_key_that_would_open_what_is_kept(erased: dict[str, Any]) -> None:
    ids = erased["ids"]
    lines = (erased["folder"] / "keys-before" / "personal.jsonl").read_text().splitlines()
    secrets = {subject: base64.b64decode(secret) for subject, _, secret in map(json.loads, lines)}
    gone = {"p-o", f"issue:{ids['issue']}", f"visit:{ids['visit']}"}  # a wish of one's own is sealed with one's own key
    gone |= {subject for subject in secrets if subject.startswith(("note:", "response:"))}
    assert f"response:{ids['response']}" in gone
    gone |= {f"payer:{ids['receipt']}", f"payee:{ids['payment']}"}
    assert found([secrets[subject] for subject in gone], files(erased, "broker")) == []
    others = [secret for subject, secret in secrets.items() if subject not in gone]
    assert others and found(others, files(erased)), "those of others are"


@pytest.mark.parametrize("keys", ["keys-after", "keys-before"])
def test_a_backup_from_before_brings_nobody_back_with_the_newest_copy_of_the_keys(
    erased: dict[str, Any], tmp_path: Path, keys: str
) -> None:
    """With the copy from before it does, and the command says so: that is why older copies are destroyed (docs/backup.md)."""
    place = City("embedded")
    try:
        done = place.linli("restore", str(erased["folder"] / "before"), "--keys", str(erased["folder"] / keys))
        assert done.returncode == 0, done.stderr
        assert "erase again whoever was erased after" in done.stdout
        store = open_keys(place.settings)
        held = [store.get(subject) for subject in ("p-o", f"visit:{erased['ids']['visit']}", "lin")]
        store.close()
        back = keys == "keys-before"
        assert [key is not None and key.secret is not None for key in held] == [back, back, True]
        restored = [path for path in place.data.rglob("*") if path.is_file()]
        assert bool(found([USER], restored)) is back and found(["PersonRegistered"], restored)
    finally:
        place.stop()
