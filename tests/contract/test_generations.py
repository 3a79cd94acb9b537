"""Views that are built anew beside those that are read, and take their place at once."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
from pymongo.database import Database

from shared.domain.errors import ConcurrencyError, IllegalStateError
from shared.views import ViewStore
from shared.views.mongodb import KEEP_FORMER, MongoViews
from shared.views.port import OvertakenError
from shared.views.sqlite import SqliteViews
from tests.contract.conftest import OpenViews
from tests.contract.test_views import VIEWS, issue, keys, put, wait_for


@pytest.fixture
def store(open_views: OpenViews) -> ViewStore:
    return open_views(VIEWS)


def test_a_second_generation_is_built_beside_the_first_and_takes_its_place(open_views: OpenViews) -> None:
    store, reader = open_views(VIEWS), open_views(VIEWS)
    store.save(
        {
            ("issues", "a"): issue("old"),
            ("issues", "b"): issue("old"),
            ("notes", "n"): {"state": "kept"},
            ("places", "p"): {"level": 1},
        },
        {"follow:issues": (0, 9), "follow:registry": (0, 4), "relay": (0, 3)},
    )
    fresh = store.fresh()
    assert (fresh.count("issues"), fresh.checkpoint("follow:issues")) == (0, 0)
    fresh.save({("issues", "a"): issue("new"), ("places", "q"): {"level": 2}}, {"follow:issues": (0, 7)})
    fresh.save({}, {"follow:registry": (0, 4)})
    assert fresh.find("issues", {"status": "new"}).rows == [{"key": "a", **issue("new")}]
    store.save({("issues", "c"): issue("old")}, {"follow:issues": (9, 10)})
    assert keys(store, {"status": "old"}) == keys(reader, {"status": "old"}) == ["a", "b", "c"]
    assert (store.checkpoint("follow:issues"), fresh.checkpoint("follow:issues")) == (10, 7)
    with pytest.raises(ConcurrencyError, match="follow:issues has gone on meanwhile"):
        store.promote()
    fresh.save({}, {"follow:issues": (7, 10)})
    store.promote()
    assert keys(store) == ["a"]
    assert store.find("issues", order="status").rows == [{"key": "a", **issue("new")}]
    assert (store.get("places", "p"), store.get("places", "q")) == (None, {"key": "q", "level": 2})
    assert store.get("notes", "n") == {"key": "n", "state": "kept"}
    assert [store.checkpoint(name) for name in ("follow:issues", "follow:registry", "relay")] == [10, 4, 3]
    wait_for(lambda: keys(reader) == ["a"])
    with pytest.raises(ConcurrencyError):
        reader.save({("issues", "d"): issue()}, {"follow:issues": (9, 11)})
    reader.save({("issues", "d"): issue()}, {"follow:issues": (10, 11)})
    assert keys(store) == ["a", "d"]
    assert keys(open_views(VIEWS)) == ["a", "d"]


def test_a_rebuild_can_be_started_anew_and_repeated(open_views: OpenViews) -> None:
    store = open_views(VIEWS)
    put(store, {"first": issue()})
    store.fresh().save({("issues", "given up"): issue()}, {"f": (0, 5)})
    for generation in range(3):
        fresh = store.fresh()
        assert (fresh.count("issues"), fresh.checkpoint("f")) == (0, 0)
        fresh.save({("issues", f"g{generation}"): issue()}, {"f": (0, generation + 1)})
        store.promote()
        assert (keys(store), store.checkpoint("f")) == ([f"g{generation}"], generation + 1)


def test_who_saves_after_another_promoted_is_told_unless_its_rows_go_to_the_new_generation(
    open_views: OpenViews,
) -> None:
    """It has read the rows of the former generation; what it makes of them must not be lost in it, nor mixed into the new one."""
    store, other, third = open_views(VIEWS), open_views(VIEWS), open_views(VIEWS)
    store.save({("issues", "a"): issue("old")}, {"follow:issues": (0, 1), "follow:registry": (0, 1)})
    for process in (other, third):
        assert process.get("issues", "a") == {"key": "a", **issue("old")}
    fresh = store.fresh()
    fresh.save({("issues", "a"): issue("new")}, {"follow:issues": (0, 1)})
    store.promote()
    for process, name, expected in ((other, "follow:issues", 1), (third, "follow:registry", 1)):
        for _ in range(2):  # the second time from what it reads then
            try:
                process.save({("places", name): {"level": 1}}, {name: (expected, 2)})
                break
            except ConcurrencyError:
                pass
    assert keys(store, {"status": "new"}) == ["a"]
    assert [row["key"] for row in store.find("places").rows] == ["follow:issues", "follow:registry"]
    assert [store.checkpoint(name) for name in ("follow:issues", "follow:registry")] == [2, 2]
    with pytest.raises(ConcurrencyError):
        fresh.save({}, {"follow:issues": (1, 2)})


def test_nothing_can_be_promoted_that_was_not_built(store: ViewStore) -> None:
    put(store, {"a": issue()})
    with pytest.raises(IllegalStateError, match="no second generation"):
        store.promote()
    assert keys(store) == ["a"]


def test_readers_see_the_whole_old_or_the_whole_new_generation(open_views: OpenViews) -> None:
    store, reader = open_views(VIEWS), open_views(VIEWS)
    store.save({("issues", f"k{number:02d}"): issue("g0") for number in range(40)})
    stop, seen, errors = threading.Event(), set(), []

    def read() -> None:
        while not stop.is_set():
            try:
                counts = tuple(reader.count_by("issues", "status").items())
                seen.add(counts)
                if reader.get("issues", "k00") is None:
                    errors.append("row missing")
            except Exception as error:  # of whatever kind: told below
                errors.append(repr(error))

    thread = threading.Thread(target=read)
    thread.start()
    try:
        wait_for(lambda: (("g0", 40),) in seen)
        for generation in (1, 2):
            fresh = store.fresh()
            fresh.save({("issues", f"k{number:02d}"): issue(f"g{generation}") for number in range(40)})
            store.promote()
            wait_for(lambda at=generation: ((f"g{at}", 40),) in seen)  # type: ignore[misc]  # mypy takes no default here
    finally:
        stop.set()
        thread.join(30)
    assert errors == []
    assert seen == {((f"g{generation}", 40),) for generation in range(3)}


def test_what_was_folded_on_a_former_generation_is_never_saved_over_the_new_one(database: Database[Any]) -> None:
    """Not even when its process has looked meanwhile and knows the new one: a rebuild by newer code leaves no old row behind."""
    newer, older = (MongoViews(database, VIEWS) for _ in range(2))
    newer.save({("issues", "a"): issue("old")}, {"follow:issues": (0, 1)})
    folding = older.pinned()
    assert folding.get("issues", "a") == {"key": "a", **issue("old")}
    newer.fresh().save({("issues", "a"): issue("new")}, {"follow:issues": (0, 1)})
    newer.promote()
    wait_for(lambda: keys(older, {"status": "new"}) == ["a"])
    with pytest.raises(ConcurrencyError):
        folding.save({("issues", "a"): issue("old", due=1)}, {"follow:issues": (1, 2)})
    assert folding.get("issues", "a") == {"key": "a", **issue("old")}, "the rows to fold on stay what they were"
    assert keys(newer, {"status": "new"}) == ["a"]
    older.pinned().save({("issues", "a"): issue("new", due=1)}, {"follow:issues": (1, 2)})
    assert newer.get("issues", "a") == {"key": "a", **issue("new", due=1)}


def test_whoever_was_told_knows_the_new_generation_at_once(database: Database[Any]) -> None:
    """It need not wait until it looks again: a follower would be told over and over meanwhile."""
    newer, older = (MongoViews(database, VIEWS) for _ in range(2))
    newer.save({("issues", "a"): issue("old")}, {"follow:issues": (0, 1)})
    folding = older.pinned()
    newer.fresh().save({("issues", "a"): issue("new")}, {"follow:issues": (0, 1)})
    newer.promote()
    with pytest.raises(ConcurrencyError):
        folding.save({}, {"follow:issues": (1, 2)})
    assert older.checkpoint("follow:issues") == 1  # as a follower does that begins anew
    assert older.pinned().get("issues", "a") == {"key": "a", **issue("new")}


def test_a_store_knows_whether_its_rows_were_folded_with_its_views(open_views: OpenViews) -> None:
    store = open_views(VIEWS)
    assert store.folded_alike(), "where nothing was folded, nothing has to be folded anew"
    store.save({("issues", "a"): issue("old")}, {"follow:issues": (0, 9)})
    assert open_views(VIEWS).folded_alike()
    assert open_views([view for view in VIEWS if view.source]).folded_alike(), (
        "views without a source are nobody's copy"
    )
    fewer = open_views(VIEWS[:1])
    assert not fewer.folded_alike()
    fresh = fewer.fresh()
    fresh.save({("issues", "a"): issue("new")}, {"follow:issues": (0, 9)})
    assert not fewer.folded_alike()
    fewer.promote()
    assert fewer.folded_alike()
    assert not open_views(VIEWS).folded_alike()
    assert fewer.get("issues", "a") == {"key": "a", **issue("new")}


def test_rows_of_a_version_that_wrote_no_shape_are_folded_anew(
    database: Database[dict[str, Any]], tmp_path: Path
) -> None:
    """As the version before left them."""
    MongoViews(database, VIEWS)
    database["generations"].update_one({"_id": "views"}, {"$unset": {"shape": ""}})
    assert not MongoViews(database, VIEWS).folded_alike()
    store = SqliteViews(tmp_path / "old.sqlite", VIEWS)
    store.save({}, {"follow:issues": (0, 9)})
    with store._database.writing() as connection:
        connection.execute("DELETE FROM checkpoints WHERE follower = 'views:shape'")
    store.close()
    assert not SqliteViews(tmp_path / "old.sqlite", VIEWS).folded_alike()


def test_a_reader_is_not_given_rows_of_views_that_it_does_not_have(database: Database[dict[str, Any]]) -> None:
    older, newer = MongoViews(database, VIEWS), MongoViews(database, VIEWS[:1])
    older.save({("issues", "a"): issue("old")}, {"follow:issues": (0, 9)})
    newer.fresh().save({("issues", "a"): issue("new")}, {"follow:issues": (0, 9)})
    newer.promote()
    older._looked = 0.0  # as after a second
    assert older.get("issues", "a") == {"key": "a", **issue("old")}
    with pytest.raises(OvertakenError):
        older.checkpoint("follow:issues")
    with pytest.raises(ConcurrencyError):
        older.save({("issues", "b"): issue("old")}, {"follow:issues": (9, 10)})
    older.save({("notes", "n"): {"state": "kept"}})
    assert older.get("notes", "n"), "what belongs to no generation can be read and written"
    older._overtaken -= KEEP_FORMER
    older._looked = 0.0
    with pytest.raises(OvertakenError, match="stop this process"):
        older.get("issues", "a")
    again = MongoViews(database, VIEWS)
    again.fresh().save({("issues", "a"): issue("again")}, {"follow:issues": (0, 9)})
    again.promote()
    older._looked = 0.0
    assert older.get("issues", "a") == {"key": "a", **issue("again")}, "and goes on when rows of its own come back"
