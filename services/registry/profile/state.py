"""A version of the profile: what has happened, and what follows from it."""

from __future__ import annotations

from typing import Annotated

import msgspec

from services.registry.entry.state import Data
from shared.domain.catalogue import Checklist, Obligation
from shared.domain.decider import Decider
from shared.domain.event import Codec, Event
from shared.domain.fields import CODE, code_of, line, number
from shared.domain.privacy import PUBLIC, told
from shared.domain.structures import many


# Facts. Class and field names, those of the parts too, are the storage format: rename nothing, upcast instead.
class Level(msgspec.Struct, frozen=True, kw_only=True):
    """One level of the organisation tree; a profile lists them from the top down (A03, C06)."""

    code: Annotated[str, CODE, "code"]
    zh: Annotated[str, line(40), "in Chinese"]
    en: Annotated[str, line(80), "in English"]


class FormerRole(msgspec.Struct, frozen=True, kw_only=True):
    """A role as profiles before the catalogue had it."""

    code: str
    zh: str
    en: str
    level: str = ""


class Term(msgspec.Struct, frozen=True, kw_only=True):
    """A code's words in both languages."""

    zh: str
    en: str


class ProfileAdopted(Event, frozen=True, kw_only=True):
    """A profile from before there were catalogue entries: it stands for those that it names and those that were program then."""

    profile_id: str
    city: Annotated[str, told()]
    version: int
    effective: str
    levels: Annotated[tuple[Level, ...], PUBLIC]
    roles: Annotated[tuple[FormerRole, ...], PUBLIC]
    powers: Annotated[dict[str, tuple[str, ...]], PUBLIC]
    code_lists: Annotated[dict[str, dict[str, Term]], PUBLIC]
    parameters: dict[str, int]


class ListedRole(msgspec.Struct, frozen=True, kw_only=True):
    """A role of the document; its powers stand apart."""

    code: Annotated[str, CODE, "code"]
    zh: Annotated[str, line(40), "in Chinese"]
    en: Annotated[str, line(80), "in English"]
    level: Annotated[str, code_of("levels"), "level of the organisations that have it; empty: any"] = ""
    intake: Annotated[
        int,
        number(0, 1000),
        "rank among the roles that take in issues, 1 first among equally close ones; 0: takes in none",
    ] = 0
    beside: Annotated[
        list[str],
        many(code_of("organisation_types")),
        "types of bodies in its area, in which its holder has a main post beside this part-time one; none: no other is needed",
    ] = []


class ListedChecklist(Checklist, frozen=True, kw_only=True):
    """A checklist with its code and words."""

    code: Annotated[str, CODE, "code"]
    zh: Annotated[str, line(200), "in Chinese"]
    en: Annotated[str, line(400), "in English"]


class ListedObligation(Obligation, frozen=True, kw_only=True):
    """An obligation with its code and words."""

    code: Annotated[str, CODE, "code"]
    zh: Annotated[str, line(200), "in Chinese"]
    en: Annotated[str, line(400), "in English"]


class ProfilePublished(Event, frozen=True, kw_only=True):
    """A version of the document; the entries that it changes were adopted and retired in the same act."""

    schema = 2
    profile_id: str
    city: Annotated[str, told()]
    version: int
    effective: str
    levels: Annotated[list[Level], PUBLIC]
    roles: Annotated[list[ListedRole], PUBLIC]
    powers: Annotated[dict[str, list[str]], PUBLIC]
    code_lists: Annotated[dict[str, dict[str, Data]], PUBLIC]
    parameters: dict[str, int]
    checklists: Annotated[list[ListedChecklist], PUBLIC]
    obligations: Annotated[list[ListedObligation], PUBLIC]


class Profile(msgspec.Struct, frozen=True):
    """A profile as last adopted; `published` is the document, None for one from before there were catalogue entries."""

    id: str
    status: str = "unknown"  # unknown, adopted
    version: int = 0
    effective: str = ""
    published: ProfilePublished | None = None


def evolve(profile: Profile, event: ProfileAdopted | ProfilePublished) -> Profile:
    """Apply a recorded fact."""
    published = event if isinstance(event, ProfilePublished) else None
    return Profile(profile.id, "adopted", event.version, event.effective, published)


#: Documents came to say of roles beside which posts they are held: the field that was added has a default.
FACTS = Codec((ProfileAdopted, ProfilePublished), {("ProfilePublished", 1): lambda data: data})
PROFILE = Decider("profile", FACTS, Profile, Profile, evolve, lambda profile: "")
