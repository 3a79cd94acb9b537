"""A city's database: who may do what in it, and clear words for one that does not fit (§3, §8)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import eventlet
import pymongo
import pytest

from services.console import migrate, up
from services.console.catalogue import OWNERS
from shared.domain.errors import BadInputError, UnavailableError
from shared.service import storage
from shared.service.settings import Settings
from tests.contract.wire import Proxy, reply_error
from tests.processes import free_port
from tests.servers import MongoStandIn


@pytest.fixture
def passwords(tmp_path: Path) -> Path:
    for name in migrate.roles():
        (tmp_path / f"mongodb_{name.removeprefix('linli-')}").write_text("a-password\n")
    return tmp_path


def _settings(monkeypatch: pytest.MonkeyPatch, uri: str) -> Settings:
    monkeypatch.setenv("MONGODB_URI", uri)
    return Settings.read()


@pytest.mark.parametrize("service", OWNERS)
def test_a_service_can_only_insert_and_find_in_its_commits(service: str) -> None:
    privileges, built_in = migrate.roles()[f"linli-{service}"]
    on_log = {
        one["resource"]["collection"]: set(one["actions"])
        for one in privileges
        if one["resource"]["db"] == f"linli_{service}"
    }
    assert on_log["groups"] == on_log["index"] == {"find", "insert"}
    written = {one["resource"]["db"] for one in privileges if set(one["actions"]) - {"find"}}
    assert written == {f"linli_{service}", "linli_keys"} | ({"linli_audit_ledger"} if service == "audit" else set())
    read = {(one["resource"]["db"], one["resource"]["collection"]) for one in privileges}
    others = {(db, name) for db, name in read if db not in written}
    assert others == {(f"linli_{one}_views", "checkpoints") for one in OWNERS}, "no other service's log"
    assert built_in == [{"role": "readWrite", "db": f"linli_{service}_views"}]


def test_users_and_roles_are_made_once_and_brought_up_to_date(
    database: MongoStandIn, passwords: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _settings(monkeypatch, database.uri)
    for _ in range(2):
        migrate.prepare("", passwords)
    with pymongo.MongoClient(database.uri) as client:
        for name, (privileges, _) in migrate.roles().items():
            assert [user["user"] for user in client.admin.command("usersInfo", name)["users"]] == [name]
            made = client.admin.command("rolesInfo", name, showPrivileges=True)["roles"][0]
            assert made["role"] == name
            if made.get("privileges") is not None:
                assert made["privileges"] == privileges


def test_a_missing_password_stops_everything_before_it_begins(
    database: MongoStandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _settings(monkeypatch, database.uri)
    with pytest.raises(BadInputError, match="no password for linli-registry"):
        migrate.prepare("", tmp_path)


def test_a_service_without_a_log_says_to_migrate(monkeypatch: pytest.MonkeyPatch) -> None:
    server = MongoStandIn()
    try:
        with pytest.raises(UnavailableError, match="migrate"):
            storage.check_database(_settings(monkeypatch, server.uri), "registry")
    finally:
        server.destroy()


def test_a_database_that_is_too_old_is_refused(database: MongoStandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage, "OLDEST_MONGODB", (99, 0))
    with pytest.raises(UnavailableError, match=r"is MongoDB \S+, and Linli needs 99.0 or later"):
        storage.check_database(_settings(monkeypatch, database.uri), "registry")


@pytest.fixture
def answering() -> Iterator[Callable[..., str]]:
    """The address of a database whose answers to some commands are others."""
    server, proxies = MongoStandIn(), list[Proxy]()

    def answering(**answers: dict[str, Any]) -> str:
        proxies.append(Proxy(server.uri, lambda command: answers.get(next(iter(command), ""))))
        return proxies[-1].uri

    yield answering
    for proxy in proxies:
        proxy.close()
    server.destroy()


REFUSED = {
    "too old": ({"buildInfo": {"ok": 1.0, "version": "6.0.19"}}, "is MongoDB 6.0.19, and Linli needs 7.0 or later"),
    "no replica set": (
        {"hello": {"ok": 1.0, "isWritablePrimary": True, "minWireVersion": 0, "maxWireVersion": 25}},
        "in no replica set, and Linli needs one: run `linli migrate --replica-set",
    ),
    "wrong password": (
        {"buildInfo": reply_error(18, "AuthenticationFailed", "Authentication failed.")},
        "refuses the user or the password of MONGODB_URI: Authentication failed",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_service_that_meets_a_wrong_database_waits_and_says_why(
    answering: Callable[..., str], monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """It does not end, so nothing restarts it over and over; its health says the reason until it is put right or told to stop."""
    answers, why = REFUSED[what]
    settings = _settings(monkeypatch, answering(**answers))
    monkeypatch.setattr(up, "check", lambda *_: None)  # the broker is as it should be
    monkeypatch.setattr(up, "LOOK_AGAIN", 0.1)
    health, stop = up.Health("127.0.0.1", 0), eventlet.event.Event()
    said: list[str] = []
    eventlet.spawn_after(1.5, lambda: (said.append(health.problem), stop.send()))
    assert up._servers_ready(settings, ["registry"], health, stop) is False
    assert why in said[0]


def test_a_password_that_is_wrong_is_told_and_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    server = MongoStandIn()
    server.guard()
    with pytest.raises(UnavailableError, match="refuses the user or the password of MONGODB_URI") as refusal:
        storage.check_database(_settings(monkeypatch, server.of("root", "very-secret")), "registry")
    assert "very-secret" not in refusal.value.message
    server.destroy()


def test_a_database_that_is_away_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UnavailableError, match="linli_registry"):
        storage.check_database(
            _settings(monkeypatch, f"mongodb://127.0.0.1:{free_port()}/?directConnection=true"), "registry"
        )


def test_a_password_comes_from_its_file_and_stays_out_of_errors(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("p@ss/word\n")
    read = Settings.read(
        {"MONGODB_URI": "mongodb://linli-issues@db:27017/?replicaSet=rs0", "MONGODB_PASSWORD_FILE": str(file)}
    )
    assert read.mongodb_uri == "mongodb://linli-issues:p%40ss%2Fword@db:27017/?replicaSet=rs0"
    for uri in ("mongodb://db:27017", "mongodb://linli-issues:other@db"):
        with pytest.raises(BadInputError, match="must name a user and no password") as caught:
            Settings.read({"MONGODB_URI": uri, "MONGODB_PASSWORD_FILE": str(file)})
        assert "p@ss" not in caught.value.message
    with pytest.raises(BadInputError, match=r"AMQP_PASSWORD_FILE \S+ cannot be read"):
        Settings.read({"AMQP_URI": "amqp://u@b/v", "AMQP_PASSWORD_FILE": str(tmp_path / "nothing")})
