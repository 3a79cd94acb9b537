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
from tests.kit.city import BUILDING, COMMUNITY, COMPOUND, ENTRIES, ORGANISATIONS, OTHER_COMPOUND, POSTS, RESIDENTS

#: The day on which everything is commanded, and how far the days that are named lie around it.
TODAY = date(2025, 3, 4)
DAYS = [TODAY + timedelta(days) for days in (-40, -1, 0, 1, 2, 30, 400)]
PLACES = [COMPOUND] * 12 + [COMMUNITY, BUILDING, OTHER_COMPOUND, f"{COMPOUND}.99"]
PERSONS = [*RESIDENTS[:2], "p-grid"]
TEXTS = ["路灯不亮", "第二天", "a", "line\nline", "“引号” & <b>", "é", "x" * 60]
#: Things of a category that are named, from the newest on; one more that there is not.
NAMED = 4
#: Entries of a list at most, unless its kind asks for more.
MANY = 2

#: The pool of what a field refers to; things of the service's own are found when the command is given.
_CITY: dict[str, Sequence[str]] = {
    "place": PLACES,
    "person": PERSONS,
    "post": list(POSTS),
    "organisation": list(ORGANISATIONS),
}


@dataclass(frozen=True)
class Id:
    """Some thing of a category: which one is decided when the command is given."""

    category: str
    number: int


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
            return st.sampled_from([day.isoformat() for day in DAYS])
        case Moment():
            return st.sampled_from([f"{day.isoformat()}T08:30:00+08:00" for day in DAYS])
        case Text():
            return st.sampled_from([text for text in TEXTS if _loads(kind, text)])
        case Pattern():
            return _of_pattern(kind, name)
        case Many():
            return _of_many(kind, name)
        case Pairs():
            return st.dictionaries(of_kind(kind.keys, name), of_kind(kind.values), max_size=min(MANY, kind.most))
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
    if kind.control == "code" and kind.refers in ENTRIES:
        return st.sampled_from([*[*ENTRIES[kind.refers]] * 3, "no-such-code"])
    if kind.refers or kind == ID:
        named = kind.refers or name.removesuffix("_id").removesuffix("_ids")
        return st.one_of(*(ids(one) for one in named.split("|")))
    if kind == PLACE:
        return st.sampled_from(PLACES)
    fitting = [
        value
        for value in ("a1", "b2", "2025", "2025-03", "A1", "91350100M000100Y43", "6222000011112222")
        if _loads(kind, value)
    ]
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


@cache
def asks(command: Command) -> SearchStrategy[dict[str, Any]]:
    """What might be sent for a command."""
    given = asked(command.asked)
    if (first := command.id_field) is None:
        return given
    own = ids(command.decider.category) if first.kind == ID else of_kind(first.kind, first.name)
    named = st.fixed_dictionaries({first.name: own})
    return st.builds(lambda one, other: one | other, given, named)


def filled(value: Any, known: Callable[[str], Sequence[str]]) -> Any:
    """A drawn value with its ids filled in; `known(category)` are the ids that there are."""
    match value:
        case Id():
            there = known(value.category)[-3:]
            if not there or value.number == NAMED:
                return f"{value.category}-{value.number}"
            return there[value.number % len(there)]
        case Mapping():
            return {filled(name, known): filled(part, known) for name, part in value.items()}
        case list():
            return [filled(part, known) for part in value]
    return value
