"""Facts and state of links, and how the facts change it."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec.structs import replace

from shared.domain.decider import Decider
from shared.domain.event import Event, taken
from shared.domain.privacy import PUBLIC, told


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
                **taken(
                    event,
                    Link,
                    id=link.id,
                    status="proposed" if event.mutual else "linked",
                    proposed_by=event.person_id,
                    since="" if event.mutual else event.since,
                )
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
