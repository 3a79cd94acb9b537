"""Units of a programme: they join in a batch, take its steps, are accepted by a checklist, fall back, leave (B06, B23, B25, C27)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from services.registry.programme.state import (
    PARTICIPATION,
    PROGRAMME,
    Participation,
    Programme,
    UnitAccepted,
    UnitAdvanced,
    UnitFellBack,
    UnitJoined,
    UnitLeft,
    rules_of,
)
from services.registry.subjects import SUBJECT, there
from shared.domain.catalogue import Batch, Stage, SurveyKind, data_of
from shared.domain.catalogue import Programme as Rules
from shared.domain.city import City, every
from shared.domain.errors import BadInputError, IllegalStateError, refusal
from shared.domain.event import Event
from shared.domain.fields import CODE, DAY, id_of, number, text
from shared.domain.identity import derived_id
from shared.domain.mandate import Mandate
from shared.domain.signature import holds
from shared.domain.territory import within
from shared.domain.words import Said, _, said

#: While it takes part.
TAKING_PART = ("joined", "accepted", "fallen")


def _id(ask: Mapping[str, Any], by: Mandate) -> str:
    return derived_id("participation", ask["programme_id"], ask["subject"])


def _running(status: str) -> None:
    if status != "running":
        raise IllegalStateError(
            _("the programme has ended or was never started"), {"programme_id": said(_("not running"))}
        )


@PARTICIPATION.command("programme.join", new=_id, compares=True, alone=True, place=lambda ask, by: by.place)
def join_programme(
    unit: Participation,
    *,
    by: Mandate,
    at: str,
    city: City,
    programme: Annotated[Programme, holds(PROGRAMME, "programme_id")],
    programme_id: Annotated[str, id_of("programme"), "programme that it takes part in"],
    subject: Annotated[str, SUBJECT, "what takes part: territory path, or id of the organisation"],
    batch: Annotated[str, CODE, "batch; empty where the programme has none"] = "",
    note: Annotated[str, text(1000), "why it was chosen, for everyone to read"] = "",
    since: Annotated[str, DAY, "first day, not ahead; empty: today"] = "",
) -> list[Event]:
    """Have a place or body take part in a programme, in one of its batches (B06, B23)."""
    _running(programme.status)
    rules = rules_of(programme, city)
    place = str(there(city, rules.unit, "", subject)["place"])
    by.require("programme.join", place)
    chosen = _batch(rules, batch)
    row = there(city, rules.unit, chosen.of or rules.unit_of, subject)
    if not within(place, programme.place):
        raise BadInputError(
            _("{subject} lies outside {place}, which this programme is for"),
            {"subject": said(_("outside its area"))},
            subject=subject,
            place=programme.place,
        )
    since = since or (unit.since if unit.status in TAKING_PART else "") or at[:10]
    if unit.status in TAKING_PART:
        if (unit.batch, unit.note, unit.since) == (batch, note, since):
            return []
        raise IllegalStateError(
            _("{subject} takes part already since {day}; it leaves before it joins anew"),
            {"subject": said(_("takes part already"))},
            subject=subject,
            day=unit.since,
        )
    if not max(programme.since, unit.until) <= since <= at[:10]:
        earliest = max(programme.since, unit.until)
        raise IllegalStateError(
            _("a unit joins from {since} on, up to {today}; not on {day}"),
            {"since": said(_("must be from {since} to {today}"), since=earliest, today=at[:10])},
            since=earliest,
            today=at[:10],
            day=since,
        )
    if rules.in_order:
        _after_the_others(city, rules, programme.id, batch)
    return [
        UnitJoined(
            participation_id=unit.id,
            programme_id=programme.id,
            kind=programme.kind,
            kind_version=programme.kind_version,
            subject=subject,
            organisation_id=str(row.get("organisation_id", "")),
            place=place,
            batch=batch,
            batch_zh=chosen.zh,
            batch_en=chosen.en,
            since=since,
            note=note,
        )
    ]


def _batch(rules: Rules, batch: str) -> Batch:
    """The batch of a code; where there are none, all units together are one."""
    if not rules.batches and not batch:
        return Batch(code="all", zh="", en="")
    for one in rules.batches:
        if one.code == batch:
            return one
    raise BadInputError(
        _("{batch} is no batch of this programme; known: {known}"),
        {"batch": said(_("unknown"))},
        batch=batch or "-",
        known=", ".join(one.code for one in rules.batches) or "-",
    )


def _after_the_others(city: City, rules: Rules, programme_id: str, batch: str) -> None:
    """Raise `IllegalStateError` unless all units of each batch before this one are accepted, and there are some (B06)."""
    for before in rules.batches:
        if before.code == batch:
            return
        rows = every(city.rows, "participations", {"programme_id": programme_id, "batch": before.code})
        units = [row["status"] for row in rows if row["status"] in TAKING_PART]
        accepted = units.count("accepted")
        if not units or accepted < len(units):
            raise IllegalStateError(
                _("first comes the batch {before}: {accepted} of its {units} units are accepted"),
                {"batch": said(_("another one comes first"))},
                before=before.zh,
                accepted=accepted,
                units=len(units),
            )


def _status(unit: Participation, city: City) -> str:
    """The status of its programme, as rows have it."""
    return str((city.rows.get("programmes", unit.programme_id) or {"status": ""})["status"])


def _next_step(unit: Participation, city: City) -> Stage:
    """The step that comes after the last; raises `IllegalStateError` where there is none, or what it presupposes is missing."""
    _running(_status(unit, city))
    taken = [step.stage for step in unit.steps]
    left = [one for one in rules_of(unit, city).stages if one.code not in taken]
    if not left:
        raise IllegalStateError(_("this unit has taken every step"))
    _asked(city, left[0], unit.subject)
    return left[0]


def _no_step(unit: Participation, by: Mandate, city: City) -> Said | None:
    """Why it takes no step now."""
    return refusal(lambda: _next_step(unit, city))


@PARTICIPATION.command("programme.join", when=("joined", "fallen"), alone=True, unless=_no_step)
def advance_unit(
    unit: Participation,
    *,
    by: Mandate,
    at: str,
    city: City,
    programme: Annotated[Programme, holds(PROGRAMME, lambda unit, ask: unit.programme_id)],
    stage: Annotated[str, CODE, "step that it took: the one after the last"],
    evidence: Annotated[str, text(1000), "what shows it, for everyone to read"],
    people: Annotated[int, number(0, 1_000_000), "residents who took part in it"] = 0,
) -> list[Event]:
    """Record that a unit took its next step, with what shows it and how many residents took part (C27)."""
    _running(programme.status)
    step = _next_step(unit, city)
    if step.code != stage:
        raise IllegalStateError(
            _("the next step of this unit is {next}, not {stage}"),
            {"stage": said(_("not the next step"))},
            next=step.zh,
            stage=stage,
        )
    if people < step.people:
        raise IllegalStateError(
            _("{stage} takes at least {least} residents; {people} took part"),
            {"people": said(_("at least {least}"), least=step.people)},
            stage=step.zh,
            least=step.people,
            people=people,
        )
    return [
        UnitAdvanced(
            participation_id=unit.id,
            stage=stage,
            stage_zh=step.zh,
            stage_en=step.en,
            people=people,
            evidence=evidence,
        )
    ]


def _asked(city: City, stage: Stage, subject: str) -> None:
    """Raise `IllegalStateError` unless the survey that a step presupposes was closed, answered by as many as its figures take (C27)."""
    if not stage.survey:
        return
    rules: SurveyKind = data_of("surveys", city.code("surveys", stage.survey).data)
    for survey in every(city.rows, "surveys", {"kind": stage.survey, "subject": subject, "status": "closed"}):
        answered = sum(one["households"] for one in every(city.rows, "sheets", {"survey_id": survey["survey_id"]}))
        if answered >= max(1, rules.least):
            return
    raise IllegalStateError(
        _("{stage} presupposes a closed survey about it that at least {least} households answered"),
        {"stage": said(_("a survey is missing"))},
        stage=stage.zh,
        least=max(1, rules.least),
    )


def _foreign(unit: Participation, by: Mandate) -> Said | None:
    """Why this caller accepts no unit, or not this one."""
    if not by.actor or by.role in ("service", "operator"):
        return said(_("a person accepts, since somebody must answer for it"))
    return _own(unit, by)


def _own(unit: Participation, by: Mandate) -> Said | None:
    own = unit.organisation_id and by.organisation_id == unit.organisation_id
    return said(_("nobody accepts their own body; somebody from another one does")) if own else None


def _check_done(unit: Participation, city: City) -> None:
    """Raise `IllegalStateError` while its programme does not run, a step is not taken, or the checklist of its batch not passed (B06)."""
    _running(_status(unit, city))
    rules = rules_of(unit, city)
    taken = {step.stage for step in unit.steps}
    if left := [one.zh for one in rules.stages if one.code not in taken]:
        raise IllegalStateError(_("steps that it has not taken yet: {steps}"), steps="、".join(left))
    template = _batch(rules, unit.batch).checklist
    if template:
        checked = city.rows.get("checklists", checklist_of(template, unit.subject)) or {"holding": 0, "of": 0}
        if checked.get("status") != "passed":
            raise IllegalStateError(
                _("its checklist is not passed: {holding} of {of} items hold"),
                holding=checked["holding"],
                of=checked["of"],
            )


def _not_done(unit: Participation, by: Mandate, city: City) -> Said | None:
    """What it lacks to be accepted."""
    return refusal(lambda: _check_done(unit, city))


@PARTICIPATION.command("programme.accept", when=("joined", "fallen"), only=_foreign, unless=_not_done, alone=True)
def accept_unit(
    unit: Participation,
    *,
    by: Mandate,
    at: str,
    city: City,
    programme: Annotated[Programme, holds(PROGRAMME, lambda unit, ask: unit.programme_id)],
    evidence: Annotated[str, text(1000), "what the acceptance rests on, for everyone to read"],
) -> list[Event]:
    """Accept a unit that has taken all steps and whose checklist is passed (B06)."""
    _running(programme.status)
    _check_done(unit, city)
    return [UnitAccepted(participation_id=unit.id, evidence=evidence, person_id=by.actor)]


def checklist_of(template: str, subject: str) -> str:
    """The id of the checklist of a subject by a template."""
    return derived_id("checklist", template, subject)


@PARTICIPATION.command("programme.accept", when=("accepted",), only=_own)
def fall_back(
    unit: Participation,
    *,
    by: Mandate,
    at: str,
    reason: Annotated[str, text(1000), "what it does not keep to any more, for everyone to read"],
) -> list[Event]:
    """Take an acceptance back: the unit takes part on, and is accepted anew once it is in order (B06)."""
    return [UnitFellBack(participation_id=unit.id, reason=reason)]


@PARTICIPATION.command("programme.join", when=TAKING_PART)
def leave_programme(
    unit: Participation,
    *,
    by: Mandate,
    at: str,
    reason: Annotated[str, text(1000), "why, for everyone to read"],
    until: Annotated[str, DAY, "first day without it, not ahead; empty: today"] = "",
) -> list[Event]:
    """Have a unit take part no longer from a day on; what was recorded of it stays."""
    until = until or at[:10]
    if not unit.since <= until <= at[:10]:
        raise IllegalStateError(
            _("it can leave from {since}, when it joined, up to {today}"),
            {"until": said(_("must be from {since} to {today}"), since=unit.since, today=at[:10])},
            since=unit.since,
            today=at[:10],
        )
    return [UnitLeft(participation_id=unit.id, until=until, reason=reason)]
