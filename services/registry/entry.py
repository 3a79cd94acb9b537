"""Catalogue entries: what the city says of itself, each code with its words, its data and the days it holds (A03, A12, A13, C13)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any

import msgspec

from services.registry.grades import grade_faults
from services.registry.needs import coverage_faults, coverage_names
from services.registry.owners_rules import MATTERS
from services.registry.programme_rules import programme_faults
from services.registry.subjects import (
    LISTS,
    naming,
    obligation_faults,
    selection_faults,
    selection_names,
    share_faults,
    unlisted,
    wrong_kind,
)
from shared.domain.answers import ACTIONS, COUNT, TEXT, many, shape
from shared.domain.catalogue import ANONYMOUS, KINDS, PARAMETERS, RESIDENT, data_of, whole
from shared.domain.city import NEVER, City
from shared.domain.city import Entry as Version
from shared.domain.command import Holds, holds
from shared.domain.decider import Decider
from shared.domain.errors import BadInputError, IllegalStateError, NotFoundError
from shared.domain.event import Event
from shared.domain.festival import festival_day
from shared.domain.fields import CODE, DAY, FieldError, Kind, choice, line, number, text
from shared.domain.mandate import Mandate
from shared.domain.period import plus_days
from shared.domain.privacy import PUBLIC, told
from shared.domain.reader import Reader
from shared.domain.view import Row, Rows
from shared.domain.words import _, said, term
from shared.words import known, table

Data = dict[str, bool | int | str | list[str | dict[str, bool | int | str | list[str]]]]


# Facts. Class and field names are the storage format: rename nothing, upcast instead.
class EntryAdopted(Event, frozen=True, kw_only=True):
    """A version of an entry holds from a day on, in the place of the one before (A03, C13)."""

    kind: str
    code: str
    version: int
    since: str  # ISO date
    until: str = ""  # first day after, "" while open
    zh: Annotated[str, told()]
    en: Annotated[str, told()]
    data: Annotated[Data, PUBLIC]


class EntryRetired(Event, frozen=True, kw_only=True):
    """An entry holds no longer from a day on; what was recorded with its code stays."""

    kind: str
    code: str
    until: str  # ISO date
    reason: Annotated[str, told()]


class Entry(msgspec.Struct, frozen=True):
    """What its stream says of an entry; one that only a former profile has adopted is unknown here."""

    id: str
    status: str = "unknown"  # unknown, adopted, retired
    version: int = 0
    reason: str = ""  # why it was retired


def evolve(entry: Entry, event: EntryAdopted | EntryRetired) -> Entry:
    """Apply a recorded fact."""
    if isinstance(event, EntryAdopted):
        return Entry(entry.id, "adopted", event.version)
    return Entry(entry.id, "retired", entry.version, event.reason)


ENTRY = Decider("entry", (EntryAdopted, EntryRetired), Entry, Entry, evolve, lambda entry: "", fold=2)


def entry_id(kind: str, code: str) -> str:
    """The id of an entry."""
    return f"{kind}.{code}"


def _id(ask: Mapping[str, Any], by: Mandate) -> str:
    return entry_id(ask["kind"], ask["code"])


def entries(**fields: str) -> Holds:
    """Holds the entries whose codes were asked for, so that nobody retires them meanwhile: `entries(levels="level")`."""
    return holds(ENTRY, lambda state, ask: [entry_id(kind, ask[field]) for kind, field in fields.items()])


def in_force(city: City, held: Mapping[str, Entry], kind: str, code: str, field: str) -> Version:
    """The entry of a code that is held; raises `BadInputError` when the city's list does not have it."""
    found = city.code(kind, code, field)
    if held[entry_id(kind, code)].status == "retired":  # since the city was read
        raise BadInputError(
            _("{code} was taken off the city's list {list}"),
            {field: said(_("not on the city's list {list}"), list=term("kinds", kind))},
            code=code,
            list=term("kinds", kind),
        )
    return found


def last(city: City, kind: str) -> dict[str, Version]:
    """The last version of each code, also of those that were retired."""
    return {code: versions[-1] for code, versions in city.versions(kind).items()}


