"""Where receipts, payments and statements stand: the documents of a project's money, each in a stream of its own.

What was said of one in the stream of its project, before it had its own, is carried over with its first command (decision 10).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec.structs import replace

from services.funding.books import by_source
from services.funding.facts import (
    RECEIPT_FACTS,
    STATEMENT_FACTS,
    UPCASTERS,
    PayerErased,
    Posting,
    ReceiptCarried,
    ReceiptFact,
    ReceiptRecorded,
    ReceiptReversed,
    StatementCarried,
    StatementDisclosed,
    StatementFact,
    StatementPosted,
)
from services.funding.payment_facts import (
    PAYMENT_FACTS,
    REPEAT_FACTS,
    PayeeErased,
    PaymentAmended,
    PaymentCarried,
    PaymentFact,
    PaymentHeld,
    PaymentMade,
    PaymentRelocated,
    PaymentRequested,
    PaymentReviewed,
    PaymentSigned,
    PaymentWithdrawn,
    RepeatExcluded,
    Review,
)
from shared.domain.decider import Decider
from shared.domain.event import Codec, taken


class Receipt(msgspec.Struct, frozen=True):
    """Money that came in, in fen."""

    id: str
    status: str = "unknown"  # unknown, recorded, reversed
    project_id: str = ""
    place: str = ""
    source: str = ""
    payer: str = ""  # name of an organisation; sealed name of a person
    payer_kind: str = ""
    voucher: str = ""
    amount_fen: int = 0
    accountant: str = ""
    reason: str = ""  # why it was reversed
    erased: bool = False


def evolve_receipt(receipt: Receipt, event: ReceiptFact) -> Receipt:
    """Apply a recorded fact. Never refuses: it has already happened."""
    match event:
        case ReceiptRecorded():
            return Receipt(**taken(event, Receipt, id=receipt.id, status="recorded"))
        case ReceiptReversed():
            return replace(receipt, status="reversed", reason=event.reason)
        case PayerErased():
            return replace(receipt, payer="", erased=True)
        case ReceiptCarried():
            fields = msgspec.structs.asdict(event)
            return Receipt(id=fields.pop("receipt_id"), **fields)


def _receipt_carried(receipt: Receipt, given: Mapping[str, Any]) -> ReceiptCarried | None:
    found = given["project"].former.receipts.get(receipt.id)
    if found is None:
        return None
    fields = msgspec.structs.asdict(found)
    return ReceiptCarried(receipt_id=fields.pop("id"), **fields | {"place": given["project"].place})


RECEIPT: Decider[Receipt] = Decider(
    "receipt",
    Codec((*RECEIPT_FACTS, ReceiptCarried), UPCASTERS),
    Receipt,
    Receipt,
    evolve_receipt,
    lambda receipt: receipt.place,
    former=_receipt_carried,
)


class Payment(msgspec.Struct, frozen=True, kw_only=True):
    """A request for payment; `reviews` by body are those of this version alone."""

    id: str
    status: str = "unknown"  # unknown, held, requested, rejected, signed, paid, withdrawn
    project_id: str = ""
    place: str = ""
    title: str = ""  # of the project
    title_en: str = ""
    payee: str = ""  # name of an organisation; sealed name of a person
    payee_kind: str = ""
    purpose: str = ""
    amount_fen: int = 0
    bill: str = ""  # number of the bill
    contract: str = ""
    like: tuple[str, ...] = ()  # ids of payments that this version may repeat
    no_repeat: str = ""  # why it does not
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


def evolve_payment(payment: Payment, event: PaymentFact) -> Payment:
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
        case PaymentHeld():
            return replace(payment, status="held", like=event.like, no_repeat="")
        case RepeatExcluded():
            applicants = with_one(payment.applicants, event.person_id)
            return replace(payment, status="requested", no_repeat=event.reason, applicants=applicants)
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
        case PaymentRelocated():
            return replace(payment, place=event.place)
        case PaymentWithdrawn():
            return replace(payment, status="withdrawn", reason=event.reason)
        case PayeeErased():
            return replace(payment, payee="")
        case PaymentCarried():
            fields = msgspec.structs.asdict(event)
            return Payment(id=fields.pop("payment_id"), **fields)


def _worded(payment: Payment, event: PaymentRequested | PaymentAmended) -> Payment:
    return replace(
        payment,
        status="requested",
        like=(),
        no_repeat="",
        bill=event.bill,
        contract=event.contract,
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


def _payment_carried(payment: Payment, given: Mapping[str, Any]) -> PaymentCarried | None:
    found = given["project"].former.payments.get(payment.id)
    if found is None:
        return None
    fields = {name: getattr(found, name) for name in PaymentCarried.__struct_fields__ if name != "payment_id"}
    return PaymentCarried(payment_id=found.id, **fields | {"place": given["project"].place})


PAYMENT: Decider[Payment] = Decider(
    "payment",
    Codec((*PAYMENT_FACTS, *REPEAT_FACTS, PaymentCarried), UPCASTERS),
    Payment,
    lambda id: Payment(id=id),
    evolve_payment,
    lambda payment: payment.place,
    fold=2,
    former=_payment_carried,
)


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """What the ledger of a project held at a time; amounts are fen. Of one that was carried over only the postings are known."""

    id: str
    status: str = "unknown"  # unknown, disclosed
    project_id: str = ""
    place: str = ""
    number: int = 0
    title: str = ""
    title_en: str = ""
    as_of: str = ""
    as_of_version: int = 0
    budget_fen: int = 0
    income: dict[str, int] = {}
    spending: dict[str, int] = {}
    returned: dict[str, int] = {}
    held: dict[str, int] = {}
    receipts: int = 0
    payments: int = 0
    postings: tuple[Posting, ...] = ()


def evolve_statement(statement: Statement, event: StatementFact) -> Statement:
    """Apply a recorded fact. Never refuses: it has already happened."""
    match event:
        case StatementDisclosed():
            told = msgspec.structs.asdict(event)
            del told["statement_id"], told["person_id"]
            return Statement(id=statement.id, status="disclosed", **told)
        case StatementPosted():
            posting = Posting(channel=event.channel, spot=event.spot, posted_on=event.posted_on)
            return replace(statement, postings=(*statement.postings, posting))
        case StatementCarried():
            return Statement(
                id=statement.id,
                status="disclosed",
                project_id=event.project_id,
                place=event.place,
                postings=event.postings,
            )


def _statement_carried(statement: Statement, given: Mapping[str, Any]) -> StatementCarried | None:
    project = given["project"]
    postings = project.former.statements.get(statement.id)
    if postings is None:
        return None
    return StatementCarried(project_id=project.id, statement_id=statement.id, place=project.place, postings=postings)


STATEMENT: Decider[Statement] = Decider(
    "statement",
    Codec((*STATEMENT_FACTS, StatementCarried), UPCASTERS),
    Statement,
    lambda id: Statement(id=id),
    evolve_statement,
    lambda statement: statement.place,
    former=_statement_carried,
)
