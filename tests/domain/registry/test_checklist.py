"""Checklists as data: the four norms of an organisation, the nine items of a station, judged by others."""

from __future__ import annotations

from typing import Any

from services.registry.checklist import (
    CHECKLIST,
    ChecklistFailed,
    ChecklistItem,
    ChecklistOpened,
    ChecklistPassed,
    ItemJudged,
    judge_item,
    open_checklist,
)
from shared.domain.errors import BadInputError, ForbiddenError, NotFoundError
from shared.domain.mandate import Mandate
from tests.kit import ANYONE, given
from tests.kit.city import COMPOUND, entry
from tests.kit.rows import city

NORMS = [("set-up", "规范组建"), ("people", "规范人选"), ("function", "规范功能"), ("management", "规范管理")]
FOUR_NORMS = entry(
    "checklists",
    "four-norms",
    subject="organisation",
    items=[{"code": code, "zh": zh, "en": code} for code, zh in NORMS],
    power="checklist.judge.norms",
    unlocks="standard-organisation",
)
NINE = entry(
    "checklists",
    "station-nine",
    subject="place",
    items=[{"code": f"has-{n}", "zh": f"有{n}", "en": f"has {n}"} for n in range(1, 10)],
    power="checklist.judge.station",
    unlocks="station",
)
CITY = city("2025-03-04", FOUR_NORMS, NINE)
OPENED = ChecklistOpened(
    checklist_id="c-1",
    template="four-norms",
    template_version=1,
    subject="o-compound",
    subject_kind="organisation",
    organisation_id="o-compound",
    place=COMPOUND,
    items=tuple(ChecklistItem(code, zh, code) for code, zh in NORMS),
    power="checklist.judge.norms",
    unlocks="standard-organisation",
)
STREET = Mandate(actor="p-street", role="r", organisation_id="o-street", powers=frozenset({"checklist.*"}))


def judged(item: str, passed: bool = True, **more: Any) -> ItemJudged:
    by = {"evidence": "seen", "person_id": "p-street", "organisation_id": "o-street"} | more
    return ItemJudged(checklist_id="c-1", item=item, passed=passed, **by)


def test_a07_an_organisation_is_judged_by_the_citys_four_norms() -> None:
    """The template of the day is applied to a subject that is there, once (part of A07)."""
    ask = {"city": CITY, "template": "four-norms", "subject": "o-compound"}
    given(CHECKLIST, "c-1").when(open_checklist, **ask).then(OPENED)
    given(CHECKLIST, "c-1", OPENED).when(open_checklist, **ask).then_nothing()
    unknown = given(CHECKLIST, "c-1").when(open_checklist, **ask | {"subject": "o-nobody"})
    unknown.then_raises(NotFoundError, "there is no")
    given(CHECKLIST, "c-1").when(open_checklist, **ask | {"template": "3437"}).then_raises(
        BadInputError, "not on the city"
    )


def test_a07_only_when_all_four_hold_is_it_standard() -> None:
    """Incomplete is not 规范; the last item completes it, and one found not to hold takes it back (A07)."""
    three = (OPENED, judged("set-up"), judged("people"), judged("function"))
    passed = ChecklistPassed(
        checklist_id="c-1", template="four-norms", subject="o-compound", unlocks="standard-organisation"
    )
    ask = {"city": CITY, "by": STREET, "item": "management", "passed": True, "evidence": "seen"}
    given(CHECKLIST, "c-1", OPENED).when(judge_item, **ask).then(judged("management"))
    given(CHECKLIST, "c-1", *three).when(judge_item, **ask).then(judged("management"), passed)
    given(CHECKLIST, "c-1", *three, judged("management"), passed).when(judge_item, **ask).then_nothing()
    failed = ChecklistFailed(checklist_id="c-1", template="four-norms", subject="o-compound", item="people")
    again = {"city": CITY, "by": STREET, "item": "people", "passed": False, "evidence": "seen"}
    spec = given(CHECKLIST, "c-1", *three, judged("management"), passed).when(judge_item, **again)
    spec.then(judged("people", passed=False), failed)


def test_a07_nobody_judges_their_own_body() -> None:
    """Refused for the judged, whatever powers they have, and for who lacks the template's power (part of A07)."""
    own = Mandate(actor="p", role="r", organisation_id="o-compound", powers=frozenset({"*"}))
    ask = {"city": CITY, "item": "people", "passed": True, "evidence": "seen"}
    given(CHECKLIST, "c-1", OPENED).when(judge_item, by=own, **ask).then_raises(ForbiddenError, "own body")
    weak = Mandate(actor="p", role="r", organisation_id="o-street", powers=frozenset({"checklist.judge"}))
    given(CHECKLIST, "c-1", OPENED).when(judge_item, by=weak, **ask).then_raises(ForbiddenError, "judged by whoever")
    machine = Mandate(actor="x", role="service", powers=frozenset({"*"}))
    given(CHECKLIST, "c-1", OPENED).when(judge_item, by=machine, **ask).then_raises(ForbiddenError, "a person judges")


def test_an_item_of_another_list_is_refused_and_a_checklist_must_be_there() -> None:
    ask = {"city": CITY, "item": "has-1", "passed": True, "evidence": "seen"}
    given(CHECKLIST, "c-1", OPENED).when(judge_item, by=STREET, **ask).then_raises(BadInputError, "no item")
    given(CHECKLIST, "c-1").when(judge_item, by=STREET, **ask).then_raises(NotFoundError, "there is no")


def test_b32_a_station_has_nine_items_and_passing_them_unlocks_it() -> None:
    """Nine items of data; eight are not enough; what is unlocked is known to the city (part of B32)."""
    spec = given(CHECKLIST, "c-1").when(open_checklist, by=ANYONE, city=CITY, template="station-nine", subject=COMPOUND)
    (opened,) = spec.ask(spec.state)
    assert (len(opened.items), opened.place, opened.unlocks) == (9, COMPOUND, "station")
    eight = (opened, *(judged(f"has-{n}") for n in range(1, 9)))
    ask = {"city": CITY, "by": STREET, "item": "has-9", "passed": True, "evidence": "seen"}
    done = given(CHECKLIST, "c-1", *eight).when(judge_item, **ask)
    assert [type(event) for event in done.ask(done.state)] == [ItemJudged, ChecklistPassed]
    passed = {"template": "station-nine", "subject": COMPOUND, "unlocks": "station"}
    assert not CITY.unlocked(COMPOUND, "station")
    assert city("2025-03-04", ("ChecklistPassed", passed)).unlocked(COMPOUND, "station")
    assert not city("2025-03-04", ("ChecklistPassed", passed), ("ChecklistFailed", passed)).unlocked(
        COMPOUND, "station"
    )


def test_a_passed_checklist_is_not_opened_anew_by_a_newer_template() -> None:
    newer = ("EntryAdopted", FOUR_NORMS[1] | {"version": 2, "since": "2025-02-01"})
    where = city("2025-03-04", FOUR_NORMS, newer)
    ask = {"city": where, "template": "four-norms", "subject": "o-compound"}
    spec = given(CHECKLIST, "c-1", OPENED).when(open_checklist, **ask)
    (opened,) = spec.ask(spec.state)
    assert opened.template_version == 2
    passed = ChecklistPassed(checklist_id="c-1", template="four-norms", subject="o-compound", unlocks="x")
    given(CHECKLIST, "c-1", OPENED, passed).when(open_checklist, **ask).then_nothing()