def standing(city: City, kind: str) -> set[str]:
    """The codes that were not retired."""
    return {code for code, version in last(city, kind).items() if not version.until}


#: Kind to the view, field and filter whose rows have its codes.
_USED: Mapping[str, tuple[str, str, Mapping[str, Any]]] = {
    "levels": ("organisations", "level", {"ended": NEVER}),
    "organisation_types": ("organisations", "type", {"ended": NEVER}),
    "roles": ("posts", "role", {"abolished": ""}),
    "place_kinds": ("places", "kind", {}),
    "measures": ("measures", "measure", {}),
    "schemes": ("standings", "scheme", {"status": "standing"}),
    "classifications": ("classifications", "scheme", {"status": "classified"}),
    "links": ("links", "kind", {"status": "linked"}),
    "selections": ("selections", "kind", {"status": ["opened", "recommending", "voting", "counted"]}),
    "regulations": ("regulations", "kind", {"status": ["drafted", "commenting", "adopted"]}),
    "meetings": ("meetings", "kind", {"status": ["called", "held"]}),
    "programmes": ("programmes", "kind", {"status": "running"}),
}


def in_use(rows: Rows, kind: str, code: str) -> str:
    """Why a code is in use in the registry, "" when it is not; rows of other services are not known here."""
    if kind not in _USED:
        return ""
    view, field, where = _USED[kind]
    count = rows.count(view, {**where, field: code})
    return said(_("in use {count} times in the registry; end those first"), count=count) if count else ""


#: Kinds whose codes something can be, and the part of their data that names these.
_CODES = {"schemes": "codes", "classifications": "classes"}


def drops(rows: Rows, kind: str, code: str, before: Version | None, data: Mapping[str, Any]) -> str:
    """Why a version of a scheme or classification cannot follow the one before: it drops what something still is; "" when it can."""
    part = _CODES.get(kind)
    if part is None or before is None:
        return ""
    view, field, where = _USED[kind]
    left = {one["code"] for one in before.data[part]} - {one["code"] for one in data[part]}
    counts = {one: rows.count(view, {**where, field: code, "code": one}) for one in sorted(left)}
    used = [f"{one} ({count})" for one, count in counts.items() if count]
    return said(_("drops codes that are in use: {codes}"), codes=", ".join(used)) if used else ""


def is_power(power: str) -> bool:
    """Whether some command or query asks for a power, or for one that it is part of: `checklist.judge.norms`, `payment.review.board`."""
    head, _dot, end = power.rpartition(".")
    return (
        end == "*" or known("power", power) or ("." in head and (known("power", head) or known("power", f"{head}.*")))
    )


def is_command(name: str) -> bool:
    """Whether some service has a command of this name."""
    return any(group.endswith("command") and text == name for group, text in table("zh"))


#: What a type of organisations says of other types.
_NAMES_TYPES = ("apart", "stands_in")


