"""The issue ledger as plain data."""

from __future__ import annotations

from services.issues.domain import DIAGNOSIS, ISSUE
from services.issues.policies import POLICIES
from services.issues.schemas import COMMANDS, QUERIES
from services.issues.views import VIEWS
from services.issues.visit import VISIT, VISITS
from shared.following.definition import Definition

POWERS: dict[str, str] = {
    "issue.report": "Report an issue.",
    "issue.triage": "Judge how grave an issue is, and diagnose compounds.",
    "issue.dispatch": "Make a post accountable for an issue, with a duty and a time limit.",
    "issue.accept": "Take on an issue that was dispatched to one's post.",
    "issue.extend": "Approve a later time limit for somebody else.",
    "issue.escalate": "Hand an issue up to a higher body.",
    "issue.resolve": "State what was done about an issue.",
    "issue.follow_up": "Ask the person concerned and record what they say.",
    "issue.judge": "Say whether one is satisfied with what was done about one's own issue.",
    "issue.close": "Make an issue final after follow-up.",
    "issue.reopen": "Open a resolved or closed issue again.",
    "issue.read_contact": "Read or erase the contact that was given with an issue.",
    "visit.record": "Plan, record and read visits to households.",
}

DEFINITION = Definition(
    name="issues",
    views=(*VIEWS, VISITS),
    policies=POLICIES,
    sources=("registry", "volunteers", "funding"),
    deciders=(ISSUE, VISIT, DIAGNOSIS),
    command_schemas=COMMANDS,
    query_schemas=QUERIES,
    powers=POWERS,
)
