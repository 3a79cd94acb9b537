"""An auditor's reading of a project's history: what is wrong with it, judged from the facts alone (R10).

Written apart from the decisions and the fold on purpose: it shares only the facts with them.
"""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations

from services.funding.facts import (
    BudgetRaised,
    EntriesBooked,
    ProjectAccepted,
    ProjectApproved,
    ProjectProposed,
    ReceiptRecorded,
    ReceiptReversed,
    SignerDesignated,
    StatementDisclosed,
    SurplusReturned,
)
from services.funding.payment_facts import (
    PaymentAmended,
    PaymentHeld,
    PaymentMade,
    PaymentRequested,
    PaymentReviewed,
    PaymentSigned,
    PaymentWithdrawn,
    RepeatExcluded,
)
from shared.domain.event import Event

SIDES = ("government", "society", "residents")


def violations(history: Sequence[Event], types: Mapping[str, str] | None = None) -> list[str]:
    """Everything wrong with a history, in words; empty for a sound one.

    `types` are organisations with their types, where it is to be judged whether the right ones reviewed.
    """
    return [
        *_budget(history),
        *_repeats(history),
        *_bodies(history, types),
        *_books(history),
        *_booked(history),
        *_preconditions(history),
        *_project_roles(history),
        *_payment_roles(history),
    ]


def _budget(history: Sequence[Event]) -> Iterable[str]:
    """Neither what came in nor what is paid and asked for is ever beyond the budget of that time."""
    budget = came_in = 0
    bound: dict[str, int] = {}
    for number, event in enumerate(history):
        match event:
            case ProjectProposed():
                budget = event.budget_fen
            case BudgetRaised():
                if event.budget_fen <= budget or sum(event.shares.values()) != event.budget_fen:
                    yield f"{number}: the budget of {budget} fen is raised to {event.budget_fen}, shares {event.shares}"
                budget = event.budget_fen
            case ReceiptRecorded():
                came_in += event.amount_fen
                if came_in > budget:
                    yield f"{number}: {came_in} fen came in, the budget is {budget}"
            case ReceiptReversed():
                came_in -= event.amount_fen
            case PaymentRequested() | PaymentAmended() | PaymentMade():
                bound[event.payment_id] = event.amount_fen
                if sum(bound.values()) > budget:
                    yield f"{number}: {sum(bound.values())} fen are paid or asked for, the budget is {budget}"
            case PaymentWithdrawn():
                bound.pop(event.payment_id)


def _plain(text: str) -> str:
    """A number or name without case, width and blanks."""
    return "".join(unicodedata.normalize("NFKC", text).casefold().split())


def _repeats(history: Sequence[Event]) -> Iterable[str]:
    """No bill of a payee stands in two requests at once, and what was held was explained before anybody reviewed it."""
    bills: dict[str, tuple[str, str]] = {}
    held: set[str] = set()
    for number, event in enumerate(history):
        match event:
            case PaymentRequested() | PaymentAmended():
                held.discard(event.payment_id)
                bills[event.payment_id] = (_plain(event.payee.rpartition(":")[2]), _plain(event.bill))
                same = [id for id, one in bills.items() if one[1] and one == bills[event.payment_id]]
                if len(same) > 1:
                    yield f"{number}: the same bill is in {same}"
            case PaymentWithdrawn():
                del bills[event.payment_id]
            case PaymentHeld():
                held.add(event.payment_id)
            case RepeatExcluded():
                held.discard(event.payment_id)
            case PaymentReviewed() if event.payment_id in held:
                yield f"{number}: {event.payment_id} is reviewed and may be a repeat"


def _bodies(history: Sequence[Event], types: Mapping[str, str] | None) -> Iterable[str]:
    """Each person reviews for one body, and each body through organisations of one type."""
    reviews = [event for event in history if isinstance(event, PaymentReviewed)]
    for person in {event.person_id for event in reviews}:
        if len(bodies := {event.body for event in reviews if event.person_id == person}) > 1:
            yield f"{person} reviewed for {sorted(bodies)}"
    for body in {event.body for event in reviews}:
        if types and len({types.get(event.organisation_id) for event in reviews if event.body == body}) > 1:
            yield f"organisations of several types reviewed as {body}"


def _booked(history: Sequence[Event]) -> Iterable[str]:
    """What the ledger was told are the entries of the receipt or payment before it, by the same person."""
    for number, event in enumerate(history):
        if isinstance(event, EntriesBooked):
            match history[number - 1]:
                case ReceiptRecorded() | ReceiptReversed() as found:
                    kind = "receipt" if isinstance(found, ReceiptRecorded) else "reversal"
                    told = (kind, found.receipt_id, found.accountant, found.entries)
                case PaymentMade() as paid:
                    told = ("payment", paid.payment_id, paid.cashier, paid.entries)
                case _:
                    told = ("", "", "", ())
            if told != (event.kind, event.document_id, event.person_id, event.entries):
                yield f"{number}: the ledger was told otherwise than {event.document_id}"


