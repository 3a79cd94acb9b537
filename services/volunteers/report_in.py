"""Double report-in: a unit to the community, a member to the place they live in; both ends confirm (B12, C40, D11)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

import msgspec
from msgspec.structs import replace

from services.volunteers.volunteer import NAMED, own_or_mandated, with_names
from shared.domain.answers import ACTIONS, TEXT, many, page_of, row_of
from shared.domain.city import City, every
from shared.domain.decider import Decider
from shared.domain.errors import ForbiddenError, IllegalStateError
from shared.domain.event import Event, taken
from shared.domain.fields import CODE, DAY, PLACE, Pattern, choice, id_of, text
from shared.domain.mandate import Mandate
from shared.domain.policy import Decision
from shared.domain.privacy import staff
from shared.domain.query import Cursor, Limit, order_of
from shared.domain.reader import Reader
from shared.domain.record import Record
from shared.domain.view import Counts, Row, View, tally
from shared.domain.words import Said, _, said


# Facts. Class and field names are the storage format: rename nothing, upcast instead.
class MemberSurveyed(Event, frozen=True, kw_only=True):
    """A survey found an in-service member living in a compound; who is on it and has not reported in is known (C40)."""

    report_id: Annotated[str, staff("volunteer.confirm")]
    person_id: Annotated[str, staff("volunteer.confirm")]
    unit: Annotated[str, staff("volunteer.confirm")]
    level: str  # of the unit: province, city, district, outside …
    place: str
    surveyed: str  # ISO date


class ReportedIn(Event, frozen=True, kw_only=True):
    """A member reported to the place they live in, or a unit to a community; a newer one replaces it (C40, D11)."""

    report_id: Annotated[str, staff("volunteer.confirm")]
    kind: str  # member, unit
    person_id: Annotated[str, staff("volunteer.confirm")]  # empty for a unit
    unit: Annotated[
        str, staff("volunteer.confirm")
    ]  # organisation that the member works for, or that reports in itself; it may be none of this city
    place: str
    since: str  # ISO date


class ReportInConfirmed(Event, frozen=True, kw_only=True):
    """The unit or the place confirmed a report-in; `evidence` says how when the unit holds no post here."""

    report_id: Annotated[str, staff("volunteer.confirm")]
    end: str  # unit, place
    person_id: Annotated[str, staff("volunteer.confirm")]  # who confirmed
    organisation_id: Annotated[str, staff("volunteer.confirm")]
    evidence: Annotated[str, staff("volunteer.confirm")]


class ReportInRelocated(Event, frozen=True, kw_only=True):
    """The place that a member lives in has ended; the report-in is one to the place that came after it."""

    report_id: Annotated[str, staff("volunteer.confirm")]
    place: str


class ReportInEnded(Event, frozen=True, kw_only=True):
    """A member or unit belongs to the place no longer from a day on."""

    report_id: Annotated[str, staff("volunteer.confirm")]
    until: str  # ISO date
    reason: Annotated[str, staff("volunteer.confirm")]


_ENDS = frozenset({"unit", "place"})


class ReportIn(msgspec.Struct, frozen=True):
    """One for each member, and one for each unit and place. `confirmed` maps an end to the person who confirmed it."""

    id: str
    status: str = "unknown"  # unknown, surveyed, reported_in, confirmed, ended
    kind: str = ""
    person_id: str = ""
    unit: str = ""
    place: str = ""
    since: str = ""
    level: str = ""  # set when a survey listed the member
    surveyed: str = ""  # day of the survey (ISO date)
    confirmed: dict[str, str] = {}
    until: str = ""  # first day without it
    reason: str = ""  # why it ended

    @property
    def reported(self) -> bool:
        """Whether the member or unit has reported in."""
        return self.status in ("reported_in", "confirmed")


def evolve(
    report: ReportIn, event: MemberSurveyed | ReportedIn | ReportInConfirmed | ReportInRelocated | ReportInEnded
) -> ReportIn:
    """Apply a recorded fact. Never refuses: it has already happened."""
    match event:
        case MemberSurveyed():
            surveyed = replace(report, level=event.level, surveyed=event.surveyed)
            if report.reported:
                return surveyed
            return replace(
                surveyed,
                status="surveyed",
                kind="member",
                person_id=event.person_id,
                unit=event.unit,
                place=event.place,
            )
        case ReportedIn():
            return replace(report, **taken(event, ReportIn, status="reported_in", confirmed={}, until="", reason=""))
        case ReportInConfirmed():
            ends = report.confirmed | {event.end: event.person_id}
            return replace(report, confirmed=ends, status="confirmed" if set(ends) >= _ENDS else "reported_in")
        case ReportInRelocated():
            return replace(report, place=event.place)
        case ReportInEnded():
            return replace(report, status="ended", until=event.until, reason=event.reason)


REPORT_IN = Decider(
    "report-in",
    (MemberSurveyed, ReportedIn, ReportInConfirmed, ReportInRelocated, ReportInEnded),
    ReportIn,
    ReportIn,
    evolve,
    lambda report: report.place,
    named="report_id",
    fold=2,
)

_ID = r"(member|unit)-[A-Za-z0-9.-]{2,200}"
#: The id of a report-in, which follows from who reports in.
REPORT_ID = Pattern(
    pattern=_ID,
    reason=_("must be the id that report_in or survey_member gave"),
    refers="report-in",
    facets={"type": "string", "pattern": f"^{_ID}$", "example": "member-person-1"},
)


def _member(ask: Mapping[str, Any], by: Mandate) -> str:
    """A member has one report-in, which moves with them."""
    return f"member-{ask['person_id'] or by.actor}"


def _reporter(ask: Mapping[str, Any], by: Mandate) -> str:
    """A unit has a report-in for each place."""
    return _member(ask, by) if ask["kind"] == "member" else f"unit-{ask['unit']}-{ask['place']}"


@REPORT_IN.command("volunteer.survey", new=_member, where=lambda report, ask, by: ask["place"])
def survey_member(
    report: ReportIn,
    *,
    by: Mandate,
    at: str,
    city: City,
    person_id: Annotated[str, id_of("person"), "the member"],
    unit: Annotated[
        str, id_of("organisation", elsewhere=True), "organisation that the member works for, of this city or not"
    ],
    level: Annotated[str, CODE, "level of the unit: province, city, district, outside …"],
    place: Annotated[str, PLACE, "compound the member lives in"],
    surveyed: Annotated[str, DAY, "day of the survey; empty: today"] = "",
) -> list[Event]:
    """Put an in-service member who lives in a compound on the survey list; who has reported in already keeps that report (C40)."""
    if report.level == level and (report.unit, report.place) == (unit, place):
        return []
    city.known_place(place)
    if report.reported and report.place != place:
        raise IllegalStateError(
            _("{person} has reported in at {reported}; a survey of {place} does not fit that"),
            {"place": said(_("reported in elsewhere"))},
            person=person_id,
            reported=report.place,
            place=place,
        )
    if report.reported and report.level == level:
        return []
    return [
        MemberSurveyed(
            report_id=report.id, person_id=person_id, unit=unit, level=level, place=place, surveyed=surveyed or at[:10]
        )
    ]


def _reported_to(report: ReportIn, ask: Mapping[str, Any], by: Mandate) -> str:
    """Where the power is needed: at the place reported to; a unit's own post needs it where it works."""
    own = ask["kind"] == "unit" and by.post_id != "" and by.organisation_id == ask["unit"]
    return by.place if own else str(ask["place"])


