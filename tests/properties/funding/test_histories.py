"""In every reachable history books balance, payments have their preconditions, duties are apart (R10).

Histories begin anew, or with facts as they lay in the project's stream before receipts and payments had streams of their own.
"""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import event as note
from hypothesis import settings, strategies
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from services.funding.books import SOURCES
from services.funding.documents import PAYMENT, RECEIPT
from services.funding.payment_facts import PaymentMade
from services.funding.project import PROJECT, Project
from shared.domain.decider import Decider
from shared.domain.errors import LinliError
from shared.domain.mandate import Mandate
from tests.domain.funding.audit import violations
from tests.domain.funding.facts import PLACE, SIGNED, TYPES, in_the_project, received, requested
from tests.domain.funding.office import CARRIED, Office

BODIES = ("branch", "committee", "board")
#: Few people in few organisations, each with every power: only the rules on persons keep them apart.
PEOPLE = ["accountant", "cashier", "applicant", "signer", "approver", "examiner", *BODIES]
PERSON = strategies.sampled_from(PEOPLE)
OLD = (*SIGNED, received("society", 40, "r-old", voucher="No 1"), requested(30, "pay4"))


def mostly(person: str) -> strategies.SearchStrategy[str]:
    """Usually the right person, now and then anybody."""
    return strategies.sampled_from([person] * 2 * len(PEOPLE) + PEOPLE)


ORGANISATION = strategies.sampled_from(["o-branch", "o-committee", "o-board"])
#: Few bills, one of them written in two ways; most have no number.
BILL = strategies.sampled_from(["", "", "", "No 1", "no1", "No 2"])
FEN = strategies.integers(1, 500) | strategies.integers(1, 10**13)
ASKED = strategies.integers(1, 4).map("pay{}".format)


