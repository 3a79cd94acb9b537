"""An issue from intake to follow-up. What can be asked of it is declared as soon as this is imported."""

from services.issues.issue.answering import LEFT, UNTAKEN, on_given, on_holding_changed, pass_on, raise_untaken
from services.issues.issue.counting import COUNTED_AGAIN, on_entry_adopted
from services.issues.issue.finding import find_issues, get_issue, inbox, issue_figures, posts_for_issue
from services.issues.issue.handling import (
    OVERDUE,
    accept_issue,
    dispatch_issue,
    escalate_issue,
    extend_issue,
    mark_overdue,
    return_issue,
    triage_issue,
)
from services.issues.issue.intake import on_patrol_logged, report_issue, take_finding
from services.issues.issue.outcome import (
    close_issue,
    contained,
    erase_contact,
    finish,
    on_person_erased,
    on_project_accepted,
    record_follow_up,
    reopen_issue,
    resolve_issue,
    withdraw_issue,
    withhold_text,
)
from services.issues.issue.rows import CASES, FIGURES, TIMELINE, WORKS
from services.issues.issue.state import ISSUE, OPEN, Issue

__all__ = [
    "CASES",
    "COUNTED_AGAIN",
    "FIGURES",
    "ISSUE",
    "LEFT",
    "OPEN",
    "OVERDUE",
    "TIMELINE",
    "UNTAKEN",
    "WORKS",
    "Issue",
    "accept_issue",
    "close_issue",
    "contained",
    "dispatch_issue",
    "erase_contact",
    "escalate_issue",
    "extend_issue",
    "find_issues",
    "finish",
    "get_issue",
    "inbox",
    "issue_figures",
    "mark_overdue",
    "on_entry_adopted",
    "on_given",
    "on_holding_changed",
    "on_patrol_logged",
    "on_person_erased",
    "on_project_accepted",
    "pass_on",
    "posts_for_issue",
    "raise_untaken",
    "record_follow_up",
    "reopen_issue",
    "report_issue",
    "resolve_issue",
    "return_issue",
    "take_finding",
    "triage_issue",
    "withdraw_issue",
    "withhold_text",
]
