"""What a city says of itself: kinds of catalogue entries, each with the schema of its data.

An entry has a kind, a code, words in both languages, a version and the days between which it holds. A city adopts a document of entries;
the registry keeps one stream an entry. What a city leaves out falls back to nothing: a list that is needed and missing is refused at
adoption.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any

import msgspec

from shared.domain.fields import CODE, DAY, YES, FieldError, Group, Pattern, choice, code_of, group, line, many, number
from shared.domain.period import CADENCES
from shared.domain.words import _

#: Roles of those who act from no post: who is signed in, and who is not. Their entries say what they may do; no post has them.
RESIDENT, ANONYMOUS = "resident", "anonymous"
#: What a role must let one do to take in issues (X13).
TRIAGE = "issue.triage"
#: Days that anything may be dated back at most, whatever a city says.
LONGEST_WINDOW = 366
#: Place in an order, from 1.
RANK = number(1, 1000)
_POWER = r"(\*|[a-z]+\.\*|[a-z]+(\.[a-z0-9_-]+)+)"
#: A power, or all powers of one kind.
POWER = Pattern(
    pattern=_POWER,
    reason=_("must be a power like issue.dispatch, or issue.* for all of one kind"),
    control="power",
    refers="power",
    facets={"type": "string", "pattern": f"^{_POWER}$", "example": "issue.dispatch"},
)


class Nothing(msgspec.Struct, frozen=True, kw_only=True):
    """A code with its words and no data."""


class Ranked(msgspec.Struct, frozen=True, kw_only=True):
    """A code with its rank in an order; of levels, 1 is the topmost (A03, C06)."""

    rank: Annotated[int, RANK, "place in the order, from 1"]


class Severity(Ranked, frozen=True, kw_only=True):
    """How grave a matter is, and which tier should solve it: small, hard, big (C14)."""

    tier: Annotated[str, code_of("tiers"), "widest tier that should solve it; empty: triage says which"] = ""


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


class Category(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a case is about; of some nobody but staff with the power may read."""

    confidential: Annotated[bool, YES, "whether cases of it are for staff only: quarrels, violence, debts"] = False


class ActivityKind(msgspec.Struct, frozen=True, kw_only=True):
    """A kind of activity; some can be announced only where a checklist has unlocked it (B32)."""

    needs: Annotated[str, CODE, "what the place must have unlocked by a checklist; empty: nothing"] = ""


class DaysOff(msgspec.Struct, frozen=True, kw_only=True):
    """Days on which the city does not work besides those that the state announces; time limits in working days skip them."""

    first: Annotated[str, DAY, "first day"]
    last: Annotated[str, DAY, "last day; empty: only the first"] = ""


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
    members: Annotated[
        str,
        code_of("classifications"),
        "classification of which whoever gets a post of such a body has a code; empty: none",
    ] = ""


class YearCalendar(msgspec.Struct, frozen=True, kw_only=True):
    """The calendar of a year as the state announced it; its code is the year. Limits counted before it came are counted again."""

    off: Annotated[list[str], many(DAY), "free days besides weekends"] = []
    worked: Annotated[list[str], many(DAY), "weekend days worked in exchange"] = []


class ReviewBody(msgspec.Struct, frozen=True, kw_only=True):
    """A body that reviews payments: only organisations of its type review as it (D34)."""

    type: Annotated[str, code_of("organisation_types"), "type of the organisations that review as this body"]


class Parameter(msgspec.Struct, frozen=True, kw_only=True):
    """A number that rules use: days, thresholds in fen, counts."""

    value: Annotated[int, number(0, 10**13), "the number"]


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """How late a command may be entered; its code is the command's name, or the power that several commands ask for (X02)."""

    days: Annotated[int, number(0, LONGEST_WINDOW), "days that it may be dated back; 0: it is recorded when it happens"]


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """An item of a checklist."""

    code: Annotated[str, CODE, "code"]
    zh: Annotated[str, line(200), "in Chinese"]
    en: Annotated[str, line(400), "in English"]


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
    linked: Annotated[list[str], many(code_of("links")), "kinds of links of which it must have one, at either end"] = []
    unlinked: Annotated[list[str], many(code_of("links")), "kinds of links of which it must have none"] = []


