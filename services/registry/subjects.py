"""What standings and links are about: places and bodies of one kind, found on a day."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import replace as altered
from typing import Any

from services.registry.person import names
from shared.domain.catalogue import data_of
from shared.domain.city import City, every
from shared.domain.errors import BadInputError, NotFoundError
from shared.domain.fields import PLACE
from shared.domain.mandate import Mandate
from shared.domain.reader import Reader
from shared.domain.view import Row
from shared.domain.words import Said, _, said, term

#: The id of an organisation or post, or a territory path: whose pattern the ids fit, too.
SUBJECT = altered(PLACE, control="pick", refers="organisation|post|place")
#: Kind of subject to the list that its own kinds are on.
LISTS = {"place": "place_kinds", "organisation": "organisation_types", "post": "roles", "person": "roles"}
#: Kind of subject to the view of the city, and the field that says of which kind it is.
_IN_CITY = {
    "place": (City.place, "kind"),
    "organisation": (City.organisation, "type"),
    "post": (City.post, "role"),
}
#: Subjects named at most where some are missing.
NAMED = 50


def there(city: City, thing: str, of: str, subject: str, field: str = "subject") -> Row:
    """What the city knows of a subject that is a `thing` of the kind `of` ("": any), its place among it.

    Raises `NotFoundError` for one that is not there any more, `BadInputError` for one of another kind.
    """
    find, kind = _IN_CITY[thing]
    row = find(city, subject)
    if thing == "place":
        city.known_place(subject, field)
    if row is None or row.get("abolished") or (thing == "organisation" and row.get("until")):
        raise NotFoundError(
            _("there is no {thing} {id}"), {field: said(_("unknown"))}, thing=term("thing", thing), id=subject
        )
    if of and row[kind] != of:
        raise BadInputError(
            _("{subject} is of the kind {kind}; this is for {wanted} only"),
            {field: said(_("of another kind"))},
            subject=subject,
            kind=row[kind],
            wanted=of,
        )
    return row


def all_of(read: Reader, thing: str, of: str, place: str, day: str) -> list[str]:
    """The places, organisations or posts of a kind that there are at and below a place on a day; posts: those of today.

    Persons are those who hold a post of the role there, each once.
    """
    where: Row = ({LISTED[thing]: of} if of else {}) | ({"place__under": place} if place else {})
    if thing == "person":
        terms = every(read.rows, "appointments", where | {"since__lte": day, "held_until__gt": day})
        return sorted({term["person_id"] for term in terms})
    if thing == "place":
        standing = where | {"ended__gt": day}
        return [row["place"] for row in every(read.rows, "places", standing) if row["registered"] <= day]
    if thing == "post":
        return [row["post_id"] for row in every(read.rows, "posts", where | {"abolished": ""})]
    where |= {"since__lte": day, "ended__gt": day}
    return [row["organisation_id"] for row in every(read.rows, "organisations", where)]


#: Kind of subject to the field of its rows that says of which kind it is.
LISTED = {thing: kind for thing, (_find, kind) in _IN_CITY.items()} | {"person": "role"}


def wrong_kind(thing: str, of: str, codes: Callable[[str], Collection[str]]) -> str:
    """Why a kind cannot be asked of subjects, "" when it can; `codes(list)` are those of the city."""
    listed = LISTS[thing]
    return (
        said(_("not on the city's list {list}"), list=term("kinds", listed)) if of and of not in codes(listed) else ""
    )


def selection_faults(data: Mapping[str, Any], codes: Callable[[str], Collection[str]]) -> Row:
    """What is wrong with a kind of selection, by its part; `codes(list)` are those of the city."""
    wrong: Row = {}
    named = {
        "of": [("organisation_types", data["of"])],
        "role": [("roles", data["role"])],
        "sources": [
            pair
            for one in data["sources"]
            for pair in (("roles", one.get("role", "")), ("organisation_types", one.get("of", "")))
        ],
        "acceptances": [("organisation_types", one["of"]) for one in data["acceptances"]],
    }
    for part, pairs in named.items():
        for listed, code in pairs:
            if code and code not in codes(listed):
                wrong[part] = said(_("not on the city's list {list}"), list=term("kinds", listed))
    for part in ("sources", "steps", "criteria", "traits", "acceptances"):
        if len({one["code"] for one in data[part]}) < len(data[part]):
            wrong.setdefault(part, said(_("names something twice")))
    return wrong | share_faults(data, "turnout", "majority")


def share_faults(data: Mapping[str, Any], *names: str) -> Row:
    """Which shares of a whole cannot be reached: more parts than it has."""
    wrong: Row = {}
    for part in names:
        most = data[f"{part}_whole"] - data[f"{part}_above"]
        if data[f"{part}_part"] > most:
            wrong[f"{part}_part"] = said(_("more than all of them; at most {most}"), most=most)
    return wrong


def obligation_faults(data: Mapping[str, Any]) -> Row:
    """What is wrong with a rule of what is owed, by its part: weekday and festivals are said where the cadence asks for them."""
    parts = {"weekday": "weekday", "festivals": "festival"}
    wrong = {
        part: said(_("is missing")) for part, cadence in parts.items() if data["cadence"] == cadence and not data[part]
    }
    strange = {
        part: said(_("does not go with this cadence"))
        for part, cadence in parts.items()
        if data["cadence"] != cadence and data[part]
    }
    return wrong | strange


def attribute_faults(data: Mapping[str, Any], codes: Callable[[str], Collection[str]]) -> Row:
    """What is wrong with an attribute of places, by its part; `codes(list)` are those of the city."""
    wrong: Row = {}
    if data["of"] and data["of"] not in codes("place_kinds"):
        wrong["of"] = said(_("not on the city's list {list}"), list=term("kinds", "place_kinds"))
    named = {one["code"] for one in data["choices"]}
    if len(named) < len(data["choices"]):
        wrong["choices"] = said(_("names something twice"))
    elif bool(named) != (data["kind"] == "choice"):
        wrong["choices"] = said(_("is for what is chosen from a list, and needed there"))
    if data["unit"] and data["kind"] != "number":
        wrong["unit"] = said(_("is for numbers"))
    return wrong


def selection_names(data: Mapping[str, Any]) -> set[str]:
    """The types of bodies and the roles that a kind of selection names."""
    parts = [data, *data["sources"], *data["acceptances"]]
    return {one[part] for one in parts for part in ("of", "role") if one.get(part)}


#: Kind of entry to the lists whose codes its parts name.
_NAMES: Mapping[str, Mapping[str, str]] = {
    "organisation_types": {"members": "classifications"},
    "regulations": dict.fromkeys(("of", "adopted_by", "guide"), "organisation_types")
    | {"parameters": "parameters", "meeting": "meetings"},
    "duties": {
        "of": "organisation_types",
        "level": "levels",
        "role": "roles",
        "function": "functions",
        "categories": "issue_categories",
        "regulation": "regulations",
    },
    "obligations": {"festivals": "festivals", "meeting": "meetings"},
    "meetings": dict.fromkeys(("callers", "invited", "needed", "request"), "organisation_types") | {"chair": "roles"},
    "venues": {"of": "place_kinds"},
    "programmes": {"standard": "regulations", "lead": "roles"},
    "roles": {"beside": "organisation_types"},
    "staffing": {"of": "place_kinds", "workers": "roles"},
    "grade_tables": {"workers": "roles"},
}


def _within_programmes(data: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """What the prongs and batches of a programme name: mechanisms after their list (`links.support`), kinds of units, checklists."""
    for prong in data["prongs"]:
        for mechanism in prong.get("groups", ()):
            listed, _dot, code = mechanism.partition(".")
            yield "prongs", listed, code
    units = LISTS[data.get("unit", "place")]
    named = [("unit_of", units, data.get("unit_of", ""))]
    for batch in data.get("batches", ()):
        named += [("batches", units, batch.get("of", "")), ("batches", "checklists", batch.get("checklist", ""))]
    named += [("stages", "surveys", stage.get("survey", "")) for stage in data.get("stages", ())]
    yield from (one for one in named if one[2])


def _within_surveys(data: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """The kind of what a survey asks about."""
    if data["of"]:
        yield "of", LISTS[data["subject"]], data["of"]


def _within_staffing(data: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """The roles of the seats that a rule of staffing names."""
    yield from (("seats", "roles", role) for seat in data["seats"] for role in seat["roles"])


#: Kind of entry to a function that finds what the parts within its parts name.
_WITHIN: Mapping[str, Callable[[Mapping[str, Any]], Iterator[tuple[str, str, str]]]] = {
    "programmes": _within_programmes,
    "staffing": _within_staffing,
}


def named_codes(kind: str, data: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Each code that an entry names, with its part and the list that it must be on."""
    for part, listed in _NAMES.get(kind, {}).items():
        value = data.get(part) or ()
        for code in [value] if isinstance(value, str) else value:
            yield part, listed, code
    if kind in _WITHIN:
        yield from _WITHIN[kind](data)


