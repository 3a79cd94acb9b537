"""Facts and people that the specs of this folder share."""

from __future__ import annotations

from typing import Any

from services.funding.domain import books
from services.funding.domain.project import PROJECT
from services.funding.events import (
    Item,
    PaymentMade,
    PaymentRequested,
    PaymentReviewed,
    PaymentSigned,
    ProjectAccepted,
    ProjectApproved,
    ProjectProposed,
    ReceiptRecorded,
    WorksFinished,
)
from shared.domain.event import Event
from shared.domain.mandate import Mandate
from tests.kit import Spec, given

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
finished = WorksFinished(project_id="p1", person_id="secretary")
accepted = ProjectAccepted(
    project_id="p1",
    issue_ids=("i1",),
    unsolved_issue_ids=("i2",),
    criteria={"road": True, "lamp": True},
    organisation_id="o-secretary",
    person_id="secretary",
)


def received(source: str, fen: int, receipt_id: str = "", **more: Any) -> ReceiptRecorded:
    """A receipt that the accountant recorded."""
    fields = {"payer": "街道办事处", "payer_kind": "organisation", "voucher": "", "accountant": "accountant"} | more
    return ReceiptRecorded(
        project_id="p1",
        receipt_id=receipt_id or f"r-{source}",
        source=source,
        amount_fen=fen,
        entries=books.receipt(source, fen),
        **fields,
    )


def requested(fen: int = 100, payment_id: str = "pay1") -> PaymentRequested:
    """The first version of a payment."""
    return PaymentRequested(
        project_id="p1",
        payment_id=payment_id,
        title=proposed.title,
        title_en=proposed.title_en,
        payee="安明电力公司",
        payee_kind="organisation",
        purpose="路灯 12 盏",
        amount_fen=fen,
        version=1,
        applicant="applicant",
    )


def reviewed(body: str, fen: int = 100, version: int = 1, payment_id: str = "pay1", **more: str) -> PaymentReviewed:
    """A review by the person of that body."""
    fields = {"person_id": body, "organisation_id": f"o-{body}", "verdict": "approved", "reason": ""} | more
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


def project(*history: Event) -> Spec:
    """A spec on project p1."""
    return given(PROJECT, "p1", *history)
