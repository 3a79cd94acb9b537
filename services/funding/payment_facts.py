"""Facts of payments: asked for, held, reviewed, signed, paid, withdrawn. Class and field names are the storage format: upcast instead."""

from __future__ import annotations

from typing import Annotated

import msgspec

from services.funding.books import Entry
from shared.domain.event import Event, sealed
from shared.domain.privacy import PUBLIC, staff, told

PERSON = "person"
PAYEE = sealed(lambda fact: f"payee:{fact.payment_id}", when=lambda fact: bool(fact.payee_kind == PERSON))


class Review(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a body said about a version of a payment."""

    organisation_id: str
    person_id: str
    verdict: str = "approved"  # approved, rejected
    reason: str = ""


# Payments.
class PaymentRequested(Event, frozen=True, kw_only=True):
    """Somebody asks that a bill of the project be paid."""

    schema = 3

    project_id: str
    payment_id: str
    place: str
    title: Annotated[str, told()]  # of the project, for lists of payments
    title_en: Annotated[str, told()]
    payee: Annotated[str, PAYEE]
    payee_kind: str  # organisation, person
    purpose: Annotated[str, told()]
    amount_fen: int
    bill: Annotated[str, PUBLIC]  # number of the bill, or ""
    contract: Annotated[str, PUBLIC]  # number of the contract that it rests on, or ""
    version: int
    applicant: Annotated[str, staff("money.read")]


class PaymentAmended(Event, frozen=True, kw_only=True):
    """The request says something else now: reviews and signature of earlier versions are void (D34)."""

    schema = 2

    project_id: str
    payment_id: str
    payee: Annotated[str, PAYEE]
    payee_kind: str
    purpose: Annotated[str, told()]
    amount_fen: int
    bill: Annotated[str, PUBLIC]
    contract: Annotated[str, PUBLIC]
    version: int
    applicant: Annotated[str, staff("money.read")]


class PaymentHeld(Event, frozen=True, kw_only=True):
    """The request looks like others for the same payee and amount: it is not reviewed before somebody says why it is no repeat."""

    project_id: str
    payment_id: str
    version: int
    like: Annotated[tuple[str, ...], PUBLIC]  # ids of the other payments


class RepeatExcluded(Event, frozen=True, kw_only=True):
    """Somebody said why the request is no repeat of those that it looks like."""

    project_id: str
    payment_id: str
    version: int
    reason: Annotated[str, told()]
    person_id: Annotated[str, staff("money.read")]


class PaymentReviewed(Event, frozen=True, kw_only=True):
    """One of the bodies judged one amount of one version; a rejection voids the reviews of the others (D34)."""

    project_id: str
    payment_id: str
    body: str
    organisation_id: str
    person_id: Annotated[str, staff("money.read")]
    amount_fen: int
    version: int
    verdict: str  # approved, rejected
    reason: Annotated[str, told()]


class PaymentSigned(Event, frozen=True, kw_only=True):
    """The one signer signed what all bodies approved (D35)."""

    project_id: str
    payment_id: str
    person_id: Annotated[str, staff("money.read")]
    amount_fen: int
    version: int


class PaymentMade(Event, frozen=True, kw_only=True):
    """The cashier paid; `drawn` says how much of it each source gave (C22, D31, D32)."""

    project_id: str
    payment_id: str
    cashier: Annotated[str, staff("money.read")]
    amount_fen: int
    version: int
    drawn: dict[str, int]
    entries: Annotated[tuple[Entry, ...], PUBLIC]


class PaymentRelocated(Event, frozen=True, kw_only=True):
    """The place of a request that is not paid yet has ended; the bodies of the place that came after it decide on it."""

    payment_id: str
    place: str


class PaymentWithdrawn(Event, frozen=True, kw_only=True):
    """The request was taken back and will not be paid."""

    project_id: str
    payment_id: str
    reason: Annotated[str, told()]
    person_id: Annotated[str, staff("money.read")]


class PayeeErased(Event, frozen=True, kw_only=True):
    """The key to the name of a paid person was destroyed; the payment stays in the books (X09)."""

    project_id: str
    payment_id: str
    person_id: Annotated[str, staff("money.read")]


class PaymentCarried(Event, frozen=True, kw_only=True):
    """What the project's stream said about a payment, before the first fact in a stream of its own.

    There were neither bills nor held payments then.
    """

    project_id: str
    payment_id: str
    status: str
    place: str
    title: Annotated[str, told()]
    title_en: Annotated[str, told()]
    payee: Annotated[str, staff("money.read")]  # as it lay there: sealed for a person
    payee_kind: str
    purpose: Annotated[str, told()]
    amount_fen: int
    version: int
    applicant: Annotated[str, staff("money.read")]
    applicants: Annotated[tuple[str, ...], staff("money.read")]
    reviews: Annotated[dict[str, Review], staff("money.read")]
    reviewers: Annotated[tuple[str, ...], staff("money.read")]
    signer: Annotated[str, staff("money.read")]
    signers: Annotated[tuple[str, ...], staff("money.read")]
    cashier: Annotated[str, staff("money.read")]
    drawn: dict[str, int]
    reason: Annotated[str, told()]


PAYMENT_FACTS = (
    PaymentRequested,
    PaymentAmended,
    PaymentReviewed,
    PaymentSigned,
    PaymentMade,
    PaymentWithdrawn,
    PayeeErased,
)
#: What never lay in the stream of a project.
REPEAT_FACTS = (PaymentHeld, RepeatExcluded, PaymentRelocated)
PaymentFact = (
    PaymentRequested
    | PaymentAmended
    | PaymentReviewed
    | PaymentSigned
    | PaymentMade
    | PaymentWithdrawn
    | PayeeErased
    | PaymentHeld
    | PaymentRelocated
    | RepeatExcluded
    | PaymentCarried
)
