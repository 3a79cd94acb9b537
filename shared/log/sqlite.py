"""The log in a SQLite file: every receipt is given after the write-ahead log is synced to disk (`synchronous=FULL`)."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from itertools import starmap
from pathlib import Path

from shared.log.record import Head, Span, StoredCommit, pointer_id, pointers_of, read_body
from shared.log.storage import TakenError
from shared.sqlite import Database

#: "LLlg" as application id, and the format version: in 2 there may be pointers. An older file is one until the first is written.
KIND, VERSION = 0x4C4C6C67, 2
_PAGE = 1000  # commits read at a time
#: Bytes. An append touches some five pages and waits until all of them are on disk: with SQLite's 4096 it writes 21 kB for a commit
#: of one event, with these 15 kB, and takes about a tenth to a third less time (P1). Larger commits and reading cost the same.
_PAGE_SIZE = 2048
#: No stream has this name. Bytes that are written to see whether a disk has room again.
_PROBE, _PROBED = "", 100_000

TABLES = """
CREATE TABLE commits (
    position INTEGER PRIMARY KEY,
    last_position INTEGER NOT NULL,
    stream TEXT NOT NULL,
    version INTEGER NOT NULL,
    last_version INTEGER NOT NULL,
    command_id TEXT NOT NULL,
    digest TEXT NOT NULL,
    body BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX commits_stream ON commits (stream, version);
CREATE UNIQUE INDEX commits_command ON commits (command_id);
CREATE TRIGGER commits_never_change BEFORE UPDATE ON commits BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END;
CREATE TRIGGER commits_never_vanish BEFORE DELETE ON commits BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END;
CREATE TABLE snapshots (stream TEXT PRIMARY KEY, version INTEGER NOT NULL, shape TEXT NOT NULL, state BLOB NOT NULL) STRICT
"""
#: In the order of the fields of `StoredCommit`. A row with negative positions is a pointer: it keeps the place of a part in its stream,
#: and the commit that holds its events is the last one that begins before it. Whoever goes by positions never meets one.
_COLUMNS = "position, last_position, stream, version, last_version, command_id, digest, body"


class SqliteStorage:
    """One service's commits in one file."""

    def __init__(self, path: str | Path, read_only: bool = False) -> None:
        self._database = Database(path, KIND, VERSION, TABLES, read_only, page_size=_PAGE_SIZE)

    def head(self) -> Head:
        stored = self._one("ORDER BY position DESC LIMIT 1")
        return Head() if stored is None else Head(stored.last_position, stored.digest, read_body(stored).time)

    def stream_version(self, stream: str) -> int:
        with self._database.reading() as connection:
            row = connection.execute(
                "SELECT last_version FROM commits WHERE stream = ? ORDER BY version DESC LIMIT 1", (stream,)
            ).fetchone()
        return int(row[0]) if row else 0

    def find_command(self, command_id: str) -> StoredCommit | None:
        return self._one("WHERE command_id = ? AND position > 0", command_id)

    def _one(self, where: str, *values: str | int) -> StoredCommit | None:
        with self._database.reading() as connection:
            row = connection.execute(f"SELECT {_COLUMNS} FROM commits {where}", values).fetchone()
        return None if row is None else StoredCommit(*row)

    def insert(self, commits: Sequence[StoredCommit]) -> None:
        rows = [
            (c.position, c.last_position, c.stream, c.version, c.last_version, c.command_id, c.digest, c.body)
            for commit in commits
            for c in (commit, *_pointers(commit))
        ]
        try:
            with self._database.writing() as connection:
                connection.executemany(f"INSERT INTO commits ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)
                if len(rows) > len(commits):  # an older program would not understand it any more
                    connection.execute(f"PRAGMA user_version = {VERSION}")
        except sqlite3.IntegrityError as error:
            raise TakenError(str(error)) from error

    def scan(self, after: int, limit: int | None, until: int | None) -> Iterator[StoredCommit]:
        left = limit
        while left is None or left > 0:
            page = _PAGE if left is None else min(left, _PAGE)
            with self._database.reading() as connection:
                rows = connection.execute(  # `after` may lie inside a commit: start at the one that holds the next position
                    f"SELECT {_COLUMNS} FROM commits WHERE position >= "
                    "coalesce((SELECT max(position) FROM commits WHERE position <= ?), 0) "
                    "AND position <= ? AND last_position > ? ORDER BY position LIMIT ?",
                    (after + 1, until if until is not None else 1 << 62, after, page),
                ).fetchall()
            yield from starmap(StoredCommit, rows)
            if len(rows) < page:
                return
            after = rows[-1][1]
            if left is not None:
                left -= len(rows)

    def scan_stream(self, stream: str, after: int) -> Iterator[StoredCommit]:
        with self._database.reading() as connection:
            rows = connection.execute(
                f"SELECT {_COLUMNS} FROM commits WHERE stream = ? AND version >= "
                "coalesce((SELECT max(version) FROM commits WHERE stream = ? AND version <= ?), 0) "
                "AND last_version > ? ORDER BY version",
                (stream, stream, after + 1, after),
            ).fetchall()
        return iter([row if row.position > 0 else self._pointed(row) for row in starmap(StoredCommit, rows)])

    def _pointed(self, row: StoredCommit) -> StoredCommit:
        """The commit that a pointer stands for."""
        found = self._one("WHERE position <= ? ORDER BY position DESC LIMIT 1", -row.position)
        assert found is not None  # both were written in one transaction
        return found

    def snapshot(self, stream: str) -> tuple[int, str, bytes] | None:
        with self._database.reading() as connection:
            row = connection.execute(
                "SELECT version, shape, state FROM snapshots WHERE stream = ?", (stream,)
            ).fetchone()
        return None if row is None else (int(row[0]), str(row[1]), bytes(row[2]))

    def save_snapshot(self, stream: str, version: int, shape: str, state: bytes) -> None:
        with self._database.writing() as connection:
            connection.execute("INSERT OR REPLACE INTO snapshots VALUES (?, ?, ?, ?)", (stream, version, shape, state))

    def snapshots(self) -> Iterator[tuple[str, int, str, bytes]]:
        with self._database.reading() as connection:
            found = connection.execute(
                "SELECT stream, version, shape, state FROM snapshots WHERE stream != ? ORDER BY stream", (_PROBE,)
            ).fetchall()
        yield from found

    def pointers(self) -> Iterator[tuple[Span, str]]:
        below = 0
        while True:
            with self._database.reading() as connection:
                rows = connection.execute(
                    f"SELECT {_COLUMNS} FROM commits WHERE position < ? ORDER BY position DESC LIMIT ?", (below, _PAGE)
                ).fetchall()
            for row in starmap(StoredCommit, rows):
                yield Span(-row.position, -row.last_position, row.stream, row.version, row.last_version), row.command_id
            if len(rows) < _PAGE:
                return
            below = rows[-1][0]

    def check_shape(self) -> None:
        self._database.check_shape(TABLES)

    def probe(self) -> None:
        self.save_snapshot(
            _PROBE, 1, "", bytes(_PROBED)
        )  # into the file, so that it finds out whether the disk has room
        with self._database.writing() as connection:
            connection.execute("DELETE FROM snapshots WHERE stream = ?", (_PROBE,))

    def close(self) -> None:
        self._database.close()


def holds_sealed_text(path: Path) -> bool:
    """Whether a log holds any personal data; raises `UnavailableError` when it cannot be read."""
    database = Database(path, KIND, VERSION, TABLES, read_only=True)
    try:
        with database.reading() as connection:
            sealed = "SELECT 1 FROM commits WHERE instr(body, CAST('\"sealed:v1:' AS BLOB)) LIMIT 1"
            return connection.execute(sealed).fetchone() is not None
    finally:
        database.close()


def _pointers(commit: StoredCommit) -> Iterator[StoredCommit]:
    for part in pointers_of(commit):
        yield StoredCommit(
            -part.position,
            -part.last_position,
            part.stream,
            part.version,
            part.last_version,
            pointer_id(commit, part),
            commit.digest,
            b"",
        )
