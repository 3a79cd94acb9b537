"""The auditor finds nothing in a sound history, and finds out each forged one (R10, X06, X14)."""

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
    accepted,
    finished,
    in_own_streams,
    received,
    requested,
    reviewed,
)
from tests.domain.funding.test_money import statement, surplus

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
    ],
)
def test_the_auditor_finds_what_is_wrong(history: tuple[Event, ...], match: str) -> None:
    """The check above can fail: each forged history is found out."""
    assert any(match in found for found in violations(history)), violations(history)
