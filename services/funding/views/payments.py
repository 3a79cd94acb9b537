"""Payments with their reviews, as reviewers, signer, cashier and residents see them."""

from __future__ import annotations

from typing import Any

from services.funding.events import (
    BODIES,
    SOURCES,
    PaymentAmended,
    PaymentMade,
    PaymentRequested,
    PaymentReviewed,
    PaymentSigned,
    PaymentWithdrawn,
)
from shared.domain.record import Record
from shared.domain.view import Row


def payments(row: Row, event: Any, record: Record) -> Row:
    """One row per payment with the reviews of its version; `needs_<body>` is 1 while a body must still review."""
    day = record.occurred[:10]
    asked = {f"needs_{body}": 1 for body in BODIES} | {
        "status": "requested",
        "reviews": {},
        "signer": "",
        "signed_on": "",
    }
    match event:
        case PaymentRequested() | PaymentAmended():
            row = (
                row
                | asked
                | {
                    "payee": event.payee,
                    "payee_kind": event.payee_kind,
                    "purpose": event.purpose,
                    "amount_fen": event.amount_fen,
                    "version": event.version,
                    "applicant": event.applicant,
                    "applicant_organisation_id": record.on_behalf_of,
                }
            )
            if isinstance(event, PaymentAmended):
                return row
            return row | {
                "payment_id": event.payment_id,
                "project_id": event.project_id,
                "title": event.title,
                "title_en": event.title_en,
                "place": record.place,
                "requested_on": day,
                "paid_on": "",
                "cashier": "",
                "drawn": dict.fromkeys(SOURCES, 0),
                "reason": "",
            }
        case PaymentReviewed():
            review = {
                "organisation_id": event.organisation_id,
                "person_id": event.person_id,
                "verdict": event.verdict,
                "reason": event.reason,
                "reviewed_on": day,
            }
            if event.verdict == "approved":
                return row | {f"needs_{event.body}": 0, "reviews": row["reviews"] | {event.body: review}}
            settled = {f"needs_{body}": 0 for body in BODIES}
            return row | settled | {"status": "rejected", "reviews": {event.body: review}, "reason": event.reason}
        case PaymentSigned():
            return row | {"status": "signed", "signer": event.person_id, "signed_on": day}
        case PaymentMade():
            return row | {"status": "paid", "paid_on": day, "cashier": event.cashier, "drawn": event.drawn}
        case PaymentWithdrawn():
            settled = {f"needs_{body}": 0 for body in BODIES}
            return row | settled | {"status": "withdrawn", "reason": event.reason}
    return row