@REPORT_IN.command("volunteer.join", new=_reporter, where=_reported_to)
def report_in(
    report: ReportIn,
    *,
    by: Mandate,
    at: str,
    city: City,
    unit: Annotated[
        str, id_of("organisation", elsewhere=True), "organisation that the member works for, or that reports in itself"
    ],
    place: Annotated[str, PLACE, "place that is reported to"],
    kind: Annotated[str, choice("member", "unit", words="reporter"), "who reports in"] = "member",
    person_id: Annotated[str, id_of("person"), "the member; empty: yourself; not used for a unit"] = "",
    since: Annotated[str, DAY, "since when; empty: today"] = "",
) -> list[Event]:
    """Report in: a member to the place they live in, a unit to a community (B12, C40, D11).

    A member who moves or changes the unit reports in again, and both ends confirm anew.
    """
    if kind == "member":
        person_id = person_id or by.actor
        own_or_mandated(by, person_id, "volunteer.join", place)
    else:
        person_id = ""
        if not by.post_id:
            raise ForbiddenError(_("a unit reports in through somebody who holds a post"))
    if report.reported and (report.unit, report.place) == (unit, place):
        return []
    city.known_place(place)
    return [
        ReportedIn(report_id=report.id, kind=kind, person_id=person_id, unit=unit, place=place, since=since or at[:10])
    ]


