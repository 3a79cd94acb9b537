"""Who may not be whom: duties are kept apart on persons, not on posts or accounts (D31, D34, D35, X14).

In a project's whole history: accountant and cashier are never one person; the signer is neither; nobody reviews for two
bodies (D06); who approved the project or a raise of its budget neither asks for its payments nor accepts its works. For one
payment, over all its versions: signer, reviewers and applicants are all different persons; the reviews that count come from
different bodies, persons and organisations, each of the type that the city names for the body. One person signs for a project
at a time.
"""

from __future__ import annotations

from collections.abc import Iterable

from services.funding.documents import Payment, Receipt
from services.funding.project import Project
from shared.domain.city import City
from shared.domain.errors import ForbiddenError, IllegalStateError
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


def approver(project: Project, by: Mandate) -> str:
    """The person who approves the project or its budget; raises `ForbiddenError` for who asks for payments or accepted the works."""
    who = person(by)
    _in_project(who, project.applicants, "approver", "applicant")
    _in_project(who, (project.examiner,), "approver", "examiner")
    return who


def examiner(project: Project, by: Mandate) -> str:
    """The person who accepts the works; raises `ForbiddenError` for one who approved the project or its budget."""
    who = person(by)
    _in_project(who, project.approvers, "examiner", "approver")
    return who


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


def all_approved(payment: Payment, city: City) -> None:
    """Raise `IllegalStateError` unless every body that the city lists approved the payment as it is (D34)."""
    if not (bodies := city.entries("review_bodies")):
        raise IllegalStateError(_("the city lists no bodies that review payments; adopt an entry for each first"))
    if missing := [body for body in bodies if body not in payment.approvals]:
        raise IllegalStateError(_("the payment still needs the approval of: {missing}"), missing=", ".join(missing))


def can_pay(project: Project, payment: Payment) -> None:
    """Raise `IllegalStateError` when the project holds less than the payment."""
    if (held := sum(project.held.values())) < payment.amount_fen:
        raise IllegalStateError(
            _("the project holds {held} fen and cannot pay {amount} fen; money must come in first"),
            held=held,
            amount=payment.amount_fen,
        )


def can_reverse(project: Project, receipt: Receipt) -> None:
    """Raise `IllegalStateError` when the books are closed, or the source holds the money of the receipt no longer."""
    if project.status == "closed":
        raise IllegalStateError(
            _("the project is {status}; its books take nothing more"), status=term("project status", project.status)
        )
    if (held := project.held[receipt.source]) < receipt.amount_fen:
        raise IllegalStateError(
            _("{source} holds only {held} of {amount} fen: the rest is spent"),
            source=term("money_sources", receipt.source),
            held=held,
            amount=receipt.amount_fen,
        )


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
    """The person who asks for a payment; raises `ForbiddenError` for one who approved the budget, signs or reviewed it."""
    who = person(by)
    _in_project(who, project.approvers, "applicant", "approver")
    _in_project(who, (project.signer,), "applicant", "signer")
    _in_payment(who, payment.signers, "applicant", "signer")
    _in_payment(who, payment.reviewers, "applicant", "reviewer")
    return who


def _of_type(city: City, body: str, by: Mandate) -> None:
    """Raise `ForbiddenError` for an organisation that is no such body, `IllegalStateError` when the city does not say what is."""
    wanted = city.code("review_bodies", body, "body").data.get("type", "")
    if not wanted:
        raise IllegalStateError(
            _("the city does not say which type of organisation reviews as {body}; adopt an entry that does first"),
            {"body": said(_("has no type"))},
            body=term("review_bodies", body),
        )
    found = city.organisation(by.organisation_id) or {"type": "", "name": by.organisation_id}
    if found["type"] != wanted:
        raise ForbiddenError(
            _("{organisation} is no {type} and cannot review as {body}"),
            {"organisation_id": said(_("is of another type"))},
            organisation=found["name"],
            type=term("organisation_types", wanted),
            body=term("review_bodies", body),
        )


def reviewer(project: Project, payment: Payment, body: str, by: Mandate, city: City) -> str:
    """The person who reviews for a body; raises `ForbiddenError` for one with another part in it, or of another organisation."""
    try:
        return _reviewer(project, payment, body, by, city)
    except (ForbiddenError, IllegalStateError) as error:
        raise type(error)(error.said, {"body": said(_("not for you"))} | error.fields) from None


def _reviewer(project: Project, payment: Payment, body: str, by: Mandate, city: City) -> str:
    who = person(by)
    if not by.organisation_id:
        raise ForbiddenError(_("a review is given for an organisation; act from a post of it"))
    _in_payment(who, payment.applicants, "reviewer", "applicant")
    _in_payment(who, payment.signers, "reviewer", "signer")
    _in_project(who, (project.signer,), "reviewer", "signer")
    if (before := project.reviewers.get(who, body)) != body:
        raise ForbiddenError(
            _("{person} has reviewed as {body} in this project; the bodies are different persons over its whole life"),
            {"person_id": said(_("has reviewed already"))},
            person=who,
            body=term("review_bodies", before),
        )
    for other, review in payment.approvals.items():
        if other != body and by.organisation_id == review.organisation_id:
            raise ForbiddenError(
                _("{organisation} already reviewed as {body}; the bodies must be different organisations"),
                {"organisation_id": said(_("has reviewed already"))},
                organisation=by.organisation_id,
                body=term("review_bodies", other),
            )
        if other != body and who == review.person_id:  # given before the project was told who reviews
            raise ForbiddenError(
                _("{person} already reviewed as {body}; the bodies review by different persons"),
                {"person_id": said(_("has reviewed already"))},
                person=who,
                body=term("review_bodies", other),
            )
    _of_type(city, body, by)
    return who
