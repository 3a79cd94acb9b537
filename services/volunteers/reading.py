"""Answers of queries: rows made fit for whoever asks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from services.volunteers.figures import CODED, PLAIN, above, persons
from shared.domain.mandate import Mandate
from shared.domain.view import Row
from shared.personal import Personal
from shared.views import ViewStore

#: What everybody sees of a wish.
_PUBLIC = (
    *("wish_id", "place", "title", "title_en", "status", "asked", "organisation_id", "expires"),
    *("fulfilled", "confirmed", "by_wisher"),
)
_SEALED = ("wish", "wisher", "contact")
Open = Callable[[str], str | None]


def named(row: Row, may_read: bool, open: Open) -> Row:
    """A row with its sealed name opened, or masked for those who may not read it; empty for a person who was erased."""
    name = open(row.get("name", "")) or ""
    return row | {"name": name if may_read else Personal.mask(name)}


def with_names(rows: Iterable[Row], by: Mandate, views: ViewStore, open: Open) -> list[Row]:
    """Rows that name a `person_id` and a `place`, with the volunteer's name; one look-up for all."""
    rows = list(rows)
    wanted = sorted({row["person_id"] for row in rows})
    page = views.find("volunteers", {"person_id": wanted}, limit=len(wanted)).rows if wanted else ()
    sealed = {row["person_id"]: row["name"] for row in page}
    return [named(row | {"name": sealed.get(row["person_id"], "")}, may_read(by, row), open) for row in rows]


def may_read(by: Mandate, row: Mapping[str, Any]) -> bool:
    """Whether the name in a row is shown in full: to the person, and to those with the power."""
    return by.actor == row["person_id"] or by.may("volunteer.read_names", row["place"])


def wish_for(row: Row, by: Mandate, today: str, open: Open) -> Row:
    """What a caller sees of a wish.

    The wisher, the present claimant and those who may read wishers see what is sealed; who checks wishes sees the rest.
    """
    wisher = by.actor != "" and by.actor == row["wisher_id"]
    claimant = by.actor != "" and by.actor == row["claimant"]
    helping = claimant and (row["status"] == "fulfilled" or (row["status"] == "claimed" and today < row["expires"]))
    shown = {name: row[name] for name in _PUBLIC} | {"claimable": row["free_from"] <= today}
    if wisher or claimant or by.may("wish.publish", row["place"]):
        shown |= {name: row[name] for name in ("claimant", "reason", "note")}
    if wisher or by.may("wish.read_wisher", row["place"]):
        shown["wisher_id"] = row["wisher_id"]
    if wisher or helping or by.may("wish.read_wisher", row["place"]):
        shown |= {name: open(row[name]) or "" for name in _SEALED}
    return shown


def visible(row: Row, by: Mandate) -> bool:
    """Whether a caller may know of a wish at all."""
    own = by.actor != "" and by.actor == row["wisher_id"]
    return own or bool(row["public"]) or by.may("wish.publish", row["place"])


def volunteer_figures(views: ViewStore, place: str, today: str) -> Row:
    """The figures of a territory; sessions, person-times and persons are counted apart (C39, X04)."""
    found = views.get("figures", above(place)[-1]) or {}
    figures: Row = {"place": place} | {name: found.get(name, 0) for name in PLAIN}
    for name in CODED:
        codes = found.get(name, {})
        figures[name] = {"total": sum(codes.values()), "by": dict(sorted(codes.items()))}
    area = {"place__under": place} if place else {}
    members = area | {"kind": "member"}
    figures["persons"] = persons(views, place)
    figures["members_surveyed"] = sum(n for level, n in views.count_by("report_ins", "level", members).items() if level)
    figures["members_not_reported"] = views.count("report_ins", area | {"state": "surveyed"})
    figures["members_reported"] = views.count("report_ins", members | {"reported": 1})
    figures["members_confirmed"] = views.count("report_ins", members | {"state": "confirmed"})
    figures["units_reported"] = views.count("report_ins", area | {"kind": "unit"})
    figures["claims_expired"] = views.count("wishes", area | {"status": "claimed", "expires__lte": today})
    return figures


def activity_figures(
    views: ViewStore, place: str, kind: str | None, role: str | None, since: str | None, until: str | None
) -> Row:
    """Sessions, person-times, distinct persons and minutes of one kind, role or period, counted row by row (C44)."""
    chosen = {"place__under": place or None, "kind": kind, "day__gte": since, "day__lt": until}
    where = {name: value for name, value in chosen.items() if value}
    served = where | ({"role": role} if role else {})
    times = views.count_by("attendances", "person_id", served)
    figures: Row = {
        "person_times": sum(times.values()),
        "persons": len(times),
        "minutes": sum(minutes * count for minutes, count in views.count_by("attendances", "minutes", served).items()),
        "by_role": {name: count for name, count in views.count_by("attendances", "role", served).items() if name},
    }
    if not role:
        sessions = views.count_by("activities", "sessions", where | {"status": "held"})
        figures |= {"activities": sum(sessions.values()), "sessions": sum(n * count for n, count in sessions.items())}
    return figures
