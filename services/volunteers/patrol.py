"""Patrols of a team: on the rota, then logged with route, time and findings (C31)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated, Any

import msgspec
from msgspec.structs import replace

from services.volunteers.activity.attendance import MINUTES
from services.volunteers.served import check_served, patrolled
from services.volunteers.team import TEAM, Team
from shared.domain.answers import ACTIONS, LABELS, PLACE_NAMES, TEXT, page_of, row_of
from shared.domain.city import City
from shared.domain.command import CHOSEN
from shared.domain.decider import Decider
from shared.domain.errors import ForbiddenError, IllegalStateError, NotFoundError
from shared.domain.event import Event
from shared.domain.fields import ID, MOMENT, PLACE, choice, code_of, id_of, text
from shared.domain.mandate import Mandate
from shared.domain.moments import before
from shared.domain.privacy import staff, told
from shared.domain.query import Cursor, Limit, order_of
from shared.domain.reader import Reader
from shared.domain.record import Record
from shared.domain.relocating import Relocating
from shared.domain.signature import holds
from shared.domain.structures import group, many
from shared.domain.territory import within
from shared.domain.view import OWN, Row, View, tally
from shared.domain.words import _, said, term

#: Fewest members that go on patrol together.
FEWEST = 2
#: Most findings that one patrol may log.
MOST_FINDINGS = 50
#: Who goes.
MEMBERS = many(id_of("person"), least=FEWEST, distinct=True)


# Facts. Class and field names are the storage format: rename nothing, upcast instead.
class PatrolPlanned(Event, frozen=True, kw_only=True):
    """The rota names who goes on patrol and when (C31)."""

    patrol_id: str
    team_id: str
    place: str
    starts: str  # RFC 3339
    members: Annotated[list[str], staff("patrol.log")]


class PatrolRelocated(Event, frozen=True, kw_only=True):
    """The place of a planned patrol has ended; it walks at the place that came after it."""

    patrol_id: str
    place: str


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """Something a patrol found; the issue ledger opens an issue for it (C33)."""

    finding_id: str
    category: str
    description: Annotated[str, told()]
    place: str


class PatrolLogged(Event, frozen=True, kw_only=True):
    """A patrol walked its route; post and organisation of the record answer for what it found (C31)."""

    patrol_id: str
    team_id: str
    place: str
    route: Annotated[str, staff("patrol.log")]
    started: str  # RFC 3339
    minutes: int
    members: Annotated[list[str], staff("patrol.log")]
    findings: Annotated[list[Finding], staff("patrol.log")]


class Patrol(msgspec.Struct, frozen=True):
    """A patrol of the rota or of the log; `started` is when it is to start, then when it did."""

    id: str
    status: str = "unknown"  # unknown, planned, logged
    team_id: str = ""
    place: str = ""
    started: str = ""
    members: tuple[str, ...] = ()
    route: str = ""
    minutes: int = 0
    findings: tuple[Finding, ...] = ()


def evolve(patrol: Patrol, event: PatrolPlanned | PatrolRelocated | PatrolLogged) -> Patrol:
    """Apply a recorded fact. Never refuses: it has already happened."""
    match event:
        case PatrolPlanned():
            return Patrol(patrol.id, "planned", event.team_id, event.place, event.starts, tuple(event.members))
        case PatrolRelocated():
            return replace(patrol, place=event.place)
        case PatrolLogged():
            walked = Patrol(patrol.id, "logged", event.team_id, event.place, event.started, tuple(event.members))
            return replace(walked, route=event.route, minutes=event.minutes, findings=tuple(event.findings))


PATROL = Decider(
    "patrol", (PatrolPlanned, PatrolRelocated, PatrolLogged), Patrol, Patrol, evolve, lambda patrol: patrol.place
)


class Found(msgspec.Struct, frozen=True):
    """Something that a patrol found, as it is logged."""

    category: Annotated[str, code_of("issue_categories"), "category of the issue"]
    description: Annotated[str, text(2000), "what was found"]
    finding_id: Annotated[str, ID, "id of your choice; empty: one is made"] = ""
    place: Annotated[str, PLACE, "where, within the place of the patrol; empty: there"] = ""


def _fits(team: Team, place: str, members: Sequence[str]) -> None:
    if team.status == "unknown":
        raise NotFoundError(
            _("there is no {thing} {id}"),
            {"team_id": said(_("unknown"))},
            thing=term("thing", TEAM.category),
            id=team.id,
        )
    if not within(place, team.place):
        raise IllegalStateError(
            _("the team {team} patrols {area}, not {place}"), team=team.name, area=team.place, place=place
        )
    if strangers := [member for member in members if member not in team.members]:
        raise IllegalStateError(
            _("not in the team {team}: {persons}; join it first"), team=team.name, persons=", ".join(strangers)
        )


@PATROL.command("patrol.log", new=CHOSEN)
def plan_patrol(
    patrol: Patrol,
    *,
    by: Mandate,
    at: str,
    city: City,
    team: Annotated[Team, holds(TEAM, "team_id")],
    team_id: Annotated[str, id_of("team"), "team that patrols"],
    place: Annotated[str, PLACE, "where"],
    starts: Annotated[str, MOMENT, "when it starts"],
    members: Annotated[list[str], MEMBERS, "who goes, at least two members of the team"],
) -> list[Event]:
    """Put a patrol on the rota: who goes, where and when (C31)."""
    _fits(team, place, members)
    if patrol.status != "unknown":
        if patrol == Patrol(patrol.id, "planned", team_id, place, starts, tuple(members)):
            return []
        raise IllegalStateError(
            _("the patrol {patrol} is {status} already"), patrol=patrol.id, status=term("status", patrol.status)
        )
    city.known_place(place)
    return [PatrolPlanned(patrol_id=patrol.id, team_id=team_id, place=place, starts=starts, members=members)]


@PATROL.command("patrol.log", new=CHOSEN, alone=True)
def log_patrol(
    patrol: Patrol,
    *,
    by: Mandate,
    at: str,
    city: City,
    team: Annotated[Team, holds(TEAM, "team_id")],
    team_id: Annotated[str, id_of("team"), "team that patrolled"],
    place: Annotated[str, PLACE, "where"],
    route: Annotated[str, text(500), "route walked"],
    started: Annotated[str, MOMENT, "when it started"],
    minutes: Annotated[int, MINUTES, "minutes"],
    members: Annotated[list[str], MEMBERS, "who went, at least two members of the team"],
    findings: Annotated[list[Found], many(group(Found), most=MOST_FINDINGS), "what was found"] = [],  # noqa: B006  # never changed
) -> list[Event]:
    """Log a patrol with its route, time and findings, planned or not (C31).

    Its minutes count for each member as hours do: bounded in a day, at one place at a time. Each finding becomes an issue;
    the post and organisation it is logged from answer for it (C33, X13).
    """
    if findings and not by.post_id:
        raise ForbiddenError(_("findings need somebody who answers for them: log the patrol from a post"))
    _fits(team, place, members)
    if before(at, started):
        raise IllegalStateError(_("the patrol starts at {started}; log it after that"), started=started)
    if patrol.status == "logged":
        return []
    if patrol.status == "planned" and patrol.team_id != team_id:
        raise IllegalStateError(_("the patrol was planned for the team {team}"), team=patrol.team_id)
    city.known_place(place)
    for member in members:
        check_served(member, patrolled(patrol.id, started, minutes), at, city, "members")
    return [
        PatrolLogged(
            patrol_id=patrol.id,
            team_id=team_id,
            place=place,
            route=route,
            started=started,
            minutes=minutes,
            members=members,
            findings=_checked(patrol, place, findings, city),
        )
    ]


def _checked(patrol: Patrol, place: str, findings: Iterable[Found], city: City) -> list[Finding]:
    """The findings with an id and a place each."""
    checked: dict[str, Finding] = {}
    for number, found in enumerate(findings, 1):
        id, where = found.finding_id or f"{patrol.id}-{number}", found.place or place
        if not within(where, place):
            raise IllegalStateError(
                _("the finding at {where} lies outside the patrol's place {place}"), where=where, place=place
            )
        if id in checked:
            raise IllegalStateError(_("the finding {finding} is named twice"), finding=id)
        city.code("issue_categories", found.category, "findings")
        checked[id] = Finding(finding_id=id, category=found.category, description=found.description, place=where)
    return list(checked.values())


def _answering(row: Row, patrol: Patrol, event: Event, record: Record) -> Row:
    """Who answers for the findings."""
    return {"organisation_id": record.on_behalf_of, "post_id": record.mandate}


def _walk_keys(event: Any, record: Record) -> list[str]:
    walked = isinstance(event, PatrolLogged)
    return [f"team:{event.team_id}", *(f"person:{member}" for member in event.members)] if walked else []


def _walk(row: Row, event: PatrolLogged, record: Record, key: str) -> Row:
    """How often a team or a person went on patrol, and when last."""
    return {
        "patrols": row.get("patrols", 0) + 1,
        "minutes": row.get("minutes", 0) + event.minutes,
        "last": max(row.get("last", ""), event.started),
    }


def _outing_keys(event: Any, record: Record) -> list[str]:
    return [f"{event.patrol_id}:{member}" for member in event.members] if isinstance(event, PatrolLogged) else []


def _outing(row: Row, event: PatrolLogged, record: Record, key: str) -> Row:
    """One row a member and patrol: what was served when."""
    return {
        "person_id": key.removeprefix(f"{event.patrol_id}:"),
        "patrol_id": event.patrol_id,
        "started": event.started,
        "minutes": event.minutes,
        "day": event.started[:10],
    }


PATROLS = View.of(PATROL, "patrols", ("place", "team_id", "started", ("status", "place")), _answering)
PATROL_SUMS = tally(
    "patrol_sums",
    PATROLS,
    lambda row: (
        (
            {"patrols": 1, "patrol_person_times": len(row["members"]), "findings": len(row["findings"])}
            if row["status"] == "logged"
            else {}
        )
        | {"late": row["late"]}
    ),
    day="started",
    folding=2,
)
FOLLOWS = Relocating(PATROL, "patrols", PatrolRelocated, ("planned",))
WALKS = View("walks", OWN, _walk_keys, _walk)
OUTINGS = View("outings", OWN, _outing_keys, _outing, (("person_id", "day"),))


@PATROL.query(
    answer=page_of(
        row_of(PATROL, optional=LABELS, organisation_id=TEXT, post_id=TEXT, place_names=PLACE_NAMES, actions=ACTIONS)
    ),
    power="patrol.log",
)
def find_patrols(
    read: Reader,
    *,
    team_id: Annotated[str, id_of("team"), "only of this team"] = "",
    status: Annotated[str, choice("planned", "logged"), "only in this status"] = "",
    place__under: Annotated[str, PLACE, "a place and everything below it; empty: your own"] = "",
    order: Annotated[str, order_of("place", "started"), "sorted by; - before it: descending"] = "place",
    limit: Limit = 50,
    cursor: Cursor = "",
) -> Row:
    """The rota and the log of patrols, for those who keep it (C31)."""
    where = {"team_id": team_id, "status": status, "place__under": place__under}
    return read.named_page("patrols", where, limit, cursor, order, PATROL)
