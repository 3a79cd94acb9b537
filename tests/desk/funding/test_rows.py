"""Rows of the catalogue that the funding service keeps to, each in one test: what it does and what it refuses."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from shared.domain.errors import BadInputError, ForbiddenError, IllegalStateError
from tests.desk.funding.test_service import ORGANISATION, PROPOSAL, _city, _desk, collected, paid
from tests.kit.city import COMPOUND, STREET, entry, post
from tests.kit.desk import Desk

BODIES = ("branch", "committee", "board")
#: Persons with one post more, which would let them do what the first forbids: their persons are those of the other post.
TWICE = {
    "paying-accountant": ("payment.pay", "p-accountant"),
    "receiving-cashier": ("money.receive", "p-cashier"),
    "signing-applicant": ("payment.sign", "p-applicant"),
    "signing-accountant": ("payment.sign", "p-accountant"),
    "signing-cashier": ("payment.sign", "p-cashier"),
    "signing-board": ("payment.sign", "p-board"),
    "second-signer": ("payment.sign", "p-second"),
    "branch-on-board": ("payment.review.board", "p-branch"),
}


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A desk where some persons hold a second post."""
    more: list[tuple[str, dict[str, Any]]] = []
    for name, (power, person) in TWICE.items():
        more.append(entry("roles", name, powers=[power]))
        organisation = ORGANISATION["board"] if name == "branch-on-board" else "o-community"
        more += post(f"post-{name}", organisation, name, person, place=STREET)
    desk = Desk("funding", tmp_path, [*_city(), *more])
    desk.tell_all("issues", [("IssueReported", {"issue_id": id}) for id in ("i1", "i2")])
    yield desk
    desk.close()


def asked(desk: Desk, project: str, fen: int = 100, **more: Any) -> dict[str, Any]:
    """What reviewers and the signer read of a new payment."""
    ask = {"project_id": project, "payee": "安明公司", "purpose": "路灯", "amount_fen": fen} | more
    id = desk.ask("request_payment", "post-applicant", **ask)["payment_id"]
    return {"project_id": project, "payment_id": id, "version": 1, "amount_fen": fen}


def review(desk: Desk, read: dict[str, Any], *bodies: str) -> None:
    for body in bodies:
        desk.ask("review_payment", f"post-{body}", body=body, verdict="approved", **read)


def test_a_project_lists_its_works_by_name(desk: Desk) -> None:
    """(C21)"""
    named = ("强电落地", "楼道墙面扶手出新", "围墙花圃提质", "线路整改")
    works = [{"code": f"work-{n}", "zh": zh, "en": f"work {n}"} for n, zh in enumerate(named, 1)]
    project = desk.ask("propose_project", "post-keeper", **PROPOSAL, works=works)["project_id"]
    (row,) = desk.ask("find_projects", place__under=COMPOUND)["rows"]
    assert [one["zh"] for one in row["works"]] == list(named)
    assert [one["zh"] for one in desk.ask("get_project", project_id=project)["works"]] == list(named)
    with pytest.raises(IllegalStateError, match="twice in the works"):
        desk.ask("propose_project", "post-keeper", **PROPOSAL, works=works[:1] * 2)
    with pytest.raises(ForbiddenError, match=r"project\.propose"):
        desk.ask("propose_project", "p-resident", **PROPOSAL, works=works)


def test_each_fen_keeps_its_source_from_receipt_to_return(desk: Desk) -> None:
    """Three sources share a budget, what is spent is drawn from them in proportion, what is left goes back (C22)."""
    for shares, why in (({"lottery": 1000}, "not on the city's list"), ({"government": 999}, "must sum to the budget")):
        with pytest.raises((BadInputError, IllegalStateError), match=why):
            desk.ask("propose_project", "post-keeper", **PROPOSAL | {"shares": shares})
    project = collected(desk, issue_ids=[])
    loan = {"project_id": project, "payer": "x", "amount_fen": 5}
    with pytest.raises(BadInputError, match="not on the city's list"):
        desk.ask("record_receipt", "post-accountant", source="loan", **loan)
    with pytest.raises(IllegalStateError, match="raise that first"):
        desk.ask("record_receipt", "post-accountant", source="society", **loan | {"amount_fen": 601})
    paid(desk, project, 100)
    shown = desk.ask("get_project", project_id=project)
    assert shown["received"] == {"government": 300, "society": 0, "residents": 100}
    assert shown["spent"] == {"government": 75, "society": 0, "residents": 25}
    income = {part["source"]: part["share"] for part in desk.ask("disclosure_board", place=COMPOUND)["income"]}
    assert income["residents"] == {"numerator": 100, "denominator": 400}
    with pytest.raises(IllegalStateError, match="accept or cancel"):
        desk.ask("return_surplus", "post-cashier", project_id=project)
    desk.ask("finish_works", "post-keeper", project_id=project)
    desk.ask("accept_project", "post-examiner", project_id=project, criteria={"lamp": True})
    desk.ask("return_surplus", "post-cashier", project_id=project)
    returned = desk.ask("get_project", project_id=project)["returned"]
    assert returned == {"government": 225, "society": 0, "residents": 75}


