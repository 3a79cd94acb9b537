"""The service at its desk: real commands, views and keys, on new facts and on those of before."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from services.funding.definition import DEFINITION
from shared.domain.errors import BadInputError, ForbiddenError, IllegalStateError, NotFoundError
from shared.domain.identity import new_id
from shared.log import Commit, NewEvent
from tests.domain.funding.facts import PAID, PLACE, TYPES, accepted, finished, in_the_project, organisation, received
from tests.domain.funding.test_money import statement, surplus
from tests.kit import AT
from tests.kit.answers import mismatches
from tests.kit.city import COMPOUND, OTHER_COMPOUND, STREET, entry, facts, post
from tests.kit.desk import Desk

ROLES = {
    "keeper": ["project.*", "statement.disclose"],
    "examiner": ["project.accept"],
    "accountant": ["money.receive", "money.read"],
    "cashier": ["payment.pay", "money.return"],
    "applicant": ["payment.request", "payment.amend"],
    "signer": ["payment.sign"],
    **{body: [f"payment.review.{body}"] for body in ("branch", "committee", "board")},
}
ORGANISATION = {"branch": "o-street", "committee": "o-committee", "board": "o-board"}
PROPOSAL: dict[str, Any] = {
    "title": "路灯",
    "place": COMPOUND,
    "budget_fen": 1000,
    "shares": {"government": 600, "residents": 400},
    "criteria": [{"code": "lamp", "zh": "灯明", "en": "bright lamps"}],
    "issue_ids": ["i1", "i2"],
}


def _city() -> Iterator[tuple[str, dict[str, Any]]]:
    yield from facts()
    for id, type in TYPES.items():
        yield organisation(id, type)
    for role, powers in ROLES.items():
        yield entry("roles", role, powers=powers)
        yield from post(f"post-{role}", ORGANISATION.get(role, "o-community"), role, f"p-{role}", place=STREET)


def _desk(folder: Path, *more: tuple[str, dict[str, Any]]) -> Desk:
    """A desk that has heard of two issues."""
    desk = Desk("funding", folder, [*_city(), *more])
    desk.tell_all("issues", [("IssueReported", {"issue_id": id}) for id in ("i1", "i2")])
    return desk


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    desk = _desk(tmp_path_factory.mktemp("funding"))
    yield desk
    desk.close()


def collected(desk: Desk, **more: Any) -> str:
    """A project that got 300 fen from the government and 100 from a resident."""
    project = desk.ask("propose_project", "post-keeper", **PROPOSAL | more)["project_id"]
    desk.ask("approve_project", "post-keeper", project_id=project)
    for source, fen, payer in (("government", 300, "街道办事处"), ("residents", 100, "陈阿姨")):
        kind = "person" if source == "residents" else "organisation"
        desk.ask(
            "record_receipt",
            "post-accountant",
            project_id=project,
            source=source,
            payer=payer,
            payer_kind=kind,
            amount_fen=fen,
            voucher=f"No {fen}",
        )
    return str(project)


def paid(desk: Desk, project: str, fen: int) -> str:
    """A payment of the project, all the way."""
    asked = {"project_id": project, "payee": "王师傅", "payee_kind": "person", "purpose": "路灯", "amount_fen": fen}
    payment = desk.ask("request_payment", "post-applicant", **asked)["payment_id"]
    read = {"project_id": project, "payment_id": payment, "version": 1, "amount_fen": fen}
    for body in ("branch", "committee", "board"):
        desk.ask("review_payment", f"post-{body}", body=body, verdict="approved", **read)
    desk.ask("sign_payment", "post-signer", **read)
    desk.ask("make_payment", "post-cashier", project_id=project, payment_id=payment)
    return str(payment)


def test_money_goes_its_whole_way_and_every_answer_says_what_may_be_done_next(desk: Desk) -> None:
    project = collected(desk)
    shown = desk.ask("get_project", "post-accountant", project_id=project)
    assert shown["actions"] == ["record_receipt"]
    assert {one["command"] for one in shown["others"]} >= {"finish_works", "designate_signer"}
    assert desk.ask("get_project", "post-applicant", project_id=project)["actions"] == ["request_payment"]
    asked = {"project_id": project, "payee": "王师傅", "payee_kind": "person", "purpose": "路灯", "amount_fen": 100}
    done = desk.ask("request_payment", "post-applicant", **asked)
    assert (done["id"], done["actions"]) == (done["payment_id"], ["amend_payment", "withdraw_payment"])
    (payment,) = desk.ask("get_project", "post-branch", project_id=project)["payments"]
    assert (payment["actions"], payment["awaiting"]) == (["review_payment"], ["board", "branch", "committee"])
    read = {"project_id": project, "payment_id": done["payment_id"], "version": 1, "amount_fen": 100}
    desk.ask("review_payment", "post-branch", body="branch", verdict="approved", **read)
    (payment,) = desk.ask("find_payments", "post-branch", project_id=project, awaiting="board")["rows"]
    assert payment["awaiting"] == ["board", "committee"]
    assert (payment["needs_branch"], payment["needs_board"]) == (0, 1)
    assert desk.ask("find_payments", "post-branch", project_id=project, awaiting="branch")["rows"] == []
    with pytest.raises(ForbiddenError, match=r"payment\.review\.board"):
        desk.ask("review_payment", "post-branch", body="board", verdict="approved", **read)
    desk.ask("withdraw_payment", "post-applicant", project_id=project, payment_id=done["payment_id"], reason="重复")
    paid(desk, project, 100)
    shown = desk.ask("get_project", project_id=project)
    assert (shown["received_fen"], shown["spent_fen"], shown["pending"]) == (400, 100, 0)
    assert shown["spent"] == {"government": 75, "society": 0, "residents": 25}
    balance = desk.ask("trial_balance", project_id=project)
    assert balance["debit_fen"] == balance["credit_fen"] == 700
    assert {row["account"]: row["balance_fen"] for row in balance["accounts"]}["bank.income"] == 300


def test_names_of_persons_are_sealed_masked_and_erased(desk: Desk) -> None:
    project = collected(desk)
    paid(desk, project, 10)
    assert "陈阿姨" not in desk.stored and "王师傅" not in desk.stored
    receipts = {row["source"]: row for row in desk.ask("find_receipts", project_id=project)["rows"]}
    assert (receipts["residents"]["payer"], receipts["government"]["payer"]) == ("陈*", "街道办事处")
    assert "accountant" not in receipts["residents"]
    receipts = {row["source"]: row for row in desk.ask("find_receipts", "post-accountant", project_id=project)["rows"]}
    assert (receipts["residents"]["payer"], receipts["residents"]["accountant"]) == ("陈阿姨", "p-accountant")
    (payment,) = desk.ask("find_payments", project_id=project)["rows"]
    assert payment["payee"] == "王*" and "signer" not in payment
    assert "person_id" not in payment["reviews"]["board"]
    (payment,) = desk.ask("find_payments", "post-accountant", project_id=project)["rows"]
    assert (payment["payee"], payment["reviews"]["board"]["person_id"]) == ("王师傅", "p-board")
    receipt = receipts["residents"]["receipt_id"]
    sealed = desk.node.views.get("receipts", receipt)["payer"]  # type: ignore[index]  # the row is there
    desk.ask("erase_payer", "post-accountant", project_id=project, receipt_id=receipt)
    assert desk.node.open(sealed) is None
    receipts = {row["source"]: row for row in desk.ask("find_receipts", "post-accountant", project_id=project)["rows"]}
    assert (receipts["residents"]["payer"], receipts["residents"]["amount_fen"]) == ("", 100)


def test_a_command_sent_again_answers_the_same_id(desk: Desk) -> None:
    project = collected(desk)
    ask = {"project_id": project, "source": "society", "payer": "x", "amount_fen": 1}
    first, again = (
        desk.ask("record_receipt", "post-accountant", command_id=f"c-{project}", **ask)["receipt_id"] for _ in range(2)
    )
    assert first == again and first
    assert desk.ask("get_project", project_id=project)["receipts"] == 3


def test_a_statement_is_disclosed_once_a_day_while_nothing_changes(desk: Desk) -> None:
    """(part of D37)"""
    project = collected(desk)
    first = desk.ask("disclose_statement", "post-keeper", project_id=project)
    assert first["statement_id"] and first["events"]
    again = desk.ask("disclose_statement", "post-keeper", project_id=project)
    assert (again["statement_id"], again["events"]) == ("", 0)
    told = {"project_id": project, "statement_id": first["statement_id"]}
    desk.ask("post_statement", "post-keeper", channel="notice_board", spot="1 号楼", **told)
    shown = desk.ask("get_statement", "post-keeper", statement_id=first["statement_id"])
    assert (shown["income"]["government"], shown["posted"], shown["actions"]) == (300, 1, ["post_statement"])
    assert desk.ask("find_statements", project_id=project)["rows"][0]["postings"][0]["spot"] == "1 号楼"
    with pytest.raises(NotFoundError, match="there is no statement"):
        desk.ask("get_statement", statement_id="s9")


def test_what_is_overdue_follows_the_city_s_number_of_days(desk: Desk) -> None:
    """90 days unless asked otherwise (part of D25)."""
    project = collected(desk, place=OTHER_COMPOUND)
    where = {"place__under": OTHER_COMPOUND}
    assert desk.ask("find_overdue_disclosures", day="2025-06-02", **where)["rows"] == []
    found = desk.ask("find_overdue_disclosures", day="2025-06-03", **where)
    assert ([row["project_id"] for row in found["rows"]], found["every_days"]) == ([project], 90)
    assert desk.ask("find_overdue_disclosures", day="2025-03-10", every_days=5, **where)["rows"]


def test_each_missed_period_is_recorded_once_and_taken_back_by_the_next_statement(tmp_path: Path) -> None:
    """Approved on 4 March, a statement every 90 days: due on 2 June and on 31 August (part of D25)."""
    desk = _desk(tmp_path)
    project = collected(desk)

    def overdue() -> tuple[int, int, str]:
        figures, shown = desk.ask("funding_figures", place=COMPOUND), desk.ask("get_project", project_id=project)
        return figures["statements_overdue"], figures["statements_missed"], shown["overdue"]

    assert [desk.tick(day) for day in ("2025-06-02", "2025-06-03", "2025-06-04")] == [0, 1, 0]
    assert overdue() == (1, 1, "2025-06-02")
    assert desk.tick("2025-09-01") == 1
    assert overdue() == (1, 2, "2025-08-31")
    *_, last = desk.log.read(0)
    assert (last.type, last.occurred[:10], last.actor) == ("StatementOverdue", "2025-09-01", "clock:statement_overdue")
    desk.ask("disclose_statement", "post-keeper", at="2025-09-02T09:00:00+08:00", project_id=project)
    assert overdue() == (0, 2, "")
    assert desk.ask("find_overdue_disclosures", day="2025-12-01")["rows"] == []
    assert [desk.tick(day) for day in ("2025-11-30", "2025-12-02")] == [0, 1]
    assert overdue() == (1, 3, "2025-12-01")
    desk.close()


def test_the_clock_catches_up_with_every_period_that_was_missed(tmp_path: Path) -> None:
    """Also on its first day in a city that has run without it for a year; not in one that has adopted nothing (part of D25)."""
    desk = Desk("funding", tmp_path, [])
    assert desk.tick("2026-03-05") == 0
    desk.close()
    (tmp_path / "city").mkdir()
    desk = _desk(tmp_path / "city")
    collected(desk)
    assert [desk.tick("2026-03-05"), desk.tick("2026-03-06")] == [4, 0]
    days = [record.occurred[:10] for record in desk.log.read(0) if record.type == "StatementOverdue"]
    assert days == ["2025-06-03", "2025-09-01", "2025-11-30", "2026-02-28"]
    desk.close()


def test_books_that_are_never_settled_are_listed(tmp_path: Path) -> None:
    """180 days after acceptance, or after giving up what was approved; also when nothing is left to return (part of C22)."""
    desk = _desk(tmp_path)
    accepted, given_up, settled = (collected(desk, issue_ids=[]) for _ in range(3))
    for project in (accepted, settled):
        desk.ask("finish_works", "post-keeper", project_id=project)
        desk.ask("accept_project", "post-examiner", project_id=project, criteria={"lamp": True})
    desk.ask("cancel_project", "post-keeper", project_id=given_up, reason="列入片区改造")
    never = desk.ask("propose_project", "post-keeper", **PROPOSAL)["project_id"]
    desk.ask("cancel_project", "post-keeper", project_id=never, reason="列入片区改造")
    desk.ask("return_surplus", "post-cashier", project_id=settled)
    assert desk.ask("find_overdue_settlements", day="2025-08-31")["rows"] == []
    found = desk.ask("find_overdue_settlements", day="2025-09-01")
    assert {row["project_id"] for row in found["rows"]} == {accepted, given_up}
    assert (found["every_days"], found["rows"][0]["settle_from"]) == (180, "2025-03-04")
    desk.ask("return_surplus", "post-cashier", project_id=accepted)
    assert len(desk.ask("find_overdue_settlements", day="2025-09-01", place__under=COMPOUND)["rows"]) == 1
    desk.close()


def test_a_repeat_is_held_and_its_explanation_is_public(desk: Desk) -> None:
    """Over the projects of the city, and with bills that were paid (part of X06)."""
    first, second = collected(desk), collected(desk)
    asked = {"payee": "榕景公司", "purpose": "路灯", "amount_fen": 77}
    one = desk.ask("request_payment", "post-applicant", project_id=first, bill="No.0001", **asked)["payment_id"]
    with pytest.raises(IllegalStateError, match=f"by the payment {one}"):
        desk.ask("request_payment", "post-applicant", project_id=second, bill="ＮＯ.0001 ", **asked)
    made = desk.ask("request_payment", "post-applicant", project_id=second, bill="No.0002", **asked)
    assert made["actions"] == ["amend_payment", "explain_payment", "withdraw_payment"]
    told = {"project_id": second, "payment_id": made["payment_id"]}
    (held,) = desk.ask("find_payments", status="held", project_id=second)["rows"]
    assert (held["like"], held["awaiting"], held["bill"]) == ([one], [], "No.0002")
    read = {"version": 1, "amount_fen": 77, "body": "branch", "verdict": "approved"}
    with pytest.raises(IllegalStateError, match="explained why it is no repeat"):
        desk.ask("review_payment", "post-branch", **told, **read)
    desk.ask("explain_payment", "post-applicant", **told, reason="另一栋楼的路灯")
    desk.ask("review_payment", "post-branch", **told, **read)
    (shown,) = desk.ask("get_project", project_id=second)["payments"]
    assert (shown["no_repeat"], shown["reviews"]["branch"]["organisation"]) == ("另一栋楼的路灯", "名 o-street")
    assert desk.ask("get_project", project_id=second)["committed_fen"] == 77


def test_wrong_input_names_each_field(desk: Desk) -> None:
    receipt = {"project_id": "p1\n", "source": "Society!", "payer": "  ", "amount_fen": 1.5, "fen": 1}
    with pytest.raises(BadInputError) as refused:
        desk.ask("record_receipt", "post-accountant", **receipt)
    assert set(refused.value.fields) == {"project_id", "source", "payer", "amount_fen", "fen"}
    with pytest.raises(BadInputError) as refused:
        desk.ask("record_receipt", "post-accountant", project_id="p1", source="society", payer="长" * 201, amount_fen=0)
    assert set(refused.value.fields) == {"payer", "amount_fen"}
    with pytest.raises(BadInputError) as refused:
        desk.ask("propose_project", "post-keeper", **PROPOSAL | {"criteria": [], "shares": {"government": -1}})
    assert set(refused.value.fields) == {"criteria", "shares"}
    with pytest.raises(BadInputError, match="lottery is not on the city's list"):
        desk.ask("propose_project", "post-keeper", **PROPOSAL | {"shares": {"lottery": 1000}})
    with pytest.raises(NotFoundError, match="there is no place"):
        desk.ask("propose_project", "post-keeper", **PROPOSAL | {"place": f"{COMPOUND}.99"})


def test_a_source_that_the_city_adds_needs_accounts(tmp_path: Path) -> None:
    desk = _desk(tmp_path, entry("money_sources", "fund"))
    with pytest.raises(IllegalStateError, match="no accounts for fund"):
        desk.ask("propose_project", "post-keeper", **PROPOSAL | {"shares": {"fund": 1000}})
    desk.close()


FORMER = (*PAID, received("society", 50, voucher="No 7"), statement, finished, accepted)


def test_a_log_of_before_shows_the_same_figures_and_takes_new_commands(tmp_path: Path) -> None:
    """Facts of money as they lay in the project's stream, with the schemas of then."""
    desk = _desk(tmp_path)
    codec, moved = DEFINITION.codec, {"ReceiptRecorded", "PaymentRequested", "StatementDisclosed"}
    for version, (stream, event) in enumerate(in_the_project(FORMER)):
        name = type(event).__name__
        data = msgspec.json.decode(codec.encode(event))
        if name in moved:
            del data["place"]
        if name == "PaymentRequested":
            del data["bill"], data["contract"]
        new = NewEvent(type=name, schema=1, data=msgspec.Raw(msgspec.json.encode(data)), id=new_id(), occurred=AT)
        desk.log.append(
            Commit(
                stream=stream,
                expected_version=version,
                events=(new,),
                command="x",
                command_id=new_id(),
                actor="x",
                place=PLACE,
            )
        )
    desk.catch_up()
    for place in ("", "350104", PLACE):
        figures = desk.ask("funding_figures", place=place)
        counts = ("projects", "receipts", "payments", "statements", "issues_solved", "issues_unsolved")
        assert [figures[name] for name in counts] == [1, 3, 1, 1, 1, 1]
        assert (figures["received_fen"], figures["spent_fen"], figures["returned_fen"], figures["held_fen"]) == (
            450,
            100,
            0,
            350,
        )
        assert figures["by_status"] == {"accepted": 1}
    assert figures["income"][0] == {
        "source": "government",
        "fen": 300,
        "share": {"numerator": 300, "denominator": 450},
    }
    (row,) = desk.ask("disclosure_board", place="350104")["projects"]
    assert (row["project_id"], row["share"]) == ("p1", {"numerator": 100, "denominator": 100})
    shown = desk.ask("get_project", "post-accountant", project_id="p1")
    assert [item["passed"] for item in shown["criteria"]] == [True, True]
    assert (shown["payments"][0]["status"], shown["payments"][0]["reviews"]["board"]["reviewed_on"]) == (
        "paid",
        AT[:10],
    )
    assert desk.ask("get_statement", statement_id="s1")["held"] == statement.held
    again = {"project_id": "p1", "source": "society", "payer": "x", "amount_fen": 5, "voucher": "NO7"}
    with pytest.raises(IllegalStateError, match="already in the books"):
        desk.ask("record_receipt", "post-accountant", **again)
    desk.ask("reverse_receipt", "post-accountant", project_id="p1", receipt_id="r-society", reason="记错")
    desk.ask("return_surplus", "post-cashier", project_id="p1")
    figures = desk.ask("funding_figures")
    assert (figures["received_fen"], figures["returned_fen"], figures["held_fen"]) == (400, 300, 0)
    assert {part["source"]: part["fen"] for part in figures["returned"]} == surplus.returned
    (gone,) = [row for row in desk.ask("find_receipts", project_id="p1")["rows"] if row["source"] == "society"]
    assert (gone["status"], gone["received_on"], gone["place"]) == ("reversed", AT[:10], PLACE)
    desk.close()


