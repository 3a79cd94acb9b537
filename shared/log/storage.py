"""Where a log keeps its commits: what each storage must do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from shared.log.record import (
    Head,
    Span,
    StoredCommit,
)


class TakenError(Exception):
    """The storage holds something of the group already, or its outcome is unknown: look again before going on."""


class Storage(Protocol):
    """Where commits lie. Adapters: memory, SQLite, MongoDB; one contract suite runs over all of them."""

    def head(self) -> Head:
        """The end of the log, without a scan."""

    def stream_version(self, stream: str) -> int:
        """The version of a stream's last event (0: none), without a scan, whichever commit wrote it.

        At least that which it had at the head that this storage has told last.
        """

    def find_command(self, command_id: str) -> StoredCommit | None:
        """The commit that a command wrote."""

    def insert(self, commits: Sequence[StoredCommit]) -> None:
        """Make commits durable in order; returns only when they are on disk.

        Raises `TakenError` when a position, a version of a stream, be it of a part, or a command id exists or the outcome is unknown
        (a prefix may then have been written, each commit with all its parts), and `UnavailableError` when nothing can be written.
        """

    def scan(self, after: int, limit: int | None, until: int | None) -> Iterator[StoredCommit]:
        """Commits whose last position is beyond `after`, in order; at most `limit` commits, none starting beyond `until`."""

    def scan_stream(self, stream: str, after: int) -> Iterator[StoredCommit]:
        """Commits with events of one stream, own or as a part, of which the last version is beyond `after`, in order."""

    def snapshot(self, stream: str) -> tuple[int, str, bytes] | None:
        """The stored fold of a stream: its version, the shape it was written in, and its bytes."""

    def save_snapshot(self, stream: str, version: int, shape: str, state: bytes) -> None:
        """Replace the stored fold of a stream; a snapshot is a cache and may be lost."""

    def snapshots(self) -> Iterator[tuple[str, int, str, bytes]]:
        """All stored folds, with their streams."""

    def pointers(self) -> Iterator[tuple[Span, str]]:
        """What is kept of the parts of commits besides the commits themselves, in the order of positions, with its command id."""

    def check_shape(self) -> None:
        """Raise `CorruptionError` when what refuses a second writer or a change is not there as it should be, or anything else is.

        Raises `UnavailableError` when this user may not see it.
        """

    def probe(self) -> None:
        """Write something that leaves nothing behind; raises `UnavailableError` when nothing can be written."""

    def close(self) -> None:
        """Let go of files and connections."""
