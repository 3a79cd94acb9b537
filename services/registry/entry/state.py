"""An entry's facts and state, and what the city's lists have: the last version of each code, and those that were not retired."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec

from shared.domain.city import City
from shared.domain.city import Entry as Version
from shared.domain.decider import Decider
from shared.domain.errors import BadInputError
from shared.domain.event import Event
from shared.domain.mandate import Mandate
from shared.domain.privacy import PUBLIC, told
from shared.domain.signature import Holds, holds
from shared.domain.words import _, said, term

Data = dict[str, bool | int | str | list[str | dict[str, bool | int | str | list[str]]]]


# Facts. Class and field names are the storage format: rename nothing, upcast instead.
class EntryAdopted(Event, frozen=True, kw_only=True):
    """A version of an entry holds from a day on, in the place of the one before (A03, C13)."""

    kind: str
    code: str
    version: int
    since: str  # ISO date
    until: str = ""  # first day after, "" while open
    zh: Annotated[str, told()]
    en: Annotated[str, told()]
    data: Annotated[Data, PUBLIC]


class EntryRetired(Event, frozen=True, kw_only=True):
    """An entry holds no longer from a day on; what was recorded with its code stays."""

    kind: str
    code: str
    until: str  # ISO date
    reason: Annotated[str, told()]


class Entry(msgspec.Struct, frozen=True):
    """What its stream says of an entry; one that only a former profile has adopted is unknown here."""

    id: str
    status: str = "unknown"  # unknown, adopted, retired
    version: int = 0
    reason: str = ""  # why it was retired


def evolve(entry: Entry, event: EntryAdopted | EntryRetired) -> Entry:
    """Apply a recorded fact."""
    if isinstance(event, EntryAdopted):
        return Entry(entry.id, "adopted", event.version)
    return Entry(entry.id, "retired", entry.version, event.reason)


ENTRY = Decider("entry", (EntryAdopted, EntryRetired), Entry, Entry, evolve, lambda entry: "", fold=2)


def entry_id(kind: str, code: str) -> str:
    """The id of an entry."""
    return f"{kind}.{code}"


def id_asked(ask: Mapping[str, Any], by: Mandate) -> str:
    return entry_id(ask["kind"], ask["code"])


def entries(**fields: str) -> Holds:
    """Holds the entries whose codes were asked for, so that nobody retires them meanwhile: `entries(levels="level")`."""
    return holds(ENTRY, lambda state, ask: [entry_id(kind, ask[field]) for kind, field in fields.items()])


def in_force(city: City, held: Mapping[str, Entry], kind: str, code: str, field: str) -> Version:
    """The entry of a code that is held; raises `BadInputError` when the city's list does not have it."""
    found = city.code(kind, code, field)
    if held[entry_id(kind, code)].status == "retired":  # since the city was read
        raise BadInputError(
            _("{code} was taken off the city's list {list}"),
            {field: said(_("not on the city's list {list}"), list=term("kinds", kind))},
            code=code,
            list=term("kinds", kind),
        )
    return found


def last(city: City, kind: str) -> dict[str, Version]:
    """The last version of each code, also of those that were retired."""
    return {code: versions[-1] for code, versions in city.versions(kind).items()}


def standing(city: City, kind: str) -> set[str]:
    """The codes that were not retired."""
    return {code for code, version in last(city, kind).items() if not version.until}
