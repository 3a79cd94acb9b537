"""Small cities in real stores, SQLite files or MongoDB databases, whose rows anybody may change: what tampering is tried on."""

from __future__ import annotations

import random
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec

from services.audit.replay import compare
from services.audit.verify import verify_log
from services.console.beside import verify_personal, verify_service
from shared.domain.command import on
from shared.domain.decider import Decider
from shared.domain.errors import LinliError
from shared.domain.event import Event
from shared.domain.mandate import Mandate
from shared.domain.signature import Holds
from shared.domain.view import View, by
from shared.following.codes import Codes
from shared.following.context import CallContext
from shared.following.definition import Definition
from shared.following.node import ServiceRuntime
from shared.following.parking import PARKING, skip, thing
from shared.following.snapshots import PURPOSE
from shared.personal import Personal
from shared.service.history import check_history
from shared.service.settings import Settings
from shared.service.storage import migrate_log, open_keys, open_log, open_views
from shared.views.sqlite import SqliteViews

Rows = list[dict[str, Any]]
#: A number that the view of the watchers cannot count: such facts are parked.
POISON = 13


class Counted(Event, frozen=True, kw_only=True):
    number: int
    name: str


class Count(msgspec.Struct, frozen=True):
    id: str
    total: int = 0


COUNT = Decider(
    "count",
    (Counted,),
    Count,
    Count,
    lambda count, event: Count(count.id, count.total + event.number),
    lambda count: "",
)


def _seen(row: dict[str, Any], event: Any, record: Any, key: str) -> dict[str, Any]:
    if event["number"] == POISON:
        raise ValueError("cannot be counted")
    return {"total": row.get("total", 0) + event["number"]}


SHOPS = Definition("registry", (COUNT,), (View.of(COUNT, "counts", ("total",)),))
WATCHERS = Definition("issues", (), (View("seen", "registry", by("name"), _seen, ("total",)),), sources=("registry",))
DEFINITIONS = (SHOPS, WATCHERS)
NAMES = tuple(one.name for one in DEFINITIONS)
_SECRET = b"s" * 32


class Place:
    """A city's stores; `restore` puts back what was last `kept`."""

    def __init__(self, settings: Settings) -> None:
        self.settings = replace(settings, owners=NAMES)
        self.opened: list[Any] = []

    def build(self, choose: random.Random) -> None:
        """Write a history: streams with and without snapshots, parked, waiting and skipped facts, sealed names."""
        keys = open_keys(self.settings)
        personal, nodes = Personal(keys), []
        for what in DEFINITIONS:
            log = open_log(self.settings, what.name)
            log.codes = Codes((_SECRET,), PURPOSE)
            nodes.append(
                ServiceRuntime(what, log, open_views(self.settings, what.name, what.all_views), personal=personal)
            )
        shops, watchers = nodes
        for number in range(choose.randint(70, 90)):
            id = choose.choice(("a", "a", "a", "b", "c"))
            poison = number in (40, 60) or choose.random() < 0.03
            count = POISON if poison else choose.randrange(20, 999)
            told = [
                Counted(number=count, name=personal.seal(f"p-{id}", f"林{number}")) for _ in range(choose.randint(1, 2))
            ]
            _do(shops, COUNT, "d" if poison else id, lambda _, told=told: told)
        for number in (1, 2):  # streams that one commit writes together
            _do_wide(shops, number, personal)
        watchers.apply("registry", 0, list(shops.log.read()), lambda *_: [])
        stream = COUNT.stream("d")
        first = watchers.followers["registry"].first_parked(stream)
        about = {"source": "registry", "stream": stream, "position": first, "reason": "tried", "asked": "x"}
        watchers.decide(PARKING, thing("registry", stream), skip, *_by("skip"), "skip_parked", **about)
        watchers.skip("registry", stream, first or 0)
        for node in nodes:
            while node.apply_own():
                pass
            node.views.save({}, {"relay": (0, node.log.head().position)})
            node.close()
            self._closed(node)
        keys.close()
        self.keep()

    def found(self, replayed: bool) -> tuple[str, str] | None:
        """Who finds that something is wrong, and what they say; None when nobody does. `replayed`: compare rows too."""
        try:
            return self._found(replayed)
        finally:
            for one in self.opened:
                one.close()
                self._closed(one)
            self.opened.clear()

    def _found(self, replayed: bool) -> tuple[str, str] | None:
        try:
            for name in NAMES:
                check_history(self.settings, name)
        except LinliError as error:
            return "start", error.message
        try:
            logs = {name: self._open(open_log(self.settings, name, read_only=True)) for name in NAMES}
            for log in logs.values():
                verify_log(log, lambda *_: None)
            stores = {}
            for what in DEFINITIONS:
                stores[what.name] = self._open(open_views(self.settings, what.name, what.all_views, read_only=True))
                verify_service(what, logs[what.name], stores[what.name], logs, [])
            verify_personal(self.settings, logs, [])
            if replayed:
                for what in DEFINITIONS:
                    fresh = SqliteViews(self._scratch(), what.all_views)
                    with closing(fresh):
                        result = compare(what, logs, fresh, stores[what.name], lambda *_: None)
                    if result.differences:
                        return "replay", result.differences[0]
        except LinliError as error:
            return "verify", error.message
        except (ValueError, TypeError, LookupError, AttributeError) as error:  # what `linli verify` makes a sentence of
            return "verify", repr(error)
        return None

    def _open(self, one: Any) -> Any:
        self.opened.append(one)
        return one

    def _scratch(self) -> Path:
        folder = self.settings.data.parent / "replayed"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        return folder / "views.sqlite"

    def _closed(self, one: Any) -> None:
        """Close what a store leaves open."""

    def keep(self) -> None:
        raise NotImplementedError

    def restore(self) -> None:
        raise NotImplementedError

    def read(self, table: str) -> Rows:
        """The rows of `<service>.commits`, `.snapshots`, `.checkpoints`, `.parked` or another view, or of `keys`."""
        raise NotImplementedError

    def write(self, table: str, rows: Rows) -> None:
        """Put other rows in their place; raises `Refused` when the store itself takes them not."""
        raise NotImplementedError


