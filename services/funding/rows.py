"""Rows and answers that receipts, payments, statements and projects share: where facts lie, days, persons, shares."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from services.funding.payment_facts import PERSON
from shared.domain.answers import (
    ACTIONS,
    COUNT,
    LABELS,
    LATE,
    OTHERS,
    PLACE_NAMES,
    TEXT,
    Shape,
    by_code,
    fields_of,
    shape,
)
from shared.domain.decider import Decider
from shared.domain.event import Event
from shared.domain.names import mask
from shared.domain.reader import Reader
from shared.domain.record import Record
from shared.domain.view import Row, View

#: Fields that name persons: for those who have `money.read`.
_PERSONS = (
    *("applicant", "applicants", "approvers", "examiner", "reviewers", "signer", "signers"),
    *("cashier", "cashiers", "accountant", "accountants", "person_id"),
)
#: What only folding and the ledger need.
_INNER = ("accounts", "asked", "bill_number", "changes", "disclosed", "former", "reviewed_on")


def rows_of(
    decider: Decider[Any],
    facts: tuple[type[Event], ...],
    name: str,
    indexes: tuple[str | tuple[str, ...], ...],
    more: Any,
) -> View:
    """One row a thing from these facts, in its own stream or, from before it had one, in that of its project (decision 10).

    What was carried from there into its own stream changes no row.
    """
    made = View.of(decider, name, indexes, more)

    def key(event: Any, record: Record) -> str | None:
        return str(getattr(event, decider.id_field)) if isinstance(event, facts) else None

    def fold(row: Row, event: Any, record: Record, key: str) -> Row | None:
        found = made.fold(row, event, record, key)
        return found if found is None or found["place"] else found | {"place": record.place}

    return replace(made, key=key, fold=fold)


def day_of(name: str, happened: bool, row: Row, record: Record) -> Row:
    """The day of a fact under a name, or the day that stands there, "" for none."""
    return {name: record.occurred[:10] if happened else row.get(name, "")}


def public(read: Reader, row: Row) -> Row:
    """A row without persons, unless the reader may see them; names of payers and payees masked or, once erased, empty."""
    clear = read.may("money.read", row["place"])
    hidden = () if clear else _PERSONS
    row = {name: value for name, value in row.items() if name not in (*hidden, *_INNER)}
    for name in ("payer", "payee"):
        if row.get(f"{name}_kind") == PERSON:
            opened = read.open(row[name]) or ""
            row[name] = opened if clear else mask(opened)
    if "reviews" in row:
        row["reviews"] = {
            body: {name: value for name, value in review.items() if name not in hidden}
            for body, review in row["reviews"].items()
        }
    return row


def share(fen: int, of: int) -> dict[str, int]:
    """A share as a fraction; denominator 0: there is no money yet."""
    return {"numerator": fen, "denominator": of}


#: JSON Schemas of parts of answers.
SHARE = shape(numerator=COUNT, denominator=COUNT)
BY_SOURCE = by_code(COUNT)


def row_of(decider: Decider[Any], **more: Shape) -> Shape:
    """A row that is a state, with what the view and the query add; persons are only for those who may see them."""
    fields = {"key": TEXT, decider.id_field: TEXT} | fields_of(decider.state, "id", *_INNER) | LATE | more
    shown = {name: one for name, one in fields.items() if name not in _PERSONS}
    persons = {name: one for name, one in fields.items() if name in _PERSONS}
    return shape(persons | LABELS | {"place_names": PLACE_NAMES, "others": OTHERS}, **shown, actions=ACTIONS)
