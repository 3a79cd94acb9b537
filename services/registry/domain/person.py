"""Persons who may hold posts: known once, by a sealed name that can be erased (X09)."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from services.registry.events import CODEC, PersonErased, PersonRegistered
from shared.domain.decider import Decider
from shared.domain.errors import IllegalStateError, NotFoundError
from shared.domain.event import Event
from shared.domain.mandate import Mandate


class Person(msgspec.Struct, frozen=True):
    """A person; `status` is unknown, registered or erased."""

    id: str
    status: str = "unknown"
    place: str = ""


def initial(id: str) -> Person:
    return Person(id)


def evolve(person: Person, event: Event) -> Person:
    """Apply a recorded fact."""
    match event:
        case PersonRegistered():
            return Person(person.id, "registered", event.place)
        case PersonErased():
            return msgspec.structs.replace(person, status="erased")
        case _:
            return person


def register_person(person: Person, *, by: Mandate, at: str, name: str, place: str) -> list[Event]:
    """Enter a person once; `name` comes sealed."""
    by.require("registry.person", place)
    match person.status:
        case "registered":
            raise IllegalStateError(f"{person.id} is registered already; a person is registered once")
        case "erased":
            raise IllegalStateError(f"{person.id} was erased; who comes back gets a new id")
    return [PersonRegistered(person_id=person.id, name=name, place=place)]


def erase(person: Person, *, by: Mandate, at: str, reason: str, posts_held: Sequence[str]) -> list[Event]:
    """Let a person's data become unreadable for good; `posts_held` are posts held today or later."""
    by.require("registry.erase", person.place if person.status != "unknown" else by.place)
    match person.status:
        case "unknown":
            raise NotFoundError(f"no person {person.id} is registered")
        case "erased":
            return []
    if posts_held:
        raise IllegalStateError(
            f"{person.id} holds the post {posts_held[0]}, whose holder must be known; end the appointment first"
        )
    return [PersonErased(person_id=person.id, place=person.place, reason=reason)]


PERSON = Decider("person", CODEC, Person, initial, evolve, lambda person: person.place)
