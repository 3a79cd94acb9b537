"""Facts and people that the specs of this folder share."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from msgspec.structs import replace

from services.funding import books
from services.funding.facts import (
    BudgetRaised,
    EntriesBooked,
    Item,
    PaymentDropped,
    PaymentOpened,
    ProjectAccepted,
    ProjectApproved,
    ProjectProposed,
    ReceiptRecorded,
    ReceiptReversed,
    ReviewerNamed,
    SignerDesignated,
    StatementDisclosed,
    StatementListed,
    VoucherReleased,
    VoucherUsed,
    WorksFinished,
)
from services.funding.payment_facts import (
    PaymentAmended,
    PaymentMade,
    PaymentRequested,
    PaymentReviewed,
    PaymentSigned,
    PaymentWithdrawn,
)
from services.funding.voucher import voucher_id
from shared.domain.event import Event
from shared.domain.mandate import Mandate

PLACE = "350104.013.002"


def who(person: str, *powers: str, organisation: str = "", place: str = PLACE) -> Mandate:
    """A person with powers at a place; without an organisation, one of their own."""
    return Mandate(
        actor=person,
        role="post",
        organisation_id=organisation or f"o-{person}",
        post_id=f"post-{person}",
        place=place,
        powers=frozenset(powers),
    )


ACCOUNTANT = who("accountant", "money.receive")
CASHIER = who("cashier", "payment.pay", "money.return")
APPLICANT = who("applicant", "payment.request", "payment.amend")
SIGNER = who("signer", "payment.sign")
REVIEWERS = {body: who(body, f"payment.review.{body}") for body in ("branch", "committee", "board")}
SECRETARY = who("secretary", "project.*", "statement.disclose")
EXAMINER = who("examiner", "project.accept")


def organisation(id: str, type: str) -> tuple[str, dict[str, Any]]:
    """The fact that an organisation was established."""
    named = {"organisation_id": id, "type": type, "name": f"名 {id}", "name_en": id, "level": "compound"}
    return "OrganisationEstablished", named | {"place": PLACE, "parent_id": "", "since": "2025-01-01"}


#: Organisations and their types: those that review, each in two.
TYPES = {
    **dict.fromkeys(("o-branch", "o-branch2"), "party"),
    **dict.fromkeys(("o-committee", "o-committee2", "o-board", "o-board2"), "council"),
}

proposed = ProjectProposed(
    project_id="p1",
    title="楼道与路灯改造",
    title_en="Stairways and street lamps",
    place=PLACE,
    programme="renovation-2024",
    works=(Item(code="stairways", zh="楼道墙面扶手出新", en="stairway walls and handrails"),),
    issue_ids=("i1", "i2"),
    budget_fen=1000,
    shares={"government": 500, "society": 300, "residents": 200},
    criteria=(Item(code="road", zh="路平", en="level road"), Item(code="lamp", zh="灯明", en="bright lamps")),
    organisation_id="o-secretary",
    person_id="secretary",
)
approved = ProjectApproved(project_id="p1", resolution="", organisation_id="o-secretary", person_id="secretary")
raised = BudgetRaised(
    project_id="p1",
    budget_fen=1500,
    shares={"government": 1000, "society": 300, "residents": 200},
    reason="地下管线需改道",
    resolution="",
    organisation_id="o-secretary",
    person_id="secretary",
)
finished = WorksFinished(project_id="p1", person_id="secretary")
accepted = ProjectAccepted(
    project_id="p1",
    issue_ids=("i1",),
    unsolved_issue_ids=("i2",),
    criteria={"road": True, "lamp": True},
    organisation_id="o-examiner",
    person_id="examiner",
)


def received(source: str, fen: int, receipt_id: str = "", **more: Any) -> ReceiptRecorded:
    """A receipt that the accountant recorded."""
    fields = {"payer": "街道办事处", "payer_kind": "organisation", "voucher": "", "accountant": "accountant"} | more
    return ReceiptRecorded(
        project_id="p1",
        receipt_id=receipt_id or f"r-{source}",
        place=PLACE,
        source=source,
        amount_fen=fen,
        entries=books.receipt(source, fen),
        **fields,
    )


def requested(fen: int = 100, payment_id: str = "pay1", **more: str) -> PaymentRequested:
    """The first version of a payment."""
    fields = {"payee": "安明电力公司", "bill": "", "contract": "", "applicant": "applicant"} | more
    return PaymentRequested(
        project_id="p1",
        payment_id=payment_id,
        place=PLACE,
        title=proposed.title,
        title_en=proposed.title_en,
        payee_kind="organisation",
        purpose="路灯 12 盏",
        amount_fen=fen,
        version=1,
        **fields,
    )


def reviewed(body: str, fen: int = 100, version: int = 1, payment_id: str = "pay1", **more: str) -> PaymentReviewed:
    """A review by the person of that body."""
    fields: dict[str, Any] = {
        "person_id": body,
        "organisation_id": f"o-{body}",
        "verdict": "approved",
        "reason": "",
    } | more
    return PaymentReviewed(project_id="p1", payment_id=payment_id, body=body, amount_fen=fen, version=version, **fields)


def signed(fen: int = 100, version: int = 1, payment_id: str = "pay1") -> PaymentSigned:
    """A signature by the signer."""
    return PaymentSigned(project_id="p1", payment_id=payment_id, person_id="signer", amount_fen=fen, version=version)


def paid(drawn: dict[str, int], payment_id: str = "pay1", version: int = 1) -> PaymentMade:
    """A payment that the cashier made."""
    return PaymentMade(
        project_id="p1",
        payment_id=payment_id,
        cashier="cashier",
        amount_fen=sum(drawn.values()),
        version=version,
        drawn=drawn,
        entries=books.payment(drawn),
    )


THREE_REVIEWS = tuple(reviewed(body) for body in ("branch", "committee", "board"))
READY = (proposed, approved, received("government", 300), received("residents", 100))
SIGNED = (*READY, requested(), *THREE_REVIEWS, signed())
PAID = (*SIGNED, paid({"government": 75, "society": 0, "residents": 25}))


Placed = tuple[str, Event]


def in_the_project(history: Iterable[Event]) -> list[Placed]:
    """Facts as they lay before receipts, payments and statements had streams of their own, each with its stream."""
    return [("project-p1", replace(event, place="") if _has_own_place(event) else event) for event in history]


def _has_own_place(event: Event) -> bool:
    return isinstance(event, ReceiptRecorded | PaymentRequested | StatementDisclosed)


def in_own_streams(history: Iterable[Event], before: Iterable[Event] = ()) -> list[Placed]:
    """The same facts as they lie today, with what the project's ledger and the vouchers are told in the same commit."""
    placed: list[Placed] = []
    known = list(before)
    for event in history:
        placed += [(stream_of(event), event), *_told(event, known)]
        known.append(event)
    return placed


