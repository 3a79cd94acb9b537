"""64 writers on one log, some killed, some frozen, many sending twice: positions without a gap, and followers miss nothing (R6)."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.log import EventLog
from shared.log.memory import MemoryStorage
from shared.log.mongodb_opening import migrate
from shared.log.record import verify_chain
from shared.log.sqlite import SqliteStorage
from tests.contract import mongo
from tests.faults.processes import ROOT
from tests.faults.writing import open_storage, write
from tests.processes import wait_until

PROCESSES, THREADS, COMMITS = 4, 16, 12


class Follower(threading.Thread):
    """Reads a log as it grows, as a relay does; `seen` are the positions in the order of reading."""

    def __init__(self, log: EventLog) -> None:
        super().__init__(daemon=True)
        self.seen: list[tuple[int, str]] = []
        self.done = threading.Event()
        self._log = log

    def run(self) -> None:
        """Read until told, and then to the end."""
        last = False
        while not last:
            last = self.done.is_set()
            after = self.seen[-1][0] if self.seen else 0
            self.seen += [(record.position, record.id) for record in self._log.read(after, limit=50)]
            while last and self.seen and self.seen[-1][0] < self._log.head().position:
                self.seen += [(record.position, record.id) for record in self._log.read(self.seen[-1][0], limit=50)]
            self.done.wait(0.01)


@pytest.fixture(params=["sqlite", "mongodb"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, str]]:
    """An empty log: its kind, and where it is."""
    if request.param == "sqlite":
        SqliteStorage(tmp_path / "log.sqlite").close()
        yield "sqlite", str(tmp_path / "log.sqlite")
        return
    database = mongo.database()
    migrate(database)
    yield "mongodb", f"{mongo.server().uri}#{database.name}"
    database.client.drop_database(database.name)


def test_64_writers_in_four_processes(place: tuple[str, str], tmp_path: Path, seed: int) -> None:
    """One process is killed in the middle and its commands are sent again by a successor; another one is frozen for a while."""
    followers = [Follower(EventLog("test", open_storage(*place))) for _ in range(2)]
    outputs = [tmp_path / f"{name}.txt" for name in "abcd"]
    processes = [_start(place, name, output, seed) for name, output in zip("abcd", outputs, strict=True)]
    for follower in followers:
        follower.start()
    try:
        wait_until(lambda: len(_receipts(outputs[:1])) > THREADS, 60, lambda: "the first writers do not get on")
        os.kill(processes[1].pid, signal.SIGSTOP)
        processes[0].kill()
        processes[0].wait()
        before = _receipts(outputs[:1])
        time.sleep(0.3)  # how long the others go on without the frozen one
        os.kill(processes[1].pid, signal.SIGCONT)
        processes[0] = _start(place, "a", outputs[0], seed)  # the same commands from the start
        for process in processes:
            assert process.wait(120) == 0
    finally:
        for process in processes:
            process.kill()
            process.wait()
        for follower in followers:
            follower.done.set()
            follower.join(30)
    receipts = _receipts(outputs)
    assert len(receipts) == len(before) + PROCESSES * THREADS * COMMITS
    _check(EventLog("test", open_storage(*place)), receipts, followers)


def test_64_writers_in_one_process(seed: int, capfd: pytest.CaptureFixture[str]) -> None:
    """Threads over the log in memory: the group commit itself."""
    log = EventLog("test", MemoryStorage())
    followers = [Follower(log) for _ in range(2)]
    writers = [threading.Thread(target=write, args=(log, f"a{n}", COMMITS, seed)) for n in range(PROCESSES * THREADS)]
    for thread in (*followers, *writers):
        thread.start()
    for writer in writers:
        writer.join(60)
        assert not writer.is_alive()
    for follower in followers:
        follower.done.set()
        follower.join(30)
    _check(log, [_receipt(line) for line in capfd.readouterr().out.splitlines() if line.startswith("a")], followers)


def _start(place: tuple[str, str], name: str, output: Path, seed: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "tests.faults.writing", *place, name, str(THREADS), str(COMMITS), str(seed)]
    with output.open("ab") as file:
        return subprocess.Popen(command, cwd=ROOT, stdout=file)


def _receipts(outputs: list[Path]) -> list[tuple[str, int, int, str]]:
    return [_receipt(line) for output in outputs for line in output.read_text().splitlines()]


def _receipt(line: str) -> tuple[str, int, int, str]:
    command_id, position, version, stream = line.split()
    return command_id, int(position), int(version), stream


def _check(log: EventLog, receipts: list[tuple[str, int, int, str]], followers: list[Follower]) -> None:
    commits = list(verify_chain(log.read_commits()))  # positions and versions without a gap, digests, links
    by_command = {commit.command_id: commit for commit in commits}
    assert len(by_command) == len(commits) == PROCESSES * THREADS * COMMITS
    assert not [command for command in by_command if command.endswith("-gone")]
    for command_id, position, version, stream in receipts:
        stored = by_command[command_id]
        assert (stored.last_position, stored.last_version, stored.stream) == (position, version, stream)
    everything = [(record.position, record.id) for record in log.read()]
    assert [position for position, _ in everything] == list(range(1, len(everything) + 1))
    assert all(follower.seen == everything for follower in followers)
    log.close()
