"""What a day makes of obligations: what is owed when a period begins, missed when it has ended, its end counted again (X05)."""

from __future__ import annotations

from collections.abc import Iterable

from services.registry.obligation.state import (
    OBLIGATION,
    EndCountedAgain,
    Obligation,
    ObligationMissed,
    ObligationOwed,
)
from shared.domain.calendar import calendar_of, is_working_day, provisional, working_day_after
from shared.domain.catalogue import Obligation as Rules
from shared.domain.catalogue import data_of
from shared.domain.city import City, every
from shared.domain.clock import Rule, rows_of
from shared.domain.event import Event
from shared.domain.festival import near
from shared.domain.identity import derived_id
from shared.domain.lists import Festival
from shared.domain.mandate import Mandate
from shared.domain.period import Period, period_of, plus_days, weekday_of
from shared.domain.view import Row


def periods(rules: Rules, day: str, city: City) -> list[Period]:
    """The periods of a rule that a day (ISO date) lies in: one, or as many as festivals are near; none on another weekday or a free day."""
    if rules.cadence == "weekday":
        found = weekday_of(day, rules.weekday, rules.days)
        return [found] if found else []
    if rules.cadence != "festival":
        free = rules.workdays and rules.cadence == "day" and not is_working_day(day, city.days())
        return [] if free else [period_of(rules.cadence, day)]
    spans = []
    for code in rules.festivals:
        entry = city.entries("festivals").get(code)
        held: Festival | None = data_of("festivals", entry.data) if entry else None
        if held and (span := near(day, held.calendar, held.month, held.day, rules.ahead, rules.days)):
            year, since, until = span
            spans.append(Period(f"{year}-{code}", since, until))
    return spans


def owe(
    obligation: Obligation, *, by: Mandate, at: str, city: City, rule: str, organisation_id: str, period: str = ""
) -> list[Event]:
    """Record that a body owes something in the period that the day lies in; what is decided once stays."""
    body = city.organisation(organisation_id)
    entry = city.entries("obligations").get(rule)
    if obligation.status != "unknown" or body is None or entry is None:
        return []
    rules: Rules = data_of("obligations", entry.data)
    found = next((one for one in periods(rules, at[:10], city) if period in ("", one.name)), None)
    if found is None:
        return []
    until, calendar = _end(found, rules, city)
    return [
        ObligationOwed(
            obligation_id=obligation.id,
            rule=rule,
            rule_version=entry.version,
            organisation_id=organisation_id,
            place=body["place"],
            period=found.name,
            since=found.since,
            until=until,
            amount=rules.amount,
            spacing=rules.spacing,
            calendar=calendar,
            unit=rules.unit,
            persons=rules.persons,
            meeting=rules.meeting,
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
    found = next((one for one in periods(rules, obligation.since, city) if one.name == obligation.period), None)
    if found is None:  # the rule has another cadence by now
        return []
    until, calendar = _end(found, rules, city)
    if provisional(calendar):
        return []
    calendar = calendar or calendar_of(plus_days(until, -1), city.days())
    return [EndCountedAgain(obligation_id=obligation.id, before=obligation.until, until=until, calendar=calendar)]


def miss(obligation: Obligation, *, by: Mandate, at: str) -> list[Event]:
    """Record that a period ended with less done than was owed."""
    if obligation.status != "owed" or at[:10] < obligation.until:
        return []
    return [ObligationMissed(obligation_id=obligation.id, done=obligation.done, amount=obligation.amount)]


# The clock.
def _to_owe(city: City) -> Iterable[Row]:
    """Bodies and rules whose period of the day has no obligation yet."""
    for code, entry in city.entries("obligations").items():
        rules: Rules = data_of("obligations", entry.data)
        if not (names := [period.name for period in periods(rules, city.day, city)]):
            continue
        for body in every(city.rows, "city_organisations", {"type": rules.bearer}):
            if not (body["since"] <= city.day and (not body["until"] or city.day < body["until"])):
                continue
            for period in names:
                id = derived_id("obligation", code, body["organisation_id"], period)
                if city.rows.get("obligations", id) is None:
                    yield {"key": id, "rule": code, "organisation_id": body["organisation_id"], "period": period}


CLOCK = (
    Rule(
        "obligation-owed",
        OBLIGATION,
        _to_owe,
        owe,
        lambda row: str(row["period"]),
        lambda row: {name: row[name] for name in ("rule", "organisation_id", "period")},
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
