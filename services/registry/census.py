"""What the registry counts for a place: only what its views hold, each figure recomputable (A03, A06, C02, C06, X04)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Annotated, Any

from services.registry.later import entered_later
from services.registry.place.rows import ATTRIBUTE_ROW, PLACE_ROW, published, shown_place
from services.registry.place.state import PLACE
from shared.domain.answers import COUNT, OTHERS, TEXT, by_code, many, row_of, shape
from shared.domain.city import every
from shared.domain.city_rows import NEVER
from shared.domain.fields import DAY
from shared.domain.fields import PLACE as PATH
from shared.domain.reader import Reader
from shared.domain.territory import ancestors, lineage
from shared.domain.view import Row, Rows

#: Kind of the place whose organisations make up the levels that a compound's figures name (A03, C06).
STREET = "street"


def below(place: str) -> dict[str, Any]:
    """The filter for a place and all below it; "" is the whole city."""
    return {"place__under": place} if place else {}


def combined(qualifiers: Mapping[str, int]) -> str:
    """The qualifier of a sum (X04): exact parts give an exact sum, lower bounds a lower bound, a mixture is about."""
    vague = {qualifier for qualifier in qualifiers if qualifier != "exact"}
    if vague == {"at_least", "about_at_least"}:
        return "about_at_least"
    return "exact" if not vague else vague.pop() if len(vague) == 1 else "about"


def ended_by(rows: Rows, place: str, day: str) -> set[str]:
    """The places at and below a place that had ended by a day: what was counted there is counted where they went."""
    return {row["place"] for row in every(rows, "places", below(place) | {"ended__lte": day})}


def household_sum(rows: Rows, place: str, day: str) -> Row:
    """The households of a place: the sum of the counts of its buildings as they were published on a day (C02, X02)."""
    total, counted = 0, 0
    qualifiers: Counter[str] = Counter()
    oldest, latest = "", ""
    gone = ended_by(rows, place, day)
    for counted_at in every(rows, "households", below(place)):
        row = published(counted_at, "as_of", day)
        if row is None or not row["households"] or row["place"] in gone:
            continue
        total, counted = total + row["households"], counted + 1
        qualifiers[row["qualifier"]] += 1
        oldest, latest = min(oldest or row["as_of"], row["as_of"]), max(latest, row["as_of"])
    return {
        "value": total,
        "qualifier": combined(qualifiers),
        "places": counted,
        "counted_from": oldest,
        "counted_to": latest,
    }


def measure_sums(rows: Rows, place: str, day: str) -> list[Row]:
    """Each measure of a place as published on a day: its own value, or else the sum over the topmost places below with one (C02, X02)."""
    sums: dict[tuple[str, str], Row] = {}
    qualifiers: dict[tuple[str, str], Counter[str]] = {}
    taken: set[tuple[str, str]] = set()  # measure and place whose value includes everything below it
    gone = ended_by(rows, place, day)
    for measured in every(rows, "measures", below(place), "place"):  # a place comes before those below it
        row = published(measured, "since", day)
        if (
            row is None
            or row["place"] in gone
            or any((row["measure"], path) in taken for path in ancestors(row["place"]))
        ):
            continue
        taken.add((row["measure"], row["place"]))
        name = (row["measure"], row["unit"])
        one = sums.setdefault(name, {"measure": name[0], "unit": name[1], "value": 0, "places": 0})
        one["value"] += row["value"]
        one["places"] += 1
        qualifiers.setdefault(name, Counter())[row["qualifier"]] += 1
    return [sums[name] | {"qualifier": combined(qualifiers[name])} for name in sorted(sums)]


def street_of(rows: Rows, place: str) -> str:
    """The street that a place is or lies in, or the place itself when there is none."""
    for path in lineage(place):
        row = rows.get("places", path)
        if row is not None and row["kind"] == STREET:
            return path
    return place


_HOUSEHOLDS = shape(value=COUNT, qualifier=TEXT, places=COUNT, counted_from=TEXT, counted_to=TEXT)
_MEASURE = {"measure": TEXT, "unit": TEXT, "value": COUNT, "qualifier": TEXT}
_KNOWN = {
    "since": TEXT,
    "value": COUNT,
    "qualifier": TEXT,
    "source": TEXT,
    "recorded": TEXT,
    "published": TEXT,
    "corrected": TEXT,
}


@PLACE.query(
    answer=shape(
        **PLACE_ROW["properties"],
        above=many(row_of(PLACE, "known", "counts", "described", registered=TEXT, ended=TEXT)),
        below=COUNT,
        measures=many(shape(key=TEXT, place=TEXT, history=many(shape(**_KNOWN)), **_MEASURE | _KNOWN)),
        predecessors=many(shape(place=TEXT, name=TEXT, name_en=TEXT, change=TEXT, until=TEXT)),
        attributes=many(ATTRIBUTE_ROW),
        households=_HOUSEHOLDS,
        others=OTHERS,
    )
)
def get_place(read: Reader, *, place: Annotated[str, PATH, "the place"]) -> dict[str, Any]:
    """A place with the places above it, its measures and attributes with their history, and its households (C02)."""
    row = read.row("places", place, "place", "place")
    above = read.rows.get_many("places", ancestors(place))
    return shown_place(row) | {
        "above": [shown_place(above[path]) for path in ancestors(place) if path in above],
        "below": read.rows.count("places", {"parent": place, "ended": NEVER}),
        "measures": list(every(read.rows, "measures", {"place": place})),
        "predecessors": [
            {name: one[name] for name in ("place", "name", "name_en", "change", "until")}
            for one in every(read.rows, "places", {"ended__lt": NEVER})
            if place in (*one["successors"], one["heir"])
        ],
        "attributes": list(every(read.rows, "attributes", {"place": place})),
        "households": household_sum(read.rows, place, read.today),
        "actions": read.actions(PLACE, row),
        "others": read.others(PLACE, row),
    }


@PLACE.query(
    answer=shape(
        **dict.fromkeys(("place", "day", "levels_of"), TEXT),
        level_codes=many(TEXT),
        **dict.fromkeys(("levels", "organisations", "posts", "appointments"), COUNT),
        **dict.fromkeys(("organisations_by_level", "organisations_by_type", "places_by_kind"), by_code(COUNT)),
        households=_HOUSEHOLDS,
        measures=many(shape(places=COUNT, **_MEASURE)),
        entered_later=COUNT,
    ),
    as_of=True,
)
def count_figures(
    read: Reader,
    *,
    place: Annotated[str, PATH, "a place and everything below it; empty: the whole city"] = "",
    on: Annotated[str, DAY, "day; empty: today"] = "",
) -> dict[str, Any]:
    """The registry's figures of a place on a day (A03, A06, C02, C06).

    Organisations and appointments are those that existed on the day; posts are those not abolished. Households and measures are those
    that were published then: what was corrected or entered later changes no figure of before (X02). `levels` counts the distinct levels
    present in the place's street.
    """
    day = on or read.today
    return _counted(read, place, day) | entered_later(read, place, day)


def _counted(read: Reader, place: str, day: str) -> Row:
    rows = read.rows
    here, standing = below(place), {"since__lte": day, "ended__gt": day}
    street = street_of(rows, place)
    present = rows.count_by("organisations", "level", {**below(street), **standing})
    return {
        "place": place,
        "day": day,
        "levels_of": street,
        "levels": len(present),
        "level_codes": [code for code in read.city.entries("levels") if code in present],
        "organisations": rows.count("organisations", here | standing),
        "organisations_by_level": rows.count_by("organisations", "level", here | standing),
        "organisations_by_type": rows.count_by("organisations", "type", here | standing),
        "places_by_kind": rows.count_by("places", "kind", here | {"ended__gt": day}),
        "posts": rows.count("posts", here | {"abolished": ""}),
        "appointments": rows.count("appointments", here | {"since__lte": day, "held_until__gt": day}),
        "households": household_sum(rows, place, day),
        "measures": measure_sums(rows, place, day),
    }


@PLACE.query(
    answer=shape(
        place=TEXT,
        day=TEXT,
        kinds=many(shape(measure=TEXT, zh=TEXT, en=TEXT, unit=TEXT, value=COUNT, qualifier=TEXT, places=COUNT)),
        unknown=many(TEXT),
    ),
    as_of=True,
)
def population_figures(
    read: Reader,
    *,
    place: Annotated[str, PATH, "a place and everything below it; empty: the whole city"] = "",
    on: Annotated[str, DAY, "day; empty: today"] = "",
) -> dict[str, Any]:
    """How many of each kind live or work at a place, as published on a day: numbers, never names (A26, C55).

    Kinds are measures that the city says are of its population; `unknown` names those of which nothing is recorded there.
    """
    return _peopled(read, place, on or read.today)


def _peopled(read: Reader, place: str, day: str) -> Row:
    kinds = {code: entry for code, entry in read.city.entries("measures").items() if entry.data.get("population")}
    sums = [
        {"zh": kinds[one["measure"]].zh, "en": kinds[one["measure"]].en} | one
        for one in measure_sums(read.rows, place, day)
        if one["measure"] in kinds
    ]
    known = {one["measure"] for one in sums}
    return {"place": place, "day": day, "kinds": sums, "unknown": [code for code in kinds if code not in known]}
