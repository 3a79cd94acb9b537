"""Read models of the volunteers: each list is a page of rows, each figure a row or a count."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec.structs import asdict

from services.volunteers.events import (
    ActivityCancelled,
    ActivityHeld,
    ActivityPlanned,
    AttendanceRecorded,
    AttendanceWithdrawn,
    MemberSurveyed,
    PatrolLogged,
    PatrolPlanned,
    ReportedIn,
    ReportInConfirmed,
    RoleLeft,
    RoleTaken,
    TeamFormed,
    TeamJoined,
    TeamLeft,
    VolunteerRegistered,
)
from services.volunteers.figures import FIGURES, PARTICIPANTS
from services.volunteers.wish_views import WISHES
from shared.domain.record import Record
from shared.domain.view import Row, View

SOURCE = "volunteers"


def only(field: str, *events: type) -> Callable[[Any, Record], str | None]:
    """The key of a view whose rows are named by a field of some events."""

    def key(event: Any, record: Record) -> str | None:
        return getattr(event, field) if isinstance(event, events) else None

    return key


def _pair(first: str, second: str, *events: type) -> Callable[[Any, Record], str | None]:
    def key(event: Any, record: Record) -> str | None:
        return f"{getattr(event, first)}:{getattr(event, second)}" if isinstance(event, events) else None

    return key


def _volunteers_key(event: Any, record: Record) -> list[str]:
    if isinstance(event, PatrolLogged):
        return event.members
    own = VolunteerRegistered | RoleTaken | RoleLeft | TeamJoined | TeamLeft | AttendanceRecorded | AttendanceWithdrawn
    return [event.person_id] if isinstance(event, own) else []


def _volunteers(row: Row, event: Any, record: Record) -> Row:
    """One row a volunteer: where they live, what they do, how much they did."""
    match event:
        case VolunteerRegistered():
            fresh: Row = {"roles": [], "teams": [], "times": 0, "minutes": 0, "patrols": 0, "patrol_minutes": 0}
            return fresh | {
                "person_id": event.person_id,
                "name": event.name,
                "place": event.home,
                "since": record.occurred[:10],
            }
        case RoleTaken():
            return row | {"roles": [*row["roles"], f"{event.role}@{event.place}"]}
        case RoleLeft():
            return row | {"roles": [role for role in row["roles"] if role != f"{event.role}@{event.place}"]}
        case TeamJoined():
            return row | {"teams": [*row["teams"], event.team_id]}
        case TeamLeft():
            return row | {"teams": [team for team in row["teams"] if team != event.team_id]}
        case AttendanceRecorded():
            return row | {"times": row["times"] + 1, "minutes": row["minutes"] + event.minutes}
        case AttendanceWithdrawn():
            return row | {"times": row["times"] - 1, "minutes": row["minutes"] - event.minutes}
        case PatrolLogged():
            return row | {"patrols": row["patrols"] + 1, "patrol_minutes": row["patrol_minutes"] + event.minutes}
    return row


def _roles_key(event: Any, record: Record) -> str | None:
    return f"{event.person_id}:{event.role}@{event.place}" if isinstance(event, RoleTaken | RoleLeft) else None


def _roles(row: Row, event: Any, record: Record) -> Row | None:
    """One row for each role that a volunteer holds at a place (C32, D19)."""
    return asdict(event) if isinstance(event, RoleTaken) else None


def _report_ins(row: Row, event: Any, record: Record) -> Row:
    """Who was surveyed, who reported in, which ends confirmed (C40, D11)."""
    match event:
        case MemberSurveyed():
            survey = {"level": event.level, "surveyed": event.surveyed}
            if row:
                return row | survey if row["reported"] else row | survey | {"unit": event.unit, "place": event.place}
            fields = {"report_id": event.report_id, "kind": "member", "person_id": event.person_id, "unit": event.unit}
            return fields | survey | {"place": event.place, "state": "surveyed", "reported": 0, "since": "", "ends": []}
        case ReportedIn():
            survey = {"level": row.get("level", ""), "surveyed": row.get("surveyed", "")}
            return asdict(event) | survey | {"state": "reported", "reported": 1, "ends": []}
        case ReportInConfirmed():
            ends = [*row["ends"], event.end]
            return row | {"ends": ends, "state": "confirmed" if {"unit", "place"} <= set(ends) else "reported"}
    return row


def _teams(row: Row, event: Any, record: Record) -> Row:
    """One row a team, with how many belong to it and how often it went on patrol (C31)."""
    match event:
        case TeamFormed():
            return asdict(event) | {"members": 0, "patrols": 0, "last_patrol": ""}
        case TeamJoined():
            return row | {"members": row["members"] + 1}
        case TeamLeft():
            return row | {"members": row["members"] - 1}
        case PatrolLogged():
            return row | {"patrols": row["patrols"] + 1, "last_patrol": max(row["last_patrol"], event.started)}
    return row


def _memberships(row: Row, event: Any, record: Record) -> Row | None:
    """One row for each member of a team."""
    return asdict(event) | {"place": record.place} if isinstance(event, TeamJoined) else None


def _activities(row: Row, event: Any, record: Record) -> Row:
    """One row an activity, with its sessions, person-times and minutes (C38, C39)."""
    match event:
        case ActivityPlanned():
            counts = {"status": "planned", "sessions": 0, "person_times": 0, "minutes": 0, "reason": ""}
            answering = {"organisation_id": record.on_behalf_of, "post_id": record.mandate}
            return asdict(event) | counts | answering | {"day": event.starts[:10]}
        case AttendanceRecorded():
            return row | {"person_times": row["person_times"] + 1, "minutes": row["minutes"] + event.minutes}
        case AttendanceWithdrawn():
            return row | {"person_times": row["person_times"] - 1, "minutes": row["minutes"] - event.minutes}
        case ActivityHeld():
            return row | {"status": "held", "sessions": event.sessions}
        case ActivityCancelled():
            return row | {"status": "cancelled", "reason": event.reason}
    return row


def _attendances(row: Row, event: Any, record: Record) -> Row | None:
    """One row a person-time."""
    return asdict(event) | {"place": record.place} if isinstance(event, AttendanceRecorded) else None


def _patrols(row: Row, event: Any, record: Record) -> Row:
    """The rota and the log of patrols, with who answers for the findings (C31)."""
    answering = {"organisation_id": record.on_behalf_of, "post_id": record.mandate}
    if isinstance(event, PatrolPlanned):
        nothing: Row = {"route": "", "minutes": 0, "findings": []}
        planned = asdict(event) | nothing | answering | {"status": "planned", "started": event.starts}
        return {name: value for name, value in planned.items() if name != "starts"}
    findings = [asdict(finding) for finding in event.findings]
    return asdict(event) | answering | {"status": "logged", "findings": findings}


def _codes_view(list_name: str) -> View:
    """The codes of one list of the city's profile."""

    def key(event: Any, record: Record) -> str | None:
        return "codes" if record.type == "ProfileAdopted" and list_name in event.get("code_lists", {}) else None

    return View(list_name, "registry", key, lambda row, event, record: {"codes": event["code_lists"][list_name]})


