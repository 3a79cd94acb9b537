"""Facts and state of documents: one thing a version, and one a building for the households that have taken note of it."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec.structs import replace

from shared.domain.bodies import RegulationKind
from shared.domain.catalogue import data_of
from shared.domain.city import City
from shared.domain.decider import Decider
from shared.domain.event import Codec, Event, sealed, taken
from shared.domain.identity import derived_id
from shared.domain.privacy import PUBLIC, staff, told


# Facts. Class and field names are the storage format: rename nothing, upcast instead.
class RegulationDrafted(Event, frozen=True, kw_only=True):
    """A version of a document of a body was written (A25, D24)."""

    schema = 2

    regulation_id: str
    kind: str  # code of the catalogue entry
    kind_version: int
    organisation_id: str  # whose document it is
    place: str
    number: int  # of the version, from 1
    title: Annotated[str, told()]
    title_en: Annotated[str, told()]
    text: Annotated[str, told()]  # "" where it lies elsewhere
    kept_at: Annotated[str, told()]
    digest: Annotated[str, PUBLIC]  # SHA-256 of what lies there, or ""
    answers: Annotated[str, told()]  # proposals or meeting that it answers (D48)
    guide_organisation_id: str  # body that guided its making, or "" (D47)
    meeting_id: str = ""  # that it answers, or "" (D48)


class DraftWithdrawn(Event, frozen=True, kw_only=True):
    """A draft is followed no further; its number is used up."""

    regulation_id: str
    reason: Annotated[str, told()]


class CommentsInvited(Event, frozen=True, kw_only=True):
    """Residents may comment on a draft, up to the day before `until` (D22)."""

    regulation_id: str
    until: str  # ISO date


class DraftCommented(Event, frozen=True, kw_only=True):
    """A resident said what they think of a draft, or of what is in force (D22)."""

    regulation_id: str
    comment: int  # number, from 1
    person_id: Annotated[str, staff()]
    text: Annotated[str, told()]


class CommentAnswered(Event, frozen=True, kw_only=True):
    """A comment was adopted or not, with the reason (D22)."""

    regulation_id: str
    comment: int
    taken: bool
    reason: Annotated[str, told()]


class RegulationAdopted(Event, frozen=True, kw_only=True):
    """A body adopted a version by a decision; it is in force from a day on (A25, D24)."""

    schema = 2
    regulation_id: str
    kind: str
    organisation_id: str  # whose document it is
    adopted_by_organisation_id: str
    resolution: Annotated[str, told()]
    owners_vote_id: str  # "" where owners did not vote on it
    since: str  # ISO date
    replaces_id: str  # the version before, or ""
    adopting_meeting_id: str = ""  # that carried it, "" where none had to


class RegulationPosted(Event, frozen=True, kw_only=True):
    """A version hangs or stands where people read it (A25, D10)."""

    regulation_id: str
    channel: str
    where: Annotated[str, told()]
    posted_on: str


class RegulationReplaced(Event, frozen=True, kw_only=True):
    """The next version takes its place from a day on."""

    regulation_id: str
    successor_id: str
    until: str  # ISO date, the first day without it


class RegulationEnded(Event, frozen=True, kw_only=True):
    """A version is in force no longer from a day on, and nothing takes its place."""

    regulation_id: str
    until: str
    reason: Annotated[str, told()]


class HouseholdsForgotten(Event, frozen=True, kw_only=True):
    """Which households have taken note can be read no more; how many they were stays (X09)."""

    regulation_id: str


class RegulationAcknowledged(Event, frozen=True, kw_only=True):
    """One household more of a building has taken note of a version; which one is another fact's (A25, C26)."""

    regulation_id: str
    place: str
    households: int  # that have done so at the document's whole place


class RegulationAnswered(Event, frozen=True, kw_only=True):
    """A notice was answered, by one person more or anew; who and what is another fact's (D10)."""

    regulation_id: str
    place: str
    responses: int  # persons who have answered it


def _key_of_note(fact: HouseholdNoted) -> str:
    """A household has a key of its own; before it had one, all of a version shared that of the version."""
    return f"note:{fact.note_id}" if fact.note_id else f"regulation:{fact.regulation_id}"


class HouseholdNoted(Event, frozen=True, kw_only=True):
    """Which household of a building has taken note of a version, so that it counts once."""

    schema = 2

    acknowledgement_id: str
    regulation_id: str
    place: str
    household: Annotated[str, sealed(_key_of_note)]
    note_id: str = ""  # whose key seals the household, "" for that of the version
    person_id: Annotated[str, staff()] = ""  # who said it for their own household, "" where staff did


class HouseholdNoteErased(Event, frozen=True, kw_only=True):
    """One household that has taken note can be read no more; it stays counted (X09)."""

    acknowledgement_id: str
    note_id: str


class Comment(msgspec.Struct, frozen=True):
    """A comment; `answer` is "", "taken" or "not_taken"."""

    person_id: str
    text: str
    answer: str = ""
    reason: str = ""


class Posting(msgspec.Struct, frozen=True):
    """Where a version was posted, and on which day."""

    channel: str
    where: str
    posted_on: str


