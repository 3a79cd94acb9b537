"""Claims: exactly one person promises to fulfil a wish, does it, and the wisher says so (C42, X07)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Annotated, Any

from services.volunteers.volunteer import VOLUNTEER, Volunteer, VolunteerErased, registered, volunteer_forgotten
from services.volunteers.wish.asking import REASON
from services.volunteers.wish.facts import (
    WishClaimed,
    WishConfirmed,
    WishDisputed,
    WisherIntroduced,
    WishFulfilled,
    WishReleased,
)
from services.volunteers.wish.state import WISH, Wish, claimed_by, own
from shared.domain.city import City, every
from shared.domain.clock import Rule, rows_of
from shared.domain.errors import ForbiddenError, IllegalStateError, refusal
from shared.domain.event import Event
from shared.domain.fields import number, text
from shared.domain.mandate import Mandate
from shared.domain.policy import Decision
from shared.domain.record import Record
from shared.domain.signature import holds
from shared.domain.words import Said, _, said

#: Recorded as the reason when a claim was released because its time was over.
EXPIRED = "expired"
#: Likewise when who claimed it was erased.
GONE = "erased"
#: What was done, or how somebody knows.
NOTE = text(500)


def _claims_own(wish: Wish, by: Mandate) -> Said | None:
    return said(_("nobody can claim their own wish")) if own(wish, by) else None


def _fulfils_own(wish: Wish, by: Mandate) -> Said | None:
    return said(_("nobody can record the fulfilment of their own wish")) if own(wish, by) else None


def _confirms_own_work(wish: Wish, by: Mandate) -> Said | None:
    return said(_("the claimant does not confirm their own work")) if claimed_by(wish, by) else None


def _may_not_claim(wish: Wish, by: Mandate, city: City) -> Said | None:
    """Why somebody cannot claim the wish: not registered, too far away, or with too many claims."""
    if not by.post_id and not registered(by.actor, city):
        return said(_REGISTER)
    home = wish.place if by.post_id else city.rows.get_many("volunteers", [by.actor])[by.actor]["place"]
    return refusal(lambda: _near(city, wish.place, home), lambda: _not_too_many(city, by.actor, city.day))


def _still_claimed(wish: Wish, by: Mandate, city: City) -> Said | None:
    return None if claimed_by(wish, by) or city.day >= wish.expires else said(_STILL, day=wish.expires)


_REGISTER = _("a wish is claimed by a registered volunteer or from a post; register first")
_STILL = _("the claim holds until {day}; before that only the claimant gives it back")


@WISH.command(
    "wish.claim",
    when=("published",),
    again=("claimed",),
    otherwise=_("the wish is {status}; only a published wish can be claimed"),
    only=_claims_own,
    unless=_may_not_claim,
    alone=True,
)
def claim_wish(
    wish: Wish,
    *,
    by: Mandate,
    at: str,
    city: City,
    claimant: Annotated[Volunteer | None, holds(VOLUNTEER, lambda wish, ask, by: "" if by.post_id else by.actor)],
    days: Annotated[int, number(1, 365), "days until the claim expires; left out: as the city's rules say"] = 0,
) -> list[Event]:
    """Promise to fulfil a wish; exactly one person can, whose claim the log took first (C42, X07).

    Claimants are registered volunteers who live near or hold a post, and have neither too many claims open nor given too many back. A
    claim that expired is released first, if the day has not done so.
    """
    if not by.actor:
        raise ForbiddenError(_("sign in to claim a wish"))
    if not by.post_id and (claimant is None or claimant.status != "registered"):
        raise ForbiddenError(_REGISTER)
    if not by.post_id and claimant is not None:
        _near(city, wish.place, claimant.place)
    days, longest = days or city.parameter("claim_days"), city.parameter("longest_claim_days")
    if not 1 <= days <= longest:
        raise IllegalStateError(_("a claim holds 1 to {longest} days"), {"days": said(_("too long"))}, longest=longest)
    events = release_expired(wish, by=by, at=at)
    if wish.status == "claimed" and not events:
        if wish.claimant == by.actor:
            return []
        raise IllegalStateError(
            _("the wish is claimed already; it is free again on {day} at the latest"),
            {"expires": wish.expires},
            day=wish.expires,
        )
    _not_too_many(city, by.actor, at)
    expires = (date.fromisoformat(at[:10]) + timedelta(days=days)).isoformat()
    return [
        *events,
        WishClaimed(wish_id=wish.id, person_id=by.actor, organisation_id=by.organisation_id, expires=expires),
    ]


def _near(city: City, place: str, home: str) -> None:
    """Raise `ForbiddenError` for a volunteer who lives too far away, as the city's rules say."""
    parts = city.parameter("claim_parts")
    if place.split(".")[:parts] != home.split(".")[:parts]:
        area = ".".join(place.split(".")[:parts])
        raise ForbiddenError(_("this wish is for volunteers who live in {place}"), place=area)


def _not_too_many(city: City, claimant: str, at: str) -> None:
    """Raise `IllegalStateError` for somebody who has as many claims open, or gave back as many in a year, as the city lets them."""
    most, returned = city.parameter("open_claims"), city.parameter("claim_releases")
    if city.rows.count("wishes", {"claimant": claimant, "status": "claimed"}) >= most:
        raise IllegalStateError(_("nobody holds more than {most} claims; fulfil one or give it back first"), most=most)
    year = (date.fromisoformat(at[:10]) - timedelta(days=365)).isoformat()
    if city.rows.count("claim_releases", {"person_id": claimant, "day__gt": year}) >= returned:
        raise IllegalStateError(
            _("you gave back or let expire {times} claims within a year; others have their turn now"), times=returned
        )