def unlisted(kind: str, data: Mapping[str, Any], codes: Callable[[str], Collection[str]]) -> Row:
    """What an entry names that is on no list, by its part; `codes(list)` are those of the city."""
    return {
        part: said(_("not on the city's list {list}"), list=term("kinds", listed))
        for part, listed, code in named_codes(kind, data)
        if code not in codes(listed)
    }


def naming(city: City, listed: str, code: str) -> bool:
    """Whether an entry of today of such a kind names a code of a list."""
    return any(
        (listed, code) == named[1:]
        for kind in {*_NAMES, *_WITHIN}
        for entry in city.entries(kind).values()
        for named in named_codes(kind, entry.data)
    )


def power_of(city: City, listed: str, code: str) -> str:
    """The power that a code of a list asks for, also one that was taken off it."""
    return str(data_of(listed, city.versions(listed)[code][-1].data).power)


def other_power(city: City, listed: str, code: str, place: str, by: Mandate) -> Said | None:
    """For `unless`: why this caller cannot do it at a place, whatever they say, because the code asks for another power."""
    if by.may(power_of(city, listed, code), place):
        return None
    return said(_("{list} asks for another power"), list=term("kinds", listed))


def held_on(row: Row, day: str) -> bool:
    """Whether something with `since` and `until` ("": open; the first day after) holds on a day."""
    return bool(row["since"]) and row["since"] <= day < (row["until"] or "9999")


