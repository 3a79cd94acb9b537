"""Double report-in: a unit to the community, a member to the place they live in; both ends confirm (B12, C40, D11)."""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from services.volunteers.domain.rules import own_or_post
from services.volunteers.events import CODEC, MemberSurveyed, ReportedIn, ReportInConfirmed
from shared.domain.decider import Decider
from shared.domain.errors import ForbiddenError, IllegalStateError, NotFoundError
from shared.domain.event import Event
from shared.domain.mandate import Mandate


class ReportIn(msgspec.Struct, frozen=True):
    """One for each member, and one for each unit and place. `confirmed` maps an end to the person who confirmed it."""

    id: str
    kind: str = ""
    person_id: str = ""
    unit: str = ""
    place: str = ""
    since: str = ""
    reported: bool = False
    level: str = ""  # set when a survey listed the member
    confirmed: dict[str, str] = {}


def report_id(kind: str, person_id: str, unit: str, place: str) -> str:
    """A member has one report-in, which moves with them; a unit has one for each place."""
    return f"member-{person_id}" if kind == "member" else f"unit-{unit}-{place}"


def evolve(report: ReportIn, event: Event) -> ReportIn:
    """Apply a recorded fact. Never refuses: it has already happened."""
    match event:
        case MemberSurveyed():
            surveyed = replace(report, level=event.level)
            if report.reported:
                return surveyed
            return replace(surveyed, kind="member", person_id=event.person_id, unit=event.unit, place=event.place)
        case ReportedIn():
            return ReportIn(
                report.id,
                event.kind,
                event.person_id,
                event.unit,
                event.place,
                event.since,
                reported=True,
                level=report.level,
            )
        case ReportInConfirmed():
            return replace(report, confirmed=report.confirmed | {event.end: event.person_id})
    return report


def survey(
    report: ReportIn, *, by: Mandate, at: str, person_id: str, unit: str, level: str, place: str, surveyed: str = ""
) -> list[Event]:
    """Put a member who lives in a compound on the survey list; who has reported in already keeps that report (C40)."""
    by.require("volunteer.survey", place)
    if report.level == level and (report.unit, report.place) == (unit, place):
        return []
    if report.reported and report.place != place:
        raise IllegalStateError(f"{person_id} has reported in at {report.place}; a survey of {place} does not fit that")
    event = MemberSurveyed(
        report_id=report.id, person_id=person_id, unit=unit, level=level, place=place, surveyed=surveyed or at[:10]
    )
    return [] if evolve(report, event) == report else [event]


def report_in(
    report: ReportIn, *, by: Mandate, at: str, kind: str, unit: str, place: str, person_id: str = "", since: str = ""
) -> list[Event]:
    """Report in; a member who moves or changes the unit reports in again, and both ends confirm anew."""
    by.require("volunteer.join", place if kind == "member" else by.place)
    if kind == "member":
        if not person_id:
            raise IllegalStateError("say which person reports in")
        own_or_post(by, person_id, "report in")
    else:
        if not by.post_id:
            raise ForbiddenError("a unit reports in through somebody who holds a post")
        if by.organisation_id != unit:
            by.require("volunteer.join", place)
    if report.reported and (report.unit, report.place) == (unit, place):
        return []
    return [
        ReportedIn(report_id=report.id, kind=kind, person_id=person_id, unit=unit, place=place, since=since or at[:10])
    ]


def confirm(report: ReportIn, *, by: Mandate, at: str, end: str, evidence: str = "") -> list[Event]:
    """Confirm one end of a report-in; the two ends are confirmed by different persons, none of them the member.

    The unit's end is confirmed from a post of the unit, or with evidence (a letter) when the unit holds no post here.
    """
    own_unit = end == "unit" and by.post_id != "" and by.organisation_id == report.unit
    by.require("volunteer.confirm", by.place if own_unit else report.place)
    if not report.reported:
        raise NotFoundError("nobody has reported in under this id yet")
    if by.actor == report.person_id:
        raise ForbiddenError("nobody confirms their own report-in")
    if end in report.confirmed:
        return []
    if by.actor in report.confirmed.values():
        raise ForbiddenError("both ends confirm: the other end takes another person")
    if end == "unit" and not own_unit and not evidence:
        raise IllegalStateError("for a unit without a post here, say on what evidence its end is confirmed")
    return [
        ReportInConfirmed(
            report_id=report.id, end=end, person_id=by.actor, organisation_id=by.organisation_id, evidence=evidence
        )
    ]


REPORT_IN = Decider("report-in", CODEC, ReportIn, ReportIn, evolve, lambda report: report.place)
