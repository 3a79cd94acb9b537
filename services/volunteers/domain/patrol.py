"""A patrol of a team: on the rota, then logged with its route, time and findings (C31)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from services.volunteers.domain.rules import instant, minutes_fit, within
from services.volunteers.domain.team import Team
from services.volunteers.events import CODEC, Finding, PatrolLogged, PatrolPlanned
from shared.domain.decider import Decider
from shared.domain.errors import ForbiddenError, IllegalStateError, NotFoundError
from shared.domain.event import Event
from shared.domain.mandate import Mandate

#: Fewest members that go on patrol together.
FEWEST = 2


class Patrol(msgspec.Struct, frozen=True):
    """`logged` is what was logged, to tell a repeated log from another one."""

    id: str
    status: str = "unknown"  # unknown, planned, logged
    team_id: str = ""
    place: str = ""
    started: str = ""
    members: tuple[str, ...] = ()


def evolve(patrol: Patrol, event: Event) -> Patrol:
    """Apply a recorded fact. Never refuses: it has already happened."""
    match event:
        case PatrolPlanned():
            return Patrol(patrol.id, "planned", event.team_id, event.place, event.starts, tuple(event.members))
        case PatrolLogged():
            return Patrol(patrol.id, "logged", event.team_id, event.place, event.started, tuple(event.members))
    return patrol


def plan(
    patrol: Patrol, *, by: Mandate, at: str, team: Team, place: str, starts: str, members: Sequence[str]
) -> list[Event]:
    """Put a patrol on the rota: who goes, where and when (RFC 3339)."""
    by.require("patrol.log", place)
    _fits(team, place, members)
    if patrol.status != "unknown":
        if patrol == Patrol(patrol.id, "planned", team.id, place, starts, tuple(members)):
            return []
        raise IllegalStateError(f"the patrol {patrol.id} is {patrol.status} already")
    return [PatrolPlanned(patrol_id=patrol.id, team_id=team.id, place=place, starts=starts, members=list(members))]


def log(
    patrol: Patrol,
    *,
    by: Mandate,
    at: str,
    team: Team,
    place: str,
    route: str,
    started: str,
    minutes: int,
    members: Sequence[str],
    findings: Sequence[Mapping[str, Any]] = (),
) -> list[Event]:
    """Log a patrol of at least two members of its team; findings are `{finding_id, category, description, place}`.

    The post and organisation it is logged from answer for the issues that the findings become (C31, C33, X13).
    """
    by.require("patrol.log", place)
    if findings and not by.post_id:
        raise ForbiddenError("findings need somebody who answers for them: log the patrol from a post")
    _fits(team, place, members)
    minutes_fit(minutes)
    if instant(at) < instant(started):
        raise IllegalStateError(f"the patrol starts at {started}; log it after that")
    seen: set[str] = set()
    for finding in findings:
        if not within(finding["place"], place):
            raise IllegalStateError(f"the finding at {finding['place']} lies outside the patrol's place {place}")
        if finding["finding_id"] in seen:
            raise IllegalStateError(f"the finding {finding['finding_id']} is named twice")
        seen.add(finding["finding_id"])
    if patrol.status == "logged":
        if patrol == Patrol(patrol.id, "logged", team.id, place, started, tuple(members)):
            return []
        raise IllegalStateError(f"the patrol {patrol.id} is logged already")
    if patrol.status == "planned" and patrol.team_id != team.id:
        raise IllegalStateError(f"the patrol was planned for the team {patrol.team_id}")
    return [
        PatrolLogged(
            patrol_id=patrol.id,
            team_id=team.id,
            place=place,
            route=route,
            started=started,
            minutes=minutes,
            members=list(members),
            findings=[msgspec.convert(dict(finding), Finding) for finding in findings],
        )
    ]


def _fits(team: Team, place: str, members: Sequence[str]) -> None:
    if not team.kind:
        raise NotFoundError(f"there is no team {team.id}")
    if not within(place, team.place):
        raise IllegalStateError(f"the team {team.name} patrols {team.place}, not {place}")
    if len(set(members)) != len(members):
        raise IllegalStateError("a member is named twice")
    if len(members) < FEWEST:
        raise IllegalStateError(f"a patrol has at least {FEWEST} members")
    if strangers := [member for member in members if member not in team.members]:
        raise IllegalStateError(f"not in the team {team.name}: {', '.join(strangers)}; join it first")


PATROL = Decider("patrol", CODEC, Patrol, Patrol, evolve, lambda patrol: patrol.place)
