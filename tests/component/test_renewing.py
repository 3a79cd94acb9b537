"""Views that are not those of the program are folded anew before a service answers from them; two versions side by side do not fight."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from shared.domain.errors import TimedOutError, UnavailableError
from shared.domain.record import Record
from shared.domain.view import OWN, View, by
from shared.following.context import CallContext
from shared.following.definition import Definition
from shared.following.node import ServiceRuntime
from shared.following.performing import perform
from shared.following.reading import UpToDate
from shared.following.rebuilding import rebuild, renew
from shared.log import EventLog
from shared.log.memory import MemoryStorage
from shared.service.service import Followed, serves
from shared.views import ViewStore
from shared.views.mongodb import MongoViews
from shared.views.port import OvertakenError
from shared.views.sqlite import SqliteViews
from tests.component.city import city, wait_for
from tests.component.toy import (
    SEEN,
    SHOP,
    SHOPS,
    SHOPS_DEFINITION,
    SIGHTS,
    WATCH,
    ShopOpened,
    ShopService,
    WatcherService,
    on_opened,
)
from tests.contract import mongo
from tests.green import green

#: The next version of the shops: what is open has another shape, and there is a view more.
NAMES = View(
    "names",
    OWN,
    by("shop_id"),
    lambda row, event, record, key: {"n": len(event.name)} if hasattr(event, "name") else row,
)
BIGGER = View(
    "shops",
    OWN,
    by("shop_id"),
    lambda row, event, record, key: {"title": event.name} if isinstance(event, ShopOpened) else None,
    ("title",),
)
NEXT = Definition("shops", (SHOP,), (BIGGER, NAMES))


def _titles(row: dict[str, Any], event: Mapping[str, Any], record: Record, key: str) -> dict[str, Any] | None:
    return {"title": event["name"]} if record.type == "ShopOpened" else None


@serves(Definition("watchers", (WATCH,), (View("titles", "shops", by("shop_id"), _titles), SEEN, SIGHTS),
                   {"shops.ShopOpened": on_opened}, ("shops",)))  # fmt: skip
class NextWatchers(Followed):
    """Watchers of the next version."""


@pytest.fixture(params=["sqlite", "mongodb"])
def open_views(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[Definition], ViewStore]]:
    """Opens the views of a version over the same rows."""
    if request.param == "sqlite":
        yield lambda definition: SqliteViews(tmp_path / "views.sqlite", definition.all_views)
        return
    database = mongo.database()
    yield lambda definition: MongoViews(database, definition.all_views)
    database.client.drop_database(database.name)


class Shops:
    """The log of the shops and nodes of several versions over it."""

    def __init__(self, open_views: Callable[[Definition], ViewStore]) -> None:
        self.log = EventLog("shops", MemoryStorage())
        self._open_views = open_views
        self._numbers = itertools.count(1)

    def node(self, definition: Definition) -> ServiceRuntime:
        return ServiceRuntime(definition, self.log, self._open_views(definition))

    def open(self, node: ServiceRuntime, shop_id: str) -> None:
        context = CallContext(
            kind="operator", actor="op", command_id=f"c{next(self._numbers)}", occurred="2026-03-01T09:00:00+08:00"
        )
        ask = {"shop_id": shop_id, "name": f"shop {shop_id}"}
        perform(node, node.definition.commands["open_shop"], context, node.mandate(context), ask)


@pytest.fixture
def shops(open_views: Callable[[Definition], ViewStore]) -> Shops:
    return Shops(open_views)


def no_fetch(source: str, after: int, limit: int) -> list[Record]:
    raise UnavailableError(f"{source} does not answer")


def go_on(error: UnavailableError | None) -> None:
    assert error is None


def test_a_new_store_needs_nothing(shops: Shops) -> None:
    node = shops.node(SHOPS_DEFINITION)
    assert node.ready
    shops.open(node, "s1")
    node.apply_own()
    assert shops.node(SHOPS_DEFINITION).ready, "nor does one with the same views"


@pytest.mark.parametrize(
    "changed",
    [
        Definition("shops", (SHOP,), (SHOPS, NAMES)),
        Definition("shops", (SHOP,), (View("shops", OWN, SHOPS.key, SHOPS.fold, ("name",)),)),
        Definition("shops", (SHOP,), (View("shops", OWN, SHOPS.key, SHOPS.fold, folding=2),)),
        Definition("shops", (SHOP,), (View.of(SHOP, "shops"),)),
        Definition("shops", (SHOP,), ()),
    ],
    ids=["a view more", "an index more", "a raised number", "rows that are states", "a view less"],
)
def test_other_views_are_noticed(shops: Shops, changed: Definition) -> None:
    assert shops.node(SHOPS_DEFINITION).ready
    assert not shops.node(changed).ready


def test_the_views_of_the_next_version_are_folded_before_they_are_read(shops: Shops) -> None:
    old = shops.node(SHOPS_DEFINITION)
    for number in range(3):
        shops.open(old, f"s{number}")
    old.apply_own()
    old.views.save({("parked", "x"): {"source": "shops", "stream": "s", "state": "skipped", "position": 2}})
    new = shops.node(NEXT)
    assert not new.ready and not new.status()["ready"]
    for refused in (
        lambda: UpToDate(new).get("shops", "s1"),
        lambda: UpToDate(new).find("names"),
        lambda: new.wait_for({"shops": 1}, 1.0),
        lambda: new.tick("2026-03-01"),
        lambda: new.retry("shops", "s"),
    ):
        with pytest.raises(UnavailableError, match="rebuilt after an update"):
            refused()
    assert UpToDate(new).get("parked", "x"), "what no log can bring back is as it was"
    shops.open(new, "s9")  # what needs no view is done
    renew(new, no_fetch, go_on)
    assert new.ready
    new.apply_own()
    assert [row["title"] for row in new.views.find("shops", order="title").rows] == ["shop s0", "shop s2", "shop s9"]
    assert new.views.count("names") == 3
    assert new.views.get("parked", "x")
    assert shops.node(NEXT).ready


def test_a_kill_in_between_is_made_up_for(shops: Shops) -> None:
    old = shops.node(SHOPS_DEFINITION)
    shops.open(old, "s1")
    old.apply_own()

    def killed(error: UnavailableError | None) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        renew(shops.node(NEXT), no_fetch, killed)
    again = shops.node(NEXT)
    assert not again.ready
    renew(again, no_fetch, go_on)
    assert again.views.find("shops").rows == [{"key": "s1", "title": "shop s1"}]


def test_a_source_that_does_not_answer_yet_is_waited_for(tmp_path: Path) -> None:
    facts = EventLog("shops", MemoryStorage())
    shops = ServiceRuntime(SHOPS_DEFINITION, facts, SqliteViews(tmp_path / "shops.sqlite", SHOPS_DEFINITION.all_views))
    context = CallContext(kind="operator", actor="op", command_id="c", occurred="2026-03-01T09:00:00+08:00")
    ask = {"shop_id": "s1", "name": "tea"}
    perform(shops, SHOPS_DEFINITION.commands["open_shop"], context, shops.mandate(context), ask)
    before = Definition("watchers", (WATCH,), (SIGHTS,), {"shops.ShopOpened": on_opened}, ("shops",))
    log = EventLog("watchers", MemoryStorage())
    old = ServiceRuntime(before, log, SqliteViews(tmp_path / "views.sqlite", before.all_views))
    old.apply("shops", 0, facts.read(0), no_fetch)
    old.apply_own()
    definition = NextWatchers.here.definition  # type: ignore[attr-defined]  # what `serves` adds
    new = ServiceRuntime(definition, log, SqliteViews(tmp_path / "views.sqlite", definition.all_views))
    waited: list[str] = []

    def fetch(source: str, after: int, limit: int) -> list[Record]:
        if len(waited) < 3:
            raise UnavailableError(f"{source} does not answer")
        return list(facts.read(after, limit=limit))

    renew(new, fetch, lambda error: waited.append(error.message) if error else None)
    assert waited == ["shops does not answer"] * 3
    assert new.views.get("titles", "s1") == {"key": "s1", "title": "tea"}
    assert log.head().position == 1, "policies are not run again"


@pytest.fixture
def mongodb() -> Iterator[Callable[[Definition], ViewStore]]:
    """Only in a city do two processes of one service share views."""
    database = mongo.database()
    yield lambda definition: MongoViews(database, definition.all_views)
    database.client.drop_database(database.name)


def test_the_older_process_keeps_its_rows_and_follows_nothing_any_more(
    mongodb: Callable[[Definition], ViewStore],
) -> None:
    shops = Shops(mongodb)
    older, newer = shops.node(SHOPS_DEFINITION), shops.node(NEXT)
    shops.open(older, "s1")
    older.apply_own()
    renew(newer, no_fetch, go_on)
    older.views._looked = 0.0  # type: ignore[attr-defined]  # as after a second
    assert older.views.get("shops", "s1") == {"key": "s1", "name": "shop s1"}
    assert newer.views.get("shops", "s1") == {"key": "s1", "title": "shop s1"}
    shops.open(older, "s2")  # the log is one and the same
    with pytest.raises(OvertakenError, match="stop this process"):
        older.apply_own()
    with pytest.raises(UnavailableError):
        older.wait_for({"shops": 2}, 1.0)
    with pytest.raises(TimedOutError):
        newer.wait_for({"shops": 2}, 0.2)
    assert newer.apply_own()
    assert newer.views.count("shops") == 2
    assert older.views.count("shops") == 1
    with pytest.raises(OvertakenError):
        older.views.checkpoint("follow:shops")
    assert older.views.checkpoint("relay") == 0, "what belongs to no rows goes on"


def test_the_older_process_goes_on_until_the_newer_is_done(mongodb: Callable[[Definition], ViewStore]) -> None:
    """Facts that it applies meanwhile are neither lost nor applied twice."""
    shops = Shops(mongodb)
    older, newer = shops.node(SHOPS_DEFINITION), shops.node(NEXT)
    shops.open(older, "s1")
    older.apply_own()
    told = iter(range(2, 5))

    def meanwhile(error: UnavailableError | None) -> None:
        if (number := next(told, None)) is not None:
            shops.open(older, f"s{number}")
            older.apply_own()

    renew(newer, no_fetch, meanwhile)
    assert newer.followers["shops"].position == 4
    assert newer.views.count("shops") == 4


def test_a_rebuild_by_a_process_of_the_same_version_is_followed(mongodb: Callable[[Definition], ViewStore]) -> None:
    shops = Shops(mongodb)
    one, other = shops.node(SHOPS_DEFINITION), shops.node(SHOPS_DEFINITION)
    shops.open(one, "s1")
    one.apply_own()
    rebuild(one, no_fetch)
    shops.open(one, "s2")
    one.apply_own()
    wait_for(lambda: other.views.count("shops") == 2, "the new generation to be read")


@green
def test_a_service_renews_its_views_at_its_start(amqp_uri: str, tmp_path: Path) -> None:
    with city(amqp_uri, tmp_path) as here:
        here.call("shops", "open_shop", {"shop_id": "s1", "name": "tea"}, command_id="c")
        here.settled()
    with city(amqp_uri, tmp_path, NextWatchers) as here:  # the shops do not run yet
        with pytest.raises(UnavailableError, match="rebuilt after an update"):
            here.call("watchers", "seen", {"shop_id": "s1"})
        assert not here.call("watchers", "status")["ready"]
        with city(amqp_uri, tmp_path, ShopService):
            wait_for(lambda: here.call("watchers", "status")["ready"], "the views to be folded")
            assert here.call("watchers", "seen", {"shop_id": "s1"})["row"]["name"] == "tea"
            assert here.here("watchers").node.views.get("titles", "s1") == {"key": "s1", "title": "tea"}
            assert here.call("watchers", "seen", {"shop_id": "s1"})["sights"]["count"] == 1
            here.call("shops", "open_shop", {"shop_id": "s2", "name": "rice"}, command_id="c2")
            wait_for(lambda: here.call("watchers", "seen", {"shop_id": "s2"})["sights"] is not None, "the next fact")


@green
def test_a_service_of_the_same_views_is_ready_at_once(amqp_uri: str, tmp_path: Path) -> None:
    for _ in range(2):
        with city(amqp_uri, tmp_path, WatcherService) as here:
            assert here.call("watchers", "status")["ready"]
