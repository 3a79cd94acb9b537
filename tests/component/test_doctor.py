"""`linli doctor` finds what is wrong with files, broker and database and says what to do; `linli migrate` puts MongoDB right."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pymongo
import pytest
from kombu import Connection

from services.console.catalogue import OWNERS, SERVICES, definition
from services.console.doctor import database as doctor_database
from services.console.doctor import examine as doctor
from services.console.doctor import rights as doctor_rights
from services.console.doctor.finding import room
from shared.broker.topology import EXCHANGE, PUBLIC, declare, queue_for
from shared.service.settings import Settings, write_private
from shared.service.storage import open_log, open_views
from tests.servers import MongoStandIn, RabbitMQ

ROOT = Path(__file__).resolve().parents[2]
Report = dict[str, Any]
Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder as the first start leaves it."""
    folder = tmp_path / "data"
    settings = Settings.read({"LINLI_DATA": str(folder)})
    settings.secrets()
    for name in OWNERS:
        open_log(settings, name).close()
        open_views(settings, name, definition(name).all_views).close()
    write_private(folder / "operator.token", b"t" * 40)
    return folder


def examine(data: Path, *services: str, **variables: str) -> Report:
    return doctor.examine(Settings.read({"LINLI_DATA": str(data), **variables}), list(services))


def states(report: Report) -> dict[str, str]:
    return {finding["check"]: finding["state"] for finding in report["checks"]}


def finding(report: Report, check: str) -> dict[str, str]:
    found: dict[str, str] = next(finding for finding in report["checks"] if finding["check"] == check)
    return found


def failed(report: Report) -> list[str]:
    return [check for check, state in states(report).items() if state == "failed"]


def test_a_healthy_folder(data: Path) -> None:
    report = examine(data)
    assert (report["shape"], failed(report)) == ("embedded", [])
    found = states(report)
    assert found["data folder"] == found["secret"] == found["operator.token"] == found["issues.log.sqlite"] == "ok"
    assert found["Python"] == found["libraries"] == found["SQLite"] == "ok"


def test_each_fault_of_a_folder_is_found(data: Path) -> None:
    """Every one is named with what to do, and the others are still looked at."""
    (data / "secret").chmod(0o644)
    (data / "operator.token").chmod(0o640)
    data.chmod(0o777)
    (data / "issues.log.sqlite").unlink()
    with sqlite3.connect(data / "issues.log.sqlite") as file:
        file.execute("PRAGMA application_id = 7")
        file.execute("CREATE TABLE a (b)")
    with sqlite3.connect(data / "funding.log.sqlite") as file:
        file.execute("PRAGMA user_version = 99")
    for part in ("", "-wal", "-shm"):
        data.joinpath(f"audit.ledger.sqlite{part}").unlink(missing_ok=True)
    (data / "audit.ledger.sqlite").write_bytes(b"not a database " * 100)
    report = examine(data)
    wrong = [
        "data folder",
        "secret",
        "operator.token",
        "issues.log.sqlite",
        "funding.log.sqlite",
        "audit.ledger.sqlite",
    ]
    assert sorted(failed(report)) == sorted(wrong)
    assert finding(report, "secret")["advice"] == f"chmod 600 {data / 'secret'}"
    assert "format 99" in finding(report, "funding.log.sqlite")["message"]
    assert all(finding(report, check)["advice"] for check in wrong)


def test_a_full_disk_is_said_in_time() -> None:
    assert [room("disk", free << 30).state for free in (0, 2, 50)] == ["failed", "warning", "ok"]


@pytest.mark.parametrize(
    ("seconds", "state"), [(0, "ok"), (-5, "warning"), (5, "warning"), (90, "failed"), (-90, "failed")]
)
def test_clocks_that_differ_are_found(seconds: int, state: str) -> None:
    """Signed calls are good for a minute, so clocks must not differ by more than a part of it."""
    here = datetime(2026, 3, 1, tzinfo=UTC)
    assert doctor_database._clock(here, here + timedelta(seconds=seconds)).state == state


