"""The funding service as plain data."""

from __future__ import annotations

from services.funding import deadlines, overview, payment, payment_rows, receipt, requesting, statement, works
from services.funding.documents import PAYMENT, RECEIPT, STATEMENT
from services.funding.facts import ProjectRelocated
from services.funding.payment_facts import PaymentRelocated
from services.funding.project import OPEN, PROJECT
from services.funding.voucher import VOUCHER
from shared.domain.relocating import Relocating, follow
from shared.domain.view import known
from shared.following.definition import Definition

#: Files in which commands and queries are declared: they are part of the service because they are imported.
DECLARED = (works, receipt, requesting, payment, payment_rows, statement, overview, deadlines)

#: What becomes of that which is open at a place that ends: books that are not closed, requests that are not paid.
FOLLOWS = follow(
    Relocating(PROJECT, "projects", ProjectRelocated, ("proposed", *OPEN, "cancelled")),
    Relocating(PAYMENT, "payments", PaymentRelocated, ("held", "requested", "rejected", "signed")),
)

DEFINITION = Definition(
    name="funding",
    deciders=(PROJECT, RECEIPT, PAYMENT, STATEMENT, VOUCHER),
    views=(
        *(overview.PROJECTS, overview.TOTALS, receipt.RECEIPTS, payment_rows.PAYMENTS, statement.STATEMENTS),
        known("issue", "issues", "IssueReported"),
    ),
    sources=("registry", "issues"),
    policies={"registry.PlaceEnded": FOLLOWS},
    clock=(deadlines.STATEMENT_DUE,),
    powers={"money.read": "Read the names of persons who pay or are paid, and who did what with a payment."},
)
