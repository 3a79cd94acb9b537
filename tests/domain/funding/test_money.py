"""Receipts, surplus and statements."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from msgspec.structs import replace

from services.funding import books
from services.funding.documents import RECEIPT, STATEMENT
from services.funding.facts import (
    EntriesBooked,
    PayerErased,
    ProjectCancelled,
    ReceiptReversed,
    StatementDisclosed,
    StatementPosted,
    SurplusReturned,
)
from services.funding.project import PROJECT
from shared.domain.errors import BadInputError, ForbiddenError, IllegalStateError, NotFoundError
from tests.domain.funding.conftest import Project
from tests.domain.funding.facts import (
    ACCOUNTANT,
    CASHIER,
    PAID,
    PLACE,
    READY,
    SECRETARY,
    accepted,
    approved,
    finished,
    in_own_streams,
    proposed,
    raised,
    received,
    requested,
    who,
)
from tests.domain.funding.office import Given, Office
from tests.kit import AT

ASK = {"source": "society", "payer": "街道办事处", "amount_fen": 50}
FIRST = ASK | {"id": "r-society"}
RETURNED = {"government": 225, "society": 0, "residents": 75}
surplus = SurplusReturned(project_id="p1", returned=RETURNED, cashier="cashier", entries=books.surplus(RETURNED))


def reversed_(source: str, fen: int) -> ReceiptReversed:
    """A receipt that the accountant took out of the books."""
    return ReceiptReversed(
        project_id="p1",
        receipt_id=f"r-{source}",
        source=source,
        amount_fen=fen,
        reason="记错",
        accountant="accountant",
        entries=books.reversal(source, fen),
    )


def statement_of(spec: Given, **more: Any) -> StatementDisclosed:
    """What a statement tells of `PAID`."""
    told = StatementDisclosed(
        project_id="p1",
        statement_id="s1",
        place=PLACE,
        number=1,
        title=proposed.title,
        title_en=proposed.title_en,
        as_of=AT,
        as_of_version=spec.office.state(PROJECT).version,
        budget_fen=1000,
        income={"government": 300, "society": 0, "residents": 100},
        spending={"government": 75, "society": 0, "residents": 25},
        returned={"government": 0, "society": 0, "residents": 0},
        held=RETURNED,
        receipts=2,
        payments=1,
        person_id="secretary",
    )
    return replace(told, **more)


statement = statement_of(Given(in_own_streams, PAID))


def test_money_comes_in_whole_from_one_source(project: Project) -> None:
    """A receipt, its booking and its voucher are one act (part of C22, D32)."""
    office = project(*READY).when("record_receipt", ACCOUNTANT, **FIRST).then(received("society", 50))
    assert office.state(PROJECT).held == {"government": 300, "society": 50, "residents": 100}
    receipt, booking = list(office.log.read(0))[-2:]
    assert receipt.digest == booking.digest, "they are two commits"
    project(*READY, received("society", 50)).when("record_receipt", ACCOUNTANT, **FIRST, voucher="x").then_nothing()


def test_there_are_the_sources_that_the_city_lists(project: Project) -> None:
    """(part of X03)"""
    spec = project(*READY)
    spec.when("record_receipt", ACCOUNTANT, **FIRST | {"source": "loan"}).then_raises(BadInputError, "not on the city")


def test_a_voucher_counts_once_unless_its_receipt_was_reversed(project: Project) -> None:
    """However it is written: width, case and blanks make no other paper of it."""
    first = received("society", 50, voucher="No 7")
    for again in ("No 7", "no7", "\uff2e\uff4f\uff17", " NO\u30007"):
        spec = project(*READY, first).when("record_receipt", ACCOUNTANT, **ASK, id="r2", voucher=again)
        spec.then_raises(IllegalStateError, f"voucher {again.strip()} is already")
    other = received("society", 50, "r2", voucher="No 71")
    project(*READY, first).when("record_receipt", ACCOUNTANT, **ASK, id="r2", voucher="No 71").then(other)
    expected = received("society", 50, "r2", voucher="No 7")
    spec = project(*READY, first, reversed_("society", 50))
    spec.when("record_receipt", ACCOUNTANT, **ASK, id="r2", voucher="No 7").then(expected)


def test_a_voucher_is_free_again_when_its_receipt_is_reversed_now(project: Project) -> None:
    spec = project(*READY, received("society", 50, voucher="No 7"))
    office = spec.office
    office.give("reverse_receipt", ACCOUNTANT, receipt_id="r-society", reason="记错")
    office.give("record_receipt", ACCOUNTANT, id="r2", voucher="no7", **ASK)
    again = spec.when("record_receipt", ACCOUNTANT, id="r3", voucher="No 7", **ASK)
    again.then_raises(IllegalStateError, "already in the books")


def test_of_many_who_use_a_voucher_at_once_one_does() -> None:
    """Receipt, booking and voucher are written together or not at all, whoever else records meanwhile."""
    office = Office(in_own_streams(READY))

    def record(number: int) -> int:
        try:
            return len(office.give("record_receipt", ACCOUNTANT, id=f"r{number}", voucher="No 7", **ASK))
        except IllegalStateError:
            return 0

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(record, range(8)))
    written = [record.type for record in office.log.read(len(in_own_streams(READY)))]
    assert written == ["ReceiptRecorded", "EntriesBooked", "VoucherUsed"]
    assert office.state(PROJECT).held["society"] == 50


def test_money_comes_in_only_while_the_project_is_open(project: Project) -> None:
    spec = project(proposed)
    spec.when("record_receipt", ACCOUNTANT, **FIRST).then_raises(IllegalStateError, "approve it first")
    spec = project(*PAID, finished, accepted, surplus)
    spec.when("record_receipt", ACCOUNTANT, **FIRST).then_raises(IllegalStateError, "closed")


def test_no_more_comes_in_than_the_budget(project: Project) -> None:
    """5,300 fen for works of 1,000 fen are refused; a source may give more than its share while another gives less (part of C22)."""
    whole = [received("government", 700, "r1"), received("residents", 299, "r2")]
    spec = project(proposed, approved, *whole)
    spec.when("record_receipt", ACCOUNTANT, **FIRST | {"amount_fen": 1}).then(received("society", 1))
    spec = project(proposed, approved, *whole)
    much = FIRST | {"amount_fen": 4301}
    spec.when("record_receipt", ACCOUNTANT, **much).then_raises(IllegalStateError, "received 5300 fen.* 1000 fen")
    much = FIRST | {"amount_fen": 2}
    spec.when("record_receipt", ACCOUNTANT, **much).then_raises(IllegalStateError, "raise that first")
    project(proposed, approved, *whole, raised).when("record_receipt", ACCOUNTANT, **much).then(received("society", 2))


def test_the_accountant_is_never_the_cashier_or_the_signer_of_the_project(project: Project) -> None:
    """Also over time (part of D31, D35, X14)."""
    for person in ("cashier", "signer"):
        by = who(person, "money.receive")
        spec = project(*PAID)
        spec.when("record_receipt", by, **FIRST).then_raises(ForbiddenError, f"been {person} of the project")
        spec = project(*PAID, received("society", 5))
        reversing = spec.when("reverse_receipt", by, receipt_id="r-society", reason="x")
        reversing.then_raises(ForbiddenError, f"been {person} of the project")


def test_a_wrong_receipt_is_taken_out_by_opposite_entries(project: Project) -> None:
    """Nothing is struck through, both turnovers stay (part of D32)."""
    ask = {"receipt_id": "r-residents", "reason": "记错"}
    wrong = reversed_("residents", 100)
    state = project(*READY).when("reverse_receipt", ACCOUNTANT, **ask).then(wrong).state(PROJECT)
    assert state.held == {"government": 300, "society": 0, "residents": 0}
    assert state.receipts == 1
    assert (state.accounts["income.residents"].debit_fen, state.accounts["income.residents"].credit_fen) == (100, 100)
    project(*READY, wrong).when("reverse_receipt", ACCOUNTANT, **ask).then_nothing()
    spec = project(*PAID)
    spec.when("reverse_receipt", ACCOUNTANT, **ask).then_raises(IllegalStateError, "holds only 75 of 100 fen")
    spec = project(*PAID, finished, accepted, surplus)
    spec.when("reverse_receipt", ACCOUNTANT, **ask).then_raises(IllegalStateError, "closed")


def test_a_payer_s_name_can_be_erased_and_the_money_stays(project: Project) -> None:
    """(part of X09)"""
    person = received("society", 50, payer="sealed:payer:r-society:陈", payer_kind="person")
    gone = PayerErased(project_id="p1", receipt_id="r-society", person_id="accountant")
    office = project(*READY, person).when("erase_payer", ACCOUNTANT, receipt_id="r-society").then(gone)
    assert office.state(PROJECT).held["society"] == 50
    assert (office.state(RECEIPT, "r-society").payer, office.rows().get("receipts", "r-society")["payer"]) == ("", "")
    project(*READY, person, gone).when("erase_payer", ACCOUNTANT, receipt_id="r-society").then_nothing()
    spec = project(*READY)
    spec.when("erase_payer", ACCOUNTANT, receipt_id="r-residents").then_raises(IllegalStateError, "organisation")


def test_names_of_persons_are_sealed_on_the_fact() -> None:
    """(part of X09)"""
    office = Office(in_own_streams(READY))
    asked = {"payer": "陈阿姨", "payer_kind": "person", "source": "residents", "amount_fen": 5}
    _, fact = office.give("record_receipt", ACCOUNTANT, id="r9", **asked)[0]
    assert fact.payer == "sealed:payer:r9:陈阿姨"  # type: ignore[attr-defined]  # the first fact is the receipt
    _, fact = office.give("record_receipt", ACCOUNTANT, id="r10", **asked | {"payer_kind": "organisation"})[0]
    assert fact.payer == "陈阿姨"  # type: ignore[attr-defined]  # the first fact is the receipt


def test_surplus_goes_back_to_each_source_by_what_it_still_holds(project: Project) -> None:
    """400 fen in, 100 fen out (part of C22)."""
    office = project(*PAID, finished, accepted).when("return_surplus", CASHIER).then(surplus)
    assert office.state(PROJECT).held == {"government": 0, "society": 0, "residents": 0}
    cancelled = ProjectCancelled(project_id="p1", reason="x", person_id="secretary")
    project(*PAID, cancelled).when("return_surplus", CASHIER).then(surplus)
    project(*PAID, cancelled, surplus).when("return_surplus", CASHIER).then_nothing()


def test_surplus_waits_for_acceptance_and_for_pending_payments(project: Project) -> None:
    """(part of C22, D31)"""
    project(*PAID).when("return_surplus", CASHIER).then_raises(IllegalStateError, "accept or cancel")
    spec = project(*PAID, finished, accepted, requested(payment_id="pay2"))
    spec.when("return_surplus", CASHIER).then_raises(IllegalStateError, "pending.*pay2")
    spec = project(*PAID, finished, accepted)
    spec.when("return_surplus", who("accountant", "money.return")).then_raises(ForbiddenError, "been accountant")


def test_books_that_hold_nothing_are_closed_all_the_same(project: Project) -> None:
    none = SurplusReturned(project_id="p1", returned=dict.fromkeys(books.SOURCES, 0), cashier="cashier", entries=())
    office = project(proposed, approved, finished, accepted).when("return_surplus", CASHIER).then(none)
    assert office.state(PROJECT).status == "closed"


def test_a_statement_tells_what_the_books_say(project: Project) -> None:
    """The numbers come from the books, nobody types them in (part of D25, D37)."""
    spec = project(*PAID)
    spec.when("disclose_statement", SECRETARY, id="s1").then(statement_of(spec))


def test_a_statement_is_repeated_on_another_day_or_after_a_change(project: Project) -> None:
    """(part of D25)"""
    spec = project(*PAID, statement)
    spec.when("disclose_statement", SECRETARY, id="s2").then_nothing()
    later = "2025-04-04T09:00:00+08:00"
    second = statement_of(spec, statement_id="s2", number=2, as_of=later)
    spec.when("disclose_statement", SECRETARY, at=later, id="s2").then(second)
    spec = project(*PAID, statement, finished)
    spec.when("disclose_statement", SECRETARY, id="s2").then(statement_of(spec, statement_id="s2", number=2))
    project(proposed).when("disclose_statement", SECRETARY, id="s1").then_raises(IllegalStateError, "not approved")


def test_it_is_recorded_where_a_statement_was_posted(project: Project) -> None:
    """Telephone and notice board (part of D37)."""
    posted = StatementPosted(
        project_id="p1",
        statement_id="s1",
        channel="notice_board",
        spot="1 号楼",
        posted_on="2025-03-03",
        person_id="secretary",
    )
    ask = {"statement_id": "s1", "channel": "notice_board", "spot": "1 号楼"}
    spec = project(*PAID, statement)
    office = spec.when("post_statement", SECRETARY, posted_on="2025-03-03", **ask).then(posted)
    assert len(office.state(STATEMENT, "s1").postings) == 1
    project(*PAID, statement, posted).when("post_statement", SECRETARY, **ask).then_nothing()
    spec = project(*PAID, statement)
    spec.when("post_statement", SECRETARY, posted_on="2025-03-05", **ask).then_raises(IllegalStateError, "yet to come")
    spec.when("post_statement", SECRETARY, **ask).then(replace(posted, posted_on="2025-03-04"))
    spec.when("post_statement", SECRETARY, **ask | {"channel": "smoke"}).then_raises(BadInputError, "not on the city")
    project(*PAID).when("post_statement", SECRETARY, **ask).then_raises(NotFoundError, "no statement s1")


@pytest.mark.parametrize(
    ("command", "arguments"),
    [
        ("record_receipt", FIRST | {"id": "r-new"}),
        ("reverse_receipt", {"receipt_id": "r-residents", "reason": "x"}),
        ("erase_payer", {"receipt_id": "r-residents"}),
        ("return_surplus", {}),
        ("disclose_statement", {"id": "s-new"}),
        ("post_statement", {"statement_id": "s1", "channel": "portal"}),
    ],
)
def test_every_step_needs_a_mandate_a_project_and_its_thing(
    project: Project, command: str, arguments: dict[str, Any]
) -> None:
    """A thing of another project is not there either (part of X14)."""
    project(*PAID, statement).when(command, who("x"), **arguments).then_raises(ForbiddenError, "no mandate")
    project().when(command, who("x", "*"), **arguments).then_raises(
        NotFoundError, "there is no (project|receipt|statement)"
    )
    if set(arguments) & {"receipt_id", "statement_id"}:
        spec = project(*PAID, statement)
        other = spec.when(command, who("x", "*"), **arguments, project_id="p2")
        other.then_raises(NotFoundError, "(there is|project p2 has) no (receipt|statement)")


def test_the_state_of_a_project_does_not_grow_with_its_receipts() -> None:
    """2,000 receipts leave it as large as 2 do, but for the digits."""
    state = {}
    for count in (2, 2_000):
        project = PROJECT.initial("p1")
        receipts = [received("society", 1, f"r{number}", voucher=f"No {number}") for number in range(count)]
        for stream, event in in_own_streams((proposed, approved, *receipts)):
            if stream == "project-p1":
                project = PROJECT.evolve(project, event)
        state[count] = project
    few, many = state[2], state[2_000]
    assert many.received["society"] == 2_000
    balances = {account: replace(many.accounts[account], debit_fen=0, credit_fen=0) for account in many.accounts}
    same = replace(many, version=few.version, changes=few.changes, receipts=few.receipts, accounts=few.accounts)
    assert (same, set(balances)) == (few, set(few.accounts))


def test_the_ledger_knows_no_more_of_a_receipt_than_its_entries() -> None:
    assert set(EntriesBooked.__struct_fields__) == {"project_id", "kind", "document_id", "person_id", "entries"}
