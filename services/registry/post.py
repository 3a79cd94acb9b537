"""Posts and who holds them: one person at a time, with dates; powers follow from them in every service (A11, C13)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec

from services.registry.entry import Entry, entries, in_force
from services.registry.organisation import ORGANISATION, Organisation
from services.registry.person import PERSON, Person, names
from shared.domain.answers import ACTIONS, PLACE_NAMES, TEXT, page_of, row_of, shape
from shared.domain.answers import YES as TRUE
from shared.domain.catalogue import ANONYMOUS, RESIDENT
from shared.domain.city import NEVER, City, held_on
from shared.domain.command import CHOSEN, Cursor, Limit, holds, order_of
from shared.domain.decider import Decider
from shared.domain.errors import BadInputError, ForbiddenError, IllegalStateError, NotFoundError
from shared.domain.event import Event
from shared.domain.fields import DAY, YES, code_of, id_of, line, text
from shared.domain.fields import PLACE as PATH
from shared.domain.mandate import Mandate
from shared.domain.reader import Reader
from shared.domain.record import Record
from shared.domain.territory import within
from shared.domain.view import OWN, Row, View
from shared.domain.words import _, said, term


# Facts. Class and field names are the storage format: rename nothing, upcast instead.
class PostEstablished(Event, frozen=True, kw_only=True):
    """An organisation has a post that one person at a time can hold, perhaps only whoever holds another post (A11)."""

    post_id: str
    organisation_id: str
    role: str
    title: str
    title_en: str
    place: str
    ex_officio_post_id: str = ""


class PostAbolished(Event, frozen=True, kw_only=True):
    """A post ended; nobody can be appointed to it again."""

    post_id: str
    organisation_id: str
    place: str
    until: str
    reason: str


class PersonAppointed(Event, frozen=True, kw_only=True):
    """A person holds a post from a day on; every service takes powers from it (C13)."""

    post_id: str
    person_id: str
    organisation_id: str
    role: str
    place: str
    since: str
    until: str


class AppointmentEnded(Event, frozen=True, kw_only=True):
    """The holder of a post holds it no longer from `until` on; one that ends on its first day was withdrawn and never held."""

    post_id: str
    person_id: str
    organisation_id: str
    place: str
    since: str
    until: str
    reason: str


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


def evolve(post: Post, event: PostEstablished | PostAbolished | PersonAppointed | AppointmentEnded) -> Post:
    """Apply a recorded fact. Never refuses: it has already happened."""
    replace = msgspec.structs.replace
    match event:
        case PostEstablished():
            return Post(
                post.id,
                "standing",
                event.organisation_id,
                event.role,
                event.title,
                event.title_en,
                event.place,
                event.ex_officio_post_id,
            )
        case PersonAppointed():
            return replace(
                post, person_id=event.person_id, since=event.since, until=event.until, free=post.until or post.free
            )
        case AppointmentEnded() if event.until == event.since:
            return replace(post, person_id="", since="", until="")
        case AppointmentEnded():
            return replace(post, until=event.until)
        case PostAbolished():
            return replace(post, status="abolished", abolished=event.until)


FACTS = (PostEstablished, PostAbolished, PersonAppointed, AppointmentEnded)
POST = Decider("post", FACTS, Post, Post, evolve, lambda post: post.place)


@POST.command("registry.post", new=CHOSEN, place=lambda ask, by: ask["place"] or by.place)
def establish_post(
    post: Post,
    *,
    by: Mandate,
    at: str,
    city: City,
    organisation: Annotated[Organisation, holds(ORGANISATION, "organisation_id")],
    ex_officio: Annotated[Post | None, holds(POST, "ex_officio_post_id")],
    codes: Annotated[Mapping[str, Entry], entries(roles="role")],
    organisation_id: Annotated[str, id_of("organisation"), "the organisation"],
    role: Annotated[str, code_of("roles"), "role; gives the powers"],
    title: Annotated[str, line(100), "title in Chinese"],
    title_en: Annotated[str, line(200), "title in English"] = "",
    place: Annotated[str, PATH, "place that the powers reach; empty: that of the organisation"] = "",
    ex_officio_post_id: Annotated[str, id_of("post"), "only the holder of this other post can hold it"] = "",
) -> list[Event]:
    """Establish a post of an organisation, for its place or one below; its role gives the powers (A11, C13)."""
    if organisation.status == "unknown":
        raise NotFoundError(
            _("there is no organisation {organisation}; establish it first"),
            {"organisation_id": said(_("unknown"))},
            organisation=organisation_id,
        )
    place = place or organisation.place
    by.require("registry.post", place)
    established = PostEstablished(
        post_id=post.id,
        organisation_id=organisation_id,
        role=role,
        title=title,
        title_en=title_en,
        place=place,
        ex_officio_post_id=ex_officio_post_id,
    )
    if post.status != "unknown":
        if all(getattr(post, name) == value for name, value in _said(established).items()):
            return []
        raise IllegalStateError(
            _("{post} is established already as {title}; an id names one post"),
            {"post_id": said(_("established already"))},
            post=post.id,
            title=post.title,
        )
    if organisation.until:
        raise IllegalStateError(
            _("{organisation} was dissolved on {day} and gets no new posts"),
            {"organisation_id": said(_("dissolved"))},
            organisation=organisation.name,
            day=organisation.until,
        )
    if not within(place, organisation.place):
        raise IllegalStateError(
            _("{place} is outside {area}, the place of {organisation}"),
            {"place": said(_("must be within the organisation's place"))},
            place=place,
            area=organisation.place,
            organisation=organisation.name,
        )
    _check_role(city, codes, role, organisation)
    if ex_officio is not None and (ex_officio.status == "unknown" or ex_officio.id == post.id):
        raise NotFoundError(
            _("the post {post}, whose holder is to hold this one, is not another established post"),
            {"ex_officio_post_id": said(_("unknown"))},
            post=ex_officio_post_id,
        )
    return [established]


def _said(established: PostEstablished) -> dict[str, str]:
    fields: dict[str, str] = msgspec.to_builtins(established)
    return {name: value for name, value in fields.items() if name != "post_id"}


def _check_role(city: City, codes: Mapping[str, Entry], role: str, organisation: Organisation) -> None:
    if role in (RESIDENT, ANONYMOUS):
        raise BadInputError(
            _("{role} is the role of those who act from no post"),
            {"role": said(_("is no role of a post"))},
            role=term("roles", role),
        )
    level = in_force(city, codes, "roles", role, "role").data.get("level", "")
    if level and level != organisation.level:
        raise IllegalStateError(
            _("the role {role} is one of the level {level}, {organisation} is of {other}"),
            {"role": said(_("is of another level"))},
            role=role,
            level=level,
            organisation=organisation.name,
            other=organisation.level,
        )


@POST.command(
    "registry.appoint",
    when=("standing",),
    otherwise=_("the post was abolished; nobody can be appointed to it"),
)
def appoint_person(
    post: Post,
    *,
    by: Mandate,
    at: str,
    person: Annotated[Person, holds(PERSON, "person_id")],
    organisation: Annotated[Organisation, holds(ORGANISATION, lambda post, ask: post.organisation_id)],
    ex_officio: Annotated[Post | None, holds(POST, lambda post, ask: post.ex_officio_post_id)],
    person_id: Annotated[str, id_of("person"), "the person"],
    since: Annotated[str, DAY, "first day; empty: today"] = "",
    until: Annotated[str, DAY, "first day after; empty: open"] = "",
) -> list[Event]:
    """Appoint a person to a post that nobody holds (C13).

    Appointments to a post are recorded one after the other and only while nobody holds it: a successor is appointed once the holder's
    term is over. Nobody appoints themselves.
    """
    since = since or (post.since if post.person_id == person_id and not post.until else at[:10])
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
    if ex_officio is not None and not (ex_officio.person_id == person_id and held_on(_term(ex_officio), since)):
        raise IllegalStateError(
            _("the post {post} goes with {other}, which {person} does not hold on {day}"),
            {"person_id": said(_("must hold the other post"))},
            post=post.title,
            other=post.ex_officio_post_id,
            person=person_id,
            day=since,
        )
    return [
        PersonAppointed(
            post_id=post.id,
            person_id=person_id,
            organisation_id=post.organisation_id,
            role=post.role,
            place=post.place,
            since=since,
            until=until,
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


@POST.command("registry.appoint", when=("standing",), again=("abolished",))
def end_appointment(
    post: Post,
    *,
    by: Mandate,
    at: str,
    person_id: Annotated[str, id_of("person"), "its holder"],
    until: Annotated[str, DAY, "first day without the post; empty: today"] = "",
    reason: Annotated[str, text(400), "why"] = "",
) -> list[Event]:
    """End the appointment of a post's holder."""
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
    return [
        AppointmentEnded(
            post_id=post.id,
            person_id=person_id,
            organisation_id=post.organisation_id,
            place=post.place,
            since=post.since,
            until=until,
            reason=reason,
        )
    ]


