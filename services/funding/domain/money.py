"""Decisions on money outside payments: receipts, surplus, disclosure (C22, D25, D31, D32, D37). Amounts are fen."""

from __future__ import annotations

from services.funding.domain import books, duties
from services.funding.domain.project import Project, Receipt
from services.funding.domain.works import known, nothing_pending, open_for_money
from services.funding.events import (
    SOURCES,
    PayerErased,
    ReceiptRecorded,
    ReceiptReversed,
    StatementDisclosed,
    StatementPosted,
    SurplusReturned,
)
from shared.domain.errors import IllegalStateError, NotFoundError
from shared.domain.event import Event
from shared.domain.mandate import Mandate

#: Most that one project may receive, in fen: sums stay exact for every reader of the log.
MOST_FEN = 10**15


def _receipt(project: Project, receipt_id: str) -> Receipt:
    receipt = project.receipts.get(receipt_id)
    if receipt is None:
        raise NotFoundError(f"project {project.id} has no receipt {receipt_id}")
    return receipt


def record_receipt(
    project: Project,
    *,
    by: Mandate,
    at: str,
    receipt_id: str,
    source: str,
    payer: str,
    amount_fen: int,
    payer_kind: str = "organisation",
    voucher: str = "",
) -> list[Event]:
    """Book money that came in whole from exactly one source; a voucher number counts once."""
    known(project)
    by.require("money.receive", project.place)
    open_for_money(project)
    if source not in SOURCES:
        raise IllegalStateError(f"{source} is no source of money; known: {', '.join(SOURCES)}")
    if receipt_id in project.receipts:
        return []
    if voucher and any(receipt.voucher == voucher and not receipt.reversed for receipt in project.receipts.values()):
        raise IllegalStateError(f"voucher {voucher} is already in the books of project {project.id}")
    if sum(project.received.values()) + amount_fen > MOST_FEN:
        raise IllegalStateError(f"a project cannot receive more than {MOST_FEN} fen; is the amount in fen?")
    return [
        ReceiptRecorded(
            project_id=project.id,
            receipt_id=receipt_id,
            source=source,
            payer=payer,
            payer_kind=payer_kind,
            voucher=voucher,
            amount_fen=amount_fen,
            accountant=duties.accountant(project, by),
            entries=books.receipt(source, amount_fen),
        )
    ]


def reverse_receipt(project: Project, *, by: Mandate, at: str, receipt_id: str, reason: str) -> list[Event]:
    """Take a wrongly recorded receipt out of the books, as long as its source still holds the money."""
    known(project)
    by.require("money.receive", project.place)
    receipt = _receipt(project, receipt_id)
    if receipt.reversed:
        return []
    if project.status == "closed":
        raise IllegalStateError(f"project {project.id} is closed; its books take nothing more")
    if (held := project.held[receipt.source]) < receipt.amount_fen:
        raise IllegalStateError(f"{receipt.source} holds only {held} of {receipt.amount_fen} fen: the rest is spent")
    return [
        ReceiptReversed(
            project_id=project.id,
            receipt_id=receipt_id,
            source=receipt.source,
            amount_fen=receipt.amount_fen,
            reason=reason,
            accountant=duties.accountant(project, by),
            entries=books.reversal(receipt.source, receipt.amount_fen),
        )
    ]


def erase_payer(project: Project, *, by: Mandate, at: str, receipt_id: str) -> list[Event]:
    """Record that the name of a paying person can no longer be read; the money stays in the books."""
    known(project)
    by.require("money.receive", project.place)
    receipt = _receipt(project, receipt_id)
    if receipt.payer_kind != "person":
        raise IllegalStateError(f"the payer of receipt {receipt_id} is an organisation; only persons are erased")
    return [] if receipt.erased else [PayerErased(project_id=project.id, receipt_id=receipt_id, person_id=by.actor)]


def return_surplus(project: Project, *, by: Mandate, at: str) -> list[Event]:
    """Return to each source exactly what it still holds, and close the books; the cashier pays it out (C22)."""
    known(project)
    by.require("money.return", project.place)
    if project.status == "closed":
        return []
    if project.status not in ("accepted", "cancelled"):
        raise IllegalStateError(
            f"project {project.id} is {project.status}; accept or cancel it before returning surplus"
        )
    nothing_pending(project)
    returned = project.held
    if not sum(returned.values()):
        raise IllegalStateError(f"project {project.id} holds nothing that could be returned")
    return [
        SurplusReturned(
            project_id=project.id,
            returned=returned,
            cashier=duties.cashier(project, by),
            entries=books.surplus(returned),
        )
    ]


def disclose(project: Project, *, by: Mandate, at: str, statement_id: str) -> list[Event]:
    """Publish income and spending by source as the books give them now (D25); once a day while nothing changes."""
    known(project)
    by.require("statement.disclose", project.place)
    if project.status == "proposed":
        raise IllegalStateError(f"project {project.id} is not approved yet; it has no books to disclose")
    if statement_id in project.statements or project.disclosed == (project.changes, at[:10]):
        return []
    return [
        StatementDisclosed(
            project_id=project.id,
            statement_id=statement_id,
            number=len(project.statements) + 1,
            title=project.title,
            title_en=project.title_en,
            as_of=at,
            as_of_version=project.version,
            budget_fen=project.budget_fen,
            income=project.received,
            spending=project.spent,
            returned=project.returned,
            held=project.held,
            receipts=sum(not receipt.reversed for receipt in project.receipts.values()),
            payments=sum(payment.status == "paid" for payment in project.payments.values()),
            person_id=by.actor,
        )
    ]


def post_statement(
    project: Project, *, by: Mandate, at: str, statement_id: str, channel: str, spot: str = "", posted_on: str = ""
) -> list[Event]:
    """Record where and on which day (default: today) a statement was put up for residents (D37)."""
    known(project)
    by.require("statement.disclose", project.place)
    if statement_id not in project.statements:
        raise NotFoundError(f"project {project.id} has no statement {statement_id}")
    if f"{channel}/{spot}" in project.statements[statement_id]:
        return []
    posted_on = posted_on or at[:10]
    if posted_on > at[:10]:
        raise IllegalStateError(f"the statement cannot have been posted on {posted_on}, which is yet to come")
    return [
        StatementPosted(
            project_id=project.id,
            statement_id=statement_id,
            channel=channel,
            spot=spot,
            posted_on=posted_on,
            person_id=by.actor,
        )
    ]
