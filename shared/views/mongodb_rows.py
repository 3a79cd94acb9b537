"""Rows of views as documents of MongoDB: how they are written down, changed and read."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Container, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

import msgspec
from pymongo import ASCENDING, DESCENDING, ReplaceOne
from pymongo.client_session import ClientSession
from pymongo.collection import Collection
from pymongo.errors import BulkWriteError

from shared.domain.errors import (
    BadInputError,
    ConcurrencyError,
)
from shared.domain.view import Page, Row, View, Where
from shared.mongodb import (
    Document,
)
from shared.views.mongodb_query import all_of, beyond, condition, path_of
from shared.views.port import (
    check_limit,
    decode_cursor,
    encode_cursor,
    parse_order,
    parse_where,
    read_row,
)

#: Up to this many rows are replaced without a look-up of new ones; for more it pays, as an insert costs far less than a replacement.
FEW = 8
#: The error code of a key that is there already.
TAKEN = 11_000
_encode = msgspec.json.Encoder(order="sorted").encode


def write_rows(collection: Collection[Document], rows: Mapping[str, Document | None], session: ClientSession) -> None:
    """Replace rows by key, and remove those that are None."""
    if removed := [key for key, row in rows.items() if row is None]:
        collection.delete_many({"_id": {"$in": removed}}, session=session)
    there: Container[str] = rows
    if len(rows) > FEW:
        known = collection.find({"_id": {"$in": list(rows)}}, {"_id": 1}, batch_size=len(rows) + 1, session=session)
        there = {found["_id"] for found in known}
    if new := [row for key, row in rows.items() if row is not None and key not in there]:
        collection.insert_many(new, ordered=False, session=session)
    if old := [ReplaceOne({"_id": key}, row, upsert=True) for key, row in rows.items() if row and key in there]:
        collection.bulk_write(old, ordered=False, session=session)


def append_rows(collection: Collection[Document], rows: Mapping[str, Document | None], session: ClientSession) -> None:
    """Insert rows; raises `ConcurrencyError` when one of these keys is taken, or its row is to be removed."""
    if None in rows.values():
        raise ConcurrencyError(f"rows of {collection.name} are only appended")
    new = [row for row in rows.values() if row is not None]
    try:
        collection.insert_many(new, ordered=False, session=session)
    except BulkWriteError as error:
        if all(one.get("code") != TAKEN for one in error.details.get("writeErrors", ())):
            raise
        raise ConcurrencyError(f"rows of {collection.name} are only appended, and one is there already") from error


def document_of(view: View, key: str, row: Row) -> Document:
    text = _encode({name: value for name, value in row.items() if name != "key"}).decode()
    return {"_id": key, "by": {field: row[field] for field in view.fields}, "row": text}


def row_of(found: Document) -> Row:
    return read_row(found["_id"], found["row"])


class MongoRows(ABC):
    """The rows of views as they are read; where they lie and how an unreachable server is told, whoever derives from this says."""

    def __init__(self, views: Iterable[View]) -> None:
        self._views = {view.name: view for view in views}

    @abstractmethod
    def _rows(self, view: str) -> Collection[Document]:
        """The collection that holds the rows of a view now."""

    @abstractmethod
    def _reading(self) -> AbstractContextManager[None]:
        """Raises what callers know when the server cannot be read."""

    def get(self, view: str, key: str) -> Row | None:
        with self._reading():
            found = self._rows(view).find_one({"_id": key}, {"row": 1})
        return None if found is None else row_of(found)

    def get_many(self, view: str, keys: Sequence[str]) -> dict[str, Row]:
        with (
            self._reading()
        ):  # the batch size makes it one answer: by default the first holds 101 documents, here and below
            found = list(self._rows(view).find({"_id": {"$in": list(keys)}}, {"row": 1}, batch_size=len(keys) + 1))
        return {document["_id"]: row_of(document) for document in found}

    def find(
        self, view: str, where: Where | None = None, order: str = "key", limit: int = 50, cursor: str | None = None
    ) -> Page:
        check_limit(limit)
        field, descending = parse_order(self._views[view], order)
        conditions = self._conditions(view, where)
        if cursor is not None:
            conditions.append(beyond(field, descending, *decode_cursor(cursor, order)))
        way, path = DESCENDING if descending else ASCENDING, path_of(field)
        sort = [("_id", way)] if field == "key" else [(path, way), ("_id", way)]
        with self._reading():
            shown = {"row": 1, path: 1}
            found = list(
                self._rows(view).find(all_of(conditions), shown, sort=sort, limit=limit + 1, batch_size=limit + 1)
            )
        rows = [row_of(document) for document in found[:limit]]
        if len(found) <= limit:
            return Page(rows, None)
        last = found[limit - 1]
        return Page(rows, encode_cursor(order, last["_id"] if field == "key" else last["by"][field], last["_id"]))

    def count(self, view: str, where: Where | None = None) -> int:
        conditions = self._conditions(view, where)
        with self._reading():
            return self._rows(view).count_documents(all_of(conditions))

    def count_by(self, view: str, field: str, where: Where | None = None) -> dict[Any, int]:
        if parse_order(self._views[view], field)[1]:
            raise BadInputError(f"{view} cannot be counted by {field!r}", {"field": "a field without a sign"})
        match = {"$match": all_of(self._conditions(view, where))}
        group = {"$group": {"_id": f"${path_of(field)}", "rows": {"$sum": 1}}}
        with self._reading():
            found = list(self._rows(view).aggregate([match, group, {"$sort": {"_id": 1}}]))
        return {document["_id"]: document["rows"] for document in found}

    def _conditions(self, view: str, where: Where | None) -> list[Document]:
        return [
            condition(path_of(field), operator, value)
            for field, operator, value in parse_where(self._views[view], where)
        ]
