"""Receipts, surplus and disclosure (C22, D25, D31, D32, D37, X03, X09)."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from services.funding import domain
from services.funding.domain import books
from services.funding.domain.money import MOST_FEN
from services.funding.events import (
    PayerErased,
    ProjectCancelled,
    ReceiptReversed,
    StatementDisclosed,
    StatementPosted,
    SurplusReturned,
)
from shared.domain.errors import ForbiddenError, IllegalStateError, NotFoundError
from tests.domain.funding.facts import (
    ACCOUNTANT,
    CASHIER,
    PAID,
    READY,
    SECRETARY,
    accepted,
    approved,
    finished,
    project,
    proposed,
    received,
    requested,
    who,
)
from tests.kit import AT

ASK = {"receipt_id": "r-society", "source": "society", "payer": "街道办事处", "amount_fen": 50}
RETURNED = {"government": 225, "society": 0, "residents": 75}
surplus = SurplusReturned(project_id="p1", returned=RETURNED, cashier="cashier", entries=books.surplus(RETURNED))
reversed_ = ReceiptReversed(
    project_id="p1",
    receipt_id="r-residents",
    source="residents",
    amount_fen=100,
    reason="记错",
    accountant="accountant",
    entries=books.reversal("residents", 100),
)
statement = StatementDisclosed(
    project_id="p1",
    statement_id="s1",
    number=1,
    title=proposed.title,
    title_en=proposed.title_en,
    as_of=AT,
    as_of_version=len(PAID),
    budget_fen=1000,
    income={"government": 300, "society": 0, "residents": 100},
    spending={"government": 75, "society": 0, "residents": 25},
    returned={"government": 0, "society": 0, "residents": 0},
    held=RETURNED,
    receipts=2,
    payments=1,
    person_id="secretary",
)


def test_money_comes_in_whole_from_one_source():
    """C22, D32"""
    project(*READY).when(domain.record_receipt, by=ACCOUNTANT, **ASK).then(received("society", 50))
    spec = project(*READY, received("society", 50))
    spec.when(domain.record_receipt, by=ACCOUNTANT, **ASK).then_nothing()


def test_there_are_three_sources_and_no_other():
    """X03"""
    spec = project(*READY)
    spec.when(domain.record_receipt, by=ACCOUNTANT, **ASK | {"source": "loan"}).then_raises(
        IllegalStateError, "no source"
    )


def test_a_voucher_counts_once_unless_its_receipt_was_reversed():
    first = received("society", 50, voucher="No 7")
    again = ASK | {"voucher": "No 7", "receipt_id": "r2"}
    spec = project(*READY, first)
    spec.when(domain.record_receipt, by=ACCOUNTANT, **again).then_raises(IllegalStateError, "No 7 is already")
    undone = ReceiptReversed(
        project_id="p1",
        receipt_id="r-society",
        source="society",
        amount_fen=50,
        reason="x",
        accountant="accountant",
        entries=books.reversal("society", 50),
    )
    expected = received("society", 50, "r2", voucher="No 7")
    project(*READY, first, undone).when(domain.record_receipt, by=ACCOUNTANT, **again).then(expected)


def test_money_comes_in_only_while_the_project_is_open():
    project(proposed).when(domain.record_receipt, by=ACCOUNTANT, **ASK).then_raises(
        IllegalStateError, "approve it first"
    )
    spec = project(*PAID, finished, accepted, surplus)
    spec.when(domain.record_receipt, by=ACCOUNTANT, **ASK).then_raises(IllegalStateError, "closed")
    huge = ASK | {"amount_fen": MOST_FEN}
    project(*READY).when(domain.record_receipt, by=ACCOUNTANT, **huge).then_raises(
        IllegalStateError, "cannot receive more"
    )


def test_the_accountant_is_never_the_cashier_or_the_signer_of_the_project():
    """D31, D35, X14: also over time."""
    for person in ("cashier", "signer"):
        by = who(person, "money.receive")
        spec = project(*PAID)
        spec.when(domain.record_receipt, by=by, **ASK).then_raises(ForbiddenError, f"been {person} of the project")
        spec.when(domain.reverse_receipt, by=by, receipt_id="r-residents", reason="x").then_raises(
            IllegalStateError, "is spent"
        )


def test_a_wrong_receipt_is_taken_out_by_opposite_entries():
    """D32: nothing is struck through, both turnovers stay."""
    ask = {"receipt_id": "r-residents", "reason": "记错"}
    project(*READY).when(domain.reverse_receipt, by=ACCOUNTANT, **ask).then(reversed_)
    state = project(*READY, reversed_).state
    assert state.held == {"government": 300, "society": 0, "residents": 0}
    assert (state.accounts["income.residents"].debit_fen, state.accounts["income.residents"].credit_fen) == (100, 100)
    spec = project(*PAID)
    spec.when(domain.reverse_receipt, by=ACCOUNTANT, **ask).then_raises(IllegalStateError, "holds only 75 of 100 fen")
    spec = project(*PAID, finished, accepted, surplus)
    spec.when(domain.reverse_receipt, by=ACCOUNTANT, **ask).then_raises(IllegalStateError, "closed")


def test_a_payer_s_name_can_be_erased_and_the_money_stays():
    """X09"""
    person = received("society", 50, payer="sealed:v1:x", payer_kind="person")
    gone = PayerErased(project_id="p1", receipt_id="r-society", person_id="accountant")
    project(*READY, person).when(domain.erase_payer, by=ACCOUNTANT, receipt_id="r-society").then(gone)
    assert project(*READY, person, gone).state.held["society"] == 50
    spec = project(*READY)
    spec.when(domain.erase_payer, by=ACCOUNTANT, receipt_id="r-residents").then_raises(
        IllegalStateError, "organisation"
    )


def test_surplus_goes_back_to_each_source_by_what_it_still_holds():
    """C22: 400 fen in, 100 fen out."""
    project(*PAID, finished, accepted).when(domain.return_surplus, by=CASHIER).then(surplus)
    assert project(*PAID, finished, accepted, surplus).state.held == {"government": 0, "society": 0, "residents": 0}
    cancelled = ProjectCancelled(project_id="p1", reason="x", person_id="secretary")
    project(*PAID, cancelled).when(domain.return_surplus, by=CASHIER).then(surplus)


def test_surplus_waits_for_acceptance_and_for_pending_payments():
    """C22, D31"""
    project(*PAID).when(domain.return_surplus, by=CASHIER).then_raises(IllegalStateError, "accept or cancel")
    spec = project(*PAID, finished, accepted, requested(payment_id="pay2"))
    spec.when(domain.return_surplus, by=CASHIER).then_raises(IllegalStateError, "pending.*pay2")
    spec = project(*PAID, finished, accepted)
    spec.when(domain.return_surplus, by=who("accountant", "money.return")).then_raises(
        ForbiddenError, "been accountant"
    )
    spec = project(proposed, approved, finished, accepted)
    spec.when(domain.return_surplus, by=CASHIER).then_raises(IllegalStateError, "holds nothing")


def test_a_statement_tells_what_the_books_say():
    """D25, D37: the numbers come from the books, nobody types them in."""
    project(*PAID).when(domain.disclose, by=SECRETARY, statement_id="s1").then(statement)


def test_a_statement_is_repeated_on_another_day_or_after_a_change():
    """D25"""
    spec = project(*PAID, statement)
    spec.when(domain.disclose, by=SECRETARY, statement_id="s2").then_nothing()
    later = "2025-04-04T09:00:00+08:00"
    version = len(PAID) + 1
    second = replace(statement, statement_id="s2", number=2, as_of=later, as_of_version=version)
    spec.when(domain.disclose, by=SECRETARY, at=later, statement_id="s2").then(second)
    third = replace(second, as_of=AT, as_of_version=version + 1)
    project(*PAID, statement, finished).when(domain.disclose, by=SECRETARY, statement_id="s2").then(third)
    project(proposed).when(domain.disclose, by=SECRETARY, statement_id="s1").then_raises(
        IllegalStateError, "not approved"
    )


def test_it_is_recorded_where_a_statement_was_posted():
    """D37: telephone and notice board."""
    posted = StatementPosted(
        project_id="p1",
        statement_id="s1",
        channel="notice_board",
        spot="1 号楼",
        posted_on="2025-03-03",
        person_id="secretary",
    )
    ask = {"statement_id": "s1", "channel": "notice_board", "spot": "1 号楼"}
    spec = project(*PAID, statement)
    spec.when(domain.post_statement, by=SECRETARY, posted_on="2025-03-03", **ask).then(posted)
    spec.when(domain.post_statement, by=SECRETARY, **ask).then(replace(posted, posted_on="2025-03-04"))
    spec.when(domain.post_statement, by=SECRETARY, posted_on="2025-03-05", **ask).then_raises(
        IllegalStateError, "yet to come"
    )
    project(*PAID).when(domain.post_statement, by=SECRETARY, **ask).then_raises(NotFoundError, "no statement s1")


@pytest.mark.parametrize(
    ("decide", "arguments"),
    [
        (domain.record_receipt, ASK),
        (domain.reverse_receipt, {"receipt_id": "r9", "reason": "x"}),
        (domain.erase_payer, {"receipt_id": "r9"}),
        (domain.return_surplus, {}),
        (domain.disclose, {"statement_id": "s1"}),
        (domain.post_statement, {"statement_id": "s1", "channel": "portal"}),
    ],
)
def test_every_step_needs_a_mandate_and_a_project(decide: Any, arguments: dict[str, Any]):
    """X14"""
    project(*READY).when(decide, by=who("x"), **arguments).then_raises(ForbiddenError, "no mandate")
    project().when(decide, by=who("x", "*"), **arguments).then_raises(NotFoundError, "no project p1")
    if "reason" in arguments or decide is domain.erase_payer:
        project(*READY).when(decide, by=who("x", "*"), **arguments).then_raises(NotFoundError, "no receipt r9")
