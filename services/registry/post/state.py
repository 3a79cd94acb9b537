"""A post and who holds it: what has happened, and what follows from it (A11, C13)."""

from __future__ import annotations

from typing import Annotated

import msgspec

from shared.domain.decider import Decider
from shared.domain.event import Codec, Event, taken
from shared.domain.privacy import PUBLIC, told


# Facts. Class and field names are the storage format: rename nothing, upcast instead.
class PostEstablished(Event, frozen=True, kw_only=True):
    """An organisation has a post that one person at a time can hold, perhaps only whoever holds another post (A11)."""

    post_id: str
    organisation_id: str
    role: str
    title: Annotated[str, told()]
    title_en: Annotated[str, told()]
    place: str
    ex_officio_post_id: str = ""


class PostAbolished(Event, frozen=True, kw_only=True):
    """A post ended; nobody can be appointed to it again."""

    post_id: str
    organisation_id: str
    place: str
    until: str
    reason: Annotated[str, told()]


class PersonAppointed(Event, frozen=True, kw_only=True):
    """A person holds a post from a day on; every service takes powers from it (C13)."""

    schema = 2
    post_id: str
    person_id: Annotated[str, PUBLIC]
    organisation_id: str
    role: str
    place: str
    since: str
    until: str
    beside_post_id: str = ""  # the main post of a part-time holder (E04)


class AppointmentEnded(Event, frozen=True, kw_only=True):
    """The holder of a post holds it no longer from `until` on; one that ends on its first day was withdrawn and never held."""

    schema = 2
    post_id: str
    person_id: Annotated[str, PUBLIC]
    organisation_id: str
    place: str
    since: str
    until: str
    reason: Annotated[str, told()]
    with_post_id: str = ""  # the post that this one went with, which its holder lost (A11)


class Post(msgspec.Struct, frozen=True):
    """A post with its latest term; `free` is the day from which the term before left it free, `abolished` a day or ""."""

    id: str
    status: str = "unknown"  # unknown, standing, abolished
    organisation_id: str = ""
    role: str = ""
    title: str = ""
    title_en: str = ""
    place: str = ""
    ex_officio_post_id: str = ""
    person_id: str = ""
    since: str = ""
    until: str = ""
    free: str = ""
    abolished: str = ""
    beside_post_id: str = ""  # the main post of its holder, where this one is part-time


def evolve(post: Post, event: PostEstablished | PostAbolished | PersonAppointed | AppointmentEnded) -> Post:
    """Apply a recorded fact. Never refuses: it has already happened."""
    replace = msgspec.structs.replace
    match event:
        case PostEstablished():
            return Post(**taken(event, Post, id=post.id, status="standing"))
        case PersonAppointed():
            held = replace(post, person_id=event.person_id, since=event.since, until=event.until)
            return replace(held, free=post.until or post.free, beside_post_id=event.beside_post_id)
        case AppointmentEnded() if event.until == event.since:
            return replace(post, person_id="", since="", until="")
        case AppointmentEnded():
            return replace(post, until=event.until)
        case PostAbolished():
            return replace(post, status="abolished", abolished=event.until)


#: Terms began before posts were held beside others, and ended before posts went with others: the fields that were added have defaults.
FACTS = Codec(
    (PostEstablished, PostAbolished, PersonAppointed, AppointmentEnded),
    {("PersonAppointed", 1): lambda data: data, ("AppointmentEnded", 1): lambda data: data},
)
POST = Decider("post", FACTS, Post, Post, evolve, lambda post: post.place)
