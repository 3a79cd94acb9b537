"""The city's profile: levels, roles, powers, code lists and parameters as data, in versions (A03, A12, A13, C13)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

import msgspec

from services.registry.events import CODEC, Level, ProfileAdopted, Role, Term
from shared.domain.decider import Decider
from shared.domain.errors import IllegalStateError
from shared.domain.event import Event
from shared.domain.mandate import Mandate


class Profile(msgspec.Struct, frozen=True):
    """A profile as last adopted; None before."""

    id: str
    adopted: ProfileAdopted | None = None


def initial(id: str) -> Profile:
    return Profile(id)


def evolve(profile: Profile, event: Event) -> Profile:
    """Apply a recorded fact."""
    return Profile(profile.id, event) if isinstance(event, ProfileAdopted) else profile


def adopt(
    profile: Profile,
    *,
    by: Mandate,
    at: str,
    city: str,
    version: int,
    effective: str,
    levels: Iterable[Mapping[str, str]],
    roles: Iterable[Mapping[str, str]],
    powers: Mapping[str, Iterable[str]],
    code_lists: Mapping[str, Mapping[str, Mapping[str, str]]],
    parameters: Mapping[str, int],
    current: Mapping[str, Any] | None,
    used_levels: Collection[str],
    used_roles: Collection[str],
) -> list[Event]:
    """Adopt a version of the profile; `current` is the one in force, `used_…` are codes in use already.

    Versions grow, one profile rules a city, and a code that is in use cannot be dropped.
    """
    by.require("registry.profile")
    adopted = ProfileAdopted(
        profile_id=profile.id,
        city=city,
        version=version,
        effective=effective or at[:10],
        levels=tuple(Level(**level) for level in levels),
        roles=tuple(Role(**role) for role in roles),
        powers={role: tuple(sorted(set(given))) for role, given in powers.items()},
        code_lists={name: {code: Term(**term) for code, term in codes.items()} for name, codes in code_lists.items()},
        parameters=dict(parameters),
    )
    if profile.adopted == adopted:
        return []
    if current is not None and current["profile_id"] != profile.id:
        raise IllegalStateError(
            f"the city runs under the profile {current['profile_id']}; adopt a new version of that one"
        )
    if profile.adopted is not None and version <= profile.adopted.version:
        raise IllegalStateError(
            f"version {profile.adopted.version} is adopted already and versions must grow: "
            f"adopt the change as version {profile.adopted.version + 1} or later"
        )
    if profile.adopted is not None and adopted.effective < profile.adopted.effective:
        raise IllegalStateError(
            f"version {profile.adopted.version} is effective since {profile.adopted.effective}, not before it"
        )
    if adopted.effective > at[:10]:
        raise IllegalStateError(
            f"a profile rules from its adoption on: adopt it on {adopted.effective}, not ahead of that day"
        )
    _check_codes(adopted, used_levels, used_roles)
    return [adopted]


def _check_codes(adopted: ProfileAdopted, used_levels: Collection[str], used_roles: Collection[str]) -> None:
    levels, roles = [level.code for level in adopted.levels], [role.code for role in adopted.roles]
    for name, codes in (("level", levels), ("role", roles)):
        if twice := sorted({code for code in codes if codes.count(code) > 1}):
            raise IllegalStateError(f"the {name} {twice[0]} is listed twice; each code may stand once")
    for role in adopted.roles:
        if role.level and role.level not in levels:
            raise IllegalStateError(
                f"the role {role.code} is of the level {role.level}, which the profile does not list"
            )
    if unknown := sorted(set(adopted.powers) - set(roles)):
        raise IllegalStateError(f"powers are given to the role {unknown[0]}, which the profile does not list")
    for name, codes, used in (("level", levels, used_levels), ("role", roles, used_roles)):
        if dropped := sorted(set(used) - set(codes)):
            raise IllegalStateError(f"the {name} {dropped[0]} is in use and cannot be dropped; end what has it first")


def check_code(profile: Mapping[str, Any], list_name: str, code: str) -> None:
    """Raise `IllegalStateError` when the profile has this code list and the code is not in it (lists are open, A05)."""
    codes = profile["code_lists"].get(list_name)
    if codes and code not in codes:
        raise IllegalStateError(f"{code!r} is not in the city's list {list_name}; known: {', '.join(sorted(codes))}")


def in_force(profile: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """The profile row; raises `IllegalStateError` before the city has adopted one."""
    if profile is None:
        raise IllegalStateError("the city has adopted no profile yet; adopt one first")
    return profile


PROFILE = Decider("profile", CODEC, Profile, initial, evolve, lambda profile: "")
