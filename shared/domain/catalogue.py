"""What a city says of itself: kinds of catalogue entries, each with the schema of its data.

An entry has a kind, a code, words in both languages, a version and the days between which it holds. A city adopts a document of entries;
the registry keeps one stream an entry. What a city leaves out falls back to nothing: a list that is needed and missing is refused at
adoption.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec

from shared.domain.bodies import Duty, MeetingKind, RegulationKind, SelectionKind, WhistleKind
from shared.domain.fields import CODE, YES, FieldError, choice, code_of, line, number
from shared.domain.lists import (
    POWER,
    ActivityKind,
    Category,
    DaysOff,
    Festival,
    IndicatorKind,
    Item,
    Nothing,
    Parameter,
    Ranked,
    ReviewBody,
    Severity,
    Window,
    YearCalendar,
)
from shared.domain.period import CADENCES
from shared.domain.staffing import Classification, GradeTable, Staffing
from shared.domain.structures import Group, group, many
from shared.domain.venue import VenueKind

#: Roles of those who act from no post: who is signed in, and who is not. Their entries say what they may do; no post has them.
RESIDENT, ANONYMOUS = "resident", "anonymous"
#: What a role must let one do to take in issues (X13).
TRIAGE = "issue.triage"


class Role(msgspec.Struct, frozen=True, kw_only=True):
    """What a post makes of its holder: what they may do (C13), and which role takes in issues first (X13)."""

    level: Annotated[str, code_of("levels"), "level of the organisations that have it; empty: any"] = ""
    powers: Annotated[list[str], many(POWER), "what it may do"] = []
    intake: Annotated[
        int,
        number(0, 1000),
        "rank among the roles that take in issues, 1 first among equally close ones; 0: takes in none, as without the power to triage",
    ] = 0
    beside: Annotated[
        list[str],
        many(code_of("organisation_types")),
        "types of bodies in its area, in which its holder has a main post beside this part-time one; none: no other is needed",
    ] = []


class OrganisationType(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A type of organisations; nobody belongs to two bodies of which one watches over the other (D06, X14)."""

    apart: Annotated[
        list[str],
        many(code_of("organisation_types")),
        "types of bodies over the same place whose posts nobody holds at the same time; said of one of two, it is true of both",
    ] = []
    stands_in: Annotated[
        list[str],
        many(code_of("organisation_types")),
        "types of bodies that one of this type acts for at its place until there is a real one",
    ] = []
    instead: Annotated[
        bool, YES, "whether it is established only at places that have none of those for which it stands in"
    ] = False
    under: Annotated[
        list[str],
        many(code_of("organisation_types")),
        "types of bodies of which one is directly above one of this type; none: any, or nothing",
    ] = []
    members: Annotated[
        str,
        code_of("classifications"),
        "classification of which whoever gets a post of such a body has a code; empty: none",
    ] = ""


class Checklist(msgspec.Struct, frozen=True, kw_only=True):
    """What must hold of a subject: items that are each judged, by whom, and what passing all of them unlocks (A07, B29)."""

    subject: Annotated[str, choice("place", "organisation", "post", words="thing"), "what is judged"]
    items: Annotated[list[Item], many(group(Item), 1, 200), "what must hold"]
    power: Annotated[str, POWER, "power of who judges; never the judged"]
    unlocks: Annotated[str, CODE, "code that the subject gets once all items pass; empty: none"] = ""
    scheme: Annotated[str, code_of("schemes"), "scheme that decides whom it is for; empty: everybody"] = ""
    standing: Annotated[str, CODE, "what the subject must be by that scheme"] = ""


class SchemeCode(msgspec.Struct, frozen=True, kw_only=True):
    """What a subject can be by a scheme."""

    code: Annotated[str, CODE, "code"]
    zh: Annotated[str, line(200), "in Chinese"]
    en: Annotated[str, line(400), "in English"]
    needs: Annotated[
        str, CODE, "what the subject must have unlocked by a checklist before it is decided; empty: nothing"
    ] = ""
    bodies: Annotated[
        list[str], many(code_of("organisation_types")), "types of bodies that there must be at its place or above it"
    ] = []
    described: Annotated[
        list[str], many(code_of("attributes")), "attributes of its place that must be known: what the decision rests on"
    ] = []
    linked: Annotated[list[str], many(code_of("links")), "kinds of links of which it must have one, at either end"] = []
    unlinked: Annotated[list[str], many(code_of("links")), "kinds of links of which it must have none"] = []


