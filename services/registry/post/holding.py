"""Persons are appointed to posts, one at a time, with dates; powers follow from them in every service (A11, C13)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from services.registry.classification import require_classified
from services.registry.organisation.state import ORGANISATION, Organisation
from services.registry.person import PERSON, Person
from services.registry.post.apart import check_apart
from services.registry.post.beside import check_main, main_post
from services.registry.post.going_with import ended_with, going_with
from services.registry.post.state import POST, AppointmentEnded, PersonAppointed, Post
from shared.domain.city import City, every, held_on
from shared.domain.command import On
from shared.domain.errors import ForbiddenError, IllegalStateError, NotFoundError
from shared.domain.event import Event
from shared.domain.fields import DAY, id_of, text
from shared.domain.mandate import Mandate
from shared.domain.signature import holds
from shared.domain.view import Row
from shared.domain.words import _, said


@POST.command(
    "registry.appoint",
    when=("standing",),
    otherwise=_("the post was abolished; nobody can be appointed to it"),
    alone=True,
)
def appoint_person(
    post: Post,
    *,
    by: Mandate,
    at: str,
    city: City,
    person: Annotated[Person, holds(PERSON, "person_id")],
    organisation: Annotated[Organisation, holds(ORGANISATION, lambda post, ask: post.organisation_id)],
    ex_officio: Annotated[Post | None, holds(POST, lambda post, ask: post.ex_officio_post_id)],
    person_id: Annotated[str, id_of("person"), "the person"],
    since: Annotated[str, DAY, "first day; empty: today"] = "",
    until: Annotated[str, DAY, "first day after; empty: open"] = "",
) -> list[Event]:
    """Appoint a person to a post that nobody holds (C13).

    Appointments to a post are recorded one after the other and only while nobody holds it: a successor is appointed once the holder's
    term is over. Nobody appoints themselves, or holds posts of two bodies that the city keeps apart over one place (D06, X14).
    """
    made = appointed(post, by, at, city, person, organisation, ex_officio, person_id, since, until)
    if made and (kind := selected_by(city, organisation.type, post.role)):
        raise IllegalStateError(
            _("posts like {post} are filled by the selection {kind} only; elect somebody and seat them by it"),
            {"post_id": said(_("filled by a selection"))},
            post=post.title,
            kind=kind,
        )
    return made


def selected_by(city: City, type: str, role: str) -> str:
    """The kind of selection without which nobody is appointed to posts of a role in bodies of a type, "" for none (A10)."""
    kinds = ((code, entry.data) for code, entry in city.entries("selections").items())
    return next(
        (code for code, rules in kinds if rules["only"] and rules["of"] == type and rules["role"] in ("", role)), ""
    )


def appointed(
    post: Post,
    by: Mandate,
    at: str,
    city: City,
    person: Person,
    organisation: Organisation,
    ex_officio: Post | None,
    person_id: str,
    since: str,
    until: str,
) -> list[Event]:
    """That a person holds a post, however they were chosen; nothing when it is so already. Raises the `DomainError` of what forbids it."""
    since = since or (post.since if post.person_id == person_id and not post.until else at[:10])
    goes_with = ex_officio is not None and ex_officio.person_id == person_id and held_on(_term(ex_officio), since)
    if ex_officio is not None and goes_with:
        until = until or ex_officio.until  # the term does not outlast that one (A11)
    main = main_post(post, organisation, person_id, since, city)
    until = until or (main["until"] if main else "")  # nor the main post, beside which it is held (E04)
    if (post.person_id, post.since, post.until) == (person_id, since, until):
        return []
    if person_id == by.actor:
        raise ForbiddenError(
            _("nobody appoints themselves; somebody else with the mandate must do it"),
            {"person_id": said(_("must be somebody else"))},
        )
    if organisation.until:
        raise IllegalStateError(
            _("{organisation} was dissolved on {day}; nobody can be appointed to its posts"),
            organisation=organisation.name,
            day=organisation.until,
        )
    if person.status == "unknown":
        raise NotFoundError(
            _("there is no person {person}; register them first"), {"person_id": said(_("unknown"))}, person=person_id
        )
    if person.status == "erased":
        raise IllegalStateError(
            _("{person} was erased and can hold no post"), {"person_id": said(_("erased"))}, person=person_id
        )
    if until and until <= since:
        raise IllegalStateError(
            _("a term since {since} cannot be over on {until}; until is the first day after"),
            {"until": said(_("must be after {day}"), day=since)},
            since=since,
            until=until,
        )
    _check_vacant(post, since, at[:10])
    if ex_officio is not None and not goes_with:
        raise IllegalStateError(
            _("the post {post} goes with {other}, which {person} does not hold on {day}"),
            {"person_id": said(_("must hold the other post"))},
            post=post.title,
            other=post.ex_officio_post_id,
            person=person_id,
            day=since,
        )
    if ex_officio is not None and ex_officio.until and until > ex_officio.until:
        raise IllegalStateError(
            _("the post {post} goes with {other}, which {person} holds until {day}"),
            {"until": said(_("must not be after {day}"), day=ex_officio.until)},
            post=post.title,
            other=post.ex_officio_post_id,
            person=person_id,
            day=ex_officio.until,
        )
    check_main(main, post, person_id, since, until, city)
    check_apart(post, organisation, person_id, since, until, city)
    type = city.entries("organisation_types").get(organisation.type)
    require_classified(city, type.data.get("members", "") if type else "", person_id, "person_id")
    return [
        PersonAppointed(
            post_id=post.id,
            person_id=person_id,
            organisation_id=post.organisation_id,
            role=post.role,
            place=post.place,
            since=since,
            until=until,
            beside_post_id=main["post_id"] if main else "",
        )
    ]


def _term(post: Post) -> Row:
    return {"person_id": post.person_id, "since": post.since, "until": post.until}


def _check_vacant(post: Post, since: str, today: str) -> None:
    if post.person_id and not post.until:
        raise IllegalStateError(
            _("the post {post} is held by {person} since {day}; end that appointment first"),
            post=post.title,
            person=post.person_id,
            day=post.since,
        )
    free = post.until or post.free
    if post.person_id and free > today:
        raise IllegalStateError(
            _("the post {post} is held by {person} until {day}; appoint the successor on that day"),
            post=post.title,
            person=post.person_id,
            day=free,
        )
    if since < free:
        raise IllegalStateError(
            _("the post {post} was held until {day}; the next term starts then or later"),
            {"since": said(_("must not be before {day}"), day=free)},
            post=post.title,
            day=free,
        )


def _check_last(post: Post, until: str, city: City, others: Mapping[str, Post]) -> None:
    """Refuse to leave nobody who takes in issues for good: every place has a last resort (X13). Posts that go with it are lost as well."""
    lost = {post.id: post} | {id: other for id, other in others.items() if other.person_id == post.person_id}
    roles = city.intake_roles()
    if not any(one.role in roles for one in lost.values()):
        return
    taking = every(city.rows, "city_posts", {"role": roles})
    if not any(
        one["post_id"] not in lost
        and one["person_id"]
        and not one["until"]
        and not one["abolished"]
        and one["since"] <= until
        for one in taking
    ):
        raise IllegalStateError(
            _("{person} is the last who takes in issues; appoint somebody to another post that does, first"),
            person=post.person_id,
        )


@POST.command("registry.appoint", when=("standing",), again=("abolished",), alone=True)
def end_appointment(
    post: Post,
    *,
    by: Mandate,
    at: str,
    city: City,
    others: Annotated[Mapping[str, Post], holds(POST, going_with)],
    person_id: Annotated[str, id_of("person"), "its holder"],
    until: Annotated[str, DAY, "first day without the post; empty: today"] = "",
    reason: Annotated[str, text(400), "why"] = "",
) -> list[Event | On]:
    """End the appointment of a post's holder, and their terms in posts that go with it (A11).

    The last who takes in issues stays until somebody else does (X13).
    """
    if not person_id or post.person_id != person_id:
        raise IllegalStateError(
            _("{person} does not hold the post {post}"),
            {"person_id": said(_("does not hold it"))},
            person=person_id,
            post=post.title,
        )
    over = bool(post.until) and post.until <= at[:10]
    until = until or (post.until if over else at[:10])
    if post.until == until:
        return []
    if over:
        raise IllegalStateError(_("the appointment of {person} is over since {day}"), person=person_id, day=post.until)
    if until < post.since:
        raise IllegalStateError(
            _("{person} holds the post since {day}; it cannot end before, on {until}"),
            {"until": said(_("must not be before {day}"), day=post.since)},
            person=person_id,
            day=post.since,
            until=until,
        )
    if post.until and until > post.until:
        raise IllegalStateError(
            _("the term of {person} ends on {day}; to prolong it, appoint them again on that day"),
            {"until": said(_("must not be after {day}"), day=post.until)},
            person=person_id,
            day=post.until,
        )
    _check_last(post, until, city, others)
    ended = AppointmentEnded(
        post_id=post.id,
        person_id=person_id,
        organisation_id=post.organisation_id,
        place=post.place,
        since=post.since,
        until=until,
        reason=reason,
    )
    return [ended, *ended_with(person_id, until, others)]
