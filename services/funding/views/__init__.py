"""Read models of projects and their money; amounts are fen, days ISO dates of the local calendar."""

from __future__ import annotations

from services.funding.events import BODIES
from services.funding.views.books import CITY, accounts, books_of, places, receipts, statements, totals
from services.funding.views.payments import payments
from services.funding.views.projects import projects
from shared.domain.view import View, by

VIEWS: tuple[View, ...] = (
    View(
        "projects",
        "funding",
        by("project_id"),
        projects,
        (
            "place",
            "programme",
            "spent_fen",
            "received_fen",
            "proposed_on",
            ("status", "disclose_from"),
            "disclose_from",
        ),
    ),
    View(
        "receipts",
        "funding",
        by("receipt_id"),
        receipts,
        ("project_id", "place", "source", "received_on", "amount_fen", "status"),
    ),
    View(
        "payments",
        "funding",
        by("payment_id"),
        payments,
        ("project_id", "place", "status", "requested_on", "amount_fen", *(f"needs_{body}" for body in BODIES)),
    ),
    View("accounts", "funding", books_of, accounts, ("place",)),
    View("statements", "funding", by("statement_id"), statements, ("project_id", "place", "disclosed_on", "posted")),
    View("totals", "funding", places, totals),
)

__all__ = ["CITY", "VIEWS"]
