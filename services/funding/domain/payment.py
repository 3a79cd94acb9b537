"""Decisions on payments: request, joint review, one signature, cashier (D31, D34, D35, X06). Amounts are fen.

A payment is made only after three bodies approved and one person signed the same amount of the same version.
"""

from __future__ import annotations

from services.funding.domain import books, duties
from services.funding.domain.project import Payment, Project
from services.funding.domain.works import known, open_for_money
from services.funding.events import (
    BODIES,
    PaymentAmended,
    PaymentMade,
    PaymentRequested,
    PaymentReviewed,
    PaymentSigned,
    PaymentWithdrawn,
)
from shared.domain.errors import IllegalStateError, NotFoundError
from shared.domain.event import Event
from shared.domain.mandate import Mandate


def _payment(project: Project, payment_id: str) -> Payment:
    payment = project.payments.get(payment_id)
    if payment is None:
        raise NotFoundError(f"project {project.id} has no payment {payment_id}")
    return payment


def _not_final(payment: Payment, payment_id: str) -> None:
    if payment.status in ("paid", "withdrawn"):
        raise IllegalStateError(f"payment {payment_id} is {payment.status}; nothing about it can change")


def _same(payment: Payment, version: int, amount_fen: int) -> None:
    if (payment.version, payment.amount_fen) != (version, amount_fen):
        raise IllegalStateError(
            f"the payment is now version {payment.version} over {payment.amount_fen} fen, "
            f"not version {version} over {amount_fen} fen; read it again"
        )


def request_payment(
    project: Project,
    *,
    by: Mandate,
    at: str,
    payment_id: str,
    payee: str,
    purpose: str,
    amount_fen: int,
    payee_kind: str = "organisation",
) -> list[Event]:
    """Ask that a bill be paid. It may be more than what has come in yet; it is not paid before the money is there."""
    known(project)
    by.require("payment.request", project.place)
    open_for_money(project)
    if payment_id in project.payments:
        return []
    return [
        PaymentRequested(
            project_id=project.id,
            payment_id=payment_id,
            title=project.title,
            title_en=project.title_en,
            payee=payee,
            payee_kind=payee_kind,
            purpose=purpose,
            amount_fen=amount_fen,
            version=1,
            applicant=duties.applicant(project, None, by),
        )
    ]


def amend_payment(
    project: Project,
    *,
    by: Mandate,
    at: str,
    payment_id: str,
    payee: str | None = None,
    payee_kind: str | None = None,
    purpose: str | None = None,
    amount_fen: int | None = None,
) -> list[Event]:
    """Change what is asked for, or ask again after a rejection: a new version, without reviews and signature."""
    known(project)
    by.require("payment.amend", project.place)
    payment = _payment(project, payment_id)
    _not_final(payment, payment_id)
    asked = (
        payment.payee if payee is None else payee,
        payment.payee_kind if payee_kind is None else payee_kind,
        payment.purpose if purpose is None else purpose,
        payment.amount_fen if amount_fen is None else amount_fen,
    )
    if payment.status != "rejected" and asked == (
        payment.payee,
        payment.payee_kind,
        payment.purpose,
        payment.amount_fen,
    ):
        return []
    return [
        PaymentAmended(
            project_id=project.id,
            payment_id=payment_id,
            payee=asked[0],
            payee_kind=asked[1],
            purpose=asked[2],
            amount_fen=asked[3],
            version=payment.version + 1,
            applicant=duties.applicant(project, payment, by),
        )
    ]


def withdraw_payment(project: Project, *, by: Mandate, at: str, payment_id: str, reason: str) -> list[Event]:
    """Take a request back; it can no longer be paid."""
    known(project)
    by.require("payment.amend", project.place)
    payment = _payment(project, payment_id)
    if payment.status == "withdrawn":
        return []
    _not_final(payment, payment_id)
    return [PaymentWithdrawn(project_id=project.id, payment_id=payment_id, reason=reason, person_id=by.actor)]


def review_payment(
    project: Project,
    *,
    by: Mandate,
    at: str,
    payment_id: str,
    body: str,
    verdict: str,
    version: int,
    amount_fen: int,
    reason: str = "",
) -> list[Event]:
    """Approve or reject, for one of the three bodies, the version and amount that was read (D34)."""
    known(project)
    if body not in BODIES:
        raise IllegalStateError(f"{body} is no reviewing body; known: {', '.join(BODIES)}")
    by.require(f"payment.review.{body}", project.place)
    payment = _payment(project, payment_id)
    _not_final(payment, payment_id)
    _same(payment, version, amount_fen)
    if payment.status != "requested":
        unblock = "amend it to have it reviewed again"
        raise IllegalStateError(f"payment {payment_id} is {payment.status}; {unblock}")
    who = duties.reviewer(project, payment, body, by)
    if verdict == "approved" and (given := payment.reviews.get(body)):
        if given.person_id == who:
            return []
        raise IllegalStateError(f"{given.person_id} already approved for the {body}")
    if verdict != "approved" and not reason:
        raise IllegalStateError("a rejection needs a reason, so that the applicant knows what to amend")
    return [
        PaymentReviewed(
            project_id=project.id,
            payment_id=payment_id,
            body=body,
            organisation_id=by.organisation_id,
            person_id=who,
            amount_fen=amount_fen,
            version=version,
            verdict=verdict,
            reason=reason,
        )
    ]


def sign_payment(
    project: Project, *, by: Mandate, at: str, payment_id: str, version: int, amount_fen: int
) -> list[Event]:
    """Sign what all three bodies approved (D35); the first signature makes its person the project's signer."""
    known(project)
    by.require("payment.sign", project.place)
    payment = _payment(project, payment_id)
    _not_final(payment, payment_id)
    _same(payment, version, amount_fen)
    if payment.status == "signed":
        return []
    if missing := [body for body in BODIES if body not in payment.reviews]:
        raise IllegalStateError(f"payment {payment_id} still needs the approval of: {', '.join(missing)}")
    who = duties.signer(project, payment, by)
    return [
        PaymentSigned(
            project_id=project.id, payment_id=payment_id, person_id=who, amount_fen=amount_fen, version=version
        )
    ]


def make_payment(project: Project, *, by: Mandate, at: str, payment_id: str) -> list[Event]:
    """Pay what was signed, from the three sources in proportion to what each still holds (C22, D31)."""
    known(project)
    by.require("payment.pay", project.place)
    open_for_money(project)
    payment = _payment(project, payment_id)
    if payment.status == "paid":
        return []
    if payment.status != "signed":
        raise IllegalStateError(
            f"payment {payment_id} is {payment.status}; three approvals and the signature come first"
        )
    who = duties.cashier(project, by)
    held = sum(project.held.values())
    if payment.amount_fen > held:
        raise IllegalStateError(
            f"the project holds {held} fen and cannot pay {payment.amount_fen} fen; money must come in first"
        )
    drawn = books.draw(payment.amount_fen, project.held)
    return [
        PaymentMade(
            project_id=project.id,
            payment_id=payment_id,
            cashier=who,
            amount_fen=payment.amount_fen,
            version=payment.version,
            drawn=drawn,
            entries=books.payment(drawn),
        )
    ]
