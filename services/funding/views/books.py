"""Receipts, accounts, statements and totals by place."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from services.funding.events import (
    PayerErased,
    PaymentMade,
    ProjectAccepted,
    ProjectProposed,
    ReceiptRecorded,
    ReceiptReversed,
    StatementDisclosed,
    StatementPosted,
    SurplusReturned,
)
from services.funding.views.amounts import counted, money_of
from shared.domain.record import Record
from shared.domain.view import Row

#: The key of the `totals` row of the whole city.
CITY = "*"


def receipts(row: Row, event: Any, record: Record) -> Row:
    """One row per receipt; the payer is an organisation's name or a person's sealed one."""
    match event:
        case ReceiptRecorded():
            return {
                "receipt_id": event.receipt_id,
                "project_id": event.project_id,
                "place": record.place,
                "source": event.source,
                "payer": event.payer,
                "payer_kind": event.payer_kind,
                "voucher": event.voucher,
                "amount_fen": event.amount_fen,
                "accountant": event.accountant,
                "received_on": record.occurred[:10],
                "status": "recorded",
                "reason": "",
            }
        case ReceiptReversed():
            return row | {"status": "reversed", "reason": event.reason}
        case PayerErased():
            return row | {"payer": ""}
    return row


def accounts(row: Row, event: Any, record: Record) -> Row:
    """One row per project: turnover of every account, both sides growing, nothing netted (D32)."""
    turnover = dict(row.get("accounts", {}))
    for entry in event.entries:
        before = turnover.get(entry.account, {"debit_fen": 0, "credit_fen": 0})
        turnover[entry.account] = {
            "debit_fen": before["debit_fen"] + entry.debit_fen,
            "credit_fen": before["credit_fen"] + entry.credit_fen,
        }
    return {"project_id": event.project_id, "place": record.place, "accounts": turnover}


def statements(row: Row, event: Any, record: Record) -> Row:
    """One row per published statement, as it was published, and where it was posted (D25, D37)."""
    match event:
        case StatementDisclosed():
            return {
                "statement_id": event.statement_id,
                "project_id": event.project_id,
                "place": record.place,
                "number": event.number,
                "title": event.title,
                "title_en": event.title_en,
                "as_of": event.as_of,
                "as_of_version": event.as_of_version,
                "position": record.position,
                "disclosed_on": record.occurred[:10],
                "budget_fen": event.budget_fen,
                "income": event.income,
                "spending": event.spending,
                "returned": event.returned,
                "held": event.held,
                "receipts": event.receipts,
                "payments": event.payments,
                "postings": [],
                "posted": 0,
            }
        case StatementPosted():
            posting = {"channel": event.channel, "spot": event.spot, "posted_on": event.posted_on}
            return row | {"postings": [*row["postings"], posting]} | counted(row, posted=1)
    return row


def totals(row: Row, event: Any, record: Record) -> Row:
    """One row per place of the territory tree and one for the city: money of all projects at it and below."""
    row = row | money_of(row, event)
    counts = {"projects": 0, "receipts": 0, "payments": 0, "statements": 0, "issues_solved": 0, "issues_unsolved": 0}
    match event:
        case ProjectProposed():
            counts["projects"] = 1
        case ReceiptRecorded():
            counts["receipts"] = 1
        case ReceiptReversed():
            counts["receipts"] = -1
        case PaymentMade():
            counts["payments"] = 1
        case StatementDisclosed():
            counts["statements"] = 1
        case ProjectAccepted():
            counts["issues_solved"], counts["issues_unsolved"] = len(event.issue_ids), len(event.unsolved_issue_ids)
    return row | counted(row, **counts)


_COUNTED = (
    ProjectProposed, ReceiptRecorded, ReceiptReversed, PaymentMade, SurplusReturned, StatementDisclosed, ProjectAccepted
)  # fmt: skip


def places(event: Any, record: Record) -> Iterable[str] | None:
    """The place itself, all places above it, and the city."""
    if not isinstance(event, _COUNTED):
        return None
    parts = record.place.split(".") if record.place else []
    return (CITY, *(".".join(parts[: depth + 1]) for depth in range(len(parts))))


def books_of(event: Any, record: Record) -> str | None:
    """The project whose accounts the event moves."""
    moves = isinstance(event, ReceiptRecorded | ReceiptReversed | PaymentMade | SurplusReturned)
    return event.project_id if moves else None
