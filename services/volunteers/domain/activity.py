"""An activity: planned, attended, held in so many sessions (C38, C39, C44)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import msgspec
from msgspec.structs import replace

from services.volunteers.domain.rules import instant, known, minutes_fit
from services.volunteers.events import (
    CODEC,
    ActivityCancelled,
    ActivityHeld,
    ActivityPlanned,
    AttendanceRecorded,
    AttendanceWithdrawn,
)
from shared.domain.decider import Decider
from shared.domain.errors import IllegalStateError, NotFoundError
from shared.domain.event import Event
from shared.domain.mandate import Mandate

#: Kinds of activities when the city's profile has no list `activity_kinds`.
KINDS = frozenset({"service", "story_meeting", "deed", "station", "epidemic_duty", "training", "other"})
#: The kind that names the issue or project it serves.
DEED = "deed"


class Activity(msgspec.Struct, frozen=True):
    """`attended` maps a person to minutes."""

    id: str
    status: str = "unknown"  # unknown, planned, held, cancelled
    title: str = ""
    kind: str = ""
    place: str = ""
    starts: str = ""
    sessions: int = 0
    attended: dict[str, int] = {}


def evolve(activity: Activity, event: Event) -> Activity:
    """Apply a recorded fact. Never refuses: it has already happened."""
    match event:
        case ActivityPlanned():
            return Activity(activity.id, "planned", event.title, event.kind, event.place, event.starts)
        case AttendanceRecorded():
            return replace(activity, attended=activity.attended | {event.person_id: event.minutes})
        case AttendanceWithdrawn():
            rest = {person: minutes for person, minutes in activity.attended.items() if person != event.person_id}
            return replace(activity, attended=rest)
        case ActivityHeld():
            return replace(activity, status="held", sessions=event.sessions)
        case ActivityCancelled():
            return replace(activity, status="cancelled")
    return activity


def plan(
    activity: Activity,
    *,
    by: Mandate,
    at: str,
    title: str,
    title_en: str,
    kind: str,
    place: str,
    starts: str,
    series: str = "",
    issue_id: str = "",
    project_id: str = "",
    kinds: Collection[str] = KINDS,
) -> list[Event]:
    """Announce an activity that starts at a moment (RFC 3339); a deed names the issue or project it serves (C38)."""
    by.require("activity.plan", place)
    known(kind, kinds, "kind")
    if kind == DEED and not (issue_id or project_id):
        raise IllegalStateError("a deed is done for somebody: name the issue or the project it serves")
    if activity.status != "unknown":
        if (activity.title, activity.kind, activity.place, activity.starts) == (title, kind, place, starts):
            return []
        raise IllegalStateError(f"the activity {activity.id} is planned already: {activity.title}")
    return [
        ActivityPlanned(
            activity_id=activity.id,
            title=title,
            title_en=title_en,
            kind=kind,
            place=place,
            starts=starts,
            series=series,
            issue_id=issue_id,
            project_id=project_id,
        )
    ]


def record_attendance(
    activity: Activity,
    *,
    by: Mandate,
    at: str,
    attendances: Sequence[Mapping[str, Any]],
    volunteers: Mapping[str, Collection[str]],
) -> list[Event]:
    """Record who took part and for how many minutes (1 to 1440), each person once (C39).

    `attendances` are `{person_id, minutes, role?}`; `volunteers` maps the registered to their roles. One mistake,
    and nothing is recorded.
    """
    by.require("activity.record", activity.place)
    _begun(activity, at)
    events: dict[str, Event] = {}
    for attendance in attendances:
        person, minutes, role = attendance["person_id"], attendance["minutes"], attendance.get("role", "")
        minutes_fit(minutes)
        if person in events:
            raise IllegalStateError(f"{person} is named twice; a person takes part in an activity once")
        if person in activity.attended:
            if activity.attended[person] != minutes:
                recorded = activity.attended[person]
                raise IllegalStateError(f"{person} is recorded with {recorded} minutes; withdraw that attendance first")
            continue
        if person not in volunteers:
            raise IllegalStateError(f"{person} is not a registered volunteer; register first", {"person_id": person})
        if role and role not in volunteers[person]:
            raise IllegalStateError(f"{person} does not hold the role {role}; take it first", {"person_id": person})
        events[person] = AttendanceRecorded(
            activity_id=activity.id,
            person_id=person,
            minutes=minutes,
            kind=activity.kind,
            role=role,
            day=activity.starts[:10],
        )
    return list(events.values())


def withdraw_attendance(activity: Activity, *, by: Mandate, at: str, person_id: str, reason: str) -> list[Event]:
    """Take back an attendance that was recorded by mistake."""
    by.require("activity.record", activity.place)
    _exists(activity)
    if person_id not in activity.attended:
        raise IllegalStateError(f"no attendance of {person_id} is recorded here")
    minutes = activity.attended[person_id]
    return [
        AttendanceWithdrawn(
            activity_id=activity.id, person_id=person_id, minutes=minutes, kind=activity.kind, reason=reason
        )
    ]


def hold(activity: Activity, *, by: Mandate, at: str, sessions: int = 1) -> list[Event]:
    """Record that the activity took place, in how many sessions; only after it started."""
    by.require("activity.record", activity.place)
    _begun(activity, at)
    if sessions < 1:
        raise IllegalStateError("an activity that was held had at least one session")
    if activity.status == "held":
        if activity.sessions == sessions:
            return []
        raise IllegalStateError(f"the activity is recorded as held in {activity.sessions} sessions already")
    return [ActivityHeld(activity_id=activity.id, kind=activity.kind, sessions=sessions)]


def cancel(activity: Activity, *, by: Mandate, at: str, reason: str) -> list[Event]:
    """Call an activity off; not once somebody took part."""
    by.require("activity.plan", activity.place)
    _exists(activity)
    if activity.status == "cancelled":
        return []
    if activity.status == "held" or activity.attended:
        raise IllegalStateError("people took part in the activity already; it cannot be cancelled")
    return [ActivityCancelled(activity_id=activity.id, reason=reason)]


def _exists(activity: Activity) -> None:
    if activity.status == "unknown":
        raise NotFoundError(f"there is no activity {activity.id}")


def _begun(activity: Activity, at: str) -> None:
    _exists(activity)
    if activity.status == "cancelled":
        raise IllegalStateError("the activity was cancelled; plan another one")
    if instant(at) < instant(activity.starts):
        raise IllegalStateError(f"the activity starts at {activity.starts}; record it after that")


ACTIVITY = Decider("activity", CODEC, Activity, Activity, evolve, lambda activity: activity.place)
