"""Facts and states of programmes: what a post leads, and each unit that takes part in it (B02, B06, B23)."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec.structs import replace

from shared.domain.catalogue import Programme as Rules
from shared.domain.catalogue import data_of
from shared.domain.city import City
from shared.domain.decider import Decider
from shared.domain.event import Event, taken
from shared.domain.privacy import PUBLIC, told


# Facts. Class and field names are the storage format: rename nothing, upcast instead.
class ProgrammeStarted(Event, frozen=True, kw_only=True):
    """A post leads a programme of the city from a day on; who holds the post leads it (B02)."""

    programme_id: str
    kind: str  # code of the catalogue entry
    kind_version: int
    lead_post_id: str
    organisation_id: str  # whose post it is
    place: str
    title: Annotated[str, told()]
    title_en: Annotated[str, told()]
    aim: Annotated[str, told()]
    since: str  # ISO date


class ProgrammeReported(Event, frozen=True, kw_only=True):
    """Who holds the leading post says how it stands (B02)."""

    programme_id: str
    report: Annotated[str, told()]
    person_id: Annotated[str, PUBLIC]


class ProgrammeEnded(Event, frozen=True, kw_only=True):
    """A programme is over from a day on, with what came of it."""

    programme_id: str
    until: str  # ISO date, the first day without it
    result: Annotated[str, told()]


class UnitJoined(Event, frozen=True, kw_only=True):
    """A place or body takes part in a programme, in one of its batches (B06, B23)."""

    participation_id: str
    programme_id: str
    kind: str  # code of the programme's catalogue entry
    kind_version: int
    subject: str  # territory path, or organisation id
    organisation_id: str  # the body that takes part, or ""
    place: str
    batch: Annotated[str, PUBLIC]  # "" where it has none
    batch_zh: Annotated[str, told()]
    batch_en: Annotated[str, told()]
    since: str  # ISO date
    note: Annotated[str, told()]


class UnitAdvanced(Event, frozen=True, kw_only=True):
    """A unit took the next step, on evidence, and so many residents took part in it (C27)."""

    participation_id: str
    stage: Annotated[str, PUBLIC]
    stage_zh: Annotated[str, told()]
    stage_en: Annotated[str, told()]
    people: int
    evidence: Annotated[str, told()]


class UnitAccepted(Event, frozen=True, kw_only=True):
    """Somebody of another body accepts a unit: it has taken all steps and passed its checklist (B06)."""

    participation_id: str
    evidence: Annotated[str, told()]
    person_id: Annotated[str, PUBLIC]


class UnitFellBack(Event, frozen=True, kw_only=True):
    """A unit that was accepted is not what was accepted any more."""

    participation_id: str
    reason: Annotated[str, told()]


class UnitLeft(Event, frozen=True, kw_only=True):
    """A unit takes part no longer from a day on."""

    participation_id: str
    until: str  # ISO date, the first day without it
    reason: Annotated[str, told()]


class Programme(msgspec.Struct, frozen=True):
    """A programme that a post leads."""

    id: str
    status: str = "unknown"  # unknown, running, ended
    kind: str = ""
    kind_version: int = 0
    lead_post_id: str = ""
    organisation_id: str = ""
    place: str = ""
    title: str = ""
    title_en: str = ""
    aim: str = ""
    since: str = ""
    until: str = ""
    result: str = ""
    reports: int = 0
    last_report: str = ""


def _programme(programme: Programme, event: Event) -> Programme:
    """Apply a recorded fact. Never refuses: it has already happened."""
    match event:
        case ProgrammeStarted():
            return Programme(**taken(event, Programme, id=programme.id, status="running"))
        case ProgrammeReported():
            return replace(programme, reports=programme.reports + 1, last_report=event.report)
        case ProgrammeEnded():
            return replace(programme, status="ended", until=event.until, result=event.result)
    return programme


PROGRAMME = Decider(
    "programme",
    (ProgrammeStarted, ProgrammeReported, ProgrammeEnded),
    Programme,
    Programme,
    _programme,
    lambda programme: programme.place,
)


class Step(msgspec.Struct, frozen=True):
    """A step that a unit took."""

    stage: str
    stage_zh: str
    stage_en: str
    people: int
    evidence: str


class Participation(msgspec.Struct, frozen=True):
    """A unit of a programme."""

    id: str
    status: str = "unknown"  # unknown, joined, accepted, fallen, left
    programme_id: str = ""
    kind: str = ""
    kind_version: int = 0
    subject: str = ""
    organisation_id: str = ""
    place: str = ""
    batch: str = ""
    batch_zh: str = ""
    batch_en: str = ""
    since: str = ""
    until: str = ""
    note: str = ""
    steps: tuple[Step, ...] = ()
    evidence: str = ""  # of its acceptance
    accepted_by: str = ""  # person id
    reason: str = ""  # why it fell back or left


def _participation(unit: Participation, event: Event) -> Participation:
    """Apply a recorded fact. Never refuses: it has already happened."""
    match event:
        case UnitJoined():
            return Participation(**taken(event, Participation, id=unit.id, status="joined"))
        case UnitAdvanced():
            step = Step(event.stage, event.stage_zh, event.stage_en, event.people, event.evidence)
            return replace(unit, steps=(*unit.steps, step))
        case UnitAccepted():
            return replace(unit, status="accepted", evidence=event.evidence, accepted_by=event.person_id)
        case UnitFellBack():
            return replace(unit, status="fallen", reason=event.reason)
        case UnitLeft():
            return replace(unit, status="left", until=event.until, reason=event.reason)
    return unit


PARTICIPATION = Decider(
    "participation",
    (UnitJoined, UnitAdvanced, UnitAccepted, UnitFellBack, UnitLeft),
    Participation,
    Participation,
    _participation,
    lambda unit: unit.place,
)


def rules_of(thing: Programme | Participation, city: City) -> Rules:
    """What the city says of a programme: the version of its kind under which it began."""
    versions = city.versions("programmes")[thing.kind]
    found = next((one for one in versions if one.version == thing.kind_version), versions[-1])
    rules: Rules = data_of("programmes", found.data)
    return rules
