"""Read models: the cases with what a page shows of them, and what issues need to know of places, posts and works."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from services.issues.domain.issue import OPEN, status_escalated, status_reopened
from services.issues.events import (
    CompoundDiagnosed,
    ContactErased,
    FollowUpRecorded,
    IssueAccepted,
    IssueClosed,
    IssueDispatched,
    IssueEscalated,
    IssueExtended,
    IssueReopened,
    IssueReported,
    IssueResolved,
    IssueTriaged,
)
from services.issues.figures import figures_keys, figures_row
from shared.domain.event import Event
from shared.domain.record import Record
from shared.domain.view import Row, View, by

ISSUES, REGISTRY, FUNDING = "issues", "registry", "funding"
#: The name of the list of categories in a city's profile (A15, A39, C03).
CATEGORIES = "issue_categories"


def _case(row: Row, event: Event, record: Record) -> Row | None:
    """One row per issue: what its page and the worklists show, and what figures count."""
    if isinstance(event, IssueReported):
        row = _reported(event) | {"reported": record.occurred}
    elif not row:
        return None
    row = row | _changes(row, event) | {"changed": record.occurred}
    return row | {"open": int(row["status"] in OPEN)}


def _reported(event: IssueReported) -> Row:
    copied = (
        "issue_id",
        "place",
        "category",
        "description",
        "channel",
        "origin",
        "reporter",
        "contact",
        "organisation_id",
        "person_id",
        "post_id",
        "level",
    )
    texts = ("severity", "tier", "reason", "duty", "due", "calendar", "outcome", "because", "followed")
    return (
        {name: getattr(event, name) for name in copied}
        | dict.fromkeys(texts, "")
        | {
            "status": "reported",
            "problem_class": event.category.partition(".")[0],
            "contained": -1,
            "reopened": 0,
            "tries": 0,
        }
    )


def _changes(row: Row, event: Event) -> Row:
    match event:
        case IssueTriaged():
            level = event.level or row["level"]
            return {
                "status": "triaged",
                "severity": event.severity,
                "tier": event.tier,
                "reason": event.reason,
                "level": level,
            }
        case IssueDispatched():
            copied = ("organisation_id", "person_id", "post_id", "level", "duty", "due", "calendar")
            return {name: getattr(event, name) for name in copied} | {"status": "dispatched"}
        case IssueAccepted():
            return {"status": "accepted", "person_id": event.person_id}
        case IssueExtended():
            return {"due": event.due, "calendar": event.calendar}
        case IssueEscalated():
            return {name: getattr(event, name) for name in ("organisation_id", "person_id", "post_id")} | {
                "level": event.to_level,
                "status": status_escalated(row["status"]),
            }
        case IssueResolved():
            contained = -1 if event.contained is None else int(event.contained)
            return {"status": "resolved", "outcome": event.outcome, "because": event.because, "contained": contained}
        case FollowUpRecorded():
            return {"followed": event.result, "tries": row["tries"] + (event.result == "unreachable")}
        case IssueClosed():
            return {"status": "closed", "closed_because": event.because}
        case IssueReopened():
            return {
                "status": status_reopened(row["duty"], row["tier"]),
                "reopened": event.times,
                "contained": -1,
                "outcome": "",
                "because": "",
                "followed": "",
                "tries": 0,
                "closed_because": "",
            }
        case ContactErased():
            return {"contact": ""}
        case _:
            return {}


#: The text of a step that anyone may read, by event.
_TEXTS: dict[type[Event], str] = {
    IssueReported: "description",
    IssueTriaged: "reason",
    IssueDispatched: "duty",
    IssueExtended: "reason",
    IssueEscalated: "reason",
    IssueResolved: "outcome",
    FollowUpRecorded: "note",
    IssueClosed: "because",
    IssueReopened: "reason",
}
#: What else a step says, where its event has it.
_DETAILS = ("severity", "tier", "level", "due", "from_level", "to_level", "result")


def _step_key(event: Event, record: Record) -> str | None:
    if getattr(event, "issue_id", None) is None or isinstance(event, ContactErased):
        return None
    return f"{record.stream}:{record.version:08d}"


def _step(row: Row, event: Any, record: Record) -> Row:
    """One row per step of an issue: what happened, which organisation and post did it, and whom it went to."""
    text = _TEXTS.get(type(event))
    details = {name: value for name in _DETAILS if (value := getattr(event, name, ""))}
    moved = isinstance(event, IssueReported | IssueDispatched | IssueEscalated)
    return details | {
        "issue_id": event.issue_id,
        "at": record.occurred,
        "what": record.type,
        "organisation_id": record.on_behalf_of,
        "post_id": record.mandate,
        "text": getattr(event, text) if text else "",
        "to_organisation_id": event.organisation_id if moved else "",
        "to_post_id": event.post_id if moved else "",
    }


def _diagnosis(row: Row, event: CompoundDiagnosed, record: Record) -> Row:
    """One row per diagnosis with its problems (A15, C03)."""
    return {
        "diagnosis_id": event.diagnosis_id,
        "place": event.place,
        "kind": event.kind,
        "diagnosed_on": event.diagnosed_on,
        "problems": [
            {"category": problem.category, "problem_class": problem.category.partition(".")[0], "note": problem.note}
            for problem in event.problems
        ],
    }


def _of(*types: str, key: str) -> Any:
    def named(event: Mapping[str, Any], record: Record) -> str | None:
        return event[key] if record.type in types else None

    return named


def _place(row: Row, event: Mapping[str, Any], record: Record) -> Row:
    """One row per place: what it is called."""
    return {name: event.get(name, "") for name in ("place", "kind", "name", "name_en")}


def _body(row: Row, event: Mapping[str, Any], record: Record) -> Row:
    """One row per organisation: what it is called."""
    return {name: event.get(name, "") for name in ("organisation_id", "name", "name_en", "level")}


def _post(row: Row, event: Mapping[str, Any], record: Record) -> Row | None:
    """One row per post: what it is called and who holds it from when to when."""
    if record.type == "AppointmentEnded":
        return row | {"until": event["until"]} if row.get("person_id") == event["person_id"] else row or None
    empty = dict.fromkeys(("title", "title_en", "person_id", "since", "until"), "")
    copied = ("post_id", "organisation_id", "role", "title", "title_en", "place", "person_id", "since", "until")
    return empty | row | {name: event[name] for name in copied if name in event}


def _city(row: Row, event: Mapping[str, Any], record: Record) -> Row:
    """One row: the levels, categories and thresholds of the profile in force."""
    return {
        "levels": [level["code"] for level in event.get("levels", ())],
        "categories": event.get("code_lists", {}).get(CATEGORIES, {}),
        "parameters": event.get("parameters", {}),
    }


def _works_keys(event: Mapping[str, Any], record: Record) -> Iterable[str]:
    return dict.fromkeys(event["issue_ids"]) if record.type in ("ProjectProposed", "ProjectAccepted") else ()


def _works(row: Row, event: Mapping[str, Any], record: Record) -> Row:
    """One row per issue that works were proposed for: the latest project and its budget in fen (C17, C37)."""
    if record.type == "ProjectAccepted":
        return row | {"project_id": event["project_id"], "accepted": 1}
    return {name: event.get(name, "") for name in ("project_id", "title", "title_en", "budget_fen")} | {"accepted": 0}


VIEWS: tuple[View, ...] = (
    View(
        "cases",
        ISSUES,
        by("issue_id"),
        _case,
        (
            ("place", "status", "channel", "level", "severity", "problem_class", "category"),
            ("post_id", "open", "due"),
            ("open", "due"),
            ("person_id", "open"),
            ("organisation_id", "open"),
            "origin",
            "reporter",
            "reported",
        ),
    ),
    View("figures", ISSUES, figures_keys, figures_row),
    View("timeline", ISSUES, _step_key, _step, ("issue_id",)),
    View("diagnoses", ISSUES, by("diagnosis_id"), _diagnosis, ("place", "kind", "diagnosed_on")),
    View("places", REGISTRY, _of("PlaceRegistered", key="place"), _place, ("place",)),
    View("bodies", REGISTRY, _of("OrganisationEstablished", key="organisation_id"), _body, ("organisation_id",)),
    View(
        "posts",
        REGISTRY,
        _of("PostEstablished", "PersonAppointed", "AppointmentEnded", key="post_id"),
        _post,
        (("place", "role"), "post_id"),
    ),
    View("city", REGISTRY, lambda event, record: "city" if record.type == "ProfileAdopted" else None, _city),
    View("works", FUNDING, _works_keys, _works),
)
