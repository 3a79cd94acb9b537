"""Planning an activity, holding it, calling it off."""

from __future__ import annotations

from typing import Annotated

from services.volunteers.activity.facts import ActivityCancelled, ActivityHeld, ActivityPlanned
from services.volunteers.activity.state import ACTIVITY, Activity
from shared.domain.city import City
from shared.domain.command import CHOSEN
from shared.domain.errors import IllegalStateError
from shared.domain.event import Event
from shared.domain.fields import CODE, MOMENT, PLACE, code_of, id_of, line, number, text
from shared.domain.mandate import Mandate
from shared.domain.moments import before
from shared.domain.territory import lineage
from shared.domain.words import Said, _, said

#: The kind of activity that names the issue or project it serves.
DEED = "deed"
CANCELLED = _("the activity was cancelled; plan another one")
_TOOK_PART = _("people took part in the activity already; it cannot be cancelled")


def _not_yet(activity: Activity, by: Mandate, city: City) -> Said | None:
    """Why an activity of a later day is not recorded; on its day the hour decides."""
    return said(_("the activity is yet to come")) if city.day < activity.starts[:10] else None


def _attended(activity: Activity, by: Mandate, city: City) -> Said | None:
    return said(_TOOK_PART) if activity.attended else None


def begun(activity: Activity, at: str) -> None:
    """Raise `IllegalStateError` before an activity starts."""
    if before(at, activity.starts):
        raise IllegalStateError(_("the activity starts at {starts}; record it after that"), starts=activity.starts)


@ACTIVITY.command("activity.plan", new=CHOSEN)
def plan_activity(
    activity: Activity,
    *,
    by: Mandate,
    at: str,
    city: City,
    title: Annotated[str, line(200), "title of the activity"],
    kind: Annotated[str, code_of("activity_kinds"), "kind of activity"],
    place: Annotated[str, PLACE, "where it takes place"],
    starts: Annotated[str, MOMENT, "when it starts"],
    title_en: Annotated[str, line(200), "title of the activity in English"] = "",
    series: Annotated[str, CODE, "series it belongs to"] = "",
    issue_id: Annotated[str, id_of("issue"), "issue that it serves"] = "",
    project_id: Annotated[str, id_of("project"), "project that it serves"] = "",
) -> list[Event]:
    """Announce an activity; a deed names the issue or the project it serves (C38).

    Some kinds take a place where a checklist was passed, such as a station with its nine items (B32).
    """
    if activity.status != "unknown":
        return []
    city.known_place(place)
    needs = city.code("activity_kinds", kind, "kind").data.get("needs", "")
    if needs and not any(city.unlocked(one, needs) for one in lineage(place)):
        raise IllegalStateError(
            _("{kind} takes a place where the checklist for {needs} was passed; at {place} none was"),
            {"place": said(_("a checklist must be passed first"))},
            kind=kind,
            needs=needs,
            place=place,
        )
    if kind == DEED and not (issue_id or project_id):
        raise IllegalStateError(_("a deed is done for somebody: name the issue or the project it serves"))
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


@ACTIVITY.command("activity.record", unless=_not_yet, when=("planned",), again=("held",), otherwise=CANCELLED)
def hold_activity(
    activity: Activity,
    *,
    by: Mandate,
    at: str,
    sessions: Annotated[int, number(1, 1000), "sessions"] = 1,
) -> list[Event]:
    """Record that an activity took place, in how many sessions; only after it started (C39)."""
    begun(activity, at)
    if activity.status == "held":
        if activity.sessions == sessions:
            return []
        raise IllegalStateError(
            _("the activity is recorded as held in {sessions} sessions already"), sessions=activity.sessions
        )
    return [ActivityHeld(activity_id=activity.id, sessions=sessions)]


@ACTIVITY.command("activity.plan", unless=_attended, when=("planned",), again=("cancelled",), otherwise=_TOOK_PART)
def cancel_activity(
    activity: Activity, *, by: Mandate, at: str, reason: Annotated[str, text(300), "why"]
) -> list[Event]:
    """Call an activity off; not once somebody took part."""
    if activity.status == "cancelled":
        return []
    if activity.attended:
        raise IllegalStateError(_TOOK_PART)
    return [ActivityCancelled(activity_id=activity.id, reason=reason)]
