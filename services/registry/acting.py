"""A body acts for one that is missing at its place, from a day on, and until there is a real one (A22).

Which type of bodies stands in for which is said by the city (`stands_in` of a type of organisations).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from services.registry.census import below
from services.registry.organisation.state import ORGANISATION
from shared.domain.answers import PLACE_NAMES, TEXT, many, shape
from shared.domain.catalogue import OrganisationType, data_of
from shared.domain.city import City, every
from shared.domain.city_rows import NEVER
from shared.domain.fields import DAY, PLACE, code_of, id_of
from shared.domain.reader import Reader
from shared.domain.view import Row


def stood_for(city: City, type: str) -> list[str]:
    """The types of bodies that one of a type acts for where there is none."""
    entry = city.entries("organisation_types").get(type)
    rules: OrganisationType | None = data_of("organisation_types", entry.data) if entry else None
    return rules.stands_in if rules else []


def acting(city: City, body: Row, type: str) -> Iterator[tuple[str, str, str]]:
    """The spans in which a body acts for one of a type: first day, first day after, and the real body that ends it; "" for open, none."""
    real = list(every(city.rows, "city_organisations", {"type": type, "place": [body["place"]]}))
    since, last = body["since"], body["until"] or NEVER
    for one in sorted(real, key=lambda row: row["since"]):
        if since < min(one["since"], last):
            ends = one["since"] < last
            yield since, min(one["since"], last), one["organisation_id"] if ends else ""
        since = max(since, one["until"] or NEVER)
    if since < last:
        yield since, "" if last == NEVER else last, ""


def acts_as(city: City, organisation_id: str, type: str) -> bool:
    """Whether a body is of a type on the day of the city, or acts for a missing one at its place."""
    body = city.organisation(organisation_id)
    if body is None or body["type"] == type:
        return body is not None
    if type not in stood_for(city, body["type"]):
        return False
    return any(since <= city.day < (until or NEVER) for since, until, _ended_by in acting(city, body, type))


_ROW = shape(
    {"organisation": TEXT, "organisation_en": TEXT},
    **dict.fromkeys(("organisation_id", "acts_for", "place", "since", "until", "ended_by_organisation_id"), TEXT),
    place_names=PLACE_NAMES,
)


@ORGANISATION.query(answer=shape(rows=many(_ROW)))
def find_acting(
    read: Reader,
    *,
    place: Annotated[str, PLACE, "a place and everything below it; empty: the whole city"] = "",
    organisation_id: Annotated[str, id_of("organisation"), "of this body"] = "",
    acts_for: Annotated[str, code_of("organisation_types"), "for bodies of this type"] = "",
    on: Annotated[str, DAY, "on this day; empty: all times"] = "",
) -> dict[str, Any]:
    """Which body acts for which that is missing, from which day to which, and the real body that ended it (A22)."""
    rows = []
    for type in read.city.entries("organisation_types"):
        for other in stood_for(read.city, type):
            if acts_for not in ("", other):
                continue
            for body in every(read.rows, "organisations", below(place) | {"type": type}):
                if organisation_id not in ("", body["organisation_id"]):
                    continue
                for since, until, ended_by in acting(read.city, body, other):
                    told = {"organisation_id": body["organisation_id"], "acts_for": other, "place": body["place"]}
                    told |= {"since": since, "until": until, "ended_by_organisation_id": ended_by}
                    if not on or since <= on < (until or NEVER):
                        rows.append(told)
    return {"rows": read.city.named(sorted(rows, key=lambda row: (row["place"], row["acts_for"], row["since"])))}
