"""Cases whose post falls vacant or is left alone move on by themselves, and posts that can act are offered."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.domain.errors import ForbiddenError
from tests.domain.issues.test_answering import DAY, left
from tests.kit.city import COMMUNITY, COMPOUND, entry, facts, post
from tests.kit.desk import Desk


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk("issues", tmp_path)
    yield desk
    desk.close()


@pytest.fixture
def unhurried(tmp_path: Path) -> Iterator[Desk]:
    """A city that has not said how long an issue may wait for somebody."""
    desk = Desk("issues", tmp_path, [one for one in facts() if one[1].get("code") != "untaken_days"])
    yield desk
    desk.close()


def report(desk: Desk, place: str = COMPOUND) -> str:
    asked = {"place": place, "category": "facility.streetlight", "description": "路灯不明"}
    return str(desk.ask("report_issue", "p-resident", **asked)["id"])


def holder(desk: Desk, id: str) -> tuple[str, str]:
    row = desk.ask("get_issue", "post-street", issue_id=id)
    return row["post_id"], row["person_id"]


def test_every_case_of_who_leaves_rises_in_the_same_chain_of_events(desk: Desk) -> None:
    cases = [report(desk) for _ in range(3)]
    other = report(desk, COMMUNITY)
    before = len(list(desk.log.read(0)))
    type, data = left("post-grid", "p-grid", DAY)
    desk.tell("registry", type, **data)
    assert [holder(desk, id) for id in cases] == [("post-secretary", "p-secretary")] * 3
    assert holder(desk, other) == ("post-secretary", "p-secretary")
    handed = list(desk.log.read(before))
    assert [record.type for record in handed] == ["IssueHandedUp"] * 3
    ended = list(desk.others["registry"].read(0))[-1]
    assert {record.causation_id for record in handed} == {ended.id}
    assert desk.ask("find_issues", "post-street", holderless=True)["rows"] == []
    assert desk.ask("get_issue", issue_id=cases[0])["timeline"][-1]["cause"] == "vacant"


def test_what_is_given_to_somebody_who_has_left_meanwhile_goes_on_at_once(desk: Desk) -> None:
    """A report is entered late, for a day on which somebody held the post who does so no longer."""
    worker = entry("roles", "community_worker", intake=1, powers=["issue.*"])
    desk.tell_all("registry", [worker])
    asked = {"place": COMMUNITY, "category": "order.litter", "description": "乱扔垃圾", "channel": "phone"}
    id = str(desk.ask("report_issue", "post-street", "2025-01-31T09:00:00+08:00", **asked)["id"])
    assert [record.type for record in desk.log.read(0)] == ["IssueReported", "IssueHandedUp"]
    assert holder(desk, id) == ("post-street", "p-street")
    assert desk.ask("find_issues", "post-street", holderless=True)["rows"] == []
    with pytest.raises(ForbiddenError, match="only staff"):
        desk.ask("find_issues", "p-resident", holderless=True)


def test_when_a_term_is_over_the_clock_hands_its_issues_up(unhurried: Desk) -> None:
    desk = unhurried
    id = report(desk)
    desk.ask("triage_issue", "post-grid", issue_id=id, severity="small", reason="one lamp")
    type, data = left("post-grid", "p-grid", "2099-03-06")
    desk.tell("registry", type, **data)
    assert holder(desk, id) == ("post-grid", "p-grid")
    assert desk.tick("2099-03-05") == 0
    assert desk.tick("2099-03-06") == 1
    assert desk.tick("2099-03-06") == desk.tick("2099-03-07") == 0
    assert holder(desk, id) == ("post-secretary", "p-secretary")


def test_what_waits_untaken_rises_by_the_clock_step_by_step(desk: Desk) -> None:
    """Reported on a Tuesday, three full working days pass until Friday night."""
    waiting, sent = report(desk), report(desk)
    desk.ask("triage_issue", "post-grid", issue_id=sent, severity="small", reason="one lamp")
    told = {"post_id": "post-grid", "duty": "修灯", "due": "2025-05-30"}
    desk.ask("dispatch_issue", "post-secretary", issue_id=sent, **told)
    assert desk.tick("2025-03-07") == 0
    assert desk.tick("2025-03-08") == 1
    assert desk.tick("2025-03-08") == desk.tick("2025-03-12") == 0
    assert holder(desk, waiting) == ("post-secretary", "p-secretary")
    assert desk.tick("2025-03-13") == 1
    assert holder(desk, waiting) == ("post-street", "p-street")
    assert desk.tick("2025-04-13") == 0
    assert holder(desk, sent) == ("post-grid", "p-grid"), "it has a time limit"
    steps = [step for step in desk.ask("get_issue", issue_id=waiting)["timeline"] if step["what"] == "IssueRaised"]
    assert [(step["days"], step["to_level"] if "to_level" in step else step["level"]) for step in steps] == [
        (3, "community"),
        (3, "street"),
    ]


def test_what_was_judged_and_is_sent_to_nobody_rises_too(desk: Desk) -> None:
    """Judged on Thursday: it has no time limit yet, so it waits for the same working days from then on."""
    id = report(desk)
    judged = {"issue_id": id, "severity": "small", "reason": "one lamp"}
    desk.ask("triage_issue", "post-grid", "2025-03-06T09:00:00+08:00", **judged)
    assert desk.tick("2025-03-11") == 0
    assert desk.tick("2025-03-12") == 1
    assert desk.tick("2025-03-12") == 0
    assert holder(desk, id) == ("post-secretary", "p-secretary")
    assert desk.ask("get_issue", "post-street", issue_id=id)["status"] == "triaged"


def test_a_role_that_loses_its_powers_leaves_no_issue_with_its_posts(desk: Desk) -> None:
    """(part of X13)"""
    id, other = report(desk), report(desk, COMMUNITY)
    desk.tell_all("registry", [entry("roles", "grid_worker", intake=1, powers=["visit.record", "issue.resolve"])])
    assert holder(desk, id) == ("post-secretary", "p-secretary")
    assert desk.ask("get_issue", issue_id=id)["timeline"][-1]["cause"] == "powerless"
    assert holder(desk, other) == ("post-secretary", "p-secretary")
    assert holder(desk, report(desk)) == ("post-secretary", "p-secretary")
    desk.tell_all(
        "registry", [entry("roles", "community_secretary", intake=2, powers=["issue.accept", "issue.resolve"])]
    )
    assert holder(desk, other) == ("post-secretary", "p-secretary"), "who takes on and resolves can still do something"


def test_a_city_that_has_not_said_how_long_lets_nothing_rise(unhurried: Desk) -> None:
    report(unhurried)
    assert unhurried.tick("2025-06-08") == 0


def test_posts_that_can_act_are_offered(desk: Desk) -> None:
    id = report(desk)
    desk.tell_all("registry", [entry("roles", "accountant", powers=["money.read"])])
    desk.tell_all("registry", post("post-accountant", "o-community", "accountant", "p-accountant"))
    offered = [row["post_id"] for row in desk.ask("posts_for_issue", "post-grid", issue_id=id)["rows"]]
    assert offered == ["post-grid", "post-secretary", "post-housing", "post-street"]
    up = desk.ask("posts_for_issue", "post-grid", issue_id=id, command="escalate_issue")["rows"]
    assert [row["post_id"] for row in up] == ["post-secretary", "post-street"]
    for row in up:
        assert row["organisation"] and row["title"]


def test_a_case_goes_first_to_whose_duty_its_category_is(desk: Desk) -> None:
    """Each of 3 levels has its functions: of who can take a case in or on, whose duty it is comes first (A12)."""
    duty = {"function": "works", "of": "", "level": "", "role": "", "regulation": ""}
    before = report(desk)
    assert holder(desk, before) == ("post-grid", "p-grid")
    misfit = {"categories": ["facility"], "role": "community_secretary", "level": "street"}
    desk.tell_all("registry", [entry("duties", "misfit", **duty | misfit)])
    assert holder(desk, report(desk)) == ("post-grid", "p-grid"), "a body of another level"
    posts = {"compound": "post-grid", "community": "post-secretary", "street": "post-street"}
    named = {"compound": "order.litter", "community": "facility", "street": "order.parking"}
    told = [entry("duties", level, **duty | {"level": level, "categories": [named[level]]}) for level in named]
    desk.tell_all("registry", [entry("issue_categories", "order.parking"), *told])
    for level, category in (named | {"community": "facility.streetlight"}).items():  # one of the class `facility`
        asked = {"place": COMPOUND, "category": category, "description": "请处理"}
        id = desk.ask("report_issue", "p-resident", **asked)["id"]
        assert holder(desk, id)[0] == posts[level], category
    id = report(desk)
    offered = [row["post_id"] for row in desk.ask("posts_for_issue", "post-grid", issue_id=id)["rows"]]
    assert offered == ["post-secretary", "post-grid", "post-housing", "post-street"]
    desk.tell_all("registry", [entry("duties", "lights", **duty | {"level": "compound", "categories": ["facility"]})])
    up = desk.ask("posts_for_issue", "post-grid", issue_id=id, command="escalate_issue")["rows"]
    assert [row["post_id"] for row in up] == ["post-street"], "a duty lets no case go down or aside"
    assert holder(desk, before) == ("post-grid", "p-grid"), "what was taken in stays"