@POST.command("registry.post", when=("standing",), again=("abolished",))
def abolish_post(
    post: Post,
    *,
    by: Mandate,
    at: str,
    reason: Annotated[str, text(400), "why"],
    until: Annotated[str, DAY, "first day without it, not ahead; empty: today"] = "",
) -> list[Event]:
    """End a post that nobody holds."""
    until = until or post.abolished or at[:10]
    if post.abolished:
        if post.abolished == until:
            return []
        raise IllegalStateError(
            _("the post {post} was abolished on {day} already"), post=post.title, day=post.abolished
        )
    if until > at[:10]:
        raise IllegalStateError(
            _("{day} has not come yet; abolish the post on that day"),
            {"until": said(_("must not be in the future"))},
            day=until,
        )
    if post.person_id and (not post.until or post.until > until):
        raise IllegalStateError(
            _("the post {post} is held by {person} on {day}; end that appointment first"),
            post=post.title,
            person=post.person_id,
            day=until,
        )
    if post.free > until:
        raise IllegalStateError(
            _("the post {post} was held until {day}; it can be abolished then or later"),
            {"until": said(_("must not be before {day}"), day=post.free)},
            post=post.title,
            day=post.free,
        )
    return [
        PostAbolished(
            post_id=post.id, organisation_id=post.organisation_id, place=post.place, until=until, reason=reason
        )
    ]


