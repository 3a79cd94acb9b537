"""Running figures for every territory: each fact counts at its place and all places above, so no figure is folded.

Person-times are attendances. Distinct persons are the rows of `participants_<depth>`: one for each person and each
territory in which they took part, so that who served two compounds counts once for their street (C39, C44, X04).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from services.volunteers.events import (
    ActivityHeld,
    AttendanceRecorded,
    AttendanceWithdrawn,
    PatrolLogged,
    RoleLeft,
    RoleTaken,
    TeamFormed,
    VolunteerRegistered,
    WishAsked,
    WishClaimed,
    WishConfirmed,
    WishDisputed,
    WishFulfilled,
    WishPublished,
    WishRejected,
    WishReleased,
    WishWithdrawn,
)
from shared.domain.record import Record
from shared.domain.view import Row, View
from shared.views import ViewStore

#: The row of all territories together.
EVERYWHERE = "everywhere"
#: Most parts of a place: district, street, community, compound, and up to three below it.
DEEPEST = 7
#: Figures that are one number, and those that are a number for each code.
PLAIN = ("volunteers", "patrols", "patrol_person_times", "findings")
CODED = ("roles", "teams", "activities", "sessions", "person_times", "minutes", "wishes")


def above(place: str) -> list[str]:
    """A place, all places above it, and everywhere: `a.b` gives everywhere, `a`, `a.b`."""
    parts = place.split(".") if place else []
    return [EVERYWHERE, *(".".join(parts[: count + 1]) for count in range(len(parts)))]


def changes(event: Any) -> Iterator[tuple[str, str, int]]:
    """What an event adds to which figure: (figure, code or empty, number)."""
    match event:
        case VolunteerRegistered():
            yield "volunteers", "", 1
        case RoleTaken():
            yield "roles", event.role, 1
        case RoleLeft():
            yield "roles", event.role, -1
        case TeamFormed():
            yield "teams", event.kind, 1
        case ActivityHeld():
            yield "activities", event.kind, 1
            yield "sessions", event.kind, event.sessions
        case AttendanceRecorded():
            yield "person_times", event.kind, 1
            yield "minutes", event.kind, event.minutes
        case AttendanceWithdrawn():
            yield "person_times", event.kind, -1
            yield "minutes", event.kind, -event.minutes
        case PatrolLogged():
            yield "patrols", "", 1
            yield "patrol_person_times", "", len(event.members)
            yield "findings", "", len(event.findings)
        case _:
            for status, number in _wish_moves(event):
                yield "wishes", status, number


def _wish_moves(event: Any) -> Iterable[tuple[str, int]]:
    match event:
        case WishAsked():
            return (("asked", 1),)
        case WishPublished():
            return (("asked", -1), ("published", 1))
        case WishRejected():
            return (("asked", -1), ("rejected", 1))
        case WishWithdrawn():
            return ((event.was, -1), ("withdrawn", 1))
        case WishClaimed():
            return (("published", -1), ("claimed", 1))
        case WishReleased():
            return (("claimed", -1), ("published", 1))
        case WishFulfilled():
            return (("claimed", -1), ("fulfilled", 1))
        case WishDisputed():
            return (("fulfilled", -1), ("claimed", 1))
        case WishConfirmed():
            return (("fulfilled", -1), ("confirmed", 1))
    return ()


def _figures_key(event: Any, record: Record) -> list[str]:
    if next(changes(event), None) is None:
        return []
    return above(event.place if isinstance(event, RoleTaken | RoleLeft) else record.place)


def _figures(row: Row, event: Any, record: Record) -> Row:
    row = dict(row) or {**dict.fromkeys(PLAIN, 0), **{name: {} for name in CODED}}
    for figure, code, number in changes(event):
        if not code:
            row[figure] += number
            continue
        counts = dict(row[figure])
        counts[code] = counts.get(code, 0) + number
        row[figure] = {name: count for name, count in counts.items() if count}
    return row


def participants(depth: int) -> View:
    """The distinct persons of each territory of one depth: parts of its path, 0 for everywhere."""

    def key(event: Any, record: Record) -> str | None:
        places = above(record.place)
        if not isinstance(event, AttendanceRecorded | AttendanceWithdrawn) or depth >= len(places):
            return None
        return f"{places[depth]}:{event.person_id}"

    def fold(row: Row, event: Any, record: Record) -> Row | None:
        sign = 1 if isinstance(event, AttendanceRecorded) else -1
        times, minutes = row.get("times", 0) + sign, row.get("minutes", 0) + sign * event.minutes
        if not times:
            return None
        return {"place": above(record.place)[depth], "person_id": event.person_id, "times": times, "minutes": minutes}

    return View(f"participants_{depth}", "volunteers", key, fold, ("place", "person_id", ("place", "minutes")))


def persons(views: ViewStore, place: str) -> int:
    """How many distinct persons took part at a place or below it."""
    names = above(place)
    return views.count(f"participants_{len(names) - 1}", {"place": names[-1]})


#: A fold does not know which of its rows it makes, so each depth of the territory has a view of its own.
PARTICIPANTS = tuple(participants(depth) for depth in range(DEEPEST + 1))
FIGURES = View("figures", "volunteers", _figures_key, _figures)