class Scheme(msgspec.Struct, frozen=True, kw_only=True):
    """What places or organisations can be, one code at a time: mode, provision, 三无 or 三有 (E16, E21, A01)."""

    subject: Annotated[str, choice("place", "organisation", words="thing"), "what has a code"]
    of: Annotated[str, CODE, "kind of the places, or type of the organisations, that it is for; empty: all"] = ""
    codes: Annotated[list[SchemeCode], many(group(SchemeCode), 1, 200), "what it can be"]
    total: Annotated[bool, YES, "whether each of that kind has a code, from its registration on"] = False
    power: Annotated[str, POWER, "power of who decides it"] = "standing.decide"


class Classification(msgspec.Struct, frozen=True, kw_only=True):
    """What persons can be, one code at a time: category of a Party member, full-time or part-time, a document of a file (B34, B40)."""

    classes: Annotated[list[Item], many(group(Item), 1, 200), "what one can be"]
    power: Annotated[str, POWER, "power of who says it"] = "person.classify"


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


class Festival(msgspec.Struct, frozen=True, kw_only=True):
    """A festival of the year, by the lunar or the solar calendar, or a solar term (D41)."""

    calendar: Annotated[str, choice("lunar", "solar", "term", words="year"), "calendar that it is reckoned by"] = (
        "lunar"
    )
    month: Annotated[int, number(0, 12), "month; 0 for a solar term"] = 0
    day: Annotated[
        int,
        number(1, 31),
        "day, the last one where the lunar month is shorter; of a solar term its number, 1 小寒 to 24 冬至",
    ]


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


class Prong(Item, frozen=True, kw_only=True, omit_defaults=True):
    """What a programme stands on, with the mechanisms that it groups (A02, A44)."""

    groups: Annotated[
        list[str], many(CODE, 0, 100), "mechanisms of it: a list of the city and a code on it, like links.support"
    ] = []


class Stage(Item, frozen=True, kw_only=True, omit_defaults=True):
    """A step that each unit takes, in their order and on evidence (C27)."""

    people: Annotated[int, number(0, 100_000), "residents who took part in it at least"] = 0


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


class Source(Item, frozen=True, kw_only=True, omit_defaults=True):
    """From whom members of a body are chosen; who holds a post is known, all else is shown by documents (A10)."""

    role: Annotated[str, code_of("roles"), "role of a post that they hold there; empty: documents show it"] = ""
    of: Annotated[str, code_of("organisation_types"), "type of the body whose post it is; empty: any"] = ""


class Acceptance(Item, frozen=True, kw_only=True):
    """What a body of a type says of each candidate before the vote (A16)."""

    of: Annotated[str, code_of("organisation_types"), "type of the bodies that say it"]


class SelectionKind(msgspec.Struct, frozen=True, kw_only=True):
    """How the members of a body are found, judged, accepted and elected (A10, A16–A20, D13).

    Of the electors, and of those who voted, so many parts of a whole are needed, or more than these: whole numbers, never percent.
    """

    of: Annotated[str, code_of("organisation_types"), "type of the bodies whose posts it fills"]
    role: Annotated[str, code_of("roles"), "role of these posts; empty: any"] = ""
    only: Annotated[bool, YES, "whether nobody is appointed to such a post without it"] = False
    sources: Annotated[list[Source], many(group(Source), 0, 50), "from whom they come; none: from all"] = []
    steps: Annotated[list[Item], many(group(Item), 0, 20), "steps in which each is looked for, in their order"] = []
    criteria: Annotated[list[Item], many(group(Item), 0, 50), "what must be attested of each"] = []
    traits: Annotated[
        list[Item], many(group(Item), 0, 50), "words that may be said of one; nothing is counted by them"
    ] = []
    acceptances: Annotated[list[Acceptance], many(group(Acceptance), 0, 20), "by whom each must be accepted"] = []
    voters: Annotated[str, choice("persons", "households"), "who has a vote"] = "persons"
    turnout_part: Annotated[int, number(0, 1000), "parts of the electors that must vote"] = 1
    turnout_whole: Annotated[int, number(1, 1000), "parts that all electors are"] = 2
    turnout_above: Annotated[bool, YES, "whether more than these parts must vote"] = True
    majority_part: Annotated[int, number(0, 1000), "parts of those who voted that must be for somebody"] = 1
    majority_whole: Annotated[int, number(1, 1000), "parts that all who voted are"] = 2
    majority_above: Annotated[bool, YES, "whether more than these parts must be for them"] = True
    term_years: Annotated[int, number(0, 20), "years that a term lasts; 0: open"] = 0


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
    standing: Annotated[list[str], many(CODE), "codes of the scheme that count; none: any"] = []
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


