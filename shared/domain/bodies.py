"""What a city says of its bodies: how their members are elected, what documents they owe, how they meet, what their duties are."""

from __future__ import annotations

from typing import Annotated

import msgspec

from shared.domain.fields import CODE, YES, choice, code_of, number
from shared.domain.lists import Item
from shared.domain.structures import group, many


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


class RegulationKind(msgspec.Struct, frozen=True, kw_only=True):
    """A kind of rules, conventions, duty lists: whose they are, how they are adopted, when they are due (A25, D22, D24, D28, D45–D48)."""

    of: Annotated[str, code_of("organisation_types"), "type of the bodies whose document it is"]
    adopted_by: Annotated[
        str, code_of("organisation_types"), "type of the body that adopts it; empty: whose document it is"
    ] = ""
    guide: Annotated[str, code_of("organisation_types"), "type of the body that guides its making; empty: none"] = ""
    vote: Annotated[str, CODE, "matter of a vote of owners that must have carried it; empty: none"] = ""
    comment_days: Annotated[int, number(0, 366), "days in which residents comment; 0: adopted without comments"] = 0
    advised: Annotated[bool, YES, "whether residents go on advising on it while it is in force"] = False
    answers: Annotated[bool, YES, "whether it names the proposals of residents, or the meeting, that it answers"] = (
        False
    )
    parameters: Annotated[
        list[str],
        many(code_of("parameters")),
        "numbers of the city that it is about; shown as they are while it is in force",
    ] = []
    answered: Annotated[
        bool, YES, "whether those who read it where it hangs answer who they are, for staff to read"
    ] = False
    acknowledged: Annotated[bool, YES, "whether each household acknowledges it"] = False
    due_days: Annotated[int, number(0, 3660), "days after the founding of such a body until it is due; 0: not due"] = 0
    meeting: Annotated[
        str, code_of("meetings"), "kind of meeting that must have carried it, with its minutes; empty: none"
    ] = ""


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
    speakers: Annotated[bool, YES, "whether each item has somebody who speaks to it"] = False
    issues: Annotated[bool, YES, "whether it is held on the spot, each item about an issue that is open"] = False
    topics: Annotated[bool, YES, "whether it is about one of the city's topics"] = False
    notice_days: Annotated[int, number(0, 90), "days between its call and its day at least"] = 0
    voices: Annotated[str, choice("persons", "households", "bodies", words="voices"), "who has a voice"] = "persons"
    quorum_part: Annotated[int, number(0, 1000), "parts of these that must be there; 0: any number"] = 0
    quorum_whole: Annotated[int, number(1, 1000), "parts that all of them are"] = 2
    quorum_above: Annotated[bool, YES, "whether more than these parts must be there"] = False
    majority_part: Annotated[int, number(0, 1000), "parts of those there that must be for something"] = 1
    majority_whole: Annotated[int, number(1, 1000), "parts that all who are there are"] = 2
    majority_above: Annotated[bool, YES, "whether more than these parts must be for it"] = True


class WhistleKind(msgspec.Struct, frozen=True, kw_only=True):
    """A whistle: bodies of which level blow it, whom they call, and in how many hours each reports in (E08-E11)."""

    caller: Annotated[str, code_of("levels"), "level of the bodies that blow it"]
    summoned: Annotated[list[str], many(code_of("organisation_types")), "types of bodies that it calls; none: any"] = []
    hours: Annotated[int, number(1, 720), "hours in which each reports in"] = 24


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
