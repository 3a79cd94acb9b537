"""Links: two things belong together from a day on, confirmed by both ends where the kind says so, with what is done (A27, A34, E14, E19).

The kinds are catalogue entries of the kind `links`: units that support a compound, paired organisations, cadres posted to a community or
stationed in a compound, the hub of a cluster with its N compounds. A kind has a cap for either end, and a target for the near one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
from msgspec.structs import replace

from services.registry.later import of_day
from services.registry.subjects import SUBJECT, all_of, held_on, missing, named_ends, there
from shared.domain.answers import ACTIONS, COUNT, OTHERS, PLACE_NAMES, TEXT, many, page_of, row_of, shape
from shared.domain.catalogue import LinkKind, data_of
from shared.domain.city import City, every
from shared.domain.command import Cursor, Limit, order_of
from shared.domain.decider import Decider
from shared.domain.errors import BadInputError, IllegalStateError
from shared.domain.event import Event
from shared.domain.fields import DAY, PLACE, choice, code_of, id_of, text
from shared.domain.identity import derived_id
from shared.domain.mandate import Mandate
from shared.domain.privacy import PUBLIC, told
from shared.domain.reader import Reader
from shared.domain.view import Row, View
from shared.domain.words import Said, _, said


# Facts. Class and field names are the storage format: rename nothing, upcast instead.
class LinkProposed(Event, frozen=True, kw_only=True):
    """Two things are to be linked; unless the kind is mutual they are from that day on (A27, A34, E14)."""

    link_id: str
    kind: str  # code of the catalogue entry
    kind_version: int
    near: Annotated[str, PUBLIC]  # organisation id, post id, or territory path
    far: Annotated[str, PUBLIC]
    place: str  # of the near end
    far_place: Annotated[str, PUBLIC]
    mutual: bool
    since: str  # ISO date; of a mutual one the day on which it was proposed
    terms: Annotated[str, told()]
    person_id: Annotated[str, PUBLIC]  # of the post holder who proposes


class LinkConfirmed(Event, frozen=True, kw_only=True):
    """The other end agrees: the link holds from a day on (A34, D11)."""

    link_id: str
    since: str  # ISO date
    person_id: Annotated[str, PUBLIC]


class LinkDeclined(Event, frozen=True, kw_only=True):
    """The other end does not agree."""

    link_id: str
    reason: Annotated[str, told()]


class LinkEnded(Event, frozen=True, kw_only=True):
    """The two belong together no longer from a day on."""

    link_id: str
    until: str  # ISO date, the first day without it
    reason: Annotated[str, told()]


class DeliveryLogged(Event, frozen=True, kw_only=True):
    """Something was done under a link: a visit, a service, a meeting (A29)."""

    link_id: str
    done_on: str  # ISO date
    what: Annotated[str, told()]


class Link(msgspec.Struct, frozen=True):
    """A link; `since` is "" until it holds."""

    id: str
    status: str = "unknown"  # unknown, proposed, linked, declined, ended
    kind: str = ""
    kind_version: int = 0
    near: str = ""
    far: str = ""
    place: str = ""
    far_place: str = ""
    proposed_by: str = ""  # person id
    terms: str = ""
    since: str = ""
    until: str = ""
    reason: str = ""
    deliveries: int = 0
    last_delivery: str = ""  # ISO date
    logged: str = ""  # what was logged last
    logged_on: str = ""  # and of which day


def evolve(link: Link, event: Event) -> Link:
    """Apply a recorded fact. Never refuses: it has already happened."""
    match event:
        case LinkProposed():
            return Link(
                id=link.id,
                status="proposed" if event.mutual else "linked",
                kind=event.kind,
                kind_version=event.kind_version,
                near=event.near,
                far=event.far,
                place=event.place,
                far_place=event.far_place,
                proposed_by=event.person_id,
                terms=event.terms,
                since="" if event.mutual else event.since,
            )
        case LinkConfirmed():
            return replace(link, status="linked", since=event.since)
        case LinkDeclined():
            return replace(link, status="declined", reason=event.reason)
        case LinkEnded():
            return replace(link, status="ended", until=event.until, reason=event.reason)
        case DeliveryLogged():
            last = max(link.last_delivery, event.done_on)
            logged = {"logged": event.what, "logged_on": event.done_on}
            return replace(link, deliveries=link.deliveries + 1, last_delivery=last, **logged)
    return link


LINK = Decider(
    "link",
    (LinkProposed, LinkConfirmed, LinkDeclined, LinkEnded, DeliveryLogged),
    Link,
    Link,
    evolve,
    lambda link: link.place,
    fold=2,
)


def _id(ask: Mapping[str, Any], by: Mandate) -> str:
    return derived_id("link", ask["kind"], ask["near"], ask["far"])


@LINK.command("link.make", new=_id, compares=True, alone=True, place=lambda ask, by: by.place)
def propose_link(
    link: Link,
    *,
    by: Mandate,
    at: str,
    city: City,
    kind: Annotated[str, code_of("links"), "which kind of link"],
    near: Annotated[str, SUBJECT, "what is linked: id of the organisation or post, or territory path"],
    far: Annotated[str, SUBJECT, "what it is linked to"],
    terms: Annotated[str, text(1000), "what was agreed, for everyone to read"],
    since: Annotated[str, DAY, "first day, not ahead; empty: today"] = "",
) -> list[Event]:
    """Link two things, or propose it where the other end must confirm (A27, A34, E14, E19)."""
    entry = city.code("links", kind, "kind")
    rules: LinkKind = data_of("links", entry.data)
    place = str(there(city, rules.near, rules.near_of, near, "near")["place"])
    far_place = str(there(city, rules.far, rules.far_of, far, "far")["place"])
    by.require(rules.power, place)
    if near == far:
        raise BadInputError(_("nothing is linked to itself"), {"far": said(_("must be another one"))})
    since = since or at[:10]
    if link.status in ("proposed", "linked"):
        if (link.terms, link.since or since) == (terms, since):
            return []
        raise IllegalStateError(
            _("{near} and {far} are linked already or asked to be; end that before they are linked on other terms"),
            near=near,
            far=far,
        )
    if not link.until <= since <= at[:10]:
        raise IllegalStateError(
            _("a link begins on a day up to {today}, and not before the last one ended; {day} is not such a day"),
            {"since": said(_("must be from {since} to {today}"), since=link.until or "-", today=at[:10])},
            today=at[:10],
            day=since,
        )
    for end, subject, needs in (("near", near, rules.needs), ("far", far, rules.far_needs)):
        if not city.unlocked(subject, needs):
            raise IllegalStateError(
                _("{near} has passed no checklist that unlocks {needs}, which this kind of link presupposes"),
                {end: said(_("its checklist is not passed"))},
                near=subject,
                needs=needs,
            )
    if rules.star:
        _star(city, kind, near, far)
    _room(city, kind, "near", near, rules.cap)
    _room(city, kind, "far", far, rules.far_cap)
    return [
        LinkProposed(
            link_id=link.id,
            kind=kind,
            kind_version=entry.version,
            near=near,
            far=far,
            place=place,
            far_place=far_place,
            mutual=rules.mutual,
            since=since,
            terms=terms,
            person_id=by.actor,
        )
    ]


def _star(city: City, kind: str, near: str, far: str) -> None:
    """Raise `IllegalStateError` when the hub is a member of another one, or the member is a hub."""
    for end, subject, other in (("near", near, "far"), ("far", far, "near")):
        if city.rows.count("links", {"kind": kind, other: subject, "status": ["linked", "proposed"]}):
            raise IllegalStateError(
                _("{subject} is at the other end of a link of this kind; it is either the hub or a member"),
                {end: said(_("is at the other end already"))},
                subject=subject,
            )


def _room(city: City, kind: str, end: str, subject: str, cap: int) -> None:
    """Raise `IllegalStateError` when an end has as many links of a kind as it may have; those asked for count too."""
    if not cap:
        return
    has = city.rows.count("links", {"kind": kind, end: subject, "status": ["linked", "proposed"]})
    if has >= cap:
        raise IllegalStateError(
            _("{subject} has {count} links of this kind already, the most that it may have"),
            {end: said(_("at most {most}"), most=cap)},
            subject=subject,
            count=has,
        )


def _other_end(link: Link, by: Mandate) -> Said | None:
    if by.actor == link.proposed_by:
        return said(_("the other end confirms or declines, not who proposed it"))
    if not by.may("link.confirm", link.far_place):
        return said(_("who has the power at the place of the other end confirms or declines"))
    return None


@LINK.command("link.confirm", when=("proposed",), where=lambda link, ask, by: link.far_place, only=_other_end)
def confirm_link(
    link: Link,
    *,
    by: Mandate,
    at: str,
) -> list[Event]:
    """Agree for the other end: the link holds from today on (A34, D11)."""
    return [LinkConfirmed(link_id=link.id, since=at[:10], person_id=by.actor)]


@LINK.command("link.confirm", when=("proposed",), where=lambda link, ask, by: link.far_place, only=_other_end)
def decline_link(
    link: Link,
    *,
    by: Mandate,
    at: str,
    reason: Annotated[str, text(400), "why, for everyone to read"],
) -> list[Event]:
    """Say for the other end that it does not agree."""
    return [LinkDeclined(link_id=link.id, reason=reason)]


def _power(link: Link, city: City) -> str:
    """The power that the kind of a link asks for, also of a kind that was taken off the list."""
    rules: LinkKind = data_of("links", city.versions("links")[link.kind][-1].data)
    return rules.power


def _stays(link: Link, by: Mandate, city: City) -> Said | None:
    """Why this caller cannot end it, whatever they say."""
    return None if by.may(_power(link, city), link.place) else said(_("this kind of link asks for another power"))


@LINK.command("link.make", when=("linked", "proposed"), unless=_stays)
def end_link(
    link: Link,
    *,
    by: Mandate,
    at: str,
    city: City,
    reason: Annotated[str, text(400), "why, for everyone to read"],
    until: Annotated[str, DAY, "first day without it, not ahead; empty: today"] = "",
) -> list[Event]:
    """End a link, or take back what was proposed; what was done under it stays."""
    by.require(_power(link, city), link.place)
    until = until or at[:10]
    earliest = max(link.since, link.last_delivery)
    if not earliest <= until <= at[:10]:
        raise IllegalStateError(
            _("it can end from {earliest}, the last day on which it is known to have held, up to {today}"),
            {"until": said(_("must be from {since} to {today}"), since=earliest, today=at[:10])},
            earliest=earliest,
            today=at[:10],
        )
    return [LinkEnded(link_id=link.id, until=until, reason=reason)]


@LINK.command("link.log", when=("linked",))
def log_delivery(
    link: Link,
    *,
    by: Mandate,
    at: str,
    what: Annotated[str, text(1000), "what was done, for everyone to read"],
    done_on: Annotated[str, DAY, "day on which it was done, not ahead; empty: today"] = "",
) -> list[Event]:
    """Record a visit, a service or a meeting under a link; the same of the same day again is the same (A27, A29)."""
    done_on = done_on or at[:10]
    if not link.since <= done_on <= at[:10]:
        raise IllegalStateError(
            _("under this link things were done from {since} to {today}, not on {day}"),
            {"done_on": said(_("must be from {since} to {today}"), since=link.since, today=at[:10])},
            since=link.since,
            today=at[:10],
            day=done_on,
        )
    if (link.logged_on, link.logged) == (done_on, what):
        return []
    return [DeliveryLogged(link_id=link.id, done_on=done_on, what=what)]


# Rows and figures.
#: Deliveries shown with a link, the latest.
SHOWN = 50


def _periods(row: Row, link: Link, event: Event, record: Any) -> Row:
    """The periods in which it held, and what was done last."""
    held = row.get("history", [])
    if link.status == "linked" and (not held or held[-1]["until"]):
        held = [*held, {"since": link.since, "until": ""}]
    elif isinstance(event, LinkEnded) and held and not held[-1]["until"]:
        held = [*held[:-1], held[-1] | {"until": event.until}]
    done = row.get("done", [])
    if isinstance(event, DeliveryLogged):
        done = [*done[1 - SHOWN :], {"done_on": event.done_on, "what": event.what, "recorded": record.time}]
    return {"history": held, "done": done}


LINKS = View.of(
    LINK, "links", ("place", "far_place", ("kind", "status"), "near", "far", "since", "deliveries"), _periods
)
_ROW = row_of(
    LINK,
    history=many(shape(since=TEXT, until=TEXT)),
    done=many(shape(done_on=TEXT, what=TEXT, recorded=TEXT)),
    place_names=PLACE_NAMES,
    actions=ACTIONS,
)
_NAMED = dict.fromkeys(
    ("organisation", "organisation_en", "near_name", "near_name_en", "far_name", "far_name_en"), TEXT
)


@LINK.query(answer=page_of(shape(_NAMED, **_ROW["properties"])))
def find_links(
    read: Reader,
    *,
    place__under: Annotated[str, PLACE, "whose near end is at a place or below it"] = "",
    far_place__under: Annotated[str, PLACE, "whose far end is at a place or below it"] = "",
    kind: Annotated[str, code_of("links"), "of this kind"] = "",
    near: Annotated[str, SUBJECT, "of this near end"] = "",
    far: Annotated[str, SUBJECT, "of this far end"] = "",
    status: Annotated[str, choice("proposed", "linked", "declined", "ended"), "in this state"] = "",
    order: Annotated[str, order_of("since", "place", "deliveries"), "sorted by; - before it: descending"] = "-since",
    limit: Limit = 50,
    cursor: Cursor = "",
) -> dict[str, Any]:
    """What belongs together, since when and on what terms (A27, E19)."""
    where = {"place__under": place__under, "far_place__under": far_place__under, "kind": kind}
    where |= {"near": near, "far": far, "status": status}
    page = read.named_page("links", where, limit, cursor, order, LINK)
    return page | {"rows": named_ends(read, page["rows"], "near", "far")}


@LINK.query(answer=shape(_NAMED, others=OTHERS, **_ROW["properties"]))
def get_link(read: Reader, *, link_id: Annotated[str, id_of("link"), "the link"]) -> dict[str, Any]:
    """A link with the periods in which it held and what was done under it last."""
    (named,) = named_ends(read, [read.thing("links", link_id, LINK)], "near", "far")
    return named


_END = shape(linked=COUNT, subjects=COUNT, without=COUNT, missing=many(TEXT))


@LINK.query(
    answer=shape(
        kind=TEXT,
        place=TEXT,
        day=TEXT,
        links=COUNT,
        near=_END,
        far=_END,
        target=COUNT,
        at_target=COUNT,
        entered_later=COUNT,
        as_of=shape(service=TEXT, position=COUNT),
    )
)
def link_figures(
    read: Reader,
    *,
    kind: Annotated[str, code_of("links"), "kind of link"],
    place: Annotated[str, PLACE, "ends at a place and below it; empty: the whole city"] = "",
    on: Annotated[str, DAY, "day; empty: today"] = "",
) -> dict[str, Any]:
    """How many links of a kind hold on a day, and which ends have one, of how many there are then (A23, E14, E19).

    Each end counts distinct things at and below the place, never links; `at_target` are near ends with as many links as they should have.
    """
    day = on or read.today

    def answer() -> Row:
        rules: LinkKind = data_of("links", read.city.code("links", kind, "kind").data)
        holding = [
            row for row in every(read.rows, "links", {"kind": kind}) if any(held_on(one, day) for one in row["history"])
        ]
        nears, fars = (
            all_of(read, rules.near, rules.near_of, place, day),
            all_of(read, rules.far, rules.far_of, place, day),
        )
        here = set(nears)
        of_near = Counter(row["near"] for row in holding if row["near"] in here)
        of_far = {row["far"] for row in holding} & set(fars)
        return {
            "kind": kind,
            "place": place,
            "day": day,
            "links": sum(row["near"] in here or row["far"] in of_far for row in holding),
            "near": {"linked": len(of_near)} | missing(nears, of_near),
            "far": {"linked": len(of_far)} | missing(fars, of_far),
            "target": rules.target,
            "at_target": sum(count >= rules.target for count in of_near.values()) if rules.target else 0,
        }

    return of_day(read, answer, place, day)
