"""Rules that several aggregates share."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from shared.domain.errors import ForbiddenError, IllegalStateError
from shared.domain.mandate import Mandate

#: Minutes that one attendance or patrol may last: up to a day.
LONGEST = 24 * 60


def instant(text: str) -> datetime:
    """The moment that an RFC 3339 text names, whatever its offset."""
    return datetime.fromisoformat(text)


def within(place: str, area: str) -> bool:
    """Whether a place is an area or lies below it."""
    return place == area or place.startswith(area + ".")


def own_or_post(by: Mandate, person_id: str, what: str) -> None:
    """Raise `ForbiddenError` when a resident acts for somebody else; for others one acts from a post."""
    if not by.post_id and by.role != "service" and by.actor != person_id:
        raise ForbiddenError(f"you can {what} only for yourself; for others it takes a post", {"person_id": person_id})


def known(code: str, codes: Collection[str], what: str) -> None:
    """Raise `IllegalStateError` when a code is not on the city's list."""
    if code not in codes:
        raise IllegalStateError(f"{code} is no {what} of this city; known are {', '.join(sorted(codes))}", {what: code})


def minutes_fit(minutes: int) -> None:
    """Raise `IllegalStateError` unless the minutes are 1 to a day."""
    if not 1 <= minutes <= LONGEST:
        raise IllegalStateError(f"{minutes} minutes cannot be; give 1 to {LONGEST}", {"minutes": minutes})
