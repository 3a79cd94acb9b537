"""Places are registered below a parent and renamed from a day on (C29, C50, D04, X03)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated

from services.registry.entry.state import Entry, entries, in_force
from services.registry.place.state import PLACE, Named, Place, PlaceRegistered, PlaceRenamed
from services.registry.standing import STANDING, Standing, asked_standings, first_standings
from shared.domain.city import City, every, unlike
from shared.domain.command import GIVEN, On, on
from shared.domain.errors import IllegalStateError, NotFoundError
from shared.domain.event import Event
from shared.domain.fields import CODE, DAY, code_of, line
from shared.domain.fields import PLACE as PATH
from shared.domain.mandate import Mandate
from shared.domain.signature import holds
from shared.domain.structures import pairs
from shared.domain.view import Row
from shared.domain.words import _, said

#: No schemes.
NONE: Mapping[str, str] = {}


@PLACE.command("registry.place", new=GIVEN, id_kind=PATH, alone=True)
def register_place(
    place: Place,
    *,
    by: Mandate,
    at: str,
    city: City,
    above: Annotated[Place | None, holds(PLACE, "parent")],
    codes: Annotated[Mapping[str, Entry], entries(place_kinds="kind")],
    held: Annotated[Mapping[str, Standing], holds(STANDING, asked_standings)],
    kind: Annotated[
        str, code_of("place_kinds"), "kind: street, community, compound, building or another of the city's"
    ],
    name: Annotated[str, line(100), "name in Chinese"],
    name_en: Annotated[str, line(200), "name in English"] = "",
    parent: Annotated[str, PATH, "path of the parent; empty for a topmost place"] = "",
    standings: Annotated[
        Mapping[str, str], pairs(CODE, CODE), "what it is by each scheme: required of those that are total for its kind"
    ] = NONE,
) -> list[Event | On]:
    """Register a place below its parent, with its code of each scheme that is total for its kind (C02, C29, C50, D04, X03)."""
    if place.status != "unknown":
        first_name = place.names.get("", Named(place.name, place.name_en))
        if (place.kind, place.parent, first_name) == (kind, parent, Named(name, name_en)):
            return []
        raise IllegalStateError(
            _("{place} is registered already as {name}; a path names one place"),
            {"place": said(_("registered already"))},
            place=place.id,
            name=place.name,
        )
    if place.id.rpartition(".")[0] != parent:
        raise IllegalStateError(
            _("the path {place} must be that of its parent ({parent}) and one part more"),
            {"parent": said(_("must be the path without its last part"))},
            place=place.id,
            parent=parent or "-",
        )
    if above is not None and above.status == "unknown":
        raise NotFoundError(
            _("there is no place {place}; register it first"), {"parent": said(_("unknown"))}, place=parent
        )
    city.known_place(parent, "parent")
    in_force(city, codes, "place_kinds", kind, "kind")
    unlike(name, _beside(city, place.id, parent))
    registered = PlaceRegistered(place=place.id, kind=kind, name=name, name_en=name_en, parent=parent)
    first = first_standings(city, held, place.id, kind, standings, at[:10])
    return [registered, *(on(STANDING, id, fact) for id, fact in first)]


def _beside(city: City, place: str, parent: str) -> Iterable[Row]:
    """The other places below a parent that have not ended."""
    beside = every(city.rows, "city_places", {"parent": parent})
    return (row for row in beside if row["place"] != place and not row.get("ended"))


@PLACE.command("registry.place", id_kind=PATH, alone=True, when=("registered",))
def rename_place(
    place: Place,
    *,
    by: Mandate,
    at: str,
    city: City,
    name: Annotated[str, line(100), "name in Chinese"],
    name_en: Annotated[str, line(200), "name in English"] = "",
    since: Annotated[str, DAY, "day from which it holds, not ahead; empty: today"] = "",
) -> list[Event]:
    """Give a place another name from a day on; its path and what it was called before stay."""
    since = since or at[:10]
    if (place.name, place.name_en) == (name, name_en):
        return []
    if since > at[:10]:
        raise IllegalStateError(
            _("{day} has not come yet; a place is renamed from today on at the latest"),
            {"since": said(_("must not be in the future"))},
            day=since,
        )
    if since <= (last := max(place.names, default="")):
        raise IllegalStateError(
            _("{place} was renamed on {day}; its next name holds from a later day on"),
            {"since": said(_("must be later"))},
            place=place.id,
            day=last,
        )
    unlike(name, _beside(city, place.id, place.parent))
    return [PlaceRenamed(place=place.id, name=name, name_en=name_en, since=since)]
