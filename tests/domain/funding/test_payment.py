"""Payments: joint review, one signature, cashier (D31, D34, D35, X06, X14)."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from services.funding import domain
from services.funding.events import PaymentAmended, PaymentWithdrawn, SignerDesignated
from shared.domain.errors import ForbiddenError, IllegalStateError, NotFoundError
from shared.domain.mandate import Mandate
from tests.domain.funding.facts import (
    APPLICANT,
    CASHIER,
    PAID,
    PLACE,
    READY,
    REVIEWERS,
    SECRETARY,
    SIGNED,
    SIGNER,
    THREE_REVIEWS,
    approved,
    paid,
    project,
    proposed,
    received,
    requested,
    reviewed,
    signed,
    who,
)

ASK = {"payment_id": "pay1", "payee": "安明电力公司", "purpose": "路灯 12 盏", "amount_fen": 100}
READ = {"payment_id": "pay1", "version": 1, "amount_fen": 100}
APPROVE = READ | {"verdict": "approved"}
rejected = reviewed("board", verdict="rejected", reason="数量不符")
amended = PaymentAmended(
    project_id="p1",
    payment_id="pay1",
    payee="安明电力公司",
    payee_kind="organisation",
    purpose="路灯 12 盏",
    amount_fen=90,
    version=2,
    applicant="applicant",
)


def test_a_payment_is_asked_for_once():
    project(*READY).when(domain.request_payment, by=APPLICANT, **ASK).then(requested())
    project(*READY, requested()).when(domain.request_payment, by=APPLICANT, **ASK).then_nothing()


def test_nothing_is_asked_for_before_approval():
    project(proposed).when(domain.request_payment, by=APPLICANT, **ASK).then_raises(
        IllegalStateError, "approve it first"
    )


@pytest.mark.parametrize("body", ["branch", "committee", "board"])
def test_each_body_reviews_what_it_read(body: str):
    """D34"""
    spec = project(*READY, requested())
    spec.when(domain.review_payment, by=REVIEWERS[body], body=body, **APPROVE).then(reviewed(body))
    stale = APPROVE | {"amount_fen": 99}
    spec.when(domain.review_payment, by=REVIEWERS[body], body=body, **stale).then_raises(
        IllegalStateError, "read it again"
    )
    stale = APPROVE | {"version": 2}
    spec.when(domain.review_payment, by=REVIEWERS[body], body=body, **stale).then_raises(
        IllegalStateError, "version 1 over 100"
    )


def test_a_body_needs_its_own_power_and_must_be_one_of_three():
    """D34"""
    spec = project(*READY, requested())
    spec.when(domain.review_payment, by=REVIEWERS["branch"], body="board", **APPROVE).then_raises(
        ForbiddenError, "review.board"
    )
    spec.when(domain.review_payment, by=who("x", "payment.*"), body="street", **APPROVE).then_raises(
        IllegalStateError, "no reviewing body"
    )


def test_three_bodies_are_three_persons_and_three_organisations():
    """D34, X14: one person with two posts is one person."""
    spec = project(*READY, requested(), reviewed("branch"))
    twice = who("branch", "payment.review.board", organisation="o-board")
    spec.when(domain.review_payment, by=twice, body="board", **APPROVE).then_raises(ForbiddenError, "different persons")
    same = who("board", "payment.review.board", organisation="o-branch")
    spec.when(domain.review_payment, by=same, body="board", **APPROVE).then_raises(
        ForbiddenError, "three organisations"
    )
    nobody = Mandate(actor="x", role="post", place=PLACE, powers=frozenset({"payment.*"}))
    spec.when(domain.review_payment, by=nobody, body="board", **APPROVE).then_raises(
        ForbiddenError, "for an organisation"
    )


def test_a_body_reviews_once():
    spec = project(*READY, requested(), reviewed("branch"))
    spec.when(domain.review_payment, by=REVIEWERS["branch"], body="branch", **APPROVE).then_nothing()
    other = who("branch2", "payment.review.branch")
    spec.when(domain.review_payment, by=other, body="branch", **APPROVE).then_raises(
        IllegalStateError, "already approved"
    )


def test_an_applicant_does_not_review_their_own_request():
    """D34: the three approvals are independent."""
    own = who("applicant", "payment.review.branch")
    spec = project(*READY, requested())
    spec.when(domain.review_payment, by=own, body="branch", **APPROVE).then_raises(ForbiddenError, "been applicant")


def test_a_rejection_has_a_reason_and_voids_the_other_reviews():
    """D34"""
    ask = READ | {"verdict": "rejected", "body": "board"}
    spec = project(*READY, requested(), reviewed("branch"))
    spec.when(domain.review_payment, by=REVIEWERS["board"], **ask).then_raises(IllegalStateError, "needs a reason")
    spec.when(domain.review_payment, by=REVIEWERS["board"], reason="数量不符", **ask).then(rejected)
    state = project(*READY, requested(), reviewed("branch"), rejected).state
    assert state.payments["pay1"].reviews == {}
    spec = project(*READY, requested(), rejected)
    spec.when(domain.review_payment, by=REVIEWERS["branch"], body="branch", **APPROVE).then_raises(
        IllegalStateError, "amend it"
    )
    spec.when(domain.sign_payment, by=SIGNER, **READ).then_raises(IllegalStateError, "still needs")


def test_any_amendment_is_a_new_version_without_reviews_and_signature():
    """D34"""
    for history in ((*READY, requested()), (*READY, requested(), *THREE_REVIEWS), SIGNED):
        project(*history).when(domain.amend_payment, by=APPLICANT, payment_id="pay1", amount_fen=90).then(amended)
    state = project(*SIGNED, amended).state.payments["pay1"]
    assert (state.status, state.version, state.reviews) == ("requested", 2, {})
    project(*SIGNED, amended).when(domain.make_payment, by=CASHIER, payment_id="pay1").then_raises(
        IllegalStateError, "signature"
    )


def test_after_a_rejection_the_same_request_may_be_made_again():
    again = replace(amended, amount_fen=100)
    project(*READY, requested(), rejected).when(domain.amend_payment, by=APPLICANT, payment_id="pay1").then(again)
    project(*READY, requested()).when(
        domain.amend_payment, by=APPLICANT, payment_id="pay1", amount_fen=100
    ).then_nothing()


def test_whoever_reviewed_or_signed_cannot_word_the_request():
    """X14"""
    for person in ("branch", "signer"):
        by = who(person, "payment.amend")
        spec = project(*SIGNED)
        spec.when(domain.amend_payment, by=by, payment_id="pay1", amount_fen=1).then_raises(
            ForbiddenError, "cannot be applicant"
        )


def test_a_request_can_be_withdrawn_until_it_is_paid():
    gone = PaymentWithdrawn(project_id="p1", payment_id="pay1", reason="重复", person_id="applicant")
    project(*SIGNED).when(domain.withdraw_payment, by=APPLICANT, payment_id="pay1", reason="重复").then(gone)
    spec = project(*PAID)
    spec.when(domain.withdraw_payment, by=APPLICANT, payment_id="pay1", reason="x").then_raises(
        IllegalStateError, "is paid"
    )
    spec.when(domain.amend_payment, by=APPLICANT, payment_id="pay1", amount_fen=1).then_raises(
        IllegalStateError, "is paid"
    )
    project(*SIGNED, gone).when(domain.make_payment, by=CASHIER, payment_id="pay1").then_raises(
        IllegalStateError, "withdrawn"
    )


def test_one_signature_after_all_three_reviews():
    """D35, X06"""
    project(*READY, requested(), *THREE_REVIEWS).when(domain.sign_payment, by=SIGNER, **READ).then(signed())
    spec = project(*READY, requested(), *THREE_REVIEWS[:2])
    spec.when(domain.sign_payment, by=SIGNER, **READ).then_raises(
        IllegalStateError, "still needs the approval of: board"
    )
    project(*SIGNED).when(domain.sign_payment, by=SIGNER, **READ).then_nothing()
    stale = READ | {"amount_fen": 1}
    project(*READY, requested(), *THREE_REVIEWS).when(domain.sign_payment, by=SIGNER, **stale).then_raises(
        IllegalStateError, "read it"
    )


@pytest.mark.parametrize("person", ["applicant", "branch", "committee", "board", "accountant"])
def test_the_signer_had_no_other_part(person: str):
    """D35, X14"""
    spec = project(*READY, requested(), *THREE_REVIEWS)
    spec.when(domain.sign_payment, by=who(person, "payment.sign"), **READ).then_raises(
        ForbiddenError, "cannot be signer"
    )


def test_the_cashier_of_an_earlier_payment_does_not_sign_a_later_one():
    """D35: across the whole history of the project."""
    second = [reviewed(body, payment_id="pay2") for body in ("branch", "committee", "board")]
    spec = project(*PAID, requested(payment_id="pay2"), *second)
    spec.when(domain.sign_payment, by=who("cashier", "payment.sign"), **READ | {"payment_id": "pay2"}).then_raises(
        ForbiddenError, "been cashier"
    )


def test_only_the_project_s_one_signer_signs_until_another_is_designated():
    """D35: one pen."""
    second = [reviewed(body, payment_id="pay2") for body in ("branch", "committee", "board")]
    history = (*PAID, requested(payment_id="pay2"), *second)
    other, ask = who("signer2", "payment.sign"), READ | {"payment_id": "pay2"}
    project(*history).when(domain.sign_payment, by=other, **ask).then_raises(
        ForbiddenError, "signer signs for this project"
    )
    named = SignerDesignated(project_id="p1", person_id="signer2")
    expected = replace(signed(payment_id="pay2"), person_id="signer2")
    project(*history, named).when(domain.sign_payment, by=other, **ask).then(expected)


def test_the_designated_signer_neither_asks_nor_reviews():
    named = SignerDesignated(project_id="p1", person_id="signer")
    by = who("signer", "payment.*")
    project(*READY, named).when(domain.request_payment, by=by, **ASK).then_raises(ForbiddenError, "designated signer")
    spec = project(*READY, named, requested())
    spec.when(domain.review_payment, by=by, body="branch", **APPROVE).then_raises(ForbiddenError, "designated signer")


def test_the_cashier_pays_from_all_sources_in_proportion():
    """C22, D31: 300 + 100 fen held, 100 fen paid."""
    expected = paid({"government": 75, "society": 0, "residents": 25})
    project(*SIGNED).when(domain.make_payment, by=CASHIER, payment_id="pay1").then(expected)
    project(*PAID).when(domain.make_payment, by=CASHIER, payment_id="pay1").then_nothing()


def test_no_payment_without_reviews_and_signature():
    """X06"""
    for history in ((*READY, requested()), (*READY, requested(), *THREE_REVIEWS)):
        spec = project(*history)
        spec.when(domain.make_payment, by=CASHIER, payment_id="pay1").then_raises(
            IllegalStateError, "three approvals and the signature"
        )


@pytest.mark.parametrize("person", ["accountant", "signer"])
def test_the_cashier_is_neither_accountant_nor_signer(person: str):
    """D31, X14"""
    spec = project(*SIGNED)
    spec.when(domain.make_payment, by=who(person, "payment.pay"), payment_id="pay1").then_raises(
        ForbiddenError, f"been {person}"
    )


def test_machines_do_not_pay():
    machine = Mandate(actor="policy:x", role="service", powers=frozenset({"*"}))
    project(*SIGNED).when(domain.make_payment, by=machine, payment_id="pay1").then_raises(
        ForbiddenError, "only a person"
    )


def test_never_more_is_paid_than_came_in():
    """C22"""
    reviews = (reviewed(body, 401) for body in ("branch", "committee", "board"))
    spec = project(*READY, requested(401), *reviews, signed(401))
    spec.when(domain.make_payment, by=CASHIER, payment_id="pay1").then_raises(
        IllegalStateError, "holds 400 fen and cannot pay 401"
    )
    more = (proposed, approved, received("society", 1), *READY[2:])
    reviews = (reviewed(body, 401) for body in ("branch", "committee", "board"))
    spec = project(*more, requested(401), *reviews, signed(401))
    spec.when(domain.make_payment, by=CASHIER, payment_id="pay1").then(
        paid({"government": 300, "society": 1, "residents": 100})
    )


@pytest.mark.parametrize(
    ("decide", "arguments"),
    [
        (domain.request_payment, ASK),
        (domain.amend_payment, {"payment_id": "pay9", "amount_fen": 1}),
        (domain.withdraw_payment, {"payment_id": "pay9", "reason": "x"}),
        (domain.review_payment, APPROVE | {"payment_id": "pay9", "body": "branch"}),
        (domain.sign_payment, READ | {"payment_id": "pay9"}),
        (domain.make_payment, {"payment_id": "pay9"}),
    ],
)
def test_every_step_needs_a_mandate_a_project_and_a_payment(decide: Any, arguments: dict[str, Any]):
    """X14"""
    project(*READY).when(decide, by=SECRETARY, **arguments).then_raises(ForbiddenError, "no mandate for payment")
    able = who("x", "payment.*")
    project().when(decide, by=able, **arguments).then_raises(NotFoundError, "no project p1")
    if decide is not domain.request_payment:
        project(*READY).when(decide, by=able, **arguments).then_raises(NotFoundError, "no payment pay9")
