"""What queries answer is what their descriptions say."""

from __future__ import annotations

from typing import Any

import pytest

from services.volunteers.service import VolunteerService
from tests.domain.volunteers.people import HERE
from tests.kit.answers import mismatches
from tests.kit.city import entry
from tests.kit.desk import Desk

STARTS, EARLIER = "2025-03-04T08:00:00+08:00", "2025-03-04T07:00:00+08:00"
ASKED: dict[str, dict[str, Any]] = {
    "find_volunteers": {},
    "get_volunteer": {"person_id": "p-1"},
    "find_roles": {},
    "volunteer_figures": {},
    "find_report_ins": {},
    "find_teams": {},
    "find_members": {"team_id": "t-1"},
    "find_activities": {},
    "get_activity": {"activity_id": "a-1"},
    "activity_figures": {},
    "programme_activities": {"kind": "carriers"},
    "find_patrols": {},
    "find_wishes": {"place__under": HERE},
    "get_wish": {"wish_id": "w-1"},
}


@pytest.fixture(scope="module")
def lived_in(desk: Desk) -> Desk:
    """A desk with one thing of each kind."""

    def ask(method: str, **given: Any) -> None:
        desk.ask(method, "post-worker", **given)

    prongs = [{"code": "all", "zh": "全部", "en": "all", "groups": ["activity_kinds.service", "team_kinds.safety"]}]
    desk.tell_all("registry", [entry("programmes", "carriers", prongs=prongs)])
    for person in ("p-1", "p-2"):
        ask("register_volunteer", person_id=person, name="陈志明", home=HERE)
    ask("take_role", person_id="p-1", role="mediator", place=HERE)
    ask("report_in", person_id="p-1", unit="bureau", place=HERE)
    ask("form_team", team_id="t-1", kind="safety", name="平安", place=HERE)
    for person in ("p-1", "p-2"):
        ask("join_team", team_id="t-1", person_id=person)
    ask("plan_activity", activity_id="a-1", title="t", kind="service", place=HERE, starts=STARTS)
    ask("hold_activity", activity_id="a-1")
    ask("record_attendance", activity_id="a-1", attendances=[{"person_id": "p-1", "minutes": 5, "role": "mediator"}])
    ask(
        "log_patrol",
        team_id="t-1",
        place=HERE,
        route="r",
        started=EARLIER,
        minutes=5,
        members=["p-1", "p-2"],
        findings=[{"category": "order.litter", "description": "bags"}],
    )
    ask("ask_wish", wish_id="w-1", place=HERE, wish="x", wisher="y")
    return desk


def test_every_query_is_asked(lived_in: Desk) -> None:
    assert set(ASKED) == set(lived_in.definition.queries)
    assert all(callable(getattr(VolunteerService, name)) for name in (*ASKED, *lived_in.definition.commands))


@pytest.mark.parametrize("name", ASKED)
def test_an_answer_is_as_described(lived_in: Desk, name: str) -> None:
    answer = lived_in.ask(name, "post-worker", **ASKED[name])
    described = lived_in.definition.queries[name].answer
    assert mismatches(dict(described), answer, name) == []
    assert answer.get("rows") != [], "nothing was compared"
