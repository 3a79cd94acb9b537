"""Receipts as pages show them."""

from __future__ import annotations

from typing import Annotated, Any

from services.funding.facts import RECEIPT_FACTS, ReceiptRecorded
from services.funding.receipt.state import RECEIPT, Receipt
from services.funding.rows import day_of, public, row_of, rows_of
from shared.domain.answers import TEXT, page_of
from shared.domain.command import Cursor, Limit, order_of
from shared.domain.fields import PLACE, code_of, id_of
from shared.domain.reader import Reader
from shared.domain.record import Record
from shared.domain.view import Row


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
    page = read.page("receipts", where, limit, cursor, order, RECEIPT, lambda row: public(read, row))
    return page | {"rows": read.city.named(page["rows"])}