_ATTENDANCE = (AttendanceRecorded, AttendanceWithdrawn)
_ACTIVITY = (ActivityPlanned, *_ATTENDANCE, ActivityHeld, ActivityCancelled)

VIEWS: tuple[View, ...] = (
    View("volunteers", SOURCE, _volunteers_key, _volunteers, ("place", "person_id", "since", "minutes")),
    View("roles", SOURCE, _roles_key, _roles, ("person_id", "place", ("role", "place"))),
    View(
        "report_ins",
        SOURCE,
        only("report_id", MemberSurveyed, ReportedIn, ReportInConfirmed),
        _report_ins,
        ("place", "person_id", "unit", "level", ("kind", "place"), ("state", "place"), "reported", "since"),
    ),
    View(
        "teams",
        SOURCE,
        only("team_id", TeamFormed, TeamJoined, TeamLeft, PatrolLogged),
        _teams,
        ("place", ("kind", "place")),
    ),
    View(
        "memberships",
        SOURCE,
        _pair("team_id", "person_id", TeamJoined, TeamLeft),
        _memberships,
        ("team_id", "person_id", "place"),
    ),
    View(
        "activities",
        SOURCE,
        only("activity_id", *_ACTIVITY),
        _activities,
        (
            "place",
            "day",
            "starts",
            ("kind", "place"),
            ("status", "place"),
            "series",
            "issue_id",
            "project_id",
            "sessions",
        ),
    ),
    View(
        "attendances",
        SOURCE,
        _pair("activity_id", "person_id", *_ATTENDANCE),
        _attendances,
        ("place", "activity_id", "person_id", "day", ("kind", "place"), ("role", "place"), "minutes"),
    ),
    *PARTICIPANTS,
    View(
        "patrols",
        SOURCE,
        only("patrol_id", PatrolPlanned, PatrolLogged),
        _patrols,
        ("place", "team_id", "started", ("status", "place")),
    ),
    WISHES,
    FIGURES,
    *(_codes_view(name) for name in ("volunteer_roles", "team_kinds", "activity_kinds")),
)
