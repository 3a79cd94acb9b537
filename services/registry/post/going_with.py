"""A post that goes with another one, or is held beside a main one, falls vacant when the holder loses that one (A11, E04)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from services.registry.post.state import POST, AppointmentEnded, Post
from shared.domain.city import City, every, held_on
from shared.domain.clock import Rule
from shared.domain.command import On, on
from shared.domain.event import Event
from shared.domain.mandate import Mandate
from shared.domain.view import Row

#: Why a term ended that nobody ended by itself.
WENT_WITH = "随任岗位离任 (the post that it goes with was lost)"


def going_with(post: Post, ask: Mapping[str, Any]) -> list[str]:
    """The posts that go with a post or are held beside it, and those that go with these."""
    city: City = ask["city"]
    found: list[str] = []
    bases = [post.id]
    while bases:
        rows = [row for base in _BASES for row in every(city.rows, "posts", {base: bases})]
        bases = sorted({row["post_id"] for row in rows} - {post.id, *found})
        found += bases
    return found


#: The fields that say of a post which other one its holder must have.
_BASES = ("ex_officio_post_id", "beside_post_id")


def ended_with(person_id: str, until: str, others: Mapping[str, Post]) -> Iterable[On]:
    """The terms of a person that end because the post is lost that theirs go with."""
    for id, other in others.items():
        if events := _ended(other, person_id, until):
            yield on(POST, id, *events)


def _ended(post: Post, person_id: str, until: str) -> list[Event]:
    """The end of a term that outlasts a day; one that begins later is withdrawn."""
    if not person_id or post.person_id != person_id or (post.until and post.until <= until):
        return []
    return [
        AppointmentEnded(
            post_id=post.id,
            person_id=person_id,
            organisation_id=post.organisation_id,
            place=post.place,
            since=post.since,
            until=max(until, post.since),
            reason=WENT_WITH,
            with_post_id=post.ex_officio_post_id or post.beside_post_id,
        )
    ]


def _outlasting(city: City) -> Iterable[Row]:
    """Posts held by who does not hold, or holds no longer, the post that they go with; `over` is since when."""
    for field in _BASES:
        for row in every(city.rows, "posts", {f"{field}__gt": "", "held_until__gt": city.day}):
            base = city.rows.get("posts", row[field])
            if base is None or not held_on(row, city.day):
                continue
            same = base["person_id"] == row["person_id"]
            if not (same and held_on(base, city.day)):
                over = (base["until"] if same else base["free"]) or city.day
                yield row | {"over": min(over, city.day)}


def fall_vacant(post: Post, *, by: Mandate, at: str, person_id: str, until: str) -> list[Event]:
    """End the term of a holder who does not hold the post that theirs goes with any more."""
    return _ended(post, person_id, until)


#: The day after the last of a term is the last of those that go with it. Appointments do not outlast it; those before that rule may.
FALLS_VACANT = Rule(
    "ex_officio_vacant",
    POST,
    rows=_outlasting,
    decide=fall_vacant,
    period=lambda row: f"{row['person_id']} {row['since']}",
    arguments=lambda row: {"person_id": row["person_id"], "until": row["over"]},
)