def faults(kind: str, code: str, data: Mapping[str, Any], codes: Callable[[str], Collection[str]]) -> dict[str, Any]:
    """What is wrong with the data of an entry, by their part; `codes(kind)` are those that the city has or is to have."""
    wrong: dict[str, Any] = {}
    if kind == "parameters":
        try:
            number(*PARAMETERS[code]).load(data["value"])
        except FieldError as error:
            wrong["value"] = error.reason
    if kind == "windows" and not (is_power(code) or is_command(code)):
        wrong["code"] = said(_("no command has this name or asks for this power"))
    parts = {"level": "levels", "bearer": "organisation_types", "type": "organisation_types", "tier": "tiers"}
    for part, other in parts.items():
        if data.get(part) and data[part] not in codes(other):
            wrong[part] = said(_("not on the city's list {list}"), list=term("kinds", other))
    for part in _NAMES_TYPES:
        if strange := set(data.get(part, ())) - set(codes("organisation_types")) - {code}:
            listed = term("kinds", "organisation_types")
            wrong[part] = {one: said(_("not on the city's list {list}"), list=listed) for one in sorted(strange)}
        if code in data.get(part, ()):
            wrong[part] = said(_("is the code itself; name other types"))
    if kind == "calendars":
        wrong |= _year(code, data)
    if kind == "days_off" and data["last"] and not data["first"] <= data["last"] < plus_days(data["first"], 366):
        wrong["last"] = said(_("must not be before the first day, nor a year after it"))
    part = _CODES.get(kind, "")
    if part and len({one["code"] for one in data[part]}) < len(data[part]):
        wrong[part] = said(_("names something twice"))
    if kind == "schemes":
        if why := wrong_kind(data["subject"], data["of"], codes):
            wrong["of"] = why
        for part, other in (("bodies", "organisation_types"), ("linked", "links"), ("unlinked", "links")):
            if {one for each in data["codes"] for one in each[part]} - set(codes(other)):
                wrong["codes"] = {part: said(_("not on the city's list {list}"), list=term("kinds", other))}
    if kind == "checklists" and data["scheme"] not in ("", *codes("schemes")):
        wrong["scheme"] = said(_("not on the city's list {list}"), list=term("kinds", "schemes"))
    if kind == "programmes":
        wrong |= programme_faults(data)
    if kind == "links":
        ends = {f"{end}_of": wrong_kind(data[end], data[f"{end}_of"], codes) for end in ("near", "far")}
        wrong |= {part: why for part, why in ends.items() if why}
    if kind == "obligations":
        wrong |= obligation_faults(data)
    if kind == "festivals" and not festival_day(2024, data["calendar"], data["month"], data["day"]):
        wrong["day"] = said(_("there is no such day"))
    if kind == "meetings":
        wrong |= share_faults(data, "quorum", "majority")
    if kind == "selections":
        wrong |= selection_faults(data, codes)
    if kind == "grade_tables":
        wrong |= grade_faults(data)
    if kind == "coverages":
        wrong |= coverage_faults(data, codes, is_power)
    wrong |= unlisted(kind, data, codes)
    if kind == "duties" and not (data["of"] or data["level"] or data["role"]):
        wrong["of"] = said(_("name the type or the level of the bodies, or the role of the posts, that have the duty"))
    if kind == "regulations" and data["vote"] not in ("", *MATTERS):
        wrong["vote"] = said(_("no matter that owners vote on; known: {known}"), known=", ".join(MATTERS))
    if "power" in data and not is_power(data["power"]):
        wrong["power"] = said(_("no command asks for it"))
    if powers := {power: said(_("no command asks for it")) for power in data.get("powers", ()) if not is_power(power)}:
        wrong["powers"] = powers
    return wrong


def _year(code: str, data: Mapping[str, Any]) -> dict[str, Any]:
    """What is wrong with the calendar of a year."""
    if not (len(code) == 4 and code.isdecimal() and code > "1900"):
        return {"code": said(_("must be a year, like 2027"))}
    wrong: dict[str, Any] = {}
    for part in ("off", "worked"):
        if strange := next((day for day in data[part] if day[:4] != code), ""):
            wrong[part] = said(_("{day} is no day of the year"), day=strange)
    both = set(data["off"]) & set(data["worked"])
    weekdays = [day for day in data["worked"] if date.fromisoformat(day).weekday() < 5]
    if both:
        wrong["worked"] = said(_("{day} is free and worked at once"), day=min(both))
    elif weekdays:
        wrong.setdefault("worked", said(_("{day} is no day of a weekend"), day=weekdays[0]))
    return wrong


@dataclass(frozen=True, kw_only=True)
class _Data(Kind):
    """An object that is checked by the kind of the entry."""

    def load(self, value: Any) -> dict[str, Any]:
        if not isinstance(value, Mapping):
            raise FieldError(said(_("must be an object of names and values")))
        return dict(value)


_KIND = choice(*KINDS, words="kinds")
_DATA = _Data(control="pairs", facets={"type": "object"})
_NO_DATA: Mapping[str, Any] = {}