class Regulation(msgspec.Struct, frozen=True):
    """A version of a document; `since` and `until` ("": open, the first day after) are the days that it is in force."""

    id: str
    status: str = "unknown"  # unknown, drafted, withdrawn, commenting, adopted, replaced, ended
    kind: str = ""
    kind_version: int = 0
    organisation_id: str = ""
    place: str = ""
    number: int = 0
    title: str = ""
    title_en: str = ""
    text: str = ""
    kept_at: str = ""
    digest: str = ""
    answers: str = ""
    guide_organisation_id: str = ""
    comments_until: str = ""
    comments: tuple[Comment, ...] = ()
    adopted_by_organisation_id: str = ""
    resolution: str = ""
    owners_vote_id: str = ""
    adopting_meeting_id: str = ""
    postings: tuple[Posting, ...] = ()
    since: str = ""
    until: str = ""
    reason: str = ""
    forgotten: bool = False
    acknowledged: int = 0  # households that have taken note
    meeting_id: str = ""
    responses: int = 0  # persons who have answered it


def evolve(regulation: Regulation, event: Event) -> Regulation:
    """Apply a recorded fact. Never refuses: it has already happened."""
    match event:
        case RegulationDrafted():
            return Regulation(**taken(event, Regulation, id=regulation.id, status="drafted"))
        case DraftWithdrawn():
            return replace(regulation, status="withdrawn", reason=event.reason)
        case CommentsInvited():
            return replace(regulation, status="commenting", comments_until=event.until)
        case DraftCommented():
            return replace(regulation, comments=(*regulation.comments, Comment(event.person_id, event.text)))
        case CommentAnswered():
            comments = list(regulation.comments)
            answer = "taken" if event.taken else "not_taken"
            comments[event.comment - 1] = replace(comments[event.comment - 1], answer=answer, reason=event.reason)
            return replace(regulation, comments=tuple(comments))
        case RegulationAdopted():
            return replace(
                regulation,
                status="adopted",
                adopted_by_organisation_id=event.adopted_by_organisation_id,
                resolution=event.resolution,
                owners_vote_id=event.owners_vote_id,
                adopting_meeting_id=event.adopting_meeting_id,
                since=event.since,
            )
        case RegulationPosted():
            posting = Posting(event.channel, event.where, event.posted_on)
            return replace(regulation, postings=(*regulation.postings, posting))
        case RegulationReplaced():
            return replace(regulation, status="replaced", until=event.until)
        case RegulationEnded():
            return replace(regulation, status="ended", until=event.until, reason=event.reason)
        case RegulationAcknowledged():
            return replace(regulation, acknowledged=event.households)
        case RegulationAnswered():
            return replace(regulation, responses=event.responses)
        case HouseholdsForgotten():
            return replace(regulation, forgotten=True)
    return regulation


#: Documents were drafted and adopted before they named a meeting: the fields that were added have defaults.
FACTS = Codec(
    (
        RegulationDrafted,
        DraftWithdrawn,
        CommentsInvited,
        DraftCommented,
        CommentAnswered,
        RegulationAdopted,
        RegulationPosted,
        RegulationReplaced,
        RegulationEnded,
        RegulationAcknowledged,
        RegulationAnswered,
        HouseholdsForgotten,
    ),
    {("RegulationDrafted", 1): lambda data: data, ("RegulationAdopted", 1): lambda data: data},
)
REGULATION = Decider("regulation", FACTS, Regulation, Regulation, evolve, lambda regulation: regulation.place, fold=2)


class Note(msgspec.Struct, frozen=True):
    """A household that has taken note, sealed; "" once it is erased."""

    household: str
    note_id: str = ""


class Acknowledgement(msgspec.Struct, frozen=True):
    """The households of a building that have taken note of a version."""

    id: str
    regulation_id: str = ""
    place: str = ""
    notes: tuple[Note, ...] = ()


def _evolve_notes(state: Acknowledgement, event: HouseholdNoted | HouseholdNoteErased) -> Acknowledgement:
    """Apply a recorded fact. Never refuses: it has already happened."""
    match event:
        case HouseholdNoted():
            notes = (*state.notes, Note(event.household, event.note_id))
            return Acknowledgement(state.id, event.regulation_id, event.place, notes)
        case HouseholdNoteErased():
            kept = (replace(one, household="") if one.note_id == event.note_id else one for one in state.notes)
            return replace(state, notes=tuple(kept))


#: Households had no key and nobody's name before: the fields that were added have defaults.
NOTE_FACTS = Codec((HouseholdNoted, HouseholdNoteErased), {("HouseholdNoted", 1): lambda data: data})
ACKNOWLEDGEMENT = Decider(
    "acknowledgement",
    NOTE_FACTS,
    Acknowledgement,
    Acknowledgement,
    _evolve_notes,
    lambda state: state.place,
    exists=lambda state: bool(state.notes),
    fold=2,
)


def regulation_id(kind: str, organisation_id: str, number: int) -> str:
    """The id of a version of a document of a body."""
    return derived_id("regulation", kind, organisation_id, str(number))


def rules_of(regulation: Regulation, city: City) -> RegulationKind:
    """The rules of a document: those of the version of its kind under which it was drafted."""
    return rules_at(regulation.kind, regulation.kind_version, city)


def rules_at(kind: str, version: int, city: City) -> RegulationKind:
    """The rules of a kind in a version of it."""
    versions = city.versions("regulations")[kind]
    found = next((one for one in versions if one.version == version), versions[-1])
    rules: RegulationKind = data_of("regulations", found.data)
    return rules
