"""Obligations: what a body owes in each period, met by which acts, missed, waived (D15, E05, X05).

The rules are catalogue entries of the kind `obligations`: a report to the branch three times a year, a joint meeting each quarter. The
clock says what is owed when a period begins and what was missed when it has ended; everything in between are acts with evidence.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any

import msgspec
from msgspec.structs import replace

from shared.domain.answers import (
    ACTIONS,
    COUNT,
    OTHERS,
    PLACE_NAMES,
    TEXT,
    YES,
    by_code,
    many,
    page_of,
    row_of,
    shape,
)
from shared.domain.calendar import calendar_of, is_working_day, provisional, working_day_after
from shared.domain.catalogue import Obligation as Rules
from shared.domain.catalogue import data_of
from shared.domain.city import City, every
from shared.domain.clock import Rule, rows_of
from shared.domain.command import Cursor, Limit, holds, on, order_of
from shared.domain.decider import Decider
from shared.domain.errors import IllegalStateError
from shared.domain.event import Event
from shared.domain.fields import DAY, PLACE, choice, code_of, id_of, line, text
from shared.domain.identity import derived_id
from shared.domain.mandate import Mandate
from shared.domain.period import Period, days_between, period_of, plus_days
from shared.domain.privacy import PUBLIC, told
from shared.domain.reader import Reader
from shared.domain.view import Row, View, tally
from shared.domain.words import Said, _, said

STATUSES = ("owed", "met", "missed", "late", "waived")


# Facts. Class and field names are the storage format: rename nothing, upcast instead.
class ObligationOwed(Event, frozen=True, kw_only=True):
    """A period has begun in which a body owes something (X05)."""

    obligation_id: str
    rule: str  # code of the catalogue entry
    rule_version: int
    organisation_id: str
    place: str
    period: str  # 2026, 2026-q3 …
    since: str  # ISO date
    until: str  # ISO date: first day after, moved behind free days where the rule says so
    amount: int  # times
    spacing: int  # fewest calendar days between two that count
    calendar: str  # version of the working-day calendar that moved the end, or that may yet say so; else ""


class EndCountedAgain(Event, frozen=True, kw_only=True):
    """The calendar of a year came that the end of the period was provisionally counted with; this is what it says (X05)."""

    obligation_id: str
    before: Annotated[str, PUBLIC]  # ISO date
    until: str  # ISO date: first day after, often the same
    calendar: str


class ObligationServed(Event, frozen=True, kw_only=True):
    """The body did once what it owes, with evidence (D15, E05); `number` counts within the period."""

    obligation_id: str
    done_on: str  # ISO date
    evidence: Annotated[str, told()]
    note: Annotated[str, told()]
    number: int


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


def evolve(obligation: Obligation, event: Event) -> Obligation:
    """Apply a recorded fact. Never refuses: it has already happened."""
    match event:
        case ObligationOwed():
            return Obligation(
                obligation.id,
                "owed",
                event.rule,
                event.organisation_id,
                event.place,
                event.period,
                event.since,
                event.until,
                event.amount,
                event.spacing,
                calendar=event.calendar,
            )
        case EndCountedAgain():
            return replace(obligation, until=event.until, calendar=event.calendar)
        case ObligationServed():
            return replace(obligation, days=tuple(sorted((*obligation.days, event.done_on))))
        case ObligationMet():
            return replace(obligation, status="late" if event.late else "met")
        case ObligationMissed():
            return replace(obligation, status="missed")
        case ObligationWaived():
            return replace(obligation, status="waived", reason=event.reason)
    return obligation


OBLIGATION = Decider(
    "obligation",
    (ObligationOwed, EndCountedAgain, ObligationServed, ObligationMet, ObligationMissed, ObligationWaived),
    Obligation,
    Obligation,
    evolve,
    lambda obligation: obligation.place,
    fold=2,
    marks=(ObligationMissed,),
)


def owe(obligation: Obligation, *, by: Mandate, at: str, city: City, rule: str, organisation_id: str) -> list[Event]:
    """Record that a body owes something in the period that the day lies in; what is decided once stays."""
    body = city.organisation(organisation_id)
    entry = city.entries("obligations").get(rule)
    if obligation.status != "unknown" or body is None or entry is None:
        return []
    rules: Rules = data_of("obligations", entry.data)
    period = period_of(rules.cadence, at[:10])
    until, calendar = _end(period, rules, city)
    return [
        ObligationOwed(
            obligation_id=obligation.id,
            rule=rule,
            rule_version=entry.version,
            organisation_id=organisation_id,
            place=body["place"],
            period=period.name,
            since=period.since,
            until=until,
            amount=rules.amount,
            spacing=rules.spacing,
            calendar=calendar,
        )
    ]


def _end(period: Period, rules: Rules, city: City) -> tuple[str, str]:
    """The first day after the period; where its last day is free, and the rule says so, the one after the next working day."""
    own = city.days()
    if not rules.workdays:
        return period.until, ""
    last = calendar_of(period.last, own)
    if is_working_day(period.last, own):
        return period.until, last if provisional(last) else ""
    found = working_day_after(period.last, 1, own)
    return plus_days(found.date, 1), last if provisional(last) else found.calendar


def count_end_again(obligation: Obligation, *, by: Mandate, at: str, city: City) -> list[Event]:
    """The end of the period by the calendar of today, once that is no longer provisional."""
    entry = city.entries("obligations").get(obligation.rule)
    if obligation.status != "owed" or not provisional(obligation.calendar) or entry is None:
        return []
    rules: Rules = data_of("obligations", entry.data)
    until, calendar = _end(period_of(rules.cadence, obligation.since), rules, city)
    if provisional(calendar):
        return []
    calendar = calendar or calendar_of(plus_days(until, -1), city.days())
    return [EndCountedAgain(obligation_id=obligation.id, before=obligation.until, until=until, calendar=calendar)]


def miss(obligation: Obligation, *, by: Mandate, at: str) -> list[Event]:
    """Record that a period ended with less done than was owed."""
    if obligation.status != "owed" or at[:10] < obligation.until:
        return []
    done = len(obligation.days)
    return [ObligationMissed(obligation_id=obligation.id, done=done, amount=obligation.amount)]


def _evidence_id(obligation: Obligation, ask: Any) -> str:
    """One piece of evidence of one rule and body, however it is typed."""
    return derived_id(
        "evidence", obligation.rule, obligation.organisation_id, "".join(str(ask["evidence"]).casefold().split())
    )


@OBLIGATION.command("obligation.meet", when=("owed", "missed"), again=("met", "late"))
def meet_obligation(
    obligation: Obligation,
    *,
    by: Mandate,
    at: str,
    done_on: Annotated[str, DAY, "day on which it was done"],
    evidence: Annotated[str, line(200), "what shows it: number of the minutes, link to the record; counts once"],
    used: Annotated[Evidence, holds(EVIDENCE, _evidence_id)],
    note: Annotated[str, text(500), "what was done, for everyone to read"] = "",
) -> list[Any]:
    """Record that the body did once what it owes, with evidence; acts too close together do not count twice (D15, E05)."""
    if used.obligation_id == obligation.id:
        return []
    if used.obligation_id:
        raise IllegalStateError(
            _("this evidence counts for another period already; each act needs its own"),
            {"evidence": said(_("used already"))},
        )
    if obligation.status not in ("owed", "missed"):
        raise IllegalStateError(_("what is owed in {period} is done already"), period=obligation.period)
    if done_on > at[:10]:
        raise IllegalStateError(
            _("{day} has not come yet; record it when it is done"),
            {"done_on": said(_("must not be in the future"))},
            day=done_on,
        )
    if not obligation.since <= done_on < obligation.until:
        raise IllegalStateError(
            _("{day} lies outside the period from {since} to before {until}; it counts for the period it lies in"),
            {"done_on": said(_("outside the period"))},
            day=done_on,
            since=obligation.since,
            until=obligation.until,
        )
    _spaced(obligation, done_on)
    number = len(obligation.days) + 1
    served = ObligationServed(obligation_id=obligation.id, done_on=done_on, evidence=evidence, note=note, number=number)
    met = (
        [ObligationMet(obligation_id=obligation.id, late=obligation.status == "missed" and at[:10] >= obligation.until)]
        if number >= obligation.amount
        else []
    )
    return [served, *met, on(EVIDENCE, used.id, EvidenceUsed(evidence=evidence, obligation_id=obligation.id))]


def _spaced(obligation: Obligation, done_on: str) -> None:
    for day in obligation.days:
        if abs(days_between(day, done_on)) < obligation.spacing:
            raise IllegalStateError(
                _("it was done on {day}; another one counts only {spacing} days apart"),
                {"done_on": said(_("too close to another one"))},
                day=day,
                spacing=obligation.spacing,
            )


def _waives_own(obligation: Obligation, by: Mandate) -> Said | None:
    own = by.organisation_id == obligation.organisation_id
    return said(_("nobody waives what their own body owes; a body above decides")) if own else None


@OBLIGATION.command("obligation.waive", when=("owed", "missed"), again=("waived",), only=_waives_own)
def waive_obligation(
    obligation: Obligation,
    *,
    by: Mandate,
    at: str,
    reason: Annotated[str, text(500), "why it need not be done this time, for everyone to read"],
) -> list[Event]:
    """Let a body off what it owes in one period; never by the body itself."""
    if obligation.status == "waived":
        if obligation.reason == reason:
            return []
        raise IllegalStateError(_("it was waived already: {reason}"), reason=obligation.reason)
    return [ObligationWaived(obligation_id=obligation.id, reason=reason)]


# Rows and figures.
def _more(row: Row, obligation: Obligation, event: Event, record: Any) -> Row:
    served = (
        [*row.get("served", []), {"on": event.done_on, "evidence": event.evidence, "note": event.note}]
        if isinstance(event, ObligationServed)
        else row.get("served", [])
    )
    more = {"done": len(obligation.days), "served": served, "changed": record.occurred}
    return more | {"provisional": int(provisional(obligation.calendar))}


OBLIGATIONS = View.of(
    OBLIGATION,
    "obligations",
    (
        "place",
        ("status", "until"),
        ("organisation_id", "period"),
        ("rule", "period"),
        "until",
        ("status", "provisional"),
    ),
    _more,
    folding=2,
)
OBLIGATION_FIGURES = tally(
    "obligation_figures", OBLIGATIONS, lambda row: {"by_status": {row["status"]: 1}, "acts": row["done"]}
)


def forecast(row: Row, day: str) -> Row:
    """Whether what is owed can still be done, and whether it is behind an even course: expected is rounded down (D15).

    `next_from` is the first day on which another act counts, "" when none is needed any more.
    """
    missing = row["amount"] - row["done"]
    whole = max(1, days_between(row["since"], row["until"]))
    gone = min(max(0, days_between(row["since"], day)), whole)
    expected = row["amount"] * gone // whole
    if row["status"] not in ("owed", "missed") or missing <= 0:
        return {"expected": expected, "behind": False, "attainable": True, "next_from": ""}
    first = max([day, row["since"], *(plus_days(done, row["spacing"]) for done in row["days"])])
    last_needed = plus_days(first, (missing - 1) * row["spacing"])
    return {
        "expected": expected,
        "behind": row["done"] < expected,
        "attainable": row["status"] == "owed" and last_needed < row["until"],
        "next_from": first if first < row["until"] else "",
    }


#: Where the registry knows the body.
_NAMED = {"organisation": TEXT, "organisation_en": TEXT}
_ROW = row_of(
    OBLIGATION,
    done=COUNT,
    served=many(shape(on=TEXT, evidence=TEXT, note=TEXT)),
    changed=TEXT,
    provisional=COUNT,
    expected=COUNT,
    behind=YES,
    attainable=YES,
    next_from=TEXT,
    place_names=PLACE_NAMES,
)


@OBLIGATION.query(answer=page_of(shape(_NAMED, actions=ACTIONS, **_ROW["properties"])))
def find_obligations(
    read: Reader,
    *,
    place__under: Annotated[str, PLACE, "a place and everything below it"] = "",
    organisation_id: Annotated[str, id_of("organisation"), "of this body"] = "",
    rule: Annotated[str, code_of("obligations"), "by this rule"] = "",
    status: Annotated[str, choice(*STATUSES), "in this state"] = "",
    order: Annotated[str, order_of("until", "place"), "sorted by; - before it: descending"] = "until",
    limit: Limit = 50,
    cursor: Cursor = "",
) -> dict[str, Any]:
    """What bodies owe, with the forecast: on course, behind, or no longer to be reached (D15, E05)."""
    where = {"place__under": place__under, "organisation_id": organisation_id, "rule": rule, "status": status}
    page = read.page("obligations", where, limit, cursor, order, OBLIGATION)
    return page | {"rows": read.city.named(row | forecast(row, read.today) for row in page["rows"])}


@OBLIGATION.query(answer=shape(_NAMED, actions=ACTIONS, others=OTHERS, **_ROW["properties"]))
def get_obligation(
    read: Reader, *, obligation_id: Annotated[str, id_of("obligation"), "the obligation"]
) -> dict[str, Any]:
    """What a body owes in one period, with every act and its evidence."""
    row = read.row("obligations", obligation_id, "obligation", "obligation_id")
    (named,) = read.city.named([row | forecast(row, read.today)])
    return named | {"actions": read.actions(OBLIGATION, row), "others": read.others(OBLIGATION, row)}


@OBLIGATION.query(
    answer=shape(
        place=TEXT,
        obligations=COUNT,
        by_status=by_code(COUNT),
        acts=COUNT,
        as_of=shape(service=TEXT, position=COUNT),
    )
)
def obligation_figures(
    read: Reader, *, place: Annotated[str, PLACE, "territory path; left out: the whole city"] = ""
) -> dict[str, Any]:
    """How many obligations of a place and below are owed, met, missed, late, waived: a partition (X03)."""

    def answer() -> Row:
        row = read.rows.get("obligation_figures", place or "*") or {}
        by_status = row.get("by_status", {})
        return {
            "place": place,
            "obligations": sum(by_status.values()),
            "by_status": by_status,
            "acts": row.get("acts", 0),
        }

    return read.as_of(answer)


# The clock.
def _to_owe(city: City) -> Iterable[Row]:
    """Bodies and rules whose period of the day has no obligation yet."""
    for code, entry in city.entries("obligations").items():
        rules: Rules = data_of("obligations", entry.data)
        period = period_of(rules.cadence, city.day).name
        for body in every(city.rows, "city_organisations", {"type": rules.bearer}):
            standing = body["since"] <= city.day and (not body["until"] or city.day < body["until"])
            id = derived_id("obligation", code, body["organisation_id"], period)
            if standing and city.rows.get("obligations", id) is None:
                yield {"key": id, "rule": code, "organisation_id": body["organisation_id"], "period": period}


CLOCK = (
    Rule(
        "obligation-owed",
        OBLIGATION,
        _to_owe,
        owe,
        lambda row: str(row["period"]),
        lambda row: {"rule": row["rule"], "organisation_id": row["organisation_id"]},
    ),
    Rule(
        "obligation-end-counted-again",
        OBLIGATION,
        rows_of("obligations", lambda day: {"status": "owed", "provisional": 1}),
        count_end_again,
        lambda row: f"{row['period']} {row['until']}",
    ),
    Rule(
        "obligation-missed",
        OBLIGATION,
        rows_of("obligations", lambda day: {"status": "owed", "until__lte": day}),
        miss,
        lambda row: str(row["period"]),
    ),
)
