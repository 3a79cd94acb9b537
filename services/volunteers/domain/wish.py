"""A small wish: asked, checked, claimed by exactly one, fulfilled, confirmed by the wisher (C41, C42, X07)."""

from __future__ import annotations

from datetime import date, timedelta

import msgspec
from msgspec.structs import replace

from services.volunteers.domain.rules import own_or_post
from services.volunteers.events import (
    CODEC,
    WishAsked,
    WishClaimed,
    WishConfirmed,
    WishDisputed,
    WisherErased,
    WishFulfilled,
    WishPublished,
    WishRejected,
    WishReleased,
    WishWithdrawn,
)
from shared.domain.decider import Decider
from shared.domain.errors import ForbiddenError, IllegalStateError, NotFoundError
from shared.domain.event import Event
from shared.domain.mandate import Mandate

#: Days for which a claim holds, unless it says otherwise.
CLAIM_DAYS = 14
#: Most days for which a claim may hold.
LONGEST_CLAIM = 90


class Wish(msgspec.Struct, frozen=True):
    """`expires` is the first day on which the claim no longer holds."""

    id: str
    status: str = "unknown"  # unknown, asked, rejected, withdrawn, published, claimed, fulfilled, confirmed
    place: str = ""
    wisher_id: str = ""
    title: str = ""
    claimant: str = ""
    expires: str = ""
    erased: bool = False

    @property
    def subject(self) -> str:
        """Whose key seals the wisher's data."""
        return subject(self.id, self.wisher_id)


def subject(wish_id: str, wisher_id: str) -> str:
    """The person, or the wish itself when the wisher has no account."""
    return wisher_id or f"wish:{wish_id}"


def evolve(wish: Wish, event: Event) -> Wish:
    """Apply a recorded fact. Never refuses: it has already happened."""
    match event:
        case WishAsked():
            return Wish(wish.id, "asked", event.place, event.wisher_id)
        case WishPublished():
            return replace(wish, status="published", title=event.title)
        case WishRejected():
            return replace(wish, status="rejected")
        case WishWithdrawn():
            return replace(wish, status="withdrawn")
        case WishClaimed():
            return replace(wish, status="claimed", claimant=event.person_id, expires=event.expires)
        case WishReleased():
            return replace(wish, status="published", claimant="", expires="")
        case WishFulfilled():
            return replace(wish, status="fulfilled")
        case WishDisputed():
            return replace(wish, status="claimed")
        case WishConfirmed():
            return replace(wish, status="confirmed")
        case WisherErased():
            return replace(wish, erased=True)
    return wish


def ask(
    wish: Wish, *, by: Mandate, at: str, place: str, text: str, wisher: str, contact: str = "", wisher_id: str = ""
) -> list[Event]:
    """Ask for something small; text, name and contact are sealed. Residents ask for themselves, staff for others."""
    by.require("wish.ask", place)
    own_or_post(by, wisher_id, "ask")
    if wish.status != "unknown":
        if (wish.place, wish.wisher_id) == (place, wisher_id):
            return []
        raise IllegalStateError(f"the wish {wish.id} was asked already")
    return [WishAsked(wish_id=wish.id, place=place, wish=text, wisher=wisher, contact=contact, wisher_id=wisher_id)]


def publish(wish: Wish, *, by: Mandate, at: str, title: str, title_en: str, wisher_name: str = "") -> list[Event]:
    """Publish a checked wish under a title that does not say who asked; `wisher_name` is compared, never recorded."""
    _stands(wish, by, "wish.publish")
    _not_the_wisher(wish, by, "check")
    if wisher_name and any(wisher_name.casefold() in text.casefold() for text in (title, title_en)):
        raise IllegalStateError("the public title names the wisher; say what is wished for, not by whom")
    if wish.status == "published" and wish.title == title:
        return []
    if wish.status != "asked":
        raise IllegalStateError(f"the wish is {wish.status}; only a wish that was not checked yet can be published")
    return [WishPublished(wish_id=wish.id, title=title, title_en=title_en)]


def reject(wish: Wish, *, by: Mandate, at: str, reason: str) -> list[Event]:
    """Decline to publish a wish, and say why."""
    _stands(wish, by, "wish.publish")
    if wish.status == "rejected":
        return []
    if wish.status != "asked":
        raise IllegalStateError(f"the wish is {wish.status}; only a wish that was not published yet can be rejected")
    return [WishRejected(wish_id=wish.id, reason=reason)]


def withdraw(wish: Wish, *, by: Mandate, at: str, reason: str) -> list[Event]:
    """Take a wish back that nobody works on: the wisher, or whoever checks wishes."""
    _wisher_or(wish, by, "wish.publish")
    if wish.status == "withdrawn":
        return []
    if wish.status not in ("asked", "published"):
        raise IllegalStateError(f"the wish is {wish.status} and cannot be withdrawn; release a claim first")
    return [WishWithdrawn(wish_id=wish.id, reason=reason, was=wish.status)]


