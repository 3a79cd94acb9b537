"""Issues, visits and diagnoses: their states and what may be decided about them."""

from services.issues.domain.diagnosis import DIAGNOSIS, Diagnosis, diagnose
from services.issues.domain.handling import accept, dispatch, escalate, extend, report, triage
from services.issues.domain.issue import ISSUE, OPEN, Issue
from services.issues.domain.outcome import close, erase_contact, finish, record_follow_up, reopen, resolve
from services.issues.domain.post import Accountable, accountable_for, intake_roles

__all__ = [
    "DIAGNOSIS",
    "ISSUE",
    "OPEN",
    "Accountable",
    "Diagnosis",
    "Issue",
    "accept",
    "accountable_for",
    "close",
    "diagnose",
    "dispatch",
    "erase_contact",
    "escalate",
    "extend",
    "finish",
    "intake_roles",
    "record_follow_up",
    "reopen",
    "report",
    "resolve",
    "triage",
]
