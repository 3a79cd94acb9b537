"""The same again, or something else: an id and a key that were used stand for what was said with them, for every declared command."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from services.console.catalogue import OWNERS, definition
from shared.domain.command import MADE, Command
from shared.domain.errors import BadInputError, IllegalStateError, LinliError
from shared.domain.fields import Choice, Day, Moment, Number, Text
from shared.domain.structures import Many, Pairs
from shared.following.context import Signer
from tests.desk.registry.founding import founded
from tests.domain.registry.facts import PROFILE
from tests.kit.city import BUILDING, COMMUNITY, COMPOUND, ENTRIES, OTHER_COMPOUND, entry, facts, post
from tests.kit.desk import Desk

WORKER, APPROVER = "post-worker", "post-approver"
DAY, MOMENT = "2025-03-03", "2025-03-03T19:00:00+08:00"
ITEMS = [{"code": "road", "zh": "路平", "en": "level road"}]
#: What is there before: by service, the commands that make it.
BEFORE: dict[str, list[tuple[str, dict[str, Any]]]] = {
    "registry": [
        ("adopt_entry", {"kind": "organisation_types", "code": "guild", "zh": "行会", "en": "guild"}),
    ],
    "issues": [],
    "volunteers": [
        ("form_team", {"team_id": "t-here", "kind": "safety", "name": "队", "place": COMPOUND}),
        *(
            step
            for person in ("p-resident", "p-neighbour", "p-other")
            for step in (
                ("register_volunteer", {"person_id": person, "name": person, "home": COMPOUND}),
                ("join_team", {"team_id": "t-here", "person_id": person}),
            )
        ),
    ],
    "funding": [
        (
            "propose_project",
            {"project_id": "pr-1", "title": "改造", "place": COMPOUND, "budget_fen": 10, "shares": {"residents": 10}}
            | {"criteria": ITEMS},
        ),
        ("approve_project", {"project_id": "pr-1"}),
    ],
}
PATROL = {"team_id": "t-here", "place": COMPOUND, "members": ["p-resident", "p-neighbour"]}
TYPES = PROFILE["code_lists"]["organisation_types"] | {"club": {"zh": "社团", "en": "club"}}
#: A whole call of each command that makes a thing, sealed texts included.
CALLS: dict[str, dict[str, dict[str, Any]]] = {
    "registry": {
        "adopt_entry": {"kind": "organisation_types", "code": "club", "zh": "社团", "en": "club"},
        "retire_entry": {"kind": "organisation_types", "code": "guild", "reason": "没有了"},
        "register_place": {"place": f"{COMPOUND}.77", "kind": "building", "name": "七号楼", "name_en": "7"}
        | {"parent": COMPOUND},
        "establish_organisation": {"organisation_id": "o-new", "type": "party", "name": "新", "name_en": "New"}
        | {"level": "building", "place": BUILDING, "parent_id": "branch", "since": DAY},
        "establish_post": {"post_id": "post-new", "organisation_id": "committee", "role": "grid_worker"}
        | {"title": "新岗", "title_en": "new post", "place": COMPOUND, "ex_officio_post_id": ""},
        "register_person": {"person_id": "p-new", "name": "新人", "place": COMMUNITY},
        "adopt_profile": {"profile_id": "fuzhou", **PROFILE, "version": 7, "effective": "2025-03-04"}
        | {"code_lists": PROFILE["code_lists"] | {"organisation_types": TYPES}},
    },
    "issues": {
        "report_issue": {"place": COMPOUND, "category": "facility.road", "description": "坑", "contact": "13800000000"},
        "plan_visit": {"visit_id": "v-1", "place": COMPOUND, "planned_on": "2025-03-05", "person_id": "p-grid"},
        "record_visit": {"visit_id": "v-2", "place": COMPOUND, "visited_on": DAY, "household": "302室", "opinions": 2}
        | {"person_id": "p-grid"},
        "record_diagnosis": {"place": COMPOUND, "kind": "diagnosis", "diagnosed_on": DAY}
        | {"problems": [{"category": "facility.road", "note": "路不平"}]},
    },
    "volunteers": {
        "register_volunteer": {"person_id": "p-grid", "name": "陈依明", "home": COMPOUND},
        "survey_member": {"person_id": "p-grid", "unit": "o-street", "level": "street", "place": COMPOUND}
        | {"surveyed": DAY},
        "report_in": {"person_id": "p-street", "unit": "o-street", "place": COMPOUND, "kind": "member", "since": DAY},
        "form_team": {"team_id": "t-1", "kind": "safety", "name": "平安队", "place": COMPOUND, "name_en": "Safety"},
        "plan_activity": {"activity_id": "a-1", "title": "服务日", "kind": "service", "place": COMPOUND}
        | {"starts": MOMENT, "title_en": "Day", "series": "s", "issue_id": "", "project_id": ""},
        "plan_patrol": {"patrol_id": "r-1", "starts": MOMENT, **PATROL},
        "log_patrol": {"patrol_id": "r-2", "started": MOMENT, "minutes": 40, "route": "一圈", "findings": [], **PATROL},
        "ask_wish": {"wish_id": "w-1", "place": COMPOUND, "wish": "轮椅", "wisher": "陈依姆", "contact": "13800000000"}
        | {"wisher_id": "p-resident"},
    },
    "funding": {
        "propose_project": {
            "project_id": "pr-2",
            "title": "加梯",
            "title_en": "Lift",
            "place": COMPOUND,
            "works": ITEMS,
        }
        | {
            "budget_fen": 1000,
            "shares": {"residents": 1000},
            "criteria": ITEMS,
            "programme": "p",
            "issue_ids": ["i-1"],
        },
        "record_receipt": {
            "project_id": "pr-1",
            "source": "residents",
            "payer": "邻里",
            "amount_fen": 5,
            "voucher": "7",
        },
        "request_payment": {"project_id": "pr-1", "payee": "建筑公司", "purpose": "工程", "amount_fen": 4},
    },
}
#: Commands whose id is all that they say, those that need much before them, and one that decides anew each time.
NOTHING_ELSE = {
    *("open_checklist", "disclose_statement", "decide_standing", "propose_link"),
    *("open_selection", "open_owners_vote", "draft_regulation", "start_programme", "join_programme"),
    *(
        "open_survey",
        "answer_survey",
        "register_credit_code",
        "book_venue",
        "call_meeting",
        "open_mediation",
        "blow_whistle",
    ),
    *("share_cost", "classify_person", "measure_grade", "state_indicator", "name_successor"),
    *("erase_household_note", "erase_answerer"),
}
#: What may name something that the city does not know: units of members come from outside too.
ELSEWHERE = {("survey_member", "unit"), ("report_in", "unit")}
CASES = [(service, name) for service, calls in CALLS.items() for name in calls]
OTHERS: dict[str, list[Any]] = {
    "place": [OTHER_COMPOUND, COMMUNITY, BUILDING],
    "person": ["p-other", "p-secretary"],
    "post": ["post-grid"],
    "organisation": ["o-housing", "branch"],
    "team": ["t-1"],
}


def other(field: Any, value: Any) -> Any:
    """Another value of a field that may be sent; None when there is none to try."""
    match field.kind:
        case Number():
            return value + 1
        case Day():
            return "2025-03-02" if value < "2025-03-05" else "2025-03-06"
        case Moment():
            return MOMENT.replace("19:00", "18:30")
        case Text():
            return f"{value}另"
        case Choice():
            return next((code for code in field.kind.codes if code != value), None)
        case Many():
            return {
                "findings": [{"category": "facility.road", "description": "又一处"}],
                "members": [*value, "p-other"],
            }.get(field.name, value[1:])
        case Pairs():
            return value | {"society": 1}
    codes = ENTRIES.get(field.kind.refers, ())
    return next((one for one in [*OTHERS.get(field.kind.refers, ()), *codes, "x-1"] if one != value), None)


@pytest.fixture(scope="module")
def desks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Desk]]:
    """A desk of each service, where somebody may do everything."""
    made = {}
    for service in CALLS:
        folder = tmp_path_factory.mktemp(service)
        if service == "registry":
            made[service] = founded(folder)
        else:
            city = [*facts(), entry("roles", "worker", powers=["*"])]
            posts = [
                *post(WORKER, "o-street", "worker", "p-worker"),
                *post(APPROVER, "o-street", "worker", "p-approver"),
            ]
            made[service] = Desk(service, folder, [*city, *posts])
        if service == "funding":
            made[service].tell("issues", "IssueReported", issue_id="i-1")
        for method, ask in BEFORE[service]:
            made[service].ask(method, APPROVER if method == "approve_project" else by(service), **ask)
    yield made
    for desk in made.values():
        desk.close()


def by(service: str) -> str:
    return "operator" if service == "registry" else WORKER


def changes(service: str, name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The call with one field said differently, field by field; what names the thing stays."""
    command: Command = definition(service).commands[name]
    ask = CALLS[service][name]
    for field in command.asked:
        if field.name in ask and (changed := other(field, ask[field.name])) not in (None, ask[field.name]):
            yield field.name, ask | {field.name: changed}


