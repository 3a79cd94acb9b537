"""Who may do what in a city's MongoDB, tried on a server that asks for passwords: a commit can be inserted and found, nothing else (§3).

MongoDB knows rights by collection. The stand-in knows them by database, so there the same is tried with a role for `commits` alone.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.database import Database
from pymongo.errors import OperationFailure

from services.console import migrate
from services.console.catalogue import OWNERS
from shared.domain.errors import UnavailableError
from shared.log import EventLog
from shared.log.mongodb import MongoStorage
from shared.log.mongodb_opening import migrate as migrate_log
from shared.log.record import verify_chain
from shared.views.mongodb import MongoViews
from shared.views.sqlite import SqliteViews
from tests.contract import mongo
from tests.contract.test_log import commit
from tests.contract.test_views import VIEWS, issue
from tests.servers import STAND_IN

Mongo = Database[dict[str, Any]]
UNAUTHORIZED = 13


@pytest.fixture(scope="module")
def guarded() -> Iterator[Any]:
    """The server of this run when it asks for passwords, else a stand-in that does."""
    with mongo.guarded(foreign=True) as server:
        yield server


@pytest.fixture
def admin(guarded: Any) -> Iterator[Mongo]:
    """An empty database, as the administrator."""
    with MongoClient[dict[str, Any]](guarded.uri) as client:
        database = client[f"linli-{uuid.uuid4().hex[:12]}"]
        yield database
        client.drop_database(database.name)


@pytest.fixture
def user(guarded: Any, admin: Mongo) -> Iterator[Callable[..., Mongo]]:
    """The same database as a user with some privileges and built-in roles; `linli_issues` in them stands for this database."""
    names: list[str] = []
    clients: list[MongoClient[dict[str, Any]]] = []

    def user(privileges: list[dict[str, Any]], built_in: list[dict[str, str]]) -> Mongo:
        name = f"t{uuid.uuid4().hex[:10]}"
        names.append(name)
        here = [
            {"resource": {"db": admin.name, "collection": one["resource"]["collection"]}, "actions": one["actions"]}
            for one in privileges
        ]
        roles = [{"role": one["role"], "db": admin.name} for one in built_in]
        admin.client.admin.command("createRole", name, privileges=here, roles=roles)
        admin.client.admin.command("createUser", name, pwd="pw", roles=[{"role": name, "db": "admin"}])
        clients.append(MongoClient(guarded.of(name, "pw")))
        return clients[-1][admin.name]

    yield user
    for client in clients:
        client.close()
    for name in names:
        admin.client.admin.command("dropUser", name)
        admin.client.admin.command("dropRole", name)


def _changes(name: str) -> dict[str, Callable[[Mongo], object]]:
    return {
        f"update {name}": lambda database: database[name].update_one({"_id": 1}, {"$set": {"last": 9}}),
        f"replace {name}": lambda database: database[name].replace_one({"_id": 1}, {"last": 9}),
        f"upsert {name}": lambda database: database[name].update_one({"_id": 9}, {"$set": {"last": 9}}, upsert=True),
        f"find and change {name}": lambda database: database[name].find_one_and_update(
            {"_id": 1}, {"$set": {"last": 9}}
        ),
        f"delete {name}": lambda database: database[name].delete_one({"_id": 1}),
        f"delete all {name}": lambda database: database[name].delete_many({}),
        f"drop {name}": lambda database: database.drop_collection(name),
        f"drop the validator of {name}": lambda database: database.command("collMod", name, validator={}),
    }


CHANGES: dict[str, Callable[[Mongo], object]] = {
    **_changes("groups"),
    **_changes("index"),
    "drop the database": lambda database: database.client.drop_database(database.name),
    "drop an index": lambda database: database["groups"].drop_index("last"),
}


def test_a_service_can_insert_and_find_commits_and_the_server_refuses_everything_else(
    guarded: Any, admin: Mongo, user: Callable[..., Mongo]
) -> None:
    migrate_log(admin)
    privileges = migrate.log_privileges("issues")
    changes = dict(CHANGES)
    if guarded.description == STAND_IN:
        # it would take the right to update snapshots for one to update commits: without that right it must refuse
        privileges = [one for one in privileges if one["resource"]["collection"] != "snapshots"]
        for name in ("groups", "index"):  # it asks nobody for a right to do that
            del changes[f"drop the validator of {name}"]
    service = user(privileges, [])
    log = EventLog("issues", MongoStorage(service))
    for number in range(3):
        assert log.append(commit("case-1", number)).position == number + 1
    if any(one["resource"]["collection"] == "snapshots" for one in privileges):
        log.storage.save_snapshot("case-1", 3, "shape", b"state")
        log.storage.save_snapshot("case-1", 3, "shape", b"again")
    before = list(admin["groups"].find())
    for act, change in changes.items():
        with pytest.raises(OperationFailure):
            change(service)
            pytest.fail(f"a service may {act}")
    assert list(admin["groups"].find()) == before
    assert len(list(verify_chain(log.read_commits()))) == 3
    assert sorted(admin["groups"].index_information()) == ["_id_", "last"]


def test_views_can_be_read_by_who_may_only_read(admin: Mongo, user: Callable[..., Mongo]) -> None:
    """Opening them prepares nothing, and the server refuses this user every write."""
    store = MongoViews(admin, VIEWS)
    store.save({("issues", "a"): issue(), ("notes", "n"): {"state": "x"}}, {"f": (0, 7)})
    reader = user([], [{"role": "read", "db": "this"}])
    before = {name: list(admin[name].find()) for name in admin.list_collection_names()}
    read = MongoViews(reader, VIEWS, read_only=True)
    assert read.get("issues", "a") == store.get("issues", "a")
    assert (read.count("issues"), read.checkpoint("f"), len(read.find("notes").rows)) == (1, 7, 1)
    for write in (
        lambda: read.save({("notes", "m"): {"state": "y"}}),
        lambda: read.lease("relay", "me", 10),
        read.fresh,
        read.promote,
    ):
        with pytest.raises(UnavailableError, match="was opened for reading only"):
            write()
    for collection in ("view.notes", "checkpoints", "leases"):
        with pytest.raises(OperationFailure) as refusal:
            reader[collection].insert_one({"_id": "x"})
        assert refusal.value.code == UNAUTHORIZED
    assert {name: list(admin[name].find()) for name in admin.list_collection_names()} == before


def test_an_empty_place_is_not_prepared_by_who_may_only_read(
    admin: Mongo, user: Callable[..., Mongo], tmp_path: Path
) -> None:
    reader = user([], [{"role": "read", "db": "this"}])
    with pytest.raises(UnavailableError, match="holds no views yet: migrate it first"):
        MongoViews(reader, VIEWS, read_only=True)
    assert admin.list_collection_names() == []
    SqliteViews(tmp_path / "views.sqlite", VIEWS).close()
    read = SqliteViews(tmp_path / "views.sqlite", VIEWS, read_only=True)
    with pytest.raises(UnavailableError, match="was opened for reading only"):
        read.save({("notes", "m"): {"state": "y"}})
    read.close()


def test_every_privilege_names_a_database_a_collection_and_nothing_more_than_is_needed() -> None:
    """What `linli migrate` gives: exactly this, so that a new right is seen in review."""
    own: dict[str, set[tuple[str, str, str]]] = {}
    for name, (privileges, _) in migrate.roles().items():
        own[name] = {
            (one["resource"].get("db", "*"), one["resource"].get("collection", "*"), action)
            for one in privileges
            for action in one["actions"]
        }
    keys = {("linli_keys", "keys", action) for action in ("find", "insert", "update")} | {
        ("linli_keys", "formats", "find")
    }
    for service in OWNERS:
        log = f"linli_{service}"
        expected = {(log, name, action) for name in ("groups", "index") for action in ("find", "insert")}
        expected |= {(log, "formats", "find")}
        expected |= {(log, "snapshots", action) for action in ("find", "insert", "update")}
        expected |= {(f"linli_{one}_views", "checkpoints", "find") for one in OWNERS}  # how far others have followed it
        if service == "audit":  # the city ledger: what is signed or entered is only appended to
            ledger = "linli_audit_ledger"
            appended = [(ledger, f"view.{name}") for name in ("entries", "signed", "cosigned", "keys")]
            moving = [(ledger, f"view.{name}") for name in ("tiles", "ledger")]
            expected |= {(*where, action) for where in appended + moving for action in ("find", "insert")}
            expected |= {(*where, "update") for where in moving} | {(ledger, "formats", "find")}
        assert own[f"linli-{service}"] == expected | keys
    assert own["linli-gateway"] == {("linli_keys", "formats", "find")}
    asks = {("*", "*", "getDefaultRWConcern"), ("*", "*", "getParameter"), ("admin", "", "viewRole")}
    assert own["linli-auditor"] == {("linli_keys", "formats", "find")} | asks
    built_in = {name: {(role["role"], role["db"]) for role in roles} for name, (_, roles) in migrate.roles().items()}
    views = {name: {("readWrite", f"linli_{name}_views")} for name in (*OWNERS, "gateway")}
    assert {name: built_in[f"linli-{name}"] for name in views} == views
    everything = {f"linli_{name}" for name in OWNERS} | {f"linli_{name}_views" for name in views}
    everything.add("linli_audit_ledger")
    assert built_in["linli-auditor"] == {("read", name) for name in everything}


def test_the_secrets_of_all_users_are_made_and_given(guarded: Any) -> None:
    """Every role has a password in `deploy/secrets` and in the compose file."""
    root = Path(__file__).resolve().parents[2]
    made, given = (root / "deploy" / "secrets").read_text(), (root / "docker-compose.yml").read_text()
    for name in migrate.roles():
        assert name.removeprefix("linli-") in made and f"mongodb_{name.removeprefix('linli-')}:" in given
