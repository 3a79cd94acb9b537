"""What the registry counts for a place, and the organisation tree, read from the views."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from shared.domain.errors import BadInputError
from shared.domain.view import Row
from shared.views import ViewStore

#: Kind of the place whose organisations make up the levels that a compound's figures name (A03, C06).
STREET = "street"
#: Organisations in one tree at most.
LARGEST_TREE = 5000


def every(views: ViewStore, view: str, where: Mapping[str, Any], order: str = "key") -> Iterator[Row]:
    """All rows that match, page by page."""
    cursor = None
    while True:
        page = views.find(view, where, order, 500, cursor)
        yield from page.rows
        if (cursor := page.next) is None:
            return


def ancestors(place: str) -> list[str]:
    """The paths above a place, from the top down."""
    segments = place.split(".")
    return [".".join(segments[:depth]) for depth in range(1, len(segments))]


def below(place: str) -> dict[str, Any]:
    """The filter for a place and all below it; "" is the whole city."""
    return {"place__under": place} if place else {}


def combined(qualifiers: Counter[str]) -> str:
    """The qualifier of a sum (X04): exact parts give an exact sum, lower bounds a lower bound, a mixture is about."""
    vague = {qualifier for qualifier in qualifiers if qualifier != "exact"}
    return "exact" if not vague else vague.pop() if len(vague) == 1 else "about"


def household_sum(views: ViewStore, place: str) -> Row:
    """The households of a place: the sum of the latest counts of its buildings (C02)."""
    total, counted = 0, 0
    qualifiers: Counter[str] = Counter()
    oldest, latest = "", ""
    for row in every(views, "households", {**below(place), "households__gt": 0}):
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


def measure_sums(views: ViewStore, place: str) -> list[Row]:
    """Each measure of a place: its own value, or else the sum over the topmost places below that have one (C02)."""
    sums: dict[tuple[str, str], Row] = {}
    qualifiers: dict[tuple[str, str], Counter[str]] = {}
    taken: set[tuple[str, str]] = set()  # measure and place whose value includes everything below it
    for row in every(views, "measures", below(place), "place"):  # a place comes before those below it
        if any((row["measure"], path) in taken for path in ancestors(row["place"])):
            continue
        taken.add((row["measure"], row["place"]))
        name = (row["measure"], row["unit"])
        one = sums.setdefault(name, {"measure": name[0], "unit": name[1], "value": 0, "places": 0})
        one["value"] += row["value"]
        one["places"] += 1
        qualifiers.setdefault(name, Counter())[row["qualifier"]] += 1
    return [sums[name] | {"qualifier": combined(qualifiers[name])} for name in sorted(sums)]


def street_of(views: ViewStore, place: str) -> str:
    """The street that a place is or lies in, or the place itself when there is none."""
    for path in (place, *reversed(ancestors(place))):
        row = views.get("places", path)
        if row is not None and row["kind"] == STREET:
            return path
    return place


def count_figures(views: ViewStore, place: str, day: str) -> Row:
    """The figures of a place on a day (A03, A06, C02, C06): only what the registry's views hold, each recomputable.

    Organisations and appointments are those that existed on the day; posts are those not abolished,
    households and measures the latest known. `levels` counts the distinct levels present in the place's street.
    """
    standing = {"since__lte": day, "ended__gt": day}
    here = {**below(place), **standing}
    street = street_of(views, place)
    present = views.count_by("organisations", "level", {**below(street), **standing})
    profile = views.get("profiles", "current") or {"levels": []}
    in_order = [level["code"] for level in profile["levels"] if level["code"] in present]
    return {
        "place": place,
        "day": day,
        "levels_of": street,
        "levels": len(present),
        "level_codes": in_order,
        "organisations": views.count("organisations", here),
        "organisations_by_level": views.count_by("organisations", "level", here),
        "organisations_by_type": views.count_by("organisations", "type", here),
        "places_by_kind": views.count_by("places", "kind", below(place)),
        "posts": views.count("posts", {**below(place), "abolished": ""}),
        "appointments": views.count("appointments", {**below(place), "since__lte": day, "held_until__gt": day}),
        "households": household_sum(views, place),
        "measures": measure_sums(views, place),
    }


def organisation_tree(views: ViewStore, place: str, day: str) -> list[Row]:
    """The organisations at and below a place on a day, each with its `children`; the others are the roots.

    Raises `BadInputError` for more than 5000: ask for a smaller place.
    """
    where = {**below(place), "since__lte": day, "ended__gt": day}
    if (number := views.count("organisations", where)) > LARGEST_TREE:
        raise BadInputError(
            f"{number} organisations are too many for one tree",
            {"place": f"at most {LARGEST_TREE}; name a place below"},
        )
    rows = {row["organisation_id"]: row | {"children": []} for row in every(views, "organisations", where)}
    roots: list[Row] = []
    for row in rows.values():
        (rows[row["parent_id"]]["children"] if row["parent_id"] in rows else roots).append(row)
    return roots


def counted_elsewhere(views: ViewStore, place: str) -> list[str]:
    """The places above and below that have a household count, so that one more would count households twice (X03)."""
    paths = ancestors(place)
    above = views.find("households", {"place": paths, "households__gt": 0}, limit=1).rows if paths else ()
    found = views.find("households", {**below(place), "households__gt": 0}, limit=2).rows
    return [row["place"] for row in (*above, *found) if row["place"] != place]
