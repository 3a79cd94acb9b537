"""What bodies owe as rows and figures: on course, behind, missed; and each period of a rule with who did it (D15, E05, E26)."""

from __future__ import annotations

from typing import Annotated, Any

from services.registry.obligation.state import OBLIGATION, STATUSES, Obligation, ObligationServed
from services.registry.subjects import NAMED
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
from shared.domain.calendar import provisional
from shared.domain.city import every
from shared.domain.event import Event
from shared.domain.fields import DAY, PLACE, choice, code_of, id_of
from shared.domain.period import days_between, plus_days
from shared.domain.query import Cursor, Limit, order_of
from shared.domain.reader import Reader
from shared.domain.view import Row, View, tally


def _more(row: Row, obligation: Obligation, event: Event, record: Any) -> Row:
    served = (
        [
            *row.get("served", []),
            {"on": event.done_on, "evidence": event.evidence, "note": event.note}
            | {"count": event.count, "persons": event.persons},
        ]
        if isinstance(event, ObligationServed)
        else row.get("served", [])
    )
    told = {"served": served, "changed": record.occurred}
    return told | {"provisional": int(provisional(obligation.calendar))}


OBLIGATIONS = View.of(
    OBLIGATION,
    "obligations",
    (
        "place",
        ("status", "until"),
        ("organisation_id", "period"),
        ("rule", "period"),
        ("rule", "until"),
        "until",
        ("status", "provisional"),
    ),
    _more,
    folding=3,
)
OBLIGATION_FIGURES = tally(
    "obligation_figures",
    OBLIGATIONS,
    lambda row: {"by_status": {row["status"]: 1}, "acts": len(row["days"]), "persons": row["came"]},
)


def forecast(row: Row, day: str) -> Row:
    """Whether what is owed can still be done, and whether it is behind an even course: expected is rounded down (D15).

    Minutes can all be done in one go. `next_from` is the first day on which another act counts, "" when none is needed any more.
    """
    missing = row["amount"] - row["done"]
    whole = max(1, days_between(row["since"], row["until"]))
    gone = min(max(0, days_between(row["since"], day)), whole)
    expected = row["amount"] * gone // whole
    if row["status"] not in ("owed", "missed") or missing <= 0:
        return {"expected": expected, "behind": False, "attainable": True, "next_from": ""}
    first = max([day, row["since"], *(plus_days(done, row["spacing"]) for done in row["days"])])
    last_needed = first if row["unit"] == "minutes" else plus_days(first, (missing - 1) * row["spacing"])
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
    served=many(shape(on=TEXT, evidence=TEXT, note=TEXT, count=COUNT, persons=COUNT)),
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
    answer=shape(place=TEXT, obligations=COUNT, by_status=by_code(COUNT), acts=COUNT, persons=COUNT), as_of=True
)
def obligation_figures(
    read: Reader, *, place: Annotated[str, PLACE, "territory path; left out: the whole city"] = ""
) -> dict[str, Any]:
    """How many obligations of a place and below are owed, met, missed, late, waived: a partition (X03).

    `persons` counts everybody each time they came.
    """

    row = read.rows.get("obligation_figures", place or "*") or {}
    by_status = row.get("by_status", {})
    return {
        "place": place,
        "obligations": sum(by_status.values()),
        "by_status": by_status,
        "acts": row.get("acts", 0),
        "persons": row.get("persons", 0),
    }


_PERIOD = shape(
    period=TEXT,
    since=TEXT,
    until=TEXT,
    by_status=by_code(COUNT),
    acts=COUNT,
    minutes=COUNT,
    persons=COUNT,
    without=many(shape(_NAMED | {"place_names": PLACE_NAMES}, organisation_id=TEXT, status=TEXT)),
)


@OBLIGATION.query(answer=shape(rule=TEXT, place=TEXT, rows=many(_PERIOD)), as_of=True)
def obligation_periods(
    read: Reader,
    *,
    rule: Annotated[str, code_of("obligations"), "which rule"],
    since: Annotated[str, DAY, "periods that end after this day; empty: those of the last 92 days"] = "",
    place: Annotated[str, PLACE, "a place and everything below it; empty: the whole city"] = "",
) -> dict[str, Any]:
    """Period by period who did what a rule asks for: each Friday, each half-month, each quarter; and who did not (A31, A36, E26).

    `by_status` counts bodies, a partition; `persons` everybody each time they came; `without` names those who have not done it yet.
    """
    first = since or plus_days(read.today, -92)

    found: dict[str, Row] = {}
    where: Row = {"rule": rule, "until__gt": first} | ({"place__under": place} if place else {})
    for row in every(read.rows, "obligations", where):
        empty = {"by_status": {}, "acts": 0, "minutes": 0, "persons": 0, "without": []}
        told = {name: row[name] for name in ("period", "since", "until")}
        one = found.setdefault(row["period"], told | empty)
        one["by_status"][row["status"]] = one["by_status"].get(row["status"], 0) + 1
        one["acts"] += len(row["days"])
        one["minutes"] += row["done"] if row["unit"] == "minutes" else 0
        one["persons"] += row["came"]
        one["until"] = max(one["until"], row["until"])
        if row["status"] in ("owed", "missed") and len(one["without"]) < NAMED:
            one["without"].append({"organisation_id": row["organisation_id"], "status": row["status"]})
    rows = sorted(found.values(), key=lambda row: (row["since"], row["period"]))
    return {
        "rule": rule,
        "place": place,
        "rows": [row | {"without": read.city.named(row["without"])} for row in rows],
    }
