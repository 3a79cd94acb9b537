"""Two very small services that follow one another: shops open and close, watchers count them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from marshmallow import Schema, fields

from shared.domain.decider import Decider
from shared.domain.errors import IllegalStateError
from shared.domain.event import Codec, Event
from shared.domain.policy import Decision
from shared.domain.record import Record
from shared.domain.view import View, by
from shared.following.definition import Definition
from shared.following.parking import PARKING_EVENTS
from shared.service.service import Followed, Here, command, query


class ShopOpened(Event, frozen=True, kw_only=True):
    shop_id: str
    name: str


class ShopClosed(Event, frozen=True, kw_only=True):
    shop_id: str


class Shop(msgspec.Struct, frozen=True):
    id: str
    open: bool = False


def evolve(shop: Shop, event: ShopOpened | ShopClosed) -> Shop:
    return Shop(shop.id, isinstance(event, ShopOpened))


def open_shop(shop: Shop, *, by: Any, at: str, name: str) -> list[Event]:
    return [] if shop.open else [ShopOpened(shop_id=shop.id, name=name)]


def close_shop(shop: Shop, *, by: Any, at: str) -> list[Event]:
    if not shop.open:
        raise IllegalStateError("the shop is not open")
    return [ShopClosed(shop_id=shop.id)]


CODEC = Codec((ShopOpened, ShopClosed, *PARKING_EVENTS))
SHOP = Decider("shop", CODEC, Shop, Shop, evolve, lambda shop: "350104.013")
SHOPS = View(
    "shops",
    "shops",
    by("shop_id"),
    lambda row, event, record: {"name": event.name} if isinstance(event, ShopOpened) else None,
)


class OpenShop(Schema):
    """Open a shop."""

    shop_id = fields.String(required=True)
    name = fields.String(required=True)


class CloseShop(Schema):
    """Close a shop."""

    shop_id = fields.String(required=True)


class Sight(Event, frozen=True, kw_only=True):
    shop_id: str


class Watch(msgspec.Struct, frozen=True):
    id: str
    seen: int = 0


def see(watch: Watch, *, by: Any, at: str) -> list[Event]:
    return [Sight(shop_id=watch.id)]


def _seen(row: dict[str, Any], event: Mapping[str, Any], record: Record) -> dict[str, Any] | None:
    if event.get("name") == "poison":
        raise ValueError("this name cannot be counted")
    return None if record.type == "ShopClosed" else {"name": event["name"], "times": row.get("times", 0) + 1}


def on_opened(fact: Mapping[str, Any], record: Record) -> Iterable[Decision]:
    return [Decision(WATCH, fact["shop_id"], see, {})]


WATCH_CODEC = Codec((Sight, *PARKING_EVENTS))
WATCH = Decider(
    "watch", WATCH_CODEC, Watch, Watch, lambda watch, event: Watch(watch.id, watch.seen + 1), lambda watch: ""
)
SEEN = View("seen", "shops", by("shop_id"), _seen, ("name",))
SIGHTS = View("sights", "watchers", by("shop_id"), lambda row, event, record: {"count": row.get("count", 0) + 1})

SHOPS_DEFINITION = Definition(
    "shops", CODEC, (SHOPS,), (SHOP,), commands={"open_shop": OpenShop, "close_shop": CloseShop}
)
WATCHERS_DEFINITION = Definition(
    "watchers",
    WATCH_CODEC,
    (SEEN, SIGHTS),
    (WATCH,),
    {"shops.ShopOpened": on_opened},
    ("shops",),
    queries={"seen": CloseShop},
)


class ShopService(Followed):
    name = "shops"
    here = Here(SHOPS_DEFINITION)

    @command
    def open_shop(self, shop_id: str, name: str) -> dict[str, Any]:
        return self.here.execute(SHOP, shop_id, open_shop, name=name)

    @command
    def close_shop(self, shop_id: str) -> dict[str, Any]:
        return self.here.execute(SHOP, shop_id, close_shop)


class WatcherService(Followed):
    name = "watchers"
    here = Here(WATCHERS_DEFINITION)

    @query
    def seen(self, shop_id: str) -> dict[str, Any]:
        return {"row": self.here.views.get("seen", shop_id), "sights": self.here.views.get("sights", shop_id)}