def _own_unit(report: ReportIn, ask: Mapping[str, Any], by: Mandate) -> bool:
    return bool(ask["end"] == "unit" and by.post_id != "" and by.organisation_id == report.unit)


def _own_report(report: ReportIn, by: Mandate) -> Said | None:
    own = by.actor != "" and by.actor == report.person_id
    return said(_("nobody confirms their own report-in")) if own else None


def _no_end_left(report: ReportIn, by: Mandate, city: City) -> Said | None:
    """Why somebody can confirm neither end."""
    if by.actor in report.confirmed.values():
        return said(_OTHER_PERSON)
    here = by.may("volunteer.confirm", report.place)
    own = by.post_id != "" and by.organisation_id == report.unit and by.may("volunteer.confirm", by.place)
    open_to = [end for end in ("unit", "place") if end not in report.confirmed and (here or (own and end == "unit"))]
    return None if open_to else said(_("there is no end left that you may confirm"))


_OTHER_PERSON = _("both ends confirm: the other end takes another person")


@REPORT_IN.command(
    "volunteer.confirm",
    when=("reported_in",),
    again=("confirmed",),
    otherwise=_("nobody has reported in under this id yet"),
    where=lambda report, ask, by: by.place if _own_unit(report, ask, by) else report.place,
    only=_own_report,
    unless=_no_end_left,
    id_kind=REPORT_ID,
)
def confirm_report_in(
    report: ReportIn,
    *,
    by: Mandate,
    at: str,
    end: Annotated[str, choice("unit", "place"), "which end confirms"],
    evidence: Annotated[str, text(300), "how the unit confirmed, when it holds no post here"] = "",
) -> list[Event]:
    """Confirm one end of a report-in; it takes both, by different persons, none of them the member (D11).

    The unit's end is confirmed from a post of the unit, or with evidence (a letter) when the unit holds no post here.
    """
    if end in report.confirmed:
        return []
    if by.actor in report.confirmed.values():
        raise ForbiddenError(_OTHER_PERSON)
    if end == "unit" and not evidence and not _own_unit(report, {"end": end}, by):
        raise IllegalStateError(
            _("for a unit without a post here, say on what evidence its end is confirmed"),
            {"evidence": said(_("is missing"))},
        )
    return [
        ReportInConfirmed(
            report_id=report.id, end=end, person_id=by.actor, organisation_id=by.organisation_id, evidence=evidence
        )
    ]


def _stands(report: ReportIn, by: Mandate, city: City) -> Said | None:
    """Why somebody who acts only for themselves cannot end it."""
    return None if by.post_id or by.actor == report.person_id else said(_("only your own report-in"))