class Seat(Item, frozen=True, kw_only=True):
    """What one person is to hold in each community: a post of each of these roles (B35, B36)."""

    roles: Annotated[list[str], many(code_of("roles"), 1, 10), "roles that the same person holds"]
    count: Annotated[int, number(1, 1000), "how many such persons"] = 1


class Staffing(msgspec.Struct, frozen=True, kw_only=True):
    """Who is to work in each place of a kind: so many seats, and workers by its households, 4 + N (B35)."""

    of: Annotated[str, code_of("place_kinds"), "kind of the places"]
    seats: Annotated[list[Seat], many(group(Seat), 1, 50), "whom each has"]
    workers: Annotated[list[str], many(code_of("roles"), 1, 50), "roles of the workers besides"]
    per_households: Annotated[int, number(1, 100_000), "households for which there is one worker"]
    rounding: Annotated[str, choice("nearest", "up"), "how a part of a worker is made whole"] = "nearest"
    tolerance: Annotated[int, number(0, 1000), "workers too few or too many that are let pass"] = 0


class Merit(Item, frozen=True, kw_only=True):
    """What gives points towards a grade (B39)."""

    points: Annotated[int, number(0, 10_000), "points for each unit"]
    most: Annotated[int, number(1, 1000), "units that count at most"]
    years: Annotated[bool, YES, "whether the units are whole years of service"] = False


class Grade(msgspec.Struct, frozen=True, kw_only=True):
    """A level of a type of post (B39)."""

    track: Annotated[str, CODE, "type of post"]
    level: Annotated[int, number(1, 100), "level"]
    least: Annotated[int, number(0, 1_000_000), "points that it needs"]
    coefficient: Annotated[int, number(1, 100_000), "coefficient of pay, in thousandths"]


class GradeTable(msgspec.Struct, frozen=True, kw_only=True):
    """A table of types of posts, levels and points, by which workers are graded: 三岗十八级 (B39)."""

    rule: Annotated[str, choice("points", words="grade rule"), "how it is read"] = "points"
    tracks: Annotated[list[Item], many(group(Item), 1, 20), "types of posts"]
    merits: Annotated[list[Merit], many(group(Merit), 1, 50), "what gives points"]
    grades: Annotated[list[Grade], many(group(Grade), 1, 200), "levels of each type of post, the lowest first"]
    workers: Annotated[list[str], many(code_of("roles"), 1, 50), "roles of those who are graded"]


class RegulationKind(msgspec.Struct, frozen=True, kw_only=True):
    """A kind of rules, conventions, duty lists: whose they are, how they are adopted, when they are due (A25, D24, D45, D47)."""

    of: Annotated[str, code_of("organisation_types"), "type of the bodies whose document it is"]
    adopted_by: Annotated[
        str, code_of("organisation_types"), "type of the body that adopts it; empty: whose document it is"
    ] = ""
    guide: Annotated[str, code_of("organisation_types"), "type of the body that guides its making; empty: none"] = ""
    vote: Annotated[str, CODE, "matter of a vote of owners that must have carried it; empty: none"] = ""
    comment_days: Annotated[int, number(0, 366), "days in which residents comment; 0: adopted without comments"] = 0
    acknowledged: Annotated[bool, YES, "whether each household acknowledges it"] = False
    due_days: Annotated[int, number(0, 3660), "days after the founding of such a body until it is due; 0: not due"] = 0


class MeetingKind(msgspec.Struct, frozen=True, kw_only=True):
    """A kind of meeting: who calls and chairs it, whom it invites and needs, its notice, quorum and majority (A36, B03, C46, D12, D27).

    Of those who have a voice, and of those of them who are there, so many parts of a whole are needed, or more than these.
    """

    callers: Annotated[list[str], many(code_of("organisation_types"), 1), "types of bodies that call it"]
    invited: Annotated[list[str], many(code_of("organisation_types")), "types of bodies that must be invited"] = []
    needed: Annotated[
        list[str], many(code_of("organisation_types")), "types of bodies without which it is not held"
    ] = []
    chair: Annotated[str, code_of("roles"), "role of the post from which it is chaired; empty: any"] = ""
    request: Annotated[
        str, code_of("organisation_types"), "type of the body at whose request it is called; empty: it needs none"
    ] = ""
    residents: Annotated[bool, YES, "whether its items are put forward by residents"] = False
    topics: Annotated[bool, YES, "whether it is about one of the city's topics"] = False
    notice_days: Annotated[int, number(0, 90), "days between its call and its day at least"] = 0
    voices: Annotated[str, choice("persons", "households", "bodies", words="voices"), "who has a voice"] = "persons"
    quorum_part: Annotated[int, number(0, 1000), "parts of these that must be there; 0: any number"] = 0
    quorum_whole: Annotated[int, number(1, 1000), "parts that all of them are"] = 2
    quorum_above: Annotated[bool, YES, "whether more than these parts must be there"] = False
    majority_part: Annotated[int, number(0, 1000), "parts of those there that must be for something"] = 1
    majority_whole: Annotated[int, number(1, 1000), "parts that all who are there are"] = 2
    majority_above: Annotated[bool, YES, "whether more than these parts must be for it"] = True


