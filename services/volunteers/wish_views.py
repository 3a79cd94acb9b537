"""The wall of small wishes: what everybody sees, and the sealed rest for those who may open it (C41, C42)."""

from __future__ import annotations

from typing import Any

from msgspec.structs import asdict

from services.volunteers.events import (
    WishAsked,
    WishClaimed,
    WishConfirmed,
    WishDisputed,
    WisherErased,
    WishFulfilled,
    WishPublished,
    WishRejected,
    WishReleased,
    WishWithdrawn,
)
from shared.domain.record import Record
from shared.domain.view import Row, View, by

#: `free_from` of a wish that cannot be claimed.
NEVER = "9999-12-31"


def _wishes(row: Row, event: Any, record: Record) -> Row:
    """One row a wish. `public` is 1 once it was published; from the day `free_from` on it can be claimed."""
    day = record.occurred[:10]
    match event:
        case WishAsked():
            later = ("title", "title_en", "reason", "note", "fulfilled", "confirmed")
            claim = {"claimant": "", "organisation_id": "", "expires": "", "free_from": NEVER}
            fresh: Row = {"status": "asked", "public": 0, "asked": day, "by_wisher": False} | dict.fromkeys(later, "")
            return asdict(event) | fresh | claim
        case WishPublished():
            titles = {"title": event.title, "title_en": event.title_en}
            return row | titles | {"status": "published", "public": 1, "free_from": ""}
        case WishRejected():
            return row | {"status": "rejected", "reason": event.reason}
        case WishWithdrawn():
            return row | {"status": "withdrawn", "reason": event.reason, "public": 0, "free_from": NEVER}
        case WishClaimed():
            claim = {"claimant": event.person_id, "organisation_id": event.organisation_id, "expires": event.expires}
            return row | claim | {"status": "claimed", "free_from": event.expires}
        case WishReleased():
            free = {"claimant": "", "organisation_id": "", "expires": "", "free_from": ""}
            return row | free | {"status": "published", "reason": event.reason}
        case WishFulfilled():
            return row | {"status": "fulfilled", "fulfilled": day, "note": event.note, "free_from": NEVER}
        case WishDisputed():
            return row | {"status": "claimed", "fulfilled": "", "reason": event.reason, "free_from": row["expires"]}
        case WishConfirmed():
            return row | {"status": "confirmed", "confirmed": day, "by_wisher": event.by_wisher}
        case WisherErased():
            return row | {"wish": "", "wisher": "", "contact": ""}
    return row


WISHES = View(
    "wishes",
    "volunteers",
    by("wish_id"),
    _wishes,
    ("place", ("status", "place"), ("public", "place"), "free_from", "expires", "asked", "wisher_id", "claimant"),
)