def test_too_old_a_database_and_a_small_replica_set() -> None:
    def server(number: str, **hello: Any) -> list[str]:
        return [finding.state for finding in doctor_database._server(hello, {"version": number}, False)]

    three = {"setName": "rs0", "hosts": ["a:1", "b:1", "c:1"]}
    assert server("7.0.14", **three) == ["ok", "ok"]
    assert server("8.2.0", setName="rs0", hosts=["a:1"]) == ["ok", "warning"]
    assert server("6.0.19", **three) == ["failed", "ok"]
    assert server("10.0.0") == ["ok", "failed"]


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        ({"defaultWriteConcern": {"w": "majority", "wtimeout": 0}, "defaultWriteConcernSource": "implicit"}, ["ok"]),
        ({"defaultWriteConcern": {"w": 1, "wtimeout": 0}, "defaultWriteConcernSource": "global"}, ["warning"]),
        ({}, ["warning"]),
    ],
)
def test_the_default_write_concern(answer: dict[str, Any], state: list[str]) -> None:
    """The answers that MongoDB documents for getDefaultRWConcern; the stand-in has no such command and nothing is said."""

    class Admin:
        def command(self, name: str) -> dict[str, Any]:
            assert name == "getDefaultRWConcern"
            return answer

    assert [found.state for found in doctor_rights.default_write_concern(Admin())] == state


@pytest.fixture
def run(data: Path) -> Run:
    def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-W", "ignore", "-m", "services.console", *arguments]
        environment = os.environ | {"LINLI_DATA": str(data)} | variables
        return subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=90, check=False
        )

    return run


def test_one_line_a_check_and_an_exit_code(run: Run, data: Path) -> None:
    done = run("doctor")
    assert done.returncode == 0, done.stdout
    assert f"ok       data folder: {data} is writable and private" in done.stdout
    (data / "secret").chmod(0o604)
    done = run("doctor")
    assert done.returncode == 1
    assert f"→ chmod 600 {data / 'secret'}" in done.stdout
    report = json.loads(run("doctor", "--json").stdout)
    assert (report["failed"], failed(report)) == (1, ["secret"])
    done = run("doctor", "nobody")
    assert done.returncode == 2 and "there is no service 'nobody'" in done.stderr


def test_a_server_that_is_away_is_one_failed_check(data: Path) -> None:
    report = examine(
        data, AMQP_URI="amqp://guest:very-secret@127.0.0.1:1//", MONGODB_URI="mongodb://127.0.0.1:1/?timeoutMS=500"
    )
    assert {"broker", "MongoDB"} <= set(failed(report))
    assert "127.0.0.1:1 does not answer" in finding(report, "broker")["message"]
    assert "very-secret" not in json.dumps(report)


def test_a_broker_is_looked_at_and_not_touched(rabbitmq: RabbitMQ, data: Path) -> None:
    """Nothing there; all there; one queue of the wrong kind (architecture, §4)."""
    uri = rabbitmq.vhost()
    following = [name for name in OWNERS if definition(name).sources]
    names = [f"exchange {EXCHANGE}", "exchange linli.dead", "queue linli.dead-letters"]
    names += [f"queue linli.facts.{name}" for name in following] + [f"exchange {PUBLIC}"]
    assert failed(examine(data, AMQP_URI=uri)) == names
    assert failed(examine(data, AMQP_URI=uri)) == names, "looking made something"
    with Connection(uri) as connection:
        for name in following:
            declare(connection, queue_for(name, definition(name).sources))
        connection.channel().exchange_declare(PUBLIC, "topic", durable=True, auto_delete=False)
    report = examine(data, AMQP_URI=uri)
    assert failed(report) == [] and all(states(report)[name] == "ok" for name in names)
    assert "RabbitMQ" in finding(report, "broker version")["message"]
    wrong = f"linli.facts.{following[0]}"
    with Connection(uri) as connection:
        channel = connection.channel()
        channel.queue_delete(wrong)
        channel.queue_declare(wrong, durable=True, auto_delete=False)
    report = examine(data, AMQP_URI=uri)
    assert failed(report) == [f"queue {wrong}"]
    assert "different" in finding(report, f"queue {wrong}")["message"]
    assert "delete the queue" in finding(report, f"queue {wrong}")["advice"]


def test_a_queue_that_gives_another_system_whole_facts_is_found(rabbitmq: RabbitMQ, data: Path) -> None:
    """RabbitMQ keeps what the definitions of the release before made."""
    uri, name = rabbitmq.vhost(), "linli.subscriber.street"
    with Connection(uri) as connection:
        connection.channel().queue_declare(name, durable=True, auto_delete=False)
        report = examine(data, AMQP_URI=uri)
        assert f"queue {name}" in failed(report)
        assert f"delete_queue {name}" in finding(report, f"queue {name}")["advice"]
        connection.channel().queue_delete(name)
    assert f"queue {name}" not in states(examine(data, AMQP_URI=uri))


def test_wrong_credentials_are_named(rabbitmq: RabbitMQ, data: Path) -> None:
    uri = rabbitmq.vhost().replace("guest:guest", "guest:wrong")
    report = examine(data, AMQP_URI=uri)
    assert failed(report) == ["broker"]
    assert "refuses the user 'guest'" in finding(report, "broker")["message"]


