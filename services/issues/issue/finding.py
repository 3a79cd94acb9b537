"""Finding issues: one case, lists, the inbox of a post, figures. Everybody reads what is public, staff also who."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Annotated, Any

from msgspec.structs import asdict

from services.issues.issue import link
from services.issues.issue.answering import able, results_for
from services.issues.issue.answering import holderless as nobodys
from services.issues.issue.facts import READ_CONFIDENTIAL
from services.issues.issue.rows import FIGURES, HELD, HELD_TEXT, SECRET, SHOWN, UNSTATED
from services.issues.issue.state import ISSUE, NOT_TAKEN, STATUSES
from shared.domain import numbers
from shared.domain.answers import ACTIONS, COUNT, OTHERS, PLACE_NAMES, TEXT, Shape, by_code, page_of, row_of, shape
from shared.domain.answers import many as list_of
from shared.domain.catalogue import TRIAGE
from shared.domain.city import City
from shared.domain.duties import by_duty
from shared.domain.errors import ForbiddenError, NotFoundError
from shared.domain.fields import DAY, PLACE, YES, choice, code_of, id_of, line, look, number
from shared.domain.query import LARGEST_PAGE, Cursor, Limit, order_of
from shared.domain.reader import Reader
from shared.domain.structures import many
from shared.domain.view import Row, Share, state_of
from shared.domain.words import _, said, term

#: Shown to those who act from a post, and to those who may know who reported.
_STAFF = ("person_id", "reporter", "resolved_by")
#: Fields of a row by the field of the fact that their text came from.
_TEXTS = {name: (name,) for name in ("description", "origin", "duty", "outcome")} | {
    "because": ("closed_because",),
    "reason": ("reason", "withdrawn_because", "struck_because", "asked_because"),
}
_FLAG = number(0, 1)

#: Names of the bodies, posts and places that a row mentions.
_NAMES: dict[str, Shape] = dict.fromkeys(("organisation", "organisation_en", "post", "post_en"), TEXT)
_SOMETIMES = _NAMES | {"place_names": PLACE_NAMES, "mine": COUNT} | dict.fromkeys(_STAFF, TEXT)
_MORE = dict.fromkeys(("problem_class", "reported", "changed", "limited", "given", "in_time"), TEXT) | {
    "open": COUNT,
    "provisional": COUNT,
    "serial": COUNT,
    "number": TEXT,
    "overdue": COUNT,
    "actions": ACTIONS,
}
_ALWAYS = row_of(ISSUE, "contact", "link", *_STAFF, **_MORE)["properties"]
_ROW = shape(_SOMETIMES, **_ALWAYS)
_STEP = shape(
    _NAMES
    | {f"to_{name}": TEXT for name in _NAMES}
    | dict.fromkeys(
        ("severity", "tier", "level", "from_level", "to_level", "before", "due", "result", "cause", "recorded"), TEXT
    )
    | dict.fromkeys(("days", "late", "imported", "withheld", "provisional"), COUNT),
    **dict.fromkeys(("at", "what", "organisation_id", "post_id", "text", "to_organisation_id", "to_post_id"), TEXT),
)
_WORKS = shape({"title": TEXT, "title_en": TEXT, "budget_fen": COUNT}, key=TEXT, project_id=TEXT, accepted=COUNT)
_CASE = shape(
    _SOMETIMES | {"contact": {"type": ["string", "null"]}},  # null: erased
    **_ALWAYS,
    others=OTHERS,
    timeline=list_of(_STEP),
    earlier_steps=COUNT,
    works={"anyOf": [_WORKS, {"type": "null"}]},
)
_SHARE = shape(numerator=COUNT, denominator=COUNT, definition=TEXT)
_FIGURES = shape(
    place=TEXT,
    since=TEXT,
    until=TEXT,
    position=COUNT,
    as_of=shape(service=TEXT, position=COUNT),
    collected=COUNT,
    **dict.fromkeys(("by_level", "by_channel", "by_class", "by_status", "follow_ups", "in_time"), by_code(COUNT)),
    overdue=COUNT,
    late=COUNT,
    reopened=COUNT,
    satisfied=_SHARE,
    solved_at_proper_tier=_SHARE,
)


def _masked(read: Reader, row: Row) -> Row:
    """A case as the reader may see it."""
    own = _own(read, row)
    hidden = {"contact", "hidden", "link"}
    if not read.staff(row["place"]):
        hidden |= {"person_id", "resolved_by"}
    if not read.may("issue.read_reporter", row["place"]):
        hidden.add("reporter")
    unread = _unread(read, row)
    blank = {field: "" for name in unread for field in _TEXTS.get(name, ())}
    return {name: value for name, value in row.items() if name not in hidden} | blank | ({"mine": 1} if own else {})


def _own(read: Reader, row: Row) -> bool:
    linked = bool(read.by.link) and link.shows(state_of(ISSUE, row), read.by) and read.today <= row["link_until"]
    return linked or (bool(read.by.actor) and row["reporter"] == read.by.actor)


def _reads_all(read: Reader, row: Row) -> bool:
    """Whether confidential cases and withheld texts at the place of a case are for the reader."""
    return read.may(READ_CONFIDENTIAL, row["place"])


def _unread(read: Reader, row: Row) -> tuple[str, ...]:
    """The texts of a case that the reader may not see."""
    withheld = () if _reads_all(read, row) else tuple(row["withheld"])
    if "description" in withheld:
        withheld = (*withheld, HELD_TEXT)
    if read.may(TRIAGE, row["place"]) or _own(read, row):
        return withheld
    return (*withheld, HELD_TEXT, "description") if row["status"] in NOT_TAKEN else (*withheld, HELD_TEXT)


def _steps(read: Reader, row: Row, steps: Iterable[Row]) -> Iterable[Row]:
    """The steps of a case, without the texts that the reader may not see."""
    unread = _unread(read, row)
    for step in steps:
        hidden = step["field"] in unread
        yield {name: value for name, value in step.items() if name != "field"} | (
            {"text": "", "withheld": 1} if hidden else {}
        )


def _readable(read: Reader, issue_id: str) -> Row:
    """The row of a case; a confidential one is not there for who may not read it."""
    row = read.row("cases", issue_id, "issue", "issue_id")
    if row["confidential"] and not (_own(read, row) or _reads_all(read, row)):
        raise NotFoundError(
            _("there is no {thing} {id}"),
            {"issue_id": said(_("unknown"))},
            thing=term("thing", "issue"),
            id=issue_id,
        )
    return row


@ISSUE.query(answer=_CASE)
def get_issue(read: Reader, *, issue_id: Annotated[str, id_of("issue"), "the issue"]) -> dict[str, Any]:
    """One case with its steps; the contact only for those who may read it at the place."""
    row = _readable(read, issue_id)
    steps = read.rows.find("timeline", {"issue_id": issue_id}, "-key", LARGEST_PAGE)
    case, *named = read.city.named([_masked(read, row), *_steps(read, row, reversed(steps.rows))], "to_")
    contact = {"contact": read.open(row["contact"])} if read.may("issue.read_contact", row["place"]) else {}
    return case | {
        **contact,
        "timeline": [*_from_levels(named)],
        "earlier_steps": int(steps.next is not None),
        "works": read.rows.get("works", issue_id),
        "actions": read.actions(ISSUE, row),
        "others": read.others(ISSUE, row),
    }


def _from_levels(steps: Iterable[Row]) -> Iterable[Row]:
    """Steps that move an issue say from which level, where a step before said it."""
    level = ""
    for step in steps:
        moved = {"from_level": level} if level and step["to_organisation_id"] else {}
        level = step.get("to_level") or step.get("level") or level
        yield {name: value for name, value in step.items() if name not in ("key", "issue_id", "place_names")} | moved


@ISSUE.query(answer=shape(state=TEXT, until=TEXT))
def private_link(read: Reader, *, issue_id: Annotated[str, id_of("issue"), "the issue"]) -> dict[str, Any]:
    """Whether the private link that you show is that of this issue: `holds`, `ended`, or `wrong`, which says nothing of the issue."""
    row = read.rows.get("cases", issue_id)
    if row is None or not link.shows(state_of(ISSUE, row), read.by):
        return {"state": "wrong", "until": ""}
    until = row["link_until"]
    return {"state": "holds" if read.today <= until else "ended", "until": until}


@ISSUE.query(answer=page_of(_ROW))
def find_issues(
    read: Reader,
    *,
    status: Annotated[
        Sequence[str], many(choice(*STATUSES, words="issue status"), 1, len(STATUSES)), "one of these statuses"
    ] = (),
    open: Annotated[int | None, _FLAG, "1: not resolved yet"] = None,
    overdue: Annotated[int | None, _FLAG, "1: open although the time limit has passed"] = None,
    place__under: Annotated[str, PLACE, "a place and everything below it"] = "",
    category: Annotated[str, code_of("issue_categories"), "what it is about"] = "",
    problem_class: Annotated[str, code_of("issue_categories"), "the part of the category before the first dot"] = "",
    channel: Annotated[str, code_of("channels"), "how it came in"] = "",
    level: Annotated[str, code_of("levels"), "level of the accountable organisation"] = "",
    severity: Annotated[str, code_of("severities"), "how grave it is"] = "",
    organisation_id: Annotated[str, id_of("organisation"), "accountable organisation"] = "",
    post_id: Annotated[str, id_of("post"), "accountable post"] = "",
    person_id: Annotated[str, id_of("person"), "accountable person; staff of the place only"] = "",
    number: Annotated[
        str, line(300), "its number however it is typed, whole or a part; of the long one the first 8 characters"
    ] = "",
    origin: Annotated[str, line(130), "visit or patrol it came from"] = "",
    mine: Annotated[bool, YES, "only those you reported yourself"] = False,
    holderless: Annotated[
        bool,
        YES,
        "only open ones whose accountable person does not hold the post; there should be none; staff of the place only",
    ] = False,
    asked: Annotated[bool, YES, "only those for which a later time limit is asked for"] = False,
    due__lt: Annotated[str, DAY, "time limit before this day"] = "",
    reported__gte: Annotated[str, DAY, "reported on this day or later"] = "",
    reported__lt: Annotated[str, DAY, "reported before this day"] = "",
    order: Annotated[
        str, order_of("reported", "due", "place", "status", "category"), "sorted by; - before it: descending"
    ] = "-reported",
    limit: Limit = 50,
    cursor: Cursor = "",
) -> dict[str, Any]:
    """Issues that fit all filters; confidential ones for those who may read them in the whole area, and one's own.

    What is held or struck out is listed for staff who may judge issues in the whole area, when they ask for these statuses alone.
    """
    if holderless or person_id:
        place__under = place__under or read.by.place
    if holderless and not read.staff(place__under):
        raise ForbiddenError(
            _("only staff look for issues that nobody answers for"), {"holderless": said(_("staff only"))}
        )
    if person_id and not read.staff(place__under):
        raise ForbiddenError(
            _("issues are listed by accountable person for staff only"), {"person_id": said(_("staff only"))}
        )
    if mine and not read.by.actor:
        return {"rows": [], "next": None}
    everything = mine or read.may(READ_CONFIDENTIAL, place__under)
    held = bool(status) and set(status) <= set(NOT_TAKEN) and read.may(TRIAGE, place__under)
    shown = [SHOWN, *([SECRET] if everything else []), *([HELD] if held else [])]
    where = {
        "status": status,
        "open": open,
        "overdue": overdue,
        "place__under": place__under,
        "category": category,
        "problem_class": problem_class,
        "channel": channel,
        "level": level,
        "severity": severity,
        "organisation_id": organisation_id,
        "post_id": post_id,
        "person_id": person_id,
        "origin": origin,
        "reporter": read.by.actor if mine else "",
        "asked_due__gte": "0" if asked else "",
        "due__lt": due__lt,
        "due__gte": "0" if due__lt else "",  # what has no time limit is not before a day
        "reported__gte": reported__gte,
        "reported__lt": reported__lt,
        "hidden": shown,
    } | (numbered(number) if number else {})
    if holderless:  # what the clock and the registry's facts leave none of is looked for in all that is open
        given = {name: value for name, value in where.items() if value not in (None, "", [], ())}
        found = list(islice(nobodys(read.city, given), limit))
        rows = [_masked(read, row) | {"actions": read.actions(ISSUE, row)} for row in found]
        return {"rows": read.city.named(rows), "next": None}
    return _listed(read, where, limit, cursor, order)


def numbered(typed: str) -> dict[str, Any]:
    """The filter for a number as somebody typed it: digits of full width, with other dashes or none, in capitals, with blanks, cut off.

    The short one is found by its parts, too. The long one is 32 hexadecimal digits in groups; of these the first 8 are enough.
    """
    short = numbers.read(typed)
    if short.number:
        return {"number": short.number}
    if short.serials and len(look(typed)) < 8:
        return {"serial": list(short.serials)}
    text = "".join("-" if unicodedata.category(one) == "Pd" else one for one in look(typed))
    digits = text.replace("-", "")
    if not re.fullmatch("[0-9a-f]{8,32}", digits):
        return {"issue_id": text or "-"}
    groups = (digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:])
    begins = "-".join(group for group in groups if group)
    return {"issue_id__gte": begins, "issue_id__lt": begins + "~"}


_POST = ("post_id", "organisation_id", "role", "place", "title", "title_en")


@ISSUE.query(answer=shape(rows=list_of(shape(_NAMES | {"place_names": PLACE_NAMES}, **dict.fromkeys(_POST, TEXT)))))
def posts_for_issue(
    read: Reader,
    *,
    issue_id: Annotated[str, id_of("issue"), "the issue"],
    command: Annotated[
        str, choice("dispatch_issue", "escalate_issue", words="command"), "what is to be done"
    ] = "dispatch_issue",
) -> dict[str, Any]:
    """The posts that can take an issue on: whose duty it is, then the closest; to hand it up only of bodies above (A12, C12)."""
    row = _readable(read, issue_id)
    posts = able(row["place"], read.city, row["organisation_id"] if command == "escalate_issue" else "")
    posts = by_duty(posts, row["category"], read.city)
    return {"rows": read.city.named({name: post[name] for name in _POST} for post in posts)}


@ISSUE.query(answer=shape(rows=list_of(shape(result=TEXT))))
def answers_for_issue(
    read: Reader,
    *,
    issue_id: Annotated[str, id_of("issue"), "the issue"],
    command: Annotated[str, choice("record_follow_up", words="command"), "what is to be done"] = "record_follow_up",
) -> dict[str, Any]:
    """The answers that you may record: who says it of themselves was reached (C09)."""
    row = read.row("cases", issue_id, "issue", "issue_id")
    return {"rows": [{"result": result} for result in results_for(state_of(ISSUE, row), read.by)]}


@ISSUE.query(answer=page_of(_ROW))
def inbox(read: Reader, *, limit: Limit = 50, cursor: Cursor = "") -> dict[str, Any]:
    """Open issues that the posts you hold answer for, those without a time limit first, then by time limit."""
    posts = [post["post_id"] for post in read.city.posts_of(read.by.actor)]
    if not posts:
        return {"rows": [], "next": None}
    hidden = None if read.may(READ_CONFIDENTIAL, read.by.place) else 0
    return _listed(read, {"post_id": posts, "open": 1, "hidden": hidden}, limit, cursor, "due")


@ISSUE.query(answer=page_of(_ROW), power=TRIAGE)
def find_held_issues(
    read: Reader,
    *,
    place__under: Annotated[str, PLACE, "a place and everything below it; empty: your own"] = "",
    limit: Limit = 50,
    cursor: Cursor = "",
) -> dict[str, Any]:
    """Issues that nobody signed for and that are held until staff release them or strike them out; in your area, the oldest first."""
    hidden = [HELD, *([SECRET] if read.may(READ_CONFIDENTIAL, place__under) else [])]
    where = {"status": "held", "hidden": hidden, "place__under": place__under}
    return _listed(read, {name: value for name, value in where.items() if value}, limit, cursor, "reported")


def _listed(read: Reader, where: Mapping[str, Any], limit: int, cursor: str, order: str) -> Row:
    return read.named_page("cases", where, limit, cursor, order, ISSUE, lambda row: _masked(read, row))


@ISSUE.query(answer=_FIGURES)
def issue_figures(
    read: Reader,
    *,
    place: Annotated[str, PLACE, "a place and everything below it; empty: the whole city"] = "",
    since: Annotated[str, DAY, "reported on this day or later"] = "",
    until: Annotated[str, DAY, "reported before this day"] = "",
) -> dict[str, Any]:
    """Figures of the issues at a place and below, of a period those reported in it, with what each is of (A04, C14, C15, C16, C17).

    `by_level` is a partition by the level that leads now, so its sum is `collected` (X03); "unknown" holds issues of organisations whose
    level is not known. `by_class` holds confidential ones as a class of their own. `late` counts facts that were entered a day or more
    after they happened (X02); `in_time` those resolved within their time limit or not (C12), where `imported` is what only the date of an
    import says.
    """
    answer = read.as_of(lambda: _figures(read, place, since, until))
    return answer | {"position": answer["as_of"]["position"]}


def _figures(read: Reader, place: str, since: str, until: str) -> Row:
    sums = read.sums(FIGURES, place, since, until)
    by_level: dict[str, int] = {}
    for name, count in sums.get("by_level", {}).items():
        level = _stated(name, read.city)
        by_level[level] = by_level.get(level, 0) + count
    contained, follow_ups = sums.get("contained", {}), sums.get("follow_ups", {})
    solved = contained.get("yes", 0)
    satisfied = Share(
        numerator=follow_ups.get("satisfied", 0),
        denominator=sum(follow_ups.values()),
        definition="follow-ups answered satisfied / all follow-ups, unreachable ones too",
    )
    proper = Share(
        numerator=solved,
        denominator=solved + contained.get("no", 0),
        definition="resolved issues led at their triaged tier or narrower / resolved issues with a tier and a known level",
    )
    return {
        "place": place,
        "since": since,
        "until": until,
        "collected": sum(by_level.values()),
        "by_level": dict(sorted(by_level.items())),
        **{name: sums.get(name, {}) for name in ("by_channel", "by_class", "by_status")},
        "overdue": sums.get("overdue", 0),
        "late": sums.get("late", 0),
        "in_time": sums.get("in_time", {}),
        "reopened": sums.get("reopened", 0),
        "follow_ups": follow_ups,
        "satisfied": asdict(satisfied),
        "solved_at_proper_tier": asdict(proper),
    }


def _stated(name: str, city: City) -> str:
    """The level that a sum is of: an organisation's, where the issues did not state it."""
    return (city.level_of(name.removeprefix(UNSTATED)) or "unknown") if name.startswith(UNSTATED) else name
