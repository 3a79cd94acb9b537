"""The event log: decides the order of commits; a `Storage` makes them durable.

Commands that wait at the same time are written together with one disk flush (group commit): whoever finds nobody writing
becomes the writer for everyone in the queue. No thread of its own is needed, so it runs the same under threads and eventlet.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import chain, dropwhile, takewhile
from typing import Any, Protocol

from shared.domain.errors import BadInputError, ConcurrencyError, IllegalStateError, UnavailableError
from shared.domain.record import Record
from shared.log.record import Commit, Head, Receipt, StoredCommit, place_commit, receipt_of, records_of
from shared.log.tail import Tail

#: Most commits that one flush may carry.
LARGEST_GROUP = 500
#: Most bytes of event data in one commit: far below what a broker or database takes in one message or document.
LARGEST_COMMIT = 4_000_000
#: Most streams whose version is remembered between appends.
REMEMBERED_STREAMS = 20_000


class TakenError(Exception):
    """The storage holds something of the group already, or its outcome is unknown: look again before going on."""


class Storage(Protocol):
    """Where commits lie. Adapters: memory, SQLite, MongoDB; one contract suite runs over all of them."""

    def head(self) -> Head:
        """The end of the log, without a scan."""

    def stream_version(self, stream: str) -> int:
        """The version of a stream's last event (0: none), without a scan."""

    def find_command(self, command_id: str) -> StoredCommit | None:
        """The commit that a command wrote."""

    def insert(self, commits: Sequence[StoredCommit]) -> None:
        """Make commits durable in order; returns only when they are on disk.

        Raises `TakenError` when a position, stream version or command id exists or the outcome is unknown (a prefix may then have
        been written), and `UnavailableError` when nothing can be written.
        """

    def scan(self, after: int, limit: int | None, until: int | None) -> Iterator[StoredCommit]:
        """Commits whose last position is beyond `after`, in order; at most `limit` commits, none starting beyond `until`."""

    def scan_stream(self, stream: str, after: int) -> Iterator[StoredCommit]:
        """Commits of one stream whose last version is beyond `after`, in order."""

    def snapshot(self, stream: str) -> tuple[int, str, bytes] | None:
        """The stored fold of a stream: its version, the shape it was written in, and its bytes."""

    def save_snapshot(self, stream: str, version: int, shape: str, state: bytes) -> None:
        """Replace the stored fold of a stream; a snapshot is a cache and may be lost."""

    def close(self) -> None:
        """Let go of files and connections."""


def now() -> str:
    """The current time as RFC 3339 in UTC, microseconds."""
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _yield() -> None:
    time.sleep(0)


class _Waiting:
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


