"""SQLite files when something is wrong with them: full disk, newer version, another kind, two at once."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from shared.domain.errors import UnavailableError
from shared.log import Commit, EventLog
from shared.log.record import verify_chain
from shared.log.sqlite import KIND, TABLES, VERSION, SqliteStorage
from shared.sqlite import Database
from shared.views.sqlite import SqliteViews
from tests.contract.test_log import commit
from tests.contract.test_views import VIEWS, issue


def large(stream: str, expected: int) -> Commit:
    return commit(stream, expected, 40)


def limit_pages(log: EventLog | SqliteViews, extra: int | None) -> None:
    """Let the file grow by `extra` pages at most, as on a full disk; None lifts the limit."""
    storage = log.storage if isinstance(log, EventLog) else log
    database = storage._database  # type: ignore[attr-defined]
    with database.reading() as connection:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
    database._writer.execute(f"PRAGMA max_page_count = {1 << 30 if extra is None else pages + extra}")


def test_a_full_disk_refuses_the_commit_as_a_whole_and_goes_on_when_there_is_space(tmp_path: Path) -> None:
    log = EventLog("test", SqliteStorage(tmp_path / "log.sqlite"))
    log.append(large("case-1", 0))
    limit_pages(log, 8)
    version = 40
    with pytest.raises(UnavailableError, match="full; nothing was changed"):
        for _ in range(100):
            version = log.append(large("case-1", version)).version
    head = log.head()
    assert head.position == version
    assert [record.version for record in log.read_stream("case-1")] == list(range(1, version + 1))
    with pytest.raises(UnavailableError, match="full"):
        log.append(large("case-1", version))
    limit_pages(log, None)
    assert log.append(large("case-1", version)).position == version + 40
    log.close()
    again = EventLog("test", SqliteStorage(tmp_path / "log.sqlite"))
    assert sum(1 for _ in verify_chain(again.read_commits())) == version // 40 + 1
    again.close()


def test_a_full_disk_keeps_rows_and_checkpoint_together(tmp_path: Path) -> None:
    store = SqliteViews(tmp_path / "views.sqlite", VIEWS)
    store.save({("issues", "a"): issue()}, {"f": (0, 1)})
    limit_pages(store, 2)
    many = {("issues", f"k{number}"): issue(text="x" * 500) for number in range(100)}
    with pytest.raises(UnavailableError, match="full"):
        store.save(many, {"f": (1, 2)})
    assert (store.count("issues"), store.checkpoint("f")) == (1, 1)
    limit_pages(store, None)
    store.save(many, {"f": (1, 2)})
    assert (store.count("issues"), store.checkpoint("f")) == (101, 2)
    store.close()


def test_a_file_of_a_newer_version_is_refused_and_left_alone(tmp_path: Path) -> None:
    for name, opened in (("log", SqliteStorage), ("views", lambda path: SqliteViews(path, VIEWS))):
        path = tmp_path / f"{name}.sqlite"
        opened(path).close()
        connection = sqlite3.connect(path)
        connection.execute("PRAGMA user_version = 99")
        connection.close()
        before = path.read_bytes()
        with pytest.raises(
            UnavailableError, match=r"written by a newer version of Linli \(format 99, this program knows [12]\)"
        ):
            opened(path)
        assert path.read_bytes() == before


def test_a_file_of_another_kind_is_refused_and_left_alone(tmp_path: Path) -> None:
    foreign, text, log = tmp_path / "foreign.sqlite", tmp_path / "text.sqlite", tmp_path / "log.sqlite"
    connection = sqlite3.connect(foreign)
    connection.execute("CREATE TABLE mine (a)")
    connection.commit()
    connection.close()
    text.write_text("not a database " * 100)
    SqliteStorage(log).close()
    for path in (foreign, text):
        before = path.read_bytes()
        with pytest.raises(UnavailableError, match=path.name):
            SqliteStorage(path)
        assert path.read_bytes() == before
    with pytest.raises(UnavailableError, match="not the file expected here"):
        SqliteViews(log, VIEWS)


def test_stored_commits_cannot_be_changed_or_removed(tmp_path: Path) -> None:
    log = EventLog("test", SqliteStorage(tmp_path / "log.sqlite"))
    log.append(commit("case-1"))
    connection = sqlite3.connect(tmp_path / "log.sqlite")
    for statement in ("UPDATE commits SET body = x''", "DELETE FROM commits"):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            connection.execute(statement)
    connection.close()
    assert sum(1 for _ in verify_chain(log.read_commits())) == 1
    log.close()


def test_readers_of_a_read_only_log_see_what_is_appended(tmp_path: Path) -> None:
    path = tmp_path / "log.sqlite"
    log = EventLog("test", SqliteStorage(path))
    reader = EventLog("test", SqliteStorage(path, read_only=True))
    log.append(commit("case-1"))
    assert reader.head() == log.head()
    log.append(commit("case-1", 1))
    assert [record.version for record in reader.read()] == [1, 2]
    with pytest.raises(UnavailableError):
        SqliteStorage(tmp_path / "none.sqlite", read_only=True)
    assert not (tmp_path / "none.sqlite").exists()
    reader.close()
    log.close()


def test_a_log_written_with_larger_pages_goes_on(tmp_path: Path) -> None:
    Database(tmp_path / "log.sqlite", KIND, VERSION, TABLES, page_size=4096).close()
    log = EventLog("test", SqliteStorage(tmp_path / "log.sqlite"))
    assert log.append(large("case-1", 0)).position == 40
    log.close()
    with sqlite3.connect(tmp_path / "log.sqlite") as connection:
        assert connection.execute("PRAGMA page_size").fetchone() == (4096,)
    connection.close()
