"""Gradings: a worker's grade, measured by a version of the city's table on the inputs that are recorded with it (B39).

The tables are catalogue entries of the kind `grade_tables`: posts of three types, eighteen levels, points for years of service and other
merits. A recorded grade names its table, version and inputs: whoever has these computes the same result.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec

from services.registry.grades import RULES, Result
from services.registry.person import PERSON, READ_NAMES, Person, shown_name, with_names
from shared.domain.answers import ACTIONS, COUNT, OTHERS, PLACE_NAMES, TEXT, YES, by_code, many, row_of, shape
from shared.domain.catalogue import data_of
from shared.domain.city import City, every
from shared.domain.decider import Decider
from shared.domain.errors import BadInputError, ForbiddenError, IllegalStateError, NotFoundError
from shared.domain.event import Event
from shared.domain.fields import CODE, DAY, PLACE, code_of, id_of, number
from shared.domain.identity import derived_id
from shared.domain.listing import Listing
from shared.domain.lists import Item
from shared.domain.mandate import Mandate
from shared.domain.period import whole_years
from shared.domain.privacy import staff
from shared.domain.reader import Reader, missing
from shared.domain.signature import holds
from shared.domain.staffing import GradeTable
from shared.domain.structures import pairs
from shared.domain.view import Row, View
from shared.domain.words import _, said

#: No units of merits besides years of service.
NONE: Mapping[str, int] = {}


# Facts. Class and field names are the storage format: rename nothing, upcast instead.
class GradeMeasured(Event, frozen=True, kw_only=True):
    """The grade of a worker by a version of a table, with all that it was computed from (B39)."""

    grading_id: Annotated[str, staff(READ_NAMES)]  # made of the person
    scheme: str  # code of the table
    scheme_version: int
    person_id: Annotated[str, staff(READ_NAMES)]
    place: str
    as_of: str  # ISO date
    track: Annotated[str, staff(READ_NAMES)]  # type of post
    track_zh: Annotated[str, staff(READ_NAMES)]
    track_en: Annotated[str, staff(READ_NAMES)]
    serving_since: Annotated[str, staff(READ_NAMES)]  # ISO date
    years: Annotated[int, staff(READ_NAMES)]  # whole years of service on the day
    units: Annotated[dict[str, int], staff(READ_NAMES)]  # of each merit
    points: Annotated[int, staff(READ_NAMES)]
    level: Annotated[int, staff(READ_NAMES)]
    coefficient: Annotated[int, staff(READ_NAMES)]  # of pay, in thousandths


class Grading(msgspec.Struct, frozen=True):
    """The grade of a worker as last measured."""

    id: str
    status: str = "unknown"  # unknown, measured
    scheme: str = ""
    scheme_version: int = 0
    person_id: str = ""
    place: str = ""
    as_of: str = ""
    track: str = ""
    track_zh: str = ""
    track_en: str = ""
    serving_since: str = ""
    years: int = 0
    units: dict[str, int] = {}
    points: int = 0
    level: int = 0
    coefficient: int = 0


def evolve(grading: Grading, event: GradeMeasured) -> Grading:
    """Apply a recorded fact. Never refuses: it has already happened."""
    told = {name: value for name, value in msgspec.structs.asdict(event).items() if name != "grading_id"}
    return Grading(id=grading.id, status="measured", **told)


GRADING = Decider("grading", (GradeMeasured,), Grading, Grading, evolve, lambda grading: grading.place)


def _id(ask: Mapping[str, Any], by: Mandate) -> str:
    return derived_id("grading", ask["scheme"], ask["person_id"])


@GRADING.command("grade.measure", new=_id, compares=True, place=lambda ask, by: by.place)
def measure_grade(
    grading: Grading,
    *,
    by: Mandate,
    at: str,
    city: City,
    person: Annotated[Person, holds(PERSON, "person_id")],
    scheme: Annotated[str, code_of("grade_tables"), "which table of grades"],
    person_id: Annotated[str, id_of("person"), "the worker"],
    track: Annotated[str, CODE, "type of post: one code of the table"],
    serving_since: Annotated[str, DAY, "first day of service"],
    units: Annotated[
        Mapping[str, int], pairs(CODE, number(0, 1000)), "units of each merit besides years of service"
    ] = NONE,
    as_of: Annotated[str, DAY, "day on which it is measured, not ahead; empty: today"] = "",
) -> list[Event]:
    """Measure the grade of a worker by the table of the day; what it was computed from is recorded with it (B39)."""
    as_of = as_of or at[:10]
    entry = city.code("grade_tables", scheme, "scheme")
    table: GradeTable = data_of("grade_tables", entry.data)
    if person.status != "registered":
        raise NotFoundError(
            _("there is no person {person}; register them first"), {"person_id": said(_("unknown"))}, person=person_id
        )
    by.require("grade.measure", person.place)
    if person_id == by.actor:
        raise ForbiddenError(
            _("nobody measures their own grade; somebody else with the power does"),
            {"person_id": said(_("must be somebody else"))},
        )
    if not max(grading.as_of, serving_since) <= as_of <= at[:10]:
        raise IllegalStateError(
            _("a grade is measured on a day up to {today}, of service that has begun, and not before the last one"),
            {"as_of": said(_("must be from {since} to {today}"), since=grading.as_of or serving_since, today=at[:10])},
            today=at[:10],
        )
    chosen = _track(table, track, units)
    years = whole_years(serving_since, as_of)
    result = RULES[table.rule](table, track, years, units)
    if not result.level:
        raise IllegalStateError(
            _("{points} points are fewer than the lowest level of {track} needs"),
            {"track": said(_("its lowest level is not reached"))},
            points=result.points,
            track=track,
        )
    measured = GradeMeasured(
        grading_id=grading.id,
        scheme=scheme,
        scheme_version=entry.version,
        person_id=person_id,
        place=person.place,
        as_of=as_of,
        track=track,
        track_zh=chosen.zh,
        track_en=chosen.en,
        serving_since=serving_since,
        years=years,
        units=dict(units),
        points=result.points,
        level=result.level,
        coefficient=result.coefficient,
    )
    return [] if evolve(grading, measured) == grading else [measured]


def _track(table: GradeTable, track: str, units: Mapping[str, int]) -> Item:
    """The type of post; raises `BadInputError` for one, or a merit, that the table does not have; years are never typed."""
    tracks = {one.code: one for one in table.tracks}
    if track not in tracks:
        raise BadInputError(
            _("{track} is no type of post of the table; known: {known}"),
            {"track": said(_("not one of the table's codes"))},
            track=track,
            known=", ".join(tracks),
        )
    merits = [one.code for one in table.merits if not one.years]
    if strange := sorted(set(units) - set(merits)):
        raise BadInputError(
            _("{strange} is no merit of the table whose units are told; known: {known}"),
            {"units": {one: said(_("not one of the table's codes")) for one in strange}},
            strange=", ".join(strange),
            known=", ".join(merits),
        )
    return tracks[track]


def recomputed(city: City, row: Mapping[str, Any]) -> Result:
    """The result once more, from the version of the table and the inputs that were recorded."""
    versions = city.versions("grade_tables")[row["scheme"]]
    (entry,) = (one for one in versions if one.version == row["scheme_version"])
    years = whole_years(row["serving_since"], row["as_of"])
    table: GradeTable = data_of("grade_tables", entry.data)
    return RULES[table.rule](table, row["track"], years, row["units"])


# Rows and figures.
_SHOWN = ("as_of", "scheme_version", "track", "track_zh", "track_en", "points", "level")


def _history(row: Row, grading: Grading, event: GradeMeasured, record: Any) -> Row:
    held = {name: getattr(event, name) for name in _SHOWN}
    return {"history": [*row.get("history", []), held | {"recorded": record.time}]}


GRADINGS = View.of(GRADING, "gradings", ("place", "scheme", "person_id", "track", "as_of"), _history)

_TEXTS = dict.fromkeys(("as_of", "track", "track_zh", "track_en", "recorded"), TEXT)
_HELD = shape(**_TEXTS, scheme_version=COUNT, points=COUNT, level=COUNT)
_ROW = row_of(GRADING, name=TEXT, history=many(_HELD), place_names=PLACE_NAMES, actions=ACTIONS)
_RESULT = shape(points=COUNT, level=COUNT, coefficient=COUNT)


_LISTED = Listing(GRADING, GRADINGS, _ROW, with_names)


@_LISTED.list("place", "as_of", power=READ_NAMES)
def find_gradings(
    place__under: Annotated[str, PLACE, "a place and everything below it; empty: your own"] = "",
    scheme: Annotated[str, code_of("grade_tables"), "by this table"] = "",
    person_id: Annotated[str, id_of("person"), "of this person"] = "",
) -> None:
    """The grades of workers as last measured, for staff of the place (B39)."""


@GRADING.query(answer=shape(others=OTHERS, recomputed=_RESULT, agrees=YES, **_ROW["properties"]))
def get_grading(read: Reader, *, grading_id: Annotated[str, id_of("grading"), "the grading"]) -> dict[str, Any]:
    """A grade with what it was computed from, and the result computed once more, for staff of the place (B39)."""
    row = read.thing("gradings", grading_id, GRADING)
    if not read.may(READ_NAMES, row["place"]):
        raise missing("grading", grading_id, "grading_id")
    person = read.rows.get("persons", row["person_id"])
    again = recomputed(read.city, row)
    result = {"points": again.points, "level": again.level, "coefficient": again.coefficient}
    agrees = all(row[name] == value for name, value in result.items())
    return row | {"name": shown_name(read, person) if person else "", "recomputed": result, "agrees": agrees}


@GRADING.query(
    answer=shape(
        **dict.fromkeys(("scheme", "place"), TEXT),
        **dict.fromkeys(("measured", "persons", "without"), COUNT),
        levels=by_code(by_code(COUNT)),
    ),
    as_of=True,
)
def grading_figures(
    read: Reader,
    *,
    scheme: Annotated[str, code_of("grade_tables"), "table of grades"],
    place: Annotated[str, PLACE, "a place and everything below it; empty: the whole city"] = "",
) -> dict[str, Any]:
    """How many of those who hold a post today that the table is for were measured, and how many are at which level (B39).

    `persons` are distinct; `levels` count those measured by type of post and level.
    """

    table: GradeTable = data_of("grade_tables", read.city.code("grade_tables", scheme, "scheme").data)
    where: Row = {"role": table.workers, "since__lte": read.today, "held_until__gt": read.today}
    where |= {"place__under": place} if place else {}
    persons = {term["person_id"] for term in every(read.rows, "appointments", where)}
    levels: dict[str, dict[str, int]] = {one.code: {} for one in table.tracks}
    measured = 0
    for row in every(read.rows, "gradings", {"scheme": scheme}):
        if row["person_id"] in persons:
            measured += 1
            of = levels.setdefault(row["track"], {})
            of[str(row["level"])] = of.get(str(row["level"]), 0) + 1
    return {
        "scheme": scheme,
        "place": place,
        "measured": measured,
        "persons": len(persons),
        "without": len(persons) - measured,
        "levels": levels,
    }