@WISH.command(
    "wish.read_wisher",
    when=("claimed",),
    otherwise=_("the wish is {status}; there is nobody to introduce"),
    unless=lambda wish, by, city: said(_("who wishes was introduced already")) if wish.introduced else None,
)
def introduce_wisher(wish: Wish, *, by: Mandate, at: str) -> list[Event]:
    """Pass on to the claimant who wishes, what for and how to reach them; until then the claimant reads the public title only (C41)."""
    return [] if wish.introduced else [WisherIntroduced(wish_id=wish.id, person_id=wish.claimant)]


def release_expired(wish: Wish, *, by: Mandate, at: str) -> list[Event]:
    """Let others have a wish whose claim has expired."""
    if wish.status != "claimed" or at[:10] < wish.expires:
        return []
    return [WishReleased(wish_id=wish.id, person_id=wish.claimant, reason=EXPIRED)]


def release_of_erased(wish: Wish, *, by: Mandate, at: str, person_id: str) -> list[Event]:
    """Let others have a wish at once whose claimant was erased: nobody would fulfil it."""
    if wish.status != "claimed" or wish.claimant != person_id:
        return []
    return [WishReleased(wish_id=wish.id, person_id=person_id, reason=GONE)]


def on_volunteer_erased(fact: VolunteerErased, record: Record, city: City) -> Iterable[Decision]:
    """What somebody promised to fulfil is free again when they are erased (C42)."""
    yield from claims_released(fact.person_id, city)


def claims_released(person_id: str, city: City) -> Iterable[Decision]:
    """What releases each wish that a person has claimed."""
    for row in list(every(city.rows, "wishes", {"claimant": person_id, "status": "claimed"})):
        yield Decision(WISH, row["wish_id"], release_of_erased, {"person_id": person_id})


def on_person_erased(fact: Mapping[str, Any], record: Record, city: City) -> Iterable[Decision]:
    """Who is erased is no volunteer any more, and holds no claim, which holders of posts had without being one (X09)."""
    yield from volunteer_forgotten(fact, record)
    yield from claims_released(fact["person_id"], city)


#: A claim is released once: another one of the same wish has another version, even if it expires on the same day.
CLAIMS_EXPIRE = Rule(
    name="claims_expire",
    decider=WISH,
    rows=rows_of("wishes", lambda day: {"status": "claimed", "expires__lte": day}),
    decide=release_expired,
    period=lambda row: f"{row['expires']}/{row['claim']}",
)


@WISH.command(
    "wish.publish",
    when=("claimed",),
    otherwise=_("the wish is {status}; there is no claim to release"),
    owner=claimed_by,
    unless=_still_claimed,
)
def release_wish(wish: Wish, *, by: Mandate, at: str, reason: Annotated[str, REASON, "why"]) -> list[Event]:
    """Give a claim back: the claimant at any time, who checks wishes once it expired."""
    if not claimed_by(wish, by) and at[:10] < wish.expires:
        raise IllegalStateError(_STILL, day=wish.expires)
    return [WishReleased(wish_id=wish.id, person_id=wish.claimant, reason=reason)]


@WISH.command(
    "wish.fulfil",
    when=("claimed",),
    again=("fulfilled", "confirmed"),
    otherwise=_("the wish is {status}; it is fulfilled by who claimed it"),
    owner=claimed_by,
    only=_fulfils_own,
)
def fulfil_wish(wish: Wish, *, by: Mandate, at: str, note: Annotated[str, NOTE, "what was done"] = "") -> list[Event]:
    """Record that the claimant did what was wished for: the claimant, or staff for them (C42)."""
    return [WishFulfilled(wish_id=wish.id, person_id=wish.claimant, note=note)] if wish.status == "claimed" else []


@WISH.command(
    "wish.confirm",
    when=("fulfilled",),
    otherwise=_("the wish is {status}; there is no fulfilment to dispute"),
    owner=own,
)
def dispute_wish(wish: Wish, *, by: Mandate, at: str, reason: Annotated[str, REASON, "why"]) -> list[Event]:
    """Say that a wish is not fulfilled yet: the wisher, or staff for them; the claim goes on."""
    return [WishDisputed(wish_id=wish.id, reason=reason)]


@WISH.command(
    "wish.confirm",
    when=("fulfilled",),
    again=("confirmed",),
    otherwise=_("the wish is {status}; it can be confirmed after it was fulfilled"),
    owner=own,
    only=_confirms_own_work,
)
def confirm_wish(
    wish: Wish, *, by: Mandate, at: str, note: Annotated[str, NOTE, "for staff: how the wisher let you know"] = ""
) -> list[Event]:
    """Confirm that a wish was fulfilled: the wisher, or staff who say how they know (C42)."""
    if wish.status == "confirmed":
        return []
    if not own(wish, by) and not note:
        raise IllegalStateError(_("say how the wisher let you know (a visit, a call)"), {"note": said(_("is missing"))})
    return [WishConfirmed(wish_id=wish.id, by_wisher=own(wish, by), note=note)]
