"""What pages show of posts and of terms of office."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from services.registry.person import names
from services.registry.post.state import POST, AppointmentEnded, PersonAppointed, Post
from shared.domain.answers import ACTIONS, PLACE_NAMES, TEXT, page_of, row_of, shape
from shared.domain.answers import YES as TRUE
from shared.domain.city import held_on
from shared.domain.city_rows import NEVER
from shared.domain.event import Event
from shared.domain.fields import PLACE as PATH
from shared.domain.fields import YES, code_of, id_of
from shared.domain.query import Cursor, Limit, order_of
from shared.domain.reader import Reader
from shared.domain.record import Record
from shared.domain.view import OWN, Row, View


# Rows.
def _held_until(row: Row, post: Post, event: Event, record: Record) -> Row:
    """The first day without a holder, so that days compare, "" when nobody held it yet; and the day that it was established."""
    held_until = (post.until or NEVER) if post.person_id else ""
    return {"held_until": held_until, "established": row.get("established") or record.occurred[:10]}


POSTS = View.of(
    POST,
    "posts",
    (
        *("post_id", "organisation_id", "place", "role", "person_id", "abolished", "since", "held_until"),
        *("ex_officio_post_id", "beside_post_id"),
    ),
    _held_until,
)


def _appointment_key(event: Event, record: Record) -> str | None:
    if isinstance(event, PersonAppointed | AppointmentEnded):
        return f"{event.post_id}/{event.since}/{event.person_id}"
    return None


def _appointment(row: Row, event: PersonAppointed | AppointmentEnded, record: Record, key: str) -> Row:
    """Every term that anybody served."""
    if isinstance(event, AppointmentEnded):
        return row | {"until": event.until, "held_until": event.until, "reason": event.reason}
    fields: Row = msgspec.to_builtins(event)
    return fields | {"held_until": event.until or NEVER, "reason": ""}


APPOINTMENTS = View(
    "appointments",
    OWN,
    _appointment_key,
    _appointment,
    ("post_id", "person_id", "organisation_id", "place", "role", "since", "held_until", "beside_post_id"),
)

_ROW = row_of(
    POST,
    **dict.fromkeys(
        ("held_until", "established", "organisation", "organisation_en", "post", "post_en", "holder"), TEXT
    ),
    place_names=PLACE_NAMES,
    vacant=TRUE,
    succession_due=TRUE,
    actions=ACTIONS,
)
_TERM = (
    *("key", "post_id", "person_id", "organisation_id", "role", "place", "since", "until", "held_until", "reason"),
    "beside_post_id",
)


def _holder(post: Row, day: str) -> str:
    """Who holds a post on a day; "" when nobody does."""
    return str(post["person_id"]) if held_on(post, day) else ""


@POST.query(answer=page_of(_ROW))
def find_posts(
    read: Reader,
    *,
    place__under: Annotated[str, PATH, "for this place and below"] = "",
    organisation_id: Annotated[str, id_of("organisation"), "of this organisation"] = "",
    role: Annotated[str, code_of("roles"), "with this role"] = "",
    person_id: Annotated[str, id_of("person"), "held last by this person"] = "",
    vacant: Annotated[bool, YES, "only posts that nobody holds or is appointed to"] = False,
    order: Annotated[str, order_of("key", "place", "role", "since"), "sorted by; - before it: descending"] = "key",
    limit: Limit = 50,
    cursor: Cursor = "",
) -> dict[str, Any]:
    """Posts that were not abolished with their holders, names masked for the public (A11).

    `succession_due`: the post goes with another one whose holder has changed or left.
    """
    where = {"place__under": place__under, "organisation_id": organisation_id, "role": role, "person_id": person_id}
    free = {"held_until__lte": read.today} if vacant else {}
    page = read.page("posts", where | free | {"abolished": [""]}, limit, cursor, order, POST)
    others = read.rows.get_many("posts", [id for row in page["rows"] if (id := row["ex_officio_post_id"])])
    holders = names(read, (row["person_id"] for row in page["rows"]))

    def shown(row: Row) -> Row:
        holder, other = _holder(row, read.today), others.get(row["ex_officio_post_id"])
        return row | {
            "holder": holders.get(row["person_id"], ""),
            "vacant": not holder,
            "succession_due": other is not None and _holder(other, read.today) != holder,
        }

    return page | {"rows": read.city.named(shown(row) for row in page["rows"])}


@POST.query(answer=page_of(shape(**dict.fromkeys(_TERM, TEXT))))
def find_appointments(
    read: Reader,
    *,
    post_id: Annotated[str, id_of("post"), "of this post"] = "",
    person_id: Annotated[str, id_of("person"), "of this person"] = "",
    organisation_id: Annotated[str, id_of("organisation"), "of this organisation"] = "",
    place__under: Annotated[str, PATH, "for this place and below"] = "",
    order: Annotated[str, order_of("key", "since"), "sorted by; - before it: descending"] = "key",
    limit: Limit = 50,
    cursor: Cursor = "",
) -> dict[str, Any]:
    """Terms of office, past ones too."""
    where = {
        "post_id": post_id,
        "person_id": person_id,
        "organisation_id": organisation_id,
        "place__under": place__under,
    }
    return read.page("appointments", where, limit, cursor, order)