class EventLog:
    """One service's history. Positions are gap-free from 1 and count events; commits become visible in order."""

    def __init__(
        self, name: str, storage: Storage, clock: Callable[[], str] = now, gather: Callable[[], None] | None = None
    ) -> None:
        """`gather` is called by the writer before it takes the queue; under eventlet it yields once so that others can join."""
        self.name = name
        self.storage = storage
        self._clock = clock
        self._gather = gather
        self._queue: deque[_Waiting] = deque()
        self._crowd = 0  # commits in the last group
        self._writing = threading.Lock()
        self._head: Head | None = None
        self._time = ""
        #: Versions of streams, and the first event of the commit that this process wrote there last.
        self._versions: OrderedDict[str, tuple[int, str]] = OrderedDict()
        self._listeners: list[Callable[[], None]] = []
        self._tail = Tail()
        #: The last position that this process wrote; 0: none yet.
        self.written = 0
        #: What `shared.following.execute` remembers of the streams that it loaded last.
        self.folds: OrderedDict[str, Any] = OrderedDict()

    def on_append(self, listener: Callable[[], None]) -> None:
        """Call `listener` after each group that was written; it must not block."""
        self._listeners.append(listener)

    def append(self, commit: Commit) -> Receipt:
        """Write a commit and return its receipt once it is on disk.

        A repeated `command_id` returns the first receipt and writes nothing. Raises `ConcurrencyError` when the stream is no
        longer at `expected_version`, `IllegalStateError` when the command id was used for another command, and
        `UnavailableError` when the storage cannot write.
        """
        if not commit.events:
            raise ValueError("a commit holds at least one event")
        if not commit.command_id:
            raise ValueError("a commit needs a command id")
        if (size := sum(len(bytes(event.data)) for event in commit.events)) > LARGEST_COMMIT:
            raise BadInputError(f"one decision may hold {LARGEST_COMMIT:,} bytes, not {size:,}")
        waiting = _Waiting(commit)
        self._queue.append(waiting)
        while not waiting.settled:
            if self._writing.acquire(blocking=False):
                try:
                    if not waiting.settled:
                        self._write_group()
                finally:
                    self._writing.release()
                    self._wake_next()
            else:
                waiting.wait()
        if waiting.error is not None:
            raise waiting.error
        assert waiting.receipt is not None
        return waiting.receipt

    def _wake_next(self) -> None:
        """Hand over to a waiting command that no group has taken yet."""
        try:
            self._queue[0].wake()
        except IndexError:
            pass

    def _write_group(self) -> None:
        if self._gather is not None or self._crowd > 1:
            self._let_others_join()
        group: list[_Waiting] = []
        while self._queue and len(group) < LARGEST_GROUP:
            group.append(self._queue.popleft())
        self._crowd = len(group)
        try:
            self._write(group)
        except (
            BaseException
        ) as error:  # every waiting command must learn of it, whatever it is, also that the writer is killed
            self._forget()
            killed = not isinstance(error, Exception)
            reason = (
                UnavailableError("the writing process was stopped; repeat the command with its id") if killed else error
            )
            for waiting in group:
                if not waiting.settled:
                    waiting.settle(None, reason)
            if killed:
                raise
        for listener in self._listeners:
            listener()

    def _let_others_join(self) -> None:
        """Give way as long as others come: one flush carries them all."""
        waiting = 0
        while len(self._queue) > waiting:
            waiting = len(self._queue)
            (self._gather or _yield)()

    def _write(self, group: list[_Waiting]) -> None:
        for _ in range(50):
            placed, stored = self._place(group)
            if not stored:
                return
            try:
                self.storage.insert(stored)
            except TakenError:
                self._forget()
                group = self._settle_written([waiting for waiting, _ in placed])
                continue
            self._tail.add(stored)
            last = stored[-1]
            self.written = last.last_position
            self._head = Head(last.last_position, last.digest, self._time)
            for waiting, commit in placed:
                self._remember(commit.stream, commit.last_version, waiting.commit.events[0].id)
            for waiting, commit in placed:
                waiting.settle(self._receipt(waiting.commit, commit))
            return
        raise UnavailableError("other writers keep this log busy; try again")

    def _receipt(self, commit: Commit, stored: StoredCommit) -> Receipt:
        return Receipt(
            stream=stored.stream,
            version=stored.last_version,
            position=stored.last_position,
            events=len(commit.events),
            command=commit.command,
            command_id=commit.command_id,
            time=self._time,
            digest=stored.digest,
        )

    def _place(self, group: list[_Waiting]) -> tuple[list[tuple[_Waiting, StoredCommit]], list[StoredCommit]]:
        """Give each commit of the group its place, leaving out those that conflict."""
        ready: list[tuple[_Waiting, int]] = []
        versions: dict[str, int] = {}
        commands: set[str] = set()
        for waiting in group:
            commit = waiting.commit
            version = versions.get(commit.stream)
            if version is None:
                version = self._version(commit.stream)
                if version != commit.expected_version:  # another process may have written since
                    self._forget()
                    version = self._version(commit.stream)
            if commit.command_id in commands:  # its twin is being written right now: look again after this group
                self._queue.append(waiting)
                continue
            if version != commit.expected_version:
                self._settle_conflict(waiting, version)
                continue
            versions[commit.stream] = version + len(commit.events)
            commands.add(commit.command_id)
            ready.append((waiting, version))
        # the head is read last: the less happens between reading it and writing, the rarer another process gets in between
        head = self._head or self.storage.head()
        self._time = max(self._clock(), head.time)  # recorded time never runs backwards within a log
        placed: list[tuple[_Waiting, StoredCommit]] = []
        for waiting, version in ready:
            stored = place_commit(waiting.commit, head, version, self._time)
            head = Head(stored.last_position, stored.digest, self._time)
            placed.append((waiting, stored))
        return placed, [stored for _, stored in placed]

    def _settle_conflict(self, waiting: _Waiting, version: int) -> None:
        commit = waiting.commit
        if not self._settle_repeated(waiting):
            message = (
                f"{commit.stream} is at version {version}, not {commit.expected_version}: somebody else was faster"
            )
            waiting.settle(None, ConcurrencyError(message))

    def _settle_written(self, group: list[_Waiting]) -> list[_Waiting]:
        return [waiting for waiting in group if not self._settle_repeated(waiting)]

    def _settle_repeated(self, waiting: _Waiting) -> bool:
        """Settle a command that the log holds already with its first receipt."""
        try:
            receipt = self.receipt(waiting.commit.command_id, waiting.commit.command, waiting.commit.stream)
        except IllegalStateError as error:
            waiting.settle(None, error)
            return True
        if receipt is not None:
            waiting.settle(receipt)
        return receipt is not None

    def receipt(self, command_id: str, command: str, stream: str) -> Receipt | None:
        """The first receipt of a command, if it wrote anything.

        Raises `IllegalStateError` when the id was used for another command or another stream.
        """
        stored = self.storage.find_command(command_id)
        if stored is None:
            return None
        receipt = receipt_of(stored)
        if (receipt.command, receipt.stream) != (command, stream):
            raise IllegalStateError(
                f"command id {command_id} was used for {receipt.command} on {receipt.stream} already"
            )
        return receipt

    def _version(self, stream: str) -> int:
        if known := self._versions.get(stream):
            return known[0]
        version = self.storage.stream_version(stream)
        self._remember(stream, version)
        return version

    def _remember(self, stream: str, version: int, event_id: str = "") -> None:
        self._versions[stream] = version, event_id
        self._versions.move_to_end(stream)
        if len(self._versions) > REMEMBERED_STREAMS:
            self._versions.popitem(last=False)

    def expect(self, stream: str, version: int) -> bool:
        """Take a stream to be at a version that somebody remembers; False when this process knows that it is not.

        An append at that version is refused by the storage when it is wrong.
        """
        if known := self._versions.get(stream):
            return known[0] == version
        self._remember(stream, version)
        return True

    def wrote(self, stream: str, event_id: str) -> bool:
        """Whether the last commit of a stream is known to be the one that begins with this event."""
        return self._versions.get(stream, (0, ""))[1] == event_id

    def _forget(self) -> None:
        self._head = None
        self._versions.clear()

    def head(self) -> Head:
        """The end of the log; does not grow with history."""
        return self.storage.head()

    def read(self, after: int = 0, limit: int | None = None, until: int | None = None) -> Iterator[Record]:
        """Events beyond position `after`, in order, up to and including `until`; at most `limit` commits.

        With a limit, those of other processes may be left for the next call: there are more until there are none.
        """
        commits: Iterable[StoredCommit] = () if until is not None or limit is None else self._tail.beyond(after, limit)
        records = chain.from_iterable(map(records_of, commits or self.storage.scan(after, limit, until)))
        wanted = dropwhile(lambda record: record.position <= after, records)  # the first commit may begin before
        return wanted if until is None else takewhile(lambda record: record.position <= until, wanted)

    def read_commits(
        self, after: int = 0, limit: int | None = None, until: int | None = None
    ) -> Iterator[StoredCommit]:
        """Raw commits with an event beyond `after`, for followers and auditors."""
        return self.storage.scan(after, limit, until)

    def read_stream(self, stream: str, after: int = 0) -> Iterator[Record]:
        """Events of one stream beyond version `after`, in order."""
        commits = list(self.storage.scan_stream(stream, after))
        # whoever reads a stream decides on it next; the storage refuses what becomes wrong meanwhile
        self._remember(stream, commits[-1].last_version if commits else after)
        return dropwhile(lambda record: record.version <= after, chain.from_iterable(map(records_of, commits)))

    def close(self) -> None:
        """Close the storage."""
        self.storage.close()