def claim(wish: Wish, *, by: Mandate, at: str, registered: bool, days: int = CLAIM_DAYS) -> list[Event]:
    """Promise to fulfil a wish within 1 to 90 days; one claimant only, whoever's claim the log took first (C42, X07).

    Claimants are registered volunteers or hold a post. A claim that expired is released by the next one.
    """
    _stands(wish, by, "wish.claim")
    if not (registered or by.post_id):
        raise ForbiddenError("a wish is claimed by a registered volunteer or from a post; register first")
    if not by.actor:
        raise ForbiddenError("sign in to claim a wish")
    _not_the_wisher(wish, by, "claim")
    if not 1 <= days <= LONGEST_CLAIM:
        raise IllegalStateError(f"a claim holds 1 to {LONGEST_CLAIM} days")
    today = at[:10]
    events: list[Event] = []
    if wish.status == "claimed":
        if today < wish.expires:
            if wish.claimant == by.actor:
                return []
            free = f"it is free again on {wish.expires} at the latest"
            raise IllegalStateError(f"the wish is claimed already; {free}", {"expires": wish.expires})
        events.append(WishReleased(wish_id=wish.id, person_id=wish.claimant, reason="expired"))
    elif wish.status != "published":
        raise IllegalStateError(f"the wish is {wish.status}; only a published wish can be claimed")
    expires = (date.fromisoformat(today) + timedelta(days=days)).isoformat()
    events.append(WishClaimed(wish_id=wish.id, person_id=by.actor, organisation_id=by.organisation_id, expires=expires))
    return events


def release(wish: Wish, *, by: Mandate, at: str, reason: str) -> list[Event]:
    """Give a claim back: the claimant at any time, whoever checks wishes once it expired."""
    _exists(wish)
    own = by.actor != "" and by.actor == wish.claimant
    if not own:
        by.require("wish.publish", wish.place)
    if wish.status != "claimed":
        raise IllegalStateError(f"the wish is {wish.status}; there is no claim to release")
    if not own and at[:10] < wish.expires:
        raise IllegalStateError(f"the claim holds until {wish.expires}; before that only the claimant gives it back")
    return [WishReleased(wish_id=wish.id, person_id=wish.claimant, reason=reason)]


def fulfil(wish: Wish, *, by: Mandate, at: str, note: str = "") -> list[Event]:
    """Record that the claimant did it: the claimant, or staff for them. Late is fine while nobody else claimed."""
    _exists(wish)
    if not by.actor or by.actor != wish.claimant:
        by.require("wish.fulfil", wish.place)
        _not_the_wisher(wish, by, "record the fulfilment of")
    if wish.status in ("fulfilled", "confirmed"):
        return []
    if wish.status != "claimed":
        raise IllegalStateError(f"the wish is {wish.status}; it is fulfilled by whoever claimed it")
    return [WishFulfilled(wish_id=wish.id, person_id=wish.claimant, note=note)]


def dispute(wish: Wish, *, by: Mandate, at: str, reason: str) -> list[Event]:
    """Say that the wish is not fulfilled yet: the wisher, or staff for them."""
    _wisher_or(wish, by, "wish.confirm")
    if wish.status != "fulfilled":
        raise IllegalStateError(f"the wish is {wish.status}; there is no fulfilment to dispute")
    return [WishDisputed(wish_id=wish.id, reason=reason)]


def confirm(wish: Wish, *, by: Mandate, at: str, note: str = "") -> list[Event]:
    """Confirm the fulfilment: the wisher, or staff for them who is not the claimant and says how they know."""
    _wisher_or(wish, by, "wish.confirm")
    if wish.status == "confirmed":
        return []
    if wish.status != "fulfilled":
        raise IllegalStateError(f"the wish is {wish.status}; it can be confirmed after it was fulfilled")
    own = by.actor != "" and by.actor == wish.wisher_id
    if by.actor == wish.claimant:
        raise ForbiddenError("the claimant does not confirm their own work")
    if not own and not note:
        raise IllegalStateError("say how the wisher let you know (a visit, a call)")
    return [WishConfirmed(wish_id=wish.id, by_wisher=own, note=note)]


def erase(wish: Wish, *, by: Mandate, at: str, reason: str) -> list[Event]:
    """Forget a wisher without an account; those with one are erased as persons in the registry (X09)."""
    _stands(wish, by, "wish.erase")
    if wish.wisher_id:
        raise IllegalStateError("this wisher is a registered person; erase the person")
    return [] if wish.erased else [WisherErased(wish_id=wish.id, reason=reason)]


def _exists(wish: Wish) -> None:
    if wish.status == "unknown":
        raise NotFoundError(f"there is no wish {wish.id}")


def _stands(wish: Wish, by: Mandate, power: str) -> None:
    by.require(power, wish.place)
    _exists(wish)


def _wisher_or(wish: Wish, by: Mandate, power: str) -> None:
    if not by.actor or by.actor != wish.wisher_id:
        by.require(power, wish.place)
    _exists(wish)


def _not_the_wisher(wish: Wish, by: Mandate, what: str) -> None:
    if by.actor and by.actor == wish.wisher_id:
        raise ForbiddenError(f"nobody can {what} their own wish")


WISH = Decider("wish", CODEC, Wish, Wish, evolve, lambda wish: wish.place)
