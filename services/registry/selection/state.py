"""A selection: what has happened, and what follows from it (A10, A16–A20)."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec.structs import replace

from shared.domain.bodies import SelectionKind
from shared.domain.catalogue import data_of
from shared.domain.city import City
from shared.domain.decider import Decider
from shared.domain.event import Event, taken
from shared.domain.privacy import PUBLIC, staff, told


# Facts. Class and field names are the storage format: rename nothing, upcast instead.
class SelectionOpened(Event, frozen=True, kw_only=True):
    """Members of a body are to be elected for a term; who offers themselves comes first (A18)."""

    selection_id: str
    kind: str  # code of the catalogue entry
    kind_version: int
    organisation_id: str
    place: str
    seats: int
    term: int  # 1 for the first that a selection of this kind elects


class CandidateScouted(Event, frozen=True, kw_only=True):
    """Somebody was looked for in a step; steps that were left out are named with the reason (A17)."""

    selection_id: str
    person_id: Annotated[str, staff()]
    step: Annotated[str, PUBLIC]
    visitor: Annotated[str, staff()]  # person id
    visited_on: str
    result: Annotated[str, staff()]
    skipped: Annotated[tuple[str, ...], PUBLIC] = ()
    skipped_because: Annotated[str, staff()] = ""


class CandidateNominated(Event, frozen=True, kw_only=True):
    """Somebody offered themselves or was recommended by residents, out of a source that qualifies them (A10, A18)."""

    selection_id: str
    person_id: Annotated[str, staff()]
    way: Annotated[str, PUBLIC]  # self, residents
    source: str
    grounds: Annotated[str, staff()]
    supporters: int
    traits: Annotated[tuple[str, ...], staff()]


class CriterionAttested(Event, frozen=True, kw_only=True):
    """Somebody says on what evidence a candidate meets a criterion or not; the last word counts, and nothing is added up (A19)."""

    selection_id: str
    person_id: Annotated[str, staff()]
    criterion: Annotated[str, PUBLIC]
    holds: bool
    evidence: Annotated[str, staff()]
    attested_by: Annotated[str, staff()]


class CandidateAccepted(Event, frozen=True, kw_only=True):
    """A body accepts a candidate (A16)."""

    selection_id: str
    person_id: Annotated[str, staff()]
    acceptance: Annotated[str, PUBLIC]
    organisation_id: str
    accepted_by: Annotated[str, staff()]
    resolution: Annotated[str, staff()]


class CandidateRejected(Event, frozen=True, kw_only=True):
    """A body does not accept a candidate."""

    selection_id: str
    person_id: Annotated[str, staff()]
    acceptance: Annotated[str, PUBLIC]
    organisation_id: str
    rejected_by: Annotated[str, staff()]
    resolution: Annotated[str, staff()]


class RecommendingBegan(Event, frozen=True, kw_only=True):
    """Nobody offers themselves any more; residents recommend (A18)."""

    selection_id: str


class VotingBegan(Event, frozen=True, kw_only=True):
    """The ballot and the number of electors are settled (A18)."""

    selection_id: str
    ballot: Annotated[tuple[str, ...], PUBLIC]
    electors: int


class BallotHeld(Event, frozen=True, kw_only=True):
    """Votes were counted: sums by candidate, nobody's own vote (A18)."""

    selection_id: str
    held_on: Annotated[str, PUBLIC]
    cast: int
    votes: Annotated[dict[str, int], PUBLIC]
    minutes: Annotated[str, told()]
    person_id: Annotated[str, staff()]


class SelectionClosed(Event, frozen=True, kw_only=True):
    """The result: who is elected, or that too few voted or nobody had the majority (A18)."""

    selection_id: str
    elected: Annotated[tuple[str, ...], PUBLIC]
    tied: Annotated[tuple[str, ...], PUBLIC]
    quorate: bool


class CandidateSeated(Event, frozen=True, kw_only=True):
    """Who was elected holds a post of the body; the appointment is recorded with it (A10)."""

    selection_id: str
    person_id: Annotated[str, PUBLIC]
    post_id: str
    source: str
    since: str
    until: str


class SelectionCancelled(Event, frozen=True, kw_only=True):
    """It came to no result."""

    selection_id: str
    reason: Annotated[str, told()]


class Step(msgspec.Struct, frozen=True):
    """A step of looking for somebody: by whom, on which day, with what result."""

    visitor: str
    visited_on: str
    result: str