@REPORT_IN.command(
    "volunteer.confirm",
    when=("reported_in", "confirmed"),
    again=("ended",),
    otherwise=_("nobody has reported in under this id"),
    owner=lambda report, by: by.actor != "" and by.actor == report.person_id,
    unless=_stands,
    id_kind=REPORT_ID,
)
def end_report_in(
    report: ReportIn,
    *,
    by: Mandate,
    at: str,
    reason: Annotated[str, text(300), "why, such as a new unit or another home"],
    until: Annotated[str, DAY, "first day without it, not ahead; empty: today"] = "",
) -> list[Event]:
    """End a report-in from a day on; members end their own (B12, C40)."""
    until = until or report.until or at[:10]
    if report.status == "ended":
        if report.until == until:
            return []
        raise IllegalStateError(_("the report-in ended on {day} already"), day=report.until)
    if not report.since <= until <= at[:10]:
        raise IllegalStateError(
            _("it can end from {since}, when it began, up to {today}"),
            {"until": said(_("must be from {since} to {today}"), since=report.since, today=at[:10])},
            since=report.since,
            today=at[:10],
        )
    return [ReportInEnded(report_id=report.id, until=until, reason=reason)]


def follow_place(report: ReportIn, *, by: Mandate, at: str, place: str, reason: str) -> list[Event]:
    """The report-in of a member goes to the place that came after theirs; that of a unit, which is to this community, ends."""
    if report.status in ("unknown", "ended"):
        return []
    if report.kind == "member":
        return [ReportInRelocated(report_id=report.id, place=place)] if report.place != place else []
    return [ReportInEnded(report_id=report.id, until=max(at[:10], report.since), reason=reason)]


def on_place_ended(fact: Mapping[str, Any], record: Record, city: City) -> Iterable[Decision]:
    """Report-ins to a place that has ended."""
    for row in list(every(city.rows, "report_ins", {"place": fact["place"]})):
        yield Decision(REPORT_IN, row["report_id"], follow_place, {"place": fact["heir"], "reason": fact["reason"]})


def _counts(row: Row) -> Counts:
    member, reported = row["kind"] == "member", row["status"] in ("reported_in", "confirmed")
    return {
        "members_surveyed": int(member and row["level"] != ""),
        "members_not_reported": int(member and row["level"] != "" and not reported),
        "members_reported": int(member and reported),
        "members_confirmed": int(member and row["status"] == "confirmed"),
        "units_reported": int(not member and reported),
        "late": row["late"],
    }


REPORT_INS = View.of(
    REPORT_IN,
    "report_ins",
    ("place", "person_id", "unit", "level", ("kind", "place"), ("status", "place"), "since"),
)
REPORT_IN_SUMS = tally("report_in_sums", REPORT_INS, _counts, day="since", folding=3)


@REPORT_IN.query(
    answer=page_of(row_of(REPORT_IN, "confirmed", **NAMED, ends=many(TEXT), actions=ACTIONS)),
    power="volunteer.confirm",
    own="person_id",
)
def find_report_ins(
    read: Reader,
    *,
    person_id: Annotated[str, id_of("person"), "only of this member"] = "",
    unit: Annotated[str, id_of("organisation"), "only of this unit"] = "",
    kind: Annotated[str, choice("member", "unit", words="reporter"), "only of this kind"] = "",
    status: Annotated[str, choice("surveyed", "reported_in", "confirmed", "ended"), "only in this status"] = "",
    level: Annotated[str, CODE, "only of this level on the survey"] = "",
    place__under: Annotated[str, PLACE, "a place and everything below it; empty: your own"] = "",
    order: Annotated[
        str, order_of("place", "person_id", "unit", "since"), "sorted by; - before it: descending"
    ] = "place",
    limit: Limit = 50,
    cursor: Cursor = "",
) -> Row:
    """Surveyed members and report-ins, one's own or for those who confirm them (C40, D11).

    Who was surveyed and has not reported in yet is in the status surveyed.
    """
    where = {"person_id": person_id, "unit": unit, "kind": kind, "status": status, "level": level}
    page = read.page(
        "report_ins",
        where | {"place__under": place__under},
        limit,
        cursor,
        order,
        REPORT_IN,
        lambda row: (
            {name: value for name, value in row.items() if name != "confirmed"} | {"ends": list(row["confirmed"])}
        ),
    )
    return page | {"rows": with_names(read, page["rows"])}
