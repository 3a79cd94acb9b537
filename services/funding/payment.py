"""Decisions on payments: request, joint review, one signature, cashier (D31, D34, D35, X06). Amounts are fen.

A payment is made only after all bodies approved and one person signed the same amount of the same version. A bill of a payee is
asked for once; what looks like a payment that was asked for already is held until somebody says why it is none.
"""

from __future__ import annotations

from typing import Annotated

from services.funding import books, duties, offering
from services.funding.documents import PAYMENT, Payment
from services.funding.facts import EntriesBooked, ReviewerNamed, SignerDesignated
from services.funding.payment_facts import PERSON, PayeeErased, PaymentMade, PaymentReviewed, PaymentSigned
from services.funding.project import PROJECT, Project, of_project, open_for_money, within_budget
from services.funding.works import REASON
from shared.domain.city import City
from shared.domain.command import On, on
from shared.domain.errors import IllegalStateError
from shared.domain.event import Event
from shared.domain.fields import FEN, choice, code_of, id_of, line, number
from shared.domain.mandate import Mandate
from shared.domain.signature import holds
from shared.domain.words import _, said, term

VERSION = number(1, 10**6)
NUMBER = line(64)
#: Statuses in which a request may still change.
OPEN = ("held", "requested", "rejected", "signed")
FINAL = _("the payment is {status}; nothing about it can change")


@PAYMENT.command(
    "payment.review.{body}",
    when=("requested",),
    otherwise=_(
        "the payment is {status}; a rejected one is reviewed after it was amended, a held one after it was explained why it is no repeat"
    ),
    only=duties.never_reviews,
    unless=offering.reviews,
    offers={"body": "bodies_for_payment"},
    late=0,
)
def review_payment(
    payment: Payment,
    *,
    by: Mandate,
    at: str,
    city: City,
    project_id: Annotated[str, id_of("project"), "project that pays"],
    body: Annotated[str, code_of("review_bodies"), "body that reviews"],
    verdict: Annotated[str, choice("approved", "rejected"), "what it says"],
    version: Annotated[int, VERSION, "version of the payment that was read"],
    amount_fen: Annotated[int, FEN, "amount that was read, in fen"],
    project: Annotated[Project, holds(PROJECT, "project_id")],
    reason: Annotated[str, REASON, "why; needed for a rejection"] = "",
) -> list[Event | On]:
    """Review payments for a body: approve or reject the version and amount that was read (D34)."""
    of_project(payment, project, "payment")
    _same(payment, version, amount_fen)
    who = duties.reviewer(project, payment, body, by, city)
    if verdict == "approved" and (given := payment.approvals.get(body)):
        if given.person_id == who:
            return []
        raise IllegalStateError(
            _("{person} already approved for {body}"),
            {"body": said(_("has reviewed already"))},
            person=given.person_id,
            body=term("review_bodies", body),
        )
    if verdict == "rejected" and not reason:
        raise IllegalStateError(
            _("a rejection needs a reason, so that the applicant knows what to amend"),
            {"reason": said(_("is missing"))},
        )
    reviewed = PaymentReviewed(
        project_id=project.id,
        payment_id=payment.id,
        body=body,
        organisation_id=by.organisation_id,
        person_id=who,
        amount_fen=amount_fen,
        version=version,
        verdict=verdict,
        reason=reason,
    )
    if who in project.reviewers:
        return [reviewed]
    return [reviewed, on(PROJECT, project.id, ReviewerNamed(project_id=project.id, body=body, person_id=who))]


def _same(payment: Payment, version: int, amount_fen: int) -> None:
    if (payment.version, payment.amount_fen) != (version, amount_fen):
        raise IllegalStateError(
            _(
                "the payment is now version {version} over {amount} fen, not version {read} over {read_amount} fen; read it again"
            ),
            {"version": said(_("has changed"))},
            version=payment.version,
            amount=payment.amount_fen,
            read=version,
            read_amount=amount_fen,
        )


@PAYMENT.command(
    "payment.sign",
    when=("requested",),
    again=("signed",),
    otherwise=_("the payment is {status}; only a request that all bodies approved is signed"),
    only=duties.never_signs,
    unless=offering.signs,
    late=0,
)
def sign_payment(
    payment: Payment,
    *,
    by: Mandate,
    at: str,
    city: City,
    project_id: Annotated[str, id_of("project"), "project that pays"],
    version: Annotated[int, VERSION, "version of the payment that was read"],
    amount_fen: Annotated[int, FEN, "amount that was read, in fen"],
    project: Annotated[Project, holds(PROJECT, "project_id")],
) -> list[Event | On]:
    """Sign payments after the reviews of all bodies (D35).

    The first signature makes its person the project's signer.
    """
    of_project(payment, project, "payment")
    _same(payment, version, amount_fen)
    if payment.status == "signed":
        return []
    duties.all_approved(payment, city)
    who = duties.signer(project, payment, by)
    signed = PaymentSigned(
        project_id=project.id, payment_id=payment.id, person_id=who, amount_fen=amount_fen, version=version
    )
    if project.signer == who:
        return [signed]
    return [signed, on(PROJECT, project.id, SignerDesignated(project_id=project.id, person_id=who))]


@PAYMENT.command(
    "payment.pay",
    when=("signed",),
    again=("paid",),
    otherwise=_("the payment is {status}; the approvals of all bodies and the signature come first"),
    unless=offering.pays,
    late=0,
)
def make_payment(
    payment: Payment,
    *,
    by: Mandate,
    at: str,
    project_id: Annotated[str, id_of("project"), "project that pays"],
    project: Annotated[Project, holds(PROJECT, "project_id")],
) -> list[Event | On]:
    """Pay signed payments, as cashier, from the sources in proportion to what each still holds (C22, D31)."""
    of_project(payment, project, "payment")
    if payment.status == "paid":
        return []
    open_for_money(project)
    cashier = duties.cashier(project, by)
    within_budget(project, payment.id, payment.amount_fen)
    duties.can_pay(project, payment)
    drawn = books.draw(payment.amount_fen, project.held)
    entries = books.payment(drawn)
    made = PaymentMade(
        project_id=project.id,
        payment_id=payment.id,
        cashier=cashier,
        amount_fen=payment.amount_fen,
        version=payment.version,
        drawn=drawn,
        entries=entries,
    )
    booked = EntriesBooked(
        project_id=project.id, kind="payment", document_id=payment.id, person_id=cashier, entries=entries
    )
    return [made, on(PROJECT, project.id, booked)]


@PAYMENT.command(
    "money.receive",
    when=("paid", "withdrawn"),
    erases=lambda payment: f"payee:{payment.id}",
    unless=offering.erases_payee,
    late=0,
)
def erase_payee(
    payment: Payment,
    *,
    by: Mandate,
    at: str,
    project_id: Annotated[str, id_of("project"), "project that paid"],
    project: Annotated[Project, holds(PROJECT, "project_id")],
) -> list[Event]:
    """Make the name of a paid person unreadable for good; the payment stays in the books (X09)."""
    of_project(payment, project, "payment")
    if payment.payee_kind != PERSON:
        raise IllegalStateError(_("the payee of the payment is an organisation; only persons are erased"))
    if not payment.payee:
        return []
    return [PayeeErased(project_id=project.id, payment_id=payment.id, person_id=by.actor)]
