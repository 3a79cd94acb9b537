"""Who takes an issue in and answers for it."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from services.issues.issue.facts import IssueHeld, IssueStruckOut
from services.issues.issue.intake import release_issue, report_issue, strike_out_issue, take_finding
from services.issues.issue.rows import CASES
from shared.domain.city import City
from shared.domain.city_rows import city_views
from shared.domain.errors import BadInputError, ForbiddenError, IllegalStateError, NotFoundError
from shared.domain.mandate import Mandate
from tests.domain.issues.facts import GRID, REPORTED, RESIDENT, STRANGER, issue
from tests.kit import Spec
from tests.kit.city import BUILDING, COMMUNITY, COMPOUND, OTHER_COMPOUND, STREET, entry, post
from tests.kit.rows import MemoryRows, city, record_of

CITY = city()


def asked(**changes: Any) -> dict[str, Any]:
    """What a report asks for."""
    return {
        "place": COMPOUND,
        "category": "facility.streetlight",
        "description": "路灯不明",
        "channel": "portal",
        "reporter": "p-resident",
        "contact": "王 13812345678",
        "city": CITY,
    } | changes


def answers(place: str, *more: tuple[str, dict[str, Any]], day: str = "2025-03-04") -> str:
    """The post that answers for what is reported at a place."""
    spec = issue().when(report_issue, **asked(place=place, city=city(day, *more)))
    return str(spec.ask(spec.state)[0].post_id)  # type: ignore[union-attr]  # a report is one fact of its own


def test_a_report_has_somebody_who_answers_for_it() -> None:
    issue().when(report_issue, **asked()).then(REPORTED)


def test_the_closest_post_answers() -> None:
    assert answers(BUILDING) == answers(COMPOUND) == "post-grid"
    assert answers(COMMUNITY) == answers(OTHER_COMPOUND) == "post-secretary"
    assert answers(STREET) == "post-street"


def test_every_place_has_a_last_resort() -> None:
    """What no post covers goes to the topmost organisation's post that takes in issues (part of X13)."""
    assert answers("350104") == answers("") == "post-street"
    elsewhere = ("PlaceRegistered", {"place": "350104.014", "kind": "street", "name": "别处", "parent": "350104"})
    assert answers("350104.014", elsewhere) == "post-street"


NOBODY = [
    (
        "AppointmentEnded",
        {"post_id": id, "person_id": person, "since": "2025-01-01", "until": "2025-02-01"},
    )
    for id, person in (("post-grid", "p-grid"), ("post-secretary", "p-secretary"), ("post-street", "p-street"))
]


def test_where_nobody_takes_in_issues_staff_are_told_what_to_do_and_residents_whom_to_call() -> None:
    spec, alone = issue(), city("2025-03-04", *NOBODY)
    staff = spec.when(report_issue, **asked(city=alone))
    staff.then_raises(IllegalStateError, "appoint somebody to a post whose role takes them in")
    for by in (RESIDENT, Mandate(actor="", role="anonymous", powers=frozenset({"issue.report"}))):
        resident = spec.when(report_issue, by=by, **asked(city=alone))
        resident.then_raises(IllegalStateError, "please call 12345")
        with pytest.raises(IllegalStateError) as refused:
            resident.ask(resident.state)
        assert "appoint" not in str(refused.value)


def test_who_cannot_triage_takes_in_nothing_however_the_city_ranks_them() -> None:
    """A head of building who may only report gets no report that then waits for ever."""
    head = tuple(post("post-head", "o-compound", "building_head", "p-head", place=BUILDING))
    ranked = {"intake": 1, "powers": ["issue.report", "issue.accept"]}
    assert answers(BUILDING, entry("roles", "building_head", **ranked), *head) == "post-grid"
    ranked["powers"].append("issue.triage")  # type: ignore[attr-defined]  # a list of powers
    assert answers(BUILDING, entry("roles", "building_head", **ranked), *head) == "post-head"


