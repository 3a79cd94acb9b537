"""Whoever waits for their commit to be written in a group."""

from __future__ import annotations

import threading

from shared.log.record import (
    Commit,
    Receipt,
)


class Waiting:
    """A commit in the queue, and what became of it; waking its owner also asks it to take over as the writer."""

    __slots__ = ("_asleep", "commit", "error", "receipt", "settled")

    def __init__(self, commit: Commit) -> None:
        self.commit = commit
        self._asleep = threading.Lock()  # held until there is news; cheaper than an event
        self._asleep.acquire()
        self.settled = False
        self.receipt: Receipt | None = None
        self.error: BaseException | None = None

    def settle(self, receipt: Receipt | None, error: BaseException | None = None) -> None:
        self.receipt, self.error = receipt, error
        self.settled = True
        self.wake()

    def wait(self) -> None:
        """Sleep until there is news."""
        self._asleep.acquire()

    def wake(self) -> None:
        """Tell the owner that there is news."""
        try:
            self._asleep.release()
        except RuntimeError:  # it has been told already
            pass


def alone_first(waiting: Waiting) -> bool:
    """The order in a group: others that come with it would refuse a commit that tolerates none before it."""
    return waiting.commit.alone is None
