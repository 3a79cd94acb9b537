"""Vacancies: a post that nobody holds is a fact with its day, and how long it lasted when somebody holds it again (A11, B35)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Annotated, Any

import msgspec

from services.registry.census import below
from services.registry.post.state import POST, Post
from shared.domain.answers import COUNT, PLACE_NAMES, TEXT, by_code, page_of, row_of, shape
from shared.domain.city import City, every, held_on
from shared.domain.clock import Rule
from shared.domain.decider import Decider
from shared.domain.event import Event
from shared.domain.fields import PLACE, choice, code_of, id_of
from shared.domain.identity import derived_id
from shared.domain.mandate import Mandate
from shared.domain.period import days_between
from shared.domain.query import Cursor, Limit, order_of
from shared.domain.reader import Reader
from shared.domain.signature import holds
from shared.domain.view import Row, View

STATUSES = ("open", "filled", "abolished")


# Facts. Class and field names are the storage format: rename nothing, upcast instead.
class VacancyRaised(Event, frozen=True, kw_only=True):
    """A day began on which nobody holds a post, nor is appointed to it."""

    vacancy_id: str
    post_id: str
    organisation_id: str
    role: str
    place: str
    since: str  # ISO date: first day without a holder


class VacancyEnded(Event, frozen=True, kw_only=True):
    """Somebody holds the post again, or it was abolished."""

    vacancy_id: str
    status: str  # filled, abolished
    until: str  # ISO date: first day with a holder, or without the post
    days: int  # that it lasted


class Vacancy(msgspec.Struct, frozen=True):
    """A time in which nobody holds a post; `until` is the first day after, "" while it lasts."""

    id: str
    status: str = "unknown"  # unknown, open, filled, abolished
    post_id: str = ""
    organisation_id: str = ""
    role: str = ""
    place: str = ""
    since: str = ""
    until: str = ""


def evolve(vacancy: Vacancy, event: VacancyRaised | VacancyEnded) -> Vacancy:
    """Apply a recorded fact. Never refuses: it has already happened."""
    if isinstance(event, VacancyRaised):
        return Vacancy(vacancy.id, "open", event.post_id, event.organisation_id, event.role, event.place, event.since)
    return msgspec.structs.replace(vacancy, status=event.status, until=event.until)


VACANCY = Decider("vacancy", (VacancyRaised, VacancyEnded), Vacancy, Vacancy, evolve, lambda vacancy: vacancy.place)
VACANCIES = View.of(
    VACANCY, "vacancies", ("place", "post_id", ("status", "since"), ("organisation_id", "since"), ("role", "since"))
)


def raise_vacancy(
    vacancy: Vacancy,
    *,
    by: Mandate,
    at: str,
    post: Annotated[Post, holds(POST, lambda vacancy, ask: ask["post_id"])],
    post_id: str,
    since: str,
) -> list[Event]:
    """Record that nobody holds a post since a day; nothing when somebody was appointed to it meanwhile."""
    if vacancy.status != "unknown" or post.abolished or (post.person_id and not (post.until and post.until <= at[:10])):
        return []
    return [
        VacancyRaised(
            vacancy_id=vacancy.id,
            post_id=post_id,
            organisation_id=post.organisation_id,
            role=post.role,
            place=post.place,
            since=since,
        )
    ]


def end_vacancy(vacancy: Vacancy, *, by: Mandate, at: str, status: str, until: str) -> list[Event]:
    """Record that a vacancy is over and how long it lasted."""
    if vacancy.status != "open":
        return []
    days = days_between(vacancy.since, until)
    return [VacancyEnded(vacancy_id=vacancy.id, status=status, until=until, days=days)]


def _vacant(city: City) -> Iterable[Row]:
    """Posts that nobody holds or is appointed to on the day, with the first day without a holder."""
    for post in every(city.rows, "posts", {"abolished": "", "held_until__lte": city.day}):
        since = (post["until"] if post["person_id"] else post["free"]) or post["established"]
        key = derived_id("vacancy", post["post_id"], since)
        if since <= city.day and city.rows.get("vacancies", key) is None:
            yield {"key": key, "post_id": post["post_id"], "since": since}


def _over(city: City) -> Iterable[Row]:
    """Vacancies of posts that somebody holds on the day, or that were abolished."""
    for row in every(city.rows, "vacancies", {"status": "open"}):
        post = city.rows.get("posts", row["post_id"])
        if post is not None and post["abolished"] and post["abolished"] <= city.day:
            yield row | {"status": "abolished", "until": max(post["abolished"], row["since"])}
        elif post is not None and post["since"] >= row["since"] and held_on(post, city.day):
            yield row | {"status": "filled", "until": post["since"]}


VACANT = (
    Rule(
        "vacancy_ended",
        VACANCY,
        rows=_over,
        decide=end_vacancy,
        period=lambda row: str(row["until"]),
        arguments=lambda row: {"status": row["status"], "until": row["until"]},
    ),
    Rule(
        "vacancy_raised",
        VACANCY,
        rows=_vacant,
        decide=raise_vacancy,
        period=lambda row: str(row["since"]),
        arguments=lambda row: {"post_id": row["post_id"], "since": row["since"]},
    ),
)

_ROW = row_of(
    VACANCY,
    optional=dict.fromkeys(("organisation", "organisation_en", "post", "post_en"), TEXT),
    days=COUNT,
    place_names=PLACE_NAMES,
)


def _lasted(read: Reader, row: Row) -> Row:
    """The row with the days that it lasted, up to today where it is not over."""
    return row | {"days": max(0, days_between(row["since"], row["until"] or read.today))}


@POST.query(answer=page_of(_ROW))
def find_vacancies(
    read: Reader,
    *,
    place__under: Annotated[str, PLACE, "a place and everything below it"] = "",
    organisation_id: Annotated[str, id_of("organisation"), "of this organisation"] = "",
    role: Annotated[str, code_of("roles"), "with this role"] = "",
    status: Annotated[str, choice(*STATUSES, words="vacancy status"), "in this state"] = "",
    order: Annotated[str, order_of("since", "place"), "sorted by; - before it: descending"] = "since",
    limit: Limit = 50,
    cursor: Cursor = "",
) -> dict[str, Any]:
    """Posts that nobody held, since when and for how many days, those that are over too (A11, B35)."""
    where = {"place__under": place__under, "organisation_id": organisation_id, "role": role, "status": status}
    found = read.named_page("vacancies", where, limit, cursor, order)
    return found | {"rows": [_lasted(read, row) for row in found["rows"]]}


@POST.query(answer=shape(place=TEXT, posts=COUNT, vacant=COUNT, by_role=by_code(COUNT), longest=COUNT), as_of=True)
def vacancy_figures(
    read: Reader, *, place: Annotated[str, PLACE, "a place and everything below it; empty: the whole city"] = ""
) -> dict[str, Any]:
    """How many posts there are at a place and below, how many of them nobody holds, by role, and the most days that one is vacant (B35)."""

    open_ = [_lasted(read, row) for row in every(read.rows, "vacancies", below(place) | {"status": "open"})]
    return {
        "place": place,
        "posts": read.rows.count("posts", below(place) | {"abolished": ""}),
        "vacant": len(open_),
        "by_role": dict(Counter(row["role"] for row in open_)),
        "longest": max((row["days"] for row in open_), default=0),
    }