def test_every_command_that_makes_a_thing_is_tried() -> None:
    making = {name for service in OWNERS for name, one in definition(service).commands.items() if one.new is not None}
    assert making == {name for _, name in CASES} | NOTHING_ELSE


@pytest.mark.parametrize(("service", "name"), CASES)
def test_a_key_stands_for_what_was_sent_with_it(desks: dict[str, Desk], service: str, name: str) -> None:
    desk, ask = desks[service], CALLS[service][name]
    first = desk.ask(name, by(service), command_id=f"key-{name}", **ask)
    assert first["events"] > 0
    assert desk.ask(name, by(service), command_id=f"key-{name}", **ask)["position"] == first["position"]
    head = desk.node.log.head()
    tried = 0
    for field, changed in changes(service, name):
        with pytest.raises(BadInputError) as refused:
            desk.ask(name, by(service), command_id=f"key-{name}", **changed)
        used = "command_id" in refused.value.fields
        assert used or refused.value.fields, field  # or it is refused before that for what it says
        tried += used
    assert tried and desk.node.log.head() == head
    for late in ("2025-03-03T09:00:00+08:00", "2025-03-04T08:59:59+08:00"):
        with pytest.raises(BadInputError, match="this key was used for something else"):
            desk.ask(name, by(service), at=late, command_id=f"key-{name}", **ask)


