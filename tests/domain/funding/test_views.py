"""What pages show of projects, payments, books and statements."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable

import pytest

from services.funding import books
from services.funding.facts import PayerErased, ReceiptReversed, StatementPosted
from services.funding.payment_facts import PaymentWithdrawn
from shared.domain.city_rows import NEVER
from shared.domain.event import Event
from shared.domain.view import Row
from tests.domain.funding.facts import (
    PAID,
    READY,
    SIGNED,
    THREE_REVIEWS,
    accepted,
    approved,
    finished,
    proposed,
    received,
    requested,
    reviewed,
)
from tests.domain.funding.office import Form, Office
from tests.domain.funding.test_money import statement, surplus

Rows = dict[tuple[str, str], Row]


@pytest.fixture()
def fold_views(form: Form) -> Callable[[Iterable[Event]], Rows]:
    """All rows after a history as a store gives them, by view and key; sums by place are tried with the service itself."""

    def fold(history: Iterable[Event]) -> Rows:
        rows = Office(form(history)).rows()
        return {
            (view, key): json.loads(json.dumps(row)) for view, found in rows.rows.items() for key, row in found.items()
        }

    return fold


Fold = Callable[[Iterable[Event]], Rows]

CLOSED = (*PAID, finished, accepted, surplus)


def test_a_project_shows_money_in_and_out_by_source(fold_views: Fold) -> None:
    """(part of C22)"""
    row = fold_views(PAID)["projects", "p1"]
    assert row["received"] == {"government": 300, "society": 0, "residents": 100}
    assert row["spent"] == {"government": 75, "society": 0, "residents": 25}
    assert (row["received_fen"], row["spent_fen"], row["held_fen"], row["payments"], row["pending"]) == (
        400,
        100,
        300,
        1,
        0,
    )
    assert row["signer"] == "signer"
    assert row["shares"] == {"government": 500, "society": 300, "residents": 200}


def test_a_closed_project_shows_acceptance_and_surplus(fold_views: Fold) -> None:
    """(part of C22, C23, C37)"""
    row = fold_views(CLOSED)["projects", "p1"]
    assert (row["status"], row["held_fen"], row["returned_fen"]) == ("closed", 0, 300)
    assert [item["passed"] for item in row["criteria"]] == [True, True]
    assert row["unsolved_issue_ids"] == ["i2"]


def test_a_payment_shows_who_must_still_review_and_what_was_said(fold_views: Fold) -> None:
    """(part of D34)"""
    row = fold_views((*READY, requested(), reviewed("branch")))["payments", "pay1"]
    assert (row["status"], list(row["reviews"]), row["reviewed_on"]) == (
        "requested",
        ["branch"],
        {"branch": "2025-03-04"},
    )
    assert row["reviews"]["branch"]["organisation_id"] == "o-branch"
    rejected = reviewed("board", verdict="rejected", reason="数量不符")
    row = fold_views((*READY, requested(), *THREE_REVIEWS[:1], rejected))["payments", "pay1"]
    assert (row["status"], list(row["reviews"]), row["reason"]) == ("rejected", ["board"], "数量不符")
    row = fold_views(PAID)["payments", "pay1"]
    assert (row["status"], row["drawn"]["government"], row["cashier"]) == ("paid", 75, "cashier")
    gone = PaymentWithdrawn(project_id="p1", payment_id="pay1", reason="重复", person_id="applicant")
    rows = fold_views((*SIGNED, gone))
    assert (rows["payments", "pay1"]["status"], rows["projects", "p1"]["pending"]) == ("withdrawn", 0)


def test_receipts_show_reversal_and_forget_an_erased_payer(fold_views: Fold) -> None:
    """(part of D32, X09)"""
    person = received("society", 50, payer="sealed:v1:x", payer_kind="person")
    gone = PayerErased(project_id="p1", receipt_id="r-society", person_id="accountant")
    wrong = ReceiptReversed(
        project_id="p1",
        receipt_id="r-society",
        source="society",
        amount_fen=50,
        reason="记错",
        accountant="accountant",
        entries=books.reversal("society", 50),
    )
    rows = fold_views((*READY, person, gone, wrong))
    row = rows["receipts", "r-society"]
    assert (row["payer"], row["status"], row["reason"], row["amount_fen"]) == ("", "reversed", "记错", 50)
    assert (rows["projects", "p1"]["received"]["society"], rows["projects", "p1"]["receipts"]) == (0, 2)


def test_turnover_of_all_accounts_balances_and_tracks_stay_apart(fold_views: Fold) -> None:
    """(part of D32)"""
    turnover = fold_views(CLOSED)["projects", "p1"]["accounts"]
    assert (
        sum(row["debit_fen"] for row in turnover.values())
        == sum(row["credit_fen"] for row in turnover.values())
        == 1000
    )
    assert turnover["bank.income"] == {"debit_fen": 400, "credit_fen": 400}
    assert turnover["bank.spending"] == turnover["payable"] == {"debit_fen": 100, "credit_fen": 100}
    assert turnover["income.government"] == {"debit_fen": 0, "credit_fen": 300}
    assert turnover["returned.residents"] == {"debit_fen": 75, "credit_fen": 0}


def test_a_statement_stays_as_it_was_published(fold_views: Fold) -> None:
    """(part of D25, D37)"""
    posted = StatementPosted(
        project_id="p1", statement_id="s1", channel="portal", spot="", posted_on="2025-03-04", person_id="secretary"
    )
    rows = fold_views((*PAID, statement, posted, received("society", 50)))
    row = rows["statements", "s1"]
    assert (row["income"]["society"], row["held"]["government"], row["disclosed_on"]) == (0, 225, "2025-03-04")
    assert row["postings"] == [{"channel": "portal", "spot": "", "posted_on": "2025-03-04"}]
    assert rows["projects", "p1"]["disclosed_on"] == "2025-03-04"


def test_a_statement_is_owed_from_approval_and_after_closing_until_the_last_one(fold_views: Fold) -> None:
    """(part of D25)"""
    day = "2025-03-04"
    assert fold_views((proposed,))["projects", "p1"]["disclose_from"] == NEVER
    assert fold_views((proposed, approved))["projects", "p1"]["disclose_from"] == day
    assert fold_views(CLOSED)["projects", "p1"]["disclose_from"] == day
    assert fold_views((*CLOSED, statement))["projects", "p1"]["disclose_from"] == NEVER
