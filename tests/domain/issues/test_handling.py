"""From intake to escalation (C08, C10-C12, C14, C15, X13)."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from services.issues import domain
from services.issues.events import (
    FollowUpRecorded,
    IssueAccepted,
    IssueClosed,
    IssueDispatched,
    IssueEscalated,
    IssueExtended,
)
from shared.domain.errors import BadInputError, ForbiddenError, IllegalStateError, NotFoundError
from shared.domain.event import Event
from shared.domain.mandate import Mandate
from shared.following.authority import ANONYMOUS, RESIDENT
from tests.domain import kit
from tests.domain.issues.city import (
    ACCEPTED,
    COMPOUND,
    DISPATCHED,
    DUE,
    GRID,
    ISSUE_ID,
    ORGANISATIONS,
    POSTS,
    REPORTED,
    RESOLVED,
    TRIAGED,
    mandate,
)

NOBODY = Mandate(actor="p-x", role="resident", powers=RESIDENT)
SATISFIED = FollowUpRecorded(issue_id=ISSUE_ID, result="satisfied", note="", asked_at=kit.AT)
CLOSED = IssueClosed(issue_id=ISSUE_ID, because="lamp shines")


def given(*history: Event) -> kit.Spec:
    return kit.given(domain.ISSUE, ISSUE_ID, *history)


def asked(**changes: Any) -> dict[str, Any]:
    """What a report asks for."""
    return {
        "place": COMPOUND,
        "category": "facility.streetlight",
        "description": "路灯不明",
        "channel": "portal",
        "accountable": GRID,
        "reporter": "p-resident",
        "contact": REPORTED.contact,
    } | changes


# -- report --


def test_a_report_has_somebody_who_answers_for_it() -> None:
    given().when(domain.report, **asked()).then(REPORTED)


def test_a_report_nobody_answers_for_is_refused() -> None:
    given().when(domain.report, **asked(accountable=None)).then_raises(IllegalStateError, "nobody answers for 350104")
    blank = replace(GRID, post_id="")
    given().when(domain.report, **asked(accountable=blank)).then_raises(IllegalStateError, "appoint a grid worker")


def test_the_same_report_again_changes_nothing_and_another_under_its_id_is_refused() -> None:
    given(REPORTED).when(domain.report, **asked()).then_nothing()
    given(REPORTED).when(domain.report, **asked(description="马路不平")).then_raises(
        IllegalStateError, "reported already"
    )


def test_a_report_needs_a_known_place_and_category() -> None:
    given().when(domain.report, **asked(known_place=False)).then_raises(NotFoundError, "no place 350104")
    known = ["facility.road", "facility.stairs"]
    given().when(domain.report, **asked(categories=known)).then_raises(BadInputError, "not a category of this city")
    given().when(domain.report, **asked(categories=["facility.streetlight"])).then(REPORTED)


def test_a_report_without_words_is_refused() -> None:
    given().when(domain.report, **asked(description="  \n")).then_raises(BadInputError, "say what is wrong")


def test_a_resident_reports_as_themselves_and_through_the_portal() -> None:
    resident = Mandate(actor="p-wang", role="resident", powers=RESIDENT)
    mine = replace(REPORTED, reporter="p-wang")
    given().when(domain.report, by=resident, **asked(reporter="p-other")).then(mine)
    given().when(domain.report, by=resident, **asked(channel="meeting")).then_raises(
        ForbiddenError, "recorded by staff"
    )
    anonymous = Mandate(actor="", role="anonymous", powers=ANONYMOUS)
    given().when(domain.report, by=anonymous, **asked(reporter="p-other")).then(replace(REPORTED, reporter=""))


def test_reporting_needs_a_mandate_at_the_place() -> None:
    elsewhere = Mandate(actor="p-x", role="grid_worker", place="350104.014", powers=frozenset({"issue.report"}))
    given().when(domain.report, by=elsewhere, **asked()).then_raises(
        ForbiddenError, "issue.report at 350104.013.002.007"
    )


@pytest.mark.parametrize(
    ("said", "written"),
    [
        ("call 13812345678 please", "call 138****5678 please"),
        ("138 1234 5678, 138-1234-5678", "138****5678, 138****5678"),
        ("身份证35010419800101123X", "身份证3501**********123X"),
        ("灯号20250304001 第3栋", "灯号20250304001 第3栋"),
    ],
)
def test_phone_and_identity_numbers_are_masked_before_they_are_recorded(said: str, written: str) -> None:
    given().when(domain.report, **asked(description=said)).then(replace(REPORTED, description=written))


# -- triage --


def triaged(**changes: Any) -> dict[str, Any]:
    asked = {"severity": "small", "tier": "compound", "reason": "one lamp", "organisations": ORGANISATIONS.get}
    return asked | changes


def test_triage_judges_with_a_reason() -> None:
    given(REPORTED).when(domain.triage, **triaged()).then(TRIAGED)
    given(REPORTED).when(domain.triage, **triaged(reason=" ")).then_raises(BadInputError, "needs its reason")


def test_triage_states_the_level_that_a_patrol_could_not_know() -> None:
    given(replace(REPORTED, level="")).when(domain.triage, **triaged()).then(replace(TRIAGED, from_level=""))


def test_triage_may_change_until_the_issue_is_dispatched() -> None:
    big = replace(TRIAGED, severity="big", tier="community")
    given(REPORTED, TRIAGED).when(domain.triage, **triaged()).then_nothing()
    given(REPORTED, TRIAGED).when(domain.triage, **triaged(severity="big", tier="community")).then(big)
    late = given(REPORTED, TRIAGED, DISPATCHED)
    late.when(domain.triage, **triaged()).then_nothing()
    late.when(domain.triage, **triaged(severity="big")).then_raises(IllegalStateError, "being handled already")


def test_triage_refuses_what_is_not_there_finished_or_not_allowed() -> None:
    given().when(domain.triage, **triaged()).then_raises(NotFoundError, "no issue issue-1")
    given(REPORTED, TRIAGED, DISPATCHED, RESOLVED).when(domain.triage, **triaged()).then_raises(
        IllegalStateError, "reopen"
    )
    given(REPORTED).when(domain.triage, by=NOBODY, **triaged()).then_raises(ForbiddenError, "issue.triage")


# -- dispatch --


def sent(post_id: str = "post-grid", **changes: Any) -> dict[str, Any]:
    asked = {"post_id": post_id, "post": POSTS.get(post_id), "organisations": ORGANISATIONS.get}
    return asked | {"duty": "repair the lamp", "due": DUE} | changes


def test_dispatch_names_person_duty_and_time_limit() -> None:
    given(REPORTED, TRIAGED).when(domain.dispatch, **sent()).then(DISPATCHED)


def test_dispatching_the_same_post_again_changes_nothing() -> None:
    given(REPORTED, TRIAGED, DISPATCHED).when(domain.dispatch, **sent()).then_nothing()


def test_a_time_limit_in_working_days_skips_holidays_and_names_its_calendar() -> None:
    limited = sent(due="", working_days=3)
    by_calendar = replace(DISPATCHED, due="2025-02-05", calendar="chinesecalendar-1.11.0")
    given(REPORTED, TRIAGED).when(domain.dispatch, at="2025-01-24T17:00:00+08:00", **limited).then(by_calendar)


@pytest.mark.parametrize(
    ("changes", "error", "match"),
    [
        ({"duty": " "}, BadInputError, "duty is missing"),
        ({"due": ""}, BadInputError, "needs a time limit"),
        ({"working_days": 3}, BadInputError, "not both"),
        ({"due": "2025-03-03"}, IllegalStateError, "over on 2025-03-04"),
        ({"person_id": "p-street"}, IllegalStateError, "p-street does not hold the post post-grid on 2025-03-04"),
        ({"organisation_id": "o-street"}, IllegalStateError, "not one of o-street"),
        ({"post_id": "post-none", "post": None}, NotFoundError, "no post post-none"),
        (
            {"post_id": "post-vacant", "post": POSTS["post-vacant"]},
            IllegalStateError,
            "nobody holds the post post-vacant",
        ),
        ({"organisations": {}.get}, NotFoundError, "no organisation o-compound"),
    ],
)
def test_dispatch_without_person_duty_or_time_limit_is_refused(changes: dict[str, Any], error: Any, match: str) -> None:
    given(REPORTED, TRIAGED).when(domain.dispatch, **(sent() | changes)).then_raises(error, match)


def test_dispatch_on_the_day_somebody_still_held_the_post() -> None:
    last_day = given(REPORTED, TRIAGED).when(domain.dispatch, at="2025-01-31T09:00:00+08:00", **sent("post-vacant"))
    assert isinstance(last_day.ask(last_day.state)[0], IssueDispatched)


def test_dispatch_follows_triage_and_can_go_to_another_body() -> None:
    given().when(domain.dispatch, **sent()).then_raises(NotFoundError, "no issue")
    given(REPORTED).when(domain.dispatch, **sent()).then_raises(IllegalStateError, "triage it first")
    done = (REPORTED, TRIAGED, DISPATCHED, RESOLVED, SATISFIED, CLOSED)
    given(*done).when(domain.dispatch, **sent()).then_raises(IllegalStateError, "reopen it first")
    given(REPORTED, TRIAGED).when(domain.dispatch, by=NOBODY, **sent()).then_raises(ForbiddenError, "issue.dispatch")
    housing = replace(
        DISPATCHED, organisation_id="o-housing", person_id="p-housing", post_id="post-housing", level="street"
    )
    given(REPORTED, TRIAGED, DISPATCHED, ACCEPTED).when(domain.dispatch, **sent("post-housing")).then(housing)


# -- accept, extend --


def test_the_holder_of_the_post_accepts() -> None:
    grid = mandate("post-grid", "issue.accept")
    given(REPORTED, TRIAGED, DISPATCHED).when(domain.accept, by=grid).then(ACCEPTED)
    given(REPORTED, TRIAGED, DISPATCHED, ACCEPTED).when(domain.accept, by=grid).then_nothing()
    given(REPORTED, TRIAGED).when(domain.accept, by=grid).then_raises(IllegalStateError, "dispatched to you first")


def test_nobody_else_accepts() -> None:
    other = mandate("post-street", "issue.accept")
    given(REPORTED, TRIAGED, DISPATCHED).when(domain.accept, by=other).then_raises(ForbiddenError, "only the post")
    powerless = mandate("post-grid")
    given(REPORTED, TRIAGED, DISPATCHED).when(domain.accept, by=powerless).then_raises(ForbiddenError, "issue.accept")


def test_a_successor_in_the_post_becomes_the_accountable_person() -> None:
    successor = replace(mandate("post-grid", "issue.accept"), actor="p-new")
    accepted = IssueAccepted(issue_id=ISSUE_ID, person_id="p-new")
    given(REPORTED, TRIAGED, DISPATCHED, ACCEPTED).when(domain.accept, by=successor).then(accepted)


EXTENDED = IssueExtended(issue_id=ISSUE_ID, due="2025-03-14", calendar="", reason="spare part")


def test_an_extension_has_a_reason_and_a_later_day() -> None:
    spec = given(REPORTED, TRIAGED, DISPATCHED)
    spec.when(domain.extend, due="2025-03-14", reason="spare part").then(EXTENDED)
    counted = replace(EXTENDED, due="2025-03-11", calendar="chinesecalendar-1.11.0")
    spec.when(domain.extend, working_days=5, reason="spare part").then(counted)
    spec.when(domain.extend, due="2025-03-14", reason="").then_raises(BadInputError, "needs its reason")
    spec.when(domain.extend, due=DUE, reason="x").then_raises(IllegalStateError, "not later than the present")
    spec.when(domain.extend, working_days=1, reason="x").then_raises(IllegalStateError, "2025-03-05 is not later")
    given(REPORTED, TRIAGED).when(domain.extend, due=DUE, reason="x").then_raises(IllegalStateError, "has a time limit")


def test_nobody_approves_their_own_extension() -> None:
    spec = given(REPORTED, TRIAGED, DISPATCHED)
    own = mandate("post-grid", "issue.extend")
    spec.when(domain.extend, by=own, due="2025-03-14", reason="x").then_raises(
        ForbiddenError, "approved by somebody else"
    )
    spec.when(domain.extend, by=NOBODY, due="2025-03-14", reason="x").then_raises(ForbiddenError, "issue.extend")


# -- escalate --


def up(to_post: str = "post-street", **changes: Any) -> dict[str, Any]:
    asked = {"to_post": to_post, "post": POSTS.get(to_post), "organisations": ORGANISATIONS.get}
    return asked | {"reason": "pipes under the road"} | changes


ESCALATED = IssueEscalated(
    issue_id=ISSUE_ID,
    from_organisation_id="o-compound",
    from_level="compound",
    to_level="street",
    organisation_id="o-street",
    person_id="p-street",
    post_id="post-street",
    reason="pipes under the road",
)


def test_escalation_moves_ownership_up_and_the_clock_runs_on() -> None:
    spec = given(REPORTED, TRIAGED, DISPATCHED, ACCEPTED)
    spec.when(domain.escalate, **up()).then(ESCALATED)
    after = domain.ISSUE.evolve(spec.state, ESCALATED)
    assert (after.due, after.status, after.post_id, after.level) == (DUE, "dispatched", "post-street", "street")


def test_escalation_before_dispatch_keeps_the_status() -> None:
    spec = given(replace(REPORTED, level=""))
    spec.when(domain.escalate, **up()).then(replace(ESCALATED, from_level=""))
    assert domain.ISSUE.evolve(spec.state, ESCALATED).status == "reported"


def test_escalating_to_the_same_post_again_changes_nothing() -> None:
    given(REPORTED, TRIAGED, DISPATCHED, ESCALATED).when(domain.escalate, **up()).then_nothing()


def test_an_issue_goes_up_the_line_only() -> None:
    spec = given(REPORTED, TRIAGED, DISPATCHED)
    spec.when(domain.escalate, **up("post-housing")).then_raises(IllegalStateError, "o-housing is not above o-compound")
    higher = given(REPORTED, TRIAGED, DISPATCHED, ESCALATED)
    higher.when(domain.escalate, **up("post-secretary")).then_raises(IllegalStateError, "not above o-street")
    spec.when(domain.escalate, **up("post-vacant")).then_raises(IllegalStateError, "nobody holds")
    spec.when(domain.escalate, **up(reason=" ")).then_raises(BadInputError, "beyond the powers")
    spec.when(domain.escalate, by=NOBODY, **up()).then_raises(ForbiddenError, "issue.escalate")
    given().when(domain.escalate, **up()).then_raises(NotFoundError, "no issue")
    resolved = given(REPORTED, TRIAGED, DISPATCHED, RESOLVED)
    resolved.when(domain.escalate, **up()).then_raises(IllegalStateError, "reopen")