class Opinion(msgspec.Struct, frozen=True):
    """What somebody says of a candidate for a body, and why."""

    holds: bool
    person_id: str
    organisation_id: str
    reason: str


class Candidate(msgspec.Struct, frozen=True):
    """What is known of a candidate; `ways` are the numbers of supporters by the way of nomination."""

    source: str = ""
    grounds: str = ""
    traits: tuple[str, ...] = ()
    ways: dict[str, int] = {}
    steps: dict[str, Step] = {}
    skipped: dict[str, str] = {}  # step to why it was left out
    criteria: dict[str, Opinion] = {}
    acceptances: dict[str, Opinion] = {}


class Selection(msgspec.Struct, frozen=True):
    """A selection; `candidates`, `votes` and `seated` (post) by person id."""

    id: str
    status: str = "unknown"  # unknown, opened, recommending, voting, counted, closed, cancelled
    kind: str = ""
    kind_version: int = 0
    organisation_id: str = ""
    place: str = ""
    seats: int = 0
    term: int = 0
    candidates: dict[str, Candidate] = {}
    ballot: tuple[str, ...] = ()
    electors: int = 0
    held_on: str = ""
    cast: int = 0
    votes: dict[str, int] = {}
    quorate: bool = False
    elected: tuple[str, ...] = ()
    tied: tuple[str, ...] = ()
    seated: dict[str, str] = {}
    reason: str = ""


def evolve(selection: Selection, event: Event) -> Selection:
    """Apply a recorded fact. Never refuses: it has already happened."""
    match event:
        case SelectionOpened():
            return Selection(**taken(event, Selection, id=selection.id, status="opened"))
        case RecommendingBegan():
            return replace(selection, status="recommending")
        case VotingBegan():
            return replace(selection, status="voting", ballot=event.ballot, electors=event.electors)
        case BallotHeld():
            return replace(selection, status="counted", held_on=event.held_on, cast=event.cast, votes=event.votes)
        case SelectionClosed():
            return replace(selection, status="closed", quorate=event.quorate, elected=event.elected, tied=event.tied)
        case CandidateSeated():
            return replace(selection, seated=selection.seated | {event.person_id: event.post_id})
        case SelectionCancelled():
            return replace(selection, status="cancelled", reason=event.reason)
        case (
            CandidateScouted() | CandidateNominated() | CriterionAttested() | CandidateAccepted() | CandidateRejected()
        ):
            known = selection.candidates.get(event.person_id, Candidate())
            return replace(selection, candidates=selection.candidates | {event.person_id: _told(known, event)})
    return selection


def _told(candidate: Candidate, event: Event) -> Candidate:
    match event:
        case CandidateScouted():
            step = Step(event.visitor, event.visited_on, event.result)
            skipped = candidate.skipped | dict.fromkeys(event.skipped, event.skipped_because)
            return replace(candidate, steps=candidate.steps | {event.step: step}, skipped=skipped)
        case CandidateNominated():
            return replace(
                candidate,
                source=event.source,
                grounds=event.grounds,
                traits=event.traits,
                ways=candidate.ways | {event.way: event.supporters},
            )
        case CriterionAttested():
            said = Opinion(event.holds, event.attested_by, "", event.evidence)
            return replace(candidate, criteria=candidate.criteria | {event.criterion: said})
        case CandidateAccepted():
            said = Opinion(True, event.accepted_by, event.organisation_id, event.resolution)
            return replace(candidate, acceptances=candidate.acceptances | {event.acceptance: said})
        case CandidateRejected():
            said = Opinion(False, event.rejected_by, event.organisation_id, event.resolution)
            return replace(candidate, acceptances=candidate.acceptances | {event.acceptance: said})
    return candidate


SELECTION = Decider(
    "selection",
    (
        SelectionOpened,
        CandidateScouted,
        CandidateNominated,
        CriterionAttested,
        CandidateAccepted,
        CandidateRejected,
        RecommendingBegan,
        VotingBegan,
        BallotHeld,
        SelectionClosed,
        CandidateSeated,
        SelectionCancelled,
    ),
    Selection,
    Selection,
    evolve,
    lambda selection: selection.place,
)


def rules_of(selection: Selection, city: City) -> SelectionKind:
    """The rules of a selection: those of the version under which it was opened."""
    versions = city.versions("selections")[selection.kind]
    found = next((one for one in versions if one.version == selection.kind_version), versions[-1])
    rules: SelectionKind = data_of("selections", found.data)
    return rules
