"""What is counted and measured at a place, with its qualifier, source and day (C02, C55, X02, X04)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from services.registry.entry.state import Entry, entries, in_force
from services.registry.place.state import PLACE, QUALIFIER, HouseholdsCounted, Place, PlaceMeasured, Qualifier
from shared.domain.city import City
from shared.domain.errors import BadInputError, IllegalStateError
from shared.domain.event import Event
from shared.domain.fields import CODE, DAY, code_of, line, number
from shared.domain.fields import PLACE as PATH
from shared.domain.mandate import Mandate
from shared.domain.territory import ancestors
from shared.domain.words import _, said

#: Largest value of a measure.
LARGEST_VALUE = 10**13


@PLACE.command("registry.place", id_kind=PATH, when=("registered",))
def measure_place(
    place: Place,
    *,
    by: Mandate,
    at: str,
    city: City,
    codes: Annotated[Mapping[str, Entry], entries(measures="measure")],
    measure: Annotated[str, code_of("measures"), "what is measured, such as area, residents or built"],
    value: Annotated[int, number(0, LARGEST_VALUE), "value in the unit"],
    unit: Annotated[str, CODE, "unit, such as m2, persons or year; the same for one measure of a place"],
    qualifier: Annotated[Qualifier, QUALIFIER, "how exact it is"] = "exact",
    source: Annotated[str, line(400), "where it is known from"] = "",
    since: Annotated[str, DAY, "day from which it holds, not ahead; empty: today"] = "",
) -> list[Event]:
    """Record a measure of a place with its qualifier and source; for a day that has one this is a correction (C02, X02, X04)."""
    since = since or at[:10]
    measured = PlaceMeasured(
        place=place.id, measure=measure, value=value, unit=unit, qualifier=qualifier, source=source, since=since
    )
    known = place.known.get(measure, {})
    if known.get(since) == measured:
        return []
    if since > at[:10]:
        raise IllegalStateError(
            _("{day} has not come yet; a measure is known from today on at the latest"),
            {"since": said(_("must not be in the future"))},
            day=since,
        )
    declared = in_force(city, codes, "measures", measure, "measure").data.get("unit", "")
    if declared and unit != declared:
        raise BadInputError(
            _("{measure} is counted in {declared}, not in {unit}; persons and person-times are never one number"),
            {"unit": said(_("must be {declared}"), declared=declared)},
            measure=measure,
            declared=declared,
            unit=unit,
        )
    if qualifier != "exact" and not source:
        raise BadInputError(
            _("a number that is not exact names its source: who says so"), {"source": said(_("who says so?"))}
        )
    if others := {earlier.unit for earlier in known.values()} - {unit}:
        raise IllegalStateError(
            _("{measure} of {place} is measured in {known}, not in {unit}; convert the value"),
            {"unit": said(_("must stay the same"))},
            measure=measure,
            place=place.id,
            known=others.pop(),
            unit=unit,
        )
    return [measured]


@PLACE.command("registry.place", id_kind=PATH, alone=True, when=("registered",))
def count_households(
    place: Place,
    *,
    by: Mandate,
    at: str,
    city: City,
    households: Annotated[int, number(0, 10**7), "number of households; 0 takes a count back"],
    as_of: Annotated[str, DAY, "day of the count, not ahead; empty: today"] = "",
    qualifier: Annotated[Qualifier, QUALIFIER, "how exact it is"] = "exact",
) -> list[Event]:
    """Record how many households a building has, or a place that is not counted by building (C02)."""
    as_of = as_of or at[:10]
    counted = HouseholdsCounted(place=place.id, households=households, as_of=as_of, qualifier=qualifier)
    if place.counts.get(as_of) == counted:
        return []
    if as_of > at[:10]:
        raise IllegalStateError(
            _("{day} has not come yet; households are counted up to today"),
            {"as_of": said(_("must not be in the future"))},
            day=as_of,
        )
    if households and (other := _counted_elsewhere(city, place.id)):
        raise IllegalStateError(
            _(
                "the households of {place} are counted at {other} already and would count twice; set that count to 0 first"
            ),
            {"place": said(_("counted elsewhere")), "households": said(_("counted elsewhere"))},
            place=place.id,
            other=other,
        )
    return [counted]


def _counted_elsewhere(city: City, place: str) -> str:
    """A place above or below that has a household count, so that one more would count households twice (X03)."""
    over = ancestors(place)
    above = city.rows.find("households", {"place": over, "households__gt": 0}, limit=1).rows if over else ()
    below = city.rows.find("households", {"place__under": place, "households__gt": 0}, limit=500).rows
    counted = (str(row["place"]) for row in (*above, *below) if row["place"] != place)
    return next((one for one in counted if not (city.place(one) or {}).get("ended")), "")