def test_only_posts_that_are_held_on_the_day_and_not_abolished_answer() -> None:
    worker = {"intake": 1, "powers": ["issue.*"]}
    assert answers(COMMUNITY, entry("roles", "community_worker", **worker)) == "post-secretary"
    assert answers(COMMUNITY, entry("roles", "community_worker", **worker), day="2025-01-31") == "post-vacant"
    gone = ("PostAbolished", {"post_id": "post-grid", "until": "2025-02-01"})
    assert answers(COMPOUND, gone) == "post-secretary"


def test_of_equally_close_posts_the_one_of_the_first_role_answers() -> None:
    first = entry("roles", "building_head", intake=1, powers=["issue.triage"])
    second = entry("roles", "building_head", intake=2, powers=["issue.triage"])
    grid = entry("roles", "grid_worker", intake=2, powers=["issue.*"])
    head = tuple(post("post-a", "o-compound", "building_head", "p-head"))
    assert answers(COMPOUND, second, *head) == "post-grid"
    assert answers(COMPOUND, first, grid, *head) == "post-a"
    twin = tuple(post("post-b", "o-compound", "grid_worker", "p-twin"))
    assert answers(COMPOUND, *twin) == "post-b"


def test_a_role_that_takes_in_nothing_never_answers() -> None:
    clerk = tuple(post("post-clerk", "o-compound", "department_clerk", "p-clerk"))
    assert answers(COMPOUND, *clerk, entry("roles", "grid_worker", intake=0, powers=["issue.*"])) == "post-secretary"


def test_the_same_report_again_changes_nothing_and_another_under_its_id_is_refused() -> None:
    issue(REPORTED).when(report_issue, **asked()).then_nothing()
    other = issue(REPORTED).when(report_issue, **asked(description="马路不平"))
    other.then_raises(IllegalStateError, "reported already")


def test_a_report_needs_a_known_place_category_and_channel() -> None:
    issue().when(report_issue, **asked(place=f"{COMPOUND}.99")).then_raises(NotFoundError, "no place 350104")
    spec = issue().when(report_issue, **asked(category="facility.lift"))
    spec.then_raises(BadInputError, "facility.lift is not on the city's list issue_categories")
    issue().when(report_issue, **asked(channel="fax")).then_raises(BadInputError, "fax is not on the city's list")


def test_a_resident_reports_as_themselves_and_through_the_portal() -> None:
    mine = replace(REPORTED, reporter="p-other")
    issue().when(report_issue, by=STRANGER, **asked()).then(mine)
    spec = issue().when(report_issue, by=RESIDENT, **asked(channel="meeting"))
    spec.then_raises(ForbiddenError, "recorded by staff")
    reported_by_nobody().then(replace(REPORTED, reporter=""))


def test_reporting_needs_a_mandate_at_the_place() -> None:
    elsewhere = Mandate(actor="p-x", role="grid_worker", place="350104.014", powers=frozenset({"issue.report"}))
    spec = issue().when(report_issue, by=elsewhere, **asked())
    spec.then_raises(ForbiddenError, "issue.report at 350104.013.002.007")


@pytest.mark.parametrize(
    ("said", "written"),
    [
        ("call 13812345678 please", "call 138****5678 please"),
        ("138 1234 5678, 138-1234-5678", "138****5678, 138****5678"),
        ("身份证350104198001011236", "身份证3501**********1236"),
        ("灯号20250304001 第3栋", "灯号20250304001 第3栋"),
    ],
)
def test_phone_and_identity_numbers_are_masked_before_they_are_recorded(said: str, written: str) -> None:
    issue().when(report_issue, **asked(description=said)).then(replace(REPORTED, description=written))


FINDING = {"place": COMPOUND, "category": "facility.fire_lane", "description": "消防通道堵塞", "origin": "patrol-1/f1"}


def test_a_finding_goes_to_the_post_that_logged_the_patrol_or_to_who_takes_in_issues() -> None:
    found = replace(REPORTED, **FINDING, channel="patrol", reporter="", contact="")
    issue().when(take_finding, city=CITY, finding=FINDING, logged_from="post-grid").then(found)
    above = {"organisation_id": "o-community", "person_id": "p-secretary", "post_id": "post-secretary"}
    logged = issue().when(take_finding, city=CITY, finding=FINDING, logged_from="post-secretary")
    logged.then(replace(found, level="community", **above))
    for cannot_triage in ("post-housing", "post-vacant", "post-unheard-of", ""):
        issue().when(take_finding, city=CITY, finding=FINDING, logged_from=cannot_triage).then(found)
    nobody = issue().when(take_finding, city=city("2025-03-04", *NOBODY), finding=FINDING, logged_from="")
    nobody.then_raises(IllegalStateError, "nobody takes in issues")


