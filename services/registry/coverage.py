"""Coverages: of which places, bodies, posts and persons have what the city asks of them, as of a day, and which lack what (E01, B29, B46).

What is asked are catalogue entries of the kind `coverages`: a Party branch at each compound, a held post in each building, three bodies
that sit at one table. A figure is never a percentage: it says how many of how many, in words of what, and who is missing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import Annotated, Any

from services.registry.acting import stood_for
from services.registry.classification import classification_id, coded
from services.registry.later import entered_later
from services.registry.meeting.state import HELD
from services.registry.organisation.rows import parent_on
from services.registry.person import READ_NAMES
from services.registry.place.state import PLACE
from services.registry.subjects import NAMED, SUBJECT, all_of, held_on, names_of
from shared.domain.answers import COUNT, PLACE_NAMES, TEXT, YES, by_code, many, page_of, shape
from shared.domain.catalogue import Coverage, LinkKind, Need, data_of
from shared.domain.city import every
from shared.domain.fields import DAY, code_of
from shared.domain.fields import PLACE as PATH
from shared.domain.period import plus_days
from shared.domain.query import Limit
from shared.domain.reader import Reader
from shared.domain.territory import lineage
from shared.domain.view import Row

#: What counts for a subject or a place: its key, what it is, and the person in it, if any.
Found = Iterator[tuple[str, str, str]]
#: By need and subject: what counts, each with the person in it or "".
Met = Mapping[str, Mapping[str, Mapping[str, str]]]


class _Registered:
    """What is registered on a day (ISO date), read once."""

    def __init__(self, read: Reader, day: str, rules: Coverage) -> None:
        self.read, self.day, self.rules = read, day, rules

    @cached_property
    def bodies(self) -> dict[str, Row]:
        """The bodies that there are, by id, each with the one that it is directly under."""
        where = {"since__lte": self.day, "ended__gt": self.day}
        rows = every(self.read.rows, "organisations", where)
        return {row["organisation_id"]: row | {"above": parent_on(row, self.day)} for row in rows}

    @cached_property
    def terms(self) -> list[Row]:
        """Who holds a post, one row a post."""
        return list(every(self.read.rows, "appointments", {"since__lte": self.day, "held_until__gt": self.day}))

    @cached_property
    def held(self) -> set[str]:
        """The posts that somebody holds."""
        return {term["post_id"] for term in self.terms}

    def links(self, kinds: Iterable[str]) -> Iterator[tuple[str, str]]:
        """Both ends of each link of these kinds, either first; one of a post that nobody holds is nobody's."""
        for row in every(self.read.rows, "links", {"kind": list(kinds)}):
            if not any(held_on(one, self.day) for one in row["history"]):
                continue
            rules: LinkKind = data_of("links", self.read.city.versions("links")[row["kind"]][-1].data)
            if all(
                thing != "post" or row[end] in self.held for end, thing in (("near", rules.near), ("far", rules.far))
            ):
                yield row["near"], row["far"]
                yield row["far"], row["near"]

    def standings(self, scheme: str) -> Iterator[tuple[str, str]]:
        """Each subject with its code of a scheme."""
        for row in every(self.read.rows, "standings", {"scheme": scheme}):
            yield from ((row["subject"], one["code"]) for one in row["history"] if held_on(one, self.day))

    # -- what counts for a need --

    def found(self, need: Need) -> Found:
        """What counts for a need, wherever it is."""
        find = getattr(self, f"_{need.what}")
        yield from find(need)

    def _body(self, need: Need) -> Found:
        at = "place" if self.rules.subject == "place" else "above"
        roles = set(self.read.city.roles_with(need.power)) if need.power else set()
        linked = {one for one, _other in self.links([need.linked])} if need.linked else set()
        holding: dict[str, set[str]] = defaultdict(set)
        if need.role or need.power:
            for term in self.terms:
                holding[term["organisation_id"]].add(term["role"])
        for id, body in self.bodies.items():
            fits = not need.parent or self.bodies.get(body["above"], {"type": ""})["type"] == need.parent
            fits = (
                fits and (not need.role or need.role in holding[id]) and (not need.power or bool(roles & holding[id]))
            )
            if fits and (not need.linked or id in linked) and self._is_one(body, need.of):
                yield body[at], id, ""

    def _is_one(self, body: Row, types: list[str]) -> bool:
        """Whether a body is of one of these types, or stands in for one that is missing at its place, where that counts."""
        if body["type"] in types or not self.rules.stand_ins:
            return body["type"] in types
        acts_for = set(stood_for(self.read.city, body["type"])) & set(types)
        return any((type, body["place"]) not in self._there for type in acts_for)

    @cached_property
    def _there(self) -> set[tuple[str, str]]:
        return {(body["type"], body["place"]) for body in self.bodies.values()}

    def _post(self, need: Need) -> Found:
        at = {"place": "place", "organisation": "organisation_id"}.get(self.rules.subject, f"{self.rules.subject}_id")
        yield from ((term[at], term["post_id"], term["person_id"]) for term in self.terms if term["role"] in need.of)

    def _link(self, need: Need) -> Found:
        yield from ((one, other, "") for one, other in self.links(need.of))

    def _standing(self, need: Need) -> Found:
        for scheme in need.of:
            for subject, code in self.standings(scheme):
                if not need.standing or code in need.standing:
                    yield subject, code, ""

    def _met(self, need: Need) -> Found:
        """Meetings that were held, and of these, where the coverage says so, only those of the last days."""
        first = plus_days(self.day, -self.rules.met_days) if self.rules.met_days else ""
        where = {"kind": need.of, "status": list(HELD), "day__lte": self.day} | ({"day__gt": first} if first else {})
        for row in every(self.read.rows, "meetings", where):
            at = "place" if self.rules.subject == "place" else "organisation_id"
            yield row[at], row["meeting_id"], ""

    def _document(self, need: Need) -> Found:
        where = {"kind": need.of, "from_day__lte": self.day, "to_day__gt": self.day}
        for row in every(self.read.rows, "regulations", where):
            yield row["place" if self.rules.subject == "place" else "organisation_id"], row["regulation_id"], ""

    def _classified(self, need: Need) -> Found:
        for scheme in need.of:
            for person, (code, _body, _place) in coded(self.read, scheme, self.day).items():
                if not need.standing or code in need.standing:
                    yield person, classification_id(scheme, person), person

    def _unlocked(self, need: Need) -> Found:
        for row in every(self.read.rows, "checklists", {}):
            if row["unlocks"] in need.of and any(held_on(one, self.day) for one in row["history"]):
                yield row["subject"], row["checklist_id"], ""

    def _both(self, need: Need, ordered: bool = False) -> Found:
        """Persons who hold posts of two types of bodies at one place; ordered: they had one of the first before one of the second."""
        one, other = need.of
        terms: dict[str, dict[str, list[Row]]] = defaultdict(lambda: {one: [], other: []})
        for term in self.terms:
            type = self.bodies.get(term["organisation_id"], {"type": ""})["type"]
            if type in need.of:
                terms[term["person_id"]][type].append(term)
        for person, held in terms.items():
            for first in held[one]:
                for second in held[other]:
                    if not ordered or first["since"] < second["since"]:
                        for place in set(lineage(first["place"])) & set(lineage(second["place"])):
                            yield place, person, person

    def _entered(self, need: Need) -> Found:
        yield from self._both(need, ordered=True)