class Books(RuleBasedStateMachine):
    """Anybody tries anything; what is refused changes nothing, what is decided must stand up to the auditor."""

    def __init__(self) -> None:
        super().__init__()
        self.office = Office()
        self.receipts: list[str] = []
        self.payments: list[str] = []
        self.ids = 0

    @property
    def state(self) -> Project:
        found: Project = self.office.state(PROJECT)
        return found

    def attempt(self, command: str, who: str, organisation: str = "o-any", **ask: Any) -> bool:
        by = Mandate(
            actor=who, role="post", organisation_id=organisation, post_id="x", place=PLACE, powers=frozenset({"*"})
        )
        try:
            written = self.office.give(command, by, **ask)
        except LinliError:
            return False
        try:
            assert self.office.give(command, by, **ask) == [], f"{command} repeated writes something"
        except LinliError:
            pass
        return bool(written)

    def fresh(self, kind: str) -> str:
        self.ids += 1
        return f"{kind}{self.ids}"

    def receive_as(self, who: str, **ask: Any) -> bool:
        self.receipts.append(self.fresh("r"))
        return self.attempt("record_receipt", who, id=self.receipts[-1], payer="x", **ask)

    def ask_for(self, payment_id: str, who: str, fen: int, bill: str = "") -> None:
        if payment_id not in self.payments:
            self.payments.append(payment_id)
        self.attempt("request_payment", who, id=payment_id, payee="x", purpose="y", amount_fen=fen, bill=bill)

    @initialize(old=strategies.booleans())
    def begin(self, old: bool) -> None:
        if old:
            self.office = Office(in_the_project(OLD))
            self.receipts, self.payments = ["r-government", "r-residents", "r-old"], ["pay1", "pay4"]
            return
        criteria = [{"code": code, "zh": "路平", "en": "level road"} for code in ("road", "lamp")]
        ask = {"title": "路灯", "place": PLACE, "issue_ids": ["i1", "i2"]}
        money = {"budget_fen": 1500, "shares": {"society": 1500}}
        assert self.attempt("propose_project", "applicant", criteria=criteria, **ask, **money)
        assert self.attempt("approve_project", "approver")
        for source, fen in (("government", 700), ("residents", 301)):
            assert self.receive_as("accountant", source=source, amount_fen=fen)

    @rule(
        who=mostly("accountant"),
        source=strategies.sampled_from(SOURCES),
        fen=FEN,
        voucher=strategies.sampled_from(["", "", "No 1", "no1", "No 2"]),
    )
    def receive(self, who: str, source: str, fen: int, voucher: str) -> None:
        self.receive_as(who, source=source, amount_fen=fen, voucher=voucher)

    @rule(who=mostly("accountant"), data=strategies.data())
    @precondition(lambda self: self.receipts)
    def reverse(self, who: str, data: strategies.DataObject) -> None:
        receipt_id = data.draw(strategies.sampled_from(sorted(self.receipts)))
        self.attempt("reverse_receipt", who, receipt_id=receipt_id, reason="x")

    def read(self, payment_id: str, stale: bool = False) -> dict[str, Any]:
        payment = self.office.state(PAYMENT, payment_id)
        if payment.status == "unknown":
            payment = self.state.former.payments.get(payment_id, payment)
        version, fen = (payment.version, payment.amount_fen) if payment.version else (1, 1)
        return {"payment_id": payment_id, "version": max(version - stale, 1), "amount_fen": fen}

    @rule(
        step=strategies.sampled_from(["request", "amend", "explain", "withdraw", "review", "sign", "pay"]),
        who=PERSON,
        organisation=ORGANISATION,
        payment_id=ASKED,
        fen=FEN,
        bill=BILL,
        body=strategies.sampled_from(BODIES),
        verdict=strategies.sampled_from(["approved", "rejected"]),
        stale=strategies.booleans(),
    )
    def any_step(
        self,
        step: str,
        who: str,
        organisation: str,
        payment_id: str,
        fen: int,
        bill: str,
        body: str,
        verdict: str,
        stale: bool,
    ) -> None:
        """One step of a payment by anybody, at any time."""
        match step:
            case "request":
                if payment_id not in self.state.former.payments:
                    self.ask_for(payment_id, who, fen, bill)
            case "amend":
                self.attempt("amend_payment", who, payment_id=payment_id, payee="x", amount_fen=fen, bill=bill)
            case "explain":
                self.attempt("explain_payment", who, payment_id=payment_id, reason="x")
            case "withdraw":
                self.attempt("withdraw_payment", who, payment_id=payment_id, reason="x")
            case "review":
                ask = self.read(payment_id, stale) | {"body": body, "verdict": verdict, "reason": "x"}
                self.attempt("review_payment", who, organisation, **ask)
            case "sign":
                self.attempt("sign_payment", who, **self.read(payment_id))
            case _:
                self.attempt("make_payment", who, payment_id=payment_id)

    @rule(who=mostly("approver"), more=strategies.integers(0, 500))
    def raise_budget(self, who: str, more: int) -> None:
        budget = self.state.budget_fen + more
        if self.attempt("raise_budget", who, budget_fen=budget, shares={"society": budget}, reason="x"):
            note("budget raised")

    @rule(who=mostly("signer"))
    def designate(self, who: str) -> None:
        self.attempt("designate_signer", "approver", person_id=who)

    @rule(who=mostly("cashier"), payment_id=ASKED)
    def pay(self, who: str, payment_id: str) -> None:
        self.attempt("make_payment", who, payment_id=payment_id)

    @rule(data=strategies.data())
    def by_the_book(self, data: strategies.DataObject) -> None:
        """The whole way of a payment, most of the time as it should be, with one thing done wrong now and then."""
        held = sum(self.state.held.values())
        fen = data.draw(strategies.integers(1, held + 1) | strategies.integers(1, 9))
        payment_id = self.fresh("book")
        kinds = ["nothing", "person", "person", "person", "organisation", "order", "amount", "amount"]
        wrong = data.draw(strategies.sampled_from(kinds))
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
                    self.ask_for(payment_id, people["applicant"], fen)
                    if self.attempt("explain_payment", people["applicant"], payment_id=payment_id, reason="x"):
                        note("no repeat")
                case "amend":
                    self.attempt("amend_payment", people["applicant"], payment_id=payment_id, amount_fen=fen + 1)
                    read = data.draw(strategies.sampled_from([read, self.read(payment_id)]))
                case "sign":
                    self.attempt("sign_payment", people["signer"], **read)
                case "pay":
                    if self.attempt("make_payment", people["cashier"], payment_id=payment_id):
                        note(f"paid, wrong: {wrong}")
                case body:
                    ask = read | {"body": body, "verdict": "approved"}
                    self.attempt("review_payment", people[body], organisations[body], **ask)

    @rule(who=mostly("cashier"))
    @precondition(lambda self: len(self.office.history) > 50)
    def wrap_up(self, who: str) -> None:
        """From works to surplus: pending payments are withdrawn first."""
        for payment_id in self.state.open_payments:
            self.attempt("withdraw_payment", "applicant", payment_id=payment_id, reason="x")
        self.works("finish", True)
        self.works("accept", True)
        if self.attempt("return_surplus", who):
            note("surplus returned")

    @rule(
        passed=strategies.booleans(),
        step=strategies.sampled_from(["finish", "accept", "return"]),
        who=mostly("examiner"),
    )
    def works(self, step: str, passed: bool, who: str = "examiner") -> None:
        match step:
            case "finish":
                self.attempt("finish_works", "board")
            case "accept":
                issues = {"i1": True, "i2": passed}
                self.attempt("accept_project", who, criteria={"road": passed, "lamp": True}, issues=issues)
            case _:
                self.attempt("return_surplus", "cashier")

    @rule()
    def disclose(self) -> None:
        self.attempt("disclose_statement", "board", id=self.fresh("s"))

    @invariant()
    def stands_up_to_the_auditor(self) -> None:
        told = [event for event in self.office.history if not isinstance(event, CARRIED)]
        assert violations(told, TYPES) == []

    def _folded(self, decider: Decider[Any], id: str) -> Any:
        state = decider.initial(id)
        for record in self.office.log.read_stream(decider.stream(id)):
            state = decider.evolve(state, self.office.read(record))
        return state

    def teardown(self) -> None:
        """Folding again gives the same states, snapshots keep them, and the rows tell the same numbers."""
        if not self.office.history:
            return
        things = [(RECEIPT, id) for id in self.receipts] + [(PAYMENT, id) for id in self.payments]
        for decider, id in ((PROJECT, "p1"), *things):
            state = self._folded(decider, id)
            assert state == self.office.state(decider, id)
            assert msgspec.json.decode(msgspec.json.encode(state), type=decider.state) == state
        state, rows = self.state, self.office.rows()
        project = rows.rows["projects"]["p1"]
        money = {"received": state.received, "spent": state.spent, "returned": state.returned, "held": state.held}
        assert {name: project[name] for name in money} == money
        assert (project["status"], project["pending"]) == (state.status, len(state.open_payments))
        assert sorted(state.asked) == sorted(state.open_payments)
        assert project["committed_fen"] == state.committed_fen <= state.budget_fen
        still = [id for id, row in rows.rows["payments"].items() if row["status"] not in ("paid", "withdrawn")]
        assert sorted(still) == sorted(state.open_payments)
        made = sum(isinstance(event, PaymentMade) for event in self.office.history)
        assert (project["payments"], state.payments) == (made, made)
        counted = [row for row in rows.rows["receipts"].values() if row["status"] == "recorded"]
        assert len(counted) == state.receipts
        assert sum(row["amount_fen"] for row in counted) == sum(state.received.values())
        for decider, id in things:
            own = self.office.state(decider, id)
            if decider.exists(own):
                row = rows.rows[decider.category + "s"][id]
                assert {name: row[name] for name in ("status", "amount_fen", "place")} == {
                    name: getattr(own, name) for name in ("status", "amount_fen", "place")
                }


def test_in_every_reachable_history_the_auditor_finds_nothing() -> None:
    """(part of D32, X06, X14)"""
    bounds = settings(max_examples=200, stateful_step_count=40, deadline=None)
    run_state_machine_as_test(Books, settings=bounds)
