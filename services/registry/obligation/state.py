"""Facts and state of what a body owes in one period, and of the evidence that counts once."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec.structs import replace

from shared.domain.decider import Decider
from shared.domain.event import Codec, Event, taken
from shared.domain.privacy import PUBLIC, told

STATUSES = ("owed", "met", "missed", "late", "waived")


# Facts. Class and field names are the storage format: rename nothing, upcast instead.
class ObligationOwed(Event, frozen=True, kw_only=True):
    """A period has begun in which a body owes something (X05)."""

    schema = 2
    obligation_id: str
    rule: str  # code of the catalogue entry
    rule_version: int
    organisation_id: str
    place: str
    period: str  # 2026, 2026-q3 …
    since: str  # ISO date
    until: str  # ISO date: first day after, moved behind free days where the rule says so
    amount: int  # times or minutes
    spacing: int  # fewest calendar days between two that count
    calendar: str  # version of the working-day calendar that moved the end, or that may yet say so; else ""
    unit: str = "times"  # or minutes
    persons: int = 0  # that come each time at least
    meeting: Annotated[str, PUBLIC] = ""  # kind of meeting that it is done by, "" for anything that is shown


class EndCountedAgain(Event, frozen=True, kw_only=True):
    """The calendar of a year came that the end of the period was provisionally counted with; this is what it says (X05)."""

    obligation_id: str
    before: Annotated[str, PUBLIC]  # ISO date
    until: str  # ISO date: first day after, often the same
    calendar: str


class ObligationServed(Event, frozen=True, kw_only=True):
    """The body did once what it owes, with evidence (D15, E05); `number` counts within the period."""

    schema = 2
    obligation_id: str
    done_on: str  # ISO date
    evidence: Annotated[str, told()]
    note: Annotated[str, told()]
    number: int
    count: int = 1  # time, or minutes
    persons: int = 0  # that came, 0 where they are not counted


class ObligationMet(Event, frozen=True, kw_only=True):
    """The amount owed in the period is reached; `late` where the period had ended before, unless it was dated within it in time."""

    obligation_id: str
    late: bool


class ObligationMissed(Event, frozen=True, kw_only=True):
    """The period ended and less was done than was owed."""

    obligation_id: str
    done: int
    amount: int


class ObligationWaived(Event, frozen=True, kw_only=True):
    """The body need not do it this time, for a reason."""

    obligation_id: str
    reason: Annotated[str, told()]


class EvidenceUsed(Event, frozen=True, kw_only=True):
    """A piece of evidence counts for one obligation and for no other."""

    evidence: Annotated[str, told()]
    obligation_id: str


class Evidence(msgspec.Struct, frozen=True):
    """A piece of evidence; `obligation_id` is what it counts for, "" while it is unused."""

    id: str
    obligation_id: str = ""


EVIDENCE = Decider(
    "evidence",
    (EvidenceUsed,),
    Evidence,
    Evidence,
    lambda evidence, event: Evidence(evidence.id, event.obligation_id),
    lambda evidence: "",
    exists=lambda evidence: bool(evidence.obligation_id),
)


class Obligation(msgspec.Struct, frozen=True):
    """What a body owes in one period; `days` are those on which it was done (ISO dates)."""

    id: str
    status: str = "unknown"  # unknown, owed, met, missed, late (met after it was missed), waived
    rule: str = ""
    organisation_id: str = ""
    place: str = ""
    period: str = ""
    since: str = ""
    until: str = ""
    amount: int = 0
    spacing: int = 0
    days: tuple[str, ...] = ()
    reason: str = ""
    calendar: str = ""
    unit: str = "times"
    persons: int = 0
    meeting: str = ""
    done: int = 0  # times or minutes
    came: int = 0  # persons, each time they came


def evolve(obligation: Obligation, event: Event) -> Obligation:
    """Apply a recorded fact. Never refuses: it has already happened."""
    match event:
        case ObligationOwed():
            return Obligation(**taken(event, Obligation, id=obligation.id, status="owed"))
        case EndCountedAgain():
            return replace(obligation, until=event.until, calendar=event.calendar)
        case ObligationServed():
            return replace(
                obligation,
                days=tuple(sorted((*obligation.days, event.done_on))),
                done=obligation.done + event.count,
                came=obligation.came + event.persons,
            )
        case ObligationMet():
            return replace(obligation, status="late" if event.late else "met")
        case ObligationMissed():
            return replace(obligation, status="missed")
        case ObligationWaived():
            return replace(obligation, status="waived", reason=event.reason)
    return obligation


#: What was owed and done before minutes and persons were counted: the fields that were added have defaults.
FACTS = Codec(
    (ObligationOwed, EndCountedAgain, ObligationServed, ObligationMet, ObligationMissed, ObligationWaived),
    {("ObligationOwed", 1): lambda data: data, ("ObligationServed", 1): lambda data: data},
)
OBLIGATION = Decider(
    "obligation",
    FACTS,
    Obligation,
    Obligation,
    evolve,
    lambda obligation: obligation.place,
    fold=3,
    marks=(ObligationMissed,),
)
