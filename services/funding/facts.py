"""Facts of projects and their money; every amount is integer fen. Class and field names are the storage format.

They stand in one file because what lies in the streams of receipts, payments and statements today lay in that of their project before
(decision 10).
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from services.funding.books import Entry
from services.funding.payment_facts import PERSON
from shared.domain.event import Event, Upcaster, sealed
from shared.domain.fields import CODE, line
from shared.domain.privacy import PUBLIC, staff, told

#: Names of persons are sealed, those of organisations are not.
PAYER = sealed(lambda fact: f"payer:{fact.receipt_id}", when=lambda fact: bool(fact.payer_kind == PERSON))


class Item(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A named item of a list that the city words itself: a criterion of acceptance (C23), a kind of works (C21)."""

    code: Annotated[str, CODE, "code, unique in its list"]
    zh: Annotated[str, line(100), "Chinese text"]
    en: Annotated[str, line(200), "English text"]


class Posting(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Where and when a statement was put up."""

    channel: str
    spot: str  # which board or group, or ""
    posted_on: str  # ISO date


# The course of a project.
class ProjectProposed(Event, frozen=True, kw_only=True):
    """Works were proposed to solve residents' issues, with a budget shared by three sources (C19, C21, C22, C37)."""

    project_id: str
    title: Annotated[str, told()]
    title_en: Annotated[str, told()]
    place: str
    programme: str  # code of the renovation programme it belongs to, or ""
    works: Annotated[tuple[Item, ...], PUBLIC]
    issue_ids: tuple[str, ...]
    budget_fen: int
    shares: dict[str, int]  # source to fen; sums to the budget
    criteria: Annotated[tuple[Item, ...], PUBLIC]
    organisation_id: str
    person_id: Annotated[str, staff("money.read")]


class ProjectRelocated(Event, frozen=True, kw_only=True):
    """The place of a project whose books are open has ended; it goes on at the place that came after it."""

    project_id: str
    place: str


class ProjectApproved(Event, frozen=True, kw_only=True):
    """The project may collect and spend money."""

    project_id: str
    resolution: Annotated[str, told()]  # the resolution of the residents it rests on, or ""
    organisation_id: str
    person_id: Annotated[str, staff("money.read")]


class BudgetRaised(Event, frozen=True, kw_only=True):
    """The project may collect and spend more than before; `shares` are those of the whole new budget."""

    project_id: str
    budget_fen: int
    shares: dict[str, int]
    reason: Annotated[str, told()]
    resolution: Annotated[str, told()]  # the resolution of the residents it rests on, or ""
    organisation_id: str
    person_id: Annotated[str, staff("money.read")]


class ProjectCancelled(Event, frozen=True, kw_only=True):
    """The project will not be carried out; what it still holds goes back to its sources."""

    project_id: str
    reason: Annotated[str, told()]
    person_id: Annotated[str, staff("money.read")]


class SignerDesignated(Event, frozen=True, kw_only=True):
    """This person is from now on the one who signs the project's payments, by name or by the first signature (D35)."""

    project_id: str
    person_id: Annotated[str, staff("money.read")]


class WorksFinished(Event, frozen=True, kw_only=True):
    """The works are done and wait for acceptance."""

    project_id: str
    person_id: Annotated[str, staff("money.read")]


class ProjectAccepted(Event, frozen=True, kw_only=True):
    """All criteria passed (C23); `issue_ids` were each checked and found solved, the others stay open (C37)."""

    project_id: str
    issue_ids: tuple[str, ...]
    unsolved_issue_ids: tuple[str, ...]
    criteria: dict[str, bool]
    organisation_id: str
    person_id: Annotated[str, staff("money.read")]


class SurplusReturned(Event, frozen=True, kw_only=True):
    """What was not spent went back to the sources, to each what it still held; the books are closed (C22)."""

    project_id: str
    returned: dict[str, int]
    cashier: Annotated[str, staff("money.read")]
    entries: Annotated[tuple[Entry, ...], PUBLIC]


# The project's ledger: what receipts, payments and statements did to it.
class EntriesBooked(Event, frozen=True, kw_only=True):
    """A receipt, its reversal or a payment moved the accounts of the project (D32)."""

    project_id: str
    kind: str  # receipt, reversal, payment
    document_id: str  # of the receipt or payment
    person_id: Annotated[str, staff("money.read")]  # the accountant; for a payment the cashier
    entries: Annotated[tuple[Entry, ...], PUBLIC]


class PaymentOpened(Event, frozen=True, kw_only=True):
    """A payment was asked for, or its request worded anew: until it is paid or withdrawn its amount is bound (X06).

    Of one that was opened before this was told, `amount_fen` is 0 and `applicant` "".
    """

    schema = 2

    project_id: str
    payment_id: str
    amount_fen: int
    applicant: Annotated[str, staff("money.read")]


class PaymentDropped(Event, frozen=True, kw_only=True):
    """A payment was withdrawn: nothing of it is open any more."""

    project_id: str
    payment_id: str


class ReviewerNamed(Event, frozen=True, kw_only=True):
    """This person reviewed a payment of the project for a body: in this project they never do for another (D06, X14)."""

    project_id: str
    body: str
    person_id: Annotated[str, staff("money.read")]


class StatementOverdue(Event, frozen=True, kw_only=True):
    """A period passed without the statement that it owed: `due` was its last day (D25)."""

    project_id: str
    due: str  # ISO date


class StatementListed(Event, frozen=True, kw_only=True):
    """A statement told what the ledger holds."""

    project_id: str
    statement_id: str
    number: int
    as_of: str  # RFC 3339


# Receipts and vouchers.
class ReceiptRecorded(Event, frozen=True, kw_only=True):
    """Money came in whole from one source (C22, D32)."""

    schema = 2

    project_id: str
    receipt_id: str
    place: str
    source: str
    payer: Annotated[str, PAYER]
    payer_kind: str  # organisation, person
    voucher: Annotated[str, PUBLIC]  # number of the paper, or ""
    amount_fen: int
    accountant: Annotated[str, staff("money.read")]
    entries: Annotated[tuple[Entry, ...], PUBLIC]


class ReceiptReversed(Event, frozen=True, kw_only=True):
    """A receipt was recorded wrongly; opposite entries take it out of the books, nothing is struck through."""

    project_id: str
    receipt_id: str
    source: str
    amount_fen: int
    reason: Annotated[str, told()]
    accountant: Annotated[str, staff("money.read")]
    entries: Annotated[tuple[Entry, ...], PUBLIC]


class PayerErased(Event, frozen=True, kw_only=True):
    """The key to the name of a paying person was destroyed; the money stays in the books (X09)."""

    project_id: str
    receipt_id: str
    person_id: Annotated[str, staff("money.read")]


class ReceiptCarried(Event, frozen=True, kw_only=True):
    """What the project's stream said about a receipt, before the first fact in a stream of its own."""

    project_id: str
    receipt_id: str
    status: str
    place: str
    source: str
    payer: Annotated[str, staff("money.read")]  # as it lay there: sealed for a person
    payer_kind: str
    voucher: Annotated[str, PUBLIC]
    amount_fen: int
    accountant: Annotated[str, staff("money.read")]
    reason: Annotated[str, told()]
    erased: bool


class VoucherUsed(Event, frozen=True, kw_only=True):
    """A receipt was recorded on this voucher of the project."""

    project_id: str
    place: str
    voucher: Annotated[str, PUBLIC]  # as it stands on the paper
    receipt_id: str


class VoucherReleased(Event, frozen=True, kw_only=True):
    """The receipt on this voucher was reversed; another may be recorded on it."""

    project_id: str
    receipt_id: str


# Statements.
class StatementDisclosed(Event, frozen=True, kw_only=True):
    """Income and spending by source were made public, as of `as_of_version` facts of the project (D25, D37)."""

    schema = 2

    project_id: str
    statement_id: str
    place: str
    number: int  # 1 for the project's first statement
    title: Annotated[str, told()]
    title_en: Annotated[str, told()]
    as_of: str  # RFC 3339
    as_of_version: int
    budget_fen: int
    income: dict[str, int]
    spending: dict[str, int]
    returned: dict[str, int]
    held: dict[str, int]
    receipts: int
    payments: int
    person_id: Annotated[str, staff("money.read")]


class StatementPosted(Event, frozen=True, kw_only=True):
    """A statement was put up where residents see it: on their telephones or on the notice board (D37)."""

    project_id: str
    statement_id: str
    channel: str  # portal, notice_board, message
    spot: Annotated[str, told()]  # which board or group, or ""
    posted_on: str  # ISO date
    person_id: Annotated[str, staff("money.read")]


class StatementCarried(Event, frozen=True, kw_only=True):
    """Where the project's stream said that a statement was posted, before the first fact in a stream of its own."""

    project_id: str
    statement_id: str
    place: str
    postings: Annotated[tuple[Posting, ...], PUBLIC]


def _without_place(data: dict[str, Any]) -> dict[str, Any]:
    return data | {"place": ""}  # it lay in the project's stream, whose place it has


def _without_bill(data: dict[str, Any]) -> dict[str, Any]:
    return data | {"bill": "", "contract": ""}


def _amount_unknown(data: dict[str, Any]) -> dict[str, Any]:
    return data | {"amount_fen": 0, "applicant": ""}


#: What facts lacked that were written before they said it.
UPCASTERS: dict[tuple[str, int], Upcaster] = {
    ("ReceiptRecorded", 1): _without_place,
    ("PaymentRequested", 1): _without_place,
    ("PaymentRequested", 2): _without_bill,
    ("PaymentAmended", 1): _without_bill,
    ("PaymentOpened", 1): _amount_unknown,
    ("StatementDisclosed", 1): _without_place,
}
RECEIPT_FACTS = (ReceiptRecorded, ReceiptReversed, PayerErased)
STATEMENT_FACTS = (StatementDisclosed, StatementPosted)
ReceiptFact = ReceiptRecorded | ReceiptReversed | PayerErased | ReceiptCarried
StatementFact = StatementDisclosed | StatementPosted | StatementCarried
