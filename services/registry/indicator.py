"""Indicators as documents state them: each value with its day, denominator and source, and what cannot be right is flagged (B38, B52, B20).

The indicators are catalogue entries of the kind `indicators`. A percentage that no whole number of so many makes is flagged, and so is
one that is said to have been raised when nothing is known of before.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Annotated, Any, Literal

import msgspec
from msgspec.structs import replace

from shared.domain.answers import ACTIONS, COUNT, PLACE_NAMES, TEXT, many, row_of, shape
from shared.domain.catalogue import data_of
from shared.domain.city import City
from shared.domain.decider import Decider
from shared.domain.errors import BadInputError, IllegalStateError
from shared.domain.event import Event
from shared.domain.fields import DAY, PLACE, YES, Pattern, choice, code_of, number, text
from shared.domain.identity import derived_id
from shared.domain.listing import Listing, Under
from shared.domain.lists import IndicatorKind
from shared.domain.mandate import Mandate
from shared.domain.privacy import PUBLIC, told
from shared.domain.reader import Reader
from shared.domain.view import Row, View
from shared.domain.words import _, said

_VALUE = r"\d{1,9}(\.\d{1,3})?"
#: A value as the document writes it: its decimals say how exact it is.
VALUE = Pattern(
    pattern=_VALUE,
    reason=_("must be a number like 97.5, with at most 3 decimals"),
    facets={"type": "string", "pattern": f"^{_VALUE}$", "example": "97.5"},
)
Change = Literal["stated", "raised", "lowered"]
#: Largest denominator.
_MOST = 10**9
#: Whole numbers named at most that make a percentage.
_NAMED = 5


# Facts. Class and field names are the storage format: rename nothing, upcast instead.
class IndicatorStated(Event, frozen=True, kw_only=True):
    """A document states a value as of a day, of how many, perhaps as raised or lowered (B52)."""

    indicator_id: str
    scheme: str  # code of the indicator
    scheme_version: int
    unit: str
    place: str
    as_of: str  # ISO date
    value: Annotated[str, PUBLIC]  # as written: 97.5
    denominator: int  # 0: the source does not say
    change: Change
    source: Annotated[str, told()]
    flags: Annotated[list[str], PUBLIC]  # what was found wrong when it was entered


class Stated(msgspec.Struct, frozen=True):
    """What is stated as of a day."""

    value: str
    denominator: int
    change: str
    source: str


class Indicator(msgspec.Struct, frozen=True):
    """An indicator of a place; `stated` holds what counts by its day (ISO date)."""

    id: str
    status: str = "unknown"  # unknown, stated
    scheme: str = ""
    unit: str = ""
    place: str = ""
    stated: dict[str, Stated] = {}


def evolve(indicator: Indicator, event: IndicatorStated) -> Indicator:
    """Apply a recorded fact. Never refuses: it has already happened."""
    stated = Stated(event.value, event.denominator, event.change, event.source)
    known = replace(indicator, status="stated", scheme=event.scheme, unit=event.unit, place=event.place)
    return replace(known, stated=indicator.stated | {event.as_of: stated})


INDICATOR = Decider("indicator", (IndicatorStated,), Indicator, Indicator, evolve, lambda indicator: indicator.place)


def makes(value: str, denominator: int) -> list[int]:
    """The whole numbers that are this percentage of a denominator, rounded to as many decimals as the value has (at most five)."""
    wanted, half = Fraction(value), Fraction(1, 2 * 10 ** len(value.partition(".")[2]))
    least, most = ((wanted + by) * denominator / 100 for by in (-half, half))
    first, last = max(0, -(-least.numerator // least.denominator)), min(denominator, most.numerator // most.denominator)
    return list(range(first, last + 1))[:_NAMED]


def flags(unit: str, stated: Mapping[str, Stated], as_of: str) -> list[str]:
    """What cannot be right, or is not said, of the value of a day, among all that are known."""
    one = stated[as_of]
    found = []
    if unit != "count" and not one.denominator:
        found.append("no_denominator")
    if unit == "percent" and one.denominator and not makes(one.value, one.denominator):
        found.append("impossible")
    earlier = [day for day in stated if day < as_of]
    if one.change != "stated" and not earlier:
        found.append("no_earlier")
    elif one.change != "stated":
        moved = Fraction(one.value) - Fraction(stated[max(earlier)].value)
        if moved * (1 if one.change == "raised" else -1) <= 0:
            found.append("not_so")
    return found


def _id(ask: Mapping[str, Any], by: Mandate) -> str:
    return derived_id("indicator", ask["scheme"], ask["place"])


@INDICATOR.command("indicator.state", new=_id, compares=True, place=lambda ask, by: ask["place"])
def state_indicator(
    indicator: Indicator,
    *,
    by: Mandate,
    at: str,
    city: City,
    scheme: Annotated[str, code_of("indicators"), "which indicator"],
    place: Annotated[str, PLACE, "place that it is of"],
    as_of: Annotated[str, DAY, "day as of which it is stated, not ahead"],
    value: Annotated[str, VALUE, "value as the document writes it, without the sign of its unit"],
    source: Annotated[str, text(1000), "document and sentence, for everyone to read"],
    denominator: Annotated[int, number(0, _MOST), "of how many; 0: the source does not say"] = 0,
    change: Annotated[
        Change, choice("stated", "raised", "lowered", words="change"), "whether it is said to have moved"
    ] = "stated",
) -> list[Event]:
    """Enter what a document states; what cannot be right is entered too, with a flag that says why (B20, B38, B52)."""
    city.known_place(place)
    entry = city.code("indicators", scheme, "scheme")
    rules: IndicatorKind = data_of("indicators", entry.data)
    if as_of > at[:10]:
        raise IllegalStateError(
            _("{day} has not come yet; nothing is stated as of a day ahead"),
            {"as_of": said(_("must not be in the future"))},
            day=as_of,
        )
    if rules.unit == "percent" and Fraction(value) > 100:
        raise BadInputError(
            _("{value} is more than 100 %"), {"value": said(_("must be at most {most}"), most=100)}, value=value
        )
    if rules.unit == "count" and denominator:
        raise BadInputError(_("a number is not of so many"), {"denominator": said(_("must be 0"))})
    one = Stated(value, denominator, change, source)
    if indicator.stated.get(as_of) == one:
        return []
    return [
        IndicatorStated(
            indicator_id=indicator.id,
            scheme=scheme,
            scheme_version=entry.version,
            unit=rules.unit,
            place=place,
            as_of=as_of,
            value=value,
            denominator=denominator,
            change=change,
            source=source,
            flags=flags(rules.unit, indicator.stated | {as_of: one}, as_of),
        )
    ]


# Rows.
def _values(row: Row, indicator: Indicator, event: IndicatorStated, record: Any) -> Row:
    """Each value with what is wrong with it, given all that is known by now, and the whole numbers that it can stand for."""
    values: list[Row] = []
    for day in sorted(indicator.stated):
        one = indicator.stated[day]
        percent = indicator.unit == "percent" and one.denominator
        wrong: Row = {"flags": flags(indicator.unit, indicator.stated, day)}
        wrong["counts"] = makes(one.value, one.denominator) if percent else []
        values.append({"day": day} | msgspec.to_builtins(one) | wrong)
    return {"values": values, "flagged": int(any(one["flags"] for one in values)), "latest": values[-1]["day"]}


INDICATORS = View.of(INDICATOR, "indicators", ("place", "scheme", "flagged", "latest"), _values)

_ONE = shape(
    **dict.fromkeys(("day", "value", "change", "source"), TEXT),
    denominator=COUNT,
    flags=many(TEXT),
    counts=many(COUNT),
)
_ROW = row_of(
    INDICATOR,
    "stated",
    "unit",
    **dict.fromkeys(("latest", "means", "means_en"), TEXT),
    values=many(_ONE),
    flagged=COUNT,
    place_names=PLACE_NAMES,
    actions=ACTIONS,
)


def _shown(read: Reader, row: Row) -> Row:
    """A row with what is counted of what, by the last version of the indicator."""
    rules = read.city.versions("indicators")[row["scheme"]][-1].data
    kept = {name: value for name, value in row.items() if name not in ("stated", "unit")}
    return kept | {"means": rules["means"], "means_en": rules["means_en"]}


_LISTED = Listing(INDICATOR, INDICATORS, _ROW, lambda read, rows: (_shown(read, row) for row in rows))


@_LISTED.list("-latest", "place")
def find_indicators(
    place__under: Under = "",
    scheme: Annotated[str, code_of("indicators"), "this indicator"] = "",
    flagged: Annotated[bool, YES, "only those with a value that cannot be right, or lacks something"] = False,
) -> None:
    """What documents state, each value with its day and denominator, and what is wrong with it (B52)."""


_LISTED.one(
    "An indicator with all its values; `counts` are the whole numbers that a percentage can stand for, the first five."
)
