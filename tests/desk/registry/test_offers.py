"""What the registry offers can be done: what would be refused whatever is filled in is not among the actions."""

from __future__ import annotations

from typing import Any

import pytest

from services.gateway.portal.beginning import belonging
from services.registry.booking import BOOKING
from services.registry.checklist import CHECKLIST
from services.registry.meeting.state import MEETING
from services.registry.post.state import POST
from services.registry.programme.state import PARTICIPATION
from services.registry.regulation.state import REGULATION
from shared.domain.decider import Decider
from shared.domain.errors import BadInputError, IllegalStateError
from shared.domain.mandate import Mandate
from shared.following.execute import load
from tests.desk.registry.test_programmes import accept, batch, join, programme, start
from tests.desk.registry.test_regulations import draft, yard  # noqa: F401  # a fixture
from tests.desk.registry.test_rows import adopt, officer
from tests.desk.registry.test_rows_of_checklists import checklist, judge
from tests.desk.registry.test_rows_of_meetings import call, kind, on_day, town  # noqa: F401  # a fixture
from tests.desk.registry.test_venues import STAGE, book, venue
from tests.domain.registry.facts import COMPOUND
from tests.kit.desk import Desk

MAYOR = Mandate(actor="p-mayor", role="mayor", organisation_id="yard", powers=frozenset({"*"}))
TODAY = "2025-03-04"


def offered(desk: Desk, decider: Decider[Any], id: str, day: str = TODAY) -> set[str]:
    """What somebody who may do everything is offered on a day."""
    state, city = load(desk.log, decider, id)[0], desk.node.city(day)
    return {name for name, command in decider.commands.items() if command.offered(state, MAYOR, city)}


def test_a_post_is_filled_while_nobody_holds_it_and_emptied_while_somebody_does(desk: Desk) -> None:
    """Held, free, held for a term, over, and one that is filled by a selection only."""
    held, free = {"end_appointment"}, {"appoint_person", "abolish_post"}
    assert offered(desk, POST, "post-secretary") == held
    assert offered(desk, POST, "post-grid") == free
    desk.ask(
        "appoint_person", "operator", post_id="post-grid", person_id="p-lin", since="2025-01-01", until="2025-03-10"
    )
    assert offered(desk, POST, "post-grid") == held
    assert offered(desk, POST, "post-grid", "2025-03-10") == free
    with pytest.raises(IllegalStateError, match="is over since 2025-03-10"):
        ended = {"post_id": "post-grid", "person_id": "p-lin", "until": "2025-03-11"}
        desk.ask("end_appointment", "operator", at="2025-03-11T09:00:00+08:00", **ended)
    adopt(desk, "selections", "cadres", "干部", of="party", role="grid_worker", only=True)
    assert offered(desk, POST, "post-grid", "2025-03-10") == {"abolish_post"}


def test_a_form_asks_for_the_next_holder_of_a_post_whose_last_term_is_over() -> None:
    """Whoever held it before is not who is appointed; whoever holds it is whose term ends."""
    assert belonging(POST.commands["appoint_person"], {"post_id": "post-grid", "person_id": "p-lin"}) == {}


def test_a_booking_is_given_back_until_its_day_is_over(desk: Desk) -> None:
    by = officer(desk, "venue.book")
    venue(desk, STAGE, "stage", "front", "show")
    id = book(desk, by, STAGE, "front", "show", "09:00", "10:00")["id"]
    assert offered(desk, BOOKING, id, "2025-03-08") == {"cancel_booking"}
    assert offered(desk, BOOKING, id, "2025-03-09") == set()
    with pytest.raises(IllegalStateError, match="2025-03-08 is over"):
        desk.ask("cancel_booking", by, at="2025-03-09T09:00:00+08:00", booking_id=id, reason="x")


def test_a_checklist_is_judged_while_it_is_for_its_subject(desk: Desk) -> None:
    """Whoever becomes something else by the scheme is judged by another list."""
    by = officer(desk, "checklist.*", "standing.*")
    codes = [{"code": code, "zh": code, "en": code} for code in ("old", "new")]
    adopt(desk, "schemes", "age", "新旧", subject="place", codes=codes)
    items = [{"code": "roof", "zh": "屋顶", "en": "roof"}]
    told: dict[str, Any] = {"subject": "place", "items": items, "power": "checklist.judge"}
    adopt(desk, "checklists", "old-houses", "旧房", scheme="age", standing="old", **told)
    desk.ask("decide_standing", by, scheme="age", subject=COMPOUND, code="old", grounds="x")
    id = desk.ask("open_checklist", by, template="old-houses", subject=COMPOUND)["id"]
    assert offered(desk, CHECKLIST, id) == {"judge_item"}
    desk.ask("decide_standing", by, scheme="age", subject=COMPOUND, code="new", grounds="y")
    assert offered(desk, CHECKLIST, id) == set()
    with pytest.raises(IllegalStateError, match="is for who is old by age"):
        desk.ask("judge_item", by, checklist_id=id, item="roof", passed=True, evidence="x")


