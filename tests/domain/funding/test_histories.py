"""In every reachable history books balance, payments have their preconditions, duties are apart (R10, X06, X14)."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import msgspec
import pytest
from hypothesis import event as note
from hypothesis import settings, strategies
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from msgspec.structs import replace
from services.funding.domain import PROJECT
from services.funding.events import BODIES, SOURCES, PaymentMade

from services.funding import domain
from shared.domain.errors import DomainError
from shared.domain.event import Event
from shared.domain.mandate import Mandate
from tests.domain.funding.audit import violations
from tests.domain.funding.facts import (
    PAID,
    PLACE,
    READY,
    SIGNED,
    accepted,
    finished,
    received,
    requested,
    reviewed,
)
from tests.domain.funding.test_money import statement, surplus
from tests.domain.funding.views import fold_views
from tests.kit import AT

#: Few people in few organisations, each with every power: only the rules on persons keep them apart.
PEOPLE = ["accountant", "cashier", "applicant", "signer", *BODIES]
PERSON = strategies.sampled_from(PEOPLE)


def mostly(person: str) -> strategies.SearchStrategy[str]:
    """Usually the right person, now and then anybody."""
    return strategies.sampled_from([person] * 2 * len(PEOPLE) + PEOPLE)


ORGANISATION = strategies.sampled_from(["o-branch", "o-committee", "o-board"])
FEN = strategies.integers(1, 500) | strategies.integers(1, 10**13)
PAYMENT = strategies.integers(1, 4).map("pay{}".format)


class Books(RuleBasedStateMachine):
    """Anybody tries anything; what is refused changes nothing, what is decided must stand up to the auditor."""

    def __init__(self) -> None:
        super().__init__()
        self.state = PROJECT.initial("p1")
        self.history: list[Event] = []
        self.ids = 0

    def attempt(self, decide: Callable[..., list[Event]], who: str, organisation: str = "o-any", **ask: Any) -> bool:
        by = Mandate(
            actor=who, role="post", organisation_id=organisation, post_id="x", place=PLACE, powers=frozenset({"*"})
        )
        try:
            events = decide(self.state, by=by, at=AT, **ask)
        except DomainError:
            return False
        for event in events:
            stored = PROJECT.codec.decode(type(event).__name__, event.schema, PROJECT.codec.encode(event))
            self.state = PROJECT.evolve(self.state, stored)
            self.history.append(stored)
        with suppress(DomainError):
            assert decide(self.state, by=by, at=AT, **ask) == [], f"{decide.__name__} repeated writes something"
        return bool(events)

    def fresh(self, kind: str) -> str:
        self.ids += 1
        return f"{kind}{self.ids}"

    @initialize()
    def propose(self) -> None:
        criteria = [{"code": "road", "zh": "路平", "en": "level road"}]
        ask = {"title": "路灯", "place": PLACE, "budget_fen": 10, "shares": {"society": 10}, "issue_ids": ["i1"]}
        assert self.attempt(domain.propose, "applicant", criteria=criteria, **ask)
        assert self.attempt(domain.approve, "board")
        for source, fen in (("government", 700), ("residents", 301)):
            receipt = {"receipt_id": self.fresh("r"), "source": source, "payer": "x", "amount_fen": fen}
            assert self.attempt(domain.record_receipt, "accountant", **receipt)

    @rule(who=mostly("accountant"), source=strategies.sampled_from(SOURCES), fen=FEN)
    def receive(self, who: str, source: str, fen: int) -> None:
        ask = {"source": source, "payer": "x", "amount_fen": fen}
        self.attempt(domain.record_receipt, who, receipt_id=self.fresh("r"), **ask)

    @rule(who=mostly("accountant"), data=strategies.data())
    @precondition(lambda self: self.state.receipts)
    def reverse(self, who: str, data: strategies.DataObject) -> None:
        receipt_id = data.draw(strategies.sampled_from(sorted(self.state.receipts)))
        self.attempt(domain.reverse_receipt, who, receipt_id=receipt_id, reason="x")

    def read(self, payment_id: str, stale: bool = False) -> dict[str, Any]:
        payment = self.state.payments.get(payment_id)
        version, fen = (payment.version, payment.amount_fen) if payment else (1, 1)
        return {"payment_id": payment_id, "version": version - stale, "amount_fen": fen}

    @rule(
        step=strategies.sampled_from(["request", "amend", "withdraw", "review", "sign", "pay"]),
        who=PERSON,
        organisation=ORGANISATION,
        payment_id=PAYMENT,
        fen=FEN,
        body=strategies.sampled_from(BODIES),
        verdict=strategies.sampled_from(["approved", "rejected"]),
        stale=strategies.booleans(),
    )
    def any_step(
        self, step: str, who: str, organisation: str, payment_id: str, fen: int, body: str, verdict: str, stale: bool
    ) -> None:
        """One step of a payment by anybody, at any time."""
        match step:
            case "request":
                ask = {"payment_id": payment_id, "payee": "x", "purpose": "y", "amount_fen": fen}
                self.attempt(domain.request_payment, who, **ask)
            case "amend":
                self.attempt(domain.amend_payment, who, payment_id=payment_id, amount_fen=fen)
            case "withdraw":
                self.attempt(domain.withdraw_payment, who, payment_id=payment_id, reason="x")
            case "review":
                ask = self.read(payment_id, stale) | {"body": body, "verdict": verdict, "reason": "x"}
                self.attempt(domain.review_payment, who, organisation, **ask)
            case "sign":
                self.attempt(domain.sign_payment, who, **self.read(payment_id))
            case _:
                self.attempt(domain.make_payment, who, payment_id=payment_id)

    @rule(who=mostly("signer"))
    def designate(self, who: str) -> None:
        self.attempt(domain.designate_signer, "board", person_id=who)

    @rule(who=mostly("cashier"), payment_id=PAYMENT)
    def pay(self, who: str, payment_id: str) -> None:
        self.attempt(domain.make_payment, who, payment_id=payment_id)

    @rule(data=strategies.data())
    def by_the_book(self, data: strategies.DataObject) -> None:
        """The whole way of a payment, most of the time as it should be, with one thing done wrong now and then."""
        held = sum(self.state.held.values())
        fen = data.draw(strategies.integers(1, held + 1) | strategies.integers(1, 9))
        payment_id = self.fresh("book")
        wrong = data.draw(
            strategies.sampled_from(
                ["nothing", "person", "person", "person", "organisation", "order", "amount", "amount"]
            )
        )
        people = {duty: duty for duty in ("applicant", *BODIES, "signer", "cashier")}
        organisations = {body: f"o-{body}" for body in BODIES}
        steps = ["request", *data.draw(strategies.permutations(BODIES)), "sign", "pay"]
        if wrong == "person":
            people[data.draw(strategies.sampled_from(sorted(people)))] = data.draw(PERSON)
        if wrong == "organisation":
            organisations[data.draw(strategies.sampled_from(BODIES))] = data.draw(ORGANISATION)
        if wrong == "order":
            steps.remove(data.draw(strategies.sampled_from(steps[1:-1])))
        if wrong == "amount":
            steps.insert(data.draw(strategies.integers(1, 5)), "amend")
        read = {"payment_id": payment_id, "version": 1, "amount_fen": fen}
        for step in steps:
            match step:
                case "request":
                    ask = {"payment_id": payment_id, "payee": "x", "purpose": "y", "amount_fen": fen}
                    self.attempt(domain.request_payment, people["applicant"], **ask)
                case "amend":
                    self.attempt(domain.amend_payment, people["applicant"], payment_id=payment_id, amount_fen=fen + 1)
                    read = data.draw(strategies.sampled_from([read, self.read(payment_id)]))
                case "sign":
                    self.attempt(domain.sign_payment, people["signer"], **read)
                case "pay":
                    if self.attempt(domain.make_payment, people["cashier"], payment_id=payment_id):
                        note(f"paid, wrong: {wrong}")
                case body:
                    ask = read | {"body": body, "verdict": "approved"}
                    self.attempt(domain.review_payment, people[body], organisations[body], **ask)

    @rule(who=mostly("cashier"))
    @precondition(lambda self: len(self.history) > 25)
    def wrap_up(self, who: str) -> None:
        """From works to surplus: pending payments are withdrawn first."""
        for payment_id in self.state.payments:
            self.attempt(domain.withdraw_payment, "applicant", payment_id=payment_id, reason="x")
        self.works("finish", True)
        self.works("accept", True)
        if self.attempt(domain.return_surplus, who):
            note("surplus returned")

    @rule(passed=strategies.booleans(), step=strategies.sampled_from(["finish", "accept", "return"]))
    def works(self, step: str, passed: bool) -> None:
        match step:
            case "finish":
                self.attempt(domain.finish_works, "board")
            case "accept":
                self.attempt(domain.accept, "board", criteria={"road": passed}, issues={"i1": True})
            case _:
                self.attempt(domain.return_surplus, "cashier")

    @rule()
    def disclose(self) -> None:
        self.attempt(domain.disclose, "board", statement_id=self.fresh("s"))

    @invariant()
    def stands_up_to_the_auditor(self) -> None:
        assert violations(self.history) == []

    def teardown(self) -> None:
        """Folding again gives the same state, a snapshot keeps it, and the views tell the same numbers."""
        state = PROJECT.initial("p1")
        for event in self.history:
            state = PROJECT.evolve(state, event)
        assert state == self.state
        assert msgspec.json.decode(msgspec.json.encode(state), type=PROJECT.state) == state
        if not self.history:
            return
        rows = fold_views(self.history)
        project = rows["projects", "p1"]
        money = {"received": state.received, "spent": state.spent, "returned": state.returned, "held": state.held}
        assert {name: project[name] for name in money} == money
        assert project["status"] == state.status
        assert project["pending"] == sum(p.status not in ("paid", "withdrawn") for p in state.payments.values())
        assert project["payments"] == sum(isinstance(event, PaymentMade) for event in self.history)
        accounts = rows.get(("accounts", "p1"), {"accounts": {}})["accounts"]
        assert accounts == {name: msgspec.to_builtins(balance) for name, balance in state.accounts.items()}
        assert {id: rows["payments", id]["status"] for id in state.payments} == {
            id: payment.status for id, payment in state.payments.items()
        }
        if totals := rows.get(("totals", "350104")):
            assert {name: totals[name] for name in money} == money


TestBooks = Books.TestCase
TestBooks.settings = settings(max_examples=200, stateful_step_count=40, deadline=None)


CLOSED = (*PAID, statement, finished, accepted, surplus)


def test_the_auditor_finds_nothing_in_a_sound_history():
    assert violations(CLOSED) == []


@pytest.mark.parametrize(
    ("history", "match"),
    [
        ((*SIGNED[:-2], *SIGNED[-1:], PAID[-1]), "three approvals"),
        ((*SIGNED[:-1], PAID[-1]), "one signature"),
        ((*SIGNED[:-2], SIGNED[-1], SIGNED[-2], PAID[-1]), "one signature after the approvals"),
        ((*SIGNED, reviewed("branch", verdict="rejected"), PAID[-1]), "was rejected"),
        ((*PAID, PAID[-1]), "paid twice"),
        ((*READY, requested(), reviewed("board", fen=99)), "not what is asked for"),
        ((*SIGNED, replace(PAID[-1], version=2)), "not asked for like that"),
        ((*SIGNED, replace(PAID[-1], cashier="accountant")), "accountant is accountant and cashier"),
        ((*SIGNED, replace(PAID[-1], cashier="signer")), "signer is cashier and signer"),
        ((*SIGNED[:-1], replace(SIGNED[-1], person_id="board"), PAID[-1]), "board is reviewer and signer"),
        ((*SIGNED, replace(PAID[-1], drawn={"government": 70, "society": 0, "residents": 30})), "off its share"),
        ((*PAID, replace(received("society", 5), entries=PAID[2].entries)), "society holds 5 fen"),
        ((*PAID, replace(received("society", 5), entries=received("society", 5).entries[:1])), "do not balance"),
        (
            (*PAID, finished, accepted, replace(surplus, returned={"government": 300, "society": 0, "residents": 0})),
            "returned",
        ),
        ((*PAID, replace(statement, income=statement.income | {"society": 1})), "the statement tells"),
    ],
)
def test_the_auditor_finds_what_is_wrong(history: tuple[Event, ...], match: str):
    """The check above can fail: each forged history is found out."""
    assert any(match in found for found in violations(history)), violations(history)
