"""Standings: a compound or organisation has exactly one code of a scheme from a day on, decided on grounds (E16, E21, A01, X03).

The schemes are catalogue entries of the kind `schemes`: the four modes of a compound, who provides its basic service, 三无 or 三有. A
scheme that is total must have a code for every place or organisation of its kind: so its codes are a partition, and a place of that kind
is registered with its code or not at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

import msgspec
from msgspec.structs import replace

from services.registry.coded import check_day, codes_on, history, one_of, refuse_same
from services.registry.conditions import check_conditions
from services.registry.later import entered_later
from services.registry.subjects import SUBJECT, all_of, missing, named_ends, other_power, there
from shared.domain.answers import ACTIONS, COUNT, PLACE_NAMES, TEXT, by_code, many, row_of, shape
from shared.domain.catalogue import Scheme, SchemeCode, data_of
from shared.domain.city import City
from shared.domain.decider import Decider
from shared.domain.errors import BadInputError, IllegalStateError
from shared.domain.event import Event, taken
from shared.domain.fields import CODE, DAY, PLACE, code_of, text
from shared.domain.identity import derived_id
from shared.domain.listing import Listing, Under
from shared.domain.mandate import Mandate
from shared.domain.privacy import told
from shared.domain.reader import Reader
from shared.domain.view import Row, View
from shared.domain.words import Said, _, said


# Facts. Class and field names are the storage format: rename nothing, upcast instead.
class StandingDecided(Event, frozen=True, kw_only=True):
    """A subject has a code of a scheme from a day on, in the place of the one before (E16, X03)."""

    standing_id: str
    scheme: str  # code of the catalogue entry
    scheme_version: int
    subject: str  # territory path, or organisation id
    place: str
    code: str
    code_zh: Annotated[str, told()]
    code_en: Annotated[str, told()]
    former: str  # the code before, or ""
    since: str  # ISO date
    grounds: Annotated[str, told()]


class StandingEnded(Event, frozen=True, kw_only=True):
    """A subject has no code of a scheme from a day on."""

    standing_id: str
    scheme: str
    subject: str
    former: str
    until: str  # ISO date, the first day without it
    reason: Annotated[str, told()]


class Standing(msgspec.Struct, frozen=True):
    """What a subject is by a scheme."""

    id: str
    status: str = "unknown"  # unknown, standing, ended
    scheme: str = ""
    scheme_version: int = 0
    subject: str = ""
    place: str = ""
    code: str = ""
    code_zh: str = ""
    code_en: str = ""
    since: str = ""
    until: str = ""
    grounds: str = ""


def evolve(standing: Standing, event: Event) -> Standing:
    """Apply a recorded fact. Never refuses: it has already happened."""
    match event:
        case StandingDecided():
            return Standing(**taken(event, Standing, id=standing.id, status="standing"))
        case StandingEnded():
            return replace(standing, status="ended", until=event.until, grounds=event.reason)
    return standing


STANDING = Decider(
    "standing", (StandingDecided, StandingEnded), Standing, Standing, evolve, lambda standing: standing.place
)


def standing_id(scheme: str, subject: str) -> str:
    """The id of what a subject is by a scheme."""
    return derived_id("standing", scheme, subject)


def _rules(city: City, scheme: str, field: str) -> tuple[Scheme, int]:
    entry = city.code("schemes", scheme, field)
    rules: Scheme = data_of("schemes", entry.data)
    return rules, entry.version


def _id(ask: Mapping[str, Any], by: Mandate) -> str:
    return standing_id(ask["scheme"], ask["subject"])


@STANDING.command("standing.decide", new=_id, compares=True, alone=True, place=lambda ask, by: by.place)
def decide_standing(
    standing: Standing,
    *,
    by: Mandate,
    at: str,
    city: City,
    scheme: Annotated[str, code_of("schemes"), "which scheme"],
    subject: Annotated[str, SUBJECT, "what it is decided for: territory path, or id of the organisation"],
    code: Annotated[str, CODE, "what it is from now on: one code of the scheme"],
    grounds: Annotated[str, text(1000), "the decision that it rests on and what shows it, for everyone to read"],
    since: Annotated[str, DAY, "first day, not ahead; empty: today"] = "",
) -> list[Event]:
    """Decide what a compound or organisation is by a scheme: one code at a time, from a day on, on grounds (E16, E21, X03)."""
    rules, version = _rules(city, scheme, "scheme")
    place = str(there(city, rules.subject, rules.of, subject)["place"])
    by.require(rules.power, place)
    chosen = one_of(rules.codes, scheme, code)
    since = since or at[:10]
    if (standing.status, standing.code, standing.grounds) == ("standing", code, grounds):
        return []
    check_day(standing, since, at[:10], "since")
    if standing.status == "standing" and standing.code == code:
        raise refuse_same(subject, code, standing.since)
    check_conditions(city, chosen, subject, place)
    former = standing.code if standing.status == "standing" else ""
    return [_decided(standing.id, scheme, version, subject, place, chosen, former, since, grounds)]


def _decided(
    id: str,
    scheme: str,
    version: int,
    subject: str,
    place: str,
    code: SchemeCode,
    former: str,
    since: str,
    grounds: str,
) -> StandingDecided:
    return StandingDecided(
        standing_id=id,
        scheme=scheme,
        scheme_version=version,
        subject=subject,
        place=place,
        code=code.code,
        code_zh=code.zh,
        code_en=code.en,
        former=former,
        since=since,
        grounds=grounds,
    )


_TOTAL = _("every subject has a code of {scheme}; decide what it is to be instead")


def _stays(standing: Standing, by: Mandate, city: City) -> Said | None:
    """Why this caller cannot end it, whatever they say."""
    rules, _version = _rules(city, standing.scheme, "standing_id")
    if rules.total:
        return said(_TOTAL, scheme=standing.scheme)
    return other_power(city, "schemes", standing.scheme, standing.place, by)


@STANDING.command("standing.decide", when=("standing",), unless=_stays)
def end_standing(
    standing: Standing,
    *,
    by: Mandate,
    at: str,
    city: City,
    reason: Annotated[str, text(1000), "why it ends, for everyone to read"],
    until: Annotated[str, DAY, "first day without it, not ahead; empty: today"] = "",
) -> list[Event]:
    """End what a subject is by a scheme that need not have a code for everyone; a total scheme only changes (X03)."""
    rules, _version = _rules(city, standing.scheme, "standing_id")
    by.require(rules.power, standing.place)
    if rules.total:
        raise IllegalStateError(_TOTAL, scheme=standing.scheme)
    until = until or at[:10]
    check_day(standing, until, at[:10], "until")
    return [
        StandingEnded(
            standing_id=standing.id,
            scheme=standing.scheme,
            subject=standing.subject,
            former=standing.code,
            until=until,
            reason=reason,
        )
    ]


# What is decided with the registration of a place.
def asked_standings(state: Any, ask: Mapping[str, Any]) -> list[str]:
    """The standings of a place that is being registered: by each scheme that is named."""
    return [standing_id(scheme, state.id) for scheme in ask["standings"]]


def first_standings(
    city: City, held: Mapping[str, Standing], place: str, kind: str, standings: Mapping[str, str], day: str
) -> Iterable[tuple[str, StandingDecided]]:
    """What a place of a kind is from its registration on, by the ids of its standings.

    Raises `IllegalStateError` when a total scheme of its kind is left out, and `BadInputError` for a scheme or code that does not fit.
    """
    schemes = {code: data_of("schemes", entry.data) for code, entry in city.entries("schemes").items()}
    left_out = [
        code
        for code, rules in schemes.items()
        if rules.total and (rules.subject, rules.of) == ("place", kind) and code not in standings
    ]
    if left_out:
        raise IllegalStateError(
            _(
                "a place of the kind {kind} is registered with what it is by {schemes}; every such place has exactly one code"
            ),
            {"standings": said(_("name one code of each: {schemes}"), schemes=", ".join(left_out))},
            kind=kind,
            schemes=", ".join(left_out),
        )
    for scheme, code in standings.items():
        rules, version = _rules(city, scheme, "standings")
        if (rules.subject, rules.of or kind) != ("place", kind):
            raise BadInputError(
                _("{scheme} is not for places of the kind {kind}"),
                {"standings": said(_("of another kind"))},
                scheme=scheme,
                kind=kind,
            )
        chosen = one_of(rules.codes, scheme, code, "standings")
        if chosen.needs or chosen.bodies or chosen.linked or chosen.described:
            raise IllegalStateError(
                _(
                    "{code} has conditions that nothing meets before it is registered; register it with another code first"
                ),
                {"standings": said(_("has conditions"))},
                code=code,
            )
        id = standing_id(scheme, place)
        if held[id].status == "unknown":
            yield id, _decided(id, scheme, version, place, place, chosen, "", day, "")


# Rows and figures.
_SHOWN = ("code", "code_zh", "code_en", "since", "grounds")
STANDINGS = View.of(
    STANDING,
    "standings",
    ("place", ("scheme", "code"), "subject", "status", "since"),
    history(StandingDecided, *_SHOWN),
)

_HELD = shape(**dict.fromkeys((*_SHOWN, "until", "recorded"), TEXT))
_NAMED = dict.fromkeys(("organisation", "organisation_en", "subject_name", "subject_name_en"), TEXT)
_ROW = row_of(STANDING, history=many(_HELD), place_names=PLACE_NAMES, actions=ACTIONS)


_LISTED = Listing(
    STANDING, STANDINGS, shape(_NAMED, **_ROW["properties"]), lambda read, rows: named_ends(read, rows, "subject")
)


@_LISTED.list("place", "since", "subject")
def find_standings(
    place__under: Under = "",
    scheme: Annotated[str, code_of("schemes"), "by this scheme"] = "",
    code: Annotated[str, CODE, "with this code"] = "",
    subject: Annotated[str, SUBJECT, "of this subject"] = "",
) -> None:
    """What compounds and organisations are by a scheme, with how long and on what grounds (E16, A01)."""


_LISTED.one("What a subject is by a scheme, and what it was before.")


@STANDING.query(
    answer=shape(
        scheme=TEXT,
        place=TEXT,
        day=TEXT,
        total={"type": "boolean"},
        codes=by_code(COUNT),
        standing=COUNT,
        subjects=COUNT,
        without=COUNT,
        missing=many(TEXT),
        entered_later=COUNT,
    ),
    as_of=True,
)
def standing_figures(
    read: Reader,
    *,
    scheme: Annotated[str, code_of("schemes"), "scheme"],
    place: Annotated[str, PLACE, "a place and everything below it; empty: the whole city"] = "",
    on: Annotated[str, DAY, "day; empty: today"] = "",
) -> dict[str, Any]:
    """How many subjects have which code of a scheme on a day, of how many there are then, and which have none (E16–E22, X03).

    `standing` is the sum of the codes; `subjects` counts the places or organisations of the scheme's kind on the day, `without` those
    that have no code, of which `missing` names up to 50.
    """
    day = on or read.today

    rules = data_of("schemes", read.city.code("schemes", scheme, "scheme").data)
    codes = dict.fromkeys((one.code for one in rules.codes), 0)
    having = set()
    for row, held in codes_on(read, "standings", scheme, day, _under(place)):
        codes[held["code"]] = codes.get(held["code"], 0) + 1
        having.add(row["subject"])
    return (
        {
            "scheme": scheme,
            "place": place,
            "day": day,
            "total": rules.total,
            "codes": codes,
            "standing": sum(codes.values()),
        }
        | missing(all_of(read, rules.subject, rules.of, place, day), having)
        | entered_later(read, place, day)
    )


def _under(place: str) -> Row:
    return {"place__under": place} if place else {}
