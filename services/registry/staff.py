"""Staff: how many persons hold posts, what they are, and whether each community has those that its rule asks for (B35–B37, B50).

Persons are counted once, whatever posts they hold: figures by role are never added up to persons.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Annotated, Any

from services.registry.census import household_sum
from services.registry.classification import coded
from services.registry.later import entered_later
from services.registry.person import ages
from services.registry.post.state import POST
from services.registry.subjects import all_of, names_of
from shared.domain.answers import COUNT, TEXT, YES, by_code, many, shape
from shared.domain.catalogue import data_of
from shared.domain.city import every
from shared.domain.fields import DAY, PLACE, code_of
from shared.domain.fields import YES as YES_OR_NO
from shared.domain.reader import Reader
from shared.domain.staffing import Staffing
from shared.domain.structures import many as many_of
from shared.domain.territory import lineage
from shared.domain.view import Row

_WHERE = Annotated[str, PLACE, "a place and everything below it; empty: the whole city"]
_DAY = Annotated[str, DAY, "day; empty: today"]
#: Ages are told only of so many together, so that nobody's own can be read from them.
_LEAST = 5
_COUNTED = {"posts": COUNT, "persons": COUNT, "several": COUNT, "codes": by_code(COUNT), "unclassified": COUNT}
_NAMED = dict.fromkeys(("subject", "name", "name_en"), TEXT)


def _terms(read: Reader, place: str, day: str, type: str = "", roles: Iterable[str] = ()) -> list[Row]:
    """The terms of those who hold posts at and below a place on a day, of bodies of a type and of roles where these are given."""
    where: Row = {"since__lte": day, "held_until__gt": day} | ({"place__under": place} if place else {})
    terms = every(read.rows, "appointments", where | ({"role": list(roles)} if roles else {}))
    if not type:
        return list(terms)
    bodies = {row["organisation_id"] for row in every(read.rows, "organisations", {"type": type})}
    return [term for term in terms if term["organisation_id"] in bodies]


def _counted(terms: list[Row], codes: Mapping[str, str], asked: bool) -> Row:
    """The distinct persons of terms: how many hold several posts, and how many are what."""
    held = Counter(term["person_id"] for term in terms)
    are = Counter(codes[person] for person in held if person in codes)
    return {
        "posts": len(terms),
        "persons": len(held),
        "several": sum(count > 1 for count in held.values()),
        "codes": dict(sorted(are.items())),
        "unclassified": len(held) - sum(are.values()) if asked else 0,
    }


@POST.query(
    answer=shape(
        **dict.fromkeys(("place", "day", "scheme"), TEXT),
        **_COUNTED,
        by_role=by_code(COUNT),
        ages=shape(known=COUNT, without=COUNT, years=COUNT, tenths=COUNT),
        rows=many(shape(**_NAMED, **_COUNTED)),
        entered_later=COUNT,
    ),
    as_of=True,
)
def staff_figures(
    read: Reader,
    *,
    place: _WHERE = "",
    on: _DAY = "",
    type: Annotated[str, code_of("organisation_types"), "only posts of bodies of this type; empty: of all"] = "",
    # a declared default, never changed
    roles: Annotated[list[str], many_of(code_of("roles")), "only posts of these roles; none: of all"] = [],  # noqa: B006
    scheme: Annotated[str, code_of("classifications"), "classification that says what they are; empty: none"] = "",
    aged: Annotated[bool, YES_OR_NO, "whether their ages are summed up"] = False,
    each: Annotated[str, code_of("place_kinds"), "kind of places that are shown one by one; empty: none"] = "",
) -> dict[str, Any]:
    """How many distinct persons hold posts on a day, by role, and what they are by a classification (A21, B37, B50).

    `by_role` counts the persons of each role; whoever has two roles is in both and one of `persons`. `several` hold more than one post.
    The codes and `unclassified` add up to `persons` where a classification is named. Of `ages` the `known` ones make so many `years`
    together, on average so many `tenths` of a year; fewer than five are not told.
    """
    day = on or read.today

    asked = bool(scheme and read.city.code("classifications", scheme, "scheme"))
    codes = {person: held[0] for person, held in coded(read, scheme, day).items()} if asked else {}
    terms = _terms(read, place, day, type, roles)
    of_role: dict[str, set[str]] = defaultdict(set)
    at: dict[str, list[Row]] = defaultdict(list)
    for term in terms:
        of_role[term["role"]].add(term["person_id"])
        for one in lineage(term["place"]):
            at[one].append(term)
    places = all_of(read, "place", each, place, day) if each else []
    named = names_of(read, "place", places)
    return {
        "place": place,
        "day": day,
        "scheme": scheme,
        **_counted(terms, codes, asked),
        "by_role": {role: len(persons) for role, persons in sorted(of_role.items())},
        "ages": _ages(read, {term["person_id"] for term in terms} if aged else set(), day),
        "rows": [named[one] | _counted(at[one], codes, asked) for one in places],
    } | entered_later(read, place, day)


def _ages(read: Reader, persons: set[str], day: str) -> Row:
    found = ages(read, persons, day)
    told = found if len(found) >= _LEAST else []
    tenths = (20 * sum(told) + len(told)) // (2 * len(told)) if told else 0
    return {"known": len(found), "without": len(persons) - len(found), "years": sum(told), "tenths": tenths}


_SEAT = shape(**dict.fromkeys(("code", "zh", "en"), TEXT), required=COUNT, held=COUNT, parted=YES)
_SIDES = dict.fromkeys(("required", "held", "seats_required", "seats_held", "workers_required", "workers_held"), COUNT)


@POST.query(
    answer=shape(
        **dict.fromkeys(("rule", "zh", "en", "place", "day"), TEXT),
        version=COUNT,
        per_households=COUNT,
        places=COUNT,
        full=COUNT,
        uncounted=COUNT,
        **_SIDES,
        vacant=COUNT,
        short=COUNT,
        over=COUNT,
        served=COUNT,
        persons=COUNT,
        rows=many(
            shape(
                **_NAMED,
                **_SIDES,
                households=COUNT,
                qualifier=TEXT,
                short=COUNT,
                over=COUNT,
                served=COUNT,
                seats=many(_SEAT),
            )
        ),
        entered_later=COUNT,
    ),
    as_of=True,
)
def staffing_report(
    read: Reader,
    *,
    rule: Annotated[str, code_of("staffing"), "rule of staffing"],
    place: _WHERE = "",
    on: _DAY = "",
) -> dict[str, Any]:
    """Whether each community has the posts that a rule asks for, 4 + N: what is required, what is held, who is missing (B35, B36).

    A seat is held by one person who holds a post of each of its roles; `parted` says that its roles are held, but by several persons.
    One worker is required for so many households, by the rule's rounding; where none are counted (`uncounted`) none is known to be
    required. `short` and `over` are workers beyond the tolerance, `served` the households that those who are there can serve.
    Both sides add up: `required` is seats and workers required, `held` those held. `persons` are distinct, also over communities.
    """
    day = on or read.today

    entry = read.city.code("staffing", rule, "rule")
    rules: Staffing = data_of("staffing", entry.data)
    at: dict[str, list[Row]] = defaultdict(list)
    for term in _terms(read, place, day):
        for one in lineage(term["place"]):
            at[one].append(term)
    places = all_of(read, "place", rules.of, place, day)
    named = names_of(read, "place", places)
    persons: set[str] = set()
    rows = []
    for one in places:
        row, who = _staffed(rules, at[one], household_sum(read.rows, one, day))
        persons |= who
        rows.append(named[one] | row)
    sums = {name: sum(row[name] for row in rows) for name in (*_SIDES, "short", "over", "served")}
    return {
        "rule": rule,
        "zh": entry.zh,
        "en": entry.en,
        "version": entry.version,
        "place": place,
        "day": day,
        **sums,
        "per_households": rules.per_households,
        "places": len(places),
        "full": sum(row["seats_held"] == row["seats_required"] and not row["short"] for row in rows),
        "uncounted": sum(not row["households"] for row in rows),
        "vacant": sums["seats_required"] - sums["seats_held"],
        "persons": len(persons),
        "rows": rows,
    } | entered_later(read, place, day)


#: How many workers are required for households, by the rounding.
_ROUNDED = {"nearest": lambda count, per: (2 * count + per) // (2 * per), "up": lambda count, per: -(-count // per)}


def _staffed(rules: Staffing, terms: list[Row], households: Row) -> tuple[Row, set[str]]:
    """What a place has of what a rule asks for, and the persons that count; each of them once, in the first seat that is theirs."""
    roles: dict[str, set[str]] = defaultdict(set)
    for term in terms:
        roles[term["person_id"]].add(term["role"])
    taken: set[str] = set()
    seats = []
    for seat in rules.seats:
        fit = sorted(who for who, have in roles.items() if who not in taken and have >= set(seat.roles))[: seat.count]
        taken.update(fit)
        there = {role for have in roles.values() for role in have}
        parted = len(seat.roles) > 1 and not fit and there >= set(seat.roles)
        seats.append(
            {"code": seat.code, "zh": seat.zh, "en": seat.en, "required": seat.count, "held": len(fit)}
            | {"parted": parted}
        )
    workers = {who for who, have in roles.items() if who not in taken and have & set(rules.workers)}
    counted, per = households["value"], rules.per_households
    required = _ROUNDED[rules.rounding](counted, per)
    lacking = required - len(workers)
    filled, asked = len(taken), sum(seat.count for seat in rules.seats)
    row = {
        "households": counted,
        "qualifier": households["qualifier"],
        "seats_required": asked,
        "seats_held": filled,
        "workers_required": required,
        "workers_held": len(workers),
        "required": asked + required,
        "held": filled + len(workers),
        "short": lacking if lacking > rules.tolerance else 0,
        "over": -lacking if -lacking > rules.tolerance else 0,
        "served": len(workers) * per,
        "seats": seats,
    }
    return row, taken | workers
