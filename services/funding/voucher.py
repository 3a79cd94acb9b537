"""Vouchers: the number of a paper counts once in a project; one that was never used is a stream without facts."""

from __future__ import annotations

import unicodedata

import msgspec
from msgspec.structs import replace

from services.funding.facts import VoucherReleased, VoucherUsed
from shared.domain.decider import Decider


def normal_form(voucher: str) -> str:
    """The number as it is compared: letters that look alike are one, without case, blanks and what cannot be seen (NFKC)."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", voucher).casefold())
    return "".join(one for one in folded if unicodedata.category(one)[0] not in "ZC")


def voucher_id(project_id: str, voucher: str) -> str:
    """The id of a project's voucher; "" for no voucher. Ids of projects hold no `/`."""
    number = normal_form(voucher)
    return f"{project_id}/{number}" if number else ""


class Voucher(msgspec.Struct, frozen=True):
    """A paper, and the receipt that was recorded on it."""

    id: str
    status: str = "unknown"  # unknown, used, free
    place: str = ""
    receipt_id: str = ""


def evolve(voucher: Voucher, event: VoucherUsed | VoucherReleased) -> Voucher:
    """Apply a recorded fact. Never refuses: it has already happened."""
    match event:
        case VoucherUsed():
            return Voucher(voucher.id, "used", event.place, event.receipt_id)
        case VoucherReleased():
            return replace(voucher, status="free", receipt_id="")


VOUCHER: Decider[Voucher] = Decider(
    "voucher", (VoucherUsed, VoucherReleased), Voucher, Voucher, evolve, lambda voucher: voucher.place
)