def test_works_are_accepted_by_every_criterion_of_the_standard(desk: Desk) -> None:
    """Level roads, clean walls, bright lamps (C23)."""
    standard = [("road", "路平"), ("wall", "墙净"), ("lamp", "灯明")]
    criteria = [{"code": code, "zh": zh, "en": code} for code, zh in standard]
    project = collected(desk, issue_ids=[], criteria=criteria)
    told = {"project_id": project}
    met = {code: True for code, _ in standard}
    with pytest.raises(IllegalStateError, match="finish the works"):
        desk.ask("accept_project", "post-examiner", criteria=met, **told)
    desk.ask("finish_works", "post-keeper", **told)
    for judged, why in (
        ({"road": True}, "missing: lamp, wall|missing: wall, lamp"),
        (met | {"wall": False}, "do not meet: wall"),
    ):
        with pytest.raises(IllegalStateError, match=why):
            desk.ask("accept_project", "post-examiner", criteria=judged, **told)
    desk.ask("accept_project", "post-examiner", criteria=met, **told)
    shown = desk.ask("get_project", **told)
    assert [(item["zh"], item["passed"]) for item in shown["criteria"]] == [(zh, True) for _, zh in standard]


def test_accountant_and_cashier_are_two_persons_in_one_ledger_for_good(desk: Desk) -> None:
    """Whatever post they act from, and whatever they did before (D31)."""
    project = collected(desk)
    read = asked(desk, project)
    review(desk, read, *BODIES)
    desk.ask("sign_payment", "post-signer", **read)
    pay = {"project_id": project, "payment_id": read["payment_id"]}
    with pytest.raises(ForbiddenError, match="been accountant of the project"):
        desk.ask("make_payment", "post-paying-accountant", **pay)
    desk.ask("make_payment", "post-cashier", **pay)
    receipt = {"project_id": project, "source": "society", "payer": "x", "amount_fen": 5}
    with pytest.raises(ForbiddenError, match="been cashier of the project"):
        desk.ask("record_receipt", "post-receiving-cashier", **receipt)
    assert desk.ask("record_receipt", "post-accountant", **receipt)["events"]


def test_income_and_spending_run_on_two_tracks_and_nothing_is_netted(desk: Desk) -> None:
    """Money comes in whole and goes out whole; the trial balance shows both turnovers (D32)."""
    project = collected(desk)
    for fen in (0, -100):  # nothing goes out as less that came in
        with pytest.raises(BadInputError) as refused:
            less = {"project_id": project, "source": "government", "payer": "x", "amount_fen": fen}
            desk.ask("record_receipt", "post-accountant", **less)
        assert set(refused.value.fields) == {"amount_fen"}
    paid(desk, project, 100)
    balance = desk.ask("trial_balance", project_id=project)
    accounts = {row["account"]: (row["debit_fen"], row["credit_fen"]) for row in balance["accounts"]}
    assert accounts["income.government"] == (0, 300) and accounts["income.residents"] == (0, 100)
    assert accounts["bank.income"] == (400, 100) and accounts["bank.spending"] == (100, 100)
    assert balance["debit_fen"] == balance["credit_fen"] == sum(credit for _, credit in accounts.values())


def test_three_persons_of_three_bodies_review_one_version(desk: Desk) -> None:
    """Independent of each other and of the applicant; any change asks them all again (D34)."""
    project = collected(desk)
    read = asked(desk, project)
    for stale in ({"amount_fen": 99}, {"version": 2}):
        with pytest.raises(IllegalStateError, match="read it again"):
            desk.ask("review_payment", "post-branch", body="branch", verdict="approved", **read | stale)
    with pytest.raises(ForbiddenError, match=r"payment\.review\.board"):
        desk.ask("review_payment", "post-branch", body="board", verdict="approved", **read)
    review(desk, read, "branch")
    with pytest.raises(ForbiddenError, match="different persons|has reviewed as"):
        desk.ask("review_payment", "post-branch-on-board", body="board", verdict="approved", **read)
    review(desk, read, "committee", "board")
    (row,) = desk.ask("find_payments", "post-accountant", project_id=project)["rows"]
    assert {body: one["person_id"] for body, one in row["reviews"].items()} == {body: f"p-{body}" for body in BODIES}
    assert len({one["organisation_id"] for one in row["reviews"].values()}) == 3
    desk.ask("amend_payment", "post-applicant", project_id=project, payment_id=read["payment_id"], amount_fen=90)
    (row,) = desk.ask("find_payments", project_id=project)["rows"]
    assert (row["version"], row["reviews"], row["awaiting"]) == (2, {}, sorted(BODIES))
    with pytest.raises(IllegalStateError, match="read it"):
        desk.ask("sign_payment", "post-signer", **read)