class Scheme(msgspec.Struct, frozen=True, kw_only=True):
    """What places or organisations can be, one code at a time: mode, provision, 三无 or 三有 (E16, E21, A01)."""

    subject: Annotated[str, choice("place", "organisation", words="thing"), "what has a code"]
    of: Annotated[str, CODE, "kind of the places, or type of the organisations, that it is for; empty: all"] = ""
    codes: Annotated[list[SchemeCode], many(group(SchemeCode), 1, 200), "what it can be"]
    total: Annotated[bool, YES, "whether each of that kind has a code, from its registration on"] = False
    power: Annotated[str, POWER, "power of who decides it"] = "standing.decide"


class LinkKind(msgspec.Struct, frozen=True, kw_only=True):
    """How two things belong together: a unit supports a compound, a cadre is posted to it, N compounds join one (A27, E14, E19)."""

    near: Annotated[str, choice("organisation", "place", "post", words="thing"), "what is linked"]
    near_of: Annotated[str, CODE, "its kind of place, type of organisation or role; empty: any"] = ""
    far: Annotated[str, choice("organisation", "place", "post", words="thing"), "what it is linked to"]
    far_of: Annotated[str, CODE, "the kind of that; empty: any"] = ""
    cap: Annotated[int, number(0, 1000), "links of one near end at most; 0: any number"] = 0
    far_cap: Annotated[int, number(0, 1000), "links of one far end at most; 0: any number"] = 0
    target: Annotated[int, number(0, 1000), "links that each near end should have; 0: none"] = 0
    mutual: Annotated[bool, YES, "whether it holds only once the other end has confirmed it"] = False
    needs: Annotated[str, CODE, "what the near end must have unlocked by a checklist; empty: nothing"] = ""
    far_needs: Annotated[str, CODE, "what the far end must have unlocked by a checklist; empty: nothing"] = ""
    star: Annotated[bool, YES, "whether the far end of one is never the near end of another: one hub, its members"] = (
        False
    )
    power: Annotated[str, POWER, "power of who links, at the place of the near end"] = "link.make"


class Obligation(msgspec.Struct, frozen=True, kw_only=True):
    """What is owed in each period: so many times or minutes, so far apart, with so many persons (A31, A36, D15, D41, E05, X05)."""

    cadence: Annotated[str, choice(*CADENCES, "weekday", "festival", words="cadence"), "period in which it is owed"]
    bearer: Annotated[str, code_of("organisation_types"), "type of the organisations that owe it"]
    amount: Annotated[int, number(1, 100_000), "how many times or minutes a period"] = 1
    spacing: Annotated[int, number(0, 366), "fewest days between two that count"] = 0
    workdays: Annotated[
        bool,
        YES,
        "whether a period that ends on a free day ends on the next working day; a free day alone owes nothing",
    ] = False
    unit: Annotated[str, choice("times", "minutes", words="unit"), "what is counted"] = "times"
    persons: Annotated[int, number(0, 1000), "persons that come each time at least; 0: they are not counted"] = 0
    weekday: Annotated[int, number(0, 7), "day of the week on which it begins, 1 Monday to 7 Sunday; 0: none"] = 0
    days: Annotated[int, number(1, 7), "days that it lasts from its weekday or festival on"] = 1
    festivals: Annotated[list[str], many(code_of("festivals")), "festivals at which it is owed"] = []
    ahead: Annotated[int, number(0, 30), "days before the festival on which it begins"] = 0
    meeting: Annotated[
        str, code_of("meetings"), "kind of meeting that it is done by; empty: anything that is shown"
    ] = ""
    power: Annotated[str, POWER, "power of who meets it"] = "obligation.meet"


class Measure(Item, frozen=True, kw_only=True):
    """A measure of a programme."""

    prong: Annotated[str, CODE, "prong that it belongs to; empty: none"] = ""


