"""A project with its payments and books: one aggregate, so that who may pay how much from where is decided at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import assert_never

import msgspec
from msgspec.structs import replace

from services.funding.events import (
    CODEC,
    SOURCES,
    Entry,
    PayerErased,
    PaymentAmended,
    PaymentMade,
    PaymentRequested,
    PaymentReviewed,
    PaymentSigned,
    PaymentWithdrawn,
    ProjectAccepted,
    ProjectApproved,
    ProjectCancelled,
    ProjectEvent,
    ProjectProposed,
    ReceiptRecorded,
    ReceiptReversed,
    SignerDesignated,
    StatementDisclosed,
    StatementPosted,
    SurplusReturned,
    WorksFinished,
)
from shared.domain.decider import Decider


def _nothing() -> dict[str, int]:
    return dict.fromkeys(SOURCES, 0)


class Frozen(msgspec.Struct, frozen=True, kw_only=True):
    """A part of the state."""


class Balance(Frozen, frozen=True, kw_only=True):
    """Turnover of one account in fen: both sides grow, nothing is netted (D32)."""

    debit_fen: int = 0
    credit_fen: int = 0


class Receipt(Frozen, frozen=True, kw_only=True):
    """Money that came in, in fen."""

    source: str
    amount_fen: int
    payer_kind: str
    voucher: str = ""
    reversed: bool = False
    erased: bool = False


class Review(Frozen, frozen=True, kw_only=True):
    """An approval that still counts."""

    organisation_id: str
    person_id: str


class Payment(Frozen, frozen=True, kw_only=True):
    """A request on its way to the cashier; `reviews` by body are those of this version alone."""

    status: str  # requested, rejected, signed, paid, withdrawn
    payee: str
    payee_kind: str
    purpose: str
    amount_fen: int
    version: int
    applicants: tuple[str, ...]  # all persons who ever worded the request
    reviews: dict[str, Review] = {}
    reviewers: tuple[str, ...] = ()  # all persons who ever reviewed it
    signers: tuple[str, ...] = ()  # all persons who ever signed it


class Project(Frozen, frozen=True, kw_only=True):
    """Where a project stands. Status: unknown, proposed, approved, finished, accepted, cancelled, closed."""

    id: str
    status: str = "unknown"
    version: int = 0
    title: str = ""
    title_en: str = ""
    place: str = ""
    issue_ids: tuple[str, ...] = ()
    criteria: tuple[str, ...] = ()
    budget_fen: int = 0
    received: dict[str, int] = msgspec.field(default_factory=_nothing)
    spent: dict[str, int] = msgspec.field(default_factory=_nothing)
    returned: dict[str, int] = msgspec.field(default_factory=_nothing)
    accounts: dict[str, Balance] = {}
    receipts: dict[str, Receipt] = {}
    payments: dict[str, Payment] = {}
    accountants: tuple[str, ...] = ()  # all persons who ever recorded receipts
    cashiers: tuple[str, ...] = ()  # all persons who ever paid money out
    signer: str = ""  # the one who signs now
    signers: tuple[str, ...] = ()  # all persons who ever were that
    statements: dict[str, tuple[str, ...]] = {}  # statement id to "channel/spot" where it was posted
    changes: int = 0  # facts that a statement would tell
    disclosed: tuple[int, str] = (-1, "")  # changes told by the last statement, and its day

    @property
    def held(self) -> dict[str, int]:
        """What each source still holds, in fen."""
        return {source: self.received[source] - self.spent[source] - self.returned[source] for source in SOURCES}


def evolve(project: Project, event: ProjectEvent) -> Project:
    """Apply a recorded fact. Never refuses: it has already happened."""
    project = replace(project, version=project.version + 1)
    if isinstance(event, ReceiptRecorded | ReceiptReversed | PaymentMade | SurplusReturned):
        project = replace(project, accounts=_post(project.accounts, event.entries))
    match event:
        case StatementDisclosed():
            statements = project.statements | {event.statement_id: ()}
            return replace(project, statements=statements, disclosed=(project.changes, event.as_of[:10]))
        case StatementPosted():
            posted = (*project.statements[event.statement_id], f"{event.channel}/{event.spot}")
            return replace(project, statements=project.statements | {event.statement_id: posted})
        case PayerErased():
            erased = replace(project.receipts[event.receipt_id], erased=True)
            return replace(project, receipts=project.receipts | {event.receipt_id: erased})
        case (
            PaymentRequested()
            | PaymentAmended()
            | PaymentReviewed()
            | PaymentSigned()
            | PaymentMade()
            | PaymentWithdrawn()
        ):
            return _evolve_payment(replace(project, changes=project.changes + 1), event)
        case _:
            return _evolve_project(replace(project, changes=project.changes + 1), event)


_PaymentEvent = PaymentRequested | PaymentAmended | PaymentReviewed | PaymentSigned | PaymentMade | PaymentWithdrawn
_WorksEvent = (
    ProjectProposed
    | ProjectApproved
    | ProjectCancelled
    | SignerDesignated
    | ReceiptRecorded
    | ReceiptReversed
    | WorksFinished
    | ProjectAccepted
    | SurplusReturned
)


def _evolve_project(project: Project, event: _WorksEvent) -> Project:
    match event:
        case ProjectProposed():
            return replace(
                project,
                status="proposed",
                title=event.title,
                title_en=event.title_en,
                place=event.place,
                issue_ids=event.issue_ids,
                criteria=tuple(item.code for item in event.criteria),
                budget_fen=event.budget_fen,
            )
        case ProjectApproved():
            return replace(project, status="approved")
        case ProjectCancelled():
            return replace(project, status="cancelled")
        case SignerDesignated():
            return replace(project, signer=event.person_id, signers=_with(project.signers, event.person_id))
        case ReceiptRecorded():
            receipt = Receipt(
                source=event.source, amount_fen=event.amount_fen, payer_kind=event.payer_kind, voucher=event.voucher
            )
            return replace(
                project,
                received=_plus(project.received, {event.source: event.amount_fen}),
                receipts=project.receipts | {event.receipt_id: receipt},
                accountants=_with(project.accountants, event.accountant),
            )
        case ReceiptReversed():
            receipt = replace(project.receipts[event.receipt_id], reversed=True)
            return replace(
                project,
                received=_plus(project.received, {event.source: -event.amount_fen}),
                receipts=project.receipts | {event.receipt_id: receipt},
                accountants=_with(project.accountants, event.accountant),
            )
        case WorksFinished():
            return replace(project, status="finished")
        case ProjectAccepted():
            return replace(project, status="accepted")
        case SurplusReturned():
            return replace(
                project,
                status="closed",
                returned=_plus(project.returned, event.returned),
                cashiers=_with(project.cashiers, event.cashier),
            )
        case _:
            assert_never(event)


def _evolve_payment(project: Project, event: _PaymentEvent) -> Project:
    match event:
        case PaymentRequested():
            payment = Payment(
                status="requested",
                payee=event.payee,
                payee_kind=event.payee_kind,
                purpose=event.purpose,
                amount_fen=event.amount_fen,
                version=event.version,
                applicants=(event.applicant,),
            )
            return replace(project, payments=project.payments | {event.payment_id: payment})
    payment = project.payments[event.payment_id]
    match event:
        case PaymentAmended():
            payment = replace(
                payment,
                status="requested",
                payee=event.payee,
                payee_kind=event.payee_kind,
                purpose=event.purpose,
                amount_fen=event.amount_fen,
                version=event.version,
                applicants=_with(payment.applicants, event.applicant),
                reviews={},
            )
        case PaymentReviewed():
            payment = replace(payment, reviewers=_with(payment.reviewers, event.person_id))
            if event.verdict == "approved":
                review = Review(organisation_id=event.organisation_id, person_id=event.person_id)
                payment = replace(payment, reviews=payment.reviews | {event.body: review})
            else:
                payment = replace(payment, status="rejected", reviews={})
        case PaymentSigned():
            payment = replace(payment, status="signed", signers=_with(payment.signers, event.person_id))
            project = replace(project, signer=event.person_id, signers=_with(project.signers, event.person_id))
        case PaymentMade():
            payment = replace(payment, status="paid")
            project = replace(
                project, spent=_plus(project.spent, event.drawn), cashiers=_with(project.cashiers, event.cashier)
            )
        case PaymentWithdrawn():
            payment = replace(payment, status="withdrawn")
        case _:
            assert_never(event)
    return replace(project, payments=project.payments | {event.payment_id: payment})


def _with(persons: tuple[str, ...], person: str) -> tuple[str, ...]:
    return persons if person in persons else (*persons, person)


def _plus(amounts: Mapping[str, int], more: Mapping[str, int]) -> dict[str, int]:
    return {source: amounts[source] + more.get(source, 0) for source in SOURCES}


def _post(accounts: Mapping[str, Balance], entries: Iterable[Entry]) -> dict[str, Balance]:
    posted = dict(accounts)
    for entry in entries:
        before = posted.get(entry.account, Balance())
        posted[entry.account] = Balance(
            debit_fen=before.debit_fen + entry.debit_fen, credit_fen=before.credit_fen + entry.credit_fen
        )
    return posted


#: Streams `project-<project id>`.
PROJECT: Decider[Project] = Decider(
    "project", CODEC, Project, lambda id: Project(id=id), evolve, lambda project: project.place
)