@pytest.mark.parametrize(
    ("service", "name"), [(one, name) for one, name in CASES if definition(one).commands[name].new != MADE]
)
def test_an_id_stands_for_what_was_said_of_it(desks: dict[str, Desk], service: str, name: str) -> None:
    """Nothing that is sent may be dropped in silence: it is recorded, or it is refused."""
    desk, ask = desks[service], CALLS[service][name]
    desk.ask(name, by(service), command_id=f"key-{name}", **ask)  # does it if it was not done before
    head = desk.node.log.head()
    again = desk.ask(name, by(service), **ask)
    assert (again["events"], desk.node.log.head()) == (0, head), "the same again changes nothing"
    for field, changed in changes(service, name):
        try:
            done = desk.ask(name, by(service), **changed)
        except LinliError as error:
            assert error.kind in ("illegal_state", "bad_input", "not_found", "forbidden"), error
        else:
            assert done["events"], f"{name}: another {field} was dropped in silence"


def names(service: str, name: str) -> Iterator[tuple[str, Any]]:
    """The fields of a call that name a thing, and the same with one that there is not."""
    for field in definition(service).commands[name].asked:
        kind = field.kind
        if getattr(kind, "kind", kind).control == "pick":
            yield (
                field.name,
                [*CALLS[service][name].get(field.name, []), "no-such"] if isinstance(kind, Many) else "no-such",
            )


@pytest.mark.parametrize(("service", "name"), CASES)
def test_what_is_not_there_cannot_be_named(desks: dict[str, Desk], service: str, name: str) -> None:
    desk, ask = desks[service], CALLS[service][name]
    own = definition(service).commands[name].id_field
    for field, wrong in names(service, name):
        if (name, field) in ELSEWHERE:
            continue
        head = desk.node.log.head()
        fresh = {own.name: f"{ask[own.name]}-{field.replace('_', '-')}"} if own and own.name != "place" else {}
        with pytest.raises(LinliError) as refused:
            desk.ask(name, by(service), **ask | fresh | {field: wrong})
        assert refused.value.kind in ("not_found", "illegal_state"), (field, refused.value)
        assert desk.node.log.head() == head


def test_who_repeats_from_memory_is_told_what_differs(desks: dict[str, Desk]) -> None:
    desk, ask = desks["volunteers"], CALLS["volunteers"]["log_patrol"]
    desk.ask("log_patrol", WORKER, command_id="key-log_patrol", **ask)
    more = [{"category": "facility.road", "description": "坑"}]
    with pytest.raises(IllegalStateError, match="there is patrol r-2 already.*nothing was changed") as refused:
        desk.ask("log_patrol", WORKER, **ask | {"findings": more, "minutes": 41})
    assert set(refused.value.fields) == {"findings", "minutes"}


def test_what_was_erased_is_not_compared(desks: dict[str, Desk]) -> None:
    desk, ask = desks["volunteers"], CALLS["volunteers"]["ask_wish"] | {"wish_id": "w-gone", "wisher_id": ""}
    desk.ask("ask_wish", WORKER, **ask)
    desk.personal.erase("wish:w-gone")
    assert desk.ask("ask_wish", WORKER, **ask | {"wish": "别的"})["events"] == 0


def test_a_code_of_content_cannot_be_guessed_without_the_secret() -> None:
    """Who reads the log for ever could otherwise try telephone numbers against it, also of somebody whose data were erased."""
    ask = {"contact": "13800000000"}
    (code,) = Signer(b"a" * 32).content("issues.report_issue", ask, "")
    assert len(code) == 16
    assert Signer(b"b" * 32).content("issues.report_issue", ask, "") != (code,)
    assert Signer(b"b" * 32, b"a" * 32).content("issues.report_issue", ask, "")[1] == code, "the old secret still tells"