class Measured(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is measured of places: numbers that add up over the places below (C02, A26)."""

    unit: Annotated[str, CODE, "unit in which it is always given; empty: that of its first value at a place"] = ""
    population: Annotated[bool, YES, "whether it counts a kind of those who live or work there"] = False


class Attribute(msgspec.Struct, frozen=True, kw_only=True):
    """What places are like in one respect: chosen from a list, a number, a text, an organisation (A42, C02, C51)."""

    kind: Annotated[str, choice("choice", "number", "text", "organisation"), "what its values are"]
    of: Annotated[str, code_of("place_kinds"), "kind of the places that have it; empty: any"] = ""
    unit: Annotated[str, CODE, "unit of its numbers, such as year or percent"] = ""
    choices: Annotated[list[Item], many(group(Item), 0, 50), "what is chosen from"] = []
    most: Annotated[int, number(1, 50), "how many are chosen at most"] = 1


class Prong(Item, frozen=True, kw_only=True, omit_defaults=True):
    """What a programme stands on, with the mechanisms that it groups (A02, A44)."""

    groups: Annotated[
        list[str], many(CODE, 0, 100), "mechanisms of it: a list of the city and a code on it, like links.support"
    ] = []  # noqa: RUF012  # of a msgspec struct: each gets its own


class Stage(Item, frozen=True, kw_only=True, omit_defaults=True):
    """A step that each unit takes, in their order and on evidence (C27)."""

    people: Annotated[int, number(0, 100_000), "residents who took part in it at least"] = 0
    survey: Annotated[
        str, code_of("surveys"), "survey of the unit that must be closed with enough answers; empty: none"
    ] = ""


class Batch(Item, frozen=True, kw_only=True, omit_defaults=True):
    """A batch of units of a programme (B06, B23), or those of one level (B25)."""

    of: Annotated[str, CODE, "kind of its places, or type of its organisations; empty: that of all units"] = ""
    target: Annotated[int, number(0, 100_000), "units that it should have; 0: none is said"] = 0
    checklist: Annotated[str, code_of("checklists"), "checklist by which its units are accepted; empty: none"] = ""


class Programme(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A named programme or campaign: prongs, measures, who leads one, and the batches of its units (B02, B05, B06, B42, C05)."""

    prongs: Annotated[list[Prong], many(group(Prong), 1, 50), "prongs that it stands on"]
    measures: Annotated[list[Measure], many(group(Measure), 0, 200), "measures under the prongs"] = []
    standard: Annotated[str, code_of("regulations"), "kind of document that says its standard; empty: none"] = ""
    lead: Annotated[str, code_of("roles"), "role of the post that leads one; empty: any"] = ""
    unit: Annotated[str, choice("place", "organisation", words="thing"), "what takes part in it"] = "place"
    unit_of: Annotated[str, CODE, "kind of its places, or type of its organisations; empty: any"] = ""
    stages: Annotated[list[Stage], many(group(Stage), 0, 50), "steps that each unit takes, in their order"] = []
    batches: Annotated[
        list[Batch], many(group(Batch), 0, 50), "batches of units, in their order; none: all together"
    ] = []
    in_order: Annotated[
        bool, YES, "whether a batch begins only once all units of the batches before it are accepted"
    ] = False


class Question(Item, frozen=True, kw_only=True):
    """A question that is answered with a whole number: a rating, 1 for yes and 0 for no, how many."""

    least: Annotated[int, number(0, 1000), "least answer"] = 1
    most: Annotated[int, number(0, 1000), "largest answer"] = 5


class SurveyKind(msgspec.Struct, frozen=True, kw_only=True):
    """What households are asked, one answer each: satisfaction with a facility, consent to works, members found (B26, D09, D38, D39)."""

    subject: Annotated[str, choice("place", "organisation", words="thing"), "what they are asked about"] = "place"
    of: Annotated[str, CODE, "kind of its places, or type of its organisations; empty: any"] = ""
    questions: Annotated[list[Question], many(group(Question), 1, 50), "what they are asked"]
    told: Annotated[list[Item], many(group(Item), 0, 50), "what each is told before it answers"] = []
    cadence: Annotated[
        str,
        choice("", "year", "half_year", "quarter", "month", "week"),
        "period in which there is one; empty: any time",
    ] = ""
    least: Annotated[int, number(0, 1000), "answers without which no figure is shown, of all and of each building"] = 0
    needs: Annotated[str, CODE, "what the subject must have unlocked by a checklist; empty: nothing"] = ""


class Need(Item, frozen=True, kw_only=True):
    """What a subject must have to be covered: a body, a post that is held, a link, a standing, a passed checklist, members in common."""

    what: Annotated[
        str,
        choice(
            *("body", "post", "link", "standing", "unlocked", "both", "entered", "met", "document", "classified"),
            words="need",
        ),
        "what it must have",
    ]
    of: Annotated[
        list[str],
        many(CODE, 1, 50),
        "types of bodies, roles, links, meetings, documents, schemes, classifications, what is unlocked: one will do; in common: two types",
    ]
    standing: Annotated[list[str], many(CODE), "codes of the scheme that count; none: any"] = []  # noqa: RUF012  # as above
    reach: Annotated[
        str,
        choice("here", "below", "above", words="reach"),
        "where it counts for a place: at it, below it too, or above it too",
    ] = "here"
    parent: Annotated[str, code_of("organisation_types"), "type of the body that it must be under; empty: any"] = ""
    role: Annotated[str, code_of("roles"), "role of a post of that body that must be held; empty: none"] = ""
    power: Annotated[str, CODE, "what a holder of a post of that body must be able to do; empty: nothing"] = ""
    linked: Annotated[str, code_of("links"), "kind of link that the body must have; empty: none"] = ""


class Coverage(msgspec.Struct, frozen=True, kw_only=True):
    """Of which places, bodies, posts or holders of posts something is asked, and what (E01, B40, B46)."""

    subject: Annotated[str, choice("place", "organisation", "post", "person", words="thing"), "of what it is asked"]
    of: Annotated[
        str, CODE, "its kind of place, type of organisation or role; of persons the role of a post; empty: any"
    ] = ""
    scheme: Annotated[str, code_of("schemes"), "scheme that decides of which it is asked; empty: of all"] = ""
    standing: Annotated[str, CODE, "what they are by that scheme"] = ""
    asks: Annotated[list[Need], many(group(Need), 1, 20), "what each must have, all of it"]
    means: Annotated[str, line(400), "what is counted of what, in Chinese, for everyone to read"]
    means_en: Annotated[str, line(800), "the same in English"]
    met_days: Annotated[int, number(0, 3660), "days in which a meeting must have been held; 0: ever"] = 0
    stand_ins: Annotated[bool, YES, "whether a body that stands in for a missing one counts as that"] = False


@dataclass(frozen=True)
class EntryKind:
    """A kind of entry: the schema of its data, and whether a city must have some."""

    data: type[msgspec.Struct]
    needed: bool = False


#: Kind to what its entries hold.
KINDS: Mapping[str, EntryKind] = {
    "levels": EntryKind(Ranked, needed=True),  # from the top down
    "roles": EntryKind(Role, needed=True),
    "parameters": EntryKind(Parameter),
    "organisation_types": EntryKind(OrganisationType, needed=True),
    "place_kinds": EntryKind(Nothing, needed=True),
    "measures": EntryKind(Measured),
    "attributes": EntryKind(Attribute),
    "days_off": EntryKind(DaysOff),
    "calendars": EntryKind(YearCalendar),
    "issue_categories": EntryKind(Category, needed=True),
    "channels": EntryKind(Nothing, needed=True),
    "severities": EntryKind(Severity, needed=True),
    "tiers": EntryKind(Ranked, needed=True),  # from the narrowest
    "widths": EntryKind(Ranked, needed=True),  # levels and tiers in one order, from the narrowest (C14)
    "volunteer_roles": EntryKind(Nothing, needed=True),
    "team_kinds": EntryKind(Nothing, needed=True),
    "activity_kinds": EntryKind(ActivityKind, needed=True),
    "money_sources": EntryKind(Nothing, needed=True),
    "review_bodies": EntryKind(ReviewBody, needed=True),
    "posting_channels": EntryKind(Nothing, needed=True),
    "windows": EntryKind(Window),
    "checklists": EntryKind(Checklist),
    "festivals": EntryKind(Festival),
    "topics": EntryKind(Nothing),
    "shared_services": EntryKind(Nothing),
    "meetings": EntryKind(MeetingKind),
    "whistles": EntryKind(WhistleKind),
    "obligations": EntryKind(Obligation),
    "schemes": EntryKind(Scheme),
    "classifications": EntryKind(Classification),
    "links": EntryKind(LinkKind),
    "programmes": EntryKind(Programme),
    "selections": EntryKind(SelectionKind),
    "coverages": EntryKind(Coverage),
    "regulations": EntryKind(RegulationKind),
    "surveys": EntryKind(SurveyKind),
    "venues": EntryKind(VenueKind),
    "functions": EntryKind(Nothing),
    "duties": EntryKind(Duty),
    "staffing": EntryKind(Staffing),
    "grade_tables": EntryKind(GradeTable),
    "indicators": EntryKind(IndicatorKind),
}


#: Kind to the schema of its data.
SCHEMAS: Mapping[str, Group] = {kind: group(one.data) for kind, one in KINDS.items()}


def data_of(kind: str, data: Mapping[str, Any]) -> Any:
    """The data of an entry in the schema of its kind.

    Raises `FieldError` that names each wrong part, `KeyError` for an unknown kind.
    """
    return SCHEMAS[kind].load(data)


def whole(kind: str, data: Mapping[str, Any]) -> dict[str, Any]:
    """The stored data of an entry with what the schema of its kind came to have since; as stored where it does not fit any more."""
    try:
        made: dict[str, Any] = msgspec.to_builtins(data_of(kind, data))
    except FieldError:
        return dict(data)
    return made
