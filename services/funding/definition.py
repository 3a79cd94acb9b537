"""The funding service as plain data."""

from __future__ import annotations

from services.funding.payment import rows as payment_rows
from services.funding.payment import steps
from services.funding.payment.state import PAYMENT
from services.funding.project import rows as project_rows
from services.funding.project import works
from services.funding.project.state import PROJECT
from services.funding.receipt import keeping
from services.funding.receipt import rows as receipt_rows
from services.funding.receipt.state import RECEIPT
from services.funding.statement import publishing
from services.funding.statement.state import STATEMENT
from services.funding.voucher import VOUCHER
from shared.following.definition import Definition

#: Files in which commands and queries are declared: they are part of the service because they are imported.
DECLARED = (works, keeping, steps, publishing, receipt_rows, payment_rows, project_rows)

DEFINITION = Definition(
    name="funding",
    deciders=(PROJECT, RECEIPT, PAYMENT, STATEMENT, VOUCHER),
    views=(
        project_rows.PROJECTS,
        project_rows.TOTALS,
        receipt_rows.RECEIPTS,
        payment_rows.PAYMENTS,
        publishing.STATEMENTS,
    ),
    sources=("registry",),
    powers={"money.read": "Read the names of persons who pay or are paid, and who did what with a payment."},
)
