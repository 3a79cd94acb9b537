"""Diagnoses of compounds: which problems there are, before anything is done about them (A15, C03)."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from shared.domain.answers import PLACE_NAMES, TEXT, page_of, row_of, shape
from shared.domain.answers import many as list_of
from shared.domain.city import City
from shared.domain.command import MADE
from shared.domain.decider import Decider
from shared.domain.errors import BadInputError, IllegalStateError
from shared.domain.event import Event
from shared.domain.fields import DAY, PLACE, choice, code_of, text
from shared.domain.mandate import Mandate
from shared.domain.privacy import told
from shared.domain.query import Cursor, Limit, order_of
from shared.domain.reader import Reader
from shared.domain.structures import group, many
from shared.domain.view import Row, View
from shared.domain.words import _, said

KINDS = ("baseline", "diagnosis")


# Facts. Class and field names are the storage format: rename nothing, upcast instead.
class Problem(msgspec.Struct, frozen=True, gc=False):
    """One problem found by a diagnosis."""

    category: Annotated[
        str, code_of("issue_categories"), "what it is about; the part before the first dot is its class"
    ]
    note: Annotated[str, text(1000), "what was found, for everyone to read", told()]


class CompoundDiagnosed(Event, frozen=True, kw_only=True):
    """What is wrong in a place, by category: a baseline survey (C03) or a diagnosis of its root problems (A15)."""

    diagnosis_id: str
    place: str
    kind: str  # baseline or diagnosis
    diagnosed_on: str  # ISO date
    problems: Annotated[tuple[Problem, ...], told()]


class Diagnosis(msgspec.Struct, frozen=True):
    """A diagnosis is made once; a later one of the same place stands beside it."""

    id: str
    place: str = ""
    kind: str = ""
    diagnosed_on: str = ""
    problems: tuple[Problem, ...] = ()


def evolve(diagnosis: Diagnosis, event: CompoundDiagnosed) -> Diagnosis:
    """Apply a recorded fact. Never refuses: it has already happened."""
    return Diagnosis(diagnosis.id, event.place, event.kind, event.diagnosed_on, event.problems)


DIAGNOSIS = Decider(
    "diagnosis",
    (CompoundDiagnosed,),
    Diagnosis,
    Diagnosis,
    evolve,
    lambda diagnosis: diagnosis.place,
    exists=lambda diagnosis: bool(diagnosis.place),
)


@DIAGNOSIS.command("issue.triage", new=MADE)
def record_diagnosis(
    diagnosis: Diagnosis,
    *,
    by: Mandate,
    at: str,
    city: City,
    place: Annotated[str, PLACE, "which place"],
    kind: Annotated[str, choice(*KINDS, words="diagnosis_kind"), "baseline survey, or diagnosis of the root problems"],
    diagnosed_on: Annotated[str, DAY, "day of the diagnosis"],
    problems: Annotated[list[Problem], many(group(Problem), 1, 100), "each category once"],
) -> list[Event]:
    """Record which problems a place has, as a baseline or a diagnosis (A15, C03)."""
    city.known_place(place)
    if diagnosed_on > at[:10]:
        raise IllegalStateError(
            _("{day} has not come yet; record the diagnosis once it is made"),
            {"diagnosed_on": said(_("must not be in the future"))},
            day=diagnosed_on,
        )
    codes = [problem.category for problem in problems]
    for code in codes:
        city.code("issue_categories", code, "problems")
    if twice := sorted({code for code in codes if codes.count(code) > 1}):
        raise BadInputError(
            _("{categories}: named twice"),
            {"problems": said(_("name each category once"))},
            categories=", ".join(twice),
        )
    fact = CompoundDiagnosed(
        diagnosis_id=diagnosis.id,
        place=place,
        kind=kind,
        diagnosed_on=diagnosed_on,
        problems=tuple(Problem(problem.category, problem.note) for problem in problems),
    )
    if not diagnosis.place:
        return [fact]
    if evolve(diagnosis, fact) == diagnosis:
        return []
    raise IllegalStateError(
        _("the diagnosis {diagnosis} was recorded already; record another one"), diagnosis=diagnosis.id
    )


DIAGNOSES = View.of(DIAGNOSIS, "diagnoses", ("place", "kind", "diagnosed_on"))

_PROBLEM = shape(category=TEXT, problem_class=TEXT, note=TEXT)
_ROW = row_of(DIAGNOSIS, "problems", problems=list_of(_PROBLEM), place_names=PLACE_NAMES)


@DIAGNOSIS.query(answer=page_of(_ROW))
def find_diagnoses(
    read: Reader,
    *,
    place__under: Annotated[str, PLACE, "a place and everything below it"] = "",
    kind: Annotated[
        str, choice(*KINDS, words="diagnosis_kind"), "baseline survey, or diagnosis of the root problems"
    ] = "",
    order: Annotated[str, order_of("diagnosed_on", "place"), "sorted by; - before it: descending"] = "-diagnosed_on",
    limit: Limit = 50,
    cursor: Cursor = "",
) -> dict[str, Any]:
    """Diagnoses of places with their problems (A15, C03)."""
    page = read.page("diagnoses", {"place__under": place__under, "kind": kind}, limit, cursor, order)
    return page | {"rows": read.city.named(_classed(row) for row in page["rows"])}


def _classed(row: Row) -> Row:
    return row | {
        "problems": [problem | {"problem_class": problem["category"].partition(".")[0]} for problem in row["problems"]]
    }
