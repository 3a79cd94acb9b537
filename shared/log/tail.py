"""The last commits that this process wrote, kept in memory: those who follow the log find them there instead of asking the storage."""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections.abc import Sequence
from operator import attrgetter

from shared.log.record import StoredCommit

#: Most commits and most bytes of them that are kept.
MOST_COMMITS, MOST_BYTES = 2_000, 8_000_000
_last_position = attrgetter("last_position")


class Tail:
    """Commits without a gap between them, each of which the storage has made durable. Safe between threads."""

    def __init__(self) -> None:
        self._commits: list[StoredCommit] = []
        self._bytes = 0
        self._lock = threading.Lock()

    def add(self, commits: Sequence[StoredCommit]) -> None:
        """Keep what was just written; the oldest are let go, and all of them when another process wrote in between."""
        with self._lock:
            kept = self._commits
            if kept and kept[-1].last_position + 1 != commits[0].position:
                kept.clear()
                self._bytes = 0
            kept.extend(commits)
            self._bytes += sum(len(commit.body) for commit in commits)
            if len(kept) > MOST_COMMITS or self._bytes > MOST_BYTES:
                self._let_go()

    def _let_go(self) -> None:
        """Keep half of what may be kept, so that this is not done with each commit."""
        size, first = 0, len(self._commits)
        while first and len(self._commits) - first < MOST_COMMITS // 2:
            size += len(self._commits[first - 1].body)
            if size > MOST_BYTES // 2:
                break
            first -= 1
        del self._commits[:first]
        self._bytes = sum(len(commit.body) for commit in self._commits)

    def beyond(self, position: int, limit: int | None) -> list[StoredCommit]:
        """At most `limit` commits that follow `position`; none when they are not here, or when there are none yet."""
        with self._lock:
            kept = self._commits
            if not kept or kept[0].position > position + 1:
                return []
            first = bisect_right(kept, position, key=_last_position)
            return kept[first : None if limit is None else first + limit]
