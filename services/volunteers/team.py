"""Teams of volunteers, each for a place (C31)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any

import msgspec
from msgspec.structs import asdict, replace

from services.volunteers.volunteer import NAMED, VOLUNTEER, Volunteer, own_or_mandated, registered, with_names
from shared.domain.answers import ACTIONS, COUNT, PLACE_NAMES, TEXT, page_of, row_of, shape
from shared.domain.city import City
from shared.domain.command import CHOSEN
from shared.domain.decider import Decider
from shared.domain.errors import IllegalStateError
from shared.domain.event import Event
from shared.domain.fields import PLACE, code_of, id_of, line, text
from shared.domain.mandate import Mandate
from shared.domain.privacy import staff, told
from shared.domain.query import Cursor, Limit, order_of
from shared.domain.reader import STAFF, Reader
from shared.domain.record import Record
from shared.domain.relocating import Relocating
from shared.domain.signature import holds
from shared.domain.view import OWN, Row, View, tally
from shared.domain.words import Said, _, said


# Facts. Class and field names are the storage format: rename nothing, upcast instead.
class TeamFormed(Event, frozen=True, kw_only=True):
    """A team of volunteers was formed for a place (C31)."""

    team_id: str
    kind: str
    name: Annotated[str, told()]
    name_en: Annotated[str, told()]
    place: str


class TeamJoined(Event, frozen=True, kw_only=True):
    """A volunteer joined a team."""

    team_id: str
    person_id: Annotated[str, staff()]


class TeamLeft(Event, frozen=True, kw_only=True):
    """A volunteer left a team."""

    team_id: str
    person_id: Annotated[str, staff()]


class TeamRelocated(Event, frozen=True, kw_only=True):
    """The place of a team has ended; the team is one of the place that came after it."""

    team_id: str
    place: str


class TeamDescribed(Event, frozen=True, kw_only=True):
    """What a team does was said anew, for everyone to read (C31)."""

    team_id: str
    about: Annotated[str, told()]


class Team(msgspec.Struct, frozen=True):
    """A team and who belongs to it now."""

    id: str
    status: str = "unknown"  # unknown, formed
    kind: str = ""
    name: str = ""
    name_en: str = ""
    place: str = ""
    members: frozenset[str] = frozenset()
    about: str = ""


def evolve(team: Team, event: TeamFormed | TeamJoined | TeamLeft | TeamRelocated | TeamDescribed) -> Team:
    """Apply a recorded fact. Never refuses: it has already happened."""
    match event:
        case TeamFormed():
            return Team(team.id, "formed", event.kind, event.name, event.name_en, event.place)
        case TeamJoined():
            return replace(team, members=team.members | {event.person_id})
        case TeamLeft():
            return replace(team, members=team.members - {event.person_id})
        case TeamRelocated():
            return replace(team, place=event.place)
        case TeamDescribed():
            return replace(team, about=event.about)


TEAM = Decider(
    "team",
    (TeamFormed, TeamJoined, TeamLeft, TeamRelocated, TeamDescribed),
    Team,
    Team,
    evolve,
    lambda team: team.place,
)


@TEAM.command("team.form", new=CHOSEN)
def form_team(
    team: Team,
    *,
    by: Mandate,
    at: str,
    city: City,
    kind: Annotated[str, code_of("team_kinds"), "kind of team"],
    name: Annotated[str, line(100), "name of the team"],
    place: Annotated[str, PLACE, "place of the team"],
    name_en: Annotated[str, line(100), "name of the team in English"] = "",
) -> list[Event]:
    """Form a team of volunteers for a place (C31)."""
    if team.status == "formed":
        return []
    city.known_place(place)
    city.code("team_kinds", kind, "kind")
    return [TeamFormed(team_id=team.id, kind=kind, name=name, name_en=name_en, place=place)]


def _cannot_join(team: Team, by: Mandate, city: City) -> Said | None:
    """Why who acts from no post, and so only for themselves, cannot join."""
    return (
        None if by.post_id or (by.actor not in team.members and registered(by.actor, city)) else said(_NOBODY_TO_JOIN)
    )


_NOBODY_TO_JOIN = _("only registered volunteers join, each once")


@TEAM.command("volunteer.join", unless=_cannot_join)
def join_team(
    team: Team,
    *,
    by: Mandate,
    at: str,
    volunteer: Annotated[Volunteer | None, holds(VOLUNTEER, lambda team, ask, by: ask["person_id"] or by.actor)],
    person_id: Annotated[str, id_of("person"), "the volunteer; empty: yourself"] = "",
) -> list[Event]:
    """Take a registered volunteer into a team; residents join themselves."""
    person_id = person_id or by.actor
    own_or_mandated(by, person_id, "volunteer.join", team.place)
    if person_id in team.members:
        return []
    if volunteer is None or volunteer.status != "registered":
        raise IllegalStateError(
            _("{person} is not a registered volunteer; register first"),
            {"person_id": said(_("not registered"))},
            person=person_id,
        )
    return [TeamJoined(team_id=team.id, person_id=person_id)]


def _nobody_in_it(team: Team, by: Mandate, city: City) -> Said | None:
    return None if team.members else said(_("nobody is in this team"))


@TEAM.command("team.form", owner=lambda team, by: by.actor in team.members, unless=_nobody_in_it)
def leave_team(
    team: Team,
    *,
    by: Mandate,
    at: str,
    person_id: Annotated[str, id_of("person"), "the volunteer; empty: yourself"] = "",
) -> list[Event]:
    """Let a volunteer leave a team: members leave by themselves, others are taken off by who forms teams there."""
    person_id = person_id or by.actor
    own_or_mandated(by, person_id, "team.form", team.place)
    if person_id not in team.members:
        raise IllegalStateError(
            _("{person} is not in this team"), {"person_id": said(_("not in it"))}, person=person_id
        )
    return [TeamLeft(team_id=team.id, person_id=person_id)]


@TEAM.command("team.form")
def describe_team(
    team: Team, *, by: Mandate, at: str, about: Annotated[str, text(500), "what the team does, for everyone to read"]
) -> list[Event]:
    """Say what a team does (C31)."""
    return [] if team.about == about else [TeamDescribed(team_id=team.id, about=about)]


def _member_key(event: Any, record: Record) -> str | None:
    return f"{event.team_id}:{event.person_id}" if isinstance(event, TeamJoined | TeamLeft) else None


def _member(row: Row, event: TeamJoined | TeamLeft, record: Record, key: str) -> Row | None:
    """One row for each member of a team."""
    return asdict(event) | {"place": record.place} if isinstance(event, TeamJoined) else None


def _formed(row: Row, team: Team, event: Event, record: Record) -> Row:
    """The day on which it was formed."""
    return {"formed": row.get("formed") or record.occurred[:10]}


TEAMS = View.of(TEAM, "teams", ("place", ("kind", "place"), "formed"), _formed)
TEAM_SUMS = tally(
    "team_sums", TEAMS, lambda row: {"teams": {row["kind"]: 1}, "late": row["late"]}, day="formed", folding=2
)
FOLLOWS = Relocating(TEAM, "teams", TeamRelocated, ("formed",))
MEMBERSHIPS = View("memberships", OWN, _member_key, _member, ("team_id", "person_id", "place"))


def _with_patrols(read: Reader, rows: Iterable[Row]) -> list[Row]:
    """Rows of teams with how many belong to each and how often it went on patrol."""
    rows = list(rows)
    walked = read.rows.get_many("walks", [f"team:{row['team_id']}" for row in rows])
    shown = []
    for row in rows:
        walks = walked.get(f"team:{row['team_id']}", {})
        counts = {
            "members": len(row["members"]),
            "patrols": walks.get("patrols", 0),
            "last_patrol": walks.get("last", ""),
        }
        shown.append({name: value for name, value in row.items() if name != "status"} | counts)
    return read.city.named(shown)


@TEAM.query(
    answer=page_of(
        row_of(
            TEAM,
            *("status", "members"),
            formed=TEXT,
            members=COUNT,
            patrols=COUNT,
            last_patrol=TEXT,
            place_names=PLACE_NAMES,
            actions=ACTIONS,
        )
    )
)
def find_teams(
    read: Reader,
    *,
    kind: Annotated[str, code_of("team_kinds"), "only this kind"] = "",
    place__under: Annotated[str, PLACE, "a place and everything below it"] = "",
    order: Annotated[str, order_of("place", "kind"), "sorted by; - before it: descending"] = "place",
    limit: Limit = 50,
    cursor: Cursor = "",
) -> Row:
    """Teams, with how many belong to each and how often it went on patrol (C31)."""
    page = read.page("teams", {"kind": kind, "place__under": place__under}, limit, cursor, order, TEAM)
    return page | {"rows": _with_patrols(read, page["rows"])}


@TEAM.query(answer=page_of(shape(**NAMED, team_id=TEXT)))
def find_members(
    read: Reader,
    *,
    team_id: Annotated[str, id_of("team"), "the team"],
    order: Annotated[str, order_of("person_id"), "sorted by; - before it: descending"] = "person_id",
    limit: Limit = 50,
    cursor: Cursor = "",
) -> Row:
    """Members of a team, for themselves and for staff of its place."""
    team = read.row("teams", team_id, "team", "team_id")
    if read.by.actor not in team["members"]:
        read.require_reading(STAFF, team["place"])
    page = read.page("memberships", {"team_id": team_id}, limit, cursor, order)
    return page | {"rows": with_names(read, (row | {"place": team["place"]} for row in page["rows"]))}
