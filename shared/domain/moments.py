"""The two times of a fact: when it happened and when it was recorded, and what follows from their order (X02)."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

import msgspec

from shared.domain.calendar import LOCAL
from shared.domain.record import Record

#: How far the clocks of callers and services may be apart.
TOLERANCE = timedelta(minutes=5)
#: What `causation_id` begins with where an operator brought a fact in from another register, and `command_id` where a policy followed.
IMPORTED = "import:"


@lru_cache(2000)  # what comes next is compared with what came last
def moment_of(text: str) -> datetime:
    """A moment (RFC 3339) in local time."""
    moment = datetime.fromisoformat(text)
    return moment.astimezone(LOCAL) if moment.tzinfo else moment.replace(tzinfo=LOCAL)


def later(*moments: str) -> str:
    """The latest of some moments (RFC 3339), "" for none; empty ones are passed over."""
    return max((one for one in moments if one), key=moment_of, default="")


def before(one: str, other: str) -> bool:
    """Whether a moment (RFC 3339) lies before another one; an empty one lies nowhere."""
    return bool(one and other) and moment_of(one) < moment_of(other)


def plus_hours(text: str, hours: int) -> str:
    """The moment (RFC 3339) so many hours after another."""
    return (moment_of(text) + timedelta(hours=hours)).isoformat(timespec="seconds")


def day_of(moment: str) -> str:
    """The local day (ISO date) of a moment (RFC 3339)."""
    return moment_of(moment).date().isoformat()


def shown(moment: str) -> str:
    """A moment as sentences name it, in local time to the second."""
    return moment_of(moment).strftime("%Y-%m-%d %H:%M:%S")


class Span(msgspec.Struct, frozen=True, gc=False):
    """When the first fact of a thing happened, and the latest (RFC 3339); "" before there is any."""

    began: str = ""
    latest: str = ""

    def to(self, moment: str, mark: bool = False) -> Span:
        """The span with one more fact; a mark that a day has passed moves no end (`Decider.marks`)."""
        known = self.latest
        return Span(self.began or moment, known if mark or (known and not before(known, moment)) else moment)


def days_late(record: Record) -> int:
    """Whole days (of 24 hours) between what happened and its record; less than one is as good as at once."""
    if not record.occurred or not record.time:
        return 0
    return max(0, (moment_of(record.time) - moment_of(record.occurred)).days)


def imported(record: Record) -> bool:
    """Whether an operator brought a fact in from another register, or it follows from such a fact: nothing else vouches for its date."""
    return record.causation_id.startswith(IMPORTED) or record.command_id.startswith(IMPORTED)


def late_entries(row: dict[str, Any], record: Record) -> dict[str, Any]:
    """What a row says of its late entries: how many there are, and both times of the last fact of each kind that was one."""
    days = days_late(record)
    others = {what: times for what, times in row.get("late_entries", {}).items() if what != record.type}
    times = {"occurred": record.occurred, "recorded": record.time, "imported": int(imported(record))}
    named = others | {record.type: times} if days else others
    return {"late": row.get("late", 0) + int(days > 0), "late_entries": named}
