"""What was acknowledged is there after SIGKILL of the writer or of the server, and the chain verifies (R1)."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import pytest
from pymongo import MongoClient

from shared.log import EventLog, Storage
from shared.log.mongodb import MongoStorage
from shared.log.mongodb_opening import migrate
from shared.log.record import pointers_of, verify_chain
from shared.log.sqlite import SqliteStorage
from tests.contract import mongo
from tests.contract.test_log import commit
from tests.servers import ExternalMongo, MongoStandIn

ROOT = Path(__file__).parents[2]
ENOUGH = 40  # receipts before the kill


class Writer:
    """A process that appends, and the receipts it has printed."""

    def __init__(self, kind: str, where: str, name: str, output: Path) -> None:
        self._output = output
        self._file: IO[bytes] = output.open("wb")
        command = [sys.executable, "-m", "tests.contract.appending", kind, where, name]
        self.process = subprocess.Popen(command, cwd=ROOT, stdout=self._file)

    def receipts(self) -> list[tuple[str, int, str]]:
        """Whole lines only: the last may have been cut by the kill."""
        lines = self._output.read_text().split("\n")[:-1]
        return [(command, int(position), digest) for command, position, digest in map(str.split, lines)]

    def wait_for(self, count: int) -> None:
        deadline = time.monotonic() + 60
        while len(self.receipts()) < count:
            assert self.process.poll() is None, "the writer ended by itself"
            assert time.monotonic() < deadline, "the writer is too slow"
            time.sleep(0.01)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(30)
        self._file.close()


@pytest.fixture
def writers(tmp_path: Path) -> Iterator[list[Writer]]:
    writers: list[Writer] = []
    yield writers
    for writer in writers:
        writer.kill()


def check(storage: Storage, receipts: list[tuple[str, int, str]]) -> None:
    """Every receipt is in the log, its chain verifies, and it takes new commits."""
    log = EventLog("test", storage)
    last = log.append(
        commit("after", 0)
    ).position  # a request of the dead writer may still have been on its way until now
    commits = {stored.command_id: stored for stored in verify_chain(log.read_commits())}
    assert len(receipts) >= ENOUGH
    for command_id, position, digest in receipts:
        assert (commits[command_id].last_position, commits[command_id].digest) == (position, digest)
    command_id, position, digest = receipts[-1]
    again = log.append(commit(commits[command_id].stream, 0, command_id=command_id))
    assert (again.position, again.digest) == (position, digest)
    assert log.head().position == last == 2 * (len(commits) - 1) + 1
    for stream in {stored.stream for stored in commits.values() if pointers_of(stored)}:
        versions = [record.version for record in log.read_stream(f"{stream}-also")]
        assert versions == [record.version for record in log.read_stream(stream)]
    log.close()


@pytest.mark.parametrize("round_", range(3))
def test_sqlite_keeps_what_it_acknowledged_when_its_writers_are_killed(
    writers: list[Writer], tmp_path: Path, round_: int
) -> None:
    path = tmp_path / "log.sqlite"
    SqliteStorage(path).close()
    for name in "ab":
        writers.append(Writer("sqlite", str(path), name, tmp_path / f"{name}.txt"))
    for number, writer in enumerate(writers):
        writer.wait_for(ENOUGH * (1 + round_) + 7 * number)
    for writer in writers:
        writer.kill()
    check(SqliteStorage(path), [receipt for writer in writers for receipt in writer.receipts()])


def test_mongodb_keeps_what_it_acknowledged_when_its_writers_are_killed(writers: list[Writer], tmp_path: Path) -> None:
    database = mongo.database()
    migrate(database)
    for name in "ab":
        writers.append(Writer("mongodb", f"{mongo.server().uri}#{database.name}", name, tmp_path / f"{name}.txt"))
    for writer in writers:
        writer.wait_for(ENOUGH)
    for writer in writers:
        writer.kill()
    check(MongoStorage(database), [receipt for writer in writers for receipt in writer.receipts()])
    database.client.drop_database(database.name)


def test_mongodb_keeps_what_it_acknowledged_when_the_server_is_killed(writers: list[Writer], tmp_path: Path) -> None:
    others = isinstance(mongo.server(), ExternalMongo)  # not ours to kill: then one of our own is
    server = MongoStandIn() if others else mongo.server()
    client: MongoClient[dict[str, Any]] = MongoClient(server.uri, tz_aware=True)
    database = client[mongo.database().name]
    migrate(database)
    writers.append(Writer("mongodb", f"{server.uri}#{database.name}", "a", tmp_path / "a.txt"))
    writers[0].wait_for(ENOUGH)
    server.kill()
    before = len(writers[0].receipts())
    server.start()
    writers[0].wait_for(before + ENOUGH)  # the same process goes on by itself
    server.kill()
    server.start()
    writers[0].kill()
    check(MongoStorage(database), writers[0].receipts())
    client.drop_database(database.name)
    client.close()
    if others:
        server.destroy()
