"""Figures of volunteers, teams, activities, patrols, wishes and report-ins at a place, of all times or of a period (A04, C39, C44, X04)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from services.volunteers.activity.rows import ACTIVITY_SUMS
from services.volunteers.patrol import PATROL_SUMS
from services.volunteers.report_in import REPORT_IN_SUMS
from services.volunteers.team import TEAM_SUMS
from services.volunteers.volunteer import ROLE_SUMS, VOLUNTEER, VOLUNTEER_SUMS
from services.volunteers.wish.rows import WISH_SUMS
from shared.domain.answers import COUNT, TEXT, by_code, shape
from shared.domain.fields import DAY, PLACE
from shared.domain.reader import Reader, within_period
from shared.domain.territory import EVERYWHERE
from shared.domain.view import Row, Tally

#: Figures that are one number, and those that are a number for each code, each with the sums that have it.
_PLAIN: Mapping[str, Tally] = {
    "volunteers": VOLUNTEER_SUMS,
    "patrols": PATROL_SUMS,
    "patrol_person_times": PATROL_SUMS,
    "findings": PATROL_SUMS,
}
_CODED: Mapping[str, Tally] = {
    "roles": ROLE_SUMS,
    "teams": TEAM_SUMS,
    "activities": ACTIVITY_SUMS,
    "sessions": ACTIVITY_SUMS,
    "person_times": ACTIVITY_SUMS,
    "minutes": ACTIVITY_SUMS,
    "wishes": WISH_SUMS,
}
_SUMS = (VOLUNTEER_SUMS, ROLE_SUMS, TEAM_SUMS, ACTIVITY_SUMS, PATROL_SUMS, WISH_SUMS, REPORT_IN_SUMS)
_REPORTED = ("members_surveyed", "members_not_reported", "members_reported", "members_confirmed", "units_reported")


@VOLUNTEER.query(
    answer=shape(
        place=TEXT,
        since=TEXT,
        until=TEXT,
        **dict.fromkeys(_PLAIN, COUNT),
        **dict.fromkeys(_CODED, shape(total=COUNT, by=by_code(COUNT))),
        persons=COUNT,
        **dict.fromkeys(_REPORTED, COUNT),
        claims_expired=COUNT,
        late=COUNT,
    ),
    as_of=True,
)
def volunteer_figures(
    read: Reader,
    *,
    place: Annotated[str, PLACE, "territory; empty: everywhere"] = "",
    since: Annotated[str, DAY, "what began on this day or later"] = "",
    until: Annotated[str, DAY, "what began before this day"] = "",
) -> Row:
    """Volunteers, sessions, person-times, distinct persons, patrols and wishes of a territory, each counted apart (A04, C39, C44, X04).

    Of a period: who registered, took a role, reported in, what was formed, held, walked and asked for in it. `late` counts facts that were
    recorded a day or more after they happened (X02).
    """
    return _counted(read, place, since, until)


def _counted(read: Reader, place: str, since: str, until: str) -> Row:
    sums = {tally.name: read.sums(tally, place, since, until) for tally in _SUMS}
    figures: Row = {"place": place, "since": since, "until": until}
    figures |= {name: sums[tally.name].get(name, 0) for name, tally in _PLAIN.items()}
    for name, tally in _CODED.items():
        codes = sums[tally.name].get(name, {})
        figures[name] = {"total": sum(codes.values()), "by": dict(sorted(codes.items()))}
    expired = {"status": "claimed", "expires__lte": read.today}
    return (
        figures
        | {"persons": _persons(read, place, since, until)}
        | {name: sums[REPORT_IN_SUMS.name].get(name, 0) for name in _REPORTED}
        | {"claims_expired": read.rows.count("wishes", expired | _asked(place, since, until))}
        | {"late": sum(found.get("late", 0) for found in sums.values())}
    )


def _asked(place: str, since: str, until: str) -> dict[str, str]:
    """Filters of the wishes that were asked for in a period."""
    return (
        within_period(WISH_SUMS.day, place, since, until)
        if since or until
        else {"place__under": place}
        if place
        else {}
    )


def _persons(read: Reader, place: str, since: str, until: str) -> int:
    """Distinct persons who took part in activities."""
    if not (since or until):
        return read.rows.count("participants", {"place": place or EVERYWHERE})
    return len(read.rows.count_by("attendances", "person_id", within_period("day", place, since, until)))
