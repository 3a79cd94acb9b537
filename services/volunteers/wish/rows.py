"""The wall of small wishes: what everybody sees, and the sealed rest for those who may open it (C41, C42)."""

from __future__ import annotations

from typing import Annotated, Any

from services.volunteers.wish.facts import (
    WishAsked,
    WishClaimed,
    WishConfirmed,
    WishDisputed,
    WishFulfilled,
    WishReleased,
)
from services.volunteers.wish.state import WISH, Wish, own
from shared.domain.answers import ACTIONS, LABELS, OTHERS, PLACE_NAMES, TEXT, page_of, shape
from shared.domain.answers import YES as SAID_YES
from shared.domain.city_rows import NEVER
from shared.domain.errors import NotFoundError
from shared.domain.event import Event
from shared.domain.fields import PLACE, YES, choice, id_of
from shared.domain.query import Cursor, Limit, order_of
from shared.domain.reader import Reader
from shared.domain.record import Record
from shared.domain.view import OWN, Row, View, state_of, tally
from shared.domain.words import _, said, term

#: What everybody sees of a wish.
_PUBLIC = (
    *("key", "wish_id", "place", "title", "title_en", "status", "asked", "organisation_id", "expires"),
    *("fulfilled", "confirmed", "by_wisher", "introduced"),
)
_SEALED = ("wish", "wisher", "contact")
#: Statuses in which a wish hangs on the wall for everybody.
_ON_THE_WALL = frozenset({"published", "claimed", "fulfilled", "confirmed"})


def _dates(row: Row, wish: Wish, event: Event, record: Record) -> Row:
    """Days, whether everybody may see it (1), from which day on it can be claimed, and which claim it is."""
    day = record.occurred[:10]
    dates = {name: row.get(name, "") for name in ("asked", "fulfilled", "confirmed")}
    match event:
        case WishAsked():
            dates["asked"] = day
        case WishFulfilled():
            dates["fulfilled"] = day
        case WishDisputed():
            dates["fulfilled"] = ""
        case WishConfirmed():
            dates["confirmed"] = day
    free = {"published": "", "claimed": wish.expires}.get(wish.status, NEVER)
    claim = record.version if isinstance(event, WishClaimed) else row.get("claim", 0)
    return dates | {"public": int(wish.status in _ON_THE_WALL), "free_from": free, "claim": claim}


WISHES = View.of(
    WISH,
    "wishes",
    ("place", ("status", "place"), ("public", "place"), "free_from", "expires", "asked", "wisher_id", "claimant"),
    _dates,
)
WISH_SUMS = tally(
    "wish_sums", WISHES, lambda row: {"wishes": {row["status"]: 1}, "late": row["late"]}, day="asked", folding=2
)


def _release_key(event: Any, record: Record) -> str | None:
    return f"{event.wish_id}:{record.version}" if isinstance(event, WishReleased) else None


def _release(row: Row, event: WishReleased, record: Record, key: str) -> Row:
    return {"person_id": event.person_id, "day": record.occurred[:10]}


#: One row for each claim that was given back or expired: who lets go of many cannot claim more.
RELEASES = View("claim_releases", OWN, _release_key, _release, (("person_id", "day"),))

_ANSWER = shape(
    dict.fromkeys(("claimant", "reason", "note", "wisher_id", *_SEALED), TEXT) | LABELS,
    **dict.fromkeys((name for name in _PUBLIC if name not in ("by_wisher", "introduced")), TEXT),
    by_wisher=SAID_YES,
    introduced=SAID_YES,
    claimable=SAID_YES,
    place_names=PLACE_NAMES,
    actions=ACTIONS,
)


def _for(read: Reader, row: Row) -> Row:
    """What the reader sees of a wish.

    The wisher, those who may read wishers, and the present claimant once they were introduced see what is sealed; who checks wishes sees
    the rest.
    """
    by = read.by
    wisher, claimant = own(state_of(WISH, row), by), by.actor != "" and by.actor == row["claimant"]
    helping = (
        claimant
        and row["introduced"]
        and (row["status"] == "fulfilled" or (row["status"] == "claimed" and read.today < row["expires"]))
    )
    reads = wisher or read.may("wish.read_wisher", row["place"])
    shown = {name: row[name] for name in _PUBLIC} | {"claimable": row["free_from"] <= read.today}
    if wisher or claimant or read.may("wish.publish", row["place"]):
        shown |= {name: row[name] for name in ("claimant", "reason", "note")}
    if reads:
        shown["wisher_id"] = row["wisher_id"]
    if reads or helping:
        shown |= {name: read.open(row[name]) or "" for name in _SEALED}
    return shown


@WISH.query(answer=page_of(_ANSWER))
def find_wishes(
    read: Reader,
    *,
    status: Annotated[
        str,
        choice("asked", "rejected", "withdrawn", "published", "claimed", "fulfilled", "confirmed"),
        "only in this status",
    ] = "",
    claimable: Annotated[bool, YES, "only those that can be claimed today"] = False,
    wall: Annotated[bool, YES, "only those that everybody may see"] = False,
    mine: Annotated[str, choice("asked", "claimed"), "only those that you asked for, or claimed"] = "",
    place__under: Annotated[
        str, PLACE, "a place and everything below it; empty: your own, for those who check wishes"
    ] = "",
    order: Annotated[str, order_of("place", "asked", "expires"), "sorted by; - before it: descending"] = "place",
    limit: Limit = 50,
    cursor: Cursor = "",
) -> Row:
    """Wishes without saying who asked; those not published yet only for those who check them (C41)."""
    where: dict[str, Any] = {"status": status, "place__under": place__under}
    if wall:
        where["public"] = 1
    if claimable:
        where["free_from__lte"] = read.today
    if mine and not read.by.actor:
        return {"rows": [], "next": None}
    if mine:
        where[{"asked": "wisher_id", "claimed": "claimant"}[mine]] = read.by.actor
    elif not read.may("wish.publish", place__under):
        checks = not place__under and read.by.place and read.may("wish.publish", read.by.place)
        if checks and not (wall or claimable) and status not in _ON_THE_WALL:
            where["place__under"] = read.by.place
        else:
            where["public"] = 1
    return read.named_page("wishes", where, limit, cursor, order, WISH, lambda row: _for(read, row))


@WISH.query(answer=_ANSWER | {"properties": _ANSWER["properties"] | {"others": OTHERS}})
def get_wish(read: Reader, *, wish_id: Annotated[str, id_of("wish"), "the wish"]) -> Row:
    """A wish; what is sealed only to the wisher, to those who may read it, and to the claimant once introduced (C41, X09)."""
    row = read.row("wishes", wish_id, "wish", "wish_id")
    if not (row["public"] or own(state_of(WISH, row), read.by) or read.may("wish.publish", row["place"])):
        raise NotFoundError(
            _("there is no {thing} {id}"), {"wish_id": said(_("unknown"))}, thing=term("thing", "wish"), id=wish_id
        )
    (shown,) = read.city.named([_for(read, row)])
    return shown | {"actions": read.actions(WISH, row), "others": read.others(WISH, row)}
