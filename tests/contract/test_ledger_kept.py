"""The city ledger lies apart from views and is only appended to, over every store (decision 18)."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pymongo.database import Database

from services.audit import signing
from services.audit.ledger import LEDGER_VIEWS, Ledger, LedgerFollower
from services.audit.verify import verify_ledger
from services.console.migrate import ledger_privileges
from shared.domain.errors import ConcurrencyError, UnavailableError
from shared.following.follow import PARKED
from shared.log import EventLog
from shared.log.memory import MemoryStorage
from shared.service.settings import Settings
from shared.service.storage import open_views
from shared.views.mongodb import MongoViews
from tests.bench.subject import commits
from tests.contract import mongo
from tests.contract.conftest import OpenViews

ORIGIN = "linli.example/city-ledger"
EVERY = (*LEDGER_VIEWS, PARKED)


def test_what_is_appended_is_never_changed_or_removed(open_views: OpenViews) -> None:
    views = open_views(EVERY)
    row = {"vkey": "a", "statement": "", "reason": "", "time": ""}
    views.save({("keys", "000000"): row})
    for change in (row | {"vkey": "b"}, row, None):
        with pytest.raises(ConcurrencyError, match="only appended"):
            views.save({("ledger", "size"): {"size": 7}, ("keys", "000000"): change})
    assert views.get("keys", "000000") == {"key": "000000", **row}
    assert views.get("ledger", "size") is None, "nothing else of that either"


@pytest.fixture
def apart(database: Database[dict[str, Any]]) -> Iterator[Database[dict[str, Any]]]:
    """A second empty database of the same server and client."""
    second = database.client[f"{database.name}-kept"]
    yield second
    database.client.drop_database(second.name)


def entered(views: Any, folder: Path, log: EventLog) -> Ledger:
    """The ledger as the service opens and fills it."""
    own = EventLog("audit", MemoryStorage())
    ledger = signing.opened(folder, ORIGIN, views, own, lambda *_: None, sources=("issues",))
    follower = LedgerFollower("issues", EVERY, views, lambda record: None)
    while records := list(log.read(follower.position, limit=50)):
        follower.apply(records)
    ledger.checkpoint()
    return ledger


def test_in_mongodb_it_has_a_database_of_its_own(
    database: Database[dict[str, Any]], apart: Database[dict[str, Any]], tmp_path: Path
) -> None:
    """Dropping the views leaves it, and a service needs no more than to find and insert in what is only appended to."""
    log = EventLog("issues", MemoryStorage())
    for commit in commits(70, 2):
        log.append(commit)
    ledger = entered(MongoViews(database, EVERY, kept=apart), tmp_path, log)
    here, there = (
        {name for name in one.list_collection_names() if name.startswith("view.")} for one in (database, apart)
    )
    assert there == {f"view.{view.name}" for view in LEDGER_VIEWS if view.kept} and not here & there
    allowed = {one["resource"]["collection"]: one["actions"] for one in ledger_privileges()}
    for name in ("entries", "signed", "cosigned", "keys"):
        assert allowed[f"view.{name}"] == ["find", "insert"]
    assert allowed.keys() == there | {"formats"}
    again = entered(MongoViews(database, EVERY, kept=apart), tmp_path, log)
    assert (again.size, again.signed(1)) == (70, ledger.signed(1)), "it is signed on, not made anew"
    found = verify_ledger(again, {"issues": log}, again.key.public_key(), lambda *_: None)
    assert (found.entries, found.signatures) == (70, 2)
    database.client.drop_database(database.name)
    with pytest.raises(UnavailableError, match="holds issues up to position 70.*know of 0 only"):
        entered(MongoViews(database, EVERY, kept=apart), tmp_path, log)
    assert Ledger(MongoViews(database, EVERY, kept=apart), ORIGIN).size == 70, "nothing was entered twice"


def test_a_former_database_keeps_it_among_the_views(tmp_path: Path) -> None:
    """It cannot be moved while an older process may still write it; nothing of it is lost or doubled."""
    client = mongo.client()
    names = ("linli_audit_views", "linli_audit_ledger")
    assert not set(names) & set(client.list_database_names()), "they are there already"
    settings = Settings.read({"MONGODB_URI": mongo.server().uri, "LINLI_DATA": str(tmp_path)})
    row = {"event_id": "e", "stream": "s", "source": "x", "position": 1, "line": "{}"}
    try:
        MongoViews(client["linli_audit_views"], EVERY).save({("entries", f"{0:012d}"): row})
        assert [found["event_id"] for found in open_views(settings, "audit", EVERY).find("entries").rows] == ["e"]
        assert "linli_audit_ledger" not in client.list_database_names()
    finally:
        for name in names:
            client.drop_database(name)


def test_a_file_of_a_former_version_gets_its_name(tmp_path: Path) -> None:
    settings = Settings.read({"LINLI_DATA": str(tmp_path)})
    from shared.views.sqlite import SqliteViews

    plain = tuple(view for view in EVERY if view.name not in ("keys", "cosigned"))
    old = SqliteViews(tmp_path / "audit.views.sqlite", plain)
    old.save({("entries", f"{0:012d}"): {"event_id": "e", "stream": "s", "source": "x", "position": 1, "line": "{}"}})
    reader = open_views(settings, "audit", EVERY, read_only=True)
    assert reader.get("entries", f"{0:012d}") and reader.find("keys").rows == [], "read where it lies"
    reader.close()
    old.close()
    opened = open_views(settings, "audit", EVERY)
    assert opened.get("entries", f"{0:012d}") and opened.count("keys") == 0
    opened.close()
    assert [path.name for path in tmp_path.glob("*.sqlite")] == ["audit.ledger.sqlite"]
    with (
        sqlite3.connect(tmp_path / "audit.ledger.sqlite") as file,
        pytest.raises(sqlite3.IntegrityError, match="only appended"),
    ):
        file.execute("DELETE FROM entries")