NOBODY_IN_PARTICULAR = Mandate(actor="", role="anonymous", powers=frozenset({"issue.report"}))
LIMIT = entry("parameters", "anonymous_a_day", value=2)


def reported_by_nobody(*more: tuple[str, dict[str, Any]], before: int = 0, on: str = "2025-03-04") -> Spec:
    """A report that nobody signs for, on a day on which the post has taken in so many."""
    today = city("2025-03-04", LIMIT, *more)
    rows = MemoryRows((*city_views(), CASES))
    rows.rows |= today.rows.rows  # type: ignore[attr-defined]  # the town's rows are in memory
    for number in range(before):
        told = replace(REPORTED, issue_id=f"issue-{number + 10}", reporter="", contact="")
        data, stream = msgspec.json.encode(told), f"issue-{number + 10}"
        rows.apply(told, record_of("IssueReported", data, number + 1, stream, at=f"{on}T08:00:00+08:00"))
    asks = asked(reporter="", city=City(rows, "2025-03-04"), by=NOBODY_IN_PARTICULAR)
    return issue().when(report_issue, **asks)


HELD = IssueHeld(
    issue_id=REPORTED.issue_id,
    place=REPORTED.place,
    category=REPORTED.category,
    description=REPORTED.description,
    channel="portal",
    contact=REPORTED.contact,
    limit=2,
)


def test_what_nobody_signs_for_is_held_beyond_what_a_post_takes_in_on_a_day() -> None:
    """S18: it is not lost, and nobody answers for it until staff have looked."""
    taken = replace(REPORTED, reporter="")
    reported_by_nobody(before=1).then(taken)
    reported_by_nobody(before=2).then(HELD)
    reported_by_nobody(before=5, on="2025-03-03").then(taken)
    issue().when(report_issue, **asked()).then(REPORTED)  # a resident signs for it
    again = asked(reporter="", by=NOBODY_IN_PARTICULAR)
    issue(HELD).when(report_issue, **again).then_nothing()
    issue(HELD).when(report_issue, **again | {"description": "别的"}).then_raises(IllegalStateError, "already")


def test_staff_release_what_was_held_and_somebody_answers_for_it() -> None:
    released = replace(REPORTED, reporter="", contact="")
    issue(HELD).when(release_issue, by=GRID, city=CITY).then(released)
    kept = issue(HELD, released).when(release_issue, by=GRID, city=CITY)
    kept.then_nothing()
    assert kept.state.contact == REPORTED.contact, "whoever gave one is still reached"  # type: ignore[attr-defined]  # the state of an issue
    issue(HELD).when(release_issue, by=RESIDENT, city=CITY).then_raises(ForbiddenError, "issue.triage")


def test_staff_strike_out_what_was_held_with_a_reason() -> None:
    struck = IssueStruckOut(issue_id=REPORTED.issue_id, reason="广告")
    issue(HELD).when(strike_out_issue, by=GRID, reason="广告").then(struck)
    issue(HELD, struck).when(strike_out_issue, by=GRID, reason="广告").then_nothing()
    issue(HELD, struck).when(release_issue, by=GRID, city=CITY).then_raises(IllegalStateError, "not held")
    issue(REPORTED).when(strike_out_issue, by=GRID, reason="广告").then_raises(IllegalStateError, "not held")
    issue(HELD).when(strike_out_issue, by=NOBODY_IN_PARTICULAR, reason="x").then_raises(ForbiddenError, "issue.triage")


def test_only_staff_say_that_an_issue_came_from_a_visit() -> None:
    for by in (RESIDENT, NOBODY_IN_PARTICULAR):
        issue().when(report_issue, **asked(origin="visit-1", by=by)).then_raises(ForbiddenError, "only staff")
