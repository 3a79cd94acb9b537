"""The auditor finds nothing in a sound history, and finds out each forged one (R10)."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from services.funding.facts import EntriesBooked
from shared.domain.event import Event
from tests.domain.funding.audit import violations
from tests.domain.funding.facts import (
    PAID,
    READY,
    SIGNED,
    TYPES,
    accepted,
    finished,
    in_own_streams,
    raised,
    received,
    requested,
    reviewed,
)
from tests.domain.funding.test_money import statement, surplus
from tests.domain.funding.test_payment import held

CLOSED = (*PAID, statement, finished, accepted, surplus)


def test_the_auditor_finds_nothing_in_a_sound_history() -> None:
    assert violations(CLOSED) == []
    assert violations([event for _, event in in_own_streams(CLOSED)]) == []


def test_the_auditor_finds_a_ledger_that_was_told_otherwise() -> None:
    told = [event for _, event in in_own_streams(READY)]
    forged = [replace(event, person_id="x") if isinstance(event, EntriesBooked) else event for event in told]
    assert any("told otherwise" in found for found in violations(forged))


@pytest.mark.parametrize(
    ("history", "match"),
    [
        ((*SIGNED[:-2], *SIGNED[-1:], PAID[-1]), "three approvals"),
        ((*SIGNED[:-1], PAID[-1]), "one signature"),
        ((*SIGNED[:-2], SIGNED[-1], SIGNED[-2], PAID[-1]), "one signature after the approvals"),
        ((*SIGNED, reviewed("branch", verdict="rejected"), PAID[-1]), "was rejected"),
        ((*PAID, PAID[-1]), "paid twice"),
        ((*READY, requested(), reviewed("board", fen=99)), "not what is asked for"),
        ((*SIGNED, replace(PAID[-1], version=2)), "not asked for like that"),
        ((*SIGNED, replace(PAID[-1], cashier="accountant")), "accountant is accountant and cashier"),
        ((*SIGNED, replace(PAID[-1], cashier="signer")), "signer is cashier and signer"),
        ((*SIGNED[:-1], replace(SIGNED[-1], person_id="board"), PAID[-1]), "board is reviewer and signer"),
        ((*SIGNED, replace(PAID[-1], drawn={"government": 70, "society": 0, "residents": 30})), "off its share"),
        ((*PAID, replace(received("society", 5), entries=PAID[2].entries)), "society holds 5 fen"),
        ((*PAID, replace(received("society", 5), entries=received("society", 5).entries[:1])), "do not balance"),
        (
            (*PAID, finished, accepted, replace(surplus, returned={"government": 300, "society": 0, "residents": 0})),
            "returned",
        ),
        ((*PAID, replace(statement, income=statement.income | {"society": 1})), "the statement tells"),
        ((*READY, received("society", 601)), "1001 fen came in, the budget is 1000"),
        ((*PAID, requested(901, "pay2")), "1001 fen are paid or asked for, the budget is 1000"),
        ((*READY, replace(raised, shares={"society": 1})), "the budget of 1000 fen is raised"),
        ((*READY, requested(1, "pay2", bill="No 1"), requested(2, "pay3", bill="no1")), "the same bill"),
        (
            (*PAID, requested(payment_id="pay2"), held, reviewed("branch", payment_id="pay2")),
            "is reviewed and may be a repeat",
        ),
        (
            (*PAID, requested(9, "pay2"), reviewed("board", 9, payment_id="pay2", person_id="committee")),
            "committee reviewed for ['board', 'committee']",
        ),
        ((*PAID, replace(raised, person_id="applicant")), "applicant is approver and applicant"),
        ((*PAID, finished, replace(accepted, person_id="secretary")), "secretary is approver and examiner"),
        (
            (*PAID, requested(9, "pay2"), reviewed("board", 9, payment_id="pay2", organisation_id="o-branch")),
            "several types reviewed as board",
        ),
    ],
)
def test_the_auditor_finds_what_is_wrong(history: tuple[Event, ...], match: str) -> None:
    """The check above can fail: each forged history is found out."""
    assert any(match in found for found in violations(history, TYPES)), violations(history, TYPES)
