"""The city's profile: one document for people that adopts and retires many catalogue entries at once (A03, A12, A13, C13)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec

from services.registry.entry import ENTRY, Data, Entry, adopted, entry_id, faults, in_use, last, retired
from shared.domain.answers import COUNT, TEXT, by_code, fields_of, many, shape
from shared.domain.catalogue import (
    ANONYMOUS,
    KINDS,
    PARAMETERS,
    POWER,
    RESIDENT,
    Checklist,
    Obligation,
    Parameter,
    Ranked,
    Role,
    data_of,
)
from shared.domain.city import City
from shared.domain.city import Entry as Version
from shared.domain.command import GIVEN, On, holds, on
from shared.domain.decider import Decider
from shared.domain.errors import BadInputError, IllegalStateError, NotFoundError
from shared.domain.event import LARGEST_INTEGER, Event
from shared.domain.fields import CODE, DAY, Field, FieldError, Kind, code_of, group, line, load_fields, number, pairs
from shared.domain.fields import many as many_of
from shared.domain.mandate import Mandate
from shared.domain.reader import Reader
from shared.domain.record import Record
from shared.domain.view import OWN, Row, View
from shared.domain.words import _, said
from shared.words import word


# Facts. Class and field names, those of the parts too, are the storage format: rename nothing, upcast instead.
class Level(msgspec.Struct, frozen=True, kw_only=True):
    """One level of the organisation tree; a profile lists them from the top down (A03, C06)."""

    code: Annotated[str, CODE, "code"]
    zh: Annotated[str, line(40), "in Chinese"]
    en: Annotated[str, line(80), "in English"]


class FormerRole(msgspec.Struct, frozen=True, kw_only=True):
    """A role as profiles before the catalogue had it."""

    code: str
    zh: str
    en: str
    level: str = ""


class Term(msgspec.Struct, frozen=True, kw_only=True):
    """A code's words in both languages."""

    zh: str
    en: str


class ProfileAdopted(Event, frozen=True, kw_only=True):
    """A profile from before there were catalogue entries: it stands for those that it names and those that were program then."""

    profile_id: str
    city: str
    version: int
    effective: str
    levels: tuple[Level, ...]
    roles: tuple[FormerRole, ...]
    powers: dict[str, tuple[str, ...]]
    code_lists: dict[str, dict[str, Term]]
    parameters: dict[str, int]


class ListedRole(msgspec.Struct, frozen=True, kw_only=True):
    """A role of the document; its powers stand apart."""

    code: Annotated[str, CODE, "code"]
    zh: Annotated[str, line(40), "in Chinese"]
    en: Annotated[str, line(80), "in English"]
    level: Annotated[str, code_of("levels"), "level of the organisations that have it; empty: any"] = ""
    intake: Annotated[
        int,
        number(0, 1000),
        "rank among the roles that take in issues, 1 first among equally close ones; 0: takes in none",
    ] = 0


class ListedChecklist(Checklist, frozen=True, kw_only=True):
    """A checklist with its code and words."""

    code: Annotated[str, CODE, "code"]
    zh: Annotated[str, line(200), "in Chinese"]
    en: Annotated[str, line(400), "in English"]


class ListedObligation(Obligation, frozen=True, kw_only=True):
    """An obligation with its code and words."""

    code: Annotated[str, CODE, "code"]
    zh: Annotated[str, line(200), "in Chinese"]
    en: Annotated[str, line(400), "in English"]


class ProfilePublished(Event, frozen=True, kw_only=True):
    """A version of the document; the entries that it changes were adopted and retired in the same act."""

    profile_id: str
    city: str
    version: int
    effective: str
    levels: list[Level]
    roles: list[ListedRole]
    powers: dict[str, list[str]]
    code_lists: dict[str, dict[str, Data]]
    parameters: dict[str, int]
    checklists: list[ListedChecklist]
    obligations: list[ListedObligation]


class Profile(msgspec.Struct, frozen=True):
    """A profile as last adopted; `published` is the document, None for one from before there were catalogue entries."""

    id: str
    status: str = "unknown"  # unknown, adopted
    version: int = 0
    effective: str = ""
    published: ProfilePublished | None = None


def evolve(profile: Profile, event: ProfileAdopted | ProfilePublished) -> Profile:
    """Apply a recorded fact."""
    published = event if isinstance(event, ProfilePublished) else None
    return Profile(profile.id, "adopted", event.version, event.effective, published)


PROFILE = Decider("profile", (ProfileAdopted, ProfilePublished), Profile, Profile, evolve, lambda profile: "")


@dataclass(frozen=True, kw_only=True)
class _Words(Kind):
    """The words of a code with what its list says of it; the list checks the latter."""

    def load(self, value: Any) -> dict[str, Any]:
        if not isinstance(value, Mapping):
            raise FieldError(said(_("must be an object of names and values")))
        given = dict(value)
        return given | load_fields(_IN_WORDS, {name: given[name] for name in ("zh", "en") if name in given})


