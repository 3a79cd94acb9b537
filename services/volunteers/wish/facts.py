"""Facts about wishes.

Class and field names are the storage format: rename nothing, upcast instead.
"""

from __future__ import annotations

from typing import Annotated, Any

from shared.domain.event import Event, sealed
from shared.domain.privacy import staff, told


def subject(wish_id: str, wisher_id: str) -> str:
    """Whose key seals a wisher's data: the person's, or the wish's own when the wisher has no account."""
    return wisher_id or f"wish:{wish_id}"


def _wisher(fact: Any) -> str:
    return subject(fact.wish_id, fact.wisher_id)


class WishAsked(Event, frozen=True, kw_only=True):
    """A resident in need asked for something small (C41)."""

    wish_id: str
    place: str
    wish: Annotated[str, sealed(_wisher)]
    wisher: Annotated[str, sealed(_wisher)]  # name
    contact: Annotated[str, sealed(_wisher)]  # or empty
    wisher_id: Annotated[str, staff("wish.read_wisher")]  # person id, or empty when the wisher has no account


class WishPublished(Event, frozen=True, kw_only=True):
    """A wish was checked and may be claimed; the title says nothing about who asked."""

    wish_id: str
    title: Annotated[str, told()]
    title_en: Annotated[str, told()]


class WishRelocated(Event, frozen=True, kw_only=True):
    """The wish is at another place, because its own has ended."""

    wish_id: str
    place: str


class WishRejected(Event, frozen=True, kw_only=True):
    """A wish was checked and cannot be published."""

    wish_id: str
    reason: Annotated[str, staff("wish.publish")]


class WishWithdrawn(Event, frozen=True, kw_only=True):
    """A wish is no longer needed."""

    schema = 2
    wish_id: str
    reason: Annotated[str, staff("wish.publish")]


class WishClaimed(Event, frozen=True, kw_only=True):
    """Exactly one person promised to fulfil a wish, until the claim expires (C42, X07)."""

    wish_id: str
    person_id: Annotated[str, staff("wish.publish")]
    organisation_id: str
    expires: str  # ISO date: first day on which the claim no longer holds


class WisherIntroduced(Event, frozen=True, kw_only=True):
    """Staff passed on to the claimant who wishes, what for and how to reach them: from here on the claimant may read it."""

    wish_id: str
    person_id: Annotated[str, staff("wish.publish")]  # the claimant


class WishReleased(Event, frozen=True, kw_only=True):
    """A claim was given back or expired; the wish may be claimed again."""

    wish_id: str
    person_id: Annotated[str, staff("wish.publish")]
    reason: Annotated[str, staff("wish.publish")]


class WishFulfilled(Event, frozen=True, kw_only=True):
    """The claimant did what was wished for."""

    wish_id: str
    person_id: Annotated[str, staff("wish.publish")]
    note: Annotated[str, staff("wish.publish")]


class WishDisputed(Event, frozen=True, kw_only=True):
    """The wisher says that the wish is not fulfilled yet; the claim goes on."""

    wish_id: str
    reason: Annotated[str, staff("wish.publish")]


class WishConfirmed(Event, frozen=True, kw_only=True):
    """The wisher confirmed, or staff recorded it for them and said how they know."""

    wish_id: str
    by_wisher: bool
    note: Annotated[str, staff("wish.publish")]


class WisherErased(Event, frozen=True, kw_only=True):
    """The key of a wisher without an account was destroyed: name, contact and words can no longer be read (X09)."""

    wish_id: str
    reason: Annotated[str, staff("wish.publish")]
