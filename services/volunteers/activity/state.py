"""An activity: planned, attended, held in so many sessions (C38, C39, C44)."""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from services.volunteers.activity.facts import (
    ActivityCancelled,
    ActivityHeld,
    ActivityPlanned,
    ActivityRelocated,
    AttendanceRecorded,
    AttendanceWithdrawn,
)
from shared.domain.decider import Decider
from shared.domain.event import Codec, taken, without


class Activity(msgspec.Struct, frozen=True):
    """An activity; `attended` maps a person to minutes."""

    id: str
    status: str = "unknown"  # unknown, planned, held, cancelled
    title: str = ""
    title_en: str = ""
    kind: str = ""
    place: str = ""
    starts: str = ""
    series: str = ""
    issue_id: str = ""
    project_id: str = ""
    sessions: int = 0
    reason: str = ""
    attended: dict[str, int] = {}


def evolve(
    activity: Activity,
    event: ActivityPlanned
    | AttendanceRecorded
    | AttendanceWithdrawn
    | ActivityHeld
    | ActivityRelocated
    | ActivityCancelled,
) -> Activity:
    """Apply a recorded fact. Never refuses: it has already happened."""
    match event:
        case ActivityPlanned():
            return Activity(**taken(event, Activity, id=activity.id, status="planned"))
        case AttendanceRecorded():
            return replace(activity, attended=activity.attended | {event.person_id: event.minutes})
        case AttendanceWithdrawn():
            rest = {person: minutes for person, minutes in activity.attended.items() if person != event.person_id}
            return replace(activity, attended=rest)
        case ActivityHeld():
            return replace(activity, status="held", sessions=event.sessions)
        case ActivityRelocated():
            return replace(activity, place=event.place)
        case ActivityCancelled():
            return replace(activity, status="cancelled", reason=event.reason)


ACTIVITY = Decider(
    "activity",
    Codec(
        (ActivityPlanned, AttendanceRecorded, AttendanceWithdrawn, ActivityHeld, ActivityRelocated, ActivityCancelled),
        {("AttendanceWithdrawn", 1): without("minutes", "kind"), ("ActivityHeld", 1): without("kind")},
    ),
    Activity,
    Activity,
    evolve,
    lambda activity: activity.place,
)
