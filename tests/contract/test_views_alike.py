"""SQLite, MongoDB and a plain dictionary give the same answers to the same random questions."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pymongo.database import Database

from shared.domain.errors import ConcurrencyError
from shared.domain.view import Row
from shared.views import ViewStore
from shared.views.mongodb import MongoViews
from shared.views.sqlite import SqliteViews
from tests.contract.test_views import view

ITEMS = view("items", "source", "a", ("b", "a"))
KEYS = ["", "1", "a", "a.b", "B", "路", "𐀀"]
texts = st.one_of(
    st.sampled_from(["", "a", "a.", "a.b", "a/", "a.b.c", "b", "路", "路.灯", "\uffff", "𐀀"]),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=3),
)
values = st.one_of(texts, st.integers(-3, 3), st.integers(-(1 << 63), (1 << 63) - 1))
rows = st.builds(
    lambda a, b, more: {"a": a, "b": b, "more": more}, values, values, st.one_of(st.none(), st.floats(0, 1), texts)
)
changes = st.dictionaries(st.sampled_from(KEYS), st.one_of(st.none(), rows, rows), max_size=5)
saves = st.lists(
    st.tuples(changes, st.dictionaries(st.sampled_from("fg"), st.tuples(st.integers(0, 2), st.integers(0, 2)))),
    max_size=4,
)
names = st.sampled_from(
    [field + operator for field in "ab" for operator in ("__lt", "__lte", "__gt", "__gte", "__under", "")]
)
questions = st.tuples(
    st.one_of(
        st.dictionaries(names, values, max_size=3),
        st.dictionaries(st.sampled_from("ab"), st.lists(values, max_size=4), max_size=2),
    ),
    st.sampled_from(["key", "-key", "a", "-a", "b", "-b"]),
    st.integers(1, 8),
)


def rank(value: Any) -> tuple[int, int, bytes]:
    """Integers before texts, texts by their bytes."""
    return (1, 0, value.encode()) if isinstance(value, str) else (0, value, b"")


def fits(row: Row, name: str, bound: Any) -> bool:
    field, _, operator = name.partition("__")
    value = row[field]
    match operator:
        case "under":
            return bool(
                value == bound or (isinstance(value, str) and value.startswith(f"{bound}.") and value != f"{bound}.")
            )
        case "lt":
            return rank(value) < rank(bound)
        case "lte":
            return rank(value) <= rank(bound)
        case "gt":
            return rank(value) > rank(bound)
        case "gte":
            return rank(value) >= rank(bound)
    return value in bound if isinstance(bound, list) else bool(value == bound)


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[list[ViewStore]]:
    from tests.contract import mongo

    database: Database[dict[str, Any]] = mongo.database()
    path: Path = tmp_path_factory.mktemp("alike") / "views.sqlite"
    stores: list[ViewStore] = [SqliteViews(path, [ITEMS]), MongoViews(database, [ITEMS])]
    yield stores
    for store in stores:
        store.close()
    mongo.client().drop_database(database.name)


def walk(store: ViewStore, where: dict[str, Any], order: str, limit: int) -> list[Row]:
    found: list[Row] = []
    cursor = None
    for _ in range(len(KEYS) + 1):
        page = store.find("items", where, order, limit, cursor)
        found += page.rows
        if (cursor := page.next) is None:
            return found
    raise AssertionError("the pages do not end")


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(saves=saves, questions=st.lists(questions, min_size=1, max_size=4))
def test_stores_and_model_agree(stores: list[ViewStore], saves: Any, questions: Any) -> None:
    start = {name: max(store.checkpoint(name) for store in stores) for name in "fg"}
    for store in stores:
        store.save({("items", key): None for key in KEYS})
    model: dict[str, Row] = {}
    positions = dict(start)
    for change, moves in saves:
        steps = {name: (start[name] + expected, start[name] + position) for name, (expected, position) in moves.items()}
        stale = any(positions[name] != expected for name, (expected, _) in steps.items())
        for store in stores:
            try:
                store.save({("items", key): row for key, row in change.items()}, steps)
                assert not stale, f"{store} accepted a stale checkpoint"
            except ConcurrencyError:
                assert stale, f"{store} refused a good checkpoint"
        if not stale:
            positions |= {name: position for name, (_, position) in steps.items()}
            for key, row in change.items():
                if row is None:
                    model.pop(key, None)
                else:
                    model[key] = row
    for where, order, limit in questions:
        field, descending = order.removeprefix("-"), order.startswith("-")
        wanted = [
            {"key": key, **row}
            for key, row in model.items()
            if all(fits(row, name, bound) for name, bound in where.items())
        ]
        wanted.sort(key=lambda row: (rank(row[field]), rank(row["key"])), reverse=descending)
        counts: dict[Any, int] = {}
        for row in sorted(wanted, key=lambda row: rank(row[field])):
            counts[row[field]] = counts.get(row[field], 0) + 1
        for store in stores:
            assert walk(store, where, order, limit) == wanted
            assert store.count("items", where) == len(wanted)
            assert list(store.count_by("items", field, where).items()) == list(counts.items())
            assert [store.get("items", key) for key in KEYS] == [
                {"key": key, **model[key]} if key in model else None for key in KEYS
            ]
    for store in stores:
        assert {name: store.checkpoint(name) for name in "fg"} == positions