@ENTRY.command("registry.profile", new=_id, alone=True, compares=True)
def adopt_entry(
    entry: Entry,
    *,
    by: Mandate,
    at: str,
    city: City,
    kind: Annotated[str, _KIND, "list that it belongs to"],
    code: Annotated[str, CODE, "code; stays the same in all versions"],
    zh: Annotated[str, line(200), "in Chinese"],
    en: Annotated[str, line(400), "in English"],
    data: Annotated[Mapping[str, Any], _DATA, "what its list says of each code: rank, level, powers, value"] = _NO_DATA,
    since: Annotated[str, DAY, "first day, not ahead; empty: today"] = "",
) -> list[Event]:
    """Adopt an entry of the city's catalogue, or its next version (A03, C13)."""
    if kind == "parameters" and code not in PARAMETERS:
        raise BadInputError(
            _("no rule reads the parameter {code}; known: {known}"),
            {"code": said(_("unknown"))},
            code=code,
            known=", ".join(PARAMETERS),
        )
    try:
        made: Data = msgspec.to_builtins(data_of(kind, data))
    except FieldError as error:
        raise BadInputError(_("the data do not fit the list"), {"data": error.reason}) from None
    if wrong := faults(kind, code, made, lambda other: standing(city, other)):
        raise BadInputError(_("the data do not fit the list"), {"data": wrong})
    since = since or at[:10]
    if since > at[:10]:
        raise IllegalStateError(
            _("an entry holds from its adoption on: adopt it on {day}, not ahead of that day"),
            {"since": said(_("must not be in the future"))},
            day=since,
        )
    before = last(city, kind).get(code)
    unchanged = before is not None and not before.until and (before.zh, before.en) == (zh, en)
    if before is not None and unchanged and whole(kind, before.data) == made:  # by today's schema
        return []
    if why := drops(city.rows, kind, code, before, made):
        raise IllegalStateError(
            _("{code} must stay on the list {list}"), {"data": {"codes": why}}, code=code, list=term("kinds", kind)
        )
    return [adopted(entry, before, kind, code, zh, en, made, since)]


def adopted(
    entry: Entry, before: Version | None, kind: str, code: str, zh: str, en: str, data: Data, since: str
) -> EntryAdopted:
    """The next version of an entry; raises `IllegalStateError` for a day before that of the last one."""
    _not_before(before, kind, code, since, "since")
    version = max(entry.version, before.version if before else 0) + 1
    return EntryAdopted(kind=kind, code=code, version=version, since=since, zh=zh, en=en, data=data)


def _not_before(before: Version | None, kind: str, code: str, day: str, field: str) -> None:
    earliest = max(before.since, before.until) if before else ""
    if day < earliest:
        raise IllegalStateError(
            _("what the city says of {code} ({list}) holds since {day}; a change cannot come before that"),
            {field: said(_("must not be before {day}"), day=earliest)},
            code=code,
            list=term("kinds", kind),
            day=earliest,
        )


@ENTRY.command("registry.profile", new=_id, alone=True, compares=True)
def retire_entry(
    entry: Entry,
    *,
    by: Mandate,
    at: str,
    city: City,
    kind: Annotated[str, _KIND, "list that it belongs to"],
    code: Annotated[str, CODE, "code"],
    reason: Annotated[str, text(400), "why"],
    until: Annotated[str, DAY, "first day without it, not ahead; empty: today"] = "",
) -> list[Event]:
    """Take an entry off its list once nothing has its code any more (A03)."""
    before = last(city, kind).get(code)
    if before is None:
        raise NotFoundError(
            _("{code} is not on the city's list {list}"),
            {"code": said(_("unknown"))},
            code=code,
            list=term("kinds", kind),
        )
    until = until or before.until or at[:10]
    if before.until:
        if (before.until, entry.reason) == (until, reason):
            return []
        raise IllegalStateError(
            _("{code} was taken off the list on {day} already"),
            {"code": said(_("retired"))},
            code=code,
            day=before.until,
        )
    if until > at[:10]:
        raise IllegalStateError(
            _("{day} has not come yet; retire the entry on that day"),
            {"until": said(_("must not be in the future"))},
            day=until,
        )
    if why := _kept(city, kind, code):
        raise IllegalStateError(
            _("{code} must stay on the list {list}"), {"code": why}, code=code, list=term("kinds", kind)
        )
    return [retired(before, kind, code, until, reason, "until")]


