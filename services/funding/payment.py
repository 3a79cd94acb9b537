"""Decisions on payments: request, joint review, one signature, cashier (D31, D34, D35, X06). Amounts are fen.

A payment is made only after all bodies approved and one person signed the same amount of the same version. A bill of a payee is
asked for once; what looks like a payment that was asked for already is held until somebody says why it is none.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Annotated, Any

from services.funding import books, duties, offering
from services.funding.documents import PAYMENT, Payment
from services.funding.facts import (
    PERSON,
    EntriesBooked,
    PayeeErased,
    PaymentAmended,
    PaymentDropped,
    PaymentHeld,
    PaymentMade,
    PaymentOpened,
    PaymentRequested,
    PaymentReviewed,
    PaymentSigned,
    PaymentWithdrawn,
    RepeatExcluded,
    ReviewerNamed,
    SignerDesignated,
)
from services.funding.project import PROJECT, Project, of_project, open_for_money, within_budget
from services.funding.receipt import PAYER_KIND
from services.funding.voucher import normal_form
from services.funding.works import NAME, REASON
from shared.domain.city import City, every
from shared.domain.command import MADE, On, on
from shared.domain.errors import BadInputError, IllegalStateError
from shared.domain.event import Event
from shared.domain.fields import FEN, choice, code_of, id_of, line, number
from shared.domain.mandate import Mandate
from shared.domain.signature import Opener, holds
from shared.domain.words import _, said, term

VERSION = number(1, 10**6)
NUMBER = line(64)
#: Statuses in which a request may still change.
OPEN = ("held", "requested", "rejected", "signed")
_FINAL = _("the payment is {status}; nothing about it can change")


def _papers(city: City, bill: str, contract: str) -> None:
    """Raise `BadInputError` for a request without the papers that the city asks for."""
    asked = (("bill", bill, "bills_needed"), ("contract", contract, "contracts_needed"))
    if missing := {
        name: said(_("is missing")) for name, number, needed in asked if not number and city.parameter(needed)
    }:
        raise BadInputError(_("in this city a payment is asked for with the numbers of its bill and contract"), missing)


def _others(city: City, opened: Opener, payment: Payment, payee: str, where: dict[str, Any]) -> Iterable[Any]:
    """Rows of other payments to this payee, in the whole city; those withdrawn and those whose payee was erased are none."""
    for row in every(city.rows, "payments", where):
        named = opened(row["payee"]) if row["payee_kind"] == PERSON else row["payee"]
        if row["key"] != payment.id and row["status"] != "withdrawn" and normal_form(named or "") == normal_form(payee):
            yield row


def _billed_once(city: City, opened: Opener, payment: Payment, payee: str, bill: str) -> None:
    """Raise `IllegalStateError` when the bill of a payee was asked for already, however it is written."""
    where = {"bill_number": normal_form(bill)}
    for row in _others(city, opened, payment, payee, where) if where["bill_number"] else ():
        raise IllegalStateError(
            _("the bill {bill} of this payee is asked for already, by the payment {payment}; it is {status}"),
            {"bill": said(_("is used already"))},
            bill=bill,
            payment=row["key"],
            status=term("payment status", row["status"]),
        )


def _like(city: City, opened: Opener, payment: Payment, payee: str, amount_fen: int, at: str) -> tuple[str, ...]:
    """Ids of payments that this may repeat: the same payee and amount, asked for within the days that the city sets."""
    today, days = date.fromisoformat(at[:10]), timedelta(days=city.parameter("repeat_days"))
    near = {"requested_on__gte": (today - days).isoformat(), "requested_on__lte": (today + days).isoformat()}
    return tuple(row["key"] for row in _others(city, opened, payment, payee, {"amount_fen": amount_fen} | near))


@PAYMENT.command("payment.request", new=MADE, place="project", alone=True, late=0)
def request_payment(
    payment: Payment,
    *,
    by: Mandate,
    at: str,
    city: City,
    opened: Opener,
    project_id: Annotated[str, id_of("project"), "project that pays"],
    payee: Annotated[str, NAME, "who is to be paid; the name of a person is stored sealed"],
    purpose: Annotated[str, REASON, "what for"],
    amount_fen: Annotated[int, FEN, "amount in fen"],
    project: Annotated[Project, holds(PROJECT, "project_id")],
    payee_kind: Annotated[str, PAYER_KIND, "whether an organisation or a person is paid"] = "organisation",
    bill: Annotated[str, NUMBER, "number of the bill; counts once for a payee"] = "",
    contract: Annotated[str, NUMBER, "number of the contract that the bill rests on"] = "",
) -> list[Event | On]:
    """Ask that a bill be paid; it is not paid before the money is there.

    It must fit into the budget with all that is paid and asked for. A likely repeat is held (`explain_payment`).
    """
    if payment.status != "unknown":
        return []
    open_for_money(project)
    within_budget(project, payment.id, amount_fen)
    _papers(city, bill, contract)
    _billed_once(city, opened, payment, payee, bill)
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
        bill=bill,
        contract=contract,
        version=1,
        applicant=duties.applicant(project, payment, by),
    )
    return [*_held(requested, _like(city, opened, payment, payee, amount_fen, at)), _bound(requested)]


def _bound(asked: PaymentRequested | PaymentAmended) -> On:
    opened = PaymentOpened(
        project_id=asked.project_id,
        payment_id=asked.payment_id,
        amount_fen=asked.amount_fen,
        applicant=asked.applicant,
    )
    return on(PROJECT, asked.project_id, opened)


def _held(asked: PaymentRequested | PaymentAmended, like: tuple[str, ...]) -> list[Event]:
    """The request, held when it looks like others."""
    ids = {"project_id": asked.project_id, "payment_id": asked.payment_id}
    return [asked, *([PaymentHeld(**ids, version=asked.version, like=like)] if like else [])]


@PAYMENT.command(
    "payment.amend", when=OPEN, otherwise=_FINAL, only=duties.never_asks, unless=offering.asks, alone=True, late=0
)
def amend_payment(
    payment: Payment,
    *,
    by: Mandate,
    at: str,
    city: City,
    opened: Opener,
    project_id: Annotated[str, id_of("project"), "project that pays"],
    project: Annotated[Project, holds(PROJECT, "project_id")],
    payee: Annotated[str | None, NAME, "who is to be paid; empty: unchanged"] = None,
    payee_kind: Annotated[str | None, PAYER_KIND, "organisation or person, given together with the payee"] = None,
    purpose: Annotated[str | None, REASON, "what for; empty: unchanged"] = None,
    amount_fen: Annotated[int | None, FEN, "amount in fen; empty: unchanged"] = None,
    bill: Annotated[str | None, NUMBER, "number of the bill; empty: unchanged"] = None,
    contract: Annotated[str | None, NUMBER, "number of the contract; empty: unchanged"] = None,
) -> list[Event | On]:
    """Change or withdraw a request for payment.

    What is changed, or asked again after a rejection, is a new version, without reviews and signature (D34).
    """
    of_project(payment, project, "payment")
    if payee is None and payee_kind is not None:
        raise BadInputError(
            _("name the payee together with the kind"), {"payee_kind": said(_("name the payee together with the kind"))}
        )
    payee_before = (opened(payment.payee) or "") if payment.payee_kind == PERSON else payment.payee
    before = {
        "payee": payee_before,
        "payee_kind": payment.payee_kind,
        "purpose": payment.purpose,
        "amount_fen": payment.amount_fen,
        "bill": payment.bill,
        "contract": payment.contract,
    }
    named = {"payee": payee, "payee_kind": payee_kind or ("organisation" if payee is not None else None)}
    changes = named | {"purpose": purpose, "amount_fen": amount_fen, "bill": bill, "contract": contract}
    asked: dict[str, Any] = before | {name: value for name, value in changes.items() if value is not None}
    if asked == before and payment.status != "rejected":
        return []
    within_budget(project, payment.id, asked["amount_fen"])
    _papers(city, asked["bill"], asked["contract"])
    _billed_once(city, opened, payment, asked["payee"], asked["bill"])
    amended = PaymentAmended(
        project_id=project.id,
        payment_id=payment.id,
        **asked,
        version=payment.version + 1,
        applicant=duties.applicant(project, payment, by),
    )
    like = _like(city, opened, payment, asked["payee"], asked["amount_fen"], at)
    return [*_held(amended, like), _bound(amended)]


@PAYMENT.command(
    "payment.amend",
    when=("held",),
    otherwise=_("the payment is {status}; only one that is held as a likely repeat needs an explanation"),
    unless=offering.asks,
    late=0,
)
def explain_payment(
    payment: Payment,
    *,
    by: Mandate,
    at: str,
    project_id: Annotated[str, id_of("project"), "project that pays"],
    reason: Annotated[str, REASON, "why it is no repeat of the payments that it looks like"],
    project: Annotated[Project, holds(PROJECT, "project_id")],
) -> list[Event]:
    """Say why a payment that looks like another is none, so that it can be reviewed."""
    of_project(payment, project, "payment")
    ids = {"project_id": project.id, "payment_id": payment.id}
    who = duties.applicant(project, payment, by)
    return [RepeatExcluded(**ids, version=payment.version, reason=reason, person_id=who)]


@PAYMENT.command("payment.amend", when=OPEN, again=("withdrawn",), otherwise=_FINAL, late=0)
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
