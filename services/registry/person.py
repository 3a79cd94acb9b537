"""Persons who may hold posts: known once, by a sealed name that can be erased (X09)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any

import msgspec

from shared.domain.answers import ACTIONS, COUNT, PLACE_NAMES, TEXT, by_code, many, page_of, row_of, shape
from shared.domain.city import City, every
from shared.domain.command import CHOSEN
from shared.domain.decider import Decider
from shared.domain.errors import IllegalStateError
from shared.domain.event import Event, sealed
from shared.domain.fields import DAY, id_of, line, text
from shared.domain.fields import PLACE as PATH
from shared.domain.mandate import Mandate
from shared.domain.period import whole_years
from shared.domain.privacy import staff
from shared.domain.query import Cursor, Limit, order_of
from shared.domain.reader import Reader
from shared.domain.record import Record
from shared.domain.signature import Opener
from shared.domain.structures import many as many_of
from shared.domain.view import Row, View
from shared.domain.words import Said, _, said
from shared.personal import Personal

#: Lets one read the names of persons in full.
READ_NAMES = "registry.read_names"


# Facts. Class and field names are the storage format: rename nothing, upcast instead.
class PersonRegistered(Event, frozen=True, kw_only=True):
    """A person who may hold posts became known; `place` says whose staff may read the name, "" that of the whole city (X09)."""

    person_id: Annotated[str, staff(READ_NAMES)]
    name: Annotated[str, sealed(lambda fact: fact.person_id)]
    place: str = ""


class BirthRecorded(Event, frozen=True, kw_only=True):
    """The day of birth of a person, sealed; only ages of several together are told (B38)."""

    person_id: Annotated[str, staff(READ_NAMES)]
    born: Annotated[str, sealed(lambda fact: fact.person_id)]  # ISO date
    place: str


class PersonErased(Event, frozen=True, kw_only=True):
    """The key of a person's data is to be destroyed; no name can be read again (X09)."""

    person_id: Annotated[str, staff(READ_NAMES)]
    place: str
    reason: Annotated[str, staff(READ_NAMES)]


class PersonMoved(Event, frozen=True, kw_only=True):
    """A person belongs to another place, because theirs has ended: its staff read the name from now on."""

    person_id: Annotated[str, staff(READ_NAMES)]
    place: str


class Person(msgspec.Struct, frozen=True):
    """A person."""

    id: str
    status: str = "unknown"  # unknown, registered, erased
    place: str = ""
    name: str = ""  # sealed
    born: str = ""  # sealed


def evolve(person: Person, event: PersonRegistered | BirthRecorded | PersonErased | PersonMoved) -> Person:
    """Apply a recorded fact. Never refuses: it has already happened."""
    match event:
        case PersonRegistered():
            return Person(person.id, "registered", event.place, event.name)
        case BirthRecorded():
            return msgspec.structs.replace(person, born=event.born)
        case PersonErased():
            return Person(person.id, "erased", person.place)
        case PersonMoved():
            return msgspec.structs.replace(person, place=event.place)


FACTS = (PersonRegistered, BirthRecorded, PersonErased, PersonMoved)
PERSON = Decider("person", FACTS, Person, Person, evolve, lambda person: person.place, fold=2)


@PERSON.command("registry.person", new=CHOSEN, place=lambda ask, by: ask["place"] or by.place)
def register_person(
    person: Person,
    *,
    by: Mandate,
    at: str,
    city: City,
    name: Annotated[str, line(100), "name; sealed, staff of the place read it"],
    place: Annotated[str, PATH, "place whose staff may read the name; empty: that of one's own post"] = "",
) -> list[Event]:
    """Register a person once, by a sealed name (X09)."""
    if person.status == "erased":
        raise IllegalStateError(
            _("{person} was erased; who comes back gets a new id"), {"person_id": said(_("erased"))}, person=person.id
        )
    if person.status == "registered":
        return []
    place = place or by.place
    city.known_place(place)
    return [PersonRegistered(person_id=person.id, name=name, place=place)]


@PERSON.command("registry.person", when=("registered",))
def record_birth(
    person: Person,
    *,
    by: Mandate,
    at: str,
    open: Opener,
    born: Annotated[str, DAY, "day of birth; sealed, only ages of several together are told"],
) -> list[Event]:
    """Record the day of birth of a registered person, sealed as their name is; a later one corrects it (B38)."""
    if born > at[:10]:
        raise IllegalStateError(
            _("{day} has not come yet; nobody was born on it"), {"born": said(_("must not be in the future"))}, day=born
        )
    if person.born and open(person.born) == born:
        return []
    return [BirthRecorded(person_id=person.id, born=born, place=person.place)]


_HOLDS = _("{person} holds the post {post}, whose holder must be known; end the appointment first")


def _held(city: City, person_id: str) -> str:
    """A post that somebody holds today or later, "" for none."""
    posts = every(city.rows, "city_posts", {"person_id": person_id})
    return next((row["title"] or row["post_id"] for row in posts if not row["until"] or row["until"] > city.day), "")


