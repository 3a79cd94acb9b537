"""Payments with their reviews, as reviewers, signer, cashier and residents see them."""

from __future__ import annotations

from typing import Annotated, Any

from services.funding.documents import PAYMENT, Payment
from services.funding.offering import bodies_of
from services.funding.payment_facts import (
    PAYMENT_FACTS,
    REPEAT_FACTS,
    PaymentAmended,
    PaymentMade,
    PaymentRequested,
    PaymentReviewed,
    PaymentSigned,
)
from services.funding.rows import day_of, public, row_of, rows_of
from services.funding.voucher import normal_form
from shared.domain.answers import COUNT, TEXT, by_code, many, page_of, shape
from shared.domain.fields import PLACE, choice, code_of, id_of
from shared.domain.query import Cursor, Limit, order_of
from shared.domain.reader import Reader
from shared.domain.record import Record
from shared.domain.view import Row, state_of


def _days(row: Row, payment: Payment, event: Any, record: Record) -> Row:
    worded = isinstance(event, PaymentRequested | PaymentAmended)
    reviewed = {body: day for body, day in row.get("reviewed_on", {}).items() if body in payment.reviews}
    if isinstance(event, PaymentReviewed):
        reviewed[event.body] = record.occurred[:10]
    return {
        "bill_number": normal_form(payment.bill),
        **day_of("requested_on", isinstance(event, PaymentRequested), row, record),
        **day_of("signed_on", isinstance(event, PaymentSigned), {} if worded else row, record),
        **day_of("paid_on", isinstance(event, PaymentMade), row, record),
        "reviewed_on": reviewed,
        "applicant_organisation_id": record.on_behalf_of if worded else row.get("applicant_organisation_id", ""),
    }


PAYMENTS = rows_of(
    PAYMENT,
    (*PAYMENT_FACTS, *REPEAT_FACTS),
    "payments",
    ("project_id", "place", "status", "requested_on", "amount_fen", "bill_number"),
    _days,
)
#: `needs_<body>` is 1 while that body must still review.
_NEEDS = {"patternProperties": {"^needs_": COUNT}}
PAYMENT_ROW = (
    row_of(
        PAYMENT,
        requested_on=TEXT,
        signed_on=TEXT,
        paid_on=TEXT,
        applicant_organisation_id=TEXT,
        reviews=by_code(
            shape(
                {"person_id": TEXT},
                **dict.fromkeys(("organisation_id", "organisation", "organisation_en"), TEXT),
                **dict.fromkeys(("verdict", "reason", "reviewed_on"), TEXT),
            )
        ),
        awaiting=many(TEXT),
    )
    | _NEEDS
)


def shown_payment(read: Reader, row: Row) -> Row:
    """A payment for a reader: who reviewed it when, and the bodies that must still review it, as a list and one by one."""
    days, row = row["reviewed_on"], public(read, row)
    for body, review in row["reviews"].items():
        found = read.city.organisation(review["organisation_id"]) or {"name": "", "name_en": ""}
        names = {"organisation": found["name"], "organisation_en": found["name_en"]}
        row["reviews"][body] = review | names | {"reviewed_on": days.get(body, "")}
    bodies = read.city.entries("review_bodies")
    awaiting = [body for body in bodies if row["status"] == "requested" and body not in row["reviews"]]
    return row | {"awaiting": awaiting} | {f"needs_{body}": int(body in awaiting) for body in bodies}


@PAYMENT.query(answer=shape(rows=many(shape(body=TEXT))))
def bodies_for_payment(
    read: Reader,
    *,
    payment_id: Annotated[str, id_of("payment"), "the payment"],
    command: Annotated[str, choice("review_payment", words="command"), "what is to be done"] = "review_payment",
) -> dict[str, Any]:
    """The bodies that you may review a payment for now (D34)."""
    row = read.row("payments", payment_id, "payment", "payment_id")
    return {"rows": [{"body": body} for body in bodies_of(state_of(PAYMENT, row), read.by, read.city)]}


@PAYMENT.query(answer=page_of(PAYMENT_ROW))
def find_payments(
    read: Reader,
    *,
    place__under: Annotated[str, PLACE, "a place and everything below it"] = "",
    project_id: Annotated[str, id_of("project"), "only of this project"] = "",
    status: Annotated[
        str,
        choice("held", "requested", "rejected", "signed", "paid", "withdrawn", words="payment status"),
        "only in this state",
    ] = "",
    awaiting: Annotated[str, code_of("review_bodies"), "only those that this body must still review"] = "",
    order: Annotated[
        str, order_of("key", "requested_on", "amount_fen"), "sorted by; - before it: descending"
    ] = "-requested_on",
    limit: Limit = 50,
    cursor: Cursor = "",
) -> dict[str, Any]:
    """Payments with the state of their review; a page of those that a body must review may be short although another follows."""
    where = {"place__under": place__under, "project_id": project_id, "status": status}
    if awaiting and not status:
        where["status"] = "requested"

    def page(cursor: str) -> Row:
        found = read.page("payments", where, limit, cursor, order, PAYMENT, lambda row: shown_payment(read, row))
        return found | {"rows": [row for row in found["rows"] if not awaiting or awaiting in row["awaiting"]]}

    found = page(cursor)
    while not found["rows"] and found["next"]:
        found = page(found["next"])
    return found | {"rows": read.city.named(found["rows"])}