# Rows.
def _held_until(row: Row, post: Post, event: Event, record: Record) -> Row:
    """The first day without a holder, so that days compare; "" when nobody held it yet."""
    return {"held_until": (post.until or NEVER) if post.person_id else ""}


POSTS = View.of(
    POST,
    "posts",
    ("post_id", "organisation_id", "place", "role", "person_id", "abolished", "since", "held_until"),
    _held_until,
)


def _appointment_key(event: Event, record: Record) -> str | None:
    if isinstance(event, PersonAppointed | AppointmentEnded):
        return f"{event.post_id}/{event.since}/{event.person_id}"
    return None


def _appointment(row: Row, event: PersonAppointed | AppointmentEnded, record: Record, key: str) -> Row:
    """Every term that anybody served."""
    if isinstance(event, AppointmentEnded):
        return row | {"until": event.until, "held_until": event.until, "reason": event.reason}
    fields: Row = msgspec.to_builtins(event)
    return fields | {"held_until": event.until or NEVER, "reason": ""}


APPOINTMENTS = View(
    "appointments",
    OWN,
    _appointment_key,
    _appointment,
    ("post_id", "person_id", "organisation_id", "place", "role", "since", "held_until"),
)

_ROW = row_of(
    POST,
    **dict.fromkeys(("held_until", "organisation", "organisation_en", "post", "post_en", "holder"), TEXT),
    place_names=PLACE_NAMES,
    vacant=TRUE,
    succession_due=TRUE,
    actions=ACTIONS,
)
_TERM = ("key", "post_id", "person_id", "organisation_id", "role", "place", "since", "until", "held_until", "reason")


def _holder(post: Row, day: str) -> str:
    """Who holds a post on a day; "" when nobody does."""
    return str(post["person_id"]) if held_on(post, day) else ""


@POST.query(answer=page_of(_ROW))
def find_posts(
    read: Reader,
    *,
    place__under: Annotated[str, PATH, "for this place and below"] = "",
    organisation_id: Annotated[str, id_of("organisation"), "of this organisation"] = "",
    role: Annotated[str, code_of("roles"), "with this role"] = "",
    person_id: Annotated[str, id_of("person"), "held last by this person"] = "",
    vacant: Annotated[bool, YES, "only posts that nobody holds or is appointed to"] = False,
    order: Annotated[str, order_of("key", "place", "role", "since"), "sorted by; - before it: descending"] = "key",
    limit: Limit = 50,
    cursor: Cursor = "",
) -> dict[str, Any]:
    """Posts that were not abolished with their holders, names masked for the public (A11).

    `succession_due`: the post goes with another one whose holder has changed or left.
    """
    where = {"place__under": place__under, "organisation_id": organisation_id, "role": role, "person_id": person_id}
    free = {"held_until__lte": read.today} if vacant else {}
    page = read.page("posts", where | free | {"abolished": [""]}, limit, cursor, order, POST)
    others = read.rows.get_many("posts", [id for row in page["rows"] if (id := row["ex_officio_post_id"])])
    holders = names(read, (row["person_id"] for row in page["rows"]))

    def shown(row: Row) -> Row:
        holder, other = _holder(row, read.today), others.get(row["ex_officio_post_id"])
        return row | {
            "holder": holders.get(row["person_id"], ""),
            "vacant": not holder,
            "succession_due": other is not None and _holder(other, read.today) != holder,
        }

    return page | {"rows": read.city.named(shown(row) for row in page["rows"])}


@POST.query(answer=page_of(shape(**dict.fromkeys(_TERM, TEXT))))
def find_appointments(
    read: Reader,
    *,
    post_id: Annotated[str, id_of("post"), "of this post"] = "",
    person_id: Annotated[str, id_of("person"), "of this person"] = "",
    organisation_id: Annotated[str, id_of("organisation"), "of this organisation"] = "",
    place__under: Annotated[str, PATH, "for this place and below"] = "",
    order: Annotated[str, order_of("key", "since"), "sorted by; - before it: descending"] = "key",
    limit: Limit = 50,
    cursor: Cursor = "",
) -> dict[str, Any]:
    """Terms of office, past ones too."""
    where = {
        "post_id": post_id,
        "person_id": person_id,
        "organisation_id": organisation_id,
        "place__under": place__under,
    }
    return read.page("appointments", where, limit, cursor, order)
