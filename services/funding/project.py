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
    RECEIPT_FACTS,
    STATEMENT_FACTS,
    UPCASTERS,
    BudgetRaised,
    EntriesBooked,
    Item,
    PayerErased,
    PaymentDropped,
    PaymentOpened,
    ProjectAccepted,
    ProjectApproved,
    ProjectCancelled,
    ProjectProposed,
    ProjectRelocated,
    ReceiptRecorded,
    ReceiptReversed,
    ReviewerNamed,
    SignerDesignated,
    StatementDisclosed,
    StatementListed,
    StatementOverdue,
    StatementPosted,
    SurplusReturned,
    WorksFinished,
)
from services.funding.former import Former
from services.funding.payment_facts import (
    PAYMENT_FACTS,
    PaymentAmended,
    PaymentMade,
    PaymentRequested,
    PaymentReviewed,
    PaymentSigned,
    PaymentWithdrawn,
)
from shared.domain.decider import Decider
from shared.domain.errors import IllegalStateError, NotFoundError
from shared.domain.event import Codec, taken
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
    asked: dict[str, int] = {}  # what each of them asks for
    receipts: int = 0  # that count
    payments: int = 0  # made
    statements: int = 0
    accountants: tuple[str, ...] = ()  # all persons who ever recorded receipts
    cashiers: tuple[str, ...] = ()  # all persons who ever paid money out
    signer: str = ""  # the one who signs now
    signers: tuple[str, ...] = ()  # all persons who ever were that
    approvers: tuple[str, ...] = ()  # all persons who approved the project or a raise of its budget
    applicants: tuple[str, ...] = ()  # all persons who ever asked for a payment
    reviewers: dict[str, str] = {}  # all persons who ever reviewed a payment, and for which body
    examiner: str = ""  # who accepted the works
    missed: int = 0  # periods that passed without a statement
    overdue: str = ""  # last day of the one that passed last, until there is a statement
    changes: int = 0  # facts that a statement would tell
    disclosed: tuple[int, str] = (-1, "")  # changes told by the last statement, and its day
    former: Former = Former()

    @property
    def committed_fen(self) -> int:
        """What is paid and what open payments ask for: bound within the budget."""
        return sum(self.spent.values()) + sum(self.asked.values())

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
LedgerFact = (
    EntriesBooked
    | PaymentOpened
    | PaymentDropped
    | ReviewerNamed
    | StatementListed
    | StatementOverdue
    | SurplusReturned
    | SignerDesignated
)
WorksFact = (
    ProjectProposed
    | ProjectRelocated
    | ProjectApproved
    | BudgetRaised
    | ProjectCancelled
    | WorksFinished
    | ProjectAccepted
)
#: What no statement tells.
UNTOLD = (
    ProjectRelocated,
    StatementListed,
    StatementOverdue,
    StatementDisclosed,
    StatementPosted,
    PayerErased,
    ReviewerNamed,
)


def evolve(project: Project, event: WorksFact | LedgerFact | FormerFact) -> Project:
    """Apply a recorded fact. Never refuses: it has already happened."""
    changed = not isinstance(event, UNTOLD)
    project = replace(project, version=project.version + 1, changes=project.changes + changed)
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
                **taken(
                    event,
                    Project,
                    status="proposed",
                    criteria=tuple(Criterion(code=one.code, zh=one.zh, en=one.en) for one in event.criteria),
                ),
            )
        case ProjectRelocated():
            return replace(project, place=event.place)
        case ProjectApproved():
            approvers = with_one(project.approvers, event.person_id)
            return replace(project, status="approved", resolution=event.resolution, approvers=approvers)
        case BudgetRaised():
            approvers = with_one(project.approvers, event.person_id)
            return replace(project, budget_fen=event.budget_fen, shares=event.shares, approvers=approvers)
        case ProjectCancelled():
            return replace(project, status="cancelled", reason=event.reason)
        case WorksFinished():
            return replace(project, status="finished")
        case ProjectAccepted():
            judged = tuple(replace(one, passed=event.criteria[one.code]) for one in project.criteria)
            unsolved = event.unsolved_issue_ids
            project = replace(project, status="accepted", criteria=judged, unsolved_issue_ids=unsolved)
            return replace(project, examiner=event.person_id)


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
            return _asked(project, event.payment_id, event.amount_fen, event.applicant)
        case PaymentDropped():
            return _dropped(project, event.payment_id)
        case ReviewerNamed():
            return _reviewed(project, event.person_id, event.body)
        case StatementListed():
            return _disclosed(project, event.as_of[:10])
        case StatementOverdue():
            return replace(project, missed=project.missed + 1, overdue=event.due)
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


def _asked(project: Project, payment_id: str, amount_fen: int, applicant: str) -> Project:
    return replace(
        project,
        open_payments=with_one(project.open_payments, payment_id),
        asked=project.asked | {payment_id: amount_fen},
        applicants=with_one(project.applicants, applicant) if applicant else project.applicants,
    )


def _dropped(project: Project, payment_id: str) -> Project:
    still = tuple(one for one in project.open_payments if one != payment_id)
    asked = {id: fen for id, fen in project.asked.items() if id != payment_id}
    return replace(project, open_payments=still, asked=asked, former=project.former.without(payment_id))


def _reviewed(project: Project, person_id: str, body: str) -> Project:
    return replace(project, reviewers={person_id: body} | project.reviewers)


def _disclosed(project: Project, day: str) -> Project:
    return replace(project, statements=project.statements + 1, disclosed=(project.changes, day), overdue="")


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
            return replace(_disclosed(project, event.as_of[:10]), former=former.told(event))
        case StatementPosted():
            return replace(project, former=former.told(event))
        case PaymentRequested() | PaymentAmended():
            project = _asked(project, event.payment_id, event.amount_fen, event.applicant)
        case PaymentReviewed():
            project = _reviewed(project, event.person_id, event.body)
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


def within_budget(project: Project, payment_id: str, amount_fen: int) -> None:
    """Raise `IllegalStateError` when a payment, with all that is paid or asked for besides, is more than the budget (X06)."""
    others = project.committed_fen - project.asked.get(payment_id, 0)
    if others + amount_fen > project.budget_fen:
        raise IllegalStateError(
            _(
                "{amount} fen are beyond the budget of {budget} fen, of which {bound} fen are paid or asked for; "
                "raise the budget first"
            ),
            {"amount_fen": said(_("beyond the budget"))},
            amount=amount_fen,
            budget=project.budget_fen,
            bound=others,
        )


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
    fold=3,
    marks=(StatementOverdue,),
)
