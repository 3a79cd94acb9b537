"""Payments are asked for, changed, explained and withdrawn; a bill is paid once (D18, D34)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Annotated, Any

from services.funding import duties, offering
from services.funding.documents import PAYMENT, Payment
from services.funding.facts import PaymentDropped, PaymentOpened
from services.funding.payment import FINAL, NUMBER, OPEN
from services.funding.payment_facts import (
    PERSON,
    PaymentAmended,
    PaymentHeld,
    PaymentRequested,
    PaymentWithdrawn,
    RepeatExcluded,
)
from services.funding.project import PROJECT, Project, of_project, open_for_money, within_budget
from services.funding.receipt import PAYER_KIND
from services.funding.voucher import normal_form
from services.funding.works import NAME, REASON
from shared.domain.city import City, every
from shared.domain.command import MADE, On, on
from shared.domain.errors import BadInputError, IllegalStateError
from shared.domain.event import Event
from shared.domain.fields import FEN, id_of
from shared.domain.mandate import Mandate
from shared.domain.signature import Opener, holds
from shared.domain.words import _, said, term


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
    "payment.amend", when=OPEN, otherwise=FINAL, only=duties.never_asks, unless=offering.asks, alone=True, late=0
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


@PAYMENT.command("payment.amend", when=OPEN, again=("withdrawn",), otherwise=FINAL, late=0)
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