class Duty(msgspec.Struct, frozen=True, kw_only=True):
    """What bodies of a type or level, or posts of a role, are there to do; for every post that fits all that is said (A12, A28, A45)."""

    of: Annotated[str, code_of("organisation_types"), "type of the bodies that have it; empty: any"] = ""
    level: Annotated[str, code_of("levels"), "level of the bodies that have it; empty: any"] = ""
    role: Annotated[str, code_of("roles"), "role of the posts that have it; empty: any"] = ""
    function: Annotated[str, code_of("functions"), "function that it belongs to"]
    categories: Annotated[
        list[str], many(code_of("issue_categories")), "categories of cases that go to who has it first"
    ] = []
    regulation: Annotated[str, code_of("regulations"), "kind of document that lists it; empty: none"] = ""


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
    "measures": EntryKind(Nothing),
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
    "meetings": EntryKind(MeetingKind),
    "obligations": EntryKind(Obligation),
    "schemes": EntryKind(Scheme),
    "classifications": EntryKind(Classification),
    "links": EntryKind(LinkKind),
    "programmes": EntryKind(Programme),
    "selections": EntryKind(SelectionKind),
    "coverages": EntryKind(Coverage),
    "regulations": EntryKind(RegulationKind),
    "functions": EntryKind(Nothing),
    "duties": EntryKind(Duty),
    "staffing": EntryKind(Staffing),
    "grade_tables": EntryKind(GradeTable),
}
#: Parameters that rules read, with the least and the largest value; a city must have all of them but those with a value in `FORMER`.
PARAMETERS: Mapping[str, tuple[int, int]] = {
    "follow_up_tries": (1, 20),
    "claim_days": (1, 365),
    "longest_claim_days": (1, 365),
    "disclosure_days": (1, 3660),
    "late_entry_days": (0, LONGEST_WINDOW),
    "follow_up_spacing_hours": (1, 720),
    "reopened_working_days": (1, 250),
    "longest_day_minutes": (1, 24 * 60),
    "longest_limit_days": (1, 3660),
    "settling_days": (1, 3660),
    "repeat_days": (1, 3660),
    "bills_needed": (0, 1),
    "contracts_needed": (0, 1),
    "untaken_days": (1, 250),  # working days
    "reopen_days": (1, 3660),
    "link_days": (1, 3660),
    "anonymous_a_day": (0, 100_000),  # cases that one post takes in from nobody in particular
    "open_claims": (1, 1000),  # wishes that one person has claimed at a time
    "claim_releases": (1, 1000),  # claims that one person gives back or lets expire within a year
    "claim_parts": (0, 10),  # leading parts of a wish's place that a claimant's home shares; 2: the street
}
#: What parameters are in a city that adopted its entries before there were such: among them minutes that one person can serve in a day,
#: days that a time limit may lie ahead, and days that the private link of who reported something holds.
FORMER: Mapping[str, int] = {
    "longest_day_minutes": 12 * 60,
    "longest_limit_days": 3660,
    "late_entry_days": 7,
    "follow_up_spacing_hours": 12,
    "reopened_working_days": 10,
    "link_days": 180,
    "anonymous_a_day": 50,
    "open_claims": 5,
    "claim_releases": 5,
    "claim_parts": 2,
}


@cache
def _schema(kind: str) -> Group:
    return group(KINDS[kind].data)


def data_of(kind: str, data: Mapping[str, Any]) -> Any:
    """The data of an entry in the schema of its kind.

    Raises `FieldError` that names each wrong part, `KeyError` for an unknown kind.
    """
    return _schema(kind).load(data)


def whole(kind: str, data: Mapping[str, Any]) -> dict[str, Any]:
    """The stored data of an entry with what the schema of its kind came to have since; as stored where it does not fit any more."""
    try:
        made: dict[str, Any] = msgspec.to_builtins(data_of(kind, data))
    except FieldError:
        return dict(data)
    return made
