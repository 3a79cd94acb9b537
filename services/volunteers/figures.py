"""The figures of the service: volunteers, sessions, patrols, wishes and reports of a territory, each counted apart (C39, C44, X04)."""

from __future__ import annotations

from typing import Annotated

from services.volunteers.volunteer import VOLUNTEER
from shared.domain.answers import COUNT, TEXT, by_code, shape
from shared.domain.fields import PLACE
from shared.domain.reader import Reader
from shared.domain.territory import EVERYWHERE
from shared.domain.view import Row

#: Figures that are one number, and those that are a number for each code, each with the sums that have it.
_PLAIN = {
    "volunteers": "volunteer_sums",
    "patrols": "patrol_sums",
    "patrol_person_times": "patrol_sums",
    "findings": "patrol_sums",
}
_CODED = {
    "roles": "role_sums",
    "teams": "team_sums",
    "activities": "activity_sums",
    "sessions": "activity_sums",
    "person_times": "activity_sums",
    "minutes": "activity_sums",
    "wishes": "wish_sums",
}
_REPORTED = ("members_surveyed", "members_not_reported", "members_reported", "members_confirmed", "units_reported")


@VOLUNTEER.query(
    answer=shape(
        place=TEXT,
        **dict.fromkeys(_PLAIN, COUNT),
        **dict.fromkeys(_CODED, shape(total=COUNT, by=by_code(COUNT))),
        persons=COUNT,
        **dict.fromkeys(_REPORTED, COUNT),
        claims_expired=COUNT,
        late=COUNT,
    ),
    as_of=True,
)
def volunteer_figures(read: Reader, *, place: Annotated[str, PLACE, "territory; empty: everywhere"] = "") -> Row:
    """Volunteers, sessions, person-times, distinct persons, patrols and wishes of a territory, each counted apart (C39, C44, X04).

    `late` counts facts that were recorded a day or more after they happened (X02).
    """
    return _counted(read, place)


def _counted(read: Reader, place: str) -> Row:
    views = sorted({*_PLAIN.values(), *_CODED.values(), "report_in_sums"})
    sums = {view: read.rows.get(view, place or EVERYWHERE) or {} for view in views}
    figures: Row = {"place": place} | {name: sums[view].get(name, 0) for name, view in _PLAIN.items()}
    for name, view in _CODED.items():
        codes = sums[view].get(name, {})
        figures[name] = {"total": sum(codes.values()), "by": dict(sorted(codes.items()))}
    expired = {"status": "claimed", "expires__lte": read.today} | ({"place__under": place} if place else {})
    return (
        figures
        | {"persons": read.rows.count("participants", {"place": place or EVERYWHERE})}
        | {name: sums["report_in_sums"].get(name, 0) for name in _REPORTED}
        | {"claims_expired": read.rows.count("wishes", expired)}
        | {"late": sum(found.get("late", 0) for found in sums.values())}
    )
