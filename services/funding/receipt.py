"""Receipts: money that came in is recorded, reversed, the payer's name erased (C22, D31, D32, X09)."""

from __future__ import annotations

from typing import Annotated, Any

from services.funding import books, duties, offering
from services.funding.documents import RECEIPT, Receipt
from services.funding.facts import (
    RECEIPT_FACTS,
    EntriesBooked,
    PayerErased,
    ReceiptRecorded,
    ReceiptReversed,
    VoucherReleased,
    VoucherUsed,
)
from services.funding.payment_facts import PERSON
from services.funding.project import PROJECT, Project, of_project, open_for_money
from services.funding.rows import day_of, public, row_of, rows_of
from services.funding.voucher import VOUCHER, Voucher, voucher_id
from services.funding.works import NAME, REASON, known_source
from shared.domain.answers import TEXT, page_of
from shared.domain.city import City
from shared.domain.command import MADE, On, on
from shared.domain.errors import IllegalStateError
from shared.domain.event import Event
from shared.domain.fields import FEN, PLACE, choice, code_of, id_of, line
from shared.domain.mandate import Mandate
from shared.domain.query import Cursor, Limit, order_of
from shared.domain.reader import Reader
from shared.domain.record import Record
from shared.domain.signature import holds
from shared.domain.view import Row
from shared.domain.words import _, said

PAYER_KIND = choice("organisation", PERSON, words="payer_kind")


@RECEIPT.command("money.receive", new=MADE, place="project", late=0)
def record_receipt(
    receipt: Receipt,
    *,
    by: Mandate,
    at: str,
    city: City,
    project_id: Annotated[str, id_of("project"), "project that got the money"],
    source: Annotated[str, code_of("money_sources"), "where the money comes from"],
    payer: Annotated[str, NAME, "who paid; the name of a person is stored sealed"],
    amount_fen: Annotated[int, FEN, "amount in fen"],
    project: Annotated[Project, holds(PROJECT, "project_id")],
    paper: Annotated[
        Voucher | None, holds(VOUCHER, lambda receipt, ask: voucher_id(ask["project_id"], ask["voucher"]))
    ],
    payer_kind: Annotated[str, PAYER_KIND, "whether an organisation or a person paid"] = "organisation",
    voucher: Annotated[str, line(64), "number of the paper voucher; counts once in a project"] = "",
) -> list[Event | On]:
    """Record and correct receipts, as accountant (C22, D32).

    Sources may give more or less than their planned shares, all together never more than the budget: money given for these works
    does not grow beyond their plan unless that is decided (`raise_budget`).
    """
    if receipt.status != "unknown":
        return []
    open_for_money(project)
    known_source(city, source)
    if (paper is not None and paper.status == "used") or (voucher and project.former.uses(voucher)):
        raise IllegalStateError(
            _("the voucher {voucher} is already in the books of the project"),
            {"voucher": said(_("is used already"))},
            voucher=voucher,
        )
    if (total := sum(project.received.values()) + amount_fen) > project.budget_fen:
        raise IllegalStateError(
            _(
                "with this the project would have received {total} fen, and its budget is {budget} fen; raise that first"
            ),
            {"amount_fen": said(_("beyond the budget"))},
            total=total,
            budget=project.budget_fen,
        )
    accountant, entries = duties.accountant(project, by), books.receipt(source, amount_fen)
    recorded = ReceiptRecorded(
        project_id=project.id,
        receipt_id=receipt.id,
        place=project.place,
        source=source,
        payer=payer,
        payer_kind=payer_kind,
        voucher=voucher,
        amount_fen=amount_fen,
        accountant=accountant,
        entries=entries,
    )
    booked = EntriesBooked(
        project_id=project.id, kind="receipt", document_id=receipt.id, person_id=accountant, entries=entries
    )
    decided: list[Event | On] = [recorded, on(PROJECT, project.id, booked)]
    if paper is not None:
        used = VoucherUsed(project_id=project.id, place=project.place, voucher=voucher, receipt_id=receipt.id)
        decided.append(on(VOUCHER, paper.id, used))
    return decided


@RECEIPT.command("money.receive", when=("recorded",), again=("reversed",), unless=offering.reverses, late=0)
def reverse_receipt(
    receipt: Receipt,
    *,
    by: Mandate,
    at: str,
    project_id: Annotated[str, id_of("project"), "project that got the money"],
    reason: Annotated[str, REASON, "why"],
    project: Annotated[Project, holds(PROJECT, "project_id")],
    paper: Annotated[
        Voucher | None, holds(VOUCHER, lambda receipt, ask: voucher_id(ask["project_id"], receipt.voucher))
    ],
) -> list[Event | On]:
    """Take a wrongly recorded receipt out of the books, as long as its source still holds the money."""
    of_project(receipt, project, "receipt")
    if receipt.status == "reversed":
        return []
    duties.can_reverse(project, receipt)
    accountant, entries = duties.accountant(project, by), books.reversal(receipt.source, receipt.amount_fen)
    reversed_ = ReceiptReversed(
        project_id=project.id,
        receipt_id=receipt.id,
        source=receipt.source,
        amount_fen=receipt.amount_fen,
        reason=reason,
        accountant=accountant,
        entries=entries,
    )
    booked = EntriesBooked(
        project_id=project.id, kind="reversal", document_id=receipt.id, person_id=accountant, entries=entries
    )
    decided: list[Event | On] = [reversed_, on(PROJECT, project.id, booked)]
    if paper is not None and paper.receipt_id == receipt.id:
        decided.append(on(VOUCHER, paper.id, VoucherReleased(project_id=project.id, receipt_id=receipt.id)))
    return decided


@RECEIPT.command("money.receive", erases=lambda receipt: f"payer:{receipt.id}", unless=offering.erases_payer, late=0)
def erase_payer(
    receipt: Receipt,
    *,
    by: Mandate,
    at: str,
    project_id: Annotated[str, id_of("project"), "project that got the money"],
    project: Annotated[Project, holds(PROJECT, "project_id")],
) -> list[Event]:
    """Make the name of a paying person unreadable for good; the money stays in the books (X09)."""
    of_project(receipt, project, "receipt")
    if receipt.payer_kind != PERSON:
        raise IllegalStateError(_("the payer of the receipt is an organisation; only persons are erased"))
    return [] if receipt.erased else [PayerErased(project_id=project.id, receipt_id=receipt.id, person_id=by.actor)]


def _days(row: Row, receipt: Receipt, event: Any, record: Record) -> Row:
    return day_of("received_on", isinstance(event, ReceiptRecorded), row, record)


RECEIPTS = rows_of(
    RECEIPT, RECEIPT_FACTS, "receipts", ("project_id", "place", "source", "received_on", "amount_fen", "status"), _days
)


@RECEIPT.query(answer=page_of(row_of(RECEIPT, received_on=TEXT)))
def find_receipts(
    read: Reader,
    *,
    place__under: Annotated[str, PLACE, "a place and everything below it"] = "",
    project_id: Annotated[str, id_of("project"), "only of this project"] = "",
    source: Annotated[str, code_of("money_sources"), "only from this source"] = "",
    order: Annotated[
        str, order_of("key", "received_on", "amount_fen"), "sorted by; - before it: descending"
    ] = "-received_on",
    limit: Limit = 50,
    cursor: Cursor = "",
) -> dict[str, Any]:
    """Receipts; names of persons are masked for those who may not read them."""
    where = {"place__under": place__under, "project_id": project_id, "source": source}
    return read.named_page("receipts", where, limit, cursor, order, RECEIPT, lambda row: public(read, row))
