"""The arithmetic of the books, over all amounts."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies

from services.funding import books
from services.funding.books import SOURCES

FEN = strategies.integers(0, 10**13)
HELD = strategies.fixed_dictionaries(dict.fromkeys(SOURCES, FEN)).filter(lambda held: sum(held.values()) > 0)


@given(HELD, strategies.data())
def test_a_payment_draws_exactly_in_proportion_and_never_more_than_there_is(held, data):
    """Exact to the fen, each source less than one fen off its share, the same every time (part of C22)."""
    total = sum(held.values())
    amount = data.draw(strategies.integers(1, total))
    drawn = books.draw(amount, held)
    assert sum(drawn.values()) == amount
    assert all(0 <= drawn[source] <= held[source] for source in SOURCES)
    assert all(abs(drawn[source] * total - amount * held[source]) < total for source in SOURCES)
    assert books.draw(amount, dict(reversed(held.items()))) == drawn


@given(HELD, strategies.lists(strategies.integers(1, 10**13), max_size=20))
def test_provenance_is_conserved_over_many_payments(held, amounts):
    """Whatever is drawn and what is left always makes up what each source gave (part of C22)."""
    left = dict(held)
    for amount in amounts:
        if amount <= sum(left.values()):
            drawn = books.draw(amount, left)
            left = {source: left[source] - drawn[source] for source in SOURCES}
    assert all(0 <= left[source] <= held[source] for source in SOURCES)


def test_the_largest_remainder_gets_the_fen_that_rounding_leaves():
    assert books.draw(1, {"government": 1, "society": 2, "residents": 2}) == {
        "government": 0,
        "society": 1,
        "residents": 0,
    }
    assert books.draw(2, {"government": 1, "society": 1, "residents": 1}) == {
        "government": 1,
        "society": 1,
        "residents": 0,
    }
    assert books.draw(10, {"government": 5, "society": 3, "residents": 2}) == {
        "government": 5,
        "society": 3,
        "residents": 2,
    }


@pytest.mark.parametrize("amount", [0, -1, 11])
def test_no_amount_or_too_much_cannot_be_drawn(amount: int):
    with pytest.raises(ValueError, match="cannot draw"):
        books.draw(amount, {"government": 10, "society": 0, "residents": 0})


@given(HELD)
def test_every_journal_entry_balances_on_known_accounts(amounts):
    """(part of D32)"""
    for entries in (
        books.receipt("society", 5),
        books.reversal("society", 5),
        books.payment(amounts),
        books.surplus(amounts),
    ):
        assert sum(entry.debit_fen for entry in entries) == sum(entry.credit_fen for entry in entries)
        assert {entry.account for entry in entries} <= set(books.ACCOUNTS)
        assert all((entry.debit_fen > 0) != (entry.credit_fen > 0) for entry in entries)


@given(HELD)
def test_a_payment_leaves_the_income_track_untouched_by_spending_accounts(amounts):
    """What is spent passes the spending track whole; nothing is booked against income (part of D32)."""
    entries = books.payment(amounts)
    fen = sum(amounts.values())
    track = [entry for entry in entries if entry.account == "bank.spending"]
    assert [(entry.debit_fen, entry.credit_fen) for entry in track] == [(fen, 0), (0, fen)]
    assert not any(entry.account.startswith("income.") for entry in entries)
