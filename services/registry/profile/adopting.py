"""A profile is adopted: one act over all entries that change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import msgspec

from services.registry.entry.adopting import adopted, retired
from services.registry.entry.checks import drops, in_use, leaves_nobody
from services.registry.entry.state import ENTRY, Data, Entry, entry_id, last
from services.registry.profile.document import WORDS, Key, Wanted, argument_of, mistakes_of, wanted_of
from services.registry.profile.state import (
    PROFILE,
    Level,
    ListedChecklist,
    ListedObligation,
    ListedRole,
    Profile,
    ProfilePublished,
)
from shared.domain.catalogue import KINDS, whole
from shared.domain.city import City
from shared.domain.command import GIVEN, On, on
from shared.domain.errors import BadInputError, IllegalStateError
from shared.domain.event import LARGEST_INTEGER, Event
from shared.domain.fields import CODE, DAY, line, number
from shared.domain.lists import POWER
from shared.domain.mandate import Mandate
from shared.domain.signature import holds
from shared.domain.structures import group, pairs
from shared.domain.structures import many as many_of
from shared.domain.view import Row
from shared.domain.words import _, said


def _changes(city: City, wanted: Mapping[Key, Wanted]) -> dict[Key, Wanted | None]:
    """What a document changes of the city's entries: the new version of each, None where it is dropped."""
    changed: dict[Key, Wanted | None] = {}
    before = {(kind, code): entry for kind in KINDS for code, entry in last(city, kind).items()}
    for key, one in wanted.items():
        found = before.get(key)
        if found is None or found.until or (found.zh, found.en, whole(key[0], found.data)) != one:
            changed[key] = one
    return changed | {key: None for key, entry in before.items() if not entry.until and key not in wanted}


def _touched(profile: Profile, ask: Mapping[str, Any]) -> list[str]:
    return [entry_id(*key) for key in _changes(ask["now"], wanted_of(ask))]


@PROFILE.command("registry.profile", new=GIVEN, alone=True, compares=True)
def adopt_profile(
    profile: Profile,
    *,
    by: Mandate,
    at: str,
    now: City,
    entries: Annotated[Mapping[str, Entry], holds(ENTRY, _touched)],
    city: Annotated[str, line(100), "name of the city"],
    version: Annotated[int, number(1, 10**6), "version; must grow"],
    levels: Annotated[list[Level], many_of(group(Level), 1, 20), "levels of the organisation tree, from the top down"],
    roles: Annotated[
        list[ListedRole],
        many_of(group(ListedRole), 1, 300),
        "roles of posts; and resident and anonymous, who have none",
    ],
    powers: Annotated[Mapping[str, list[str]], pairs(CODE, many_of(POWER)), "role to its powers"],
    code_lists: Annotated[
        Mapping[str, Mapping[str, Data]],
        pairs(CODE, pairs(CODE, WORDS, 1000)),
        "list to its codes, each with its words and what the list says of it, such as its rank",
    ],
    parameters: Annotated[
        Mapping[str, int], pairs(CODE, number(-LARGEST_INTEGER, LARGEST_INTEGER)), "numbers that rules use"
    ],
    checklists: Annotated[
        Sequence[ListedChecklist], many_of(group(ListedChecklist)), "what subjects are judged by"
    ] = (),
    obligations: Annotated[
        Sequence[ListedObligation], many_of(group(ListedObligation)), "what is owed each period"
    ] = (),
    effective: Annotated[str, DAY, "day it rules from, not ahead; empty: today"] = "",
) -> list[Event | On]:
    """Adopt a version of the city's profile: levels, roles, powers, lists and parameters in one document (A03, C13)."""
    made = ProfilePublished(
        profile_id=profile.id,
        city=city,
        version=version,
        effective=effective or at[:10],
        levels=list(levels),
        roles=list(roles),
        powers={role: sorted(set(given)) for role, given in powers.items()},
        code_lists={name: dict(codes) for name, codes in code_lists.items()},
        parameters=dict(parameters),
        checklists=list(checklists),
        obligations=list(obligations),
    )
    if profile.published == made:
        return []
    _in_turn(profile, made, at[:10], now.rows.get("profiles", "current"))
    wanted = wanted_of(msgspec.structs.asdict(made))
    if wrong := mistakes_of(made, wanted):
        raise BadInputError(_("the profile has mistakes; each is named with its field"), wrong)
    acts: list[Event | On] = [made]
    kept: dict[str, dict[str, Any]] = {}
    for (kind, code), one in _changes(now, wanted).items():
        id, before = entry_id(kind, code), last(now, kind).get(code)
        if one is not None and (why := drops(now.rows, kind, code, before, one[2])):
            kept.setdefault(argument_of(kind), {}).setdefault(kind, {})[code] = why
        elif one is not None:
            acts.append(on(ENTRY, id, adopted(entries[id], before, kind, code, *one, made.effective)))
        elif before is not None:
            if why := in_use(now.rows, kind, code):
                kept.setdefault(argument_of(kind), {}).setdefault(kind, {})[code] = why
            acts.append(on(ENTRY, id, retired(before, kind, code, made.effective, "", "effective")))
    if why := leaves_nobody(now, {code: one[2] for (kind, code), one in wanted.items() if kind == "roles"}):
        raise IllegalStateError(why, {"powers": why})
    if kept:
        raise IllegalStateError(
            _("the profile drops codes that are in use"),
            {name: kinds if name == "code_lists" else kinds[name] for name, kinds in kept.items()},
        )
    return acts


def _in_turn(profile: Profile, made: ProfilePublished, today: str, current: Row | None) -> None:
    """Raise `IllegalStateError` unless this is the next version of the profile that rules the city."""
    if current is not None and current["profile_id"] != profile.id:
        raise IllegalStateError(
            _("the city runs under the profile {profile}; adopt a new version of that one"),
            {"profile_id": said(_("another one rules the city"))},
            profile=current["profile_id"],
        )
    if made.version <= profile.version:
        raise IllegalStateError(
            _("version {version} is adopted already and versions must grow"),
            {"version": said(_("must be {least} or more"), least=profile.version + 1)},
            version=profile.version,
        )
    if made.effective < profile.effective:
        raise IllegalStateError(
            _("version {version} is effective since {day}, not before it"),
            {"effective": said(_("must not be before {day}"), day=profile.effective)},
            version=profile.version,
            day=profile.effective,
        )
    if made.effective > today:
        raise IllegalStateError(
            _("a profile rules from its adoption on: adopt it on {day}, not ahead of that day"),
            {"effective": said(_("must not be in the future"))},
            day=made.effective,
        )
