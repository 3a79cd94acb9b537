"""Diagnoses of compounds: which problems there are, before anything is done about them (A15, C03)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import msgspec

from services.issues.domain.handling import given, without_numbers
from services.issues.events import CODEC, CompoundDiagnosed, Problem
from shared.domain.decider import Decider
from shared.domain.errors import BadInputError, IllegalStateError, NotFoundError
from shared.domain.event import Event
from shared.domain.mandate import Mandate

KINDS = ("baseline", "diagnosis")


class Diagnosis(msgspec.Struct, frozen=True):
    """A diagnosis is made once; a later one of the same place stands beside it."""

    id: str
    place: str = ""
    fact: CompoundDiagnosed | None = None


def evolve(diagnosis: Diagnosis, event: CompoundDiagnosed) -> Diagnosis:
    """Apply a recorded fact. Never refuses: it has already happened."""
    return Diagnosis(diagnosis.id, event.place, event)


def diagnose(
    diagnosis: Diagnosis,
    *,
    by: Mandate,
    at: str,
    place: str,
    kind: str,
    diagnosed_on: str,
    problems: Sequence[Mapping[str, str]],
    known_place: bool = True,
    categories: Collection[str] = (),
) -> list[Event]:
    """Record the problems of a place, each category once; `categories` are the codes of the city's list, none: any."""
    by.require("issue.triage", place)
    if not known_place:
        raise NotFoundError(f"there is no place {place}", {"place": "unknown"})
    if diagnosed_on > at[:10]:
        raise IllegalStateError(f"{diagnosed_on} has not come yet", {"diagnosed_on": "must not be in the future"})
    codes = [problem["category"] for problem in problems]
    if unknown := sorted(set(codes) - set(categories)) if categories else []:
        raise BadInputError(f"{', '.join(unknown)}: no category of this city", {"problems": "unknown category"})
    if twice := sorted({code for code in codes if codes.count(code) > 1}):
        raise BadInputError(f"{', '.join(twice)} is named twice", {"problems": "name each category once"})
    fact = CompoundDiagnosed(
        diagnosis_id=diagnosis.id,
        place=place,
        kind=kind,
        diagnosed_on=diagnosed_on,
        problems=tuple(
            Problem(problem["category"], without_numbers(given(problem["note"], "note", "say what was found")))
            for problem in problems
        ),
    )
    if diagnosis.fact is None:
        return [fact]
    if diagnosis.fact == fact:
        return []
    raise IllegalStateError(f"the diagnosis {diagnosis.id} was recorded already; record another one")


DIAGNOSIS = Decider("diagnosis", CODEC, Diagnosis, Diagnosis, evolve, lambda diagnosis: diagnosis.place)
