"""The log in memory, for tests and trials: nothing is kept when the process ends."""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections.abc import Iterator, Sequence

from shared.log.record import Head, Span, StoredCommit, pointer_id, pointers_of, read_body
from shared.log.storage import TakenError


class MemoryStorage:
    """Keeps commits in a list."""

    def __init__(self) -> None:
        self._commits: list[StoredCommit] = []
        self._last: list[int] = []  # last position of each commit
        self._streams: dict[
            str, list[tuple[int, StoredCommit]]
        ] = {}  # with the last version of the stream in each commit
        self._commands: dict[str, StoredCommit] = {}
        self._snapshots: dict[str, tuple[int, str, bytes]] = {}
        self._lock = threading.Lock()

    def head(self) -> Head:
        if not self._commits:
            return Head()
        last = self._commits[-1]
        return Head(last.last_position, last.digest, read_body(last).time)

    def stream_version(self, stream: str) -> int:
        commits = self._streams.get(stream)
        return commits[-1][0] if commits else 0

    def find_command(self, command_id: str) -> StoredCommit | None:
        return self._commands.get(command_id)

    def insert(self, commits: Sequence[StoredCommit]) -> None:
        with self._lock:
            self._insert(commits)

    def _insert(self, commits: Sequence[StoredCommit]) -> None:
        position = self._last[-1] if self._last else 0
        if commits[0].position != position + 1:
            raise TakenError
        versions: dict[str, int] = {}
        for commit in commits:
            if commit.command_id in self._commands:
                raise TakenError
            for part in _spans(commit):
                if part.version != versions.get(part.stream, self.stream_version(part.stream)) + 1:
                    raise TakenError
                versions[part.stream] = part.last_version
        for commit in commits:
            self._commits.append(commit)
            self._last.append(commit.last_position)
            for part in _spans(commit):
                self._streams.setdefault(part.stream, []).append((part.last_version, commit))
            self._commands[commit.command_id] = commit

    def scan(self, after: int, limit: int | None, until: int | None) -> Iterator[StoredCommit]:
        start = bisect_right(self._last, after)
        end = None if limit is None else start + limit
        for commit in self._commits[start:end]:
            if until is not None and commit.position > until:
                return
            yield commit

    def scan_stream(self, stream: str, after: int) -> Iterator[StoredCommit]:
        return (commit for last, commit in list(self._streams.get(stream, ())) if last > after)

    def snapshot(self, stream: str) -> tuple[int, str, bytes] | None:
        return self._snapshots.get(stream)

    def save_snapshot(self, stream: str, version: int, shape: str, state: bytes) -> None:
        self._snapshots[stream] = (version, shape, state)

    def snapshots(self) -> Iterator[tuple[str, int, str, bytes]]:
        return ((stream, *snapshot) for stream, snapshot in self._snapshots.items())

    def pointers(self) -> Iterator[tuple[Span, str]]:
        return ((part, pointer_id(commit, part)) for commit in self._commits for part in pointers_of(commit))

    def check_shape(self) -> None:
        """Memory has no shape that could change."""

    def probe(self) -> None:
        """Memory can always be written."""

    def close(self) -> None:
        """Nothing to let go of."""


def _spans(commit: StoredCommit) -> Iterator[Span]:
    yield commit
    yield from pointers_of(commit)
