"""Checklists: a version of a template applied to a subject, each item judged with evidence, never by the judged (A07, B32).

The templates are catalogue entries of the kind `checklists`: the four norms of an organisation, the nine items of a station. When all
items pass, the subject has what the template unlocks.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
from msgspec.structs import replace

from services.registry.standing import standing_id
from services.registry.subjects import SUBJECT, named_ends, there
from shared.domain.answers import (
    ACTIONS,
    COUNT,
    PLACE_NAMES,
    TEXT,
    by_code,
    many,
    row_of,
    shape,
)
from shared.domain.catalogue import Checklist as Template
from shared.domain.catalogue import data_of
from shared.domain.city import City
from shared.domain.decider import Decider
from shared.domain.errors import BadInputError, ForbiddenError, IllegalStateError
from shared.domain.event import Event, taken
from shared.domain.fields import CODE, PLACE, YES, choice, code_of, line, text
from shared.domain.identity import derived_id
from shared.domain.listing import Listing, Under
from shared.domain.mandate import Mandate
from shared.domain.privacy import PUBLIC, told
from shared.domain.reader import Reader
from shared.domain.view import Row, View, tally
from shared.domain.words import Said, _, said, term


class ChecklistItem(msgspec.Struct, frozen=True, gc=False):
    """An item as the template words it."""

    code: str
    zh: str
    en: str


# Facts. Class and field names are the storage format: rename nothing, upcast instead.
class ChecklistOpened(Event, frozen=True, kw_only=True):
    """A subject is to be judged by a version of a template (A07, B32)."""

    checklist_id: str
    template: str  # code of the catalogue entry
    template_version: int
    subject: str  # organisation id, post id, or territory path
    subject_kind: str  # organisation, post or place
    organisation_id: str  # the judged body, or ""
    place: str
    items: Annotated[tuple[ChecklistItem, ...], PUBLIC]
    power: str  # of who judges
    unlocks: str


class ItemJudged(Event, frozen=True, kw_only=True):
    """Somebody else than the judged says whether an item holds, on what evidence; a later judgement replaces it."""

    checklist_id: str
    item: str
    passed: bool
    evidence: Annotated[str, told()]
    person_id: Annotated[str, PUBLIC]
    organisation_id: str


class ChecklistPassed(Event, frozen=True, kw_only=True):
    """All items hold; the subject has what the template unlocks."""

    checklist_id: str
    template: str
    subject: str
    unlocks: str


class ChecklistFailed(Event, frozen=True, kw_only=True):
    """An item of a passed checklist was found not to hold any more."""

    checklist_id: str
    template: str
    subject: str
    item: str


class Judgement(msgspec.Struct, frozen=True):
    """The judgement of an item that counts."""

    passed: bool
    evidence: str
    person_id: str
    organisation_id: str


class Checklist(msgspec.Struct, frozen=True):
    """A checklist of a subject; `judged` by item."""

    id: str
    status: str = "unknown"  # unknown, open, passed
    template: str = ""
    template_version: int = 0
    subject: str = ""
    subject_kind: str = ""
    organisation_id: str = ""
    place: str = ""
    items: tuple[ChecklistItem, ...] = ()
    power: str = ""
    unlocks: str = ""
    judged: dict[str, Judgement] = {}


def evolve(checklist: Checklist, event: Event) -> Checklist:
    """Apply a recorded fact. Never refuses: it has already happened."""
    match event:
        case ChecklistOpened():
            return Checklist(**taken(event, Checklist, id=checklist.id, status="open"))
        case ItemJudged():
            judgement = Judgement(event.passed, event.evidence, event.person_id, event.organisation_id)
            return replace(checklist, judged=checklist.judged | {event.item: judgement})
        case ChecklistPassed():
            return replace(checklist, status="passed")
        case ChecklistFailed():
            return replace(checklist, status="open")
    return checklist


CHECKLIST = Decider(
    "checklist",
    (ChecklistOpened, ItemJudged, ChecklistPassed, ChecklistFailed),
    Checklist,
    Checklist,
    evolve,
    lambda checklist: checklist.place,
)


def _id(ask: Mapping[str, Any], by: Mandate) -> str:
    return derived_id("checklist", ask["template"], ask["subject"])


@CHECKLIST.command("checklist.open", new=_id, compares=True, place=lambda ask, by: by.place)
def open_checklist(
    checklist: Checklist,
    *,
    by: Mandate,
    at: str,
    city: City,
    template: Annotated[str, code_of("checklists"), "which checklist"],
    subject: Annotated[str, SUBJECT, "what is judged: id of the organisation or post, or territory path"],
) -> list[Event]:
    """Apply the template's version of today to a subject, which is judged item by item from then on (A07, B32)."""
    entry = city.code("checklists", template, "template")
    rules: Template = data_of("checklists", entry.data)
    judged = there(city, rules.subject, "", subject)
    place, organisation_id = str(judged["place"]), str(judged.get("organisation_id", ""))
    by.require("checklist.open", place)
    _for_it(city, template, rules, subject)
    if checklist.status != "unknown" and (checklist.template_version >= entry.version or checklist.status == "passed"):
        return []
    return [
        ChecklistOpened(
            checklist_id=checklist.id,
            template=template,
            template_version=entry.version,
            subject=subject,
            subject_kind=rules.subject,
            organisation_id=organisation_id,
            place=place,
            items=tuple(ChecklistItem(item.code, item.zh, item.en) for item in rules.items),
            power=rules.power,
            unlocks=rules.unlocks,
        )
    ]