def retired(before: Version, kind: str, code: str, until: str, reason: str, field: str) -> EntryRetired:
    """The end of an entry; raises `IllegalStateError` for a day before it began."""
    _not_before(before, kind, code, until, field)
    return EntryRetired(kind=kind, code=code, until=until, reason=reason)


def _kept(city: City, kind: str, code: str) -> str:
    """Why an entry cannot be retired, "" when it can."""
    if why := in_use(city.rows, kind, code):
        return why
    roles = [last(city, "roles")[role].data for role in standing(city, "roles")]
    owed = [last(city, "obligations")[one].data["bearer"] for one in standing(city, "obligations")]
    reviewing = [last(city, "review_bodies")[one].data.get("type") for one in standing(city, "review_bodies")]
    types = standing(city, "organisation_types") - {code}
    of_types = [last(city, "organisation_types")[one].data for one in types]
    named = [other for data in of_types for part in _NAMES_TYPES for other in data.get(part, ())]
    parts = {"schemes": ("of",), "links": ("near_of", "far_of")}
    classed = [
        last(city, other)[one].data[part] for other in parts for one in standing(city, other) for part in parts[other]
    ]
    for one in standing(city, "selections"):
        classed += selection_names(last(city, "selections")[one].data)
    asked = {pair for one in standing(city, "coverages") for pair in coverage_names(last(city, "coverages")[one].data)}
    if (
        (kind, code) in asked
        or (kind == "levels" and any(role["level"] == code for role in roles))
        or (kind == "organisation_types" and code in (*owed, *reviewing, *named))
        or (kind in LISTS.values() and code in classed)
        or naming(city, kind, code)
    ):
        return said(_("another entry names it; change that one first"))
    if kind == "parameters" or (kind == "roles" and code in (RESIDENT, ANONYMOUS)):
        return said(_("rules of the program read it"))
    if KINDS[kind].needed and len(standing(city, kind)) == 1:
        return said(_("a city needs at least one code of this list"))
    return ""


_VERSION = {
    **dict.fromkeys(("entry_id", "kind", "code", "zh", "en", "since", "until"), TEXT),
    "version": COUNT,
    "data": {"type": "object"},
}


def _shown(kind: str, entry: Version) -> Row:
    shown: Row = msgspec.to_builtins(entry)
    return shown | {"kind": kind, "entry_id": entry_id(kind, entry.code)}


def _actions(read: Reader, open_: bool) -> list[str]:
    return ["adopt_entry", *(["retire_entry"] if open_ else [])] if read.may("registry.profile") else []


@ENTRY.query(answer=shape(rows=many(shape(**_VERSION, actions=ACTIONS)), actions=ACTIONS))
def find_entries(
    read: Reader,
    *,
    kind: Annotated[str, _KIND, "list"],
    on: Annotated[str, DAY, "day; empty: today"] = "",
) -> dict[str, Any]:
    """The entries of a list that hold on a day, in the order of their rank."""
    city = City(read.rows, on) if on else read.city
    actions = {"actions": _actions(read, True)}
    rows = [_shown(kind, entry) | actions for entry in city.entries(kind).values()]
    return {"rows": rows, "actions": _actions(read, False)}


@ENTRY.query(answer=shape(**_VERSION, versions=many(shape(**_VERSION)), actions=ACTIONS))
def get_entry(
    read: Reader, *, kind: Annotated[str, _KIND, "list"], code: Annotated[str, CODE, "code"]
) -> dict[str, Any]:
    """An entry with all its versions, the oldest first."""
    versions = [_shown(kind, entry) for entry in read.city.versions(kind).get(code, ())]
    if not versions:
        raise NotFoundError(
            _("{code} is not on the city's list {list}"),
            {"code": said(_("unknown"))},
            code=code,
            list=term("kinds", kind),
        )
    return versions[-1] | {"versions": versions, "actions": _actions(read, not versions[-1]["until"])}