def _must_be_known(person: Person, by: Mandate, city: City) -> Said | None:
    """Why a person cannot be erased, whatever is said."""
    post = _held(city, person.id)
    return said(_HOLDS, person=person.id, post=post) if post else None


@PERSON.command(
    "registry.erase",
    when=("registered",),
    again=("erased",),
    erases=lambda person: str(person.id),
    alone=True,
    unless=_must_be_known,
)
def erase_person(
    person: Person,
    *,
    by: Mandate,
    at: str,
    city: City,
    reason: Annotated[str, text(400), "why, without personal data"],
) -> list[Event]:
    """Erase a person's data for good by destroying their key; who holds a post must be known (X09)."""
    if person.status == "erased":
        return []
    if post := _held(city, person.id):
        raise IllegalStateError(_HOLDS, {"person_id": said(_("holds a post"))}, person=person.id, post=post)
    return [PersonErased(person_id=person.id, place=person.place, reason=reason)]


def _erased(row: Row, person: Person, event: Event, record: Record) -> Row:
    return {"erased": int(person.status == "erased")}


PERSONS = View.of(PERSON, "persons", ("person_id", "place", "erased"), _erased)


def with_names(read: Reader, rows: list[Row]) -> list[Row]:
    """Rows with the names of the persons that they are about."""
    called = names(read, (row["person_id"] for row in rows))
    return [row | {"name": called.get(row["person_id"], "")} for row in rows]


def shown_name(read: Reader, row: Row) -> str:
    """A person's name in full for those who may read it there, masked for others, empty once erased (X09) or where it was altered."""
    name = read.open(row["name"])
    if not name:
        return ""
    return name if read.may(READ_NAMES, row["place"] or read.by.place) else Personal.mask(name)


def names(read: Reader, person_ids: Iterable[str]) -> dict[str, str]:
    """The names of persons as the reader may see them; unknown persons are left out."""
    wanted = sorted({id for id in person_ids if id})
    return {id: shown_name(read, row) for id, row in read.rows.get_many("persons", wanted).items()}


_ROW = row_of(PERSON, "born", erased=COUNT, actions=ACTIONS)


def _shown(read: Reader, row: Row) -> Row:
    shown = row | {"name": shown_name(read, row)}
    return {name: value for name, value in shown.items() if name != "born"}


def ages(read: Reader, person_ids: Iterable[str], day: str) -> list[int]:
    """The whole years of age on a day (ISO date) of those whose day of birth is known, without saying whose they are."""
    rows = read.rows.get_many("persons", sorted(set(person_ids)))
    births = (read.open(row["born"]) for row in rows.values() if row.get("born"))
    return sorted(whole_years(born, day) for born in births if born and born <= day)


@PERSON.query(answer=page_of(_ROW), power=READ_NAMES)
def find_persons(
    read: Reader,
    *,
    place__under: Annotated[str, PATH, "registered at this place and below; empty: at your own"] = "",
    order: Annotated[str, order_of("key", "place"), "sorted by; - before it: descending"] = "key",
    limit: Limit = 50,
    cursor: Cursor = "",
) -> dict[str, Any]:
    """Registered persons with their names, for staff who may read them there."""
    where = {"place__under": place__under, "erased": 0}
    return read.page("persons", where, limit, cursor, order, PERSON, lambda row: _shown(read, row))


@PERSON.query(answer=shape(names=by_code(TEXT)))
def person_names(
    read: Reader, *, person_ids: Annotated[list[str], many_of(id_of("person")), "the persons"]
) -> dict[str, Any]:
    """Names of persons, masked for those who may not read them; of who holds no post only for themselves and for staff there (X09)."""
    known = read.rows.get_many("persons", sorted(set(person_ids)))
    holders = (
        {post["person_id"] for post in every(read.rows, "posts", {"person_id": sorted(known)})} if known else set()
    )
    told = (
        id
        for id, row in known.items()
        if id in holders or id == read.by.actor or read.staff(row["place"] or read.by.place)
    )
    return {"names": names(read, told)}


_HELD = ("post_id", "role", "organisation_id", "place", "since", "until")
_NAMED = ("title", "title_en", "organisation", "organisation_en", "post", "post_en")
_POST = shape(**dict.fromkeys((*_HELD, *_NAMED), TEXT), place_names=PLACE_NAMES)


@PERSON.query(answer=shape(posts=many(_POST)))
def posts_of_person(
    read: Reader,
    *,
    person_id: Annotated[str, id_of("person"), "the person"],
    on: Annotated[str, DAY, "day; empty: today"] = "",
) -> dict[str, Any]:
    """The posts that a person holds on a day, with what a chooser of acting posts shows."""
    day = on or read.today
    where = {"person_id": person_id, "since__lte": day, "held_until__gt": day}
    terms = list(every(read.rows, "appointments", where))
    posts = read.rows.get_many("posts", [term["post_id"] for term in terms])
    held = [
        {name: term[name] for name in _HELD} | {name: posts[term["post_id"]][name] for name in ("title", "title_en")}
        for term in terms
    ]
    return {"posts": read.city.named(held)}
