"""Who may not be whom: duties are kept apart on persons, not on posts or accounts (D31, D34, D35, X14).

In a project's whole history: accountant and cashier are never one person; the signer is neither. For one payment, over
all its versions: signer, reviewers and applicants are all different persons; the reviews that count come from different
bodies, persons and organisations. One person signs for a project at a time.
"""

from __future__ import annotations

from collections.abc import Iterable

from services.funding.documents import Payment
from services.funding.project import Project
from shared.domain.errors import ForbiddenError
from shared.domain.mandate import Mandate
from shared.domain.words import Said, _, said, term


def person(by: Mandate) -> str:
    """The person behind a mandate; raises `ForbiddenError` for a machine, since it cannot answer for money."""
    if not by.actor or by.role in ("service", "operator"):
        raise ForbiddenError(_("only a person with a post may do this, since somebody must answer for the money"))
    return by.actor


def _apart(template: str, who: str, others: Iterable[str], duty: str, held: str) -> None:
    if who in others:
        raise ForbiddenError(
            template,
            {"person_id": said(_("has another duty here"))},
            person=who,
            duty=term("duty", duty),
            held=term("duty", held),
        )


def _in_project(who: str, others: Iterable[str], duty: str, held: str) -> None:
    template = _(
        "{person} cannot be {duty}, having been {held} of the project: these duties are held by different persons"
    )
    _apart(template, who, others, duty, held)


def _in_payment(who: str, others: Iterable[str], duty: str, held: str) -> None:
    template = _(
        "{person} cannot be {duty}, having been {held} of this payment: these duties are held by different persons"
    )
    _apart(template, who, others, duty, held)


def _why(*parts: tuple[Iterable[str], str, str], who: str) -> Said | None:
    try:
        for others, duty, held in parts:
            _in_payment(who, others, duty, held)
    except ForbiddenError as error:
        return error.said
    return None


def never_asks(payment: Payment, by: Mandate) -> Said | None:
    """Why somebody may not ask for this payment again, as far as it says itself; None when nothing is against it."""
    return _why((payment.signers, "applicant", "signer"), (payment.reviewers, "applicant", "reviewer"), who=by.actor)


def never_reviews(payment: Payment, by: Mandate) -> Said | None:
    """Why somebody may not review this payment, as far as it says itself; None when nothing is against it."""
    return _why((payment.applicants, "reviewer", "applicant"), (payment.signers, "reviewer", "signer"), who=by.actor)


def never_signs(payment: Payment, by: Mandate) -> Said | None:
    """Why somebody may not sign this payment, as far as it says itself; None when nothing is against it."""
    return _why((payment.applicants, "signer", "applicant"), (payment.reviewers, "signer", "reviewer"), who=by.actor)


def accountant(project: Project, by: Mandate) -> str:
    """The person who records receipts; raises `ForbiddenError` for one who paid money out or signs."""
    who = person(by)
    _in_project(who, project.cashiers, "accountant", "cashier")
    _in_project(who, project.signers, "accountant", "signer")
    return who


def cashier(project: Project, by: Mandate) -> str:
    """The person who pays money out; raises `ForbiddenError` for one who recorded receipts or signs."""
    who = person(by)
    _in_project(who, project.accountants, "cashier", "accountant")
    _in_project(who, project.signers, "cashier", "signer")
    return who


def possible_signer(project: Project, who: str) -> str:
    """A person who may become the project's signer; raises `ForbiddenError` for its accountants and cashiers."""
    _in_project(who, project.accountants, "signer", "accountant")
    _in_project(who, project.cashiers, "signer", "cashier")
    return who


def signer(project: Project, payment: Payment, by: Mandate) -> str:
    """The one person who signs this payment; raises `ForbiddenError` for anybody who had another part in it."""
    who = possible_signer(project, person(by))
    if project.signer not in ("", who):
        raise ForbiddenError(
            _("{signer} signs for this project; designate {person} as its signer first"),
            {"person_id": said(_("is not the project's signer"))},
            signer=project.signer,
            person=who,
        )
    _in_payment(who, payment.applicants, "signer", "applicant")
    _in_payment(who, payment.reviewers, "signer", "reviewer")
    return who


def applicant(project: Project, payment: Payment, by: Mandate) -> str:
    """The person who asks for a payment; raises `ForbiddenError` for one who signs or reviewed it."""
    who = person(by)
    _in_project(who, (project.signer,), "applicant", "signer")
    _in_payment(who, payment.signers, "applicant", "signer")
    _in_payment(who, payment.reviewers, "applicant", "reviewer")
    return who


def reviewer(project: Project, payment: Payment, body: str, by: Mandate) -> str:
    """The person who reviews for a body; raises `ForbiddenError` for one with another part in it."""
    who = person(by)
    if not by.organisation_id:
        raise ForbiddenError(_("a review is given for an organisation; act from a post of it"))
    _in_payment(who, payment.applicants, "reviewer", "applicant")
    _in_payment(who, payment.signers, "reviewer", "signer")
    _in_project(who, (project.signer,), "reviewer", "signer")
    for other, review in payment.approvals.items():
        if other != body and by.organisation_id == review.organisation_id:
            raise ForbiddenError(
                _("{organisation} already reviewed as {body}; the bodies must be different organisations"),
                {"organisation_id": said(_("has reviewed already"))},
                organisation=by.organisation_id,
                body=term("review_bodies", other),
            )
        if other != body and who == review.person_id:
            raise ForbiddenError(
                _("{person} already reviewed as {body}; the bodies review by different persons"),
                {"person_id": said(_("has reviewed already"))},
                person=who,
                body=term("review_bodies", other),
            )
    return who