_IN_WORDS = (Field("zh", line(200), "in Chinese", True), Field("en", line(400), "in English", True))
_WORDS = _Words(
    control="pairs",
    facets={
        "type": "object",
        "properties": {one.name: dict(one.kind.facets) for one in _IN_WORDS},
        "required": ["zh", "en"],
    },
)

Key = tuple[str, str]
#: Words in Chinese and English, and data.
Wanted = tuple[str, str, dict[str, Any]]
#: Kinds with an argument of their own; all others are code lists.
_APART = ("levels", "roles", "parameters", "checklists", "obligations")
_LISTS = tuple(kind for kind in KINDS if kind not in _APART)


def _wanted(ask: Mapping[str, Any]) -> dict[Key, Wanted]:
    """The entries that a document names, by kind and code; lists that nobody knows are left out."""
    found: dict[Key, Wanted] = {}
    for rank, level in enumerate(ask["levels"], 1):
        found["levels", level.code] = level.zh, level.en, _data(Ranked(rank=rank))
    for role in ask["roles"]:
        powers = sorted(set(ask["powers"].get(role.code, ())))
        data = _data(Role(level=role.level, powers=powers, intake=role.intake))
        found["roles", role.code] = role.zh, role.en, data
    for kind in set(_LISTS) & set(ask["code_lists"]):
        for code, one in ask["code_lists"][kind].items():
            found[kind, code] = one["zh"], one["en"], _listed(kind, one)
    for name, value in ask["parameters"].items():
        words = word("zh", "parameters", name), word("en", "parameters", name)
        found["parameters", name] = *words, _data(Parameter(value=value))
    for kind in ("checklists", "obligations"):
        for one in ask[kind]:
            data = _data(one)
            found[kind, data.pop("code")] = data.pop("zh"), data.pop("en"), data
    return found


def _data(struct: msgspec.Struct) -> dict[str, Any]:
    made: dict[str, Any] = msgspec.to_builtins(struct)
    return made


def _listed(kind: str, one: Mapping[str, Any]) -> dict[str, Any]:
    """What a list says of a code; as it was given where that does not fit the list."""
    given = {name: value for name, value in one.items() if name not in ("zh", "en")}
    try:
        return _data(data_of(kind, given))
    except FieldError:
        return given


def _changes(city: City, wanted: Mapping[Key, Wanted]) -> dict[Key, Wanted | None]:
    """What a document changes of the city's entries: the new version of each, None where it is dropped."""
    changed: dict[Key, Wanted | None] = {}
    before = {(kind, code): entry for kind in KINDS for code, entry in last(city, kind).items()}
    for key, one in wanted.items():
        found = before.get(key)
        if found is None or found.until or (found.zh, found.en, found.data) != one:
            changed[key] = one
    return changed | {key: None for key, entry in before.items() if not entry.until and key not in wanted}


def _touched(profile: Profile, ask: Mapping[str, Any]) -> list[str]:
    return [entry_id(*key) for key in _changes(ask["now"], _wanted(ask))]


@PROFILE.command("registry.profile", new=GIVEN, alone=True)
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
        pairs(CODE, pairs(CODE, _WORDS, 1000)),
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
    wanted = _wanted(msgspec.structs.asdict(made))
    if wrong := _mistakes(made, wanted):
        raise BadInputError(_("the profile has mistakes; each is named with its field"), wrong)
    acts: list[Event | On] = [made]
    kept: dict[str, dict[str, Any]] = {}
    for (kind, code), one in _changes(now, wanted).items():
        id, before = entry_id(kind, code), last(now, kind).get(code)
        if one is not None:
            acts.append(on(ENTRY, id, adopted(entries[id], before, kind, code, *one, made.effective)))
        elif before is not None:
            if why := in_use(now.rows, kind, code):
                kept.setdefault(_argument(kind), {}).setdefault(kind, {})[code] = why
            acts.append(on(ENTRY, id, retired(before, kind, code, made.effective, "", "effective")))
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


def _argument(kind: str) -> str:
    return kind if kind in _APART else "code_lists"


def _mistakes(made: ProfilePublished, wanted: Mapping[Key, Wanted]) -> dict[str, Any]:
    """What is wrong with a document, by argument and code; {} when nothing is."""
    wrong: dict[str, Any] = {}

    def refuse(reason: Any, *path: str) -> None:
        parts = wrong
        for name in path[:-1]:
            parts = parts.setdefault(name, {})
            if not isinstance(parts, dict):  # the whole is refused already
                return
        parts.setdefault(path[-1], reason)

    def codes(kind: str) -> set[str]:
        return {code for other, code in wanted if other == kind}

    _check_lists(made, refuse)
    for kind in ("levels", "roles", "checklists", "obligations"):
        listed = [one.code for one in getattr(made, kind)]
        for code in {code for code in listed if listed.count(code) > 1}:
            refuse(said(_("is listed twice; each code may stand once")), kind, code)
    for role in (RESIDENT, ANONYMOUS):
        if role not in codes("roles"):
            refuse(said(_("is missing: it says what those may do who act from no post")), "roles", role)
    for role in set(made.powers) - codes("roles"):
        refuse(said(_("is no role of the profile")), "powers", role)
    for name in set(PARAMETERS) - set(made.parameters):
        refuse(said(_("is missing; rules of the program read it")), "parameters", name)
    for name in set(made.parameters) - set(PARAMETERS):
        refuse(said(_("no rule reads this parameter; known: {known}"), known=", ".join(PARAMETERS)), "parameters", name)
    for (kind, code), (_zh, _en, data) in wanted.items():
        if kind in _LISTS or (kind == "parameters" and code not in PARAMETERS):
            continue
        for part, reason in faults(kind, code, data, codes).items():
            if part == "powers":
                refuse(reason, "powers", code)
            elif kind == "parameters":
                refuse(reason, "parameters", code)
            else:
                refuse(reason, kind, code, part)
    return wrong


