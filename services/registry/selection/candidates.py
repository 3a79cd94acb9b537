"""Candidates are looked for in steps, nominated out of a source, judged by criteria and accepted by bodies (A10, A16–A20, D13)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated

from services.registry.person import PERSON, Person
from services.registry.selection.state import (
    SELECTION,
    Candidate,
    CandidateAccepted,
    CandidateNominated,
    CandidateRejected,
    CandidateScouted,
    CriterionAttested,
    Selection,
    rules_of,
)
from shared.domain.bodies import SelectionKind, Source
from shared.domain.city import City
from shared.domain.errors import BadInputError, ForbiddenError, IllegalStateError, NotFoundError
from shared.domain.event import Event
from shared.domain.fields import CODE, DAY, YES, choice, id_of, number, text
from shared.domain.lists import Item
from shared.domain.mandate import Mandate
from shared.domain.signature import holds
from shared.domain.structures import many
from shared.domain.territory import within
from shared.domain.words import _, said, term

#: While candidates are named and judged.
BEFORE_VOTING = ("opened", "recommending")
_PERSON_ID = Annotated[str, id_of("person"), "the candidate, a registered person"]


def listed(items: Iterable[Item], code: str, field: str) -> None:
    """Raise `BadInputError` unless a kind of selection has this code."""
    known = [one.code for one in items]
    if code not in known:
        raise BadInputError(
            _("this kind of selection has no {code}; known: {known}"),
            {field: said(_("not in the rules of this selection"))},
            code=code,
            known=", ".join(known) or "-",
        )


def check_person(person: Person, person_id: str) -> None:
    """Raise `NotFoundError` unless the candidate is a registered person."""
    if person.status != "registered":
        raise NotFoundError(
            _("there is no person {person}; register them first"), {"person_id": said(_("unknown"))}, person=person_id
        )


def _not_oneself(by: Mandate, person_id: str) -> None:
    if by.actor == person_id or by.role in ("service", "operator") or not by.actor:
        raise ForbiddenError(
            _("nobody judges themselves, and no machine judges a person; somebody else does"),
            {"person_id": said(_("must be somebody else"))},
        )


@SELECTION.command("selection.scout", when=BEFORE_VOTING)
def scout_candidate(
    selection: Selection,
    *,
    by: Mandate,
    at: str,
    city: City,
    person: Annotated[Person, holds(PERSON, "person_id")],
    person_id: _PERSON_ID,
    step: Annotated[str, CODE, "which step"],
    result: Annotated[str, text(1000), "what came of it; staff of the place read it"],
    visited_on: Annotated[str, DAY, "day, not ahead; empty: today"] = "",
    skipped_because: Annotated[str, text(400), "why steps before it are left out, when some are"] = "",
) -> list[Event]:
    """Record a step of looking for a candidate: in their order, and what is left out is said with the reason (A17)."""
    check_person(person, person_id)
    _not_oneself(by, person_id)
    rules = rules_of(selection, city)
    listed(rules.steps, step, "step")
    visited_on = visited_on or at[:10]
    known = selection.candidates.get(person_id, Candidate())
    if (done := known.steps.get(step)) is not None:
        if (done.visitor, done.visited_on, done.result) == (by.actor, visited_on, result):
            return []
        raise IllegalStateError(
            _("{step} was taken on {day} already"), {"step": said(_("done"))}, step=step, day=done.visited_on
        )
    order = [one.code for one in rules.steps]
    later = [one for one in order[order.index(step) + 1 :] if one in known.steps]
    missed = tuple(one for one in order[: order.index(step)] if one not in known.steps and one not in known.skipped)
    if later or step in known.skipped:
        raise IllegalStateError(
            _("{step} was left out, and a later step was taken; what was left out stays so"),
            {"step": said(_("left out"))},
            step=step,
        )
    if missed and not skipped_because:
        raise IllegalStateError(
            _("before {step} come {missed}; take them, or say why they are left out"),
            {"skipped_because": said(_("steps before it are missing: {missed}"), missed=", ".join(missed))},
            step=step,
            missed=", ".join(missed),
        )
    latest = max((one.visited_on for one in known.steps.values()), default="")
    if not latest <= visited_on <= at[:10]:
        raise IllegalStateError(
            _("the step was taken from {since}, the day of the one before, up to {today}; {day} is not such a day"),
            {"visited_on": said(_("must be from {since} to {today}"), since=latest or "-", today=at[:10])},
            since=latest or "-",
            today=at[:10],
            day=visited_on,
        )
    return [
        CandidateScouted(
            selection_id=selection.id,
            person_id=person_id,
            step=step,
            visitor=by.actor,
            visited_on=visited_on,
            result=result,
            skipped=missed,
            skipped_because=skipped_because if missed else "",
        )
    ]


_WAYS = {"self": "opened", "residents": "recommending"}


@SELECTION.command("selection.nominate", when=BEFORE_VOTING)
def nominate_candidate(
    selection: Selection,
    *,
    by: Mandate,
    at: str,
    city: City,
    person: Annotated[Person, holds(PERSON, "person_id")],
    person_id: _PERSON_ID,
    way: Annotated[str, choice(*_WAYS), "who names them"],
    source: Annotated[str, CODE, "what qualifies them, where the rules name sources"] = "",
    grounds: Annotated[str, text(1000), "what shows it; staff of the place read it"] = "",
    supporters: Annotated[int, number(0, 1_000_000), "residents who recommend them"] = 0,
    traits: Annotated[
        Sequence[str], many(CODE, 0, 50, distinct=True), "what is said of them; nothing is counted by it"
    ] = (),
) -> list[Event]:
    """Name a candidate: first who offers themselves, then whom residents recommend; a source must qualify them (A10, A18, A20)."""
    check_person(person, person_id)
    if selection.status != _WAYS[way]:
        raise IllegalStateError(
            _("candidates first offer themselves, then residents recommend; now it is {status}"),
            {"way": said(_("not in this stage"))},
            status=term("selection status", selection.status),
        )
    if way == "residents" and (not supporters or by.actor == person_id):
        raise BadInputError(
            _("a recommendation is made by other residents; say by how many"),
            {"supporters": said(_("must be at least 1, and not recorded by the candidate"))},
        )
    rules = rules_of(selection, city)
    for one in traits:
        listed(rules.traits, one, "traits")
    _check_source(selection, rules, city, person_id, source, grounds)
    made = CandidateNominated(
        selection_id=selection.id,
        person_id=person_id,
        way=way,
        source=source,
        grounds=grounds,
        supporters=supporters if way == "residents" else 0,
        traits=tuple(traits),
    )
    known = selection.candidates.get(person_id, Candidate())
    if way in known.ways:
        same = (known.source, known.grounds, known.ways[way], known.traits)
        if same == (made.source, made.grounds, made.supporters, made.traits):
            return []
        raise IllegalStateError(
            _("{person} is a candidate already"), {"person_id": said(_("named already"))}, person=person_id
        )
    return [made]


def _check_source(
    selection: Selection, rules: SelectionKind, city: City, person_id: str, source: str, grounds: str
) -> None:
    """Raise unless the source is one of the rules, and qualifies the person: by the post that they hold, or by what is shown."""
    if not rules.sources and not source:
        return
    listed(rules.sources, source, "source")
    found = next(one for one in rules.sources if one.code == source)
    if found.role and not any(_qualifies(post, found, selection, city) for post in city.posts_of(person_id)):
        raise IllegalStateError(
            _("{person} holds no post of {role} here, which {source} asks for"),
            {"source": said(_("does not qualify them"))},
            person=person_id,
            role=term("roles", found.role),
            source=found.zh,
        )
    if not found.role and not grounds:
        raise BadInputError(
            _("say what shows that {source} is true of them"), {"grounds": said(_("is missing"))}, source=found.zh
        )


def _qualifies(post: dict[str, str], source: Source, selection: Selection, city: City) -> bool:
    body = city.organisation(post["organisation_id"]) or {}
    here = within(post["place"], selection.place) or within(selection.place, post["place"])
    return here and post["role"] == source.role and source.of in ("", body.get("type"))


def _named(selection: Selection, person_id: str) -> Candidate:
    known = selection.candidates.get(person_id, Candidate())
    if not known.ways:
        raise NotFoundError(
            _("{person} was not named as a candidate"), {"person_id": said(_("no candidate"))}, person=person_id
        )
    return known


@SELECTION.command("selection.attest", when=BEFORE_VOTING)
def attest_criterion(
    selection: Selection,
    *,
    by: Mandate,
    at: str,
    city: City,
    person_id: _PERSON_ID,
    criterion: Annotated[str, CODE, "which criterion"],
    met: Annotated[bool, YES, "whether they meet it"],
    evidence: Annotated[str, text(1000), "what shows it; staff of the place read it"],
) -> list[Event]:
    """Say on what evidence a candidate meets a criterion or not; nothing is scored or added up (A19, D13)."""
    known = _named(selection, person_id)
    _not_oneself(by, person_id)
    listed(rules_of(selection, city).criteria, criterion, "criterion")
    before = known.criteria.get(criterion)
    if before is not None and (before.holds, before.person_id, before.reason) == (met, by.actor, evidence):
        return []
    return [
        CriterionAttested(
            selection_id=selection.id,
            person_id=person_id,
            criterion=criterion,
            holds=met,
            evidence=evidence,
            attested_by=by.actor,
        )
    ]


@SELECTION.command("selection.accept", when=BEFORE_VOTING)
def accept_candidate(
    selection: Selection,
    *,
    by: Mandate,
    at: str,
    city: City,
    person_id: _PERSON_ID,
    acceptance: Annotated[str, CODE, "which acceptance"],
    accepted: Annotated[bool, YES, "whether one's body accepts them"],
    resolution: Annotated[str, text(1000), "by what decision of the body; staff of the place read it"],
) -> list[Event]:
    """Accept a candidate for one's body, or not: each acceptance by another person for another body (A16)."""
    known = _named(selection, person_id)
    _not_oneself(by, person_id)
    rules = rules_of(selection, city)
    listed(rules.acceptances, acceptance, "acceptance")
    asked = next(one for one in rules.acceptances if one.code == acceptance)
    body = city.organisation(by.organisation_id) or {}
    if body.get("type") != asked.of:
        raise ForbiddenError(
            _("{acceptance} is said by a body of the type {type}"),
            {"acceptance": said(_("of another body"))},
            acceptance=asked.zh,
            type=term("organisation_types", asked.of),
        )
    others = [one for code, one in known.acceptances.items() if code != acceptance]
    if any(by.actor == one.person_id or by.organisation_id == one.organisation_id for one in others):
        raise ForbiddenError(
            _("each acceptance is given by another person for another body; this one has given one already"),
            {"acceptance": said(_("must be somebody else's"))},
        )
    before = known.acceptances.get(acceptance)
    given = (accepted, by.actor, by.organisation_id, resolution)
    if before is not None and (before.holds, before.person_id, before.organisation_id, before.reason) == given:
        return []
    about = {"selection_id": selection.id, "person_id": person_id, "acceptance": acceptance}
    if accepted:
        return [
            CandidateAccepted(**about, organisation_id=by.organisation_id, accepted_by=by.actor, resolution=resolution)
        ]
    return [CandidateRejected(**about, organisation_id=by.organisation_id, rejected_by=by.actor, resolution=resolution)]


def lacking(candidate: Candidate, rules: SelectionKind) -> list[str]:
    """What keeps a candidate off the ballot, by code in the order of the rules; nothing when all is there."""
    steps = [one.code for one in rules.steps if one.code not in candidate.steps and one.code not in candidate.skipped]
    criteria = [
        one.code for one in rules.criteria if (found := candidate.criteria.get(one.code)) is None or not found.holds
    ]
    bodies = [
        one.code
        for one in rules.acceptances
        if (found := candidate.acceptances.get(one.code)) is None or not found.holds
    ]
    return [*steps, *criteria, *bodies]
