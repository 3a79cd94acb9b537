"""Views in a SQLite file: one table per view, rows as JSON, an index for each declared field."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from shared.domain.errors import BadInputError, ConcurrencyError, IllegalStateError
from shared.domain.view import Page, Row, View, Where
from shared.sqlite import Database
from shared.views.port import (
    Changes,
    Checkpoints,
    Mark,
    ViewStore,
    check_limit,
    decode_cursor,
    encode_cursor,
    parse_order,
    parse_where,
    read_row,
    shape_of,
)

#: "LLvw" as application id, and the format version.
KIND, VERSION = 0x4C4C7677, 1
_TABLES = """
CREATE TABLE checkpoints (follower TEXT PRIMARY KEY, position INTEGER NOT NULL) STRICT;
CREATE TABLE leases (name TEXT PRIMARY KEY, holder TEXT NOT NULL, until REAL NOT NULL) STRICT
"""
#: The digest of the commit at a position, as a follower has applied it; from version 1 on too, but older programs know nothing of it.
_MARKS = "CREATE TABLE IF NOT EXISTS marks (follower TEXT PRIMARY KEY, position INTEGER NOT NULL, digest TEXT NOT NULL) STRICT"
#: The checkpoint that holds the fingerprint of the views with which the rows were folded.
_SHAPE = "views:shape"
_COMPARE = {"eq": "=", "lt": "<", "lte": "<=", "gt": ">", "gte": ">="}
_encode = msgspec.json.Encoder(order="sorted").encode


class SqliteViews:
    """All views of one service in one file, which can be rebuilt from the logs."""

    def __init__(
        self,
        path: str | Path,
        views: Iterable[View],
        durable: bool = False,
        read_only: bool = False,
        _database: Database | None = None,
    ) -> None:
        self._views = {view.name: view for view in views}
        self._database = _database or Database(path, KIND, VERSION, _TABLES, read_only, durable)
        self._generation = "new~" if _database else ""
        self._shape = shape_of(self._views.values())
        self._durable = durable
        if not read_only:
            self._create()
            if durable:  # so that what is taken away does not stay in free pages
                with self._database.writing() as connection:
                    connection.execute("PRAGMA secure_delete = ON").fetchone()
            with self._database.writing() as connection:  # an empty store needs no rebuild
                nothing = f"WHERE NOT EXISTS (SELECT 1 FROM checkpoints WHERE follower LIKE '{self._generation}%')"
                connection.execute(
                    f"INSERT INTO checkpoints SELECT ?, ? {nothing}", (self._generation + _SHAPE, self._shape)
                )

    def _create(self) -> None:
        with self._database.writing() as connection:
            connection.execute(_MARKS)
            for statement in self._statements():
                connection.execute(statement)

    def _statements(self) -> Iterator[str]:
        """What makes the tables and indexes of the views."""
        for view in self._views.values():
            table = self._generation + view.name
            yield f'CREATE TABLE IF NOT EXISTS "{table}" (key TEXT PRIMARY KEY, row TEXT NOT NULL) STRICT'
            for index in view.indexes:
                fields = (index,) if isinstance(index, str) else index
                columns = ", ".join(_value(field) for field in fields)
                yield f'CREATE INDEX IF NOT EXISTS "{table}:{",".join(fields)}" ON "{table}" ({columns}, key)'

    def check_shape(self) -> None:
        """Raise `CorruptionError` when a table or an index is gone or another one, a trigger is there, or the file is damaged."""
        self._database.check_shape(";".join((_TABLES, *self._statements())), strict=False)

    def get(self, view: str, key: str) -> Row | None:
        with self._database.reading() as connection:
            found = connection.execute(f"SELECT row FROM {self._table(view)} WHERE key = ?", (key,)).fetchone()
        return None if found is None else _row(key, found[0])

    def get_many(self, view: str, keys: Sequence[str]) -> dict[str, Row]:
        with self._database.reading() as connection:
            found = connection.execute(
                f"SELECT key, row FROM {self._table(view)} WHERE key IN (SELECT value FROM json_each(?))",
                (json.dumps(keys),),
            ).fetchall()
        return {key: _row(key, row) for key, row in found}

    def find(
        self, view: str, where: Where | None = None, order: str = "key", limit: int = 50, cursor: str | None = None
    ) -> Page:
        check_limit(limit)
        field, descending = parse_order(self._views[view], order)
        condition, values = self._condition(view, where)
        value = _value(field)
        if cursor is not None:
            sign = "<" if descending else ">"
            condition += f" AND ({value}, key) {sign} (?, ?)"
            values.extend(decode_cursor(cursor, order))
        way = "DESC" if descending else "ASC"
        with self._database.reading() as connection:
            found = connection.execute(
                f"SELECT key, row, {value} FROM {self._table(view)} WHERE {condition} ORDER BY {value} {way}, key {way} LIMIT ?",
                (*values, limit + 1),
            ).fetchall()
        rows = [_row(key, row) for key, row, _ in found[:limit]]
        last = found[limit - 1] if len(found) > limit else None
        return Page(rows, encode_cursor(order, last[2], last[0]) if last else None)

    def count(self, view: str, where: Where | None = None) -> int:
        condition, values = self._condition(view, where)
        with self._database.reading() as connection:
            return int(
                connection.execute(f"SELECT count(*) FROM {self._table(view)} WHERE {condition}", values).fetchone()[0]
            )

    def count_by(self, view: str, field: str, where: Where | None = None) -> dict[Any, int]:
        if parse_order(self._views[view], field)[1]:
            raise BadInputError(f"{view} cannot be counted by {field!r}", {"field": "a field without a sign"})
        condition, values = self._condition(view, where)
        value = _value(field)
        with self._database.reading() as connection:
            found = connection.execute(
                f"SELECT {value}, count(*) FROM {self._table(view)} WHERE {condition} GROUP BY 1 ORDER BY 1", values
            ).fetchall()
        return dict(found)

    def checkpoint(self, follower: str) -> int:
        with self._database.reading() as connection:
            found = connection.execute(
                "SELECT position FROM checkpoints WHERE follower = ?", (self._generation + follower,)
            ).fetchone()
        return int(found[0]) if found else 0

    def save(self, changes: Changes, checkpoints: Checkpoints | None = None) -> None:
        for (view, _), row in changes.items():
            if row is not None:
                self._views[view].check(row)
        with self._database.writing() as connection:
            for follower, (expected, position, *digest) in (checkpoints or {}).items():
                name = self._generation + follower
                moved = connection.execute(
                    "INSERT INTO checkpoints SELECT ?, ? WHERE ? = 0 OR EXISTS (SELECT 1 FROM checkpoints WHERE follower = ?) "
                    "ON CONFLICT (follower) DO UPDATE SET position = excluded.position WHERE checkpoints.position = ?",
                    (name, position, expected, name, expected),
                ).rowcount
                if moved != 1:
                    raise ConcurrencyError(f"the checkpoint of {follower} is not at {expected}: somebody else moved it")
                if digest and not self._generation:
                    connection.execute("INSERT OR REPLACE INTO marks VALUES (?, ?, ?)", (follower, position, *digest))
            for view in {view: None for view, _ in changes}:
                rows = [(key, row) for (name, key), row in changes.items() if name == view]
                connection.executemany(
                    f"DELETE FROM {self._table(view)} WHERE key = ?", [(key,) for key, row in rows if row is None]
                )
                connection.executemany(
                    f"INSERT INTO {self._table(view)} VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET row = excluded.row",
                    [(key, _text(row)) for key, row in rows if row is not None],
                )
        if self._durable and None in changes.values():  # what no log holds is gone from the write-ahead file too
            with self._database.reading() as connection:
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()

    def marks(self) -> dict[str, Mark]:
        return _marks(self._database)

    def folded_alike(self) -> bool:
        return self.checkpoint(_SHAPE) == self._shape

    def pinned(self) -> ViewStore:
        return self

    def lease(self, name: str, holder: str, seconds: float) -> bool:
        now = time.time()
        with self._database.writing() as connection:
            taken = connection.execute(
                "INSERT INTO leases VALUES (?, ?, ?) ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, "
                "until = excluded.until WHERE leases.holder = excluded.holder OR leases.until < ?",
                (name, holder, now + seconds, now),
            ).rowcount
        return taken == 1

    def fresh(self) -> ViewStore:
        with self._database.writing() as connection:
            for view in self._derived():
                connection.execute(f'DROP TABLE IF EXISTS "new~{view.name}"')
            connection.execute("DELETE FROM checkpoints WHERE follower LIKE 'new~%'")
        return SqliteViews("", self._derived(), _database=self._database)

    def _derived(self) -> list[View]:
        return [view for view in self._views.values() if view.source]

    def promote(self) -> None:
        with self._database.writing() as connection:
            if not connection.execute(
                "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name LIKE 'new~%'"
            ).fetchone():
                raise IllegalStateError("there is no second generation of the views to promote")
            behind = connection.execute(
                "SELECT live.follower FROM checkpoints live JOIN checkpoints new ON new.follower = 'new~' || live.follower "
                "WHERE live.position > new.position AND live.follower != ?",
                (_SHAPE,),
            ).fetchone()
            if behind:
                raise ConcurrencyError(f"{behind[0]} has gone on meanwhile: the second generation is behind")
            for view in self._derived():
                connection.execute(f'DROP TABLE "{view.name}"')
                for index in view.indexes:  # an index keeps its name when its table is renamed
                    fields = (index,) if isinstance(index, str) else index
                    connection.execute(f'DROP INDEX "new~{view.name}:{",".join(fields)}"')
                connection.execute(f'ALTER TABLE "new~{view.name}" RENAME TO "{view.name}"')
            connection.execute(
                "INSERT OR REPLACE INTO checkpoints SELECT substr(follower, 5), position FROM checkpoints WHERE follower LIKE 'new~%'"
            )
            connection.execute("DELETE FROM checkpoints WHERE follower LIKE 'new~%'")
        self._create()

    def close(self) -> None:
        if not self._generation:
            self._database.close()

    def _table(self, view: str) -> str:
        return f'"{self._generation}{self._views[view].name}"'

    def _condition(self, view: str, where: Where | None) -> tuple[str, list[Any]]:
        parts, values = ["TRUE"], []
        for field, operator, value in parse_where(self._views[view], where):
            column = _value(field)
            if operator == "in":
                parts.append(f"{column} IN (SELECT value FROM json_each(?))")
                values.append(json.dumps(value))
            elif operator == "under":
                # one range for the index ("/" is the character after "."); the second condition excludes lookalikes such as "1-2"
                parts.append(f"{column} >= ? AND {column} < ? AND ({column} = ? OR {column} > ?)")
                values += [value, f"{value}/", value, f"{value}."]
            else:
                parts.append(f"{column} {_COMPARE[operator]} ?")
                values.append(value)
        return " AND ".join(parts), values


def marks_in(path: Path) -> dict[str, Mark]:
    """Return the marks in a file of views, whatever its views are; raises `UnavailableError` when it cannot be read."""
    database = Database(path, KIND, VERSION, _TABLES, read_only=True)
    try:
        return _marks(database)
    finally:
        database.close()


def _marks(database: Database) -> dict[str, Mark]:
    with database.reading() as connection:
        kept = "SELECT 1 FROM sqlite_master WHERE name = 'marks'"
        join = "LEFT JOIN marks USING (follower)" if connection.execute(kept).fetchone() else ""
        columns = "marks.position, marks.digest" if join else "NULL, NULL"
        found = connection.execute(
            f"SELECT follower, checkpoints.position, {columns} FROM checkpoints {join} WHERE follower NOT LIKE 'new~%'"
        ).fetchall()
    return {str(name): Mark(int(position), int(at or 0), str(digest or "")) for name, position, at, digest in found}


def _value(field: str) -> str:
    return "key" if field == "key" else f"json_extract(row, '$.{field}')"


def _text(row: Row) -> str:
    return _encode({name: value for name, value in row.items() if name != "key"}).decode()


def _row(key: str, row: str) -> Row:
    return read_row(key, row)
