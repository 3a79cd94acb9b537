"""Backups of a running city, and what comes back from them: whole, to a position, to a time (R11, R9)."""

from __future__ import annotations

import base64
import json
import shutil
import time
from typing import Any

import pytest

from shared.personal import Personal, SqliteKeys
from tests.e2e.backups import BEFORE, keys, refused, report_issue, restored, stop


def test_a_backup_of_a_busy_city_comes_back_whole(backed_up: dict[str, Any], clean_up: list[Any]) -> None:
    """Same heads, same view digests, everything verifies; then it goes on from there (R11)."""
    manifest = backed_up["manifest"]
    city, report = restored(backed_up, "whole", *keys(backed_up))
    for name, head in manifest["logs"].items():
        assert report["logs"][name] == {"position": head["position"], "digest": head["digest"]}
    assert (report["ledger"]["size"], report["ledger"]["root"]) == (manifest["size"], manifest["root"])
    assert report["logs"]["issues"]["position"] > BEFORE
    until = str(manifest["size"])
    assert city.digests(until) == backed_up["city"].digests(until)
    assert city.run("replay").returncode == 0
    verified = city.report("verify")
    assert verified["ledger"]["root"] == manifest["root"]
    clean_up.append(process := city.start())
    signed_in = city.client().post("/api/sign-in", {"username": "lin", "password": "linli-test-2026"})
    assert signed_in["token"], "accounts came back"
    report_issue(city.resident(), "after")
    stop(process)
    before, after = report["logs"]["issues"]["position"], city.heads()["issues"][0]
    assert after > before
    assert city.run("replay").returncode == 0


def test_it_was_busy(backed_up: dict[str, Any]) -> None:
    """The backup was taken while others wrote: the city has gone on since."""
    there, now = backed_up["manifest"]["logs"]["issues"]["position"], backed_up["city"].heads()["issues"][0]
    assert BEFORE < there < now


@pytest.mark.parametrize("share", [4, 2])
def test_a_restore_to_a_size_gives_what_replay_gave(backed_up: dict[str, Any], share: int) -> None:
    founded = backed_up["founded"]
    size = founded + (backed_up["manifest"]["size"] - founded) // share
    city, report = restored(backed_up, f"size-{share}", "--to", str(size), *keys(backed_up))
    assert report["ledger"]["size"] == size
    expected = backed_up["city"].digests(str(size))
    assert {service["service"]: service["digests"] for service in report["services"]} == expected
    assert city.digests(str(size)) == expected
    assert city.report("verify")["ledger"]["entries"] == size
    assert city.run("replay").returncode == 0
    shown = city.run(
        "restore", str(backed_up["folder"] / "backup"), "--to", str(size), LINLI_DATA=str(city.folder) + "-again"
    )
    assert "no longer hold" in shown.stdout and "without --keys" in shown.stdout


def test_a_restore_to_positions_cuts_ledger_and_followers_too(backed_up: dict[str, Any], clean_up: list[Any]) -> None:
    """The ledger stops where a log does; what it held of other logs beyond is entered again after the start."""
    logs = backed_up["manifest"]["logs"]
    city, report = restored(backed_up, "positions", "--to", "issues=10", *keys(backed_up))
    assert report["logs"]["issues"]["position"] == 10
    assert report["logs"]["registry"]["position"] == logs["registry"]["position"]
    for service, checkpoints in report["checkpoints"].items():
        assert checkpoints.get("follow:issues", 0) <= 10, service
        assert checkpoints["relay"] <= report["logs"][service]["position"]
    waiting = city.report("verify")["ledger"]["waiting"]
    assert waiting == sum(log["position"] for log in report["logs"].values()) - report["ledger"]["size"] > 0
    clean_up.append(process := city.start())
    deadline = time.monotonic() + 30
    while city.report("verify")["ledger"]["waiting"]:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    stop(process)
    assert city.run("replay").returncode == 0


def test_a_restore_to_a_time(backed_up: dict[str, Any]) -> None:
    commits = [json.loads(line)["body"] for line in (backed_up["folder"] / "backup" / "issues.log.jsonl").open()]
    moment = commits[len(commits) // 2]["time"]
    city, report = restored(backed_up, "time", "--to", moment, *keys(backed_up))
    assert report["logs"]["issues"]["position"] == max(
        body["position"] + len(body["events"]) - 1 for body in commits if body["time"] <= moment
    )
    assert {service["service"]: service["digests"] for service in report["services"]} == backed_up["city"].digests(
        moment
    )
    assert city.run("verify").returncode == 0


def test_what_was_erased_stays_erased(backed_up: dict[str, Any]) -> None:
    """An older copy of the keys still has the key; the erasure in the backup counts, even when it is cut away (R9)."""
    folder = backed_up["folder"]
    old = folder / "old-keys"
    shutil.copytree(folder / "keys", old)
    lines = [json.loads(line) for line in (old / "personal.jsonl").read_text().splitlines()]
    assert next(row for row in lines if row[0] == "chen")[2] is None
    with (old / "personal.jsonl").open("w") as file:
        for subject, generation, secret in lines:
            file.write(json.dumps([subject, generation, secret or base64.b64encode(b"k" * 32).decode()]) + "\n")
    city, _ = restored(backed_up, "erased", "--to", f"registry={backed_up['founded']},issues=0", "--keys", str(old))
    store = SqliteKeys(city.folder / "keys" / "personal.sqlite")
    chen, lin = store.get("chen"), store.get("lin")
    assert chen is not None and chen.secret is None
    assert lin is not None and lin.secret is not None
    store.close()


def test_without_keys_nobody_can_be_read(backed_up: dict[str, Any]) -> None:
    city, report = restored(backed_up, "study")
    assert report["keys"] is False
    store = SqliteKeys(city.folder / "keys" / "personal.sqlite")
    bodies = [json.loads(line)["body"] for line in (backed_up["folder"] / "backup" / "registry.log.jsonl").open()]
    names = [
        event["data"]["name"] for body in bodies for event in body["events"] if event["type"] == "PersonRegistered"
    ]
    assert len(names) == 2 and all(name.startswith("sealed:v1:") for name in names)
    assert [Personal(store).open(name) for name in names] == [None, None]
    store.close()
    assert not (city.folder / "operator.token").exists()
    made = city.report("key", "show")["keys"][-1]
    assert made["reason"] == "restored without the key that signed before"
    refused(city.run("verify"), 1, "is named by no older key", "--accept-key")  # nobody can tell it from a thief's
    assert city.run("verify", "--accept-key", made["vkey"]).returncode == 0
