"""Documents as rows: the register, versions in force on a day, what is missing, and how many households have taken note (D45, D47)."""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Any

from services.registry.census import below, household_sum
from services.registry.regulation.state import REGULATION, Regulation, rules_at
from shared.domain.answers import ACTIONS, COUNT, OTHERS, PLACE_NAMES, TEXT, YES, many, page_of, row_of, shape
from shared.domain.bodies import RegulationKind
from shared.domain.catalogue import data_of
from shared.domain.city import every
from shared.domain.city_rows import NEVER
from shared.domain.event import Event
from shared.domain.fields import DAY, PLACE, choice, code_of, id_of
from shared.domain.period import plus_days
from shared.domain.query import Cursor, Limit, order_of
from shared.domain.reader import Reader
from shared.domain.view import Row, View

STATUSES = ("drafted", "withdrawn", "commenting", "adopted", "replaced", "ended")


def _more(row: Row, regulation: Regulation, event: Event, record: Any) -> Row:
    """The days in force as days to compare, and how many comments are not answered yet."""
    return {
        "drafted_on": row.get("drafted_on") or record.occurred[:10],
        "from_day": regulation.since or NEVER,
        "to_day": regulation.until or NEVER,
        "unanswered": sum(not one.answer for one in regulation.comments),
    }


REGULATIONS = View.of(
    REGULATION,
    "regulations",
    ("place", ("organisation_id", "kind"), ("kind", "status"), "owners_vote_id", "from_day", "to_day", "drafted_on"),
    _more,
)


_COMMENT = shape({"person_id": TEXT}, text=TEXT, answer=TEXT, reason=TEXT)
_ROW = row_of(
    REGULATION,
    "comments",
    optional={"organisation": TEXT, "organisation_en": TEXT},
    comments=many(_COMMENT),
    drafted_on=TEXT,
    from_day=TEXT,
    to_day=TEXT,
    unanswered=COUNT,
    place_names=PLACE_NAMES,
    actions=ACTIONS,
)


def _shown(read: Reader, row: Row) -> Row:
    """The row; who commented is for staff of the place."""
    if read.staff(row["place"]):
        return row
    comments = [{name: value for name, value in one.items() if name != "person_id"} for one in row["comments"]]
    return row | {"comments": comments}


@REGULATION.query(answer=page_of(_ROW))
def find_regulations(
    read: Reader,
    *,
    place__under: Annotated[str, PLACE, "a place and everything below it"] = "",
    organisation_id: Annotated[str, id_of("organisation"), "of this body"] = "",
    kind: Annotated[str, code_of("regulations"), "of this kind"] = "",
    programme: Annotated[str, code_of("programmes"), "the standard of this programme"] = "",
    status: Annotated[str, choice(*STATUSES), "in this state"] = "",
    on: Annotated[str, DAY, "in force on this day; empty: all versions"] = "",
    order: Annotated[str, order_of("drafted_on", "place", "from_day"), "sorted by; - before it: descending"] = "place",
    limit: Limit = 50,
    cursor: Cursor = "",
) -> dict[str, Any]:
    """The register of documents: drafts, versions in force on a day, those of the past (A25, C04, D45)."""
    if programme:
        standard = read.city.code("programmes", programme, "programme").data.get("standard", "")
        kind = standard if kind in ("", standard) and standard else "-"
    where = {"place__under": place__under, "organisation_id": organisation_id, "kind": kind, "status": status}
    where |= {"from_day__lte": on, "to_day__gt": on}
    found = read.named_page("regulations", where, limit, cursor, order, REGULATION)
    return found | {"rows": [_shown(read, row) for row in found["rows"]]}


#: A number of the city in a version that held while a document did.
_NUMBER = shape(
    parameter=TEXT, parameter_zh=TEXT, parameter_en=TEXT, value=COUNT, version=COUNT, since=TEXT, until=TEXT
)


@REGULATION.query(
    answer=shape(
        {"organisation": TEXT, "organisation_en": TEXT},
        others=OTHERS,
        parameters=many(_NUMBER),
        **_ROW["properties"],
    )
)
def get_regulation(
    read: Reader, *, regulation_id: Annotated[str, id_of("regulation"), "the version"]
) -> dict[str, Any]:
    """A version of a document: comments and their answers, the decision, where it was posted, the numbers that it is about (A25, D22, D28).

    `parameters` are those of its kind, each in every version that held on a day on which the document was in force; of a draft, today's.
    """
    row = read.thing("regulations", regulation_id, REGULATION)
    return _shown(read, row) | {"parameters": _numbers(read, row)}


