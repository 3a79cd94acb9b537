"""The event log: decides the order of commits; a `Storage` makes them durable.

Commands that wait at the same time are written together with one disk flush (group commit): whoever finds nobody writing
becomes the writer for everyone in the queue. No thread of its own is needed, so it runs the same under threads and eventlet.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import chain, dropwhile, takewhile
from typing import Any

import msgspec
import structlog

from shared.domain.errors import BadInputError, ConcurrencyError, UnavailableError
from shared.domain.record import Record
from shared.domain.words import _, said
from shared.log.record import (
    Commit,
    Head,
    Receipt,
    StoredCommit,
    fits,
    place_commit,
    read_body,
    receipt_of,
    records_of,
)
from shared.log.remembered import Remembered
from shared.log.storage import Storage, TakenError
from shared.log.waiting import Waiting, alone_first

#: Most commits that one flush may carry.
LARGEST_GROUP = 500
#: Most bytes of event data in one commit: far below what a broker or database takes in one message or document.
LARGEST_COMMIT = 4_000_000
#: Most bytes that the streams and versions which a commit relies on may take: they travel in one header with its first event.
LARGEST_HELD = 32_000

#: How far recorded time may stand still where a clock was ahead; one that was further ahead was wrong, and is not waited for.
LEAP = timedelta(hours=1)

_told = structlog.get_logger()


def now() -> str:
    """The current time as RFC 3339 in UTC, microseconds."""
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _yield() -> None:
    time.sleep(0)


def _check(commit: Commit) -> None:
    """Raise `ValueError` for what nobody may ask, and `BadInputError` for what is too large."""
    parts = commit.parts()
    if not all(part.events for part in parts):
        raise ValueError("a commit holds at least one event of each stream")
    if commit.also and len({part.stream for part in parts}) < len(parts):
        raise ValueError("a commit names each stream that it writes to once")
    if not commit.command_id:
        raise ValueError("a commit needs a command id")
    if (size := sum([len(bytes(event.data)) for part in parts for event in part.events])) > LARGEST_COMMIT:
        raise BadInputError(f"one decision may hold {LARGEST_COMMIT:,} bytes, not {size:,}")
    if commit.held and (size := len(msgspec.json.encode(commit.held))) > LARGEST_HELD:
        raise BadInputError(f"the streams that one decision relies on may take {LARGEST_HELD:,} bytes, not {size:,}")


def _conflict(commit: Commit, version: Callable[[str], int], position: int) -> str:
    """Why a commit cannot be written behind a position; "" when it can."""
    for stream, expected in commit.versions():
        if (found := version(stream)) != expected:
            return f"{stream} is at version {found}, not {expected}: somebody else was faster"
    if commit.alone not in (None, position):
        return f"the log is at position {position}, not {commit.alone}: somebody else was faster"
    return ""


class EventLog:
    """One service's history. Positions are gap-free from 1 and count events; commits become visible in order."""

    def __init__(
        self, name: str, storage: Storage, clock: Callable[[], str] = now, gather: Callable[[], None] | None = None
    ) -> None:
        """`gather` is called by the writer before it takes the queue; under eventlet it yields once so that others can join."""
        self.name = name
        self.storage = storage
        #: The current time as RFC 3339.
        self.clock = clock
        self._gather = gather
        self._queue: deque[Waiting] = deque()
        self._crowd = 0  # commits in the last group
        self._writing = threading.Lock()
        self._head: Head | None = None
        self._time = ""
        self._listeners: list[Callable[[], None]] = []
        #: The last position that this process wrote; 0: none yet.
        self.written = 0
        self.remembered = Remembered()
        #: Why nothing may be written for now ("": it may).
        self.refused = ""
        #: Make and check the codes of snapshots; None: whoever opened the log has no secret.
        self.codes: Any = None
        self._failed = ""  # why the last group could not be written

    def on_append(self, listener: Callable[[], None]) -> None:
        """Call `listener` after each group that was written; it must not block."""
        self._listeners.append(listener)

    def append(self, commit: Commit) -> Receipt:
        """Write a commit and return its receipt once it is on disk.

        The events of its parts are written with it, all or none. A repeated `command_id` returns the first receipt and writes nothing.
        Raises `ConcurrencyError` when a stream that it writes to or holds is no longer at the version named, or anything was written
        though it is to be `alone`; `BadInputError` when the command id was used for something else, and `UnavailableError` when the
        storage cannot write.
        """
        _check(commit)
        waiting = Waiting(commit)
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
        group: list[Waiting] = []
        while self._queue and len(group) < LARGEST_GROUP:
            group.append(self._queue.popleft())
        self._crowd = len(group)
        try:
            if self.refused:
                raise UnavailableError(self.refused)
            self._write(group)
        except (
            BaseException
        ) as error:  # every waiting command must learn of it, whatever it is, also that the writer is killed
            self._forget()
            self._failed = error.said if isinstance(error, UnavailableError) else ""
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

    def _write(self, group: list[Waiting]) -> None:
        for _attempt in range(50):
            placed, stored = self._place(group)
            if not stored:
                return
            try:
                self.storage.insert(stored)
            except TakenError:
                self._forget()
                group = self._settle_written([waiting for waiting, _ in placed])
                continue
            self.remembered.tail.add(stored)
            self._failed = ""
            last = stored[-1]
            self.written = last.last_position
            self._head = Head(last.last_position, last.digest, self._time)
            for waiting, _stored in placed:
                for part in waiting.commit.parts():
                    version = part.expected_version + len(part.events)
                    self.remembered.note(part.stream, version, part.events[0].id)
            for waiting, commit in placed:
                waiting.settle(self._receipt(waiting.commit, commit))
            return
        raise UnavailableError("other writers keep this log busy; try again")

    def _receipt(self, commit: Commit, stored: StoredCommit) -> Receipt:
        return Receipt(
            stream=stored.stream,
            version=stored.last_version,
            position=stored.last_position,
            events=stored.last_position - stored.position + 1,
            command=commit.command,
            command_id=commit.command_id,
            time=self._time,
            digest=stored.digest,
        )

    def _place(
        self, group: list[Waiting], sure: bool = False
    ) -> tuple[list[tuple[Waiting, StoredCommit]], list[StoredCommit]]:
        """Give each commit of the group its place, leaving out those that conflict; `sure` when nothing is taken from memory any more."""
        guarded = {stream for waiting in group if waiting.commit.guarded for stream, _ in waiting.commit.versions()}
        # Of guarded commits the head is known before the versions, and these are asked for: what is written right behind that head
        # proves that they still hold. For others it is read last: the rarer another process gets in between.
        head = (self._head or self.storage.head()) if guarded else Head()
        position = head.position
        versions: dict[str, int] = {}

        def version(stream: str) -> int:
            if stream not in versions:
                versions[stream] = self._version(stream, ask=sure or stream in guarded)
            return versions[stream]

        ready: dict[str, Waiting] = {}  # by command id
        refused: list[tuple[Waiting, str]] = []
        twins: list[Waiting] = []
        for waiting in sorted(group, key=alone_first) if guarded else group:
            commit = waiting.commit
            if commit.command_id in ready:
                twins.append(waiting)
            elif wrong := _conflict(commit, version, position):
                refused.append((waiting, wrong))
            else:
                ready[commit.command_id] = waiting
                for part in commit.parts():
                    versions[part.stream] = part.expected_version + len(part.events)
                    position += len(part.events)
        if refused and not sure:  # another process may have written since
            self._forget()
            return self._place(group, sure=True)
        self._queue.extend(twins)  # the other one is being written right now: look again after this group
        for waiting, wrong in refused:
            if not self._settle_repeated(waiting):
                waiting.settle(None, ConcurrencyError(wrong))
        if not guarded:
            head = self._head or self.storage.head()
        self._time = self._after(head.time)
        placed: list[tuple[Waiting, StoredCommit]] = []
        for waiting in ready.values():
            stored = place_commit(waiting.commit, head, waiting.commit.expected_version, self._time)
            head = Head(stored.last_position, stored.digest, self._time)
            placed.append((waiting, stored))
        return placed, [stored for _, stored in placed]

    def _after(self, last: str) -> str:
        """The time to record: it never runs backwards within a log, but where a clock was far ahead it goes on from today's."""
        now = self.clock()
        if last <= now:
            return now
        if datetime.fromisoformat(last) - datetime.fromisoformat(now) <= LEAP:
            return last
        _told.warning("the last fact was recorded in the future", log=self.name, recorded=last, now=now)
        return now

    def _settle_written(self, group: list[Waiting]) -> list[Waiting]:
        return [waiting for waiting in group if not self._settle_repeated(waiting)]

    def _settle_repeated(self, waiting: Waiting) -> bool:
        """Settle a command that the log holds already with its first receipt."""
        try:
            commit = waiting.commit
            receipt = self.receipt(commit.command_id, commit.command, commit.stream, commit.content)
        except BadInputError as error:
            waiting.settle(None, error)
            return True
        if receipt is not None:
            waiting.settle(receipt)
        return receipt is not None

    def receipt(self, command_id: str, command: str, stream: str, content: tuple[str, ...] = ()) -> Receipt | None:
        """The first receipt of a command, if it wrote anything.

        Raises `BadInputError` when the id was used for another command, another stream or another content, as far as both are known.
        """
        stored = self.storage.find_command(command_id)
        if stored is None:
            return None
        receipt = receipt_of(stored)
        same = not content or fits(read_body(stored).content, content)
        if (receipt.command, receipt.stream) != (command, stream) or not same:
            raise BadInputError(
                _(
                    "this key was used for something else, which was recorded; what was sent now was not: send it again with a new "
                    "key"
                ),
                {"command_id": said(_("used for something else"))},
            )
        return receipt

    def _version(self, stream: str, ask: bool) -> int:
        version = None if ask else self.remembered.version(stream)
        if version is None:
            version = self.storage.stream_version(stream)
            self.remembered.note(stream, version)
        return version

    def _forget(self) -> None:
        self._head = None
        self.remembered.forget_versions()

    def head(self) -> Head:
        """The end of the log; does not grow with history."""
        return self.storage.head()

    def doubt(self, reason: str) -> None:
        """Try, when next asked, whether anything can be written: something could not be, be it here or beside the log."""
        self._failed = reason

    def require_writable(self) -> None:
        """Raise `UnavailableError` when nothing may be written, or the last commit could not be and it still cannot."""
        if self.refused:
            raise UnavailableError(self.refused)
        if self._failed:
            self.storage.probe()
            self._failed = ""

    def read(self, after: int = 0, limit: int | None = None, until: int | None = None) -> Iterator[Record]:
        """Events beyond position `after`, in order, up to and including `until`; at most `limit` commits.

        With a limit, those of other processes may be left for the next call: there are more until there are none.
        """
        commits: Iterable[StoredCommit] = (
            () if until is not None or limit is None else self.remembered.tail.beyond(after, limit)
        )
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
        records = [
            record
            for commit in self.storage.scan_stream(stream, after)
            for record in records_of(commit)
            if record.stream == stream and record.version > after
        ]
        # whoever reads a stream decides on it next; the storage refuses what becomes wrong meanwhile
        self.remembered.note(stream, records[-1].version if records else after)
        return iter(records)

    def close(self) -> None:
        """Close the storage."""
        self.storage.close()