def _books(history: Sequence[Event]) -> Iterable[str]:
    balance: dict[str, int] = defaultdict(int)  # debit - credit
    held = dict.fromkeys(SIDES, 0)
    for number, event in enumerate(history):
        if isinstance(event, StatementDisclosed):
            told = {source: event.income[source] - event.spending[source] - event.returned[source] for source in SIDES}
            if not told == event.held == held:
                yield f"{number}: the statement tells {told}, the books hold {held}"
        if not isinstance(event, ReceiptRecorded | ReceiptReversed | PaymentMade | SurplusReturned):
            continue
        if sum(entry.debit_fen for entry in event.entries) != sum(entry.credit_fen for entry in event.entries):
            yield f"{number}: entries do not balance"
        for entry in event.entries:
            if (entry.debit_fen > 0) + (entry.credit_fen > 0) != 1 or entry.debit_fen < 0 or entry.credit_fen < 0:
                yield f"{number}: {entry} has not exactly one side"
            balance[entry.account] += entry.debit_fen - entry.credit_fen
        match event:
            case ReceiptRecorded():
                held[event.source] += event.amount_fen
            case ReceiptReversed():
                held[event.source] -= event.amount_fen
            case PaymentMade():
                total = sum(held.values())
                if sum(event.drawn.values()) != event.amount_fen:
                    yield f"{number}: {event.drawn} is not {event.amount_fen} fen"
                for source in SIDES:
                    if abs(event.drawn[source] * total - event.amount_fen * held[source]) >= total:
                        yield f"{number}: {source} gave {event.drawn[source]}, a fen or more off its share"
                    held[source] -= event.drawn[source]
            case SurplusReturned():
                if event.returned != held:
                    yield f"{number}: returned {event.returned}, held {held}"
                held = {source: held[source] - event.returned[source] for source in SIDES}
        for source in SIDES:
            books = -balance[f"income.{source}"] - balance[f"spending.{source}"] - balance[f"returned.{source}"]
            if not 0 <= held[source] == books:
                yield f"{number}: {source} holds {held[source]} fen, its accounts say {books}"
        if balance["bank.income"] != sum(held.values()) or balance["bank.spending"] or balance["payable"]:
            yield f"{number}: the bank tracks do not agree with what is held"


def _preconditions(history: Sequence[Event]) -> Iterable[str]:
    asked: dict[str, tuple[int, int]] = {}
    for number, event in enumerate(history):
        if isinstance(event, PaymentRequested | PaymentAmended):
            asked[event.payment_id] = (event.version, event.amount_fen)
        judged = isinstance(event, PaymentReviewed | PaymentSigned)
        if judged and asked.get(event.payment_id) != (event.version, event.amount_fen):
            yield f"{number}: judged version {event.version}, which is not what is asked for"
        if not isinstance(event, PaymentMade):
            continue
        before = [fact for fact in history[:number] if getattr(fact, "payment_id", "") == event.payment_id]
        if any(isinstance(fact, PaymentMade) for fact in before):
            yield f"{number}: {event.payment_id} is paid twice"
        worded = [at for at, fact in enumerate(before) if isinstance(fact, PaymentRequested | PaymentAmended)]
        since = before[worded[-1] :] if worded else []
        exact = (event.version, event.amount_fen)
        same = [fact for fact in since if (getattr(fact, "version", 0), getattr(fact, "amount_fen", 0)) == exact]
        if not since or same[:1] != since[:1]:
            yield f"{number}: {event.payment_id} was not asked for like that"
        if any(isinstance(fact, PaymentReviewed) and fact.verdict != "approved" for fact in since):
            yield f"{number}: {event.payment_id} was rejected"
        approvals = [fact for fact in same if isinstance(fact, PaymentReviewed) and fact.verdict == "approved"]
        for field in ("body", "person_id", "organisation_id"):
            if len({getattr(fact, field) for fact in approvals}) != 3:
                yield f"{number}: {event.payment_id} lacks three approvals by distinct {field}"
        signatures = [at for at, fact in enumerate(same) if isinstance(fact, PaymentSigned)]
        if len(signatures) != 1 or any(same.index(approval) > signatures[0] for approval in approvals):
            yield f"{number}: {event.payment_id} lacks one signature after the approvals"


def _project_roles(history: Sequence[Event]) -> Iterable[str]:
    accountants = {event.accountant for event in history if isinstance(event, ReceiptRecorded | ReceiptReversed)}
    cashiers = {event.cashier for event in history if isinstance(event, PaymentMade | SurplusReturned)}
    signers = {event.person_id for event in history if isinstance(event, PaymentSigned | SignerDesignated)}
    approvers = {event.person_id for event in history if isinstance(event, ProjectApproved | BudgetRaised)}
    examiners = {event.person_id for event in history if isinstance(event, ProjectAccepted)}
    applicants = {event.applicant for event in history if isinstance(event, PaymentRequested | PaymentAmended)}
    roles = {"accountant": accountants, "cashier": cashiers, "signer": signers}
    apart = [*combinations(roles.items(), 2), (("approver", approvers), ("examiner", examiners))]
    apart.append((("approver", approvers), ("applicant", applicants)))
    for (one, first), (other, second) in apart:
        for person in first & second:
            yield f"{person} is {one} and {other}"
    current = ""
    for event in history:
        if isinstance(event, SignerDesignated):
            current = event.person_id
        if isinstance(event, PaymentSigned):
            if current not in ("", event.person_id):
                yield f"{event.person_id} signs beside {current}"
            current = event.person_id


def _payment_roles(history: Sequence[Event]) -> Iterable[str]:
    for payment in {event.payment_id for event in history if isinstance(event, PaymentRequested)}:
        facts = [event for event in history if getattr(event, "payment_id", "") == payment]
        roles = {
            "applicant": {event.applicant for event in facts if isinstance(event, PaymentRequested | PaymentAmended)},
            "reviewer": {event.person_id for event in facts if isinstance(event, PaymentReviewed)},
            "signer": {event.person_id for event in facts if isinstance(event, PaymentSigned)},
        }
        for (one, first), (other, second) in combinations(roles.items(), 2):
            for person in first & second:
                yield f"{person} is {one} and {other} of {payment}"
