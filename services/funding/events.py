"""Facts of projects and their money; every amount is integer fen.

Class and field names are the storage format: rename nothing, upcast instead.
"""

from __future__ import annotations

from typing import get_args

import msgspec

from shared.domain.event import Codec, Event, Upcaster
from shared.following.parking import PARKING_EVENTS

#: Where money comes from: a partition, each fen has exactly one source (C22, X03).
SOURCES = ("government", "society", "residents")
#: The three bodies that review a payment together (D34).
BODIES = ("branch", "committee", "board")


class Item(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A named item of a list that the city words itself: a criterion of acceptance (C23), a kind of works (C21)."""

    code: str
    zh: str
    en: str


class Entry(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One line of a journal entry: exactly one of the two amounts is not 0. Accounts: `domain/books.py`."""

    account: str
    debit_fen: int = 0
    credit_fen: int = 0


class ProjectProposed(Event, frozen=True, kw_only=True):
    """Works were proposed to solve residents' issues, with a budget shared by three sources (C19, C21, C22, C37)."""

    project_id: str
    title: str
    title_en: str
    place: str
    programme: str  # code of the renovation programme it belongs to, or ""
    works: tuple[Item, ...]
    issue_ids: tuple[str, ...]
    budget_fen: int
    shares: dict[str, int]  # source to fen; sums to the budget
    criteria: tuple[Item, ...]
    organisation_id: str
    person_id: str


class ProjectApproved(Event, frozen=True, kw_only=True):
    """The project may collect and spend money."""

    project_id: str
    resolution: str  # the resolution of the residents it rests on, or ""
    organisation_id: str
    person_id: str


class ProjectCancelled(Event, frozen=True, kw_only=True):
    """The project will not be carried out; what it still holds goes back to its sources."""

    project_id: str
    reason: str
    person_id: str


class SignerDesignated(Event, frozen=True, kw_only=True):
    """This person is from now on the one who signs the project's payments (D35)."""

    project_id: str
    person_id: str


class ReceiptRecorded(Event, frozen=True, kw_only=True):
    """Money came in whole from one source (C22, D32)."""

    project_id: str
    receipt_id: str
    source: str
    payer: str  # name of an organisation; sealed name of a person
    payer_kind: str  # organisation, person
    voucher: str  # number of the paper, or ""
    amount_fen: int
    accountant: str
    entries: tuple[Entry, ...]


class ReceiptReversed(Event, frozen=True, kw_only=True):
    """A receipt was recorded wrongly; opposite entries take it out of the books, nothing is struck through."""

    project_id: str
    receipt_id: str
    source: str
    amount_fen: int
    reason: str
    accountant: str
    entries: tuple[Entry, ...]


class PayerErased(Event, frozen=True, kw_only=True):
    """The key to the name of a paying person was destroyed; the money stays in the books (X09)."""

    project_id: str
    receipt_id: str
    person_id: str


class PaymentRequested(Event, frozen=True, kw_only=True):
    """Somebody asks that a bill of the project be paid."""

    project_id: str
    payment_id: str
    title: str  # of the project, for lists of payments
    title_en: str
    payee: str  # name of an organisation; sealed name of a person
    payee_kind: str  # organisation, person
    purpose: str
    amount_fen: int
    version: int
    applicant: str


class PaymentAmended(Event, frozen=True, kw_only=True):
    """The request says something else now: reviews and signature of earlier versions are void (D34)."""

    project_id: str
    payment_id: str
    payee: str
    payee_kind: str
    purpose: str
    amount_fen: int
    version: int
    applicant: str


class PaymentReviewed(Event, frozen=True, kw_only=True):
    """One of the three bodies judged one amount of one version; a rejection voids the reviews of the others (D34)."""

    project_id: str
    payment_id: str
    body: str
    organisation_id: str
    person_id: str
    amount_fen: int
    version: int
    verdict: str  # approved, rejected
    reason: str


class PaymentSigned(Event, frozen=True, kw_only=True):
    """The one signer signed what all three bodies approved (D35)."""

    project_id: str
    payment_id: str
    person_id: str
    amount_fen: int
    version: int


class PaymentMade(Event, frozen=True, kw_only=True):
    """The cashier paid; `drawn` says how much of it each source gave (C22, D31, D32)."""

    project_id: str
    payment_id: str
    cashier: str
    amount_fen: int
    version: int
    drawn: dict[str, int]
    entries: tuple[Entry, ...]


class PaymentWithdrawn(Event, frozen=True, kw_only=True):
    """The request was taken back and will not be paid."""

    project_id: str
    payment_id: str
    reason: str
    person_id: str


class WorksFinished(Event, frozen=True, kw_only=True):
    """The works are done and wait for acceptance."""

    project_id: str
    person_id: str


class ProjectAccepted(Event, frozen=True, kw_only=True):
    """All criteria passed (C23); `issue_ids` were each checked and found solved, the others stay open (C37)."""

    project_id: str
    issue_ids: tuple[str, ...]
    unsolved_issue_ids: tuple[str, ...]
    criteria: dict[str, bool]
    organisation_id: str
    person_id: str


class SurplusReturned(Event, frozen=True, kw_only=True):
    """What was not spent went back to the sources, to each what it still held; the books are closed (C22)."""

    project_id: str
    returned: dict[str, int]
    cashier: str
    entries: tuple[Entry, ...]


class StatementDisclosed(Event, frozen=True, kw_only=True):
    """Income and spending by source were made public, as of `as_of_version` facts of the project (D25, D37)."""

    project_id: str
    statement_id: str
    number: int  # 1 for the project's first statement
    title: str
    title_en: str
    as_of: str  # RFC 3339
    as_of_version: int
    budget_fen: int
    income: dict[str, int]
    spending: dict[str, int]
    returned: dict[str, int]
    held: dict[str, int]
    receipts: int
    payments: int
    person_id: str


class StatementPosted(Event, frozen=True, kw_only=True):
    """A statement was put up where residents see it: on their telephones or on the notice board (D37)."""

    project_id: str
    statement_id: str
    channel: str  # portal, notice_board, message
    spot: str  # which board or group, or ""
    posted_on: str  # ISO date
    person_id: str


ProjectEvent = (
    ProjectProposed
    | ProjectApproved
    | ProjectCancelled
    | SignerDesignated
    | ReceiptRecorded
    | ReceiptReversed
    | PayerErased
    | PaymentRequested
    | PaymentAmended
    | PaymentReviewed
    | PaymentSigned
    | PaymentMade
    | PaymentWithdrawn
    | WorksFinished
    | ProjectAccepted
    | SurplusReturned
    | StatementDisclosed
    | StatementPosted
)
EVENTS: tuple[type[Event], ...] = get_args(ProjectEvent)
UPCASTERS: dict[tuple[str, int], Upcaster] = {}
CODEC = Codec((*EVENTS, *PARKING_EVENTS), UPCASTERS)