def judged(read: Reader, rules: Coverage, place: str, day: str) -> tuple[list[str], Met]:
    """The subjects that there are at and below a place on a day, and what each has of what is needed."""
    there = _Registered(read, day, rules)
    subjects = all_of(read, rules.subject, rules.of, place, day)
    if rules.scheme:
        those = {subject for subject, code in there.standings(rules.scheme) if code == rules.standing}
        subjects = [subject for subject in subjects if subject in those]
    met: dict[str, dict[str, dict[str, str]]] = {}
    for need in rules.asks:
        by: dict[str, dict[str, str]] = defaultdict(dict)
        spreads = rules.subject == "place" and need.reach == "below"
        for key, id, person in there.found(need):
            for one in lineage(key) if spreads else (key,):
                by[one][id] = person
        above = rules.subject == "place" and need.reach == "above"
        met[need.code] = {
            subject: {
                id: who for one in (lineage(subject) if above else (subject,)) for id, who in by.get(one, {}).items()
            }
            for subject in subjects
        }
    return subjects, met


def _lacking(rules: Coverage, met: Met, subject: str) -> list[str]:
    return [need.code for need in rules.asks if not met[need.code][subject]]


_COVERAGE = Annotated[str, code_of("coverages"), "which coverage"]
_WHERE = Annotated[str, PATH, "a place and everything below it; empty: the whole city"]
_DAY = Annotated[str, DAY, "day; empty: today"]
_NEED = {"code": TEXT, "zh": TEXT, "en": TEXT, "having": COUNT, "things": COUNT, "persons": COUNT}
_SAID = dict.fromkeys(("coverage", "zh", "en", "means", "means_en", "place", "day"), TEXT)


