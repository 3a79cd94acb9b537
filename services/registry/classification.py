"""Classifications: a person has exactly one code of a classification from a day on, for staff to read (B34, A21, B40, D44).

The classifications are catalogue entries of the kind `classifications`: the category of a Party member, full-time or part-time, the level
of education, one document of a personnel file, one topic of a training. Who somebody is classified as is for staff of the place;
everybody reads the figures.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
from msgspec.structs import replace

from services.registry.coded import check_day, codes_on, history, one_of, refuse_same
from services.registry.later import entered_later
from services.registry.person import PERSON, READ_NAMES, Person, shown_name, with_names
from services.registry.subjects import other_power, power_of
from shared.domain.answers import (
    ACTIONS,
    COUNT,
    LABELS,
    OTHERS,
    PLACE_NAMES,
    TEXT,
    by_code,
    many,
    row_of,
    shape,
)
from shared.domain.catalogue import data_of
from shared.domain.city import City
from shared.domain.decider import Decider
from shared.domain.errors import ForbiddenError, IllegalStateError, NotFoundError
from shared.domain.event import Event, taken
from shared.domain.fields import CODE, DAY, PLACE, code_of, id_of, text
from shared.domain.identity import derived_id
from shared.domain.listing import Listing
from shared.domain.mandate import Mandate
from shared.domain.privacy import staff
from shared.domain.reader import Reader, missing
from shared.domain.signature import holds
from shared.domain.staffing import Classification as Rules
from shared.domain.territory import within
from shared.domain.view import View
from shared.domain.words import Said, _, said

#: Lets one classify persons, unless the classification asks for another power.
CLASSIFY = "person.classify"


# Facts. Class and field names are the storage format: rename nothing, upcast instead.
class PersonClassified(Event, frozen=True, kw_only=True):
    """A person has a code of a classification from a day on, in the place of the one before (B34)."""

    classification_id: Annotated[str, staff(READ_NAMES)]  # made of the person
    scheme: str  # code of the catalogue entry
    scheme_version: int
    person_id: Annotated[str, staff(READ_NAMES)]
    organisation_id: str  # the body that they belong to as such, or ""
    place: str
    code: Annotated[str, staff(READ_NAMES)]
    code_zh: Annotated[str, staff(READ_NAMES)]
    code_en: Annotated[str, staff(READ_NAMES)]
    former: Annotated[str, staff(READ_NAMES)]
    since: str  # ISO date
    grounds: Annotated[str, staff(READ_NAMES)]


class ClassificationEnded(Event, frozen=True, kw_only=True):
    """A person has no code of a classification from a day on."""

    classification_id: Annotated[str, staff(READ_NAMES)]  # made of the person
    scheme: str
    place: str
    until: str  # ISO date, the first day without it
    reason: Annotated[str, staff(READ_NAMES)]


class Classification(msgspec.Struct, frozen=True):
    """What a person is by a classification."""

    id: str
    status: str = "unknown"  # unknown, classified, ended
    scheme: str = ""
    scheme_version: int = 0
    person_id: str = ""
    organisation_id: str = ""
    place: str = ""
    code: str = ""
    code_zh: str = ""
    code_en: str = ""
    since: str = ""
    until: str = ""
    grounds: str = ""


def evolve(classification: Classification, event: Event) -> Classification:
    """Apply a recorded fact. Never refuses: it has already happened."""
    match event:
        case PersonClassified():
            return Classification(**taken(event, Classification, id=classification.id, status="classified"))
        case ClassificationEnded():
            return replace(classification, status="ended", until=event.until, grounds=event.reason)
    return classification


CLASSIFICATION = Decider(
    "classification",
    (PersonClassified, ClassificationEnded),
    Classification,
    Classification,
    evolve,
    lambda classification: classification.place,
)


def classification_id(scheme: str, person: str) -> str:
    """The id of what a person is by a classification."""
    return derived_id("classification", scheme, person)


def require_classified(city: City, scheme: str, person: str, field: str) -> None:
    """Raise `IllegalStateError` unless a person has a code of a classification (A21); "" asks for nothing."""
    if not scheme:
        return
    row = city.rows.get("classifications", classification_id(scheme, person)) or {}
    if row.get("status") != "classified":
        raise IllegalStateError(
            _("members of such a body are classified by {scheme}; say what {person} is, first"),
            {field: said(_("is not classified yet"))},
            scheme=scheme,
            person=person,
        )


def _id(ask: Mapping[str, Any], by: Mandate) -> str:
    return classification_id(ask["scheme"], ask["person_id"])


@CLASSIFICATION.command(CLASSIFY, new=_id, compares=True, alone=True, place=lambda ask, by: by.place)
def classify_person(
    classification: Classification,
    *,
    by: Mandate,
    at: str,
    city: City,
    person: Annotated[Person, holds(PERSON, "person_id")],
    scheme: Annotated[str, code_of("classifications"), "which classification"],
    person_id: Annotated[str, id_of("person"), "the person"],
    code: Annotated[str, CODE, "what they are from now on: one code of the classification"],
    grounds: Annotated[str, text(1000), "what shows it: number of the file, certificate, list; for staff to read"],
    organisation_id: Annotated[str, id_of("organisation"), "body that they belong to as such; empty: none"] = "",
    since: Annotated[str, DAY, "first day, not ahead; empty: today"] = "",
) -> list[Event]:
    """Say what a person is by a classification: one code at a time, from a day on, never by themselves (B34, A21, B40, D44)."""
    entry = city.code("classifications", scheme, "scheme")
    rules: Rules = data_of("classifications", entry.data)
    body = city.organisation(organisation_id) if organisation_id else None
    if organisation_id and (body is None or body["until"]):
        raise NotFoundError(
            _("there is no organisation {organisation}; establish it first"),
            {"organisation_id": said(_("unknown"))},
            organisation=organisation_id,
        )
    if person.status != "registered":
        raise NotFoundError(
            _("there is no person {person}; register them first"), {"person_id": said(_("unknown"))}, person=person_id
        )
    place = str(body["place"]) if body else person.place
    by.require(rules.power, place)
    if person_id == by.actor:
        raise ForbiddenError(
            _("nobody says of themselves what they are; somebody else with the power does"),
            {"person_id": said(_("must be somebody else"))},
        )
    chosen = one_of(rules.classes, scheme, code)
    since = since or at[:10]
    told = (classification.code, classification.organisation_id)
    now = classification.status == "classified"
    if now and (*told, classification.grounds) == (code, organisation_id, grounds):
        return []
    check_day(classification, since, at[:10], "since")
    if now and told == (code, organisation_id):
        raise refuse_same(person_id, code, classification.since)
    return [
        PersonClassified(
            classification_id=classification.id,
            scheme=scheme,
            scheme_version=entry.version,
            person_id=person_id,
            organisation_id=organisation_id,
            place=place,
            code=code,
            code_zh=chosen.zh,
            code_en=chosen.en,
            former=classification.code if now else "",
            since=since,
            grounds=grounds,
        )
    ]


def _stays(one: Classification, by: Mandate, city: City) -> Said | None:
    return other_power(city, "classifications", one.scheme, one.place, by)


@CLASSIFICATION.command(CLASSIFY, when=("classified",), unless=_stays)
def end_classification(
    classification: Classification,
    *,
    by: Mandate,
    at: str,
    city: City,
    reason: Annotated[str, text(1000), "why it ends, for staff to read"],
    until: Annotated[str, DAY, "first day without it, not ahead; empty: today"] = "",
) -> list[Event]:
    """End what a person is by a classification: they moved away, or it was never so."""
    by.require(power_of(city, "classifications", classification.scheme), classification.place)
    until = until or at[:10]
    check_day(classification, until, at[:10], "until")
    return [
        ClassificationEnded(
            classification_id=classification.id,
            scheme=classification.scheme,
            place=classification.place,
            until=until,
            reason=reason,
        )
    ]


# Rows and figures.
_SHOWN = ("code", "code_zh", "code_en", "organisation_id", "place", "since", "grounds")


CLASSIFICATIONS = View.of(
    CLASSIFICATION,
    "classifications",
    ("place", ("scheme", "code"), "person_id", "organisation_id", "status", "since"),
    history(PersonClassified, *_SHOWN),
)

_HELD = shape(**dict.fromkeys((*_SHOWN, "until", "recorded"), TEXT))
_ROW = row_of(CLASSIFICATION, name=TEXT, history=many(_HELD), place_names=PLACE_NAMES, actions=ACTIONS)


_LISTED = Listing(CLASSIFICATION, CLASSIFICATIONS, shape(LABELS, **_ROW["properties"]), with_names)


@_LISTED.list("place", "since", power=READ_NAMES)
def find_classifications(
    place__under: Annotated[str, PLACE, "a place and everything below it; empty: your own"] = "",
    scheme: Annotated[str, code_of("classifications"), "by this classification"] = "",
    code: Annotated[str, CODE, "with this code"] = "",
    person_id: Annotated[str, id_of("person"), "of this person"] = "",
    organisation_id: Annotated[str, id_of("organisation"), "belonging to this body"] = "",
) -> None:
    """The ledger of persons by a classification, with what each was before, for staff of the place (B34)."""


@CLASSIFICATION.query(answer=shape(LABELS, others=OTHERS, **_ROW["properties"]))
def get_classification(
    read: Reader, *, classification_id: Annotated[str, id_of("classification"), "the classification"]
) -> dict[str, Any]:
    """What a person is by a classification, and what they were before, for staff of the place."""
    row = read.thing("classifications", classification_id, CLASSIFICATION)
    if not read.may(READ_NAMES, row["place"]):
        raise missing("classification", classification_id, "classification_id")
    person = read.rows.get("persons", row["person_id"])
    return row | {"name": shown_name(read, person) if person else ""}


def coded(read: Reader, scheme: str, day: str) -> dict[str, tuple[str, str, str]]:
    """By person: the code that they have by a classification on a day, the body they belong to and the place."""
    return {
        row["person_id"]: (held["code"], held["organisation_id"], held["place"])
        for row, held in codes_on(read, "classifications", scheme, day)
    }


@CLASSIFICATION.query(
    answer=shape(
        **dict.fromkeys(("scheme", "place", "organisation_id", "day", "majority"), TEXT),
        codes=by_code(COUNT),
        persons=COUNT,
        entered_later=COUNT,
    ),
    as_of=True,
)
def classification_figures(
    read: Reader,
    *,
    scheme: Annotated[str, code_of("classifications"), "classification"],
    place: Annotated[str, PLACE, "a place and everything below it; empty: the whole city"] = "",
    organisation_id: Annotated[str, id_of("organisation"), "only who belongs to this body; empty: everybody"] = "",
    on: Annotated[str, DAY, "day; empty: today"] = "",
) -> dict[str, Any]:
    """How many persons are what by a classification on a day; the codes add up to the distinct persons (B34, D05).

    `majority` is the code that more than half of them have, "" when none has.
    """
    day = on or read.today

    rules: Rules = data_of("classifications", read.city.code("classifications", scheme, "scheme").data)
    codes = dict.fromkeys((one.code for one in rules.classes), 0)
    for code, body, where in coded(read, scheme, day).values():
        if organisation_id in ("", body) and within(where, place):
            codes[code] = codes.get(code, 0) + 1
    persons = sum(codes.values())
    return {
        "scheme": scheme,
        "place": place,
        "organisation_id": organisation_id,
        "day": day,
        "codes": codes,
        "persons": persons,
        "majority": next((code for code, count in codes.items() if 2 * count > persons), ""),
    } | entered_later(read, place, day)
