"""Costs that a hub and those linked to it share: split to the fen by households or in equal parts, once a service and period (E19)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
from msgspec.structs import replace

from services.registry.census import household_sum
from services.registry.subjects import held_on, there
from shared.domain.answers import ACTIONS, COUNT, OTHERS, PLACE_NAMES, TEXT, by_code, many, page_of, row_of, shape
from shared.domain.catalogue import LinkKind, data_of
from shared.domain.city import City, every
from shared.domain.decider import Decider
from shared.domain.errors import BadInputError, IllegalStateError
from shared.domain.event import Event
from shared.domain.fields import DAY, FEN, PLACE, choice, code_of, id_of, text
from shared.domain.identity import derived_id
from shared.domain.mandate import Mandate
from shared.domain.privacy import PUBLIC, told
from shared.domain.query import Cursor, Limit, order_of
from shared.domain.reader import Reader
from shared.domain.territory import within
from shared.domain.view import View
from shared.domain.words import _, said, term


class Part(msgspec.Struct, frozen=True):
    """What one place bears: `weight` households, or 1 where all bear the same; fen."""

    place: str
    weight: int
    fen: int


# Facts. Class and field names are the storage format: rename nothing, upcast instead.
class CostShared(Event, frozen=True, kw_only=True):
    """The cost of a service in a period was split among a hub and those linked to it that day (E19)."""

    sharing_id: str
    kind: str  # of the link
    kind_version: int
    place: str  # of the hub
    service: Annotated[str, PUBLIC]  # code
    since: str  # ISO date
    until: str  # ISO date, the first day after
    amount_fen: int
    basis: Annotated[str, PUBLIC]  # households, equal
    parts: Annotated[tuple[Part, ...], PUBLIC]
    grounds: Annotated[str, told()]
    person_id: Annotated[str, PUBLIC]


class SharingWithdrawn(Event, frozen=True, kw_only=True):
    """Costs are not shared as it was decided; they can be split anew."""

    sharing_id: str
    reason: Annotated[str, told()]


class Sharing(msgspec.Struct, frozen=True):
    """How a cost is split; the parts sum to the amount (X03)."""

    id: str
    status: str = "unknown"  # unknown, shared, withdrawn
    kind: str = ""
    kind_version: int = 0
    place: str = ""
    service: str = ""
    since: str = ""
    until: str = ""
    amount_fen: int = 0
    basis: str = ""
    parts: tuple[Part, ...] = ()
    grounds: str = ""
    person_id: str = ""
    reason: str = ""


def evolve(sharing: Sharing, event: CostShared | SharingWithdrawn) -> Sharing:
    """Apply a recorded fact. Never refuses: it has already happened."""
    match event:
        case CostShared():
            fields = {name: getattr(event, name) for name in event.__struct_fields__ if name != "sharing_id"}
            return Sharing(id=sharing.id, status="shared", **fields)
        case SharingWithdrawn():
            return replace(sharing, status="withdrawn", reason=event.reason)


SHARING = Decider("sharing", (CostShared, SharingWithdrawn), Sharing, Sharing, evolve, lambda sharing: sharing.place)


def split(amount_fen: int, weights: Mapping[str, int]) -> tuple[Part, ...]:
    """Shares of an amount in proportion to weights, whole fen that sum to it; the rest goes to the largest remainders, ties by place."""
    total = sum(weights.values())
    floor = {place: amount_fen * weight // total for place, weight in weights.items()}
    order = sorted(weights, key=lambda place: (-(amount_fen * weights[place] % total), place))
    extra = set(order[: amount_fen - sum(floor.values())])
    return tuple(Part(place, weights[place], floor[place] + (place in extra)) for place in sorted(weights))


def _id(ask: Mapping[str, Any], by: Mandate) -> str:
    return derived_id("sharing", ask["kind"], ask["hub"], ask["service"], ask["since"])


@SHARING.command("link.share", new=_id, compares=True, alone=True, place=lambda ask, by: ask["hub"])
def share_cost(
    sharing: Sharing,
    *,
    by: Mandate,
    at: str,
    city: City,
    kind: Annotated[str, code_of("links"), "kind of link by which places share: one hub, its members"],
    hub: Annotated[str, PLACE, "the hub"],
    service: Annotated[str, code_of("shared_services"), "service that is shared, such as guards"],
    since: Annotated[str, DAY, "first day that it is for; who is linked on it shares"],
    until: Annotated[str, DAY, "first day after"],
    amount_fen: Annotated[int, FEN, "cost of the whole in fen"],
    basis: Annotated[str, choice("households", "equal", words="basis"), "by households, or all the same"],
    grounds: Annotated[str, text(400), "the decision that it rests on, for everyone to read"],
) -> list[Event]:
    """Split the cost of a service of a period among a hub and its members; the shares sum to the cost (E19, X03)."""
    entry = city.code("links", kind, "kind")
    rules: LinkKind = data_of("links", entry.data)
    if not rules.star or "place" not in (rules.near, rules.far):
        raise BadInputError(_("links of the kind {kind} have no hub"), {"kind": said(_("has no hub"))}, kind=kind)
    there(city, rules.near, rules.near_of, hub, "hub")
    city.code("shared_services", service, "service")
    if until <= since:
        raise BadInputError(
            _("a period from {since} to before {until} has no day"),
            {"until": said(_("must be after {day}"), day=since)},
            since=since,
            until=until,
        )
    members = _members(city, kind, hub, since)
    if not members:
        raise IllegalStateError(
            _("nothing is linked to {hub} on {day}: there is nobody to share with"),
            {"hub": said(_("has no member on that day"))},
            hub=hub,
            day=since,
        )
    for place, needs in ((hub, rules.needs), *((member, rules.far_needs) for member in members)):
        by.require("link.share", place)
        if not city.unlocked(place, needs):
            raise IllegalStateError(
                _("{place} does not meet the conditions any more: no checklist that unlocks {needs} is passed"),
                {"hub": said(_("conditions are not met"))},
                place=place,
                needs=needs,
            )
    parts = split(amount_fen, _weights(city, [hub, *members], basis, since))
    made = CostShared(
        sharing_id=sharing.id,
        kind=kind,
        kind_version=entry.version,
        place=hub,
        service=service,
        since=since,
        until=until,
        amount_fen=amount_fen,
        basis=basis,
        parts=parts,
        grounds=grounds,
        person_id=by.actor,
    )
    if sharing.status == "shared":
        said_again = replace(evolve(sharing, made), kind_version=sharing.kind_version, person_id=sharing.person_id)
        if said_again == sharing:
            return []
    _free(city, made)
    return [made]


def _members(city: City, kind: str, hub: str, day: str) -> list[str]:
    """The places that are linked to a hub on a day (ISO date)."""
    rows = every(city.rows, "links", {"kind": kind, "near": hub})
    return sorted({row["far"] for row in rows if any(held_on(one, day) for one in row["history"])})


def _weights(city: City, places: list[str], basis: str, day: str) -> dict[str, int]:
    """How much each place weighs; raises `IllegalStateError` for one whose households nobody has counted."""
    if basis == "equal":
        return dict.fromkeys(places, 1)
    weights = {place: household_sum(city.rows, place, city.day)["value"] for place in places}
    if uncounted := [place for place, weight in weights.items() if not weight]:
        raise IllegalStateError(
            _("nobody has counted the households of {places}; count them, or share in equal parts"),
            {"basis": said(_("households are not counted"))},
            places=", ".join(uncounted),
        )
    return weights


def _free(city: City, made: CostShared) -> None:
    """Raise `IllegalStateError` when the cost of a service in some of these days is split already."""
    rows = every(city.rows, "sharings", {"place": made.place, "service": made.service, "status": "shared"})
    for other in rows:
        if other["kind"] == made.kind and other["since"] < made.until and made.since < other["until"]:
            raise IllegalStateError(
                _("the cost of {service} from {since} to before {until} is split already; withdraw that first"),
                {"since": said(_("is split already"))},
                service=term("shared_services", other["service"]),
                since=other["since"],
                until=other["until"],
            )


@SHARING.command("link.share", when=("shared",), again=("withdrawn",))
def withdraw_sharing(
    sharing: Sharing, *, by: Mandate, at: str, reason: Annotated[str, text(400), "why, for everyone to read"]
) -> list[Event]:
    """Take a split back, so that the cost can be split anew; what was decided stays to be read (E19)."""
    return [] if sharing.status == "withdrawn" else [SharingWithdrawn(sharing_id=sharing.id, reason=reason)]


# Rows and figures.
SHARINGS = View.of(SHARING, "sharings", ("place", ("service", "status"), "status", "since", "until"))
_ROW = row_of(SHARING, place_names=PLACE_NAMES, actions=ACTIONS)


@SHARING.query(answer=page_of(_ROW))
def find_sharings(
    read: Reader,
    *,
    place__under: Annotated[str, PLACE, "whose hub is at a place or below it"] = "",
    service: Annotated[str, code_of("shared_services"), "of this service"] = "",
    status: Annotated[str, choice("shared", "withdrawn"), "in this state"] = "",
    order: Annotated[str, order_of("since", "place"), "sorted by; - before it: descending"] = "-since",
    limit: Limit = 50,
    cursor: Cursor = "",
) -> dict[str, Any]:
    """How hubs and their members share the costs of services, each with its part (E19)."""
    where = {"place__under": place__under, "service": service, "status": status}
    return read.named_page("sharings", where, limit, cursor, order, SHARING)


@SHARING.query(answer=shape(others=OTHERS, **_ROW["properties"]))
def get_sharing(read: Reader, *, sharing_id: Annotated[str, id_of("sharing"), "the split"]) -> dict[str, Any]:
    """The split of a cost with the part of each place."""
    return read.thing("sharings", sharing_id, SHARING)


@SHARING.query(
    answer=shape(
        place=TEXT,
        since=TEXT,
        until=TEXT,
        sharings=COUNT,
        borne_fen=COUNT,
        by_service=by_code(COUNT),
        bearers=many(shape(place=TEXT, fen=COUNT)),
    ),
    as_of=True,
)
def sharing_figures(
    read: Reader,
    *,
    place: Annotated[str, PLACE, "a place and everything below it; empty: the whole city"] = "",
    since: Annotated[str, DAY, "periods that begin on this day or later"] = "",
    until: Annotated[str, DAY, "periods that begin before this day"] = "",
) -> dict[str, Any]:
    """What places bear of shared costs, in fen: together, by service, and each (E19)."""
    services, bearers, sharings = Counter[str](), Counter[str](), 0
    where = {"status": "shared"} | ({"since__gte": since} if since else {}) | ({"since__lt": until} if until else {})
    for row in every(read.rows, "sharings", where):
        parts = [part for part in row["parts"] if not place or within(part["place"], place)]
        sharings += bool(parts)
        for part in parts:
            services[row["service"]] += part["fen"]
            bearers[part["place"]] += part["fen"]
    return {
        "place": place,
        "since": since,
        "until": until,
        "sharings": sharings,
        "borne_fen": services.total(),
        "by_service": dict(services),
        "bearers": [{"place": one, "fen": bearers[one]} for one in sorted(bearers)],
    }
