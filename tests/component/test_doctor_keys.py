"""`linli doctor` reads each private file: what the next start could not use is named today, with what to do."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from services.audit import signing
from services.audit.copies import FILE
from services.audit.ledger import LEDGER_VIEWS
from services.console.doctor import examine as doctor
from shared.ledger.checkpoint import create_key
from shared.log import EventLog
from shared.log.memory import MemoryStorage
from shared.service.settings import Settings, write_private
from shared.service.storage import open_views
from tests.contract import mongo

ORIGIN = "linli.example/city-ledger"


def settings(data: Path, **variables: str) -> Settings:
    return Settings.read({"LINLI_DATA": str(data), "LINLI_SECRET_FILE": str(data / "secret"), **variables})


def found(data: Path, **variables: str) -> dict[str, dict[str, Any]]:
    """The findings about private files by name."""
    return {one["check"]: one for one in doctor.examine(settings(data, **variables), ["audit"])["checks"]}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A folder of an audit service that has signed once."""
    folder = tmp_path / "data"
    settings(folder).secrets()
    write_private(folder / "operator.token", b"t" * 40)
    views = open_views(settings(folder), "audit", LEDGER_VIEWS)
    signing.opened(folder / "keys", ORIGIN, views, EventLog("audit", MemoryStorage()), lambda *_: None)
    views.close()
    return folder


def _garbage(path: Path) -> None:
    path.write_bytes(b"\xff\x00 no key" * 9)


def _another(path: Path) -> None:
    path.unlink()
    create_key(path)


def _nothing(path: Path) -> None:
    path.write_bytes(b"")


WRONG: dict[str, tuple[str, Callable[[Path], None], str]] = {
    "a ledger's key that is none": ("keys/ledger.pem", _garbage, "holds no private key"),
    "an empty ledger's key": ("keys/ledger.pem", _nothing, "holds no private key"),
    "another ledger's key": ("keys/ledger.pem", _another, "the ledger is signed with"),
    "a next key that is none": ("keys/ledger.next.pem", _garbage, "holds no private key"),
    "a next key that nobody named": ("keys/ledger.next.pem", lambda path: [create_key(path), None][1], "named by no"),
    "checkpoints that are none": (f"keys/{FILE}", lambda path: path.write_text("no line\n") and None, "holds no"),
    "a secret that could be guessed": ("secret", lambda path: path.write_text("short") and None, "at least 32"),
    "a token that could be guessed": ("operator.token", lambda path: path.write_text("short") and None, "32 characters"),
    "a token in no text": ("operator.token", _garbage, "no text in UTF-8"),
}  # fmt: skip


@pytest.mark.parametrize("what", WRONG)
def test_what_a_private_file_holds_is_looked_at(data: Path, what: str) -> None:
    name, spoil, told = WRONG[what]
    path = data / name
    spoil(path)
    path.chmod(0o600)
    finding = found(data)[path.name]
    assert finding["state"] == "failed" and told in finding["message"], finding
    assert finding["advice"]


def test_whole_files_are_ok_and_so_is_a_key_that_waits_and_is_named(data: Path) -> None:
    names = {"secret", "operator.token", "ledger.pem", FILE}
    assert {name: one["state"] for name, one in found(data).items() if name in names} == dict.fromkeys(names, "ok")
    signing.change(data / "keys", ORIGIN)
    assert found(data)["ledger.next.pem"]["state"] == "ok"
    (data / "keys" / "ledger.named").write_bytes(b"\xff\xfe")
    assert found(data)["ledger.next.pem"]["state"] == "failed"


def test_a_ledger_that_cannot_be_asked_is_said_and_the_rest_is_looked_at(data: Path) -> None:
    for part in ("", "-wal", "-shm"):
        (data / f"audit.ledger.sqlite{part}").unlink(missing_ok=True)
    (data / "audit.ledger.sqlite").write_bytes(b"not a database " * 100)
    told = found(data)
    assert told["ledger.pem"]["state"] == "warning" and told["secret"]["state"] == "ok"


def test_a_policy_that_cannot_be_read_is_found(data: Path, tmp_path: Path) -> None:
    policy = tmp_path / "witnesses"
    policy.write_text("quorum nobody\n")
    assert found(data, LINLI_WITNESSES=str(policy))["witnesses"]["state"] == "failed"
    assert found(data, LINLI_WITNESSES=str(tmp_path / "none"))["none"]["state"] == "failed"
    policy.write_text("quorum none\n")
    assert found(data, LINLI_WITNESSES=str(policy))["witnesses"]["state"] == "ok"


def test_in_a_city_the_key_is_compared_with_the_ledger_of_the_database(data: Path) -> None:
    with mongo.own() as server:
        shutil.rmtree(data / "keys")
        asked = settings(data, MONGODB_URI=server.uri)
        views = open_views(asked, "audit", LEDGER_VIEWS)
        signing.opened(data / "keys", ORIGIN, views, EventLog("audit", MemoryStorage()), lambda *_: None)
        views.close()
        assert found(data, MONGODB_URI=server.uri)["ledger.pem"]["state"] == "ok"
        _another(data / "keys" / "ledger.pem")
        finding = found(data, MONGODB_URI=server.uri)["ledger.pem"]
        assert finding["state"] == "failed" and "the ledger is signed with" in finding["message"]