def test_an_empty_board_has_no_made_up_shares(tmp_path: Path) -> None:
    desk = Desk("funding", tmp_path, [])
    board = desk.ask("disclosure_board")
    assert board["income"][0]["share"] == {"numerator": 0, "denominator": 0}
    assert board["projects"] == []
    desk.close()


ASKED: dict[str, dict[str, Any]] = {
    "find_projects": {},
    "get_project": {"project_id": "described"},
    "trial_balance": {"project_id": "described"},
    "find_overdue_disclosures": {"day": "2026-01-01"},
    "find_overdue_settlements": {"day": "2026-01-01"},
    "disclosure_board": {},
    "funding_figures": {},
    "find_receipts": {},
    "find_payments": {},
    "bodies_for_payment": {"payment_id": "described"},
    "find_statements": {},
    "get_statement": {},
}


@pytest.fixture(scope="module")
def lived_in(desk: Desk) -> Desk:
    """A desk with a project that did everything."""
    collected(desk, project_id="described")
    given_up = collected(desk)
    desk.ask("cancel_project", "post-keeper", project_id=given_up, reason="列入片区改造")
    paid(desk, "described", 40)
    told = {"project_id": "described"}
    told["statement_id"] = desk.ask("disclose_statement", "post-keeper", **told)["statement_id"]
    desk.ask("post_statement", "post-keeper", channel="portal", **told)
    ask = {"project_id": "described", "payee": "甲", "purpose": "灯", "amount_fen": 1}
    ASKED["bodies_for_payment"] = {"payment_id": desk.ask("request_payment", "post-applicant", **ask)["id"]}
    ASKED["get_statement"] = {"statement_id": told["statement_id"]}
    return desk


