"""An organisation: what has happened, and what follows from it (A03, A06, C06, C50, D43)."""

from __future__ import annotations

from typing import Annotated

import msgspec

from shared.domain.decider import Decider
from shared.domain.event import Codec, Event
from shared.domain.privacy import told


# Facts. Class and field names are the storage format: rename nothing, upcast instead.
class OrganisationEstablished(Event, frozen=True, kw_only=True):
    """An organisation took its place in the tree (A03, A06, C06, C50)."""

    organisation_id: str
    type: str
    name: Annotated[str, told()]
    name_en: Annotated[str, told()]
    level: str
    place: str
    parent_id: str
    since: str


class OrganisationMoved(Event, frozen=True, kw_only=True):
    """An organisation is under another one from a day on; it keeps its id, its posts and what is below it (D43)."""

    organisation_id: str
    place: str
    parent_id: str
    former: str  # parent that it was under
    since: str
    reason: Annotated[str, told()]


class OrganisationDissolved(Event, frozen=True, kw_only=True):
    """An organisation ended; it stays in the history of the tree, with the ones that it was merged or split into (A06, D43)."""

    schema = 2
    organisation_id: str
    place: str
    until: str
    reason: Annotated[str, told()]
    successors: list[str] = []  # noqa: RUF012  # of a msgspec struct: each gets its own


class Organisation(msgspec.Struct, frozen=True):
    """An organisation; `until` is the first day without it, "" while it exists, `moved` the first under its present parent."""

    id: str
    status: str = "unknown"  # unknown, standing, dissolved
    type: str = ""
    name: str = ""
    name_en: str = ""
    level: str = ""
    place: str = ""
    parent_id: str = ""
    since: str = ""
    until: str = ""
    reason: str = ""
    moved: str = ""
    successors: list[str] = []  # of a msgspec struct: each gets its own


def evolve(
    organisation: Organisation, event: OrganisationEstablished | OrganisationMoved | OrganisationDissolved
) -> Organisation:
    """Apply a recorded fact. Never refuses: it has already happened."""
    match event:
        case OrganisationEstablished():
            return Organisation(
                organisation.id,
                "standing",
                event.type,
                event.name,
                event.name_en,
                event.level,
                event.place,
                event.parent_id,
                event.since,
            )
        case OrganisationMoved():
            return msgspec.structs.replace(organisation, parent_id=event.parent_id, moved=event.since)
        case OrganisationDissolved():
            ended = {"until": event.until, "reason": event.reason, "successors": event.successors}
            return msgspec.structs.replace(organisation, status="dissolved", **ended)


#: Organisations were dissolved before their successors were named.
FACTS = Codec(
    (OrganisationEstablished, OrganisationMoved, OrganisationDissolved),
    {("OrganisationDissolved", 1): lambda data: data},
)
ORGANISATION = Decider(
    "organisation",
    FACTS,
    Organisation,
    Organisation,
    evolve,
    lambda organisation: organisation.place,
    fold=2,
)
