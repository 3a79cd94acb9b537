"""Facts about activities.

Class and field names are the storage format: rename nothing, upcast instead.
"""

from __future__ import annotations

from typing import Annotated

from shared.domain.event import Event
from shared.domain.privacy import staff, told


class ActivityPlanned(Event, frozen=True, kw_only=True):
    """An activity was announced; a deed names the issue or project it serves (C38)."""

    activity_id: str
    title: Annotated[str, told()]
    title_en: Annotated[str, told()]
    kind: str
    place: str
    starts: str  # RFC 3339
    series: str  # code of the series it belongs to, or empty
    issue_id: str
    project_id: str


class AttendanceRecorded(Event, frozen=True, kw_only=True):
    """A person took part, once: this is a person-time; distinct persons are counted apart (C39, X04)."""

    activity_id: str
    person_id: Annotated[str, staff("activity.record")]
    minutes: int
    kind: str  # of the activity
    role: str  # in which the person served, or empty (C32)
    day: str  # ISO date of the activity


class AttendanceWithdrawn(Event, frozen=True, kw_only=True):
    """An attendance was recorded by mistake and no longer counts."""

    schema = 2
    activity_id: str
    person_id: Annotated[str, staff("activity.record")]
    reason: Annotated[str, staff("activity.record")]


class ActivityHeld(Event, frozen=True, kw_only=True):
    """An activity took place, in so many sessions (C39)."""

    schema = 2
    activity_id: str
    sessions: int


class ActivityRelocated(Event, frozen=True, kw_only=True):
    """The place of a planned activity has ended; it takes place at the place that came after it."""

    activity_id: str
    place: str


class ActivityCancelled(Event, frozen=True, kw_only=True):
    """An activity will not take place."""

    activity_id: str
    reason: Annotated[str, told()]