def _for_it(city: City, template: str, rules: Template, subject: str) -> None:
    """Raise `IllegalStateError` when the checklist is for those who are something else by a scheme (B16)."""
    if not rules.scheme:
        return
    standing = city.rows.get("standings", standing_id(rules.scheme, subject)) or {}
    code = standing["code"] if standing.get("status") == "standing" else "-"
    if code != rules.standing:
        raise IllegalStateError(
            _("{template} is for who is {wanted} by {scheme}; {subject} is {code}"),
            {"subject": said(_("another checklist is for it"))},
            template=template,
            wanted=rules.standing,
            scheme=rules.scheme,
            subject=subject,
            code=code,
        )


def _not_the_judged(checklist: Checklist, by: Mandate) -> Said | None:
    if checklist.organisation_id and by.organisation_id == checklist.organisation_id:
        return said(_("nobody judges their own body; somebody from another one does"))
    if not by.may(checklist.power, checklist.place):
        return said(
            _("this checklist is judged by whoever has the power {power}"), power=term("power", checklist.power)
        )
    return None


@CHECKLIST.command("checklist.judge", when=("open", "passed"), only=_not_the_judged)
def judge_item(
    checklist: Checklist,
    *,
    by: Mandate,
    at: str,
    city: City,
    item: Annotated[str, CODE, "code of the item"],
    passed: Annotated[bool, YES, "whether it holds"],
    evidence: Annotated[str, text(1000), "what shows it: document, photo, visit, for everyone to read"],
) -> list[Event]:
    """Say whether an item of a checklist holds, with evidence; the last one that passes completes it (A07, B32)."""
    if not by.actor or by.role in ("service", "operator"):
        raise ForbiddenError(_("a person judges, since somebody must answer for it"))
    template = city.versions("checklists")[checklist.template][-1]
    _for_it(city, checklist.template, data_of("checklists", template.data), checklist.subject)
    known = [one.code for one in checklist.items]
    if item not in known:
        raise BadInputError(
            _("{item} is no item of this checklist; known: {known}"),
            {"item": said(_("not on the checklist"))},
            item=item,
            known=", ".join(known),
        )
    judgement = Judgement(passed, evidence, by.actor, by.organisation_id)
    if checklist.judged.get(item) == judgement:
        return []
    judged = ItemJudged(
        checklist_id=checklist.id,
        item=item,
        passed=passed,
        evidence=evidence,
        person_id=by.actor,
        organisation_id=by.organisation_id,
    )
    given = {code: one.passed for code, one in checklist.judged.items()} | {item: passed}
    whole = all(given.get(code, False) for code in known)
    if whole and checklist.status != "passed":
        return [judged, _passed(checklist)]
    if not whole and checklist.status == "passed":
        failed = ChecklistFailed(
            checklist_id=checklist.id, template=checklist.template, subject=checklist.subject, item=item
        )
        return [judged, failed]
    return [judged]