def test_a_unit_is_offered_its_next_step_then_its_acceptance(desk: Desk) -> None:
    """Not accepted before all steps and the checklist; no step once all are taken, or the programme has ended."""
    by = officer(desk, "programme.*", "checklist.*")
    checklist(desk, "houses", "旧房", "place", "屋顶")
    stages = [{"code": "plan", "zh": "共谋", "en": "plan"}]
    programme(desk, "renewal", "更新", stages=stages, batches=[batch("first", "首批", checklist="houses")])
    id = start(desk, by, "renewal")
    unit = join(desk, by, id, COMPOUND, "first")
    assert offered(desk, PARTICIPATION, unit) == {"advance_unit", "leave_programme"}
    desk.ask("advance_unit", by, participation_id=unit, stage="plan", evidence="会议记录")
    assert offered(desk, PARTICIPATION, unit) == {"leave_programme"}
    with pytest.raises(IllegalStateError, match="has taken every step"):
        desk.ask("advance_unit", by, participation_id=unit, stage="plan", evidence="再来")
    with pytest.raises(IllegalStateError, match="its checklist is not passed: 0 of 0"):
        accept(desk, by, unit)
    judge(desk, by, desk.ask("open_checklist", by, template="houses", subject=COMPOUND)["id"], "houses-1")
    assert offered(desk, PARTICIPATION, unit) == {"accept_unit", "leave_programme"}
    accept(desk, by, unit)
    desk.ask("fall_back", by, participation_id=unit, reason="漏水")
    desk.ask("end_programme", by, programme_id=id, result="完成")
    assert "advance_unit" not in offered(desk, PARTICIPATION, unit)
    with pytest.raises(IllegalStateError, match="has ended or was never started"):
        desk.ask("advance_unit", by, participation_id=unit, stage="plan", evidence="x")


def test_a_document_is_adopted_once_comments_are_over_and_answered(yard: Desk) -> None:  # noqa: F811
    """Invited to comment only where its kind says so; commented on in those days; not ended while one waits for its answer."""
    adopt(yard, "regulations", "plan", "方案", of="council", comment_days=7, advised=True)
    plain, heard = draft(yard, "detailed-rules"), draft(yard, "plan")
    assert offered(yard, REGULATION, plain) == {"adopt_regulation", "withdraw_draft"}
    with pytest.raises(IllegalStateError, match="without days for comments"):
        yard.ask("invite_comments", "post-yard", regulation_id=plain)
    assert offered(yard, REGULATION, heard) == {"invite_comments", "withdraw_draft"}
    yard.ask("invite_comments", "post-yard", regulation_id=heard)
    open_ = {"comment_draft", "post_regulation", "withdraw_draft"}
    assert offered(yard, REGULATION, heard) == open_
    yard.ask("comment_draft", "p-chen", regulation_id=heard, text="太吵")
    later = "2025-03-11"
    assert offered(yard, REGULATION, heard, later) == {"answer_comment", "post_regulation", "withdraw_draft"}
    yard.ask("answer_comment", "post-yard", regulation_id=heard, comment=1, taken=True, reason="采纳")
    assert offered(yard, REGULATION, heard, later) == {"adopt_regulation", "post_regulation", "withdraw_draft"}
    at = f"{later}T09:00:00+08:00"
    yard.ask("adopt_regulation", "post-yard", at=at, regulation_id=heard, resolution="第1次会议")
    assert "end_regulation" in offered(yard, REGULATION, heard, later)
    yard.ask("comment_draft", "p-chen", at=at, regulation_id=heard, text="仍吵")
    assert "end_regulation" not in offered(yard, REGULATION, heard, later)
    with pytest.raises(IllegalStateError, match="not yet: 2"):
        yard.ask("end_regulation", "post-yard", at=at, regulation_id=heard, reason="x")
    following = draft(yard, "plan", 2, at=at)
    yard.ask("invite_comments", "post-yard", at=at, regulation_id=following)
    assert "adopt_regulation" not in offered(yard, REGULATION, following, "2025-03-20"), "the version before waits"


def test_nobody_is_charged_with_an_item_that_is_not_on_the_agenda(town: Desk) -> None:  # noqa: F811
    kind(town, "talk", "座谈会", callers=["party"])
    id = call(town, "talk")
    on_day(town, "hold_meeting", id, attended={"committee": 2}, entitled=2, present=2)
    assert "resolve_item" in offered(town, MEETING, id)
    asked: dict[str, Any] = {"text": "修路", "votes_for": 2, "charged_post_id": "post-secretary", "due": "2025-04-01"}
    with pytest.raises(BadInputError, match="it has 1 items"):
        on_day(town, "resolve_item", id, item=2, **asked)
    with pytest.raises(BadInputError, match="only an item that is about an issue"):
        on_day(town, "resolve_item", id, item=1, **asked)
