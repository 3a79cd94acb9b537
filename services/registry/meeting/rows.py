"""Meetings as rows and figures: which are due, held, without a quorum; by body, kind and topic; what they resolved (B03, B08, C46)."""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Any

from services.registry.census import below
from services.registry.meeting.state import HELD, MEETING, Meeting, came
from shared.domain.answers import ACTIONS, COUNT, PLACE_NAMES, TEXT, YES, by_code, many, row_of, shape
from shared.domain.city import every
from shared.domain.event import Event
from shared.domain.fields import DAY, PLACE, choice, code_of, id_of
from shared.domain.listing import Listing
from shared.domain.reader import Reader
from shared.domain.view import Row, View

STATUSES = ("called", "called_off", "held", "inquorate", "minuted")


def _more(row: Row, meeting: Meeting, event: Event, record: Any) -> Row:
    carried = [one for one in meeting.resolutions if one.carried]
    return {
        "persons": came(meeting),
        "carried": len(carried),
        "in_force": sum(bool(one.since) for one in carried),
        "carried_out": sum(bool(one.evidence) for one in carried),
    }


MEETINGS = View.of(
    MEETING,
    "meetings",
    ("place", "day", ("kind", "day"), ("organisation_id", "day"), ("status", "day"), ("topic", "day")),
    _more,
)
_ROW = row_of(
    MEETING,
    optional={"organisation": TEXT, "organisation_en": TEXT},
    persons=COUNT,
    carried=COUNT,
    in_force=COUNT,
    carried_out=COUNT,
    not_held=YES,
    place_names=PLACE_NAMES,
    actions=ACTIONS,
)


def _shown(read: Reader, row: Row) -> Row:
    """The row, and whether its day has passed without anybody saying that it was held."""
    return row | {"not_held": row["status"] == "called" and row["day"] < read.today}


def _where(place: str, organisation_id: str, kind: str, topic: str, since: str, until: str) -> Row:
    named = {"organisation_id": organisation_id, "kind": kind, "topic": topic, "day__gte": since, "day__lt": until}
    return below(place) | {name: value for name, value in named.items() if value}


_PLACE = Annotated[str, PLACE, "a place and everything below it; empty: the whole city"]
_BODY = Annotated[str, id_of("organisation"), "of this body"]
_KIND = Annotated[str, code_of("meetings"), "of this kind"]
_TOPIC = Annotated[str, code_of("topics"), "on this topic"]
_SINCE = Annotated[str, DAY, "on this day or later"]
_UNTIL = Annotated[str, DAY, "before this day"]


_LISTED = Listing(MEETING, MEETINGS, _ROW, lambda read, rows: (_shown(read, row) for row in rows))


@_LISTED.list("-day", "place", by={"place": "place__under", "since": "day__gte", "until": "day__lt"})
def find_meetings(
    place: _PLACE = "",
    organisation_id: _BODY = "",
    kind: _KIND = "",
    topic: _TOPIC = "",
    status: Annotated[str, choice(*STATUSES, words="meeting status"), "in this state"] = "",
    since: _SINCE = "",
    until: _UNTIL = "",
) -> None:
    """The register of meetings: by body, kind, topic and period, with those whose day has passed (A36, B03, B08)."""


_LISTED.one("A meeting with its agenda, who came, what it resolved by which votes, and its minutes (A36, D27).")


_OF_BODY = shape(
    {"organisation": TEXT, "organisation_en": TEXT, "place_names": PLACE_NAMES},
    organisation_id=TEXT,
    kind=TEXT,
    topic=TEXT,
    held=COUNT,
    persons=COUNT,
    last=TEXT,
)


@MEETING.query(
    answer=shape(
        place=TEXT,
        by_status=by_code(COUNT),
        by_kind=by_code(COUNT),
        by_topic=by_code(COUNT),
        **dict.fromkeys(("not_held", "persons", "carried", "in_force", "carried_out"), COUNT),
        bodies=many(_OF_BODY),
    ),
    as_of=True,
)
def meeting_figures(
    read: Reader,
    *,
    place: _PLACE = "",
    organisation_id: _BODY = "",
    kind: _KIND = "",
    topic: _TOPIC = "",
    since: _SINCE = "",
    until: _UNTIL = "",
) -> dict[str, Any]:
    """How many meetings were called, held, called off; those held by kind, topic and body, when the last was; what they resolved (B03).

    `by_status` is a partition of all that were called. `by_kind`, `by_topic` and `bodies` count those held with a quorum;
    `persons` everybody each time they came.
    """

    rows = list(every(read.rows, "meetings", _where(place, organisation_id, kind, topic, since, until)))
    held = [row for row in rows if row["status"] in HELD]
    bodies: dict[tuple[str, str, str], Row] = {}
    for row in held:
        told = {name: row[name] for name in ("organisation_id", "kind", "topic")}
        key = (row["organisation_id"], row["kind"], row["topic"])
        of = bodies.setdefault(key, told | {"held": 0, "persons": 0, "last": ""})
        of |= {
            "held": of["held"] + 1,
            "persons": of["persons"] + row["persons"],
            "last": max(of["last"], row["day"]),
        }
    return {
        "place": place,
        "by_status": dict(Counter(row["status"] for row in rows)),
        "by_kind": dict(Counter(row["kind"] for row in held)),
        "by_topic": dict(Counter(row["topic"] for row in held if row["topic"])),
        "not_held": sum(_shown(read, row)["not_held"] for row in rows),
        **{name: sum(row[name] for row in held) for name in ("persons", "carried", "in_force", "carried_out")},
        "bodies": read.city.named(bodies[one] for one in sorted(bodies)),
    }
