"""Facts and state of meetings: called with an agenda, held with who attended, resolved, minuted, and what became of what was resolved."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import msgspec
from msgspec.structs import replace

from shared.domain.bodies import MeetingKind
from shared.domain.catalogue import data_of
from shared.domain.city import City
from shared.domain.decider import Decider
from shared.domain.event import Event, taken
from shared.domain.fields import choice, id_of, line
from shared.domain.privacy import PUBLIC, told


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """An item of an agenda."""

    title: Annotated[str, told(), line(200), "what it is about, for everyone to read"]
    origin: Annotated[str, choice("body", "residents", words="origin"), "who put it forward"] = "body"
    speaker_post_id: Annotated[str, id_of("post"), "post of who speaks to it; empty: nobody in particular"] = ""
    issue_id: Annotated[str, id_of("issue", elsewhere=True), "issue that it is about; empty: none"] = ""


# Facts. Class and field names are the storage format: rename nothing, upcast instead.
class MeetingCalled(Event, frozen=True, kw_only=True):
    """A body called a meeting for a day, with its agenda and whom it invites (A36, B03, C46)."""

    meeting_id: str
    kind: str  # code of the catalogue entry
    kind_version: int
    organisation_id: str  # that called it
    place: str
    day: str  # ISO date
    hour: Annotated[str, PUBLIC]  # 19:30
    where: Annotated[str, told()]
    topic: Annotated[str, PUBLIC]  # code, or ""
    asking_organisation_id: str  # at whose request, or "" (D12)
    agenda: Annotated[list[Item], told()]
    invited_ids: list[str]  # of organisations


class MeetingCalledOff(Event, frozen=True, kw_only=True):
    """A meeting that was called does not take place."""

    meeting_id: str
    reason: Annotated[str, told()]


class MeetingHeld(Event, frozen=True, kw_only=True):
    """A meeting took place: who chaired, how many of which body came, and of those who have a voice how many were there."""

    meeting_id: str
    kind: str
    organisation_id: str
    place: str
    day: str
    chair_post_id: str  # "" where the kind asks for none
    attended: dict[str, int]  # persons by organisation
    residents: int  # who came besides
    entitled: int  # persons, households or bodies that have a voice
    present: int  # of them
    quorate: bool


class ItemResolved(Event, frozen=True, kw_only=True):
    """A quorate meeting decided on an item of its agenda; carried or not follows from the votes."""

    meeting_id: str
    number: int  # of the item, from 1
    text: Annotated[str, told()]
    votes_for: int
    votes_against: int
    abstained: int
    carried: bool
    category: str  # of the issue that it becomes, or ""
    options: Annotated[dict[str, int], told()] = msgspec.field(
        default_factory=dict
    )  # votes by what was to choose from, none where it was yes or no
    positions: Annotated[dict[str, str], told()] = msgspec.field(default_factory=dict)  # by organisation
    objections: Annotated[list[str], told()] = msgspec.field(default_factory=list)
    charged_post_id: str = ""  # post that the issue of the item is dispatched to, or ""
    due: str = ""  # ISO date: last day of its time limit


class MinutesKept(Event, frozen=True, kw_only=True):
    """The minutes are there for everyone to read; what was carried is in force (D12, D27)."""

    meeting_id: str
    text: Annotated[str, told()]  # "" where they lie elsewhere
    kept_at: Annotated[str, told()]
    digest: Annotated[str, PUBLIC]  # SHA-256 of what lies there, or ""


class ResolutionEffective(Event, frozen=True, kw_only=True):
    """What a meeting carried is in force with its minutes; one with a category becomes an issue (A36)."""

    meeting_id: str
    number: int
    organisation_id: str
    place: str
    text: Annotated[str, told()]
    category: str
    since: str  # ISO date
    issue_id: str = ""  # that it dispatches, or ""
    charged_post_id: str = ""
    due: str = ""


class ResolutionCarriedOut(Event, frozen=True, kw_only=True):
    """What a meeting resolved was done, with evidence."""

    meeting_id: str
    number: int
    evidence: Annotated[str, told()]


class Resolution(msgspec.Struct, frozen=True):
    """What was decided on an item; `since` is the day from which it is in force, `evidence` says that it was carried out."""

    number: int
    text: str
    votes_for: int
    votes_against: int
    abstained: int
    carried: bool
    category: str = ""
    since: str = ""
    evidence: str = ""
    options: dict[str, int] = {}
    positions: dict[str, str] = {}
    objections: tuple[str, ...] = ()
    charged_post_id: str = ""
    due: str = ""


class Meeting(msgspec.Struct, frozen=True):
    """A meeting of a body; `attended` are persons by organisation."""

    id: str
    status: str = "unknown"  # unknown, called, called_off, held, inquorate (held without a quorum), minuted
    kind: str = ""
    kind_version: int = 0
    organisation_id: str = ""
    place: str = ""
    day: str = ""
    hour: str = ""
    where: str = ""
    topic: str = ""
    asking_organisation_id: str = ""
    agenda: tuple[Item, ...] = ()
    invited: tuple[str, ...] = ()
    chair_post_id: str = ""
    attended: dict[str, int] = {}
    residents: int = 0
    entitled: int = 0
    present: int = 0
    resolutions: tuple[Resolution, ...] = ()
    text: str = ""  # of the minutes
    kept_at: str = ""
    digest: str = ""
    reason: str = ""


def evolve(meeting: Meeting, event: Event) -> Meeting:
    """Apply a recorded fact. Never refuses: it has already happened."""
    match event:
        case MeetingCalled():
            return Meeting(
                **taken(
                    event,
                    Meeting,
                    id=meeting.id,
                    status="called",
                    agenda=tuple(event.agenda),
                    invited=tuple(event.invited_ids),
                )
            )
        case MeetingCalledOff():
            return replace(meeting, status="called_off", reason=event.reason)
        case MeetingHeld():
            return replace(
                meeting,
                status="held" if event.quorate else "inquorate",
                chair_post_id=event.chair_post_id,
                attended=event.attended,
                residents=event.residents,
                entitled=event.entitled,
                present=event.present,
            )
        case ItemResolved():
            made = Resolution(**taken(event, Resolution, objections=tuple(event.objections)))
            return replace(meeting, resolutions=(*meeting.resolutions, made))
        case MinutesKept():
            return replace(meeting, status="minuted", text=event.text, kept_at=event.kept_at, digest=event.digest)
        case ResolutionEffective():
            return _changed(meeting, event.number, since=event.since)
        case ResolutionCarriedOut():
            return _changed(meeting, event.number, evidence=event.evidence)
    return meeting


def _changed(meeting: Meeting, number: int, **parts: str) -> Meeting:
    made = (replace(one, **parts) if one.number == number else one for one in meeting.resolutions)
    return replace(meeting, resolutions=tuple(made))


MEETING = Decider(
    "meeting",
    (
        MeetingCalled,
        MeetingCalledOff,
        MeetingHeld,
        ItemResolved,
        MinutesKept,
        ResolutionEffective,
        ResolutionCarriedOut,
    ),
    Meeting,
    Meeting,
    evolve,
    lambda meeting: meeting.place,
)
#: It took place, with a quorum.
HELD = ("held", "minuted")


def came(meeting: Meeting) -> int:
    """How many persons came to a meeting."""
    return sum(meeting.attended.values()) + meeting.residents


def rules_of(meeting: Meeting, city: City) -> MeetingKind:
    """The rules of a meeting: those of the version of its kind under which it was called."""
    versions = city.versions("meetings")[meeting.kind]
    found = next((one for one in versions if one.version == meeting.kind_version), versions[-1])
    rules: MeetingKind = data_of("meetings", found.data)
    return rules


def bodies_of(city: City, ids: Mapping[str, int] | tuple[str, ...]) -> dict[str, str]:
    """Organisations that exist, by id with their type."""
    found = ((id, city.organisation(id)) for id in ids)
    return {id: body["type"] for id, body in found if body is not None}
