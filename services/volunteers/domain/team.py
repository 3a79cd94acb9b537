"""A team of volunteers for a place (C31)."""

from __future__ import annotations

from collections.abc import Collection

import msgspec
from msgspec.structs import replace

from services.volunteers.domain.rules import known, own_or_post
from services.volunteers.events import CODEC, TeamFormed, TeamJoined, TeamLeft
from shared.domain.decider import Decider
from shared.domain.errors import IllegalStateError, NotFoundError
from shared.domain.event import Event
from shared.domain.mandate import Mandate

#: Kinds of teams when the city's profile has no list `team_kinds`: the three of the patrol system.
KINDS = frozenset({"party", "safety", "owners"})


class Team(msgspec.Struct, frozen=True):
    """Who belongs to the team now."""

    id: str
    kind: str = ""
    name: str = ""
    place: str = ""
    members: frozenset[str] = frozenset()


def evolve(team: Team, event: Event) -> Team:
    """Apply a recorded fact. Never refuses: it has already happened."""
    match event:
        case TeamFormed():
            return Team(team.id, event.kind, event.name, event.place)
        case TeamJoined():
            return replace(team, members=team.members | {event.person_id})
        case TeamLeft():
            return replace(team, members=team.members - {event.person_id})
    return team


def form(
    team: Team, *, by: Mandate, at: str, kind: str, name: str, name_en: str, place: str, kinds: Collection[str] = KINDS
) -> list[Event]:
    """Form a team; `kinds` are the codes this city knows."""
    by.require("team.form", place)
    known(kind, kinds, "kind")
    if team.kind:
        if (team.kind, team.name, team.place) == (kind, name, place):
            return []
        raise IllegalStateError(f"the team {team.id} exists already: {team.name}")
    return [TeamFormed(team_id=team.id, kind=kind, name=name, name_en=name_en, place=place)]


def join(team: Team, *, by: Mandate, at: str, person_id: str, registered: bool) -> list[Event]:
    """Take a registered volunteer into the team; residents join themselves."""
    by.require("volunteer.join", team.place)
    _exists(team)
    own_or_post(by, person_id, "join")
    if person_id in team.members:
        return []
    if not registered:
        raise IllegalStateError(f"{person_id} is not a registered volunteer; register first")
    return [TeamJoined(team_id=team.id, person_id=person_id)]


def leave(team: Team, *, by: Mandate, at: str, person_id: str) -> list[Event]:
    """Let a volunteer leave the team; one leaves by oneself or is taken off by whoever forms teams here."""
    _exists(team)
    if by.actor != person_id:
        by.require("team.form", team.place)
    if person_id not in team.members:
        raise IllegalStateError(f"{person_id} is not in this team")
    return [TeamLeft(team_id=team.id, person_id=person_id)]


def _exists(team: Team) -> None:
    if not team.kind:
        raise NotFoundError(f"there is no team {team.id}")


TEAM = Decider("team", CODEC, Team, Team, evolve, lambda team: team.place)
