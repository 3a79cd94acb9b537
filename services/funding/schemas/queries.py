"""What callers may ask to know. Amounts are fen, days ISO dates."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from services.funding.events import BODIES, SOURCES
from services.funding.schemas.commands import OfProject
from services.funding.schemas.shapes import CODE, PLACE, code, day, id_of, string

PROJECT_STATUSES = ("proposed", "approved", "finished", "accepted", "cancelled", "closed")
PAYMENT_STATUSES = ("requested", "rejected", "signed", "paid", "withdrawn")


class Page(Schema):
    """A page of a list."""

    limit = fields.Integer(
        load_default=50,
        validate=validate.Range(1, 500, error="1 to 500"),
        metadata={"description": "Rows on a page"},
    )
    cursor = fields.String(
        load_default=None, validate=validate.Length(max=1000), metadata={"description": "Where the page before ended"}
    )


class Under(Schema):
    """Limits a list to a part of the city."""

    place__under = string(PLACE, "Only at this place and below", load_default=None)


def order_of(default: str, *names: str) -> fields.String:
    """A field to sort a list by."""
    codes = tuple(sign + name for name in ("key", *names) for sign in ("", "-"))
    return code(codes, "Field to sort by; - in front: descending", load_default=default)


class FindProjects(Page, Under):
    """Projects with their money by source."""

    status = code(PROJECT_STATUSES, "Only in this state", load_default=None)
    programme = string(CODE, "Only of this programme", load_default=None)
    order = order_of("-proposed_on", "proposed_on", "received_fen", "spent_fen")


class GetProject(OfProject):
    """One project: budget and money by source, payments with their reviews, statements."""


class FindReceipts(Page, Under):
    """Receipts; names of persons are masked unless the caller may read them."""

    project_id = id_of("Only of this project", required=False, load_default=None)
    source = code(SOURCES, "Only from this source", load_default=None)
    order = order_of("-received_on", "received_on", "amount_fen")


class FindPayments(Page, Under):
    """Payments with the state of their review."""

    project_id = id_of("Only of this project", required=False, load_default=None)
    status = code(PAYMENT_STATUSES, "Only in this state", load_default=None)
    awaiting = code(BODIES, "Only those this body must still review", load_default=None)
    order = order_of("-requested_on", "requested_on", "amount_fen")


class TrialBalance(OfProject):
    """Turnover and balance of every account of a project."""


class FindStatements(Page, Under):
    """Published statements and where they were posted."""

    project_id = id_of("Only of this project", required=False, load_default=None)
    order = order_of("-disclosed_on", "disclosed_on")


class GetStatement(Schema):
    """One published statement, exactly as it was published."""

    statement_id = id_of("Statement")


class FindOverdueDisclosures(Page, Under):
    """Projects whose last statement is older than the publication calendar allows."""

    day = string(day, "Day to judge by; today if absent", load_default="")
    every_days = fields.Integer(
        load_default=90,
        validate=validate.Range(1, 3660, error="1 to 3660 days"),
        metadata={"description": "Calendar days within which a statement is due"},
    )


class DisclosureBoard(Page):
    """Money in by source and out by project for a place and all below it."""

    place = string(PLACE, "Place; the whole city if absent", load_default="")


class FundingFigures(Schema):
    """Counts and sums of all projects at a place and below."""

    place = string(PLACE, "Place; the whole city if absent", load_default="")


QUERIES: dict[str, type[Schema]] = {
    "find_projects": FindProjects,
    "get_project": GetProject,
    "find_receipts": FindReceipts,
    "find_payments": FindPayments,
    "trial_balance": TrialBalance,
    "find_statements": FindStatements,
    "get_statement": GetStatement,
    "find_overdue_disclosures": FindOverdueDisclosures,
    "disclosure_board": DisclosureBoard,
    "funding_figures": FundingFigures,
}
