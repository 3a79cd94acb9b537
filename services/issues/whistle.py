"""Whistles: a body calls others together about an issue; they report in within hours, act, finish, and both sides judge it (E08-E11)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
from msgspec.structs import replace

from services.issues.issue.state import ISSUE, OPEN, Issue
from shared.domain.answers import ACTIONS, COUNT, LABELS, PLACE_NAMES, TEXT, page_of, row_of, shape
from shared.domain.answers import many as list_of
from shared.domain.bodies import WhistleKind
from shared.domain.catalogue import data_of
from shared.domain.city import City, every
from shared.domain.clock import Rule, rows_of
from shared.domain.command import MADE
from shared.domain.decider import Decider
from shared.domain.errors import BadInputError, ForbiddenError, IllegalStateError, refusal
from shared.domain.event import Event, taken
from shared.domain.fields import DAY, PLACE, choice, code_of, id_of, number, text
from shared.domain.mandate import Mandate
from shared.domain.moments import before, plus_hours
from shared.domain.privacy import PUBLIC, staff, told
from shared.domain.query import Cursor, Limit, order_of
from shared.domain.reader import STAFF, Reader
from shared.domain.signature import holds
from shared.domain.structures import many, pairs
from shared.domain.territory import within
from shared.domain.view import Row, View
from shared.domain.words import Said, _, said

#: How good it was, from 1 to 5.
RATING = number(1, 5)


# Facts. Class and field names are the storage format: rename nothing, upcast instead.
class WhistleBlown(Event, frozen=True, kw_only=True):
    """A body calls others about an issue; each reports in until a time, the first of them leads (E09, E10, E11)."""

    whistle_id: str
    kind: str  # code of the catalogue entry
    kind_version: int
    issue_id: str
    place: str
    organisation_id: str  # that calls
    summoned: Annotated[list[str], PUBLIC]  # organisation ids, the lead first
    task: Annotated[str, told()]
    answer_by: Annotated[str, PUBLIC]  # RFC 3339
    person_id: Annotated[str, staff()]


class UnitReported(Event, frozen=True, kw_only=True):
    """A summoned unit reported in, in time or late."""

    whistle_id: str
    organisation_id: str
    status: str  # arrived, late
    person_id: Annotated[str, staff()]


class UnitAbsent(Event, frozen=True, kw_only=True):
    """The day of the time limit is over and a summoned unit has not reported in."""

    whistle_id: str
    organisation_id: str


class UnitFinished(Event, frozen=True, kw_only=True):
    """A unit that reported in said what it has done, and how good the call was."""

    whistle_id: str
    organisation_id: str
    result: Annotated[str, told()]
    rating: int
    person_id: Annotated[str, staff()]


class WhistleClosed(Event, frozen=True, kw_only=True):
    """The calling body said what came of it, and how good each unit was that reported in."""

    whistle_id: str
    outcome: Annotated[str, told()]
    ratings: dict[str, int]  # by organisation id
    person_id: Annotated[str, staff()]


class Unit(msgspec.Struct, frozen=True):
    """A summoned unit; `given` is its rating of the call, `got` that of the caller (0: none)."""

    status: str = "called"  # called, arrived, late, absent, finished
    timely: bool = False
    result: str = ""
    given: int = 0
    got: int = 0


class Whistle(msgspec.Struct, frozen=True):
    """A whistle with its units by organisation id."""

    id: str
    status: str = "unknown"  # unknown, blown, closed
    kind: str = ""
    kind_version: int = 0
    issue_id: str = ""
    place: str = ""
    organisation_id: str = ""
    lead: str = ""
    task: str = ""
    answer_by: str = ""
    units: dict[str, Unit] = {}
    outcome: str = ""


def evolve(whistle: Whistle, event: Event) -> Whistle:
    """Apply a recorded fact. Never refuses: it has already happened."""

    def unit(id: str, **change: Any) -> dict[str, Unit]:
        return whistle.units | {id: replace(whistle.units.get(id, Unit()), **change)}

    match event:
        case WhistleBlown():
            units = dict.fromkeys(event.summoned, Unit())
            return Whistle(
                **taken(event, Whistle, id=whistle.id, status="blown", lead=next(iter(units), ""), units=units)
            )
        case UnitReported():
            timely = event.status == "arrived"
            return replace(whistle, units=unit(event.organisation_id, status=event.status, timely=timely))
        case UnitAbsent():
            return replace(whistle, units=unit(event.organisation_id, status="absent"))
        case UnitFinished():
            done = {"status": "finished", "result": event.result, "given": event.rating}
            return replace(whistle, units=unit(event.organisation_id, **done))
        case WhistleClosed():
            rated = {id: replace(one, got=event.ratings.get(id, 0)) for id, one in whistle.units.items()}
            return replace(whistle, status="closed", outcome=event.outcome, units=rated)
    return whistle


_FACTS = (WhistleBlown, UnitReported, UnitAbsent, UnitFinished, WhistleClosed)
WHISTLE = Decider("whistle", _FACTS, Whistle, Whistle, evolve, lambda whistle: whistle.place)


@WHISTLE.command("whistle.blow", new=MADE, place="issue")
def blow_whistle(
    whistle: Whistle,
    *,
    by: Mandate,
    at: str,
    city: City,
    issue: Annotated[Issue, holds(ISSUE, "issue_id")],
    kind: Annotated[str, code_of("whistles"), "which whistle"],
    issue_id: Annotated[str, id_of("issue"), "the issue that it is about"],
    summoned: Annotated[
        list[str], many(id_of("organisation"), 1, 50, distinct=True), "who is called; the first one leads"
    ],
    task: Annotated[str, text(1000), "what each is to do, for everyone to read"],
) -> list[Event]:
    """Call units together about an open issue, from a body of the level whose whistle it is (E08, E09, E10)."""
    entry = city.code("whistles", kind, "kind")
    rules: WhistleKind = data_of("whistles", entry.data)
    caller = city.organisation(by.organisation_id)
    if caller is None or caller["level"] != rules.caller:
        raise ForbiddenError(
            _("this whistle is blown by a body of the level {level}"),
            {"kind": said(_("is another level's"))},
            level=rules.caller,
        )
    if issue.status not in OPEN:
        raise IllegalStateError(_("the issue is not open"), {"issue_id": said(_("is over"))})
    if issue.confidential:
        raise IllegalStateError(
            _("a confidential case is not called about in public"), {"issue_id": said(_("is confidential"))}
        )
    for id in summoned:
        _check_summoned(city, rules, id, by.organisation_id, issue.place)
    return [
        WhistleBlown(
            whistle_id=whistle.id,
            kind=kind,
            kind_version=entry.version,
            issue_id=issue.id,
            place=issue.place,
            organisation_id=by.organisation_id,
            summoned=summoned,
            task=task,
            answer_by=plus_hours(at, rules.hours),
            person_id=by.actor,
        )
    ]


def _check_summoned(city: City, rules: WhistleKind, id: str, caller: str, place: str) -> None:
    """Raise unless a body exists, is of a type that this whistle calls, works over the place or in its area, and is not the caller."""
    body = city.organisation(id)
    if body is None or body["until"] or id == caller:
        raise BadInputError(
            _("{id} is no other body that exists"), {"summoned": said(_("must be other bodies that exist"))}, id=id
        )
    if rules.summoned and body["type"] not in rules.summoned:
        raise BadInputError(
            _("{body} is not called by this whistle; it calls: {types}"),
            {"summoned": said(_("of another type"))},
            body=body["name"],
            types=", ".join(rules.summoned),
        )
    area = (city.organisation(caller) or {"place": place})["place"]
    if not (within(place, body["place"]) or within(body["place"], area)):
        raise BadInputError(
            _("{body} works neither over {place} nor in the area of who calls"),
            {"summoned": said(_("is elsewhere"))},
            body=body["name"],
            place=place,
        )


def _summoned(whistle: Whistle, by: Mandate) -> Said | None:
    return (
        None if by.organisation_id in whistle.units else said(_("only who was called answers, from a post of theirs"))
    )


def _caller(whistle: Whistle, by: Mandate) -> Said | None:
    own = by.organisation_id == whistle.organisation_id
    return None if own else said(_("only who called says what came of it"))


def _here(whistle: Whistle, by: Mandate, city: City) -> Said | None:
    """Why a unit need not report in: it has."""
    return None if whistle.units[by.organisation_id].status in ("called", "absent") else said(_("has reported in"))


@WHISTLE.command(
    "whistle.answer", when=("blown",), where=lambda whistle, ask, by: by.place, only=_summoned, unless=_here
)
def answer_whistle(whistle: Whistle, *, by: Mandate, at: str) -> list[Event]:
    """Report in: in time until the limit of the whistle, late after it (E09)."""
    if whistle.units[by.organisation_id].status not in ("called", "absent"):
        return []
    status = "late" if before(whistle.answer_by, at) else "arrived"
    return [UnitReported(whistle_id=whistle.id, organisation_id=by.organisation_id, status=status, person_id=by.actor)]


def _check_turn(whistle: Whistle, id: str) -> None:
    """Raise `IllegalStateError` unless a unit is at work, and the one that leads the last of them."""
    if whistle.units[id].status not in ("arrived", "late"):
        raise IllegalStateError(_("the unit reports in before it says what it has done, and says it once"))
    working = _working(whistle, but=id)
    if whistle.lead == id and working:
        raise IllegalStateError(_("who leads finishes last; still at work: {units}"), units=", ".join(working))


def _not_yet(whistle: Whistle, by: Mandate, city: City) -> Said | None:
    return refusal(lambda: _check_turn(whistle, by.organisation_id))


@WHISTLE.command(
    "whistle.answer", when=("blown",), where=lambda whistle, ask, by: by.place, only=_summoned, unless=_not_yet
)
def finish_part(
    whistle: Whistle,
    *,
    by: Mandate,
    at: str,
    result: Annotated[str, text(1000), "what the unit has done, for everyone to read"],
    rating: Annotated[int, RATING, "how good the call was: whether it was theirs to do, and clear; 1 to 5"],
) -> list[Event]:
    """Say what your unit has done; the one that leads says so after all others that reported in (E09)."""
    own = whistle.units[by.organisation_id]
    if (own.status, own.result, own.given) == ("finished", result, rating):
        return []
    _check_turn(whistle, by.organisation_id)
    return [
        UnitFinished(
            whistle_id=whistle.id, organisation_id=by.organisation_id, result=result, rating=rating, person_id=by.actor
        )
    ]


def _working(whistle: Whistle, but: str = "") -> list[str]:
    return sorted(id for id, unit in whistle.units.items() if unit.status in ("arrived", "late") and id != but)


def _check_over(whistle: Whistle) -> None:
    """Raise `IllegalStateError` while a unit may still report in or is at work."""
    if called := sorted(id for id, unit in whistle.units.items() if unit.status == "called"):
        raise IllegalStateError(
            _("the time to report in is not over for: {units}"),
            {"ratings": said(_("too early"))},
            units=", ".join(called),
        )
    if working := _working(whistle):
        raise IllegalStateError(
            _("still at work: {units}"), {"ratings": said(_("too early"))}, units=", ".join(working)
        )


def _not_over(whistle: Whistle, by: Mandate, city: City) -> Said | None:
    return refusal(lambda: _check_over(whistle))


@WHISTLE.command("whistle.blow", when=("blown",), only=_caller, unless=_not_over)
def close_whistle(
    whistle: Whistle,
    *,
    by: Mandate,
    at: str,
    outcome: Annotated[str, text(1000), "what came of it, for everyone to read"],
    ratings: Annotated[
        dict[str, int], pairs(id_of("organisation"), RATING, 50), "how good each unit was that reported in; 1 to 5"
    ],
) -> list[Event]:
    """Say what came of a whistle and judge each unit that reported in, once all of them have finished (E09)."""
    _check_over(whistle)
    there = sorted(id for id, unit in whistle.units.items() if unit.status == "finished")
    if sorted(ratings) != there:
        raise BadInputError(
            _("judge each unit that reported in, and no other: {units}"),
            {"ratings": said(_("must be of those that reported in"))},
            units=", ".join(there) or "-",
        )
    return [WhistleClosed(whistle_id=whistle.id, outcome=outcome, ratings=ratings, person_id=by.actor)]


def miss_whistle(whistle: Whistle, *, by: Mandate, at: str) -> list[Event]:
    """Who has not reported in on the day of the time limit is absent; they can still come, and are late then."""
    if whistle.status != "blown" or whistle.answer_by[:10] >= at[:10]:
        return []
    absent = [id for id, unit in whistle.units.items() if unit.status == "called"]
    return [UnitAbsent(whistle_id=whistle.id, organisation_id=id) for id in absent]


# Rows and figures.
def _waiting(row: Row, whistle: Whistle, event: Event, record: Any) -> Row:
    """When it was blown, the day after which who has not come is absent, and how many are waited for."""
    return {
        "blown": row.get("blown", record.occurred),
        "answer_day": whistle.answer_by[:10],
        "waiting": sum(unit.status == "called" for unit in whistle.units.values()),
    }


WHISTLES = View.of(
    WHISTLE,
    "whistles",
    ("place", ("kind", "status"), "organisation_id", "issue_id", "blown", ("waiting", "answer_day")),
    _waiting,
)
ABSENT = Rule(
    "whistle_absent",
    WHISTLE,
    rows=rows_of("whistles", lambda day: {"status": "blown", "waiting__gt": 0, "answer_day__lt": day}),
    decide=miss_whistle,
    period=lambda row: str(row["answer_by"]),
)
#: What is counted of a unit.
_RECORD = ("called", "arrived", "came_late", "absent", "finished", "rated", "stars")
_ROW = row_of(
    WHISTLE, optional=LABELS, blown=TEXT, answer_day=TEXT, waiting=COUNT, place_names=PLACE_NAMES, actions=ACTIONS
)


@WHISTLE.query(answer=page_of(_ROW), power=STAFF)
def find_whistles(
    read: Reader,
    *,
    place__under: Annotated[str, PLACE, "a place and everything below it; empty: your own"] = "",
    kind: Annotated[str, code_of("whistles"), "of this kind"] = "",
    organisation_id: Annotated[str, id_of("organisation"), "blown by this body"] = "",
    issue_id: Annotated[str, id_of("issue"), "about this issue"] = "",
    status: Annotated[str, choice("blown", "closed", words="whistle status"), "in this state"] = "",
    order: Annotated[str, order_of("blown", "place"), "sorted by; - before it: descending"] = "-blown",
    limit: Limit = 50,
    cursor: Cursor = "",
) -> dict[str, Any]:
    """Whistles with who was called, who came and what each has done, for staff (E08, E09)."""
    where = {"place__under": place__under, "kind": kind, "organisation_id": organisation_id}
    where |= {"issue_id": issue_id, "status": status}
    return read.named_page("whistles", where, limit, cursor, order, WHISTLE)


@WHISTLE.query(
    answer=shape(
        place=TEXT,
        since=TEXT,
        until=TEXT,
        whistles=COUNT,
        by_kind={"type": "object", "additionalProperties": COUNT},
        units=list_of(
            shape(
                dict.fromkeys(("name", "name_en"), TEXT),
                organisation_id=TEXT,
                **dict.fromkeys(_RECORD, COUNT),
            )
        ),
    ),
    power=STAFF,
    as_of=True,
)
def whistle_figures(
    read: Reader,
    *,
    place__under: Annotated[str, PLACE, "a place and everything below it; empty: your own"] = "",
    since: Annotated[str, DAY, "blown on this day or later"] = "",
    until: Annotated[str, DAY, "blown before this day"] = "",
) -> dict[str, Any]:
    """How often each level whistled, and of each unit how often it was called, came in time, late or not, and its ratings (E08, E15)."""
    where: Row = {"place__under": place__under} if place__under else {}
    where |= ({"blown__gte": since} if since else {}) | ({"blown__lt": until} if until else {})
    kinds, units = Counter[str](), dict[str, Counter[str]]()
    for row in every(read.rows, "whistles", where):
        kinds[row["kind"]] += 1
        for id, unit in row["units"].items():
            _count(units.setdefault(id, Counter()), unit)
    bodies = {id: read.city.organisation(id) or {} for id in units}
    return {
        "place": place__under,
        "since": since,
        "until": until,
        "whistles": kinds.total(),
        "by_kind": dict(kinds),
        "units": [
            {"organisation_id": id, "name": bodies[id].get("name", ""), "name_en": bodies[id].get("name_en", "")}
            | {name: units[id][name] for name in _RECORD}
            for id in sorted(units)
        ],
    }


def _count(sums: Counter[str], unit: Mapping[str, Any]) -> None:
    """What one whistle counts for in the record of a unit: who finished came too."""
    came = unit["status"] in ("arrived", "late", "finished")
    sums.update(
        called=1,
        arrived=int(came and unit["timely"]),
        came_late=int(came and not unit["timely"]),
        absent=int(unit["status"] == "absent"),
        finished=int(unit["status"] == "finished"),
        rated=int(unit["got"] > 0),
        stars=unit["got"],
    )
