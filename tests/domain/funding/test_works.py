"""The course of a project (C19, C21, C22, C23, C37)."""

from __future__ import annotations

from typing import Any

import pytest

from services.funding import domain
from services.funding.events import ProjectCancelled, ProjectProposed, SignerDesignated
from shared.domain.errors import ForbiddenError, IllegalStateError, NotFoundError
from tests.domain.funding.facts import (
    APPLICANT,
    PAID,
    READY,
    SECRETARY,
    accepted,
    approved,
    finished,
    project,
    proposed,
    requested,
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


def test_a_project_is_proposed_from_issues_with_budget_shares_and_criteria():
    """C19, C21, C22, C23, C37"""
    project().when(domain.propose, by=SECRETARY, **ASK).then(proposed)


def test_a_source_that_gives_nothing_need_not_be_named():
    events = domain.propose(
        domain.Project(id="p1"), by=SECRETARY, at="2025-03-04T09:00:00+08:00", **ASK | {"shares": {"society": 1000}}
    )
    assert isinstance(events[0], ProjectProposed)
    assert events[0].shares == {"government": 0, "society": 1000, "residents": 0}


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"shares": {"government": 999}}, "must sum to the budget, 1000 fen"),
        ({"shares": {"lottery": 1000}}, "lottery is no source"),
        ({"criteria": []}, "at least one criterion"),
        ({"criteria": ASK["criteria"][:1] * 2}, "a code stands twice in the criteria"),
    ],
)
def test_a_proposal_that_does_not_add_up_is_refused(change: dict[str, Any], match: str):
    """C22, X03: the three sources partition the budget."""
    project().when(domain.propose, by=SECRETARY, **ASK | change).then_raises(IllegalStateError, match)


def test_a_project_is_proposed_once_and_only_where_the_mandate_reaches():
    project(proposed).when(domain.propose, by=SECRETARY, **ASK).then_raises(IllegalStateError, "already proposed")
    elsewhere = ASK | {"place": "350104.014"}
    project().when(domain.propose, by=SECRETARY, **elsewhere).then_raises(
        ForbiddenError, "project.propose at 350104.014"
    )


def test_approval_and_finish_happen_once_in_order():
    project(proposed).when(domain.approve, by=SECRETARY).then(approved)
    project(proposed, approved, finished).when(domain.approve, by=SECRETARY).then_nothing()
    project(proposed).when(domain.finish_works, by=SECRETARY).then_raises(IllegalStateError, "only an approved one")
    project(proposed, approved).when(domain.finish_works, by=SECRETARY).then(finished)


@pytest.mark.parametrize(
    ("decide", "arguments"),
    [
        (domain.approve, {}),
        (domain.cancel, {"reason": "x"}),
        (domain.designate_signer, {"person_id": "x"}),
        (domain.finish_works, {}),
        (domain.accept, {"criteria": {}}),
    ],
)
def test_every_step_needs_a_project_and_a_mandate(decide: Any, arguments: dict[str, Any]):
    project().when(decide, by=SECRETARY, **arguments).then_raises(NotFoundError, "no project p1")
    project(proposed).when(decide, by=APPLICANT, **arguments).then_raises(ForbiddenError, "no mandate for project")


def test_acceptance_tells_which_issues_are_solved():
    """C23, C37: each issue is checked; those not solved stay open."""
    judged = {"criteria": {"road": True, "lamp": True}, "issues": {"i1": True, "i2": False}}
    project(proposed, approved, finished).when(domain.accept, by=SECRETARY, **judged).then(accepted)


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
def test_acceptance_needs_every_criterion_met_and_every_issue_checked(criteria: Any, issues: Any, match: str):
    """C23, C37"""
    spec = project(proposed, approved, finished)
    spec.when(domain.accept, by=SECRETARY, criteria=criteria, issues=issues).then_raises(IllegalStateError, match)


def test_unfinished_works_are_not_accepted_and_accepted_ones_not_again():
    judged = {"criteria": {"road": True, "lamp": True}, "issues": {"i1": True, "i2": True}}
    project(proposed, approved).when(domain.accept, by=SECRETARY, **judged).then_raises(
        IllegalStateError, "finish the works"
    )
    project(proposed, approved, finished, accepted).when(domain.accept, by=SECRETARY, **judged).then_nothing()


def test_a_project_can_be_given_up_until_it_is_accepted():
    cancelled = ProjectCancelled(project_id="p1", reason="列入片区改造", person_id="secretary")
    project(*READY).when(domain.cancel, by=SECRETARY, reason="列入片区改造").then(cancelled)
    spec = project(*READY, requested())
    spec.when(domain.cancel, by=SECRETARY, reason="x").then_raises(IllegalStateError, "pending.*pay1")
    spec = project(proposed, approved, finished, accepted)
    spec.when(domain.cancel, by=SECRETARY, reason="x").then_raises(IllegalStateError, "only unaccepted")
    project(proposed, cancelled).when(domain.approve, by=SECRETARY).then_raises(IllegalStateError, "cancelled")
    spec = project(proposed, cancelled)
    spec.when(domain.designate_signer, by=SECRETARY, person_id="x").then_raises(IllegalStateError, "nothing is left")


def test_there_is_one_signer_who_is_neither_accountant_nor_cashier():
    """D35, X14"""
    named = SignerDesignated(project_id="p1", person_id="signer")
    project(proposed).when(domain.designate_signer, by=SECRETARY, person_id="signer").then(named)
    for person in ("accountant", "cashier"):
        spec = project(*PAID)
        spec.when(domain.designate_signer, by=SECRETARY, person_id=person).then_raises(ForbiddenError, f"been {person}")
