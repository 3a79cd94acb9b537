"""Sums that several views keep; amounts are fen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from services.funding.events import SOURCES, PaymentMade, ReceiptRecorded, ReceiptReversed, SurplusReturned
from shared.domain.view import Row


def _plus(amounts: Mapping[str, int], more: Mapping[str, int]) -> dict[str, int]:
    return {source: amounts[source] + more.get(source, 0) for source in SOURCES}


def money_of(row: Row, event: Any) -> Row:
    """Received, spent and returned by source, and their sums, after an event that moves money."""
    none = dict.fromkeys(SOURCES, 0)
    money = {name: row.get(name, none) for name in ("received", "spent", "returned")}
    match event:
        case ReceiptRecorded():
            money["received"] = _plus(money["received"], {event.source: event.amount_fen})
        case ReceiptReversed():
            money["received"] = _plus(money["received"], {event.source: -event.amount_fen})
        case PaymentMade():
            money["spent"] = _plus(money["spent"], event.drawn)
        case SurplusReturned():
            money["returned"] = _plus(money["returned"], event.returned)
    held = {
        source: money["received"][source] - money["spent"][source] - money["returned"][source] for source in SOURCES
    }
    money["held"] = held
    return money | {f"{name}_fen": sum(amounts.values()) for name, amounts in money.items()}


def counted(row: Row, **more: int) -> Row:
    """The named counters of a row, each raised by a number."""
    return {name: row.get(name, 0) + number for name, number in more.items()}


def share(fen: int, of: int) -> dict[str, int]:
    """A share as a fraction; denominator 0: there is no money yet."""
    return {"numerator": fen, "denominator": of}


def board(place: str, totals: Row) -> Row:
    """Money of a place by source, each amount also as a share of its side."""
    sides = {"income": "received", "spending": "spent", "returned": "returned", "held": "held"}
    by_source = {
        side: [
            {"source": source, "fen": totals[name][source], "share": share(totals[name][source], totals[f"{name}_fen"])}
            for source in SOURCES
        ]
        for side, name in sides.items()
    }
    sums = {f"{name}_fen": totals[f"{name}_fen"] for name in sides.values()}
    return {"place": place} | by_source | sums
