"""A project and its ledger: what it was proposed as, how far it is, what each account holds and which payments are open.

Nothing here grows with the number of receipts, payments or statements.
"""

from __future__ import annotations

from typing import get_args

import msgspec
from msgspec.structs import replace

from services.funding import books
from services.funding.books import SOURCES, Balance
from services.funding.documents import Payment, Receipt, Statement, with_one
from services.funding.facts import (
    PAYMENT_FACTS,
    RECEIPT_FACTS,
    STATEMENT_FACTS,
    UPCASTERS,
    EntriesBooked,
    Item,
    PayerErased,
    PaymentAmended,
    PaymentDropped,
    PaymentMade,
    PaymentOpened,
    PaymentRequested,
    PaymentReviewed,
    PaymentSigned,
    PaymentWithdrawn,
    ProjectAccepted,
    ProjectApproved,
    ProjectCancelled,
    ProjectProposed,
    ReceiptRecorded,
    ReceiptReversed,
    SignerDesignated,
    StatementDisclosed,
    StatementListed,
    StatementPosted,
    SurplusReturned,
    WorksFinished,
)
from services.funding.former import Former
from shared.domain.decider import Decider
from shared.domain.errors import IllegalStateError, NotFoundError
from shared.domain.event import Codec
from shared.domain.words import _, said, term

#: Statuses in which money comes in and goes out.
OPEN = ("approved", "finished", "accepted")


class Criterion(msgspec.Struct, frozen=True, kw_only=True):
    """What the works must meet; `passed` is None until it is judged."""

    code: str
    zh: str
    en: str
    passed: bool | None = None


class Project(msgspec.Struct, frozen=True, kw_only=True):
    """Where a project and its ledger stand; amounts are fen."""

    id: str
    status: str = "unknown"  # unknown, proposed, approved, finished, accepted, cancelled, closed
    version: int = 0
    title: str = ""
    title_en: str = ""
    place: str = ""
    programme: str = ""
    works: tuple[Item, ...] = ()
    issue_ids: tuple[str, ...] = ()
    unsolved_issue_ids: tuple[str, ...] = ()
    criteria: tuple[Criterion, ...] = ()
    budget_fen: int = 0
    shares: dict[str, int] = {}
    organisation_id: str = ""
    resolution: str = ""
    reason: str = ""  # why it was cancelled
    accounts: dict[str, Balance] = {}
    open_payments: tuple[str, ...] = ()  # ids of those neither paid nor withdrawn
    receipts: int = 0  # that count
    payments: int = 0  # made
    statements: int = 0
    accountants: tuple[str, ...] = ()  # all persons who ever recorded receipts
    cashiers: tuple[str, ...] = ()  # all persons who ever paid money out
    signer: str = ""  # the one who signs now
    signers: tuple[str, ...] = ()  # all persons who ever were that
    changes: int = 0  # facts that a statement would tell
    disclosed: tuple[int, str] = (-1, "")  # changes told by the last statement, and its day
    former: Former = Former()

    @property
    def received(self) -> dict[str, int]:
        """What came in, by source."""
        return books.turned_over(self.accounts, "income")

    @property
    def spent(self) -> dict[str, int]:
        """What was paid, by the source that gave it."""
        return books.turned_over(self.accounts, "spending")

    @property
    def returned(self) -> dict[str, int]:
        """What went back as surplus, by source."""
        return books.turned_over(self.accounts, "returned")

    @property
    def held(self) -> dict[str, int]:
        """What each source still holds."""
        received, spent, returned = self.received, self.spent, self.returned
        return {source: received[source] - spent[source] - returned[source] for source in SOURCES}


#: Facts about money that lay in this stream before receipts, payments and statements had their own.
FormerFact = (
    ReceiptRecorded
    | ReceiptReversed
    | PayerErased
    | PaymentRequested
    | PaymentAmended
    | PaymentReviewed
    | PaymentSigned
    | PaymentMade
    | PaymentWithdrawn
    | StatementDisclosed
    | StatementPosted
)
LedgerFact = EntriesBooked | PaymentOpened | PaymentDropped | StatementListed | SurplusReturned | SignerDesignated
WorksFact = ProjectProposed | ProjectApproved | ProjectCancelled | WorksFinished | ProjectAccepted


def evolve(project: Project, event: WorksFact | LedgerFact | FormerFact) -> Project:
    """Apply a recorded fact. Never refuses: it has already happened."""
    told = isinstance(event, StatementListed | StatementDisclosed | StatementPosted | PayerErased)
    project = replace(project, version=project.version + 1, changes=project.changes + (not told))
    if isinstance(event, WorksFact):
        return _course(project, event)
    if isinstance(event, LedgerFact):
        return _ledger(project, event)
    return _formerly(project, event)