def test_one_person_signs_after_all_three(desk: Desk) -> None:
    """Who asked, reviews, books or pays does not; nor does anybody beside the one who signs for this project (D35)."""
    project = collected(desk)
    read = asked(desk, project)
    review(desk, read, "branch", "committee")
    with pytest.raises(IllegalStateError, match="still needs the approval of: board"):
        desk.ask("sign_payment", "post-signer", **read)
    review(desk, read, "board")
    for by in ("signing-applicant", "signing-accountant", "signing-board"):
        with pytest.raises(ForbiddenError, match="cannot be signer"):
            desk.ask("sign_payment", f"post-{by}", **read)
    desk.ask("sign_payment", "post-signer", **read)
    desk.ask("make_payment", "post-cashier", project_id=project, payment_id=read["payment_id"])
    other = asked(desk, project, 50, payee="榕景公司")
    review(desk, other, *BODIES)
    for by, why in (("signing-cashier", "been cashier"), ("second-signer", "signs for this project")):
        with pytest.raises(ForbiddenError, match=why):
            desk.ask("sign_payment", f"post-{by}", **other)
    desk.ask("sign_payment", "post-signer", **other)
    (row,) = [
        row
        for row in desk.ask("find_payments", "post-accountant", project_id=project)["rows"]
        if row["status"] == "signed"
    ]
    assert (row["payment_id"], row["signer"]) == (other["payment_id"], "p-signer")


def test_duties_are_apart_by_persons_not_by_posts(desk: Desk) -> None:
    """(X14)"""
    project = collected(desk)
    read = asked(desk, project)
    review(desk, read, *BODIES)
    refused = {
        "signing-applicant": "sign_payment",
        "signing-accountant": "sign_payment",
        "signing-board": "sign_payment",
    }
    for by, command in refused.items():
        with pytest.raises(ForbiddenError):
            desk.ask(command, f"post-{by}", **read)
    desk.ask("sign_payment", "post-signer", **read)
    pay = {"project_id": project, "payment_id": read["payment_id"]}
    with pytest.raises(ForbiddenError, match="been accountant"):
        desk.ask("make_payment", "post-paying-accountant", **pay)
    desk.ask("make_payment", "post-cashier", **pay)
    second = asked(desk, project, 50, payee="榕景公司")
    with pytest.raises(ForbiddenError, match="has reviewed as"):
        desk.ask("review_payment", "post-branch-on-board", body="board", verdict="approved", **second)
    review(desk, second, *BODIES)


def test_affairs_of_a_yard_are_published_by_a_calendar_and_what_is_overdue_is_listed(tmp_path: Path) -> None:
    """(D25)"""
    desk = _desk(tmp_path)
    waiting = desk.ask("propose_project", "post-keeper", **PROPOSAL)["project_id"]
    with pytest.raises(IllegalStateError, match="not approved"):
        desk.ask("disclose_statement", "post-keeper", project_id=waiting)
    with pytest.raises(ForbiddenError, match=r"statement\.disclose"):
        desk.ask("disclose_statement", "p-resident", project_id=waiting)
    project = collected(desk)
    assert [desk.tick(day) for day in ("2025-06-02", "2025-06-03")] == [0, 1], "90 days after 4 March are over"
    found = desk.ask("find_overdue_disclosures", day="2025-06-03")
    assert ([row["project_id"] for row in found["rows"]], found["every_days"]) == ([project], 90)
    assert desk.ask("get_project", project_id=project)["overdue"] == "2025-06-02"
    desk.ask("disclose_statement", "post-keeper", at="2025-06-04T09:00:00+08:00", project_id=project)
    assert desk.ask("find_overdue_disclosures", day="2025-06-05")["rows"] == []
    figures = desk.ask("funding_figures", place=COMPOUND)
    assert (figures["statements"], figures["statements_overdue"], figures["statements_missed"]) == (1, 0, 1)
    desk.close()


def test_personal_data_are_masked_for_the_public_and_erased_with_their_key(desk: Desk) -> None:
    """The fact stays, with what it counts; nobody can read the name any more (X09)."""
    project = collected(desk)
    stored = desk.stored
    assert "陈阿姨" not in stored

    def payer(by: str) -> str:
        rows = desk.ask("find_receipts", by, project_id=project, source="residents")["rows"]
        return str(rows[0]["payer"])

    assert (payer(""), payer("p-resident"), payer("post-accountant")) == ("陈*", "陈*", "陈阿姨")
    (row,) = desk.ask("find_receipts", project_id=project, source="residents")["rows"]
    erase = {"project_id": project, "receipt_id": row["receipt_id"]}
    with pytest.raises(ForbiddenError, match="no mandate"):
        desk.ask("erase_payer", "p-resident", **erase)
    desk.ask("erase_payer", "post-accountant", **erase)
    assert [payer(by) for by in ("", "post-accountant")] == ["", ""]
    assert desk.stored.startswith(stored), "the log only grew"
    assert desk.ask("get_project", project_id=project)["received_fen"] == 400
