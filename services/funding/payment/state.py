"""Where a payment stands on its way to the cashier."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec.structs import replace

from services.funding.books import by_source
from services.funding.facts import (
    PAYMENT_FACTS,
    UPCASTERS,
    PaymentAmended,
    PaymentCarried,
    PaymentFact,
    PaymentMade,
    PaymentRequested,
    PaymentReviewed,
    PaymentSigned,
    PaymentWithdrawn,
    Review,
)
from shared.domain.decider import Decider
from shared.domain.event import Codec


class Payment(msgspec.Struct, frozen=True, kw_only=True):
    """A request for payment; `reviews` by body are those of this version alone."""

    id: str
    status: str = "unknown"  # unknown, requested, rejected, signed, paid, withdrawn
    project_id: str = ""
    place: str = ""
    title: str = ""  # of the project
    title_en: str = ""
    payee: str = ""  # name of an organisation; sealed name of a person
    payee_kind: str = ""
    purpose: str = ""
    amount_fen: int = 0
    version: int = 0
    applicant: str = ""  # who worded this version
    applicants: tuple[str, ...] = ()  # all persons who ever worded it
    reviews: dict[str, Review] = {}
    reviewers: tuple[str, ...] = ()  # all persons who ever reviewed it
    signer: str = ""  # who signed this version
    signers: tuple[str, ...] = ()  # all persons who ever signed it
    cashier: str = ""
    drawn: dict[str, int] = msgspec.field(default_factory=lambda: by_source({}))
    reason: str = ""  # of the last rejection, or of the withdrawal

    @property
    def approvals(self) -> dict[str, Review]:
        """The reviews that approve this version, by body."""
        return {body: review for body, review in self.reviews.items() if review.verdict == "approved"}


def evolve(payment: Payment, event: PaymentFact) -> Payment:
    """Apply a recorded fact. Never refuses: it has already happened."""
    match event:
        case PaymentRequested():
            asked = Payment(
                id=payment.id,
                project_id=event.project_id,
                place=event.place,
                title=event.title,
                title_en=event.title_en,
            )
            return _worded(asked, event)
        case PaymentAmended():
            return _worded(payment, event)
        case PaymentReviewed():
            review = Review(
                organisation_id=event.organisation_id,
                person_id=event.person_id,
                verdict=event.verdict,
                reason=event.reason,
            )
            payment = replace(payment, reviewers=with_one(payment.reviewers, event.person_id))
            if event.verdict == "approved":
                return replace(payment, reviews=payment.reviews | {event.body: review})
            return replace(payment, status="rejected", reviews={event.body: review}, reason=event.reason)
        case PaymentSigned():
            signers = with_one(payment.signers, event.person_id)
            return replace(payment, status="signed", signer=event.person_id, signers=signers)
        case PaymentMade():
            return replace(payment, status="paid", cashier=event.cashier, drawn=event.drawn)
        case PaymentWithdrawn():
            return replace(payment, status="withdrawn", reason=event.reason)
        case PaymentCarried():
            fields = msgspec.structs.asdict(event)
            return Payment(id=fields.pop("payment_id"), **fields)


def _worded(payment: Payment, event: PaymentRequested | PaymentAmended) -> Payment:
    return replace(
        payment,
        status="requested",
        payee=event.payee,
        payee_kind=event.payee_kind,
        purpose=event.purpose,
        amount_fen=event.amount_fen,
        version=event.version,
        applicant=event.applicant,
        applicants=with_one(payment.applicants, event.applicant),
        reviews={},
        signer="",
    )


def with_one(persons: tuple[str, ...], person: str) -> tuple[str, ...]:
    """The persons, this one among them."""
    return persons if person in persons else (*persons, person)


def _carried(payment: Payment, given: Mapping[str, Any]) -> PaymentCarried | None:
    found = given["project"].former.payments.get(payment.id)
    if found is None:
        return None
    fields = msgspec.structs.asdict(found)
    return PaymentCarried(payment_id=fields.pop("id"), **fields | {"place": given["project"].place})


PAYMENT: Decider[Payment] = Decider(
    "payment",
    Codec((*PAYMENT_FACTS, PaymentCarried), UPCASTERS),
    Payment,
    lambda id: Payment(id=id),
    evolve,
    lambda payment: payment.place,
    former=_carried,
)
