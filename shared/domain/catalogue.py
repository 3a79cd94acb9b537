"""What a city says of itself: kinds of catalogue entries, each with the schema of its data.

An entry has a kind, a code, words in both languages, a version and the days between which it holds. A city adopts a document of entries;
the registry keeps one stream an entry. What a city leaves out falls back to nothing: a list that is needed and missing is refused at
adoption.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec


class Nothing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A code with its words and no data."""


class Ranked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A code with its rank in an order, from 1."""

    rank: int


class Level(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A level of the organisation tree; `rank` 1 is the topmost (A03, C06)."""

    rank: int


class Role(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a post makes of its holder.

    `level` is the level of organisations that have it ("": any), `powers` what it may do (C13). `intake` ranks the roles that take in
    issues, 1 before 2 among equally close ones; 0: takes in none (X13).
    """

    level: str = ""
    powers: tuple[str, ...] = ()
    intake: int = 0


class ActivityKind(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A kind of activity; `needs` is what the place must have unlocked by a checklist before it can be announced there, or "" (B32)."""

    needs: str = ""


class Parameter(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A number that rules use: days, thresholds in fen, counts."""

    value: int


class Item(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An item of a checklist."""

    code: str
    zh: str
    en: str


class Checklist(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What must hold of a subject: items that are each judged, by whom, and what passing all of them unlocks (A07, B29)."""

    subject: str  # kind of subject: place, organisation or post
    items: tuple[Item, ...]
    power: str  # of who judges; never the judged
    unlocks: str = ""  # code that the subject gets once all items pass, or ""


class Obligation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is owed in each period: so many times, so far apart (D15, E05).

    `cadence` is year, half_year, quarter, month or week; `bearer` the type of the organisations that owe it; `spacing` the fewest days
    between two that count; `workdays` whether a period that ends on a free day ends on the next working day.
    """

    cadence: str
    bearer: str
    amount: int = 1
    spacing: int = 0
    workdays: bool = False
    power: str = "obligation.meet"


@dataclass(frozen=True)
class EntryKind:
    """A kind of entry: the schema of its data, and whether a city must have some."""

    data: type[msgspec.Struct]
    needed: bool = False


#: Kind to what its entries hold.
KINDS: Mapping[str, EntryKind] = {
    "levels": EntryKind(Level, needed=True),
    "roles": EntryKind(Role, needed=True),
    "parameters": EntryKind(Parameter),
    "organisation_types": EntryKind(Nothing, needed=True),
    "place_kinds": EntryKind(Nothing, needed=True),
    "measures": EntryKind(Nothing),
    "issue_categories": EntryKind(Nothing, needed=True),
    "channels": EntryKind(Nothing, needed=True),
    "severities": EntryKind(Ranked, needed=True),
    "tiers": EntryKind(Ranked, needed=True),  # from the narrowest
    "widths": EntryKind(Ranked, needed=True),  # levels and tiers in one order, from the narrowest (C14)
    "volunteer_roles": EntryKind(Nothing, needed=True),
    "team_kinds": EntryKind(Nothing, needed=True),
    "activity_kinds": EntryKind(ActivityKind, needed=True),
    "money_sources": EntryKind(Nothing, needed=True),
    "review_bodies": EntryKind(Nothing, needed=True),
    "posting_channels": EntryKind(Nothing, needed=True),
    "checklists": EntryKind(Checklist),
    "obligations": EntryKind(Obligation),
}
#: Parameters that rules read, with the least and the largest value; a city must have all of them.
PARAMETERS: Mapping[str, tuple[int, int]] = {
    "follow_up_tries": (1, 20),
    "claim_days": (1, 365),
    "longest_claim_days": (1, 365),
    "disclosure_days": (1, 3660),
}


def data_of(kind: str, data: Mapping[str, Any]) -> Any:
    """The data of an entry in the schema of its kind; raises `msgspec.ValidationError`, and `KeyError` for an unknown kind."""
    return msgspec.convert(dict(data), KINDS[kind].data)
