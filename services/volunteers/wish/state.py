"""A small wish: asked, checked, claimed by exactly one, fulfilled, confirmed by the wisher (C41, C42, X07)."""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from services.volunteers.wish.facts import (
    WishAsked,
    WishClaimed,
    WishConfirmed,
    WishDisputed,
    WisherErased,
    WisherIntroduced,
    WishFulfilled,
    WishPublished,
    WishRejected,
    WishReleased,
    WishRelocated,
    WishWithdrawn,
    subject,
)
from shared.domain.decider import Decider
from shared.domain.event import Codec, Event, without
from shared.domain.mandate import Mandate


class Wish(msgspec.Struct, frozen=True):
    """A wish; `expires` is the first day on which the claim no longer holds, `reason` and `note` what was said last."""

    id: str
    status: str = "unknown"  # unknown, asked, rejected, withdrawn, published, claimed, fulfilled, confirmed
    place: str = ""
    wish: str = ""  # sealed, as are the name and the contact of the wisher
    wisher: str = ""
    contact: str = ""
    wisher_id: str = ""
    title: str = ""
    title_en: str = ""
    claimant: str = ""
    organisation_id: str = ""  # of the post that it was claimed from
    expires: str = ""
    reason: str = ""
    note: str = ""
    by_wisher: bool = False
    erased: bool = False
    introduced: bool = False  # the claimant was told who wishes

    @property
    def subject(self) -> str:
        """Whose key seals the wisher's data."""
        return subject(self.id, self.wisher_id)


def evolve(wish: Wish, event: Event) -> Wish:
    """Apply a recorded fact. Never refuses: it has already happened."""
    match event:
        case WishAsked():
            return Wish(
                wish.id, "asked", event.place, event.wish, event.wisher, event.contact, wisher_id=event.wisher_id
            )
        case WishPublished():
            return replace(wish, status="published", title=event.title, title_en=event.title_en)
        case WishRejected():
            return replace(wish, status="rejected", reason=event.reason)
        case WishWithdrawn():
            return replace(wish, status="withdrawn", reason=event.reason)
        case WishClaimed():
            claim = {"claimant": event.person_id, "organisation_id": event.organisation_id, "expires": event.expires}
            return replace(wish, status="claimed", **claim, introduced=False)
        case WisherIntroduced():
            return replace(wish, introduced=True)
        case WishReleased():
            free = {"claimant": "", "organisation_id": "", "expires": "", "introduced": False}
            return replace(wish, status="published", reason=event.reason, **free)
        case WishFulfilled():
            return replace(wish, status="fulfilled", note=event.note)
        case WishDisputed():
            return replace(wish, status="claimed", reason=event.reason)
        case WishConfirmed():
            return replace(wish, status="confirmed", by_wisher=event.by_wisher)
        case WishRelocated():
            return replace(wish, place=event.place)
        case WisherErased():
            return replace(wish, erased=True, wish="", wisher="", contact="")
    return wish


WISH = Decider(
    "wish",
    Codec(
        (
            WishAsked,
            WishPublished,
            WishRejected,
            WishWithdrawn,
            WishClaimed,
            WisherIntroduced,
            WishReleased,
            WishFulfilled,
            WishDisputed,
            WishConfirmed,
            WisherErased,
            WishRelocated,
        ),
        {("WishWithdrawn", 1): without("was")},
    ),
    Wish,
    Wish,
    evolve,
    lambda wish: wish.place,
)


def own(wish: Wish, by: Mandate) -> bool:
    """Whether somebody is the wisher."""
    return by.actor != "" and by.actor == wish.wisher_id


def claimed_by(wish: Wish, by: Mandate) -> bool:
    """Whether somebody is the claimant."""
    return by.actor != "" and by.actor == wish.claimant