def missing(subjects: list[str], having: Collection[str]) -> dict[str, Any]:
    """How many subjects there are, how many are without, and the first of these by name."""
    without = [subject for subject in subjects if subject not in having]
    return {"subjects": len(subjects), "without": len(without), "missing": without[:NAMED]}


#: Kind of subject to its view and the fields that name it.
_CALLED = {
    "place": ("places", "name", "name_en"),
    "organisation": ("organisations", "name", "name_en"),
    "post": ("posts", "title", "title_en"),
}


def names_of(read: Reader, thing: str, subjects: list[str]) -> dict[str, Row]:
    """Subjects of a kind with their names, read with one question."""
    if thing == "person":
        called = names(read, subjects)
        return {
            one: {"subject": one, "name": called.get(one) or one, "name_en": called.get(one) or one} for one in subjects
        }
    view, zh, en = _CALLED[thing]
    rows = read.rows.get_many(view, subjects)
    return {
        one: {"subject": one, "name": rows[one][zh] or one, "name_en": rows[one][en] or rows[one][zh] or one}
        for one in subjects
    }


def named_ends(read: Reader, rows: Iterable[Row], *fields: str) -> list[Row]:
    """Rows with the names of the subjects that these fields hold, as `near_name` and `near_name_en`."""
    rows = list(rows)
    ids = sorted({row[field] for row in rows for field in fields if row[field]})
    found: dict[str, Row] = {}
    for thing, (view, _zh, _en) in _CALLED.items():
        there = read.rows.get_many(view, ids)
        found |= names_of(read, thing, [id for id in ids if id in there and id not in found])
    return [
        row
        | {f"{field}_name": found[row[field]]["name"] for field in fields if row[field] in found}
        | {f"{field}_name_en": found[row[field]]["name_en"] for field in fields if row[field] in found}
        for row in rows
    ]
