"""Facts of the registry: the city's profile, its places, organisations, posts and the persons who hold them.

Class and field names are the storage format: rename nothing, upcast instead. Dates are ISO dates of the local day;
`since` is the first day, `until` the first day after, "" while open.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from shared.domain.event import Codec, Event, Upcaster
from shared.following.parking import PARKING_EVENTS

#: How exact a number is that was taken from a document (X04): 600余 is at_least, 近600 is below, 左右 is about.
Qualifier = Literal["exact", "at_least", "about", "below"]


class Level(msgspec.Struct, frozen=True, kw_only=True):
    """One level of the organisation tree; a profile lists them from the top down (A03, C06)."""

    code: str
    zh: str
    en: str


class Role(msgspec.Struct, frozen=True, kw_only=True):
    """What a post makes of its holder; `level` is the level of organisations that have it, "" any (C13)."""

    code: str
    zh: str
    en: str
    level: str = ""


class Term(msgspec.Struct, frozen=True, kw_only=True):
    """A code's words in both languages."""

    zh: str
    en: str


class ProfileAdopted(Event, frozen=True, kw_only=True):
    """A version of the profile rules: levels, roles and their powers, code lists, parameters (A03, A12, A13, C13)."""

    profile_id: str
    city: str
    version: int
    effective: str
    levels: tuple[Level, ...]
    roles: tuple[Role, ...]
    powers: dict[str, tuple[str, ...]]
    code_lists: dict[str, dict[str, Term]]
    parameters: dict[str, int]


class PlaceRegistered(Event, frozen=True, kw_only=True):
    """A street, community, area, compound, yard or building became known (C02, C29, C50, D04)."""

    place: str  # territory path
    kind: str
    name: str
    name_en: str
    parent: str


class PlaceMeasured(Event, frozen=True, kw_only=True):
    """A measure of a place is known from a day on: an integer of a named unit, with its source (C02, X04)."""

    place: str
    measure: str
    value: int
    unit: str
    qualifier: Qualifier
    source: str
    since: str


class HouseholdsCounted(Event, frozen=True, kw_only=True):
    """The households of a building, or of a place whose buildings are not counted one by one (C02, C29)."""

    place: str
    households: int
    as_of: str
    qualifier: Qualifier


class OrganisationEstablished(Event, frozen=True, kw_only=True):
    """An organisation took its place in the tree (A03, A06, C06, C50)."""

    organisation_id: str
    type: str
    name: str
    name_en: str
    level: str
    place: str
    parent_id: str
    since: str


class OrganisationDissolved(Event, frozen=True, kw_only=True):
    """An organisation ended; it stays in the history of the tree (A06)."""

    organisation_id: str
    place: str
    until: str
    reason: str


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


class PersonRegistered(Event, frozen=True, kw_only=True):
    """A person who may hold posts became known; the name is sealed (X09).

    `place` says whose staff may read it, "" that of the whole city.
    """

    person_id: str
    name: str
    place: str = ""


class PersonErased(Event, frozen=True, kw_only=True):
    """The key of a person's data is to be destroyed; no name can be read again (X09)."""

    person_id: str
    place: str
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
    """The holder of a post holds it no longer from `until` on."""

    post_id: str
    person_id: str
    organisation_id: str
    place: str
    since: str
    until: str
    reason: str


EVENTS: tuple[type[Event], ...] = (
    ProfileAdopted,
    PlaceRegistered,
    PlaceMeasured,
    HouseholdsCounted,
    OrganisationEstablished,
    OrganisationDissolved,
    PostEstablished,
    PostAbolished,
    PersonRegistered,
    PersonErased,
    PersonAppointed,
    AppointmentEnded,
)
#: `(type, schema)` to the function that makes the next schema of it.
UPCASTERS: dict[tuple[str, int], Upcaster] = {}
CODEC = Codec((*EVENTS, *PARKING_EVENTS), UPCASTERS)
