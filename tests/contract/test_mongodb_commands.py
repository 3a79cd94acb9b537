"""Every command and operator that Linli sends to MongoDB is in the reviewed list of docs/mongodb.md, whatever part of it sends it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest
from pymongo import MongoClient, monitoring

from services.audit.ledger import LEDGER_VIEWS, Ledger, LedgerFollower
from services.console import audit, migrate
from services.console.backup import backup, restore
from services.console.catalogue import definition
from services.console.databases import databases
from services.console.doctor import examine as doctor
from services.gateway.accounts import VIEWS as ACCOUNT_VIEWS
from services.gateway.accounts import Accounts
from services.registry.definition import DEFINITION
from shared.ledger import checkpoint
from shared.log import Commit, NewEvent
from shared.personal import Personal
from shared.service.settings import Settings
from shared.service.storage import OLDEST_MONGODB, check_database, open_keys, open_log, open_views
from tests.contract import mongo
from tests.contract.test_mongodb import Recorder, use_log, use_views
from tests.domain.registry.facts import REGISTERED
from tests.servers import ExternalMongo, MongoStandIn

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "mongodb.md"
#: Not of a command but of its envelope: the database, the session, the clock of the replica set.
_ENVELOPE = {"$db", "$clusterTime", "$readPreference"}
#: Sent to a server that is in no replica set yet; by the driver when an answer is long; when a process was killed in a transaction.
_NOT_HERE = {"replSetInitiate", "getMore", "killCursors", "killSessions"}


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Settings, Recorder]]:
    """A server that may be given users, and everything that is sent to it by any client from now on."""
    server = mongo.server()
    if isinstance(server, ExternalMongo) or not server.guarded:
        server = MongoStandIn()
        server.guard()
    recorder, before = Recorder(), list(monitoring._LISTENERS.command_listeners)
    monitoring.register(recorder)
    folder = tmp_path_factory.mktemp("city")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MONGODB_URI", server.uri)
        patch.setenv("LINLI_DATA", str(folder))
        settings = Settings.read()
        checkpoint.create_key(_made(folder / "keys" / "ledger.pem"))
        yield settings, recorder
    monitoring._LISTENERS.command_listeners[:] = before
    with MongoClient[dict[str, Any]](server.uri) as client:
        for name in (*(f"linli_{name}" for name in databases()), "linli-commands"):
            client.drop_database(name)
    if server is not mongo.server():
        server.destroy()


def _made(path: Path) -> Path:
    path.parent.mkdir(parents=True)
    return path


def work(settings: Settings, folder: Path) -> None:
    """Everything that services and operators do with a city's database."""
    users = folder / "users"
    users.mkdir()
    for name in migrate.roles():
        (users / f"mongodb_{name.removeprefix('linli-')}").write_text("pw")
    for _ in range(2):  # made, then brought up to date
        migrate.prepare("", users)
    with MongoClient[dict[str, Any]](settings.mongodb_uri) as client:
        client["linli_issues"].command("collMod", "groups", validator={})
    migrate.prepare("", None)
    check_database(settings, "registry")
    with MongoClient[dict[str, Any]](settings.mongodb_uri) as client:
        from shared.log.mongodb_opening import migrate as migrate_log

        migrate_log(client["linli-commands"])
        use_log(client["linli-commands"])
        use_views(client["linli-commands"])
    personal = Personal(keys := open_keys(settings))
    sealed = personal.seal("lin", "text")
    assert personal.open(sealed) == "text" and personal.erase("lin") and personal.open(sealed) is None
    personal.seal("lin", "again")
    keys.close()
    accounts = Accounts(open_views(settings, "gateway", ACCOUNT_VIEWS, durable=True))
    accounts.find(10, None)
    accounts.get("lin")
    event = NewEvent(
        type="PlaceRegistered",
        schema=1,
        data=msgspec.Raw(DEFINITION.codec.encode(REGISTERED)),
        id="e",
        occurred="2026-03-01T09:00:00+08:00",
    )
    log = open_log(settings, "registry")
    log.append(
        Commit(stream="profile-fuzhou", expected_version=0, events=(event,), command="c", command_id="c", actor="op")
    )
    what = definition("audit")
    store = open_views(settings, "audit", what.all_views)
    LedgerFollower("registry", what.all_views, store, what.decoder_for("registry")).apply(log.read())
    key = checkpoint.load_key(settings.data / "keys" / "ledger.pem")
    ledger = Ledger(open_views(settings, "audit", LEDGER_VIEWS), f"{settings.city}/city-ledger", key)
    ledger.checkpoint()
    ledger.entry("e")
    audit.verify(quiet=True)
    audit.replay_all(None, quiet=True)
    audit.export(folder / "export", quiet=True)
    doctor.examine(settings, [])
    backup.backup(folder / "backup", folder / "backup-keys", quiet=True)
    with MongoClient[dict[str, Any]](settings.mongodb_uri) as client:
        for name in databases():
            client.drop_database(f"linli_{name}")
        client["linli_keys"]["formats"].insert_one({"_id": "restore", "run": "cut off", "backup": "b", "begun": "t"})
    restore.restore(folder / "backup", None, folder / "backup-keys", quiet=True)


def operators(value: Any) -> Iterator[str]:
    """Operators and stages in a command; what is stored is not looked into."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            if name.startswith("$") and name not in _ENVELOPE:
                yield name
            if name not in ("documents", "lsid"):
                yield from operators(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from operators(inner)


def reviewed(title: str) -> dict[str, tuple[int, int]]:
    """The rows of a table in docs/mongodb.md: names and the first MongoDB that has them."""
    text = DOCUMENT.read_text().partition(f"### {title}\n")[2].partition("\n#")[0]
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("| `")
    ]
    found: dict[str, tuple[int, int]] = {}
    for names, since, *_ in rows:
        first, second = since.split(".")
        found |= dict.fromkeys(re.findall(r"`([^`]+)`", names), (int(first), int(second)))
    return found


def test_every_command_and_operator_is_reviewed_and_in_every_mongodb_that_is_supported(
    city: tuple[Settings, Recorder], tmp_path: Path
) -> None:
    settings, recorder = city
    work(settings, tmp_path)
    commands = {next(iter(command)) for command in recorder.sent}
    assert commands - _NOT_HERE == set(reviewed("Commands")) - _NOT_HERE
    used = {name for command in recorder.sent for name in operators(command)}
    assert used == set(reviewed("Operators and stages"))
    for table in ("Commands", "Operators and stages"):
        assert all(since <= OLDEST_MONGODB for since in reviewed(table).values())
