"""What is shown of issues: a row a case, its steps, the works it led to, and figures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from services.issues.issue.facts import (
    ContactErased,
    ExtensionAsked,
    ExtensionDeclined,
    FollowUpRecorded,
    IssueClosed,
    IssueDispatched,
    IssueEscalated,
    IssueExtended,
    IssueFact,
    IssueHandedUp,
    IssueHeld,
    IssueRaised,
    IssueReopened,
    IssueReported,
    IssueResolved,
    IssueReturned,
    IssueStruckOut,
    IssueTriaged,
    IssueWithdrawn,
    TextWithheld,
)
from services.issues.issue.state import ISSUE, NOT_TAKEN, OPEN, Issue
from shared.domain.calendar import provisional
from shared.domain.event import Event
from shared.domain.moments import day_of, days_late, imported
from shared.domain.numbers import number_of
from shared.domain.record import Record
from shared.domain.view import OWN, Counts, Row, View, tally

#: Whom a case is shown to in lists: everybody; who may read confidential ones; staff who asked for what is held.
SHOWN, SECRET, HELD = 0, 1, 2
#: The field of the step at which a case was held: what it says is for staff, even when the case is released.
HELD_TEXT = "held"


def _case(row: Row, issue: Issue, event: Event, record: Record) -> Row:
    """What a case shows besides its state: its short number is made of the position of its first fact, which no other has;
    `limited` is since when the time limit runs, `given` since when the holder answers."""
    limits = isinstance(event, IssueDispatched | IssueExtended | IssueReopened)
    is_open = issue.status in OPEN
    same = all(row.get(name) == getattr(issue, name) for name in ("post_id", "person_id"))
    same = same and not isinstance(event, IssueReopened)
    return {
        "given": row.get("given", record.occurred) if same else record.occurred,
        "problem_class": issue.category.partition(".")[0],
        "reported": row.get("reported", record.occurred),
        "changed": record.occurred,
        "limited": record.occurred if limits else row.get("limited", ""),
        "open": int(is_open),
        "overdue": int(is_open and bool(issue.missed)),
        "in_time": _in_time(row, issue, event, record),
        "hidden": SECRET if issue.confidential else HELD if issue.status in NOT_TAKEN else SHOWN,
        "provisional": int(provisional(issue.calendar)),
        "serial": row.get("serial", record.position),
        "number": row.get("number") or number_of(day_of(record.occurred), record.position),
    }


def _in_time(row: Row, issue: Issue, event: Event, record: Record) -> str:
    """Whether the issue was resolved within its time limit (C12): `yes`, `no`, `imported`, "" while there is nothing to say.

    A late entry within the window of the command counts as on time; that of an import is vouched for by nothing but its register.
    """
    if isinstance(event, IssueReopened):
        return ""
    if not isinstance(event, IssueResolved):
        return str(row.get("in_time", ""))
    if not issue.due:
        return ""
    if day_of(record.time) <= issue.due:
        return "yes"
    if not event.in_time:  # also where nobody asked when it was recorded: the record is what there is
        return "no"
    return "imported" if imported(record) else "yes"


CASES = View.of(
    ISSUE,
    "cases",
    (
        ("place", "status", "channel", "level", "severity", "problem_class", "category"),
        ("post_id", "open", "due"),
        ("open", "overdue", "due"),
        ("open", "provisional"),
        "asked_due",
        ("person_id", "open"),
        ("organisation_id", "open"),
        "issue_id",
        "number",
        "serial",
        "origin",
        "reporter",
        "reported",
        "hidden",
        ("status", "given"),
        ("post_id", "reporter", "reported"),
    ),
    _case,
    folding=4,
)

#: Before the id of an organisation whose level was not stated yet.
UNSTATED = "?"


def _counts(row: Row) -> Counts:
    if row["status"] in NOT_TAKEN:
        return {}
    contained = row["contained"]
    return {
        "by_level": {row["level"] or UNSTATED + row["organisation_id"]: 1},
        "by_channel": {row["channel"]: 1},
        # in a building of ten households a class of one would tell whose quarrel it is
        "by_class": {"confidential" if row["hidden"] else row["problem_class"]: 1},
        "by_status": {"open" if row["open"] else row["status"]: 1},
        "follow_ups": row["follow_ups"],
        "contained": {} if contained is None else {"yes" if contained else "no": 1},
        "reopened": int(row["reopened"] > 0),
        "overdue": row["overdue"],
        "late": row["late"],
        "in_time": {row["in_time"]: 1} if row["in_time"] else {},
    }


FIGURES = tally("figures", CASES, _counts, day="reported", folding=3)

#: The text of a step that anyone may read, by fact.
_TEXTS: dict[type[Event], str] = {
    IssueReported: "description",
    IssueHeld: "description",
    IssueStruckOut: "reason",
    IssueTriaged: "reason",
    IssueDispatched: "duty",
    IssueExtended: "reason",
    ExtensionAsked: "reason",
    ExtensionDeclined: "reason",
    IssueEscalated: "reason",
    IssueResolved: "outcome",
    FollowUpRecorded: "note",
    IssueClosed: "because",
    IssueReopened: "reason",
    IssueReturned: "reason",
    IssueWithdrawn: "reason",
    TextWithheld: "why",
}
#: What else a step says, where its fact has it.
_DETAILS = ("severity", "tier", "level", "before", "due", "to_level", "result", "cause", "days")


def _step_key(event: Any, record: Record) -> str | None:
    shown = isinstance(event, IssueFact) and not isinstance(event, ContactErased)
    return f"{record.stream}:{record.version:08d}" if shown else None


def _step(row: Row, event: Any, record: Record, key: str) -> Row:
    """What happened, which organisation and post did it, and whom the issue went to; late entries with both times (X02)."""
    text = _TEXTS.get(type(event))
    details: Row = {name: value for name in _DETAILS if (value := getattr(event, name, ""))}
    if provisional(getattr(event, "calendar", "")):
        details["provisional"] = 1
    moved = isinstance(
        event, IssueReported | IssueDispatched | IssueEscalated | IssueHandedUp | IssueRaised | IssueReturned
    )
    if days := days_late(record):
        details |= {"recorded": record.time, "late": days, "imported": int(imported(record))}
    return details | {
        "issue_id": event.issue_id,
        "at": record.occurred,
        "what": record.type,
        "organisation_id": record.on_behalf_of,
        "post_id": record.mandate,
        "field": HELD_TEXT if isinstance(event, IssueHeld) else text or "",
        "text": getattr(event, text) if text else "",
        "to_organisation_id": event.organisation_id if moved else "",
        "to_post_id": event.post_id if moved else "",
    }


TIMELINE = View("timeline", OWN, _step_key, _step, ("issue_id",), folding=4)


def _works_keys(event: Mapping[str, Any], record: Record) -> Iterable[str]:
    return dict.fromkeys(event["issue_ids"]) if record.type in ("ProjectProposed", "ProjectAccepted") else ()


def _works(row: Row, event: Mapping[str, Any], record: Record, key: str) -> Row:
    """The latest project that was proposed for an issue, and its budget in fen (C17, C37)."""
    if record.type == "ProjectAccepted":
        return row | {"project_id": event["project_id"], "accepted": 1}
    return {name: event.get(name, "") for name in ("project_id", "title", "title_en", "budget_fen")} | {"accepted": 0}


WORKS = View("works", "funding", _works_keys, _works)
