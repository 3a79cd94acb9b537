"""SQLite files, opened the same way by the log and the views: durable, checked for their version, read by many."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import quote

from shared.domain.errors import CorruptionError, UnavailableError

#: What decides in a file besides its rows: statistics and what SQLite makes itself do not.
_SHAPE = "SELECT type, name, tbl_name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"


class Database:
    """One SQLite file with one writer and as many readers as are needed at a time.

    `kind` and `version` are written into the file; opening a file of another kind or of a newer version raises
    `UnavailableError` and changes nothing. `durable` files survive a power cut up to the last transaction; the others stay whole
    but may fall back to an earlier one, which is enough for what can be caught up.
    """

    def __init__(
        self,
        path: str | Path,
        kind: int,
        version: int,
        tables: str,
        read_only: bool = False,
        durable: bool = True,
        page_size: int = 4096,
    ) -> None:
        """`page_size`, in bytes, is that of a new file; one that exists keeps its own."""
        self.path = str(path)
        self._idle: list[sqlite3.Connection] = []
        self._lock = threading.RLock()
        self._read_only = read_only
        if read_only:
            if not Path(path).exists():
                raise UnavailableError(
                    f"{path} does not exist: start `linli up` once, or set LINLI_DATA to the right folder"
                )
            self._check(self._open(), kind, version)
            return
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        self._writer = self._open()
        with self._explained():
            self._check(self._writer, kind, version)
            if self._pragma(self._writer, "application_id") == 0:
                self._writer.execute(f"PRAGMA page_size = {page_size}")
                self._writer.execute("PRAGMA journal_mode = WAL")
                self._writer.executescript(
                    f"BEGIN IMMEDIATE; {tables}; PRAGMA application_id = {kind}; PRAGMA user_version = {version}; COMMIT;"
                )
            self._writer.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")

    def _check(self, connection: sqlite3.Connection, kind: int, version: int) -> None:
        with self._explained():
            found = self._pragma(connection, "application_id")
            tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
            if found != kind and (found or tables or self._read_only):
                raise UnavailableError(f"{self.path} is not the file expected here (kind {found:#x}, not {kind:#x})")
            if (written := self._pragma(connection, "user_version")) > version:
                raise UnavailableError(
                    f"{self.path} was written by a newer version of Linli (format {written}, this program knows {version}): "
                    "start the newer program, or restore a backup of this version"
                )
            if self._read_only:
                self._idle.append(connection)

    @staticmethod
    def _pragma(connection: sqlite3.Connection, name: str) -> int:
        return int(connection.execute(f"PRAGMA {name}").fetchone()[0])

    def _open(self) -> sqlite3.Connection:
        with self._explained():
            return sqlite3.connect(
                address(self.path, self._read_only),
                uri=True,
                isolation_level=None,
                check_same_thread=False,
                timeout=10,
                cached_statements=256,
            )

    def check_shape(self, tables: str, strict: bool = True) -> None:
        """Raise `CorruptionError` unless the tables, indexes and triggers of these statements are there, and the file is whole.

        What else there is may only be tables with their indexes, and `strict` nothing: a trigger decides what is written.
        """
        with closing(sqlite3.connect(":memory:")) as model:
            model.executescript(tables)
            wanted = set(model.execute(_SHAPE))
        with self.reading() as connection:
            found = set(connection.execute(_SHAPE))
            broken = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
        for lacking in sorted(wanted - found, key=repr):
            raise CorruptionError(f"{self.path}: the {lacking[0]} {lacking[1]} is gone, or another one")
        for added in sorted(found - wanted, key=repr):
            if strict or added[0] not in ("table", "index"):
                raise CorruptionError(f"{self.path}: there is a {added[0]} {added[1]} that this program did not make")
        if broken != "ok":
            raise CorruptionError(f"{self.path} is damaged: {broken}")

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.IntegrityError:
            raise
        except sqlite3.DatabaseError as error:
            raise UnavailableError(f"{self.path}: {error}; nothing was changed") from error

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction: all of it is on disk afterwards, or nothing is. Raises `UnavailableError` on a full disk."""
        if self._read_only:
            raise UnavailableError(f"{self.path} was opened for reading only")
        with self._lock, self._explained():
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                yield self._writer
                self._writer.execute("COMMIT")
            except BaseException:
                if self._writer.in_transaction:
                    self._writer.execute("ROLLBACK")
                raise

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A connection for reading, handed back afterwards."""
        try:
            connection = self._idle.pop()
        except IndexError:
            connection = self._open()
        try:
            with self._explained():
                yield connection
        finally:
            self._idle.append(connection)

    def close(self) -> None:
        """Close all connections."""
        with self._lock:
            if not self._read_only:
                self._writer.close()
            while self._idle:
                self._idle.pop().close()


def address(path: str | Path, read_only: bool = False) -> str:
    """The address of a file, whatever characters its name has.

    On a disk that nobody can write, a file that is whole without its -wal file is read as it lies there: SQLite would want to write
    beside it.
    """
    mode = ""
    if read_only:
        mode = "?mode=ro"
        wal = Path(f"{path}-wal")
        if os.statvfs(Path(path).parent).f_flag & os.ST_RDONLY and not (wal.exists() and wal.stat().st_size):
            mode = "?immutable=1"
    return f"file:{quote(str(path))}{mode}"


def begun(path: str | Path) -> bool:
    """Whether a file is there and holds anything: one that lost its -wal file may hold nothing. One that is broken holds something."""
    if not Path(path).exists() or not Path(path).stat().st_size:
        return False
    try:
        connection = sqlite3.connect(address(path, read_only=True), uri=True)
        try:
            return bool(connection.execute("PRAGMA application_id").fetchone()[0])
        finally:
            connection.close()
    except sqlite3.DatabaseError:
        return True
