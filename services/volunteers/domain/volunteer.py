"""A volunteer: registered once, serves places in roles (C32, D19, E28)."""

from __future__ import annotations

from collections.abc import Collection

import msgspec
from msgspec.structs import replace

from services.volunteers.domain.rules import known, own_or_post
from services.volunteers.events import CODEC, RoleLeft, RoleTaken, VolunteerRegistered
from shared.domain.decider import Decider
from shared.domain.errors import IllegalStateError, NotFoundError
from shared.domain.event import Event
from shared.domain.mandate import Mandate

#: Roles of residents when the city's profile has no list `volunteer_roles`.
ROLES = frozenset({"informer", "patroller", "mediator", "publicist", "collector", "civility_guide"})


class Volunteer(msgspec.Struct, frozen=True):
    """`roles` maps a role and its place to the day since when."""

    id: str
    home: str = ""
    registered: bool = False
    roles: dict[str, str] = {}

    @property
    def role_codes(self) -> frozenset[str]:
        """The roles held anywhere."""
        return frozenset(key.partition("@")[0] for key in self.roles)


def evolve(volunteer: Volunteer, event: Event) -> Volunteer:
    """Apply a recorded fact. Never refuses: it has already happened."""
    match event:
        case VolunteerRegistered():
            return replace(volunteer, home=event.home, registered=True)
        case RoleTaken():
            return replace(volunteer, roles=volunteer.roles | {f"{event.role}@{event.place}": event.since})
        case RoleLeft():
            left = f"{event.role}@{event.place}"
            return replace(volunteer, roles={key: since for key, since in volunteer.roles.items() if key != left})
    return volunteer


def register(volunteer: Volunteer, *, by: Mandate, at: str, name: str, home: str) -> list[Event]:
    """Enter a person in the register; `name` is sealed. Residents enter themselves."""
    by.require("volunteer.register", home)
    own_or_post(by, volunteer.id, "register")
    if volunteer.registered:
        if volunteer.home == home:
            return []
        raise IllegalStateError(f"already registered as a volunteer of {volunteer.home}")
    return [VolunteerRegistered(person_id=volunteer.id, name=name, home=home)]


def take_role(
    volunteer: Volunteer,
    *,
    by: Mandate,
    at: str,
    role: str,
    place: str,
    since: str = "",
    roles: Collection[str] = ROLES,
) -> list[Event]:
    """Serve a place in a role from a day (default: today); `roles` are the codes this city knows."""
    by.require("volunteer.role", place)
    if not volunteer.registered:
        raise NotFoundError(f"{volunteer.id} is not a registered volunteer; register first")
    known(role, roles, "role")
    if f"{role}@{place}" in volunteer.roles:
        return []
    return [RoleTaken(person_id=volunteer.id, role=role, place=place, since=since or at[:10])]


def leave_role(volunteer: Volunteer, *, by: Mandate, at: str, role: str, place: str, until: str = "") -> list[Event]:
    """Stop serving a place in a role, also by oneself; `until` is the first day after (default: today)."""
    if by.actor != volunteer.id:
        by.require("volunteer.role", place)
    since = volunteer.roles.get(f"{role}@{place}")
    if since is None:
        raise IllegalStateError(f"{volunteer.id} does not serve {place} as {role}")
    if (until or at[:10]) < since:
        raise IllegalStateError(f"the role was taken on {since}; it cannot end before that")
    return [RoleLeft(person_id=volunteer.id, role=role, place=place, until=until or at[:10])]


VOLUNTEER = Decider("volunteer", CODEC, Volunteer, Volunteer, evolve, lambda volunteer: volunteer.home)
