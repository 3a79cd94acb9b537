"""What callers might send: Hypothesis strategies for the kinds of fields, over the places, posts, persons and codes of the small city.

Values are drawn from small pools, so that commands meet on the same things. Ids of things are drawn as `Id` and filled in when the
command is given: then it is known which ids the program has made.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from shared.domain.command import Command
from shared.domain.fields import ID, PLACE, Choice, Day, Kind, Moment, Number, Pattern, Text, Yes
from shared.domain.structures import Field, Group, Many, Pairs
from tests.kit.city import BUILDING, COMMUNITY, COMPOUND, ORGANISATIONS, OTHER_COMPOUND, POSTS, RESIDENTS
from tests.kit.mechanisms import BODIES, CODES, SEATS, profile

#: The day on which the first thing is commanded, and how many days those that are named lie after the present one.
TODAY = date(2025, 3, 4)
DAYS = (-40, -1, 0, 0, 1, 2, 30, 400)
PLACES = [COMPOUND] * 8 + [BUILDING] * 3 + [COMMUNITY, OTHER_COMPOUND, f"{COMPOUND}.99"]
PERSONS = [*RESIDENTS[:2], "p-grid"]
TEXTS = ["路灯不亮", "第二天", "a", "line\nline", "“引号” & <b>", "é", "x" * 60]
#: Codes, periods, numbers as text, times of day.
PATTERNED = [
    *["a1", "b2", "a1"] * 2,
    "2025",
    "2025-03",
    "A1",
    "97.5",
    "19:30",
    "21:00",
    "91350100M000100Y43",
    "6222000011112222",
    "",
    "0" * 64,
]
#: Things of a category that are named, from the newest on; one more that there is not.
NAMED = 4
#: Entries of a list at most, unless its kind asks for more.
MANY = 2

#: What the ids name that a field maps to something.
NAMING = {"attended": "organisation", "positions": "organisation", "votes": "person"}

#: The pool of what a field refers to; things of the service's own are found when the command is given.
_CITY: dict[str, Sequence[str]] = {
    "place": PLACES,
    "person": PERSONS,
    "post": [*POSTS, *SEATS],
    "organisation": [*ORGANISATIONS, *BODIES],
}


@dataclass(frozen=True)
class Id:
    """Some thing of a category: which one is decided when the command is given."""

    category: str
    number: int


@dataclass(frozen=True)
class Later:
    """Some day so far from the present one, or a moment of it: which day that is, is known when the command is given."""

    days: int
    hour: str = ""


def ids(category: str) -> SearchStrategy[Any]:
    """Things of a category, or of the small city."""
    if category in _CITY:
        return st.sampled_from(_CITY[category])
    return st.builds(Id, st.just(category.replace("_", "-")), st.integers(0, NAMED))


def of_kind(kind: Kind, name: str = "") -> SearchStrategy[Any]:
    """Values of a kind of field, as they are sent; `name` is that of the field, which may say what an id names."""
    match kind:
        case Choice():
            return st.sampled_from(kind.codes)
        case Yes():
            return st.booleans()
        case Number():
            few = {kind.least, kind.least + 1, 2, 5, 100, 5000, kind.most}
            return st.sampled_from(sorted(value for value in few if kind.least <= value <= kind.most))
        case Day():
            return st.sampled_from([Later(days) for days in DAYS])
        case Moment():
            return st.sampled_from([Later(days, "T08:30:00+08:00") for days in DAYS])
        case Text():
            return st.sampled_from([text for text in TEXTS if _loads(kind, text)])
        case Pattern():
            return _of_pattern(kind, name)
        case Many():
            return _of_many(kind, name)
        case Pairs():
            keys = of_kind(kind.keys, NAMING.get(name, name))
            return st.dictionaries(keys, of_kind(kind.values), max_size=min(MANY, kind.most))
        case Group():
            return asked(kind.fields)
    return of_facets(kind.facets)


def of_facets(facets: Mapping[str, Any]) -> SearchStrategy[Any]:
    """Values of a kind that a service defines itself, by its JSON Schema."""
    match facets.get("type"):
        case "object":
            return st.fixed_dictionaries({name: of_facets(part) for name, part in facets.get("properties", {}).items()})
        case "array":
            return st.lists(of_facets(facets.get("items", {})), max_size=MANY)
        case "integer":
            return st.integers(1, 5)
        case "boolean":
            return st.booleans()
    return st.sampled_from(["a1", "b2"])


def _loads(kind: Kind, value: Any) -> bool:
    try:
        kind.load(value)
    except ValueError:
        return False
    return True


def _of_pattern(kind: Pattern, name: str) -> SearchStrategy[Any]:
    if kind.control == "code" and kind.refers in CODES:
        return st.sampled_from([*[*CODES[kind.refers]] * 3, "no-such-code"])
    if kind.refers or kind == ID:
        named = kind.refers or name.removesuffix("_id").removesuffix("_ids")
        return st.one_of(*(ids(one) for one in named.split("|")))
    if kind == PLACE:
        return st.sampled_from(PLACES)
    fitting = [value for value in PATTERNED if _loads(kind, value)]
    return st.sampled_from(fitting) if fitting else st.from_regex(kind.pattern, fullmatch=True)


def _of_many(kind: Many, name: str) -> SearchStrategy[list[Any]]:
    most = max(kind.least, min(MANY, kind.most))
    one = of_kind(kind.kind, name.removesuffix("s"))
    if not kind.distinct:
        return st.lists(one, min_size=kind.least, max_size=most)
    return st.lists(one, min_size=kind.least, max_size=most, unique_by=repr)


def asked(fields: Sequence[Field]) -> SearchStrategy[dict[str, Any]]:
    """What might be sent for fields: those that may be left out are left out now and then."""
    values = {field.name: of_kind(field.kind, field.name) for field in fields}
    required = {field.name: values[field.name] for field in fields if field.required}
    return st.fixed_dictionaries(required, optional={name: one for name, one in values.items() if name not in required})


_ENTRIES = st.sampled_from([(kind, code, data) for kind, codes in CODES.items() for code, data in codes.items()])
#: Arguments that fit only together: whole entries, whole profiles.
TOGETHER: dict[str, SearchStrategy[dict[str, Any]]] = {
    "adopt_entry": st.builds(
        lambda entry, other: {"kind": entry[0], "code": other or entry[1], "data": entry[2]},
        _ENTRIES,
        st.sampled_from(["", "", "a1"]),
    ),
    "retire_entry": st.builds(lambda entry: {"kind": entry[0], "code": entry[1]}, _ENTRIES),
    "adopt_profile": st.builds(
        lambda version, dropped, more: profile(version, dropped[:2], more),
        st.integers(1, 9),
        _ENTRIES,
        st.sampled_from(["", "（改）"]),
    ),
}


@cache
def asks(command: Command) -> SearchStrategy[dict[str, Any]]:
    """What might be sent for a command."""
    given = asked(command.asked)
    if command.name in TOGETHER:
        apart = asked(
            [field for field in command.asked if field.name not in ("levels", "roles", "powers", "code_lists")]
        )
        given = st.builds(lambda some, whole: some | whole, apart, TOGETHER[command.name])
    if (first := command.id_field) is None:
        return given
    own = ids(command.decider.category) if first.kind == ID else of_kind(first.kind, first.name)
    named = st.fixed_dictionaries({first.name: own})
    return st.builds(lambda one, other: one | other, given, named)


def filled(value: Any, known: Callable[[str], Sequence[str]], today: date) -> Any:
    """A drawn value with its ids and days filled in; `known(category)` are the ids that there are."""
    match value:
        case Later():
            return f"{today + timedelta(value.days)}{value.hour}"
        case Id():
            there = known(value.category)[-3:]
            if not there or value.number == NAMED:
                return f"{value.category}-{value.number}"
            return there[value.number % len(there)]
        case Mapping():
            return {filled(name, known, today): filled(part, known, today) for name, part in value.items()}
        case list():
            return [filled(part, known, today) for part in value]
    return value
