"""Who may not be whom: duties are kept apart on persons, not on posts or accounts (D31, D34, D35, X14).

In a project's whole history: accountant and cashier are never one person; the signer is neither. For one payment, over
all its versions: signer, reviewers and applicants are all different persons; the reviews that count come from three
bodies, three persons and three organisations. One person signs for a project at a time.
"""

from __future__ import annotations

from services.funding.domain.project import Payment, Project
from shared.domain.errors import ForbiddenError
from shared.domain.mandate import Mandate


def person(by: Mandate) -> str:
    """The person behind a mandate; raises `ForbiddenError` for a machine, since it cannot answer for money."""
    if not by.actor or by.role in ("service", "operator"):
        raise ForbiddenError("only a person with a post may do this, since somebody must answer for the money")
    return by.actor


def _apart(who: str, others: tuple[str, ...], duty: str, other: str) -> None:
    if who in others:
        raise ForbiddenError(
            f"{who} cannot be {duty} here, having been {other}: these duties must be held by different persons",
            {"person_id": who, "duty": duty, "held": other},
        )


def accountant(project: Project, by: Mandate) -> str:
    """The person who records receipts; raises `ForbiddenError` for one who paid money out or signs."""
    who = person(by)
    _apart(who, project.cashiers, "accountant", "cashier of the project")
    _apart(who, project.signers, "accountant", "signer of the project")
    return who


def cashier(project: Project, by: Mandate) -> str:
    """The person who pays money out; raises `ForbiddenError` for one who recorded receipts or signs."""
    who = person(by)
    _apart(who, project.accountants, "cashier", "accountant of the project")
    _apart(who, project.signers, "cashier", "signer of the project")
    return who


def possible_signer(project: Project, who: str) -> str:
    """A person who may become the project's signer; raises `ForbiddenError` for its accountants and cashiers."""
    _apart(who, project.accountants, "signer", "accountant of the project")
    _apart(who, project.cashiers, "signer", "cashier of the project")
    return who


def signer(project: Project, payment: Payment, by: Mandate) -> str:
    """The one person who signs this payment; raises `ForbiddenError` for anybody who had another part in it."""
    who = possible_signer(project, person(by))
    if project.signer not in ("", who):
        raise ForbiddenError(
            f"{project.signer} signs for this project; designate {who} as its signer first", {"person_id": who}
        )
    _apart(who, payment.applicants, "signer", "applicant for this payment")
    _apart(who, payment.reviewers, "signer", "reviewer of this payment")
    return who


def applicant(project: Project, payment: Payment | None, by: Mandate) -> str:
    """The person who asks for a payment; raises `ForbiddenError` for one who signs or reviewed it."""
    who = person(by)
    _apart(who, (project.signer,), "applicant for this payment", "designated signer of the project")
    if payment is not None:
        _apart(who, payment.signers, "applicant for this payment", "signer of this payment")
        _apart(who, payment.reviewers, "applicant for this payment", "reviewer of this payment")
    return who


def reviewer(project: Project, payment: Payment, body: str, by: Mandate) -> str:
    """The person who reviews for a body; raises `ForbiddenError` for one with another part in it."""
    who = person(by)
    if not by.organisation_id:
        raise ForbiddenError("a review is given for an organisation; act from a post of it")
    _apart(who, payment.applicants, "reviewer of this payment", "applicant for this payment")
    _apart(who, payment.signers, "reviewer of this payment", "signer of this payment")
    _apart(who, (project.signer,), "reviewer of this payment", "designated signer of the project")
    for other, review in payment.reviews.items():
        if other != body and by.organisation_id == review.organisation_id:
            raise ForbiddenError(
                f"{by.organisation_id} already reviewed as {other}; the three bodies must be three organisations",
                {"organisation_id": by.organisation_id, "body": body},
            )
        if other != body:
            _apart(who, (review.person_id,), f"reviewer for the {body}", f"reviewer for the {other}")
    return who