class Refused(Exception):
    """The store does not take such rows."""


class Files(Place):
    """SQLite files in a folder."""

    def __init__(self, folder: Path) -> None:
        super().__init__(Settings.read({"LINLI_DATA": str(folder / "data")}))
        self._kept = folder / "kept"

    def build(self, choose: random.Random) -> None:
        shutil.rmtree(self.settings.data, ignore_errors=True)
        super().build(choose)

    def keep(self) -> None:
        for path in self.settings.data.rglob("*.sqlite"):
            with closing(sqlite3.connect(path)) as connection:
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        shutil.rmtree(self._kept, ignore_errors=True)
        shutil.copytree(self.settings.data, self._kept)

    def restore(self) -> None:
        shutil.rmtree(self.settings.data)
        shutil.copytree(self._kept, self.settings.data)

    def path(self, table: str) -> Path:
        """The file of a table."""
        service, _, name = table.partition(".")
        if service == "keys":
            return self.settings.data / "keys" / "personal.sqlite"
        kind = "log" if name in ("commits", "snapshots") else "views"
        return self.settings.data / f"{service}.{kind}.sqlite"

    def run(self, table: str, *statements: str) -> None:
        """Change the file of a table as anybody can who may write to it."""
        with closing(sqlite3.connect(self.path(table), isolation_level=None)) as connection:
            for statement in statements:
                connection.execute(statement)

    def read(self, table: str) -> Rows:
        with closing(sqlite3.connect(self.path(table))) as connection:
            connection.row_factory = sqlite3.Row
            return [dict(row) for row in connection.execute(f'SELECT * FROM "{table.rpartition(".")[2]}" ORDER BY 1')]

    def write(self, table: str, rows: Rows) -> None:
        name = table.rpartition(".")[2]
        with closing(sqlite3.connect(self.path(table), isolation_level=None)) as connection:
            connection.execute("BEGIN")
            triggers = connection.execute(
                "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = ?", (name,)
            ).fetchall()
            try:
                for trigger, _ in triggers:
                    connection.execute(f"DROP TRIGGER {trigger}")
                connection.execute(f'DELETE FROM "{name}"')
                for row in rows:
                    connection.execute(
                        f'INSERT INTO "{name}" VALUES ({", ".join("?" * len(row))})', tuple(row.values())
                    )
                for _, sql in triggers:
                    connection.execute(sql)
                connection.execute("COMMIT")
            except (sqlite3.IntegrityError, sqlite3.OperationalError, OverflowError) as error:
                raise Refused(str(error)) from error