def _course(project: Project, event: WorksFact) -> Project:
    match event:
        case ProjectProposed():
            return replace(
                project,
                status="proposed",
                title=event.title,
                title_en=event.title_en,
                place=event.place,
                programme=event.programme,
                works=event.works,
                issue_ids=event.issue_ids,
                criteria=tuple(Criterion(code=one.code, zh=one.zh, en=one.en) for one in event.criteria),
                budget_fen=event.budget_fen,
                shares=event.shares,
                organisation_id=event.organisation_id,
            )
        case ProjectApproved():
            return replace(project, status="approved", resolution=event.resolution)
        case ProjectCancelled():
            return replace(project, status="cancelled", reason=event.reason)
        case WorksFinished():
            return replace(project, status="finished")
        case ProjectAccepted():
            judged = tuple(replace(one, passed=event.criteria[one.code]) for one in project.criteria)
            return replace(project, status="accepted", criteria=judged, unsolved_issue_ids=event.unsolved_issue_ids)


def _ledger(project: Project, event: LedgerFact) -> Project:
    match event:
        case EntriesBooked(kind="receipt"):
            return _received(project, event.entries, event.person_id, 1)
        case EntriesBooked(kind="reversal"):
            project = _received(project, event.entries, event.person_id, -1)
            return replace(project, former=project.former.without(event.document_id))
        case EntriesBooked():
            return _dropped(_paid(project, event.entries, event.person_id), event.document_id)
        case PaymentOpened():
            return replace(project, open_payments=(*project.open_payments, event.payment_id))
        case PaymentDropped():
            return _dropped(project, event.payment_id)
        case StatementListed():
            day = event.as_of[:10]
            return replace(project, statements=project.statements + 1, disclosed=(project.changes, day))
        case SignerDesignated():
            return replace(project, signer=event.person_id, signers=with_one(project.signers, event.person_id))
        case SurplusReturned():
            return replace(
                project,
                status="closed",
                accounts=books.post(project.accounts, event.entries),
                cashiers=with_one(project.cashiers, event.cashier),
            )


def _received(project: Project, entries: tuple[books.Entry, ...], accountant: str, count: int) -> Project:
    return replace(
        project,
        accounts=books.post(project.accounts, entries),
        receipts=project.receipts + count,
        accountants=with_one(project.accountants, accountant),
    )


def _paid(project: Project, entries: tuple[books.Entry, ...], cashier: str) -> Project:
    return replace(
        project,
        accounts=books.post(project.accounts, entries),
        payments=project.payments + 1,
        cashiers=with_one(project.cashiers, cashier),
    )


def _dropped(project: Project, payment_id: str) -> Project:
    still = tuple(one for one in project.open_payments if one != payment_id)
    return replace(project, open_payments=still, former=project.former.without(payment_id))


def _formerly(project: Project, event: FormerFact) -> Project:
    former = project.former
    match event:
        case ReceiptRecorded():
            project = _received(project, event.entries, event.accountant, 1)
            return replace(project, former=former.received(event))
        case ReceiptReversed():
            project = _received(project, event.entries, event.accountant, -1)
            return replace(project, former=former.received(event))
        case PayerErased():
            return replace(project, former=former.received(event))
        case StatementDisclosed():
            listed = (project.changes, event.as_of[:10])
            return replace(project, statements=project.statements + 1, disclosed=listed, former=former.told(event))
        case StatementPosted():
            return replace(project, former=former.told(event))
        case PaymentRequested():
            project = replace(project, open_payments=(*project.open_payments, event.payment_id))
        case PaymentSigned():
            signers = with_one(project.signers, event.person_id)
            project = replace(project, signer=event.person_id, signers=signers)
        case PaymentMade():
            project = _dropped(_paid(project, event.entries, event.cashier), event.payment_id)
        case PaymentWithdrawn():
            project = _dropped(project, event.payment_id)
    return replace(project, former=former.paid(event))


def open_for_money(project: Project) -> None:
    """Raise `IllegalStateError` unless money may come in and go out."""
    if project.status not in OPEN:
        template = (
            _("the project is {status}; approve it first")
            if project.status == "proposed"
            else _("the project is {status}; its books take nothing more")
        )
        raise IllegalStateError(template, status=term("project status", project.status))


def nothing_pending(project: Project) -> None:
    """Raise `IllegalStateError` while a payment is neither paid nor withdrawn."""
    if project.open_payments:
        pending = ", ".join(sorted(project.open_payments))
        raise IllegalStateError(_("payments are pending, pay or withdraw them first: {pending}"), pending=pending)


def of_project(thing: Receipt | Payment | Statement, project: Project, what: str) -> None:
    """Raise `NotFoundError` when a thing belongs to another project."""
    if thing.project_id != project.id:
        raise NotFoundError(
            _("project {project} has no {thing} {id}"),
            {"project_id": said(_("unknown"))},
            project=project.id,
            thing=term("thing", what),
            id=thing.id,
        )


#: Streams `project-<project id>`.
PROJECT: Decider[Project] = Decider(
    "project",
    Codec(
        (
            *(*get_args(WorksFact), *get_args(LedgerFact)),
            *(*RECEIPT_FACTS, *PAYMENT_FACTS, *STATEMENT_FACTS),
        ),
        UPCASTERS,
    ),
    Project,
    lambda id: Project(id=id),
    evolve,
    lambda project: project.place,
    fold=2,
)
