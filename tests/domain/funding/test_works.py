"""The course of a project."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from services.funding.facts import ProjectCancelled, SignerDesignated
from services.funding.project import PROJECT
from shared.domain.errors import BadInputError, ForbiddenError, IllegalStateError, NotFoundError
from shared.domain.fields import FieldError
from shared.domain.mandate import Mandate
from tests.domain.funding.conftest import Project
from tests.domain.funding.facts import (
    APPLICANT,
    EXAMINER,
    PAID,
    READY,
    SECRETARY,
    accepted,
    approved,
    finished,
    proposed,
    raised,
    requested,
    who,
)

ASK: dict[str, Any] = {
    "title": proposed.title,
    "title_en": proposed.title_en,
    "place": proposed.place,
    "programme": "renovation-2024",
    "works": [{"code": "stairways", "zh": "楼道墙面扶手出新", "en": "stairway walls and handrails"}],
    "issue_ids": ["i1", "i2", "i1"],
    "budget_fen": 1000,
    "shares": {"government": 500, "society": 300, "residents": 200},
    "criteria": [
        {"code": "road", "zh": "路平", "en": "level road"},
        {"code": "lamp", "zh": "灯明", "en": "bright lamps"},
    ],
}


def test_a_project_is_proposed_from_issues_with_budget_shares_and_criteria(project: Project) -> None:
    """(part of C19, C21, C22, C23, C37)"""
    project().when("propose_project", SECRETARY, **ASK).then(proposed)


def test_a_source_that_gives_nothing_need_not_be_named(project: Project) -> None:
    expected = replace(proposed, shares={"government": 0, "society": 1000, "residents": 0})
    project().when("propose_project", SECRETARY, **ASK | {"shares": {"society": 1000}}).then(expected)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"shares": {"government": 999}}, "must sum to the budget, 1000 fen"),
        ({"criteria": ASK["criteria"][:1] * 2}, "a code stands twice in the criteria"),
    ],
)
def test_a_proposal_that_does_not_add_up_is_refused(project: Project, change: dict[str, Any], match: str) -> None:
    """The three sources partition the budget (part of C22, X03)."""
    project().when("propose_project", SECRETARY, **ASK | change).then_raises(IllegalStateError, match)


def test_a_project_lies_at_a_known_place_and_names_sources_of_the_city(project: Project) -> None:
    lottery = ASK | {"shares": {"lottery": 1000}}
    project().when("propose_project", SECRETARY, **lottery).then_raises(BadInputError, "not on the city's list")
    nowhere = ASK | {"place": f"{proposed.place}.99"}
    project().when("propose_project", SECRETARY, **nowhere).then_raises(NotFoundError, "there is no place")
    with pytest.raises(FieldError) as refused:
        project().office.give("propose_project", SECRETARY, **ASK | {"criteria": [], "budget_fen": 0})
    assert set(refused.value.reason) == {"criteria", "budget_fen"}


def test_a_project_is_proposed_once_and_only_where_the_mandate_reaches(project: Project) -> None:
    project(proposed).when("propose_project", SECRETARY, **ASK).then_nothing()
    elsewhere = ASK | {"place": "350104.014"}
    project().when("propose_project", SECRETARY, **elsewhere).then_raises(
        ForbiddenError, "project.propose at 350104.014"
    )


def test_approval_and_finish_happen_once_in_order(project: Project) -> None:
    project(proposed).when("approve_project", SECRETARY).then(approved)
    project(proposed, approved, finished).when("approve_project", SECRETARY).then_nothing()
    project(proposed).when("finish_works", SECRETARY).then_raises(IllegalStateError, "only an approved project")
    project(proposed, approved).when("finish_works", SECRETARY).then(finished)


@pytest.mark.parametrize(
    ("command", "arguments"),
    [
        ("approve_project", {}),
        ("raise_budget", {"budget_fen": 1500, "shares": {"society": 1500}, "reason": "x"}),
        ("cancel_project", {"reason": "x"}),
        ("designate_signer", {"person_id": "p-x"}),
        ("finish_works", {}),
        ("accept_project", {"criteria": {}}),
    ],
)
def test_every_step_needs_a_project_and_a_mandate(project: Project, command: str, arguments: dict[str, Any]) -> None:
    project().when(command, SECRETARY, **arguments).then_raises(NotFoundError, "no project p1")
    project(proposed).when(command, APPLICANT, **arguments).then_raises(ForbiddenError, "no mandate for project")


def test_acceptance_tells_which_issues_are_solved(project: Project) -> None:
    """Each issue is checked; those not solved stay open (part of C23, C37)."""
    judged = {"criteria": {"road": True, "lamp": True}, "issues": {"i1": True, "i2": False}}
    project(proposed, approved, finished).when("accept_project", EXAMINER, **judged).then(accepted)


@pytest.mark.parametrize(
    ("criteria", "issues", "match"),
    [
        ({"road": True}, {"i1": True, "i2": True}, "judge all criteria; missing: lamp"),
        ({"road": True, "lamp": True, "wall": True}, {}, "not among the project's criteria: wall"),
        ({"road": True, "lamp": False}, {"i1": True, "i2": True}, "do not meet: lamp"),
        ({"road": True, "lamp": True}, {"i1": True}, "judge all issues; missing: i2"),
        ({"road": True, "lamp": True}, {"i1": True, "i2": True, "i3": True}, "not among the project's issues: i3"),
    ],
)
def test_acceptance_needs_every_criterion_met_and_every_issue_checked(
    project: Project, criteria: Any, issues: Any, match: str
) -> None:
    """(part of C23, C37)"""
    spec = project(proposed, approved, finished)
    spec.when("accept_project", EXAMINER, criteria=criteria, issues=issues).then_raises(IllegalStateError, match)


def test_unfinished_works_are_not_accepted_and_accepted_ones_not_again(project: Project) -> None:
    judged = {"criteria": {"road": True, "lamp": True}, "issues": {"i1": True, "i2": True}}
    project(proposed, approved).when("accept_project", EXAMINER, **judged).then_raises(
        IllegalStateError, "finish the works"
    )
    project(proposed, approved, finished, accepted).when("accept_project", EXAMINER, **judged).then_nothing()


def test_a_project_can_be_given_up_until_it_is_accepted(project: Project) -> None:
    cancelled = ProjectCancelled(project_id="p1", reason="列入片区改造", person_id="secretary")
    project(*READY).when("cancel_project", SECRETARY, reason="列入片区改造").then(cancelled)
    spec = project(*READY, requested())
    spec.when("cancel_project", SECRETARY, reason="x").then_raises(IllegalStateError, "pending.*pay1")
    spec = project(proposed, approved, finished, accepted)
    spec.when("cancel_project", SECRETARY, reason="x").then_raises(IllegalStateError, "only unaccepted")
    project(proposed, cancelled).when("approve_project", SECRETARY).then_raises(IllegalStateError, "cancelled")
    spec = project(proposed, cancelled)
    spec.when("designate_signer", SECRETARY, person_id="p-x").then_raises(IllegalStateError, "nothing is left")


def test_there_is_one_signer_who_is_neither_accountant_nor_cashier(project: Project) -> None:
    """(part of D35, X14)"""
    named = SignerDesignated(project_id="p1", person_id="signer")
    project(proposed).when("designate_signer", SECRETARY, person_id="signer").then(named)
    for person in ("accountant", "cashier"):
        spec = project(*PAID)
        spec.when("designate_signer", SECRETARY, person_id=person).then_raises(ForbiddenError, f"been {person}")


RAISE: dict[str, Any] = {"budget_fen": 1500, "shares": raised.shares, "reason": raised.reason}


def test_a_raise_of_the_budget_is_a_decision_of_its_own(project: Project) -> None:
    """With a reason and shares that sum, as long as money may move (part of C22, X06)."""
    office = project(*READY).when("raise_budget", SECRETARY, **RAISE).then(raised)
    state = office.state(PROJECT)
    assert (state.budget_fen, state.shares) == (1500, raised.shares)
    project(*PAID, finished, accepted).when("raise_budget", SECRETARY, **RAISE).then(raised)
    project(*READY, raised).when("raise_budget", SECRETARY, **RAISE).then_nothing()
    spec = project(*READY)
    short = RAISE | {"shares": {"government": 1}}
    spec.when("raise_budget", SECRETARY, **short).then_raises(IllegalStateError, "must sum to the budget, 1500 fen")
    less = RAISE | {"budget_fen": 999, "shares": {"society": 999}}
    spec.when("raise_budget", SECRETARY, **less).then_raises(IllegalStateError, "is 1000 fen already")
    lottery = RAISE | {"shares": {"lottery": 1500}}
    spec.when("raise_budget", SECRETARY, **lottery).then_raises(BadInputError, "not on the city's list")
    with pytest.raises(FieldError) as refused:
        spec.office.give("raise_budget", SECRETARY, **RAISE | {"reason": ""})
    assert set(refused.value.reason) == {"reason"}
    project(proposed).when("raise_budget", SECRETARY, **RAISE).then_raises(IllegalStateError, "is proposed; only")


def test_a_budget_is_raised_by_the_power_to_approve_and_never_by_who_asks_for_payments(project: Project) -> None:
    """(part of X14)"""
    project(*READY).when("raise_budget", APPLICANT, **RAISE).then_raises(ForbiddenError, r"project\.approve")
    by = who("applicant", "project.approve")
    spec = project(*READY, requested())
    spec.when("raise_budget", by, **RAISE).then_raises(ForbiddenError, "having been applicant of the project")
    machine = Mandate(actor="policy:x", role="service", powers=frozenset({"*"}))
    spec.when("raise_budget", machine, **RAISE).then_raises(ForbiddenError, "only a person")
    examiner = who("examiner", "project.approve")
    spec = project(*READY, finished, accepted)
    spec.when("raise_budget", examiner, **RAISE).then_raises(ForbiddenError, "having been examiner of the project")


def test_who_approved_the_project_or_its_budget_does_not_accept_the_works(project: Project) -> None:
    """One person approving and accepting is one person, whatever post they act from (part of X14)."""
    judged = {"criteria": {"road": True, "lamp": True}, "issues": {"i1": True, "i2": False}}
    own = who("secretary", "project.accept", organisation="o-other")
    spec = project(proposed, approved, finished)
    spec.when("accept_project", own, **judged).then_raises(ForbiddenError, "been approver of the project")
    other = replace(raised, person_id="examiner")
    spec = project(proposed, approved, other, finished)
    spec.when("accept_project", EXAMINER, **judged).then_raises(ForbiddenError, "been approver of the project")