class Databases(Place):
    """MongoDB databases; rows are given the names that they have in SQLite."""

    def __init__(self, folder: Path, uri: str) -> None:
        import pymongo

        super().__init__(Settings.read({"LINLI_DATA": str(folder / "data"), "MONGODB_URI": uri}))
        self.client: Any = pymongo.MongoClient(uri)
        self._kept: dict[tuple[str, str], Rows] = {}
        self._changed: set[tuple[str, str]] = set()
        #: What else puts back what was changed.
        self.undo: list[Callable[[], object]] = []

    def build(self, choose: random.Random) -> None:
        for name in self.client.list_database_names():
            if name.startswith("linli_"):
                self.client.drop_database(name)
        for name in NAMES:
            migrate_log(self.settings, name)
        super().build(choose)

    def _closed(self, one: Any) -> None:
        for part in (
            one,
            getattr(one, "storage", None),
            getattr(one, "views", None),
            getattr(getattr(one, "log", None), "storage", None),
        ):
            if hasattr(part, "_database"):
                part._database.client.close()

    def keep(self) -> None:
        self._kept.clear()
        self._changed.clear()

    def restore(self) -> None:
        for database, collection in self._changed:
            self._fill(database, collection, self._kept[database, collection])
        self._changed.clear()
        while self.undo:
            self.undo.pop()()

    def where(self, table: str) -> tuple[str, str]:
        """Database and collection of a table."""
        service, _, name = table.partition(".")
        if service == "keys":
            return "linli_keys", "keys"
        if name in ("commits", "snapshots"):
            return f"linli_{service}", name
        if name == "checkpoints":
            return f"linli_{service}_views", name
        return f"linli_{service}_views", f"view.{name}" if name == "parked" else f"view.{name}~1"

    def read(self, table: str) -> Rows:
        at = self.where(table)
        documents = list(self.client[at[0]][at[1]].find(sort=[("_id", 1)]))
        self._kept.setdefault(at, documents)
        return [_named(table, document) for document in documents]

    def write(self, table: str, rows: Rows) -> None:
        at = self.where(table)
        self._changed.add(at)
        self._fill(*at, [_unnamed(table, row) for row in rows])

    def _fill(self, database: str, collection: str, documents: Rows) -> None:
        from pymongo.errors import PyMongoError

        self.client[database][collection].delete_many({})
        try:
            if documents:
                self.client[database][collection].insert_many(documents)
        except (PyMongoError, OverflowError) as error:
            raise Refused(str(error)) from error


_FIRST = {"commits": "position", "snapshots": "stream", "checkpoints": "follower", "keys": "subject"}


def _named(table: str, document: dict[str, Any]) -> dict[str, Any]:
    first = _FIRST.get(table.rpartition(".")[2], "key")
    return {first: document["_id"]} | {name: value for name, value in document.items() if name != "_id"}


def _unnamed(table: str, row: dict[str, Any]) -> dict[str, Any]:
    first = _FIRST.get(table.rpartition(".")[2], "key")
    document = {"_id": row[first]} | {name: value for name, value in row.items() if name != first}
    if first == "key" and "by" in document:
        with suppress(msgspec.DecodeError):
            told = msgspec.json.decode(document["row"])
            document["by"] = {name: told.get(name) for name in document["by"]}
    return document


def _by(command: str) -> tuple[CallContext, Mandate]:
    context = CallContext(kind="operator", actor="op", command_id=command, occurred="2026-01-01T00:00:00+08:00")
    return context, Mandate(actor="op", role="operator", powers=frozenset({"*"}))


def _do(node: ServiceRuntime, decider: Decider[Any], id: str, decide: Callable[[Any], Any]) -> None:
    context, mandate = _by(f"{id}-{node.log.head().position}")
    node.decide(decider, id, lambda state, *, by, at: decide(state), context, mandate, "count")


def _do_wide(node: ServiceRuntime, number: int, personal: Personal) -> None:
    from shared.following.execute import execute

    context, mandate = _by(f"wide-{number}")
    told = Counted(number=number, name=personal.seal("p-wide", "林"))

    def decide(state: Any, *, by: Mandate, at: str, other: Any) -> Any:
        return [told, on(COUNT, f"y-{number}", told, told)]

    holds = {"other": Holds(COUNT, lambda state, ask, by: f"y-{number}")}
    execute(node.log, COUNT, f"x-{number}", decide, context=context, mandate=mandate, command="count", holds=holds)
