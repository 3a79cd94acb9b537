"""Two very small services of the kit that follow one another: shops open and close, watchers count them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

import msgspec

from shared.domain.command import GIVEN
from shared.domain.decider import Decider
from shared.domain.event import Event
from shared.domain.fields import line, text
from shared.domain.mandate import Mandate
from shared.domain.policy import Decision
from shared.domain.reader import Reader
from shared.domain.record import Record
from shared.domain.view import OWN, View, by
from shared.domain.words import _
from shared.following.definition import Definition
from shared.service.service import Followed, serves

#: Shops are numbered by whoever opens them.
NUMBER = line(64)


class ShopOpened(Event, frozen=True, kw_only=True):
    shop_id: str
    name: str


class ShopClosed(Event, frozen=True, kw_only=True):
    shop_id: str


class Shop(msgspec.Struct, frozen=True):
    id: str
    status: str = "unknown"  # unknown, open, closed


def evolve(shop: Shop, event: ShopOpened | ShopClosed) -> Shop:
    return Shop(shop.id, "open" if isinstance(event, ShopOpened) else "closed")


SHOP = Decider("shop", (ShopOpened, ShopClosed), Shop, Shop, evolve, lambda shop: "350104.013")


@SHOP.command("operations.shop", new=GIVEN, id_kind=NUMBER, late=10_000)
def open_shop(
    shop: Shop, *, by: Mandate, at: str, name: Annotated[str, text(10_000_000), "what it is called"]
) -> list[Event]:
    """Open a shop, or open it again."""
    return [] if shop.status == "open" else [ShopOpened(shop_id=shop.id, name=name)]


@SHOP.command("operations.shop", when=("open",), otherwise=_("the shop is not open"), id_kind=NUMBER, late=10_000)
def close_shop(shop: Shop, *, by: Mandate, at: str) -> list[Event]:
    """Close a shop."""
    return [ShopClosed(shop_id=shop.id)]


SHOPS = View(
    "shops",
    OWN,
    by("shop_id"),
    lambda row, event, record, key: {"name": event.name} if isinstance(event, ShopOpened) else None,
)


class Sight(Event, frozen=True, kw_only=True):
    shop_id: str


class Watch(msgspec.Struct, frozen=True):
    id: str
    status: str = "unknown"
    seen: int = 0


WATCH = Decider(
    "watch", (Sight,), Watch, Watch, lambda watch, event: Watch(watch.id, "seen", watch.seen + 1), lambda watch: ""
)


def see(watch: Watch, *, by: Mandate, at: str) -> list[Event]:
    return [Sight(shop_id=watch.id)]


def on_opened(fact: Mapping[str, Any], record: Record) -> Iterable[Decision]:
    return [Decision(WATCH, fact["shop_id"], see, {})]


def _seen(row: dict[str, Any], event: Mapping[str, Any], record: Record, key: str) -> dict[str, Any] | None:
    if event.get("name") == "poison":
        raise ValueError("this name cannot be counted")
    return None if record.type == "ShopClosed" else {"name": event["name"], "times": row.get("times", 0) + 1}


SEEN = View("seen", "shops", by("shop_id"), _seen, ("name",))
SIGHTS = View("sights", OWN, by("shop_id"), lambda row, event, record, key: {"count": row.get("count", 0) + 1})


@WATCH.query()
def seen(read: Reader, *, shop_id: Annotated[str, NUMBER, "the shop"]) -> dict[str, Any]:
    """What watchers know of a shop."""
    return {"row": read.rows.get("seen", shop_id), "sights": read.rows.get("sights", shop_id)}


SHOPS_DEFINITION = Definition("shops", (SHOP,), (SHOPS,))
WATCHERS_DEFINITION = Definition("watchers", (WATCH,), (SEEN, SIGHTS), {"shops.ShopOpened": on_opened}, ("shops",))


@serves(SHOPS_DEFINITION)
class ShopService(Followed):
    """Shops."""


@serves(WATCHERS_DEFINITION)
class WatcherService(Followed):
    """Watchers of shops."""
