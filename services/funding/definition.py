"""The funding service as plain data."""

from __future__ import annotations

from services.funding.domain import PROJECT
from services.funding.policies import POLICIES
from services.funding.schemas import COMMANDS, QUERIES
from services.funding.views import VIEWS
from shared.following.definition import Definition

POWERS: dict[str, str] = {
    "project.propose": "Propose a project with a budget, its shares and its criteria of acceptance.",
    "project.approve": "Approve or cancel a project and designate the one person who signs its payments.",
    "project.finish": "Say that the works of a project are finished.",
    "project.accept": "Accept finished works by their criteria.",
    "money.receive": "Record and correct receipts, as accountant.",
    "money.return": "Return what was not spent to its sources and close the books, as cashier.",
    "money.read": "Read the names of persons who pay or are paid, and who did what with a payment.",
    "payment.request": "Ask that a bill be paid.",
    "payment.amend": "Change or withdraw a request for payment.",
    "payment.review.branch": "Review payments for the Party branch.",
    "payment.review.committee": "Review payments for the yard committee.",
    "payment.review.board": "Review payments for the supervisory board.",
    "payment.sign": "Sign payments after the three reviews.",
    "payment.pay": "Pay signed payments, as cashier.",
    "statement.disclose": "Publish statements of income and spending and record where they were posted.",
}

DEFINITION = Definition(
    name="funding",
    views=VIEWS,
    deciders=(PROJECT,),
    policies=POLICIES,
    sources=("registry",),
    command_schemas=COMMANDS,
    query_schemas=QUERIES,
    powers=POWERS,
)