@PLACE.query(
    answer=shape(
        **_SAID,
        **dict.fromkeys(("covered", "subjects", "without", "persons"), COUNT),
        needs=many(shape(**_NEED)),
        missing=many(shape(subject=TEXT, name=TEXT, name_en=TEXT, lacks=many(TEXT))),
        entered_later=COUNT,
    ),
    as_of=True,
)
def coverage_figures(read: Reader, *, coverage: _COVERAGE, place: _WHERE = "", on: _DAY = "") -> dict[str, Any]:
    """How many subjects have what a coverage asks for on a day, of how many there are then, and which lack what (E01, B29, B43, B46).

    `means` says what is counted. Of each need: the subjects `having` it, the distinct `things` that meet it and the distinct `persons` in
    them; `persons` of the whole are distinct over all needs. `missing` names up to 50,
    persons only to who may read names. Days of before are counted by
    today's entry, and of the posts that there are today.
    """
    day = on or read.today

    entry = read.city.code("coverages", coverage, "coverage")
    rules: Coverage = data_of("coverages", entry.data)
    subjects, met = judged(read, rules, place, day)
    lacking = {subject: lacks for subject in subjects if (lacks := _lacking(rules, met, subject))}
    needs = []
    for need in rules.asks:
        having = [found for found in met[need.code].values() if found]
        things = {id: person for found in having for id, person in found.items()}
        needs.append(
            {"code": need.code, "zh": need.zh, "en": need.en, "having": len(having), "things": len(things)}
            | {"persons": len(set(things.values()) - {""})}
        )
    persons = {who for by in met.values() for found in by.values() for who in found.values()} - {""}
    told = rules.subject != "person" or read.may(READ_NAMES, place)
    shown = list(lacking)[:NAMED] if told else []
    named = names_of(read, rules.subject, shown)
    return {
        **_told(coverage, entry, rules, place, day),
        "covered": len(subjects) - len(lacking),
        "subjects": len(subjects),
        "without": len(lacking),
        "persons": len(persons),
        "needs": needs,
        "missing": [named[subject] | {"lacks": lacking[subject]} for subject in shown],
    } | entered_later(read, place, day)


def _told(coverage: str, entry: Any, rules: Coverage, place: str, day: str) -> Row:
    said = {"coverage": coverage, "zh": entry.zh, "en": entry.en, "means": rules.means, "means_en": rules.means_en}
    return said | {"place": place, "day": day}


_ROW = shape(
    {"place_names": PLACE_NAMES},
    **dict.fromkeys(("subject", "name", "name_en"), TEXT),
    covered=YES,
    lacks=many(TEXT),
    has=by_code(many(TEXT)),
    persons=COUNT,
)


@PLACE.query(answer=page_of(_ROW))
def coverage_map(
    read: Reader,
    *,
    coverage: _COVERAGE,
    place: _WHERE = "",
    on: _DAY = "",
    after: Annotated[str, SUBJECT, "subjects after this one; empty: from the first"] = "",
    limit: Limit = 50,
) -> dict[str, Any]:
    """Each subject of a coverage with what it has of each need and what it lacks: who serves where (E02, B43, B46).

    `has` are ids of bodies, posts and the like by need, `persons` the distinct persons in them; `next` is the `after` of the next page.
    """
    rules: Coverage = data_of("coverages", read.city.code("coverages", coverage, "coverage").data)
    if rules.subject == "person":
        read.require(READ_NAMES, place)
    subjects, met = judged(read, rules, place, on or read.today)
    left = [subject for subject in sorted(subjects) if subject > after]
    named = names_of(read, rules.subject, left[:limit])
    rows = []
    for subject in left[:limit]:
        lacks = _lacking(rules, met, subject)
        has = {need.code: sorted(met[need.code][subject]) for need in rules.asks}
        persons = {who for need in rules.asks for who in met[need.code][subject].values()} - {""}
        rows.append(named[subject] | {"covered": not lacks, "lacks": lacks, "has": has, "persons": len(persons)})
    return {"rows": rows, "next": left[limit - 1] if len(left) > limit else None}