def _check_lists(made: ProfilePublished, refuse: Callable[..., None]) -> None:
    """Every list that a city needs is there, is known, and has an order where its kind asks for one."""
    for kind in set(made.code_lists) - set(_LISTS):
        known = ", ".join(_LISTS)
        refuse(said(_("is no list that the program knows; known: {known}"), known=known), "code_lists", kind)
    for kind in _LISTS:
        terms = made.code_lists.get(kind, {})
        if not terms and KINDS[kind].needed:
            refuse(said(_("a city needs at least one code of this list")), "code_lists", kind)
        ranks: dict[Any, str] = {}
        for code, one in terms.items():
            given = {name: value for name, value in one.items() if name not in ("zh", "en")}
            try:
                data_of(kind, given)
            except FieldError as error:
                refuse(error.reason, "code_lists", kind, code)
            rank = given.get("rank")
            if rank is not None and ranks.setdefault(rank, code) != code:
                reason = said(_("is that of {code} already"), code=ranks[rank])
                refuse(reason, "code_lists", kind, code, "rank")


def _profile_keys(event: Event, record: Record) -> tuple[str, ...]:
    if isinstance(event, ProfileAdopted | ProfilePublished):
        return "current", f"version-{event.version:09d}"
    return ()


def _profile(row: Row, event: Event, record: Record, key: str) -> Row:
    """The document adopted last (`current`) and every version that ever was."""
    fields: Row = msgspec.to_builtins(event)
    return {"checklists": [], "obligations": []} | fields | {"adopted": record.occurred}


PROFILES = View("profiles", OWN, _profile_keys, _profile)

_CODED = {"code": TEXT, "zh": TEXT, "en": TEXT}
#: What lists say of their codes.
_OF_LISTS = {name: part for kind in _LISTS for name, part in fields_of(KINDS[kind].data).items()}


@PROFILE.query(
    answer=shape(
        **dict.fromkeys(("key", "profile_id", "city", "effective", "adopted"), TEXT),
        version=COUNT,
        levels=many(shape(**_CODED)),
        roles=many(shape({"intake": COUNT}, level=TEXT, **_CODED)),
        powers=by_code(many(TEXT)),
        code_lists=by_code(by_code(shape(_OF_LISTS, zh=TEXT, en=TEXT))),
        parameters=by_code(COUNT),
        checklists=many(shape(**fields_of(Checklist), **_CODED)),
        obligations=many(shape(**fields_of(Obligation), **_CODED)),
    )
)
def get_profile(
    read: Reader, *, version: Annotated[int, number(0, 10**6), "version as it was adopted; 0: what holds today"] = 0
) -> dict[str, Any]:
    """The city's profile as it holds today, entries adopted one by one included, or a version as it was adopted."""
    row = read.rows.get("profiles", f"version-{version:09d}" if version else "current")
    if row is None and version:
        raise NotFoundError(
            _("the city has no version {version} of a profile"), {"version": said(_("unknown"))}, version=version
        )
    if row is None:
        raise NotFoundError(_("the city has adopted no profile yet"))
    return row if version else row | _in_force(read.city)


def _in_force(city: City) -> Row:
    """The parts of a profile as the entries of the day have them."""
    found = {kind: city.entries(kind) for kind in KINDS}

    def words(entry: Version) -> Row:
        return {"zh": entry.zh, "en": entry.en}

    def listed(kind: str, leave: str = "") -> list[Row]:
        return [
            {"code": code, **words(entry), **{name: value for name, value in entry.data.items() if name != leave}}
            for code, entry in found[kind].items()
        ]

    return {
        "levels": listed("levels", "rank"),
        "roles": listed("roles", "powers"),
        "powers": {code: entry.data["powers"] for code, entry in found["roles"].items()},
        "code_lists": {
            kind: {code: words(entry) | entry.data for code, entry in found[kind].items()} for kind in _LISTS
        },
        "parameters": {code: entry.data["value"] for code, entry in found["parameters"].items()},
        "checklists": listed("checklists"),
        "obligations": listed("obligations"),
    }
