"""The contract of the view store: one suite, run over every adapter."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import Any

import pytest

from shared.domain.errors import BadInputError, ConcurrencyError
from shared.domain.view import Row, View
from shared.views import ViewStore
from shared.views.port import LARGEST_PAGE, encode_cursor
from tests.contract.conftest import OpenViews


def view(name: str, source: str, *indexes: str | tuple[str, ...]) -> View:
    return View(name, source, lambda event, record: None, lambda row, event, record, key: row, indexes)


ISSUES = view("issues", "issues", "status", "place", "due", ("person", "due"))
PLACES = view("places", "registry", "level")
NOTES = view("notes", "", "state")
VIEWS = (ISSUES, PLACES, NOTES)


def issue(status: str | int = "open", place: str = "1", due: int | str = 0, person: str = "p-1", **more: Any) -> Row:
    return {"status": status, "place": place, "due": due, "person": person, **more}


def put(store: ViewStore, rows: dict[str, Row | None], name: str = "issues") -> None:
    store.save({(name, key): row for key, row in rows.items()})


def keys(store: ViewStore, where: dict[str, Any] | None = None, order: str = "key", limit: int = 50) -> list[str]:
    return [row["key"] for row in store.find("issues", where, order, limit).rows]


@pytest.fixture
def store(open_views: OpenViews) -> ViewStore:
    return open_views(VIEWS)


def test_a_row_comes_back_as_it_was_put(store: ViewStore) -> None:
    row = issue(
        text="路灯 \u0000 “x”",
        none=None,
        yes=True,
        list=[1, {"$a.b": "c"}],
        large=(1 << 63) - 1,
        nested={"$set": {"": {}}},
    )
    assert store.get("issues", "a") is None
    put(store, {"a": row})
    assert store.get("issues", "a") == {"key": "a", **row}
    assert store.find("issues").rows == [{"key": "a", **row}]


def test_many_rows_come_with_one_question(store: ViewStore) -> None:
    rows = {f"k{number}": issue(due=number) for number in range(300)} | {"路": issue(), "it's": issue()}
    put(store, rows)
    asked = ["路", "missing", "it's", *(f"k{number}" for number in range(0, 400, 7))]
    there = {key: {"key": key, **rows[key]} for key in asked if key in rows}
    assert store.get_many("issues", asked) == there
    assert store.get_many("issues", []) == store.get_many("notes", asked) == {}


def test_many_rows_are_put_replaced_and_removed_at_once(store: ViewStore) -> None:
    put(store, {f"k{number}": issue("old") for number in range(0, 60, 2)})
    changes: dict[str, Row | None] = {f"k{number}": None if number % 5 == 0 else issue("new") for number in range(60)}
    put(store, changes)
    assert set(keys(store, {"status": "new"}, limit=100)) == {key for key, row in changes.items() if row}
    assert store.count("issues") == 48


def test_a_row_is_replaced_as_a_whole_and_removed(store: ViewStore) -> None:
    put(store, {"a": issue(note="old"), "b": issue()})
    put(store, {"a": {"key": "a", **issue("closed")}, "b": None, "c": None})
    assert store.get("issues", "a") == {"key": "a", **issue("closed")}
    assert keys(store) == ["a"]
    assert store.count("issues") == 1


def test_every_operator_filters_by_the_same_order(store: ViewStore) -> None:
    put(store, {f"k{due}": issue(due=due) for due in range(6)})
    assert keys(store, {"due": 3}) == ["k3"]
    assert keys(store, {"due": [1, 5, 9]}) == ["k1", "k5"]
    assert keys(store, {"due": []}) == []
    assert keys(store, {"due__lt": 2}) == ["k0", "k1"]
    assert keys(store, {"due__lte": 2}) == ["k0", "k1", "k2"]
    assert keys(store, {"due__gt": 4}) == ["k5"]
    assert keys(store, {"due__gte": 4}) == ["k4", "k5"]
    assert keys(store, {"due__gte": 1, "due__lt": 4, "due": [0, 2, 3], "status": "open"}) == ["k2", "k3"]
    assert keys(store, {"due__gte": 1, "status": "closed"}) == []


def test_integers_come_before_texts_in_filters_and_order(store: ViewStore) -> None:
    put(
        store,
        {
            "a": issue(due="2"),
            "b": issue(due=10),
            "c": issue(due=""),
            "d": issue(due=-3),
            "e": issue(due="路"),
            "f": issue(due="Z"),
        },
    )
    assert keys(store, order="due") == ["d", "b", "c", "a", "f", "e"]
    assert keys(store, order="-due") == ["e", "f", "a", "c", "b", "d"]
    assert keys(store, {"due__gt": 5}) == ["a", "b", "c", "e", "f"]
    assert keys(store, {"due__gte": -3}) == ["a", "b", "c", "d", "e", "f"]
    assert keys(store, {"due__lt": "Z"}) == ["a", "b", "c", "d"]
    assert keys(store, {"due__lte": ""}) == ["b", "c", "d"]
    assert keys(store, {"due__lt": 10}) == ["d"]
    assert keys(store, {"due__gt": "2"}) == ["e", "f"]


def test_texts_are_ordered_by_their_bytes(store: ViewStore) -> None:
    texts = ["", "A", "B", "Z", "a", "a b", "a-", "a.", "a/", "ab", "z", "é", "路", "\uffff", "𐀀"]
    put(store, {f"k{number:02d}": issue(text) for number, text in enumerate(sorted(texts, reverse=True))})
    assert [row["status"] for row in store.find("issues", order="status").rows] == sorted(texts, key=str.encode)
    put(store, {text or "empty": issue() for text in texts})
    assert keys(store) == sorted(keys(store), key=str.encode)


def test_under_finds_a_place_and_everything_below_it(store: ViewStore) -> None:
    """Places are dotted paths; a neighbour whose code begins alike is not below (S0)."""
    places = [
        "350104",
        "350104.013",
        "350104.013.002",
        "350104.0131",
        "350104-013",
        "350104/013",
        "3501040",
        "350104.",
        "35",
    ]
    put(store, {place: issue(place=place) for place in places})
    below = {"350104", "350104.013", "350104.013.002", "350104.0131"}
    assert set(keys(store, {"place__under": "350104"})) == below
    assert set(keys(store, {"place__under": "350104.013"})) == {"350104.013", "350104.013.002"}
    assert keys(store, {"place__under": "3501"}) == []
    assert keys(store, {"place__under": "350104.013", "status": "closed"}) == []


def test_order_breaks_ties_by_key_both_ways(store: ViewStore) -> None:
    put(store, {f"k{number}": issue(due=number // 2) for number in (5, 1, 0, 4, 3, 2)})
    assert keys(store, order="due") == ["k0", "k1", "k2", "k3", "k4", "k5"]
    assert keys(store, order="-due") == ["k5", "k4", "k3", "k2", "k1", "k0"]
    assert keys(store, order="-key") == ["k5", "k4", "k3", "k2", "k1", "k0"]


def pages(store: ViewStore, order: str, limit: int, where: dict[str, Any] | None = None) -> list[list[str]]:
    found, cursor = [], None
    while True:
        page = store.find("issues", where, order, limit, cursor)
        found.append([row["key"] for row in page.rows])
        if (cursor := page.next) is None:
            return found


@pytest.mark.parametrize("order", ["key", "-key", "due", "-due", "status", "-status"])
@pytest.mark.parametrize("limit", [1, 3, 4, 12, 13])
def test_pages_hold_every_row_exactly_once(store: ViewStore, order: str, limit: int) -> None:
    put(
        store,
        {
            f"k{number:02d}": issue(f"s{number % 3}", due=number // 4 if number % 5 else f"t{number}")
            for number in range(12)
        },
    )
    found = pages(store, order, limit)
    assert [key for page in found for key in page] == keys(store, order=order)
    assert [len(page) for page in found] == [limit] * (12 // limit) + ([12 % limit] if 12 % limit else [])
    some = pages(store, order, limit, {"status": ["s0", "s2"]})
    assert sorted(key for page in some for key in page) == sorted(keys(store, {"status": ["s0", "s2"]}))


@pytest.mark.parametrize("order", ["due", "-due"])
def test_rows_added_and_removed_between_pages_disturb_no_other(store: ViewStore, order: str) -> None:
    put(store, {f"k{number:02d}": issue(due=number // 3) for number in range(12)})
    seen: list[str] = []
    cursor = None
    for round_ in range(100):
        page = store.find("issues", None, order, 2, cursor)
        seen += [row["key"] for row in page.rows]
        if (cursor := page.next) is None:
            break
        put(store, {f"k{round_:02d}+": issue(due=round_ // 3), f"k{round_:02d}-": issue(due=3), seen[-1]: None})
    assert cursor is None
    assert len(seen) == len(set(seen))
    assert {f"k{number:02d}" for number in range(12)} <= set(seen)


def test_counts_follow_the_filter(store: ViewStore) -> None:
    put(store, {f"k{number}": issue(("open", "closed")[number % 2], due=number % 3) for number in range(7)})
    assert store.count("issues") == 7
    assert store.count("issues", {"status": "open", "due__gt": 0}) == 2
    assert store.count_by("issues", "status") == {"closed": 3, "open": 4}
    assert list(store.count_by("issues", "due", {"status": "open"}).items()) == [(0, 2), (1, 1), (2, 1)]
    assert store.count_by("issues", "status", {"due": 9}) == {}
    put(store, {"text": issue(due="1")})
    assert list(store.count_by("issues", "due").items()) == [(0, 3), (1, 2), (2, 2), ("1", 1)]


@pytest.mark.parametrize(
    ("where", "named"),
    [
        ({"colour": "red"}, "colour"),
        ({"key": "a"}, "key"),
        ({"due__near": 1}, "due__near"),
        ({"due": None}, "due"),
        ({"due": 1.5}, "due"),
        ({"due": True}, "due"),
        ({"due": 1 << 63}, "due"),
        ({"status": "\ud800"}, "status"),
        ({"status": ["a\0"]}, "status"),
        ({"due": {"$gt": 0}}, "due"),
        ({"due": [1, None]}, "due"),
        ({"due__lt": [1]}, "due__lt"),
        ({"status') OR 1=1 --": "x"}, "status') OR 1=1 --"),
    ],
)
def test_a_filter_that_cannot_be_served_is_refused_by_name(store: ViewStore, where: dict[str, Any], named: str) -> None:
    for ask in (store.find, store.count, lambda name, where: store.count_by(name, "status", where)):
        with pytest.raises(BadInputError) as error:
            ask("issues", where)
        assert list(error.value.fields) == [named]


def test_an_order_size_or_cursor_that_cannot_be_served_is_refused(store: ViewStore) -> None:
    put(store, {"a": issue(), "b": issue()})
    for order in ("colour", "-colour", "--due", "", "by.due", "due; DROP TABLE issues"):
        with pytest.raises(BadInputError, match="cannot be sorted"):
            store.find("issues", order=order)
    for field in ("colour", "-status", ""):
        with pytest.raises(BadInputError):
            store.count_by("issues", field)
    for limit in (0, -1, LARGEST_PAGE + 1):
        with pytest.raises(BadInputError, match="page size"):
            store.find("issues", limit=limit)
    good = store.find("issues", order="due", limit=1).next
    assert good is not None
    for cursor in (
        "",
        "x",
        "路",
        good[:-4],
        encode_cursor("status", "a", "b"),
        encode_cursor("due", None, "b"),
        encode_cursor("due", 1 << 63, "b"),
        "NQ==",
    ):
        with pytest.raises(BadInputError, match="cursor"):
            store.find("issues", order="due", cursor=cursor)
    with pytest.raises(BadInputError, match="cursor"):
        store.find("issues", order="-due", cursor=good)


@pytest.mark.parametrize(
    "bad",
    [{"due": None}, {"due": 1 << 63}, {"due": "a\0"}, {"due": "\udc00"}, {"due": 1.0}, {"due": True}, {"due": ["a"]}],
)
def test_a_row_without_an_indexed_field_is_refused_and_nothing_is_saved(store: ViewStore, bad: Row) -> None:
    with pytest.raises(TypeError, match="view issues: field 'due' must be text or integer"):
        store.save({("issues", "good"): issue(), ("issues", "bad"): {**issue(), **bad}}, {"f": (0, 1)})
    with pytest.raises(TypeError, match="field"):
        put(store, {"bad": {"status": "open"}})
    assert (store.count("issues"), store.checkpoint("f")) == (0, 0)


def test_rows_and_checkpoints_move_together_or_not_at_all(open_views: OpenViews) -> None:
    first, second = open_views(VIEWS), open_views(VIEWS)
    assert first.checkpoint("f") == 0
    first.save({("issues", "a"): issue()}, {"f": (0, 5), "g": (0, 2)})
    assert (second.checkpoint("f"), second.checkpoint("g")) == (5, 2)
    for expected in (0, 4, 6):
        with pytest.raises(ConcurrencyError, match=f"the checkpoint of f is not at {expected}"):
            second.save({("issues", "a"): None, ("notes", "n"): {"state": "x"}}, {"g": (2, 3), "f": (expected, 9)})
    with pytest.raises(ConcurrencyError, match="h is not at 7"):
        second.save({}, {"h": (7, 8)})
    assert (first.get("issues", "a"), first.count("notes")) == ({"key": "a", **issue()}, 0)
    assert (first.checkpoint("f"), first.checkpoint("g"), first.checkpoint("h")) == (5, 2, 0)
    second.save({("issues", "a"): None}, {"f": (5, 6)})
    assert (first.checkpoint("f"), first.count("issues")) == (6, 0)


def test_two_followers_of_one_checkpoint_never_both_win(open_views: OpenViews) -> None:
    """Each round several stores apply the same fact at once; exactly one may count it (R1)."""
    stores = [open_views(VIEWS) for _ in range(4)]
    won: list[int] = []

    def follow(number: int, store: ViewStore) -> None:
        for position in range(12):
            try:
                store.save({("issues", f"{position}"): issue(person=f"p-{number}")}, {"f": (position, position + 1)})
                won.append(position)
            except ConcurrencyError:
                pass
            wait_for(lambda at=position: store.checkpoint("f") > at)  # type: ignore[misc]

    threads = [threading.Thread(target=follow, args=pair) for pair in enumerate(stores)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    assert sorted(won) == list(range(12))
    assert stores[0].count("issues") == 12


def wait_for(ready: Any, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < deadline, "did not come true in time"
        time.sleep(0.01)


def test_a_lease_is_held_by_one_until_it_expires(open_views: OpenViews) -> None:
    first, second = open_views(VIEWS), open_views(VIEWS)
    assert first.lease("relay", "a", 60)
    assert first.lease("relay", "a", 60), "its holder renews it"
    assert not second.lease("relay", "b", 60)
    assert second.lease("other", "b", 60)
    assert first.lease("relay", "a", 0.2), "its holder may shorten it"
    wait_for(lambda: second.lease("relay", "b", 60))
    assert not first.lease("relay", "a", 60)


def test_of_many_who_ask_at_once_one_gets_the_lease(open_views: OpenViews) -> None:
    stores = [open_views(VIEWS) for _ in range(6)]
    barrier, got = threading.Barrier(6), []

    def ask(number: int) -> None:
        barrier.wait(20)
        if stores[number].lease("relay", f"h-{number}", 60):
            got.append(number)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(got) == 1


def test_rows_checkpoints_and_new_views_survive_reopening(open_views: OpenViews) -> None:
    first = open_views((NOTES,))
    first.save({("notes", "n"): {"state": "x"}}, {"f": (0, 3)})
    first.close()
    again = open_views(VIEWS)
    assert again.get("notes", "n") == {"key": "n", "state": "x"}
    assert again.checkpoint("f") == 3
    put(again, {"a": issue()})
    assert keys(again) == ["a"]


def test_a_large_change_is_saved_at_once(store: ViewStore) -> None:
    rows: Sequence[str] = [f"k{number:05d}" for number in range(3000)]
    store.save({("issues", key): issue(text="路" * 50) for key in rows}, {"f": (0, 3000)})
    assert store.count("issues") == 3000
    found = pages(store, "key", LARGEST_PAGE)
    assert [key for page in found for key in page] == rows
