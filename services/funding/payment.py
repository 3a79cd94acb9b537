"""Decisions on payments: request, joint review, one signature, cashier (D31, D34, D35, X06). Amounts are fen.

A payment is made only after all bodies approved and one person signed the same amount of the same version.
"""

from __future__ import annotations

from typing import Annotated

from services.funding import books, duties
from services.funding.documents import PAYMENT, Payment
from services.funding.facts import (
    PERSON,
    EntriesBooked,
    PayeeErased,
    PaymentAmended,
    PaymentDropped,
    PaymentMade,
    PaymentOpened,
    PaymentRequested,
    PaymentReviewed,
    PaymentSigned,
    PaymentWithdrawn,
    SignerDesignated,
)
from services.funding.project import PROJECT, Project, of_project, open_for_money
from services.funding.receipt import PAYER_KIND
from services.funding.works import NAME, REASON
from shared.domain.city import City
from shared.domain.command import MADE, On, Opener, holds, on
from shared.domain.errors import BadInputError, IllegalStateError
from shared.domain.event import Event
from shared.domain.fields import FEN, choice, code_of, id_of, number
from shared.domain.mandate import Mandate
from shared.domain.words import _, said, term

VERSION = number(1, 10**6)
#: Statuses in which a request may still change.
OPEN = ("requested", "rejected", "signed")
_FINAL = _("the payment is {status}; nothing about it can change")


@PAYMENT.command("payment.request", new=MADE, place="project")
def request_payment(
    payment: Payment,
    *,
    by: Mandate,
    at: str,
    project_id: Annotated[str, id_of("project"), "project that pays"],
    payee: Annotated[str, NAME, "who is to be paid; the name of a person is stored sealed"],
    purpose: Annotated[str, REASON, "what for"],
    amount_fen: Annotated[int, FEN, "amount in fen"],
    project: Annotated[Project, holds(PROJECT, "project_id")],
    payee_kind: Annotated[str, PAYER_KIND, "whether an organisation or a person is paid"] = "organisation",
) -> list[Event | On]:
    """Ask that a bill be paid; it is not paid before the money is there."""
    if payment.status != "unknown":
        return []
    open_for_money(project)
    requested = PaymentRequested(
        project_id=project.id,
        payment_id=payment.id,
        place=project.place,
        title=project.title,
        title_en=project.title_en,
        payee=payee,
        payee_kind=payee_kind,
        purpose=purpose,
        amount_fen=amount_fen,
        version=1,
        applicant=duties.applicant(project, payment, by),
    )
    return [requested, on(PROJECT, project.id, PaymentOpened(project_id=project.id, payment_id=payment.id))]


@PAYMENT.command("payment.amend", when=OPEN, otherwise=_FINAL)
def amend_payment(
    payment: Payment,
    *,
    by: Mandate,
    at: str,
    opened: Opener,
    project_id: Annotated[str, id_of("project"), "project that pays"],
    project: Annotated[Project, holds(PROJECT, "project_id")],
    payee: Annotated[str | None, NAME, "who is to be paid; empty: unchanged"] = None,
    payee_kind: Annotated[str | None, PAYER_KIND, "organisation or person, given together with the payee"] = None,
    purpose: Annotated[str | None, REASON, "what for; empty: unchanged"] = None,
    amount_fen: Annotated[int | None, FEN, "amount in fen; empty: unchanged"] = None,
) -> list[Event]:
    """Change or withdraw a request for payment.

    What is changed, or asked again after a rejection, is a new version, without reviews and signature (D34).
    """
    of_project(payment, project, "payment")
    if payee is None and payee_kind is not None:
        raise BadInputError(
            _("name the payee together with the kind"), {"payee_kind": said(_("name the payee together with the kind"))}
        )
    before = (opened(payment.payee) or "") if payment.payee_kind == PERSON else payment.payee
    asked = (
        (before, payment.payee_kind) if payee is None else (payee, payee_kind or "organisation"),
        payment.purpose if purpose is None else purpose,
        payment.amount_fen if amount_fen is None else amount_fen,
    )
    unchanged = asked == ((before, payment.payee_kind), payment.purpose, payment.amount_fen)
    if unchanged and payment.status != "rejected":
        return []
    return [
        PaymentAmended(
            project_id=project.id,
            payment_id=payment.id,
            payee=asked[0][0],
            payee_kind=asked[0][1],
            purpose=asked[1],
            amount_fen=asked[2],
            version=payment.version + 1,
            applicant=duties.applicant(project, payment, by),
        )
    ]


@PAYMENT.command("payment.amend", when=OPEN, again=("withdrawn",), otherwise=_FINAL)
def withdraw_payment(
    payment: Payment,
    *,
    by: Mandate,
    at: str,
    project_id: Annotated[str, id_of("project"), "project that pays"],
    reason: Annotated[str, REASON, "why"],
    project: Annotated[Project, holds(PROJECT, "project_id")],
) -> list[Event | On]:
    """Take a request for payment back; it can no longer be paid."""
    of_project(payment, project, "payment")
    if payment.status == "withdrawn":
        return []
    withdrawn = PaymentWithdrawn(project_id=project.id, payment_id=payment.id, reason=reason, person_id=by.actor)
    return [withdrawn, on(PROJECT, project.id, PaymentDropped(project_id=project.id, payment_id=payment.id))]


@PAYMENT.command(
    "payment.review.{body}",
    when=("requested",),
    otherwise=_("the payment is {status}; only a request is reviewed: amend it to have it reviewed again"),
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
) -> list[Event]:
    """Review payments for a body: approve or reject the version and amount that was read (D34)."""
    of_project(payment, project, "payment")
    city.code("review_bodies", body, "body")
    _same(payment, version, amount_fen)
    who = duties.reviewer(project, payment, body, by)
    if verdict == "approved" and (given := payment.approvals.get(body)):
        if given.person_id == who:
            return []
        raise IllegalStateError(
            _("{person} already approved for {body}"), person=given.person_id, body=term("review_bodies", body)
        )
    if verdict == "rejected" and not reason:
        raise IllegalStateError(
            _("a rejection needs a reason, so that the applicant knows what to amend"),
            {"reason": said(_("is missing"))},
        )
    return [
        PaymentReviewed(
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
    ]


def _same(payment: Payment, version: int, amount_fen: int) -> None:
    if (payment.version, payment.amount_fen) != (version, amount_fen):
        raise IllegalStateError(
            _(
                "the payment is now version {version} over {amount} fen, not version {read} over {read_amount} fen; read it again"
            ),
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
    if not (bodies := city.entries("review_bodies")):
        raise IllegalStateError(_("the city lists no bodies that review payments; adopt an entry for each first"))
    if missing := [body for body in bodies if body not in payment.approvals]:
        raise IllegalStateError(_("the payment still needs the approval of: {missing}"), missing=", ".join(missing))
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
    if payment.amount_fen > (held := sum(project.held.values())):
        raise IllegalStateError(
            _("the project holds {held} fen and cannot pay {amount} fen; money must come in first"),
            held=held,
            amount=payment.amount_fen,
        )
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


@PAYMENT.command("money.receive", when=("paid", "withdrawn"), erases=lambda payment: f"payee:{payment.id}")
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
