"""Lists of activities and of who took part; person-times and distinct persons are counted apart (C39, C44, X04)."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec.structs import asdict

from services.volunteers.activity.facts import ActivityRelocated, AttendanceRecorded, AttendanceWithdrawn
from services.volunteers.activity.state import ACTIVITY, Activity
from services.volunteers.volunteer import NAMED, with_names
from shared.domain.answers import ACTIONS, COUNT, LABELS, OTHERS, PLACE_NAMES, TEXT, by_code, page_of, row_of, shape
from shared.domain.event import Event
from shared.domain.fields import CODE, DAY, PLACE, choice, code_of, id_of
from shared.domain.listing import Listing, Under
from shared.domain.query import Cursor, Limit
from shared.domain.reader import Reader
from shared.domain.record import Record
from shared.domain.relocating import Relocating
from shared.domain.view import OWN, Counts, Row, View, counted_at, tally


def _announced(row: Row, activity: Activity, event: Event, record: Record) -> Row:
    """The day, and who announced it."""
    answering = row or {"organisation_id": record.on_behalf_of, "post_id": record.mandate}
    return {
        "day": activity.starts[:10],
        "organisation_id": answering["organisation_id"],
        "post_id": answering["post_id"],
    }


def _attendance_key(event: Any, record: Record) -> str | None:
    own = isinstance(event, AttendanceRecorded | AttendanceWithdrawn)
    return f"{event.activity_id}:{event.person_id}" if own else None


def _attendance(row: Row, event: Event, record: Record, key: str) -> Row | None:
    """One row a person-time."""
    return asdict(event) | {"place": record.place} if isinstance(event, AttendanceRecorded) else None


def _counts(row: Row) -> Counts:
    kind, attended, held = row["kind"], row["attended"], row["status"] == "held"
    return {
        "activities": {kind: int(held)},
        "sessions": {kind: row["sessions"]},
        "person_times": {kind: len(attended)},
        "minutes": {kind: sum(attended.values())},
        "late": row["late"],
    }


def _persons_at(row: Row) -> tuple[str, ...]:
    return tuple(f"{place}:{row['person_id']}" for place in counted_at(row))


def _person_at(key: str) -> Row:
    place, _colon, person_id = key.partition(":")
    return {"place": place, "person_id": person_id}


ACTIVITIES = View.of(
    ACTIVITY,
    "activities",
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
    _announced,
)
FOLLOWS = Relocating(ACTIVITY, "activities", ActivityRelocated, ("planned",))
ACTIVITY_SUMS = tally("activity_sums", ACTIVITIES, _counts, day="day", folding=2)
ATTENDANCES = View(
    "attendances",
    OWN,
    _attendance_key,
    _attendance,
    ("place", "activity_id", "person_id", "day", ("kind", "place"), ("role", "place"), "minutes"),
)
#: One row for each person and each territory they took part in, so that who served two compounds counts once for their street.
PARTICIPANTS = tally(
    "participants",
    ATTENDANCES,
    lambda row: {"times": 1, "minutes": row["minutes"]},
    at=_persons_at,
    labels=_person_at,
    indexes=("place", "person_id"),
)


def _shown(row: Row) -> Row:
    """A row for everybody: how many took part, not who."""
    counted = {"person_times": len(row["attended"]), "minutes": sum(row["attended"].values())}
    return {name: value for name, value in row.items() if name != "attended"} | counted


_ANSWER = row_of(
    ACTIVITY,
    "attended",
    optional=LABELS,
    day=TEXT,
    organisation_id=TEXT,
    post_id=TEXT,
    person_times=COUNT,
    minutes=COUNT,
    place_names=PLACE_NAMES,
    actions=ACTIONS,
)
_ATTENDANCE = shape(**NAMED, activity_id=TEXT, minutes=COUNT, kind=TEXT, role=TEXT, day=TEXT)


_LISTED = Listing(ACTIVITY, ACTIVITIES, _ANSWER, lambda read, rows: map(_shown, rows))


@_LISTED.list("place", "day", "starts")
def find_activities(
    kind: Annotated[str, code_of("activity_kinds"), "only this kind"] = "",
    status: Annotated[str, choice("planned", "held", "cancelled"), "only in this status"] = "",
    series: Annotated[str, CODE, "only this series"] = "",
    issue_id: Annotated[str, id_of("issue"), "only those that serve this issue"] = "",
    project_id: Annotated[str, id_of("project"), "only those that serve this project"] = "",
    day__gte: Annotated[str, DAY, "on this day or later"] = "",
    day__lt: Annotated[str, DAY, "before this day"] = "",
    place__under: Under = "",
) -> None:
    """Activities, with their sessions, person-times and minutes (C38, C39)."""


@ACTIVITY.query(
    answer=_ANSWER | {"properties": _ANSWER["properties"] | {"others": OTHERS, "attendances": page_of(_ATTENDANCE)}}
)
def get_activity(
    read: Reader,
    *,
    activity_id: Annotated[str, id_of("activity"), "the activity"],
    limit: Limit = 50,
    cursor: Cursor = "",
) -> Row:
    """An activity; who took part is shown to those who record it."""
    row = read.row("activities", activity_id, "activity", "activity_id")
    (shown,) = read.city.named([_shown(row)])
    shown |= {"actions": read.actions(ACTIVITY, row), "others": read.others(ACTIVITY, row)}
    if not read.may("activity.record", row["place"]):
        return shown
    page = read.page("attendances", {"activity_id": activity_id}, limit, cursor)
    return shown | {"attendances": page | {"rows": with_names(read, page["rows"])}}


@ACTIVITY.query(
    answer=shape(
        {"activities": COUNT, "sessions": COUNT},
        person_times=COUNT,
        persons=COUNT,
        minutes=COUNT,
        by_role=by_code(COUNT),
    ),
    as_of=True,
)
def activity_figures(
    read: Reader,
    *,
    place: Annotated[str, PLACE, "territory; empty: everywhere"] = "",
    kind: Annotated[str, code_of("activity_kinds"), "only this kind"] = "",
    role: Annotated[str, code_of("volunteer_roles"), "only served in this role (attendance only)"] = "",
    since: Annotated[str, DAY, "from this day on"] = "",
    until: Annotated[str, DAY, "before this day"] = "",
) -> Row:
    """Sessions, person-times, distinct persons and minutes of one kind, role or period, counted row by row (C44)."""
    chosen = {"place__under": place, "kind": kind, "day__gte": since, "day__lt": until}
    where = {name: value for name, value in chosen.items() if value}
    served = where | ({"role": role} if role else {})

    times = read.rows.count_by("attendances", "person_id", served)
    minutes = read.rows.count_by("attendances", "minutes", served)
    figures: Row = {
        "person_times": sum(times.values()),
        "persons": len(times),
        "minutes": sum(length * count for length, count in minutes.items()),
        "by_role": {name: count for name, count in read.rows.count_by("attendances", "role", served).items() if name},
    }
    if not role:
        sessions = read.rows.count_by("activities", "sessions", where | {"status": "held"})
        figures |= {
            "activities": sum(sessions.values()),
            "sessions": sum(n * count for n, count in sessions.items()),
        }
    return figures
