"""Asking for something small, and what becomes of it before anybody claims it."""

from __future__ import annotations

from typing import Annotated

from services.volunteers.volunteer import own_or_mandated
from services.volunteers.wish.facts import WishAsked, WisherErased, WishPublished, WishRejected, WishWithdrawn
from services.volunteers.wish.state import WISH, Wish, own
from shared.domain.city import City
from shared.domain.command import CHOSEN
from shared.domain.errors import IllegalStateError
from shared.domain.event import Event
from shared.domain.fields import PLACE, id_of, line, text
from shared.domain.mandate import Mandate
from shared.domain.signature import Opener
from shared.domain.words import Said, _, said, term

_CHECKED = _("the wish is {status}; only a wish that was not checked yet can be published")
#: Why something was done.
REASON = text(500)


def _checks_own(wish: Wish, by: Mandate) -> Said | None:
    return said(_("nobody can check their own wish")) if own(wish, by) else None


@WISH.command("wish.ask", new=CHOSEN)
def ask_wish(
    state: Wish,
    *,
    by: Mandate,
    at: str,
    city: City,
    place: Annotated[str, PLACE, "where the wisher lives"],
    wish: Annotated[str, text(1000), "what is wished for; sealed"],
    wisher: Annotated[str, line(100), "name of the wisher; sealed"],
    contact: Annotated[str, line(200), "how to reach the wisher; sealed"] = "",
    wisher_id: Annotated[str, id_of("person"), "who wishes; staff leave it empty when the wisher has no account"] = "",
) -> list[Event]:
    """Ask for something small; residents ask for themselves, staff for others (C41)."""
    wisher_id = wisher_id or ("" if by.post_id else by.actor)
    own_or_mandated(by, wisher_id, "wish.ask", place)
    if state.status != "unknown":
        return []
    city.known_place(place)
    return [WishAsked(wish_id=state.id, place=place, wish=wish, wisher=wisher, contact=contact, wisher_id=wisher_id)]


@WISH.command("wish.publish", when=("asked",), again=("published",), otherwise=_CHECKED, only=_checks_own)
def publish_wish(
    wish: Wish,
    *,
    by: Mandate,
    at: str,
    open: Opener,
    title: Annotated[str, line(200), "public title, which does not say who asked"],
    title_en: Annotated[str, line(200), "public title in English"] = "",
) -> list[Event]:
    """Publish a checked wish under a title that does not say who asked (C41)."""
    name = open(wish.wisher) or ""
    if name and any(name.casefold() in text.casefold() for text in (title, title_en)):
        raise IllegalStateError(
            _("the public title names the wisher; say what is wished for, not by whom"),
            {"title": said(_("names the wisher"))},
        )
    if wish.status == "published":
        if wish.title == title:
            return []
        raise IllegalStateError(_CHECKED, status=term("status", wish.status))
    return [WishPublished(wish_id=wish.id, title=title, title_en=title_en)]


@WISH.command(
    "wish.publish",
    when=("asked",),
    again=("rejected",),
    otherwise=_("the wish is {status}; only a wish that was not published yet can be rejected"),
)
def reject_wish(wish: Wish, *, by: Mandate, at: str, reason: Annotated[str, REASON, "why"]) -> list[Event]:
    """Decline to publish a wish, and say why."""
    return [] if wish.status == "rejected" else [WishRejected(wish_id=wish.id, reason=reason)]


@WISH.command(
    "wish.publish",
    when=("asked", "published"),
    again=("withdrawn",),
    otherwise=_("the wish is {status} and cannot be withdrawn; release a claim first"),
    owner=own,
)
def withdraw_wish(wish: Wish, *, by: Mandate, at: str, reason: Annotated[str, REASON, "why"]) -> list[Event]:
    """Take a wish back that nobody works on: the wisher, or who checks wishes."""
    return [] if wish.status == "withdrawn" else [WishWithdrawn(wish_id=wish.id, reason=reason)]


def _not_to_erase(wish: Wish, by: Mandate, city: City) -> Said | None:
    return said(_PERSON) if wish.wisher_id or wish.erased else None


_PERSON = _("this wisher is a registered person; erase the person")


@WISH.command("wish.erase", unless=_not_to_erase, erases=lambda wish: wish.subject)
def erase_wisher(wish: Wish, *, by: Mandate, at: str, reason: Annotated[str, REASON, "why"]) -> list[Event]:
    """Forget a wisher without an account by destroying the key: nothing sealed can be read again (X09)."""
    if wish.wisher_id:
        raise IllegalStateError(_PERSON)
    return [] if wish.erased else [WisherErased(wish_id=wish.id, reason=reason)]