def _numbers(read: Reader, row: Row) -> list[Row]:
    """The city's numbers that a document is about, the oldest version of each first."""
    first, end = row["since"] or read.today, row["until"] or plus_days(read.today, 1)
    named = rules_at(row["kind"], row["kind_version"], read.city).parameters
    return [
        {
            "parameter": code,
            "parameter_zh": one.zh,
            "parameter_en": one.en,
            "value": one.data["value"],
            "version": one.version,
        }
        | {"since": one.since, "until": one.until}
        for code in named
        for one in read.city.versions("parameters").get(code, ())
        if one.since < end and (not one.until or one.until > first)
    ]


@REGULATION.query(
    answer=shape(
        regulation_id=TEXT,
        place=TEXT,
        acknowledged=COUNT,
        households=COUNT,
        comments=COUNT,
        taken=COUNT,
        not_taken=COUNT,
        unanswered=COUNT,
        qualifier=TEXT,
        responses=COUNT,
    ),
    as_of=True,
)
def regulation_figures(
    read: Reader, *, regulation_id: Annotated[str, id_of("regulation"), "the version"]
) -> dict[str, Any]:
    """How many households acknowledged a version, of how many counted at its place, and how many persons answered it (A25, C26, D10).

    Of the `comments`, so many were adopted (`taken`), not adopted, or are not answered yet: a partition (D22, D30).
    """

    row = read.row("regulations", regulation_id, "regulation", "regulation_id")
    counted = household_sum(read.rows, row["place"], read.today)
    answers = Counter(one["answer"] for one in row["comments"])
    return {
        "regulation_id": regulation_id,
        "place": row["place"],
        "acknowledged": row["acknowledged"],
        "households": counted["value"],
        "comments": len(row["comments"]),
        "taken": answers["taken"],
        "not_taken": answers["not_taken"],
        "unanswered": answers[""],
        "qualifier": counted["qualifier"],
        "responses": row["responses"],
    }


_GAP = shape(
    {"organisation": TEXT, "organisation_en": TEXT},
    kind=TEXT,
    organisation_id=TEXT,
    place=TEXT,
    place_names=PLACE_NAMES,
    due=TEXT,
    overdue=YES,
    status=TEXT,
)


@REGULATION.query(
    answer=shape(place=TEXT, day=TEXT, due=COUNT, in_force=COUNT, missing=COUNT, overdue=COUNT, rows=many(_GAP)),
    as_of=True,
)
def regulation_gaps(
    read: Reader,
    *,
    place: Annotated[str, PLACE, "a place and everything below it; empty: the whole city"] = "",
    organisation_id: Annotated[str, id_of("organisation"), "of this body"] = "",
    on: Annotated[str, DAY, "day; empty: today"] = "",
) -> dict[str, Any]:
    """Which documents bodies owe since their founding and have not in force on a day: those missing, and of them overdue (D45, D47).

    `due` counts one for each body and kind; `in_force` and `missing` are its parts. `due` of a row is the last day in time.
    """
    day = on or read.today

    rows, kept = [], 0
    for code, entry in read.city.entries("regulations").items():
        rules: RegulationKind = data_of("regulations", entry.data)
        if not rules.due_days:
            continue
        where = below(place) | {"type": rules.of, "since__lte": day, "ended__gt": day}
        for body in every(read.rows, "organisations", where):
            if organisation_id not in ("", body["organisation_id"]):
                continue
            mine = {"organisation_id": body["organisation_id"], "kind": code}
            if read.rows.count("regulations", mine | {"from_day__lte": day, "to_day__gt": day}):
                kept += 1
                continue
            last = plus_days(body["since"], rules.due_days)
            written = list(every(read.rows, "regulations", mine | {"status": ["drafted", "commenting"]}))
            rows.append(
                mine
                | {"place": body["place"], "due": last, "overdue": last < day}
                | {"status": written[0]["status"] if written else ""}
            )
    overdue = sum(row["overdue"] for row in rows)
    figures = {"due": kept + len(rows), "in_force": kept, "missing": len(rows), "overdue": overdue}
    named = read.city.named(sorted(rows, key=lambda row: (row["due"], row["place"], row["kind"])))
    return {"place": place, "day": day, **figures, "rows": named}