def stream_of(event: Event) -> str:
    """The stream that a fact lies in today."""
    for kind in ("receipt", "payment", "statement"):
        if (id := getattr(event, f"{kind}_id", "")) and not isinstance(
            event, PaymentOpened | PaymentDropped | StatementListed
        ):
            return f"{kind}-{id}"
    return "project-p1"


def _told(event: Event, known: list[Event]) -> list[Placed]:
    told: list[Placed] = []

    def booked(kind: str, document_id: str, person: str, entries: tuple[books.Entry, ...]) -> None:
        fact = EntriesBooked(project_id="p1", kind=kind, document_id=document_id, person_id=person, entries=entries)
        told.append(("project-p1", fact))

    match event:
        case ReceiptRecorded():
            booked("receipt", event.receipt_id, event.accountant, event.entries)
            if paper := voucher_id("p1", event.voucher):
                used = VoucherUsed(project_id="p1", place=PLACE, voucher=event.voucher, receipt_id=event.receipt_id)
                told.append((f"voucher-{paper}", used))
        case ReceiptReversed():
            booked("reversal", event.receipt_id, event.accountant, event.entries)
            (receipt,) = (
                one for one in known if isinstance(one, ReceiptRecorded) and one.receipt_id == event.receipt_id
            )
            if paper := voucher_id("p1", receipt.voucher):
                told.append((f"voucher-{paper}", VoucherReleased(project_id="p1", receipt_id=event.receipt_id)))
        case PaymentRequested() | PaymentAmended():
            opened = PaymentOpened(
                project_id="p1",
                payment_id=event.payment_id,
                amount_fen=event.amount_fen,
                applicant=event.applicant,
            )
            told.append(("project-p1", opened))
        case PaymentReviewed():
            if all(event.person_id != one.person_id for one in known if isinstance(one, PaymentReviewed)):
                named = ReviewerNamed(project_id="p1", body=event.body, person_id=event.person_id)
                told.append(("project-p1", named))
        case PaymentSigned():
            signers = [one.person_id for one in known if isinstance(one, PaymentSigned | SignerDesignated)]
            if signers[-1:] != [event.person_id]:
                told.append(("project-p1", SignerDesignated(project_id="p1", person_id=event.person_id)))
        case PaymentMade():
            booked("payment", event.payment_id, event.cashier, event.entries)
        case PaymentWithdrawn():
            told.append(("project-p1", PaymentDropped(project_id="p1", payment_id=event.payment_id)))
        case StatementDisclosed():
            listed = StatementListed(
                project_id="p1", statement_id=event.statement_id, number=event.number, as_of=event.as_of
            )
            told.append(("project-p1", listed))
    return told
