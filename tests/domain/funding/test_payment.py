"""Payments: joint review, one signature, cashier."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from services.funding.documents import PAYMENT
from services.funding.facts import ReviewerNamed, SignerDesignated
from services.funding.payment_facts import PaymentAmended, PaymentHeld, PaymentWithdrawn, RepeatExcluded
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
    in_own_streams,
    in_the_project,
    paid,
    proposed,
    raised,
    received,
    requested,
    reviewed,
    signed,
    who,
)
from tests.domain.funding.office import CARRIED, Office
from tests.kit import AT
from tests.kit.city import entry

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
    bill="",
    contract="",
    version=2,
    applicant="applicant",
)


def test_a_payment_is_asked_for_once(project: Project) -> None:
    project(*READY).when("request_payment", APPLICANT, **ASK).then(requested())
    project(*READY, requested()).when("request_payment", APPLICANT, **ASK).then_nothing()


def test_nothing_is_asked_for_before_approval(project: Project) -> None:
    project(proposed).when("request_payment", APPLICANT, **ASK).then_raises(IllegalStateError, "approve it first")


def test_paid_and_asked_together_stay_within_the_budget(project: Project) -> None:
    """1,000 fen, of which 100 are paid and 300 asked for (part of X06)."""
    history = (*PAID, requested(300, "pay2"))
    for ask in (ASK | {"id": "pay3", "amount_fen": 601}, ASK | {"id": "pay3", "amount_fen": 10**9}):
        spec = project(*history).when("request_payment", APPLICANT, **ask)
        spec.then_raises(IllegalStateError, "budget of 1000 fen, of which 400 fen are paid or asked for; raise")
    project(*history).when("request_payment", APPLICANT, **ASK | {"id": "pay3", "amount_fen": 600}).then(
        requested(600, "pay3")
    )
    spec = project(*history).when("amend_payment", APPLICANT, payment_id="pay2", amount_fen=901)
    spec.then_raises(IllegalStateError, "of which 100 fen")
    more = replace(amended, payment_id="pay2", amount_fen=900)
    project(*history).when("amend_payment", APPLICANT, payment_id="pay2", amount_fen=900).then(more)
    gone = PaymentWithdrawn(project_id="p1", payment_id="pay2", reason="重复", person_id="applicant")
    ask = ASK | {"id": "pay3", "amount_fen": 900}
    project(*history, gone).when("request_payment", APPLICANT, **ask).then(requested(900, "pay3"))
    project(*history, raised).when("request_payment", APPLICANT, **ask).then(requested(900, "pay3"))


def test_what_was_asked_for_before_budgets_held_is_not_paid_beyond_them(project: Project) -> None:
    rich = (proposed, approved, received("government", 5300))
    reviews = (reviewed(body, 4099) for body in ("branch", "committee", "board"))
    spec = project(*rich, requested(4099), *reviews, signed(4099))
    spec.when("make_payment", CASHIER, payment_id="pay1").then_raises(IllegalStateError, "beyond the budget of 1000")


BILL = {"bill": "No.0001"}


def test_a_bill_of_a_payee_is_asked_for_once_however_it_is_written(project: Project) -> None:
    """Also in another amount, for another project, long after; another payee may have a bill of that number (part of X06)."""
    first = requested(bill="No.0001", contract="HT-7")
    project(*READY).when("request_payment", APPLICANT, **ASK, **BILL, contract="HT-7").then(first)
    for bill in ("No.0001", "No.0001 ", "NO.0001", "\uff2e\uff4f.0001"):
        again = ASK | {"id": "pay2", "bill": bill, "amount_fen": 7, "at": "2026-03-04T09:00:00+08:00"}
        spec = project(*READY, first).when("request_payment", APPLICANT, **again)
        spec.then_raises(IllegalStateError, "asked for already, by the payment pay1; it is requested")
    other = ASK | BILL | {"id": "pay2", "payee": "安明电力公司二分公司"}
    expected = requested(payment_id="pay2", bill="No.0001", payee="安明电力公司二分公司")
    project(*READY, first).when("request_payment", APPLICANT, **other).then(expected)
    gone = PaymentWithdrawn(project_id="p1", payment_id="pay1", reason="重复", person_id="applicant")
    again = ASK | BILL | {"id": "pay2"}
    project(*READY, first, gone).when("request_payment", APPLICANT, **again).then(
        requested(payment_id="pay2", bill="No.0001")
    )
    second = requested(50, "pay2")
    spec = project(*READY, first, second).when("amend_payment", APPLICANT, payment_id="pay2", bill="no 0001")
    spec.then(replace(amended, payment_id="pay2", amount_fen=50, bill="no 0001"))
    spec = project(*READY, first, second).when("amend_payment", APPLICANT, payment_id="pay2", bill="no.0001")
    spec.then_raises(IllegalStateError, "asked for already")


def test_a_city_may_want_the_numbers_of_bill_and_contract() -> None:
    office = Office(in_own_streams(READY), parameters={"bills_needed": 1, "contracts_needed": 1})
    with pytest.raises(BadInputError) as refused:
        office.give("request_payment", APPLICANT, **ASK)
    assert set(refused.value.fields) == {"bill", "contract"}
    with pytest.raises(BadInputError) as refused:
        office.give("request_payment", APPLICANT, **ASK, **BILL)
    assert set(refused.value.fields) == {"contract"}
    assert office.give("request_payment", APPLICANT, **ASK, **BILL, contract="HT-7")


held = PaymentHeld(project_id="p1", payment_id="pay2", version=1, like=("pay1",))
excluded = RepeatExcluded(
    project_id="p1", payment_id="pay2", version=1, reason="二期路灯，另一张发票", person_id="applicant"
)


def test_a_likely_repeat_is_held_until_somebody_says_why_it_is_none(project: Project) -> None:
    """The same payee and amount within 30 days, however the payee is written (part of X06)."""
    again = ASK | {"id": "pay2"}
    project(*PAID).when("request_payment", APPLICANT, **again).then(requested(payment_id="pay2"), held)
    spaced = requested(payment_id="pay2", payee="安明 电力公司")
    project(*PAID).when("request_payment", APPLICANT, **again | {"payee": "安明 电力公司"}).then(spaced, held)
    for other in ({"amount_fen": 99}, {"payee": "榕景公司"}, {"at": "2025-04-04T09:00:00+08:00"}):
        written = project(*PAID).office.give("request_payment", APPLICANT, **again | other)
        assert [type(event).__name__ for _, event in written] == ["PaymentRequested", "PaymentOpened"]
    history = (*PAID, requested(payment_id="pay2"), held)
    spec = project(*PAID)
    spec.office = Office(in_own_streams(history))
    read = APPROVE | {"payment_id": "pay2", "body": "branch"}
    spec.when("review_payment", REVIEWERS["branch"], **read).then_raises(IllegalStateError, "is held.*no repeat")
    ask = {"payment_id": "pay2", "reason": "二期路灯，另一张发票"}
    for person in ("branch", "signer"):
        by = who(person, "payment.amend")
        if person == "signer":
            spec.when("explain_payment", by, **ask).then_raises(ForbiddenError, "cannot be applicant")
    assert spec.office.give("explain_payment", APPLICANT, **ask)[0] == ("payment-pay2", excluded)
    payment = spec.office.state(PAYMENT, "pay2")
    assert (payment.status, payment.like, payment.no_repeat) == ("requested", ("pay1",), "二期路灯，另一张发票")
    assert spec.office.give("review_payment", REVIEWERS["branch"], **read)
    spec.when("explain_payment", APPLICANT, **ask).then_raises(IllegalStateError, "only one that is held")
    assert violations(spec.office.history) == []


def test_an_amendment_that_looks_like_another_payment_is_held(project: Project) -> None:
    written = project(*PAID, requested(99, "pay2")).office.give(
        "amend_payment", APPLICANT, payment_id="pay2", amount_fen=100
    )
    names = [type(event).__name__ for _, event in written if not isinstance(event, CARRIED)]
    assert names == ["PaymentAmended", "PaymentHeld", "PaymentOpened"]


def test_a_repeat_to_a_person_is_found_by_the_sealed_name() -> None:
    """Until the name is erased (part of X09)."""
    office = Office(in_own_streams(READY))
    ask = ASK | {"payee": "陈师傅", "payee_kind": "person"} | BILL
    office.give("request_payment", APPLICANT, **ask)
    with pytest.raises(IllegalStateError, match="asked for already"):
        office.give("request_payment", APPLICANT, **ask | {"id": "pay2", "payee": "陈 师傅", "bill": "no.0001"})
    written = office.give("request_payment", APPLICANT, **ask | {"id": "pay2", "bill": "No.2"})
    assert [type(event).__name__ for _, event in written] == ["PaymentRequested", "PaymentHeld", "PaymentOpened"]
    written = office.give("request_payment", APPLICANT, **ask | {"id": "pay3", "payee": "林师傅"})
    assert [type(event).__name__ for _, event in written] == ["PaymentRequested", "PaymentOpened"]


def test_only_an_organisation_of_the_body_s_type_reviews(project: Project) -> None:
    """The power alone does not make an organisation a body (part of D34)."""
    spec = project(*READY, requested())
    for organisation in ("o-branch", "o-nowhere"):
        by = who("board", "payment.review.board", organisation=organisation)
        spec.when("review_payment", by, body="board", **APPROVE).then_raises(ForbiddenError, "is no council and cannot")
    old = Office(in_own_streams((*READY, requested())), entry("review_bodies", "board"))
    with pytest.raises(IllegalStateError, match="does not say which type of organisation reviews as board"):
        old.give("review_payment", REVIEWERS["board"], body="board", **APPROVE)


def test_nobody_reviews_for_two_bodies_in_the_whole_life_of_a_project(project: Project) -> None:
    """Committee and board are different persons, also for different payments (part of D06, X14)."""
    history = (*PAID, requested(50, payment_id="pay2"))
    read = APPROVE | {"payment_id": "pay2", "amount_fen": 50}
    for person, body in (("committee", "board"), ("board", "committee")):
        by = who(person, f"payment.review.{body}", organisation=f"o-{body}2")
        spec = project(*history).when("review_payment", by, body=body, **read)
        spec.then_raises(ForbiddenError, f"has reviewed as {person} in this project")
    for body in ("board", "committee"):
        expected = reviewed(body, 50, payment_id="pay2")
        project(*history).when("review_payment", REVIEWERS[body], body=body, **read).then(expected)


def test_who_approved_the_project_asks_for_none_of_its_payments(project: Project) -> None:
    by = who("secretary", "payment.request", "payment.amend")
    project(*READY).when("request_payment", by, **ASK).then_raises(ForbiddenError, "been approver of the project")
    spec = project(*READY, requested()).when("amend_payment", by, payment_id="pay1", amount_fen=1)
    spec.then_raises(ForbiddenError, "been approver of the project")


@pytest.mark.parametrize("body", ["branch", "committee", "board"])
def test_each_body_reviews_what_it_read(project: Project, body: str) -> None:
    """(part of D34)"""
    spec = project(*READY, requested())
    spec.when("review_payment", REVIEWERS[body], body=body, **APPROVE).then(reviewed(body))
    stale = APPROVE | {"amount_fen": 99}
    spec.when("review_payment", REVIEWERS[body], body=body, **stale).then_raises(IllegalStateError, "read it again")
    stale = APPROVE | {"version": 2}
    spec.when("review_payment", REVIEWERS[body], body=body, **stale).then_raises(
        IllegalStateError, "version 1 over 100"
    )


def test_a_body_needs_its_own_power_and_must_be_one_of_three(project: Project) -> None:
    """(part of D34)"""
    spec = project(*READY, requested())
    spec.when("review_payment", REVIEWERS["branch"], body="board", **APPROVE).then_raises(
        ForbiddenError, "review.board"
    )
    spec.when("review_payment", who("x", "payment.*"), body="street", **APPROVE).then_raises(
        BadInputError, "not on the city's list"
    )


def test_three_bodies_are_three_persons_and_three_organisations(project: Project) -> None:
    """One person with two posts is one person (part of D34, X14)."""
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
    """The three approvals are independent (part of D34)."""
    own = who("applicant", "payment.review.branch")
    spec = project(*READY, requested())
    spec.when("review_payment", own, body="branch", **APPROVE).then_raises(ForbiddenError, "been applicant")


def test_a_rejection_has_a_reason_and_voids_the_other_reviews(project: Project) -> None:
    """(part of D34)"""
    ask = READ | {"verdict": "rejected", "body": "board"}
    spec = project(*READY, requested(), reviewed("branch"))
    spec.when("review_payment", REVIEWERS["board"], **ask).then_raises(IllegalStateError, "needs a reason")
    spec.when("review_payment", REVIEWERS["board"], reason="数量不符", **ask).then(rejected)
    state = project(*READY, requested(), reviewed("branch"), rejected).office.rows().get("payments", "pay1")
    assert (list(state["reviews"]), state["status"]) == (["board"], "rejected")
    spec = project(*READY, requested(), rejected)
    spec.when("review_payment", REVIEWERS["branch"], body="branch", **APPROVE).then_raises(
        IllegalStateError, "reviewed after it was amended"
    )
    spec.when("sign_payment", SIGNER, **READ).then_raises(IllegalStateError, "is rejected")


def test_any_amendment_is_a_new_version_without_reviews_and_signature(project: Project) -> None:
    """(part of D34)"""
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
    """(part of X14)"""
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
    """(part of D35, X06)"""
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
    """(part of D35, X14)"""
    spec = project(*READY, requested(), *THREE_REVIEWS)
    spec.when("sign_payment", who(person, "payment.sign"), **READ).then_raises(ForbiddenError, "cannot be signer")


def test_the_cashier_of_an_earlier_payment_does_not_sign_a_later_one(project: Project) -> None:
    """Across the whole history of the project (part of D35)."""
    second = [reviewed(body, payment_id="pay2") for body in ("branch", "committee", "board")]
    spec = project(*PAID, requested(payment_id="pay2"), *second)
    spec.when("sign_payment", who("cashier", "payment.sign"), **READ | {"payment_id": "pay2"}).then_raises(
        ForbiddenError, "been cashier"
    )


def test_only_the_project_s_one_signer_signs_until_another_is_designated(project: Project) -> None:
    """One pen (part of D35)."""
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
    """300 + 100 fen held, 100 fen paid (part of C22, D31)."""
    expected = paid({"government": 75, "society": 0, "residents": 25})
    project(*SIGNED).when("make_payment", CASHIER, payment_id="pay1").then(expected)
    project(*PAID).when("make_payment", CASHIER, payment_id="pay1").then_nothing()


def test_no_payment_without_reviews_and_signature(project: Project) -> None:
    """(part of X06)"""
    for history in ((*READY, requested()), (*READY, requested(), *THREE_REVIEWS)):
        spec = project(*history)
        spec.when("make_payment", CASHIER, payment_id="pay1").then_raises(
            IllegalStateError, "approvals of all bodies and the signature"
        )


@pytest.mark.parametrize("person", ["accountant", "signer"])
def test_the_cashier_is_neither_accountant_nor_signer(project: Project, person: str) -> None:
    """(part of D31, X14)"""
    spec = project(*SIGNED)
    spec.when("make_payment", who(person, "payment.pay"), payment_id="pay1").then_raises(
        ForbiddenError, f"been {person}"
    )


def test_machines_do_not_pay(project: Project) -> None:
    machine = Mandate(actor="policy:x", role="service", powers=frozenset({"*"}))
    project(*SIGNED).when("make_payment", machine, payment_id="pay1").then_raises(ForbiddenError, "only a person")


def test_never_more_is_paid_than_came_in(project: Project) -> None:
    """(part of C22)"""
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
        ("explain_payment", {"payment_id": "pay1", "reason": "x"}),
        ("review_payment", APPROVE | {"body": "branch"}),
        ("sign_payment", READ),
        ("make_payment", {"payment_id": "pay1"}),
    ],
)
def test_every_step_needs_a_mandate_a_project_and_a_payment(
    project: Project, command: str, arguments: dict[str, Any]
) -> None:
    """A payment of another project is not there either (part of X14)."""
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
    assert written == ["PaymentCarried", "PaymentReviewed", "ReviewerNamed"]
    for body in ("committee", "board"):
        fact, named = office.give("review_payment", REVIEWERS[body], body=body, **APPROVE)
        assert fact == ("payment-pay1", reviewed(body))
        assert named == ("project-p1", ReviewerNamed(project_id="p1", body=body, person_id=body))
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
    """(part of X09)"""
    person = replace(requested(), payee="sealed:payee:pay1:陈", payee_kind="person")
    expected = replace(amended, payee="sealed:payee:pay1:陈", payee_kind="person")
    project(*READY, person).when("amend_payment", APPLICANT, payment_id="pay1", amount_fen=90).then(expected)
    again = {"payment_id": "pay1", "payee": "陈", "payee_kind": "person"}
    project(*READY, person).when("amend_payment", APPLICANT, **again).then_nothing()
    alone = {"payment_id": "pay1", "payee_kind": "person"}
    project(*READY, requested()).when("amend_payment", APPLICANT, **alone).then_raises(BadInputError, "together")
