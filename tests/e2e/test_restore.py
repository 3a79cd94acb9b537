"""A restore is whole or marked as unfinished, in both shapes, wherever it is killed (R11)."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient

from services.console.catalogue import OWNERS, SERVICES
from shared.domain.errors import UnavailableError
from shared.service.settings import Settings
from shared.service.storage import check_database
from tests.contract import mongo
from tests.e2e.backups import COMMAND, ROOT, City, keys, refused

Client = MongoClient[dict[str, Any]]


@pytest.fixture
def mongodb() -> Iterator[Client]:
    """A MongoDB server without a city in it; emptied afterwards."""
    client = mongo.client()
    ours = [name for name in client.list_database_names() if name.startswith("linli_")]
    assert not ours, f"the server {mongo.server().description} holds {ours}"
    yield client
    for name in client.list_database_names():
        if name.startswith("linli_"):
            client.drop_database(name)


def test_a_city_on_mongodb_is_restored_embedded_and_back(backed_up: dict[str, Any], mongodb: Client) -> None:
    """One form for both shapes: embedded to MongoDB to embedded, with identical heads, root and view digests."""
    folder = backed_up["folder"]
    there = City(folder / "there")
    uri = {"MONGODB_URI": mongo.server().uri}
    report = there.report("restore", str(folder / "backup"), *keys(backed_up), **uri)
    refused(there.run("restore", str(folder / "backup"), **uri), 1, "is not empty")
    there.report("backup", str(folder / "second"), "--keys", str(folder / "second-keys"), **uri)
    back = City(folder / "back")
    again = back.report("restore", str(folder / "second"), "--keys", str(folder / "second-keys"))
    for part in ("logs", "ledger", "services"):
        assert again[part] == report[part], part
    first, second = (
        json.loads((folder / name / "manifest.json").read_text())["manifest"] for name in ("backup", "second")
    )
    logs = [name for name in first["files"] if name.endswith(".log.jsonl")]
    assert len(logs) == 5 and all(first["files"][name] == second["files"][name] for name in logs)
    assert back.run("verify").returncode == 0


def kill_when(reached: Callable[[], bool], city: City, *arguments: str, **variables: str) -> None:
    """Start a restore and kill it (SIGKILL) as soon as it has come so far."""
    process = subprocess.Popen([*COMMAND, *arguments], cwd=ROOT, env=city.environment | variables,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # fmt: skip
    deadline = time.monotonic() + 60
    while not reached():
        assert process.poll() is None, "the restore ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.002)  # before looking again: the moment to kill is short
    process.kill()
    assert process.wait(20) == -signal.SIGKILL


def documents(client: Client, database: str, collection: str) -> int:
    return client[database][collection].count_documents({})


MOMENTS: dict[str, Callable[[Client], bool]] = {
    "marked": lambda client: documents(client, "linli_keys", "formats") > 0,
    "in the logs": lambda client: documents(client, "linli_issues", "groups") > 0,
    "in the views": lambda client: documents(client, "linli_audit_ledger", "view.entries") > 0,
}


@pytest.mark.city
@pytest.mark.parametrize("moment", MOMENTS)
def test_mongodb_is_marked_from_the_beginning_to_the_end(
    backed_up: dict[str, Any], mongodb: Client, tmp_path: Path, moment: str
) -> None:
    """Killed at three moments: no service, no tool and no migration takes the part for the whole; repeating heals it."""
    backup, city = backed_up["folder"] / "backup", City(tmp_path / "data")
    uri = {"MONGODB_URI": mongo.server().uri}
    kill_when(lambda: MOMENTS[moment](mongodb), city, "restore", str(backup), *keys(backed_up), **uri)
    settings = Settings.read(city.environment | uri)
    for name in SERVICES:
        with pytest.raises(UnavailableError, match=f"a restore of {backup} into this MongoDB, begun at .* repeat it"):
            check_database(settings, name, log=False)
    for command in ("verify", "migrate"):
        refused(city.run(command, **uri), 3, "is not finished", "repeat it")
    assert "restore" in city.run("doctor", **uri).stdout
    report = city.report("restore", str(backup), *keys(backed_up), **uri)
    for name, head in backed_up["manifest"]["logs"].items():
        assert report["logs"][name] == {"position": head["position"], "digest": head["digest"]}
    for name in SERVICES:
        check_database(settings, name, log=name in OWNERS)
    assert city.run("verify", **uri).returncode == 0
    refused(city.run("restore", str(backup), **uri), 1, "is not empty")


def test_two_restores_at_a_time_leave_the_mark(backed_up: dict[str, Any], mongodb: Client, tmp_path: Path) -> None:
    """The second removes what the first wrote: the first must not call itself whole."""
    backup, city = backed_up["folder"] / "backup", City(tmp_path / "data")
    uri = {"MONGODB_URI": mongo.server().uri}
    process = subprocess.Popen([*COMMAND, "restore", str(backup)], cwd=ROOT, env=city.environment | uri,
                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)  # fmt: skip
    while not documents(mongodb, "linli_keys", "formats"):
        assert process.poll() is None
        time.sleep(0.002)  # before looking again: the mark comes at once
    mongodb["linli_keys"]["formats"].update_one({"_id": "restore"}, {"$set": {"run": "another"}})
    _, said = process.communicate(timeout=120)
    assert process.returncode == 1 and "another restore" in " ".join(said.split())
    refused(city.run("verify", **uri), 3, "is not finished")


@pytest.mark.parametrize("file", ["registry.log.sqlite", "audit.ledger.sqlite"])
def test_a_folder_appears_whole_or_not_at_all(backed_up: dict[str, Any], tmp_path: Path, file: str) -> None:
    """Killed while it writes: the place is as empty as before, nothing starts there, and repeating heals it."""
    backup, city = backed_up["folder"] / "backup", City(tmp_path / "data")
    staging = tmp_path / ".data.restoring"
    kill_when(lambda: (staging / file).exists(), city, "restore", str(backup), *keys(backed_up))
    assert not city.folder.exists() and staging.stat().st_mode & 0o077 == 0
    for command in ("up", "verify"):
        refused(city.run(command), 3, f"a restore into {city.folder} is not finished", f"remove {staging}")
    assert not city.folder.exists()
    report = city.report("restore", str(backup), *keys(backed_up))
    assert report["logs"]["issues"]["position"] == backed_up["manifest"]["logs"]["issues"]["position"]
    assert not staging.exists() and os.listdir(city.folder)
    assert city.run("verify").returncode == 0
