"""What one person can have served: over, at one place at a time, and no more minutes than the city says a day has (C31, C39)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from shared.domain.city import City, every
from shared.domain.errors import IllegalStateError
from shared.domain.moments import moment_of
from shared.domain.words import _, said, term


@dataclass(frozen=True)
class Service:
    """What somebody did: `id` of the activity or patrol, when it began (RFC 3339), minutes, on which day (ISO) they count.

    `sessions` above 1: their times are not known, only the sum of their minutes.
    """

    id: str
    title: str
    starts: str
    minutes: int
    day: str
    sessions: int = 1

    @property
    def span(self) -> tuple[datetime, datetime]:
        """When it began and ended."""
        begins = moment_of(self.starts)
        return begins, begins + timedelta(minutes=self.minutes)

    def overlaps(self, other: Service) -> bool:
        """Whether nobody can have done both."""
        begins, ends = self.span
        start, end = other.span
        return self.sessions <= 1 and other.sessions <= 1 and begins < end and start < ends


def check_served(person: str, new: Service, at: str, city: City, field: str) -> None:
    """Raise `IllegalStateError` for minutes that nobody can have served: not over yet, two at once, or more than a day has."""
    if new.sessions <= 1 and moment_of(at) < new.span[1]:
        raise IllegalStateError(
            _("{minutes} minutes from {starts} are not over yet; record them after that"),
            {field: said(_("longer than it has lasted"))},
            minutes=new.minutes,
            starts=new.starts,
        )
    others = [one for one in _served(person, new.day, city) if one.id != new.id]
    most = city.parameter("longest_day_minutes")
    if sum(one.minutes for one in others if one.day == new.day) + new.minutes > most * max(1, new.sessions):
        raise IllegalStateError(
            _("{person} would have served more than {most} minutes on {day}"),
            {field: said(_("more than a day has"))},
            person=person,
            most=most,
            day=new.day,
        )
    if other := next((one for one in others if new.overlaps(one)), None):
        raise IllegalStateError(
            _("{person} took part in {title} at that time; nobody is at two places"),
            {field: said(_("overlaps with something else"))},
            person=person,
            title=other.title or term("thing", "patrol"),
        )


def _served(person: str, day: str, city: City) -> Iterable[Service]:
    """What a person served on a day, the day before and the day after: what begins late ends on the next."""
    near = {
        "person_id": person,
        "day": [(date.fromisoformat(day) + timedelta(days)).isoformat() for days in (-1, 0, 1)],
    }
    attended = list(every(city.rows, "attendances", near))
    activities = city.rows.get_many("activities", sorted({row["activity_id"] for row in attended}))
    for row in attended:
        held = activities[row["activity_id"]]
        yield Service(row["activity_id"], held["title"], held["starts"], row["minutes"], row["day"], held["sessions"])
    for row in every(city.rows, "outings", near):
        yield Service(row["patrol_id"], "", row["started"], row["minutes"], row["day"])


def patrolled(id: str, started: str, minutes: int) -> Service:
    """A patrol as what its members served."""
    return Service(id, "", started, minutes, started[:10])
