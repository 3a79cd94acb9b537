"""Payments: joint review, one signature, cashier (D31, D34, D35, X06, X14)."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from services.funding.facts import PaymentAmended, PaymentWithdrawn, SignerDesignated
from services.funding.project import PROJECT
from shared.domain.errors import BadInputError, DomainError, ForbiddenError, IllegalStateError, NotFoundError
from shared.domain.mandate import Mandate
from tests.domain.funding.audit import violations
from tests.domain.funding.conftest import Project
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
    in_the_project,
    paid,
    proposed,
    received,
    requested,
    reviewed,
    signed,
    who,
)
from tests.domain.funding.office import Office
from tests.kit import AT

ASK = {"id": "pay1", "payee": "安明电力公司", "purpose": "路灯 12 盏", "amount_fen": 100}
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


def test_a_payment_is_asked_for_once(project: Project) -> None:
    project(*READY).when("request_payment", APPLICANT, **ASK).then(requested())
    project(*READY, requested()).when("request_payment", APPLICANT, **ASK).then_nothing()


def test_nothing_is_asked_for_before_approval(project: Project) -> None:
    project(proposed).when("request_payment", APPLICANT, **ASK).then_raises(IllegalStateError, "approve it first")


@pytest.mark.parametrize("body", ["branch", "committee", "board"])
def test_each_body_reviews_what_it_read(project: Project, body: str) -> None:
    """D34"""
    spec = project(*READY, requested())
    spec.when("review_payment", REVIEWERS[body], body=body, **APPROVE).then(reviewed(body))
    stale = APPROVE | {"amount_fen": 99}
    spec.when("review_payment", REVIEWERS[body], body=body, **stale).then_raises(IllegalStateError, "read it again")
    stale = APPROVE | {"version": 2}
    spec.when("review_payment", REVIEWERS[body], body=body, **stale).then_raises(
        IllegalStateError, "version 1 over 100"
    )


def test_a_body_needs_its_own_power_and_must_be_one_of_three(project: Project) -> None:
    """D34"""
    spec = project(*READY, requested())
    spec.when("review_payment", REVIEWERS["branch"], body="board", **APPROVE).then_raises(
        ForbiddenError, "review.board"
    )
    spec.when("review_payment", who("x", "payment.*"), body="street", **APPROVE).then_raises(
        BadInputError, "not on the city's list"
    )


def test_three_bodies_are_three_persons_and_three_organisations(project: Project) -> None:
    """D34, X14: one person with two posts is one person."""
    spec = project(*READY, requested(), reviewed("branch"))
    twice = who("branch", "payment.review.board", organisation="o-board")
    spec.when("review_payment", twice, body="board", **APPROVE).then_raises(ForbiddenError, "different persons")
    same = who("board", "payment.review.board", organisation="o-branch")
    spec.when("review_payment", same, body="board", **APPROVE).then_raises(ForbiddenError, "different organisations")
    nobody = Mandate(actor="x", role="post", place=PLACE, powers=frozenset({"payment.*"}))
    spec.when("review_payment", nobody, body="board", **APPROVE).then_raises(ForbiddenError, "for an organisation")


def test_a_body_reviews_once(project: Project) -> None:
    spec = project(*READY, requested(), reviewed("branch"))
    spec.when("review_payment", REVIEWERS["branch"], body="branch", **APPROVE).then_nothing()
    other = who("branch2", "payment.review.branch")
    spec.when("review_payment", other, body="branch", **APPROVE).then_raises(IllegalStateError, "already approved")


def test_an_applicant_does_not_review_their_own_request(project: Project) -> None:
    """D34: the three approvals are independent."""
    own = who("applicant", "payment.review.branch")
    spec = project(*READY, requested())
    spec.when("review_payment", own, body="branch", **APPROVE).then_raises(ForbiddenError, "been applicant")


def test_a_rejection_has_a_reason_and_voids_the_other_reviews(project: Project) -> None:
    """D34"""
    ask = READ | {"verdict": "rejected", "body": "board"}
    spec = project(*READY, requested(), reviewed("branch"))
    spec.when("review_payment", REVIEWERS["board"], **ask).then_raises(IllegalStateError, "needs a reason")
    spec.when("review_payment", REVIEWERS["board"], reason="数量不符", **ask).then(rejected)
    state = project(*READY, requested(), reviewed("branch"), rejected).office.rows().get("payments", "pay1")
    assert (list(state["reviews"]), state["status"]) == (["board"], "rejected")
    spec = project(*READY, requested(), rejected)
    spec.when("review_payment", REVIEWERS["branch"], body="branch", **APPROVE).then_raises(
        IllegalStateError, "amend it"
    )
    spec.when("sign_payment", SIGNER, **READ).then_raises(IllegalStateError, "is rejected")


def test_any_amendment_is_a_new_version_without_reviews_and_signature(project: Project) -> None:
    """D34"""
    for history in ((*READY, requested()), (*READY, requested(), *THREE_REVIEWS), SIGNED):
        project(*history).when("amend_payment", APPLICANT, payment_id="pay1", amount_fen=90).then(amended)
    row = project(*SIGNED, amended).office.rows().get("payments", "pay1")
    assert (row["status"], row["version"], row["reviews"]) == ("requested", 2, {})
    project(*SIGNED, amended).when("make_payment", CASHIER, payment_id="pay1").then_raises(
        IllegalStateError, "signature"
    )


def test_after_a_rejection_the_same_request_may_be_made_again(project: Project) -> None:
    again = replace(amended, amount_fen=100)
    project(*READY, requested(), rejected).when("amend_payment", APPLICANT, payment_id="pay1").then(again)
    project(*READY, requested()).when("amend_payment", APPLICANT, payment_id="pay1", amount_fen=100).then_nothing()


def test_whoever_reviewed_or_signed_cannot_word_the_request(project: Project) -> None:
    """X14"""
    for person in ("branch", "signer"):
        by = who(person, "payment.amend")
        spec = project(*SIGNED)
        spec.when("amend_payment", by, payment_id="pay1", amount_fen=1).then_raises(
            ForbiddenError, "cannot be applicant"
        )


def test_a_request_can_be_withdrawn_until_it_is_paid(project: Project) -> None:
    gone = PaymentWithdrawn(project_id="p1", payment_id="pay1", reason="重复", person_id="applicant")
    project(*SIGNED).when("withdraw_payment", APPLICANT, payment_id="pay1", reason="重复").then(gone)
    spec = project(*PAID)
    spec.when("withdraw_payment", APPLICANT, payment_id="pay1", reason="x").then_raises(IllegalStateError, "is paid")
    spec.when("amend_payment", APPLICANT, payment_id="pay1", amount_fen=1).then_raises(IllegalStateError, "is paid")
    project(*SIGNED, gone).when("make_payment", CASHIER, payment_id="pay1").then_raises(IllegalStateError, "withdrawn")


def test_one_signature_after_all_three_reviews(project: Project) -> None:
    """D35, X06"""
    project(*READY, requested(), *THREE_REVIEWS).when("sign_payment", SIGNER, **READ).then(signed())
    spec = project(*READY, requested(), *THREE_REVIEWS[:2])
    spec.when("sign_payment", SIGNER, **READ).then_raises(IllegalStateError, "still needs the approval of: board")
    project(*SIGNED).when("sign_payment", SIGNER, **READ).then_nothing()
    stale = READ | {"amount_fen": 1}
    project(*READY, requested(), *THREE_REVIEWS).when("sign_payment", SIGNER, **stale).then_raises(
        IllegalStateError, "read it"
    )


@pytest.mark.parametrize("person", ["applicant", "branch", "committee", "board", "accountant"])
def test_the_signer_had_no_other_part(project: Project, person: str) -> None:
    """D35, X14"""
    spec = project(*READY, requested(), *THREE_REVIEWS)
    spec.when("sign_payment", who(person, "payment.sign"), **READ).then_raises(ForbiddenError, "cannot be signer")


def test_the_cashier_of_an_earlier_payment_does_not_sign_a_later_one(project: Project) -> None:
    """D35: across the whole history of the project."""
    second = [reviewed(body, payment_id="pay2") for body in ("branch", "committee", "board")]
    spec = project(*PAID, requested(payment_id="pay2"), *second)
    spec.when("sign_payment", who("cashier", "payment.sign"), **READ | {"payment_id": "pay2"}).then_raises(
        ForbiddenError, "been cashier"
    )


def test_only_the_project_s_one_signer_signs_until_another_is_designated(project: Project) -> None:
    """D35: one pen."""
    second = [reviewed(body, payment_id="pay2") for body in ("branch", "committee", "board")]
    history = (*PAID, requested(payment_id="pay2"), *second)
    other, ask = who("signer2", "payment.sign"), READ | {"payment_id": "pay2"}
    project(*history).when("sign_payment", other, **ask).then_raises(ForbiddenError, "signer signs for this project")
    named = SignerDesignated(project_id="p1", person_id="signer2")
    expected = replace(signed(payment_id="pay2"), person_id="signer2")
    project(*history, named).when("sign_payment", other, **ask).then(expected)


def test_the_designated_signer_neither_asks_nor_reviews(project: Project) -> None:
    named = SignerDesignated(project_id="p1", person_id="signer")
    by = who("signer", "payment.*")
    project(*READY, named).when("request_payment", by, **ASK).then_raises(ForbiddenError, "been signer of the project")
    spec = project(*READY, named, requested())
    spec.when("review_payment", by, body="branch", **APPROVE).then_raises(ForbiddenError, "been signer of the project")


def test_the_cashier_pays_from_all_sources_in_proportion(project: Project) -> None:
    """C22, D31: 300 + 100 fen held, 100 fen paid."""
    expected = paid({"government": 75, "society": 0, "residents": 25})
    project(*SIGNED).when("make_payment", CASHIER, payment_id="pay1").then(expected)
    project(*PAID).when("make_payment", CASHIER, payment_id="pay1").then_nothing()


def test_no_payment_without_reviews_and_signature(project: Project) -> None:
    """X06"""
    for history in ((*READY, requested()), (*READY, requested(), *THREE_REVIEWS)):
        spec = project(*history)
        spec.when("make_payment", CASHIER, payment_id="pay1").then_raises(
            IllegalStateError, "approvals of all bodies and the signature"
        )


@pytest.mark.parametrize("person", ["accountant", "signer"])
def test_the_cashier_is_neither_accountant_nor_signer(project: Project, person: str) -> None:
    """D31, X14"""
    spec = project(*SIGNED)
    spec.when("make_payment", who(person, "payment.pay"), payment_id="pay1").then_raises(
        ForbiddenError, f"been {person}"
    )


def test_machines_do_not_pay(project: Project) -> None:
    machine = Mandate(actor="policy:x", role="service", powers=frozenset({"*"}))
    project(*SIGNED).when("make_payment", machine, payment_id="pay1").then_raises(ForbiddenError, "only a person")


def test_never_more_is_paid_than_came_in(project: Project) -> None:
    """C22"""
    reviews = (reviewed(body, 401) for body in ("branch", "committee", "board"))
    spec = project(*READY, requested(401), *reviews, signed(401))
    spec.when("make_payment", CASHIER, payment_id="pay1").then_raises(
        IllegalStateError, "holds 400 fen and cannot pay 401"
    )
    more = (proposed, approved, received("society", 1), *READY[2:])
    reviews = (reviewed(body, 401) for body in ("branch", "committee", "board"))
    spec = project(*more, requested(401), *reviews, signed(401))
    spec.when("make_payment", CASHIER, payment_id="pay1").then(
        paid({"government": 300, "society": 1, "residents": 100})
    )


@pytest.mark.parametrize(
    ("command", "arguments"),
    [
        ("request_payment", ASK | {"id": "pay9"}),
        ("amend_payment", {"payment_id": "pay1", "amount_fen": 1}),
        ("withdraw_payment", {"payment_id": "pay1", "reason": "x"}),
        ("review_payment", APPROVE | {"body": "branch"}),
        ("sign_payment", READ),
        ("make_payment", {"payment_id": "pay1"}),
    ],
)
def test_every_step_needs_a_mandate_a_project_and_a_payment(
    project: Project, command: str, arguments: dict[str, Any]
) -> None:
    """X14: a payment of another project is not there either."""
    spec = project(*READY, requested())
    spec.when(command, SECRETARY, **arguments).then_raises(ForbiddenError, "no mandate for payment")
    able = who("x", "payment.*")
    project().when(command, able, **arguments).then_raises(NotFoundError, "no (project p1|payment pay1)")
    if command != "request_payment":
        spec.when(command, able, **arguments, project_id="p2").then_raises(DomainError, "no payment pay1|is requested")


def test_an_old_payment_goes_all_the_way_in_a_stream_of_its_own() -> None:
    """What lay in the project's stream is carried over once, with the first command; its row and the ledger go on."""
    office = Office(in_the_project((*READY, requested())))
    written = [
        type(event).__name__
        for _, event in office.give("review_payment", REVIEWERS["branch"], body="branch", **APPROVE)
    ]
    assert written == ["PaymentCarried", "PaymentReviewed"]
    for body in ("committee", "board"):
        (fact,) = office.give("review_payment", REVIEWERS[body], body=body, **APPROVE)
        assert fact == ("payment-pay1", reviewed(body))
    office.give("sign_payment", SIGNER, **READ)
    office.give("make_payment", CASHIER, payment_id="pay1")
    assert violations(office.history) == []
    state = office.state(PROJECT)
    assert (state.open_payments, state.payments, state.former.payments, state.signer) == ((), 1, {}, "signer")
    row = office.rows().get("payments", "pay1")
    assert (row["status"], row["place"], row["requested_on"], sorted(row["reviews"])) == (
        "paid",
        PLACE,
        AT[:10],
        ["board", "branch", "committee"],
    )


def test_a_payee_who_is_a_person_is_sealed_again_when_the_rest_is_amended(project: Project) -> None:
    """X09"""
    person = replace(requested(), payee="sealed:payee:pay1:陈", payee_kind="person")
    expected = replace(amended, payee="sealed:payee:pay1:陈", payee_kind="person")
    project(*READY, person).when("amend_payment", APPLICANT, payment_id="pay1", amount_fen=90).then(expected)
    again = {"payment_id": "pay1", "payee": "陈", "payee_kind": "person"}
    project(*READY, person).when("amend_payment", APPLICANT, **again).then_nothing()
    alone = {"payment_id": "pay1", "payee_kind": "person"}
    project(*READY, requested()).when("amend_payment", APPLICANT, **alone).then_raises(BadInputError, "together")