def _passed(checklist: Checklist) -> ChecklistPassed:
    return ChecklistPassed(
        checklist_id=checklist.id, template=checklist.template, subject=checklist.subject, unlocks=checklist.unlocks
    )


def _holds(checklist: Checklist, item: str) -> bool:
    judged = checklist.judged.get(item)
    return judged is not None and judged.passed


# Rows and figures.
def _more(row: Row, checklist: Checklist, event: Event, record: Any) -> Row:
    holding = sum(_holds(checklist, item.code) for item in checklist.items)
    passed_on = record.occurred[:10] if isinstance(event, ChecklistPassed) else row.get("passed_on", "")
    history = row.get("history", [])
    if isinstance(event, ChecklistPassed):
        history = [*history, {"since": record.occurred[:10], "until": ""}]
    elif isinstance(event, ChecklistFailed):
        history = [*history[:-1], history[-1] | {"until": record.occurred[:10]}] if history else []
    return {
        "history": history,
        "holding": holding,
        "of": len(checklist.items),
        "opened_on": row.get("opened_on") or record.occurred[:10],
        "passed_on": passed_on if checklist.status == "passed" else "",
    }


CHECKLISTS = View.of(
    CHECKLIST,
    "checklists",
    ("place", ("template", "status"), "subject", "organisation_id", "opened_on"),
    _more,
    folding=2,
)
CHECKLIST_FIGURES = tally(
    "checklist_figures",
    CHECKLISTS,
    lambda row: {
        "opened": {row["template"]: 1},
        "passed": {row["template"]: int(row["status"] == "passed")},
        "items": {row["template"]: row["of"]},
        "holding": {row["template"]: row["holding"]},
    },
)


#: Where the subject is a body or belongs to one.
_NAMED = dict.fromkeys(("organisation", "organisation_en", "subject_name", "subject_name_en"), TEXT)
_ROW = row_of(
    CHECKLIST,
    **dict.fromkeys(("holding", "of"), COUNT),
    **dict.fromkeys(("opened_on", "passed_on"), TEXT),
    history=many(shape(since=TEXT, until=TEXT)),
    place_names=PLACE_NAMES,
    actions=ACTIONS,
)


_LISTED = Listing(
    CHECKLIST, CHECKLISTS, shape(_NAMED, **_ROW["properties"]), lambda read, rows: named_ends(read, rows, "subject")
)


@_LISTED.list("-opened_on", "place")
def find_checklists(
    place__under: Under = "",
    template: Annotated[str, code_of("checklists"), "of this template"] = "",
    subject: Annotated[str, SUBJECT, "of this subject"] = "",
    status: Annotated[str, choice("open", "passed"), "in this state"] = "",
) -> None:
    """Checklists with how many items hold; one that is not whole is not kept to the norm (A07)."""


_LISTED.one("A checklist with its items, what was judged, by whom and on what evidence.")


@CHECKLIST.query(
    answer=shape(place=TEXT, checklists=by_code(shape(opened=COUNT, passed=COUNT, items=COUNT, holding=COUNT))),
    as_of=True,
)
def checklist_figures(
    read: Reader,
    *,
    place: Annotated[str, PLACE, "territory path; left out: the whole city"] = "",
    template: Annotated[str, line(64), "only this template"] = "",
) -> dict[str, Any]:
    """How many subjects of a place and below passed which checklist, of how many opened, and how many items hold."""

    row = read.rows.get("checklist_figures", place or "*") or {}
    names = [code for code in row.get("opened", {}) if not template or code == template]
    figures = {
        code: {name: row.get(name, {}).get(code, 0) for name in ("opened", "passed", "items", "holding")}
        for code in sorted(names)
    }
    return {"place": place, "checklists": figures}
