"""Where a receipt stands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec.structs import replace

from services.funding.facts import (
    RECEIPT_FACTS,
    UPCASTERS,
    PayerErased,
    ReceiptCarried,
    ReceiptFact,
    ReceiptRecorded,
    ReceiptReversed,
)
from shared.domain.decider import Decider
from shared.domain.event import Codec


class Receipt(msgspec.Struct, frozen=True):
    """Money that came in, in fen."""

    id: str
    status: str = "unknown"  # unknown, recorded, reversed
    project_id: str = ""
    place: str = ""
    source: str = ""
    payer: str = ""  # name of an organisation; sealed name of a person
    payer_kind: str = ""
    voucher: str = ""
    amount_fen: int = 0
    accountant: str = ""
    reason: str = ""  # why it was reversed
    erased: bool = False


def evolve(receipt: Receipt, event: ReceiptFact) -> Receipt:
    """Apply a recorded fact. Never refuses: it has already happened."""
    match event:
        case ReceiptRecorded():
            return Receipt(
                id=receipt.id,
                status="recorded",
                project_id=event.project_id,
                place=event.place,
                source=event.source,
                payer=event.payer,
                payer_kind=event.payer_kind,
                voucher=event.voucher,
                amount_fen=event.amount_fen,
                accountant=event.accountant,
            )
        case ReceiptReversed():
            return replace(receipt, status="reversed", reason=event.reason)
        case PayerErased():
            return replace(receipt, payer="", erased=True)
        case ReceiptCarried():
            fields = msgspec.structs.asdict(event)
            return Receipt(id=fields.pop("receipt_id"), **fields)


def _carried(receipt: Receipt, given: Mapping[str, Any]) -> ReceiptCarried | None:
    found = given["project"].former.receipts.get(receipt.id)
    if found is None:
        return None
    fields = msgspec.structs.asdict(found)
    return ReceiptCarried(receipt_id=fields.pop("id"), **fields | {"place": given["project"].place})


RECEIPT: Decider[Receipt] = Decider(
    "receipt",
    Codec((*RECEIPT_FACTS, ReceiptCarried), UPCASTERS),
    Receipt,
    Receipt,
    evolve,
    lambda receipt: receipt.place,
    former=_carried,
)
