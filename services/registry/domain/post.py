"""Posts and who holds them: one person at a time, with dates; powers follow from them in every service (A11, C13)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from services.registry.domain.place import within
from services.registry.domain.profile import in_force
from services.registry.events import CODEC, AppointmentEnded, PersonAppointed, PostAbolished, PostEstablished
from shared.domain.city import held_on
from shared.domain.decider import Decider
from shared.domain.errors import ForbiddenError, IllegalStateError, NotFoundError
from shared.domain.event import Event
from shared.domain.mandate import Mandate


class Post(msgspec.Struct, frozen=True):
    """A post; `established` is None while it is unknown, `abolished` is a day or "".

    `last` is the latest appointment with its end, `free` the day from which the one before left the post free.
    An appointment that ended on its first day was withdrawn and never held.
    """

    id: str
    established: PostEstablished | None = None
    last: PersonAppointed | None = None
    free: str = ""
    abolished: str = ""


def initial(id: str) -> Post:
    return Post(id)


def evolve(post: Post, event: Event) -> Post:
    """Apply a recorded fact."""
    replace = msgspec.structs.replace
    match event:
        case PostEstablished():
            return replace(post, established=event)
        case PersonAppointed():
            return replace(post, last=event, free=_free_from(post))
        case AppointmentEnded():
            return replace(post, last=replace(post.last, until=event.until)) if post.last else post
        case PostAbolished():
            return replace(post, abolished=event.until)
        case _:
            return post


def establish_post(
    post: Post,
    *,
    by: Mandate,
    at: str,
    organisation_id: str,
    role: str,
    title: str,
    title_en: str,
    place: str,
    ex_officio_post_id: str,
    profile: Mapping[str, Any] | None,
    organisation: Mapping[str, Any] | None,
    ex_officio: Mapping[str, Any] | None,
) -> list[Event]:
    """Set up a post of an organisation, for its place ("") or one below; the mappings are rows.

    With `ex_officio_post_id` only the holder of that other post can hold it (A11).
    """
    place = place or (organisation["place"] if organisation else by.place)
    by.require("registry.post", place)
    if organisation is None:
        raise NotFoundError(f"no organisation {organisation_id} is established; establish it first")
    established = PostEstablished(
        post_id=post.id,
        organisation_id=organisation_id,
        role=role,
        title=title,
        title_en=title_en,
        place=place,
        ex_officio_post_id=ex_officio_post_id,
    )
    if post.established == established:
        return []
    if post.established is not None:
        raise IllegalStateError(f"{post.id} is established already as {post.established.title}; an id names one post")
    if organisation["until"]:
        raise IllegalStateError(
            f"{organisation['name']} was dissolved on {organisation['until']} and gets no new posts"
        )
    if not within(place, organisation["place"]):
        raise IllegalStateError(f"{place} is outside {organisation['place']}, the place of {organisation['name']}")
    roles = {one["code"]: one["level"] for one in in_force(profile)["roles"]}
    if role not in roles:
        raise IllegalStateError(f"{role!r} is not a role of this city; known: {', '.join(sorted(roles))}")
    if roles[role] and roles[role] != organisation["level"]:
        raise IllegalStateError(
            f"the role {role} is one of the level {roles[role]}, {organisation['name']} is of {organisation['level']}"
        )
    if ex_officio_post_id and (ex_officio is None or ex_officio_post_id == post.id):
        raise NotFoundError(
            f"the post {ex_officio_post_id}, whose holder is to hold this one, is not another established post"
        )
    return [established]


def appoint(
    post: Post,
    *,
    by: Mandate,
    at: str,
    person_id: str,
    since: str,
    until: str,
    person: Mapping[str, Any] | None,
    organisation: Mapping[str, Any] | None,
    ex_officio: Mapping[str, Any] | None,
) -> list[Event]:
    """Appoint a person from a day on, perhaps up to a day; the mappings are rows.

    Appointments to a post are recorded one after the other and only while nobody holds it: a successor is
    appointed once the holder's term is over. Nobody appoints themselves.
    """
    known = _existing(post, by, "registry.appoint")
    appointed = PersonAppointed(
        post_id=post.id,
        person_id=person_id,
        organisation_id=known.organisation_id,
        role=known.role,
        place=known.place,
        since=since
        or (post.last.since if post.last and post.last.person_id == person_id and not post.last.until else at[:10]),
        until=until,
    )
    if post.last == appointed:
        return []
    if person_id == by.actor:
        raise ForbiddenError(
            "nobody appoints themselves; somebody else with the mandate must do it", {"power": "registry.appoint"}
        )
    if post.abolished:
        raise IllegalStateError(
            f"the post {known.title} was abolished on {post.abolished}; nobody can be appointed to it"
        )
    if organisation is not None and organisation["until"]:
        raise IllegalStateError(
            f"{organisation['name']} was dissolved on {organisation['until']}; nobody can be appointed to its posts"
        )
    if person is None:
        raise NotFoundError(f"no person {person_id} is registered; register them first")
    if person["erased"]:
        raise IllegalStateError(f"{person_id} was erased and can hold no post")
    if appointed.until and appointed.until <= appointed.since:
        raise IllegalStateError(
            f"a term since {appointed.since} cannot be over on {appointed.until}; until is the first day after"
        )
    _check_vacant(known.title, post, appointed.since, at[:10])
    if known.ex_officio_post_id:
        _check_ex_officio(known, person_id, appointed.since, ex_officio)
    return [appointed]


def _free_from(post: Post) -> str:
    """The first day after the latest term that was not withdrawn; "" when there was none or it is open."""
    return post.last.until if post.last and post.last.until != post.last.since else post.free


def _check_vacant(title: str, post: Post, since: str, today: str) -> None:
    last, free = post.last, _free_from(post)
    if last is not None and not last.until:
        raise IllegalStateError(
            f"the post {title} is held by {last.person_id} since {last.since}; end that appointment first"
        )
    if last is not None and free > today:
        raise IllegalStateError(
            f"the post {title} is held by {last.person_id} until {free}; appoint the successor on that day"
        )
    if since < free:
        raise IllegalStateError(f"the post {title} was held until {free}; the next term starts then or later")


def _check_ex_officio(post: PostEstablished, person_id: str, since: str, ex_officio: Mapping[str, Any] | None) -> None:
    if ex_officio is None or ex_officio["person_id"] != person_id or not held_on(ex_officio, since):
        other = post.ex_officio_post_id
        raise IllegalStateError(f"the post {post.title} goes with {other}, which {person_id} does not hold on {since}")


def end_appointment(post: Post, *, by: Mandate, at: str, person_id: str, until: str, reason: str) -> list[Event]:
    """End the appointment of a person; `until` is the first day without the post, today unless given."""
    known = _existing(post, by, "registry.appoint")
    last = post.last
    if last is None or last.person_id != person_id:
        raise IllegalStateError(f"{person_id} does not hold the post {known.title}")
    until = until or (last.until if last.until and last.until <= at[:10] else at[:10])
    if last.until == until:
        return []
    if last.until and last.until <= at[:10]:
        raise IllegalStateError(f"the appointment of {person_id} is over since {last.until}")
    if until < last.since:
        raise IllegalStateError(f"{person_id} holds the post since {last.since}; it cannot end before, on {until}")
    if last.until and until > last.until:
        raise IllegalStateError(
            f"the term of {person_id} ends on {last.until}; to prolong it, appoint them again on that day"
        )
    return [
        AppointmentEnded(
            post_id=post.id,
            person_id=person_id,
            organisation_id=known.organisation_id,
            place=known.place,
            since=last.since,
            until=until,
            reason=reason,
        )
    ]


def abolish(post: Post, *, by: Mandate, at: str, until: str, reason: str) -> list[Event]:
    """End a post that nobody holds any more."""
    known = _existing(post, by, "registry.post")
    until = until or post.abolished or at[:10]
    if post.abolished:
        if post.abolished == until:
            return []
        raise IllegalStateError(f"the post {known.title} was abolished on {post.abolished} already")
    if until > at[:10]:
        raise IllegalStateError(f"{until} has not come yet; abolish the post on that day")
    if post.last is not None and (not post.last.until or _free_from(post) > until):
        raise IllegalStateError(
            f"the post {known.title} is held by {post.last.person_id} on {until}; end that appointment first"
        )
    return [
        PostAbolished(
            post_id=post.id, organisation_id=known.organisation_id, place=known.place, until=until, reason=reason
        )
    ]


def _existing(post: Post, by: Mandate, power: str) -> PostEstablished:
    by.require(power, post.established.place if post.established else by.place)
    if post.established is None:
        raise NotFoundError(f"no post {post.id} is established")
    return post.established


def _place(post: Post) -> str:
    return post.established.place if post.established else ""


POST = Decider("post", CODEC, Post, initial, evolve, _place)
