"""What nobody is offered because it would be refused whatever they fill in: duties held apart, books that hold too little."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from services.funding import duties
from services.funding.documents import Payment, Receipt
from services.funding.payment_facts import PERSON
from services.funding.project import PROJECT, Project, nothing_pending, open_for_money, within_budget
from shared.domain.city import City
from shared.domain.errors import refusal
from shared.domain.mandate import Mandate
from shared.domain.view import state_of
from shared.domain.words import Said, _, said

Unless = Callable[[Any, Mandate, City], Said | None]


def _project(thing: Payment | Receipt, city: City) -> Project:
    """The project of a thing as rows have it."""
    row = city.rows.get("projects", thing.project_id)
    project: Project = state_of(PROJECT, row) if row else Project(id=thing.project_id)
    return project


def approves(project: Project, by: Mandate, city: City) -> Said | None:
    """Why somebody may not approve the project or a raise of its budget."""
    return refusal(lambda: duties.approver(project, by))


def gives_up(project: Project, by: Mandate, city: City) -> Said | None:
    """Why the project cannot be given up."""
    return refusal(lambda: nothing_pending(project))


def examines(project: Project, by: Mandate, city: City) -> Said | None:
    """Why somebody may not accept the works."""
    return refusal(lambda: duties.examiner(project, by))


def returns(project: Project, by: Mandate, city: City) -> Said | None:
    """Why somebody may not return the surplus now."""
    return refusal(lambda: nothing_pending(project), lambda: duties.cashier(project, by))


def asks(payment: Payment, by: Mandate, city: City) -> Said | None:
    """Why somebody may not ask for the payment again or explain it."""
    return refusal(lambda: duties.applicant(_project(payment, city), payment, by))


def bodies_of(payment: Payment, by: Mandate, city: City) -> list[str]:
    """The bodies that somebody may review the payment for now."""
    project = _project(payment, city)

    def may(body: str) -> bool:
        if body in payment.approvals or not by.may(f"payment.review.{body}", payment.place):
            return False
        return refusal(lambda: duties.reviewer(project, payment, body, by, city)) is None

    return [body for body in city.entries("review_bodies") if may(body)]


def reviews(payment: Payment, by: Mandate, city: City) -> Said | None:
    """Why somebody may not review the payment for any body."""
    return None if bodies_of(payment, by, city) else said(_("there is no body that you may review it for now"))


def signs(payment: Payment, by: Mandate, city: City) -> Said | None:
    """Why somebody may not sign the payment now: bodies have yet to approve it, or another duty stands against it."""
    project = _project(payment, city)
    return refusal(lambda: duties.all_approved(payment, city), lambda: duties.signer(project, payment, by))


def pays(payment: Payment, by: Mandate, city: City) -> Said | None:
    """Why somebody may not pay now: the money is not there, or another duty stands against it."""
    project = _project(payment, city)
    return refusal(
        lambda: open_for_money(project),
        lambda: duties.cashier(project, by),
        lambda: within_budget(project, payment.id, payment.amount_fen),
        lambda: duties.can_pay(project, payment),
    )


def reverses(receipt: Receipt, by: Mandate, city: City) -> Said | None:
    """Why somebody may not take the receipt out of the books now."""
    project = _project(receipt, city)
    return refusal(lambda: duties.can_reverse(project, receipt), lambda: duties.accountant(project, by))


def erases_payer(receipt: Receipt, by: Mandate, city: City) -> Said | None:
    """Why there is no name of a person to erase."""
    return None if receipt.payer_kind == PERSON and not receipt.erased else _NOBODY


def erases_payee(payment: Payment, by: Mandate, city: City) -> Said | None:
    """Why there is no name of a person to erase."""
    return None if payment.payee_kind == PERSON and payment.payee else _NOBODY


_NOBODY = said(_("there is no name of a person to erase"))