@pytest.mark.parametrize("name", ASKED)
@pytest.mark.parametrize("reader", ["", "post-accountant"])
def test_an_answer_is_as_described(lived_in: Desk, name: str, reader: str) -> None:
    assert set(ASKED) == set(DEFINITION.queries)
    answer = lived_in.ask(name, reader, **ASKED[name])
    assert mismatches(dict(DEFINITION.queries[name].answer), answer, name) == []
    assert answer.get("rows") != [] or name == "bodies_for_payment", "nothing was compared"


def test_the_bodies_that_somebody_may_review_for_are_offered_and_a_signature_only_after_all(lived_in: Desk) -> None:
    """D34, D35: what a reader is offered they may do."""
    ask = ASKED["bodies_for_payment"]
    read = {"project_id": "described", "version": 1, "amount_fen": 1} | ask

    def offered(post: str) -> tuple[list[str], list[str]]:
        (row,) = [row for row in lived_in.ask("find_payments", post)["rows"] if row["payment_id"] == ask["payment_id"]]
        return [one["body"] for one in lived_in.ask("bodies_for_payment", post, **ask)["rows"]], row["actions"]

    for body in ("branch", "committee", "board"):
        assert offered(f"post-{body}") == ([body], ["review_payment"])
        assert "sign_payment" not in offered("post-signer")[1], "not all bodies have approved"
        lived_in.ask("review_payment", f"post-{body}", body=body, verdict="approved", **read)
        assert offered(f"post-{body}") == ([], [])
    assert offered("post-signer") == ([], ["sign_payment"])
    assert offered("post-applicant")[0] == []
    lived_in.ask("sign_payment", "post-signer", **read)
    assert offered("post-cashier") == ([], ["make_payment"])


def test_sorting_and_filtering_use_indexed_fields_only() -> None:
    views = {view.name: view for view in DEFINITION.views}
    lists = {"find_projects": "projects", "find_receipts": "receipts", "find_payments": "payments"}
    for query, view in (lists | {"find_statements": "statements"}).items():
        fields = {field.name: field for field in DEFINITION.queries[query].fields}
        for order in fields["order"].kind.codes:  # type: ignore[attr-defined]  # an order is a choice
            assert order.removeprefix("-") in {"key", *views[view].fields}
        for name in set(fields) - {"limit", "cursor", "order", "awaiting"}:
            assert name.partition("__")[0] in views[view].fields
