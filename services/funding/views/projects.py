"""Projects as pages show them."""

from __future__ import annotations

from typing import Any

from services.funding.events import (
    PaymentMade,
    PaymentRequested,
    PaymentSigned,
    PaymentWithdrawn,
    ProjectAccepted,
    ProjectApproved,
    ProjectCancelled,
    ProjectProposed,
    ReceiptRecorded,
    ReceiptReversed,
    SignerDesignated,
    StatementDisclosed,
    SurplusReturned,
    WorksFinished,
)
from services.funding.views.amounts import counted, money_of
from shared.domain.record import Record
from shared.domain.view import Row

#: Sorts behind every day: no statement is owed.
NEVER = "9999-12-31"


def projects(row: Row, event: Any, record: Record) -> Row:
    """One row per project: course, budget by source, money by source, what was accepted and disclosed."""
    day = record.occurred[:10]
    row = row | {"changed_on": day}
    match event:
        case ProjectProposed():
            return (
                row
                | {
                    "project_id": event.project_id,
                    "title": event.title,
                    "title_en": event.title_en,
                    "place": event.place,
                    "programme": event.programme,
                    "works": [{"code": item.code, "zh": item.zh, "en": item.en} for item in event.works],
                    "issue_ids": list(event.issue_ids),
                    "unsolved_issue_ids": [],
                    "budget_fen": event.budget_fen,
                    "shares": event.shares,
                    "criteria": [
                        {"code": item.code, "zh": item.zh, "en": item.en, "passed": None} for item in event.criteria
                    ],
                    "organisation_id": event.organisation_id,
                    "status": "proposed",
                    "proposed_on": day,
                    "approved_on": "",
                    "resolution": "",
                    "finished_on": "",
                    "accepted_on": "",
                    "reason": "",
                    "signer": "",
                    "statements": 0,
                    "disclosed_on": "",
                    "disclose_from": NEVER,
                }
                | money_of(row, event)
                | counted(row, receipts=0, payments=0, pending=0)
            )
        case ProjectApproved():
            return row | {
                "status": "approved",
                "approved_on": day,
                "resolution": event.resolution,
                "disclose_from": day,
            }
        case ProjectCancelled():
            owed = day if row["approved_on"] else NEVER
            return row | {"status": "cancelled", "reason": event.reason, "disclose_from": owed}
        case SignerDesignated():
            return row | {"signer": event.person_id}
        case ReceiptRecorded():
            return row | money_of(row, event) | counted(row, receipts=1)
        case ReceiptReversed():
            return row | money_of(row, event) | counted(row, receipts=-1)
        case PaymentRequested():
            return row | counted(row, pending=1)
        case PaymentSigned():
            return row | {"signer": event.person_id}
        case PaymentMade():
            return row | money_of(row, event) | counted(row, pending=-1, payments=1)
        case PaymentWithdrawn():
            return row | counted(row, pending=-1)
        case WorksFinished():
            return row | {"status": "finished", "finished_on": day}
        case ProjectAccepted():
            criteria = [item | {"passed": event.criteria[item["code"]]} for item in row["criteria"]]
            return row | {
                "status": "accepted",
                "accepted_on": day,
                "criteria": criteria,
                "unsolved_issue_ids": list(event.unsolved_issue_ids),
            }
        case SurplusReturned():
            return row | money_of(row, event) | {"status": "closed", "disclose_from": day}
        case StatementDisclosed():
            last = NEVER if row["status"] in ("cancelled", "closed") else day
            return row | {"disclosed_on": day, "disclose_from": last} | counted(row, statements=1)
    return row
