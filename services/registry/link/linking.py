"""Links are made or proposed, confirmed or declined by the other end, ended; what is done under them is logged (A27, A29, A34, D11)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from services.registry.link.state import (
    LINK,
    DeliveryLogged,
    Link,
    LinkConfirmed,
    LinkDeclined,
    LinkEnded,
    LinkProposed,
)
from services.registry.subjects import SUBJECT, other_power, power_of, there
from shared.domain.catalogue import LinkKind, data_of
from shared.domain.city import City
from shared.domain.errors import BadInputError, IllegalStateError
from shared.domain.event import Event
from shared.domain.fields import DAY, code_of, text
from shared.domain.identity import derived_id
from shared.domain.mandate import Mandate
from shared.domain.words import Said, _, said


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


def _stays(link: Link, by: Mandate, city: City) -> Said | None:
    return other_power(city, "links", link.kind, link.place, by)


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
    by.require(power_of(city, "links", link.kind), link.place)
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
