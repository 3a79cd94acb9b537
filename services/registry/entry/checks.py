"""What is wrong with an entry's data, and why one cannot change or be retired: something has its code, another entry names it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import date
from typing import Any

from services.registry.entry.state import last, standing
from services.registry.grades import grade_faults
from services.registry.needs import coverage_faults, coverage_names
from services.registry.owners_rules import MATTERS
from services.registry.programme_rules import programme_faults, survey_faults
from services.registry.subjects import (
    LISTS,
    attribute_faults,
    naming,
    obligation_faults,
    selection_faults,
    selection_names,
    share_faults,
    unlisted,
    wrong_kind,
)
from shared.domain.catalogue import ANONYMOUS, KINDS, RESIDENT, TRIAGE
from shared.domain.city import City, every, held_on
from shared.domain.city import Entry as Version
from shared.domain.city_rows import NEVER
from shared.domain.festival import festival_day
from shared.domain.fields import FieldError, number
from shared.domain.parameters import PARAMETERS
from shared.domain.period import plus_days
from shared.domain.view import Rows
from shared.domain.words import _, said, term
from shared.words import known, table

#: Kind to the view, field and filter whose rows have its codes.
_USED: Mapping[str, tuple[str, str, Mapping[str, Any]]] = {
    "levels": ("organisations", "level", {"ended": NEVER}),
    "organisation_types": ("organisations", "type", {"ended": NEVER}),
    "roles": ("posts", "role", {"abolished": ""}),
    "place_kinds": ("places", "kind", {}),
    "measures": ("measures", "measure", {}),
    "attributes": ("attributes", "attribute", {}),
    "schemes": ("standings", "scheme", {"status": "standing"}),
    "classifications": ("classifications", "scheme", {"status": "classified"}),
    "links": ("links", "kind", {"status": "linked"}),
    "selections": ("selections", "kind", {"status": ["opened", "recommending", "voting", "counted"]}),
    "regulations": ("regulations", "kind", {"status": ["drafted", "commenting", "adopted"]}),
    "meetings": ("meetings", "kind", {"status": ["called", "held"]}),
    "programmes": ("programmes", "kind", {"status": "running"}),
    "venues": ("bookings", "kind", {"status": "booked"}),
    "surveys": ("surveys", "kind", {"status": "open"}),
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


def leaves_nobody(city: City, roles: Mapping[str, Mapping[str, Any]]) -> str:
    """Why roles cannot be changed to these data: no post that is held would take in issues any more (X13); "" when they can."""
    before = {code: last(city, "roles")[code].data for code in standing(city, "roles")}
    if not _taken_in(city, before) or _taken_in(city, before | dict(roles)):
        return ""
    return said(_("nobody who holds a post would take in issues any more; give that to another role first"))


def _taken_in(city: City, roles: Mapping[str, Mapping[str, Any]]) -> bool:
    """Whether somebody holds a post of a role that takes in issues and may judge them."""
    takes = [
        code
        for code, data in roles.items()
        if data.get("intake") and not {"*", "issue.*", TRIAGE}.isdisjoint(data.get("powers", ()))
    ]
    posts = every(city.rows, "city_posts", {"role": takes}) if takes else ()
    return any(held_on(post, city.day) and not post["abolished"] for post in posts)


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
NAMES_TYPES = ("apart", "stands_in", "under")


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
    for part in NAMES_TYPES:
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
        for part, other in (
            ("bodies", "organisation_types"),
            ("described", "attributes"),
            ("linked", "links"),
            ("unlinked", "links"),
        ):
            if {one for each in data["codes"] for one in each[part]} - set(codes(other)):
                wrong["codes"] = {part: said(_("not on the city's list {list}"), list=term("kinds", other))}
    if kind == "attributes":
        wrong |= attribute_faults(data, codes)
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
    if kind == "venues":
        for part in ("zones", "uses"):
            if len({one["code"] for one in data[part]}) < len(data[part]):
                wrong[part] = said(_("names something twice"))
    if kind == "surveys":
        wrong |= survey_faults(data)
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


def kept(city: City, kind: str, code: str) -> str:
    """Why an entry cannot be retired, "" when it can."""
    if why := in_use(city.rows, kind, code):
        return why
    roles = [last(city, "roles")[role].data for role in standing(city, "roles")]
    owed = [last(city, "obligations")[one].data["bearer"] for one in standing(city, "obligations")]
    reviewing = [last(city, "review_bodies")[one].data.get("type") for one in standing(city, "review_bodies")]
    types = standing(city, "organisation_types") - {code}
    of_types = [last(city, "organisation_types")[one].data for one in types]
    named = [other for data in of_types for part in NAMES_TYPES for other in data.get(part, ())]
    parts = {"schemes": ("of",), "attributes": ("of",), "links": ("near_of", "far_of")}
    rests_on = {
        attribute
        for scheme in standing(city, "schemes")
        for one in last(city, "schemes")[scheme].data["codes"]
        for attribute in one.get("described", ())
    }
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
        or (kind == "attributes" and code in rests_on)
        or naming(city, kind, code)
    ):
        return said(_("another entry names it; change that one first"))
    if kind == "parameters" or (kind == "roles" and code in (RESIDENT, ANONYMOUS)):
        return said(_("rules of the program read it"))
    if KINDS[kind].needed and len(standing(city, kind)) == 1:
        return said(_("a city needs at least one code of this list"))
    return ""