@pytest.fixture(scope="module")
def guarded() -> Iterator[MongoStandIn]:
    """A stand-in of this module's own that asks everybody for a password."""
    server = MongoStandIn()
    server.guard()
    yield server
    server.destroy()


def test_migrate_then_doctor(guarded: MongoStandIn, run: Run, data: Path, tmp_path: Path) -> None:
    """Before: everything is missing. After: each service can append and nobody can change; repeating changes nothing."""
    report = examine(data, MONGODB_URI=guarded.uri)
    assert {f"linli_{name} log" for name in OWNERS} <= set(failed(report))
    assert "linli migrate" in finding(report, "linli_issues log")["advice"]
    users = tmp_path / "users"
    users.mkdir()
    for name in (*SERVICES, "auditor"):
        (users / f"mongodb_{name}").write_text(f"linli-{name}-pw\n")
    first = run("migrate", "--users", str(users), "--json", MONGODB_URI=guarded.uri)
    assert first.returncode == 0, first.stderr
    assert {found["state"] for found in json.loads(first.stdout)["databases"]} == {"created"}
    again = run("migrate", "--json", MONGODB_URI=guarded.uri)
    assert again.returncode == 0, again.stderr
    assert {found["state"] for found in json.loads(again.stdout)["databases"]} == {"in place"}

    report = examine(data, "issues", MONGODB_URI=guarded.of("linli-issues", "linli-issues-pw"))
    assert failed(report) == [], report
    expected = {"MongoDB": "warning", "linli_issues write concern": "ok", "linli_issues_views": "ok", "clocks": "ok"}
    assert states(report) | expected == states(report)
    # the stand-in takes a right on one collection (updating snapshots) for a right on the whole database
    assert "delete" not in finding(report, "linli_issues append-only")["message"]
    assert "stand-in" in finding(report, "MongoDB")["message"]
    assert (
        states(examine(data, "issues", MONGODB_URI=guarded.of("linli-gateway", "linli-gateway-pw")))["linli_issues log"]
        == "warning"
    )
    powerful = finding(examine(data, "issues", MONGODB_URI=guarded.uri), "linli_issues append-only")
    assert powerful["message"] == "this user may update and delete commits"

    with pymongo.MongoClient[dict[str, Any]](guarded.uri) as client:
        only = [{"resource": {"db": "linli_issues", "collection": "groups"}, "actions": ["find", "insert"]}]
        client.admin.command("createRole", "writer", privileges=only, roles=[])
        client.admin.command("createUser", "writer", pwd="writer-pw", roles=[{"role": "writer", "db": "admin"}])
        with pymongo.MongoClient[dict[str, Any]](guarded.of("writer", "writer-pw")) as writer:
            assert doctor_rights.unchangeable(writer["linli_issues"], False).state == "ok"
        assert doctor_rights.unchangeable(client["linli_issues"], False).state == "failed"
        assert [found.state for found in doctor_rights.roles(client.admin)] == ["ok"]
        client.admin.command("grantPrivilegesToRole", "linli-funding", privileges=[
            {"resource": {"db": "linli_funding", "collection": "groups"}, "actions": ["remove"]}])  # fmt: skip
        found = next(iter(doctor_rights.roles(client.admin)))
        assert (found.state, found.message) == ("failed", "not as they should be: linli-funding")
        assert "linli migrate --users" in found.advice
        client.admin.command("revokePrivilegesFromRole", "linli-funding", privileges=[
            {"resource": {"db": "linli_funding", "collection": "groups"}, "actions": ["remove"]}])  # fmt: skip
        client["linli_issues"]["groups"].drop_index("last")
        client["linli_funding"].command("collMod", "index", validator={})
    report = examine(data, MONGODB_URI=guarded.uri)
    assert failed(report) == ["linli_issues log", "linli_funding log"]
    repaired = json.loads(run("migrate", "--json", MONGODB_URI=guarded.uri).stdout)
    changed = {found["database"]: found["changed"] for found in repaired["databases"] if found["state"] == "updated"}
    assert changed == {"linli_issues": ["groups"], "linli_funding": ["index"]}
    assert failed(examine(data, MONGODB_URI=guarded.uri)) == []


def test_sqlite_needs_no_migration(run: Run) -> None:
    done = run("migrate")
    assert done.returncode == 0 and "SQLite files need no migration" in done.stdout
    assert json.loads(run("migrate", "--json").stdout) == {"needed": False, "databases": []}
