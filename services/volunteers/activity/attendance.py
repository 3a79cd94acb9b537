"""Who took part in an activity, and for how long (C39)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec

from services.volunteers.activity.facts import AttendanceRecorded, AttendanceWithdrawn
from services.volunteers.activity.holding import CANCELLED
from services.volunteers.activity.state import ACTIVITY, Activity
from services.volunteers.served import Service, check_served
from services.volunteers.volunteer import VOLUNTEER, Volunteer
from shared.domain.city import City
from shared.domain.errors import IllegalStateError
from shared.domain.event import Event
from shared.domain.fields import code_of, id_of, number, text
from shared.domain.mandate import Mandate
from shared.domain.signature import holds
from shared.domain.structures import group, many
from shared.domain.words import Said, _, said, term

#: Minutes that one attendance or patrol may last: up to a day.
MINUTES = number(1, 24 * 60)


class Attendance(msgspec.Struct, frozen=True):
    """Who took part, and for how long."""

    person_id: Annotated[str, id_of("person"), "registered volunteer"]
    minutes: Annotated[int, MINUTES, "minutes"]
    role: Annotated[str, code_of("volunteer_roles"), "role in which the person served"] = ""


def _named(activity: Activity, ask: Mapping[str, Any]) -> list[str]:
    return list(dict.fromkeys(attendance.person_id for attendance in ask["attendances"]))


@ACTIVITY.command(
    "activity.record",
    when=("held",),
    otherwise=_("the activity is {status}; who took part is recorded once it was held"),
    alone=True,
)
def record_attendance(
    activity: Activity,
    *,
    by: Mandate,
    at: str,
    city: City,
    volunteers: Annotated[dict[str, Volunteer], holds(VOLUNTEER, _named)],
    attendances: Annotated[list[Attendance], many(group(Attendance), least=1), "who took part, each person once"],
) -> list[Event]:
    """Record who took part in an activity: all of them or, with a mistake in one, none (C39)."""
    events: dict[str, Event] = {}
    for attendance in attendances:
        person, minutes, role = attendance.person_id, attendance.minutes, attendance.role
        if person in events:
            raise IllegalStateError(
                _("{person} is named twice; a person takes part in an activity once"),
                {"attendances": said(_("names something twice"))},
                person=person,
            )
        if person in activity.attended:
            if activity.attended[person] != minutes:
                raise IllegalStateError(
                    _("{person} is recorded with {minutes} minutes; withdraw that attendance first"),
                    {"attendances": said(_("names somebody who is recorded otherwise"))},
                    person=person,
                    minutes=activity.attended[person],
                )
            continue
        if volunteers[person].status != "registered":
            raise IllegalStateError(
                _("{person} is not a registered volunteer; register first"),
                {"attendances": said(_("names somebody who is not registered"))},
                person=person,
            )
        if role and not volunteers[person].holds(role):
            raise IllegalStateError(
                _("{person} does not hold the role {role}; take it first"),
                {"attendances": said(_("names a role that is not held"))},
                person=person,
                role=term("volunteer_roles", role),
            )
        sessions = max(1, activity.sessions)
        served = Service(activity.id, activity.title, activity.starts, minutes, activity.starts[:10], sessions)
        check_served(person, served, at, city, "attendances")
        events[person] = AttendanceRecorded(
            activity_id=activity.id,
            person_id=person,
            minutes=minutes,
            kind=activity.kind,
            role=role,
            day=activity.starts[:10],
        )
    return list(events.values())


def _nobody_recorded(activity: Activity, by: Mandate, city: City) -> Said | None:
    return None if activity.attended else said(_("nobody is recorded here"))


@ACTIVITY.command("activity.record", when=("planned", "held"), unless=_nobody_recorded, otherwise=CANCELLED)
def withdraw_attendance(
    activity: Activity,
    *,
    by: Mandate,
    at: str,
    person_id: Annotated[str, id_of("person"), "the volunteer"],
    reason: Annotated[str, text(300), "why"],
) -> list[Event]:
    """Take back an attendance that was recorded by mistake."""
    if person_id not in activity.attended:
        raise IllegalStateError(
            _("no attendance of {person} is recorded here"), {"person_id": said(_("is not recorded"))}, person=person_id
        )
    return [AttendanceWithdrawn(activity_id=activity.id, person_id=person_id, reason=reason)]
