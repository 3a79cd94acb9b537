"""The database user `linli-auditor` is enough to verify, replay, export, back up and look around, and can neither write nor read keys."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.errors import OperationFailure

from services.audit.ledger import LEDGER_VIEWS, Ledger
from services.console import migrate
from services.console.databases import databases
from shared.ledger import checkpoint
from shared.service.settings import Settings
from shared.service.storage import open_views
from tests.contract import mongo
from tests.e2e.backups import City, keys, refused
from tests.servers import MongoStandIn

UNAUTHORIZED = 13


@pytest.fixture(scope="module")
def guarded() -> Iterator[Any]:
    """A server that asks for passwords and on which users may be made: the run's own if it is one, else a stand-in."""
    with mongo.guarded(foreign=False) as server:
        yield server


@pytest.fixture(scope="module")
def audited(backed_up: dict[str, Any], guarded: Any) -> Iterator[tuple[City, dict[str, str], dict[str, str]]]:
    """A city on MongoDB with its users, and the environments of the auditor and of the administrator."""
    folder = backed_up["folder"]
    city, users = City(folder / "audited"), folder / "users"
    admin = {"MONGODB_URI": guarded.uri}
    city.report("restore", str(folder / "backup"), *keys(backed_up), **admin)
    users.mkdir()
    for name in migrate.roles():
        (users / f"mongodb_{name.removeprefix('linli-')}").write_text(f"{name}-pw")
    assert city.run("migrate", "--users", str(users), **admin).returncode == 0
    settings = Settings.read(city.environment | admin)
    key = checkpoint.load_key(settings.data / "keys" / "ledger.pem")
    Ledger(
        open_views(settings, "audit", LEDGER_VIEWS), f"{settings.city}/city-ledger", key
    ).checkpoint()  # as the service does
    yield city, {"MONGODB_URI": guarded.of("linli-auditor", "linli-auditor-pw")}, admin
    with MongoClient[dict[str, Any]](guarded.uri) as client:
        for name in databases():
            client.drop_database(f"linli_{name}")
        for name in migrate.roles():
            client.admin.command("dropUser", name)
            client.admin.command("dropRole", name)


def test_an_auditor_can_do_everything_that_only_reads(audited: Any, backed_up: dict[str, Any]) -> None:
    city, auditor, _ = audited
    manifest, folder = backed_up["manifest"], backed_up["folder"]
    assert city.report("verify", **auditor)["ledger"]["root"] == manifest["root"]
    assert city.report("replay", **auditor)["differences"] == []
    exported = city.report("export", str(folder / "export"), **auditor)
    assert 0 < exported["entries"] <= manifest["size"]
    again = city.report("backup", str(folder / "by-auditor"), **auditor)
    for name, head in manifest["logs"].items():
        assert (again["logs"][name]["position"], again["logs"][name]["digest"]) == (head["position"], head["digest"])
    assert (folder / "by-auditor" / "gateway.state.jsonl").read_bytes() == (
        folder / "backup" / "gateway.state.jsonl"
    ).read_bytes()
    checks = {check["check"]: check["state"] for check in city.report("doctor", **auditor)["checks"]}
    assert "failed" not in checks.values(), checks
    for name in manifest["logs"]:
        assert checks[f"linli_{name} log"] == checks[f"linli_{name} append-only"] == "ok"


def test_an_auditor_can_write_nothing_and_read_no_key(audited: Any, backed_up: dict[str, Any], guarded: Any) -> None:
    city, auditor, admin = audited
    with MongoClient[dict[str, Any]](auditor["MONGODB_URI"]) as client:
        for name in databases():
            with pytest.raises(OperationFailure) as refusal:
                client[f"linli_{name}"]["groups"].insert_one({"_id": 1 << 40})
            assert refusal.value.code == UNAUTHORIZED
        if (
            guarded.description != MongoStandIn.description
        ):  # which takes the right to read `formats` for one to read keys
            with pytest.raises(OperationFailure) as refusal:
                client["linli_keys"]["keys"].find_one()
            assert refusal.value.code == UNAUTHORIZED
    for command in (["migrate"], ["rebuild", "issues"]):
        assert city.run(*command, **auditor).returncode != 0
    refused(city.run("migrate", **auditor), 3, "not authorized")
    folder = backed_up["folder"]
    assert city.run("backup", str(folder / "with-keys"), "--keys", str(folder / "k"), **admin).returncode == 0
