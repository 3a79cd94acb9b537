"""Gives one command many times as one act: every line is decided by hand's own rules, and what they decide is one commit.

Each line is decided over copies of the log and the views that hold what the lines before it decided; nothing of that reaches anybody.
Then all of it is written at once, if nobody has written meanwhile. So a table of a hundred lines costs one flush to disk, a line that
is refused does not keep the others from being recorded, and a dry run is the same without the last step.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any, cast

import msgspec

from shared.domain.command import Command
from shared.domain.errors import BadInputError, ConcurrencyError, DomainError, LinliError
from shared.domain.identity import derived_id
from shared.domain.mandate import Mandate
from shared.domain.view import Row
from shared.following.context import CallContext
from shared.following.node import ServiceRuntime
from shared.following.overlay import Seen
from shared.following.performing import perform
from shared.log import Commit, EventLog, Head, NewEvent, Part, Storage, StoredCommit, TakenError
from shared.log.record import fits, read_body, spans_of
from shared.views import ViewStore
from shared.views.port import Changes, Checkpoints

#: Lines of one act at most; who brings many in sends a hundred at a time.
MOST_LINES = 200
#: How often the lines are decided anew because somebody else wrote meanwhile.
ATTEMPTS = 10


@dataclass(frozen=True)
class Done:
    """A line that was taken: the thing that it is about, and how many facts it wrote."""

    id: str
    facts: int


@dataclass(frozen=True)
class Together:
    """What came of each line, done or refused; and the position that includes them all."""

    lines: tuple[Done | LinliError, ...]
    position: int


def perform_all(
    node: ServiceRuntime,
    command: Command,
    context: CallContext,
    mandate: Mandate,
    lines: Sequence[Mapping[str, Any]],
    dry_run: bool = False,
) -> Together:
    """Give a command once for each line of checked arguments; those that are refused leave the others as they are.

    What the key of `context` has written is not decided again. Raises `ConcurrencyError` when others write faster than this can decide,
    and `BadInputError` when the key was used for something else.
    """
    if (stored := node.log.storage.find_command(context.command_id)) is not None:
        if read_body(stored).command != command.name or not fits(read_body(stored).content, context.content):
            node.log.receipt(context.command_id, command.name, "", context.content)  # says that it is another's
        known = (_id(node, command, context, mandate, ask, number) for number, ask in enumerate(lines))
        return Together(tuple(Done(id, 0) for id in known), stored.last_position)
    for _attempt in range(ATTEMPTS):
        head = node.up_to_date()
        copied = _Copy(node)
        found = tuple(copied.give(command, context, mandate, ask, number) for number, ask in enumerate(lines))
        commits = copied.storage.commits
        if dry_run or not commits:
            return Together(found, head)
        if node.personal and copied.personal and not node.personal.keep(copied.personal):
            continue
        try:
            receipt = node.log.append(_as_one(commits, context, head))
        except ConcurrencyError:
            continue
        return Together(found, receipt.position)
    raise ConcurrencyError("others write to this log faster than the lines can be decided; try again")


def _key(context: CallContext, number: int) -> str:
    """The key of one line, from that of all."""
    return derived_id(context.command_id, str(number))


def _id(
    node: ServiceRuntime, command: Command, context: CallContext, mandate: Mandate, ask: Mapping[str, Any], number: int
) -> str:
    """The thing that a line is about, as `perform` finds it."""
    return command.id_of(ask, mandate, lambda kind: derived_id(node.name, kind, _key(context, number)))


def _as_one(commits: Sequence[StoredCommit], context: CallContext, head: int) -> Commit:
    """What several decisions wrote, one after the other, as one commit behind a position."""
    first, *_ = bodies = [read_body(stored) for stored in commits]
    before: dict[str, tuple[int, str]] = {}
    events: dict[str, tuple[NewEvent, ...]] = {}
    held: dict[str, int] = {}
    for body in bodies:
        for stream, version in (body.held or {}).items():
            if stream not in events:
                held.setdefault(stream, version)
        for part in body.parts():
            before[part.stream] = before.get(part.stream, (part.version - 1, ""))[0], part.place
            events[part.stream] = events.get(part.stream, ()) + part.events
    own, *others = (
        Part(stream=stream, expected_version=before[stream][0], events=facts, place=before[stream][1])
        for stream, facts in events.items()
    )
    return Commit(
        stream=own.stream,
        expected_version=own.expected_version,
        events=own.events,
        place=own.place,
        command=first.command,
        command_id=context.command_id,
        actor=first.actor,
        on_behalf_of=first.on_behalf_of,
        mandate=first.mandate,
        correlation_id=first.correlation_id,
        causation_id=first.causation_id,
        also=tuple(others),
        held={stream: version for stream, version in held.items() if stream not in events},
        alone=head,
        content=context.content,
    )


class _Copy:
    """A service over copies: it decides as the service does, and nobody hears of it."""

    def __init__(self, node: ServiceRuntime) -> None:
        self.storage = _Log(node.log.storage)
        log = EventLog(node.name, self.storage, node.log.clock)
        log.codes = node.log.codes
        self.personal = node.personal.rehearsing() if node.personal else None
        quiet = replace(
            node.definition, policies={}, sources=()
        )  # what follows from facts follows when they are written
        self._node = ServiceRuntime(quiet, log, cast(ViewStore, _Views(node)), personal=self.personal)

    def give(
        self, command: Command, context: CallContext, mandate: Mandate, ask: Mapping[str, Any], number: int
    ) -> Done | LinliError:
        """Give the command for one line: what it wrote, or why it is refused."""
        own = _key(context, number)
        try:
            done = perform(
                self._node, command, msgspec.structs.replace(context, command_id=own), mandate, ask, offering=False
            )
        except (DomainError, BadInputError) as error:
            return error
        return Done(done["id"], done["events"])


class _Log:
    """A storage of commits over another one, which it only reads, up to where that ended at first."""

    def __init__(self, below: Storage) -> None:
        self._below = below
        self._start = below.head()
        self._head = self._start
        self._streams: dict[str, list[tuple[int, StoredCommit]]] = {}
        self.commits: list[StoredCommit] = []

    def head(self) -> Head:
        return self._head

    def stream_version(self, stream: str) -> int:
        written = self._streams.get(stream)
        return written[-1][0] if written else self._below.stream_version(stream)

    def find_command(self, command_id: str) -> StoredCommit | None:
        return next((commit for commit in self.commits if commit.command_id == command_id), None)

    def insert(self, commits: Sequence[StoredCommit], fresh: Container[str] = ()) -> None:
        for commit in commits:
            if any(part.version != self.stream_version(part.stream) + 1 for part in spans_of(commit)):
                raise TakenError
            for part in spans_of(commit):
                self._streams.setdefault(part.stream, []).append((part.last_version, commit))
            self.commits.append(commit)
            self._head = Head(commit.last_position, commit.digest, read_body(commit).time)

    def scan(self, after: int, limit: int | None, until: int | None) -> Iterator[StoredCommit]:
        start = self._start.position
        below = self._below.scan(after, limit, min(start, until or start)) if after < start else ()
        return chain(below, (commit for commit in self.commits if commit.last_position > after))

    def scan_stream(self, stream: str, after: int) -> Iterator[StoredCommit]:
        written = (commit for last, commit in self._streams.get(stream, ()) if last > after)
        return chain(self._below.scan_stream(stream, after), written)

    def snapshot(self, stream: str) -> tuple[int, str, bytes] | None:
        return self._below.snapshot(stream)

    def save_snapshot(self, stream: str, version: int, shape: str, state: bytes) -> None:
        """A copy keeps none."""

    def snapshots(self) -> Iterator[tuple[str, int, str, bytes]]:
        return iter(())

    def checked(self, commits: Iterator[StoredCommit]) -> Iterator[StoredCommit]:
        return commits

    def check_shape(self) -> None:
        """What it lies over is checked itself."""

    def probe(self) -> None:
        """A copy can always be written."""

    def close(self) -> None:
        """What it lies over stays open."""


class _Views(Seen):
    """The views of a service with changes of their own over them, never saved."""

    def __init__(self, node: ServiceRuntime) -> None:
        self._own: dict[tuple[str, str], Row | None] = {}
        self._moved: dict[str, int] = {}
        super().__init__(node.views, node.definition.all_views, self._own)

    def save(self, changes: Changes, checkpoints: Checkpoints | None = None) -> None:
        self._own.update(changes)
        self._moved.update({name: moved[1] for name, moved in (checkpoints or {}).items()})

    def checkpoint(self, follower: str) -> int:
        found = self._moved.get(follower)
        return super().checkpoint(follower) if found is None else found

    def pinned(self) -> _Views:
        return self

    def folded_alike(self) -> bool:
        return True
