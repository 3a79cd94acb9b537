"""What is written: commits, the records in them, and the chain of digests over them.

A commit is the unit of append: all events of one decision, mostly on one stream. Its `body` is canonical JSON (RFC 8785) of everything
in it, position and the previous digest included; its digest is SHA-256 of exactly those bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from hashlib import sha256
from typing import Any

import msgspec

from shared.domain.errors import CorruptionError
from shared.domain.record import Record

#: The digest before the first commit.
GENESIS = "0" * 64


class NewEvent(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An event about to be written; `data` is its canonical JSON text."""

    type: str
    schema: int
    data: msgspec.Raw
    id: str
    occurred: str  # RFC 3339: when it happened in the world


class Part(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Events of one more stream that are written by the same decision.

    `expected_version` is the version of the stream that the decision was made on (0: no events yet).
    """

    stream: str
    expected_version: int
    events: tuple[NewEvent, ...]
    place: str = ""  # territory path, e.g. 350104.013.002.007


class Commit(Part, frozen=True, kw_only=True, gc=False):
    """All events of one decision, not yet placed in the log: those of its own stream, and what belongs to all of them.

    What else the decision relied on is in `also`, `held` and `alone`: nothing is written when any of it has changed (decision 9).
    """

    command: str
    command_id: str
    actor: str
    on_behalf_of: str = ""  # organisation
    mandate: str = ""  # the post that the decision relied on
    correlation_id: str = ""
    causation_id: str = ""
    also: tuple[Part, ...] = ()  # further streams, none of them twice, written in the same record
    held: dict[str, int] = {}  # other streams and the versions that they must still be at (0: no events yet)
    alone: int | None = None  # the head position, when nothing at all may have been written since
    content: tuple[str, ...] = ()  # codes of what was asked, of which the first is stored; none: not known
    fresh: bool = False  # the command id was made just now, in this process: nobody can have used it

    @property
    def guarded(self) -> bool:
        """Whether more than the stream's own version is to be checked."""
        return bool(self.also or self.held) or self.alone is not None

    def versions(self) -> list[tuple[str, int]]:
        """Every stream that must be at a version, and that version."""
        own = [(self.stream, self.expected_version)]
        if not (self.also or self.held):
            return own
        return own + [(part.stream, part.expected_version) for part in self.also] + list(self.held.items())

    def parts(self) -> tuple[Part, ...]:
        """The events of its own stream, then those of the others."""
        return (self, *self.also) if self.also else (self,)


class _Part(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The hashed content of a part; field names are the storage format."""

    events: tuple[NewEvent, ...]
    place: str
    stream: str
    version: int


class _Body(msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """The hashed content of a commit; field names are the storage format. What few commits have is left out of the others.

    Its fields are in the order of the stored keys: so they are decoded fastest.
    """

    actor: str
    also: tuple[_Part, ...] = ()
    causation_id: str
    command: str
    command_id: str
    content: str = ""
    correlation_id: str
    events: tuple[NewEvent, ...]
    held: dict[str, int] | None = None
    mandate: str
    on_behalf_of: str
    place: str
    position: int
    previous: str
    stream: str
    time: str
    version: int

    def parts(self) -> tuple[_Body | _Part, ...]:
        """The events of its own stream, then those of the others."""
        return (self, *self.also) if self.also else (self,)


class Span(msgspec.Struct, frozen=True, gc=False):
    """Where events of one stream lie: in the log, and in their stream."""

    position: int  # of the first event
    last_position: int
    stream: str
    version: int  # of the first event, in its stream
    last_version: int


class StoredCommit(Span, frozen=True, gc=False):
    """A commit as it lies in the log: the exact bytes and what is needed to find them.

    Its positions span the events of all its parts; stream and versions are those of its own stream.
    """

    command_id: str
    digest: str
    body: bytes


class Head(msgspec.Struct, frozen=True, gc=False):
    """The end of a log: the last position, the digest of the last commit and the time it was recorded."""

    position: int = 0
    digest: str = GENESIS
    time: str = ""


class Receipt(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Proof that a command's events are on disk. `events` is 0 when the command changed nothing."""

    stream: str
    version: int  # of the stream afterwards
    position: int  # of the last event written; 0 when nothing was
    events: int
    command: str
    command_id: str
    time: str
    digest: str


_encode = msgspec.json.Encoder(order="sorted").encode
_decode = msgspec.json.Decoder(_Body).decode


def _placed(part: Part) -> _Part:
    return _Part(events=part.events, place=part.place, stream=part.stream, version=part.expected_version + 1)


def place_commit(commit: Commit, head: Head, version: int, time: str) -> StoredCommit:
    """Give a commit its position and digest after `head`; `version` is the stream's version before it."""
    position = head.position + 1
    body = _encode(
        _Body(
            actor=commit.actor,
            also=tuple(map(_placed, commit.also)),
            causation_id=commit.causation_id,
            command=commit.command,
            command_id=commit.command_id,
            content=commit.content[0] if commit.content else "",
            correlation_id=commit.correlation_id,
            events=commit.events,
            held=commit.held or None,
            mandate=commit.mandate,
            on_behalf_of=commit.on_behalf_of,
            place=commit.place,
            position=position,
            previous=head.digest,
            stream=commit.stream,
            time=time,
            version=version + 1,
        )
    )
    count = len(commit.events)
    return StoredCommit(
        position=position,
        last_position=head.position + count + sum([len(part.events) for part in commit.also]),
        stream=commit.stream,
        version=version + 1,
        last_version=version + count,
        command_id=commit.command_id,
        digest=sha256(body).hexdigest(),
        body=body,
    )


#: Characters of a content code that say with which key it was made.
KEY_NAMED = 4


def fits(stored: str, content: tuple[str, ...]) -> bool:
    """Whether a stored content code may be of this content; also when it says nothing: it is empty, or of a key that is gone."""
    known = {code[:KEY_NAMED] for code in content}
    return stored in content or stored[:KEY_NAMED] not in known


def read_body(stored: StoredCommit) -> _Body:
    """The decoded content of a commit; raises `CorruptionError` when the bytes are not a commit."""
    try:
        return _decode(stored.body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise CorruptionError(f"commit at position {stored.position} does not decode: {error}") from error


def pointers_of(stored: StoredCommit) -> list[Span]:
    """Where the events of further streams lie that a commit wrote; mostly there are none, and nothing is decoded then."""
    if stored.last_position - stored.position == stored.last_version - stored.version:
        return []
    body = read_body(stored)
    found, position = [], body.position + len(body.events)
    for part in body.also:
        more = len(part.events) - 1
        found.append(Span(position, position + more, part.stream, part.version, part.version + more))
        position += more + 1
    return found


def pointer_id(stored: StoredCommit, part: Span) -> str:
    """What stands in the place of a command id where a part of a commit is kept: no command has this id."""
    return f"{stored.digest}/{part.position}"


def records_of(stored: StoredCommit) -> list[Record]:
    """The events of a stored commit, in order: those of its own stream, then those of each part."""
    body = read_body(stored)
    size = stored.last_position - stored.position + 1
    records = _records(body, body, body.position, size, stored.digest)
    if body.also or body.held:
        for part in body.also:
            records += _records(body, part, body.position + len(records), size, stored.digest)
        if body.held:
            records[0] = msgspec.structs.replace(records[0], held=_encode(body.held).decode())
    return records


def _records(body: _Body, part: _Body | _Part, position: int, size: int, digest: str) -> list[Record]:
    stream, version, place = part.stream, part.version, part.place
    return [
        Record(  # in the order of the fields: naming them takes twice the time, and replay makes millions
            position + index,
            stream,
            version + index,
            event.type,
            event.schema,
            event.data,
            event.id,
            body.time,
            event.occurred,
            body.actor,
            body.on_behalf_of,
            body.mandate,
            body.command,
            body.command_id,
            body.correlation_id,
            body.causation_id,
            place,
            digest,
            body.position,
            size,
            content=body.content,
        )
        for index, event in enumerate(part.events)
    ]


class _PartOutline(msgspec.Struct, frozen=True, gc=False):
    """How many events of one more stream a body holds, and from which version on."""

    events: list[msgspec.Raw]
    stream: str
    version: int


class _Outline(msgspec.Struct, frozen=True, gc=False):
    """What of a body says where it lies."""

    command_id: str
    events: list[msgspec.Raw]
    position: int
    stream: str
    version: int
    also: list[_PartOutline] = []


_outline = msgspec.json.Decoder(_Outline).decode


def stored_of(body: bytes, digest: str, near: int) -> StoredCommit:
    """A commit whose place is told by its body alone; raises `CorruptionError`, naming the position `near`, for bytes that are none."""
    try:
        found = _outline(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise CorruptionError(f"a commit at or behind position {near} does not decode: {error}") from error
    own = len(found.events)
    return StoredCommit(
        position=found.position,
        last_position=found.position + own - 1 + sum([len(part.events) for part in found.also]),
        stream=found.stream,
        version=found.version,
        last_version=found.version + own - 1,
        command_id=found.command_id,
        digest=digest,
        body=body,
    )


def spans_of(stored: StoredCommit) -> list[Span]:
    """Where the events of a commit lie: of its own stream, then of the others."""
    return [stored, *pointers_of(stored)]


def receipt_of(stored: StoredCommit) -> Receipt:
    """The receipt that was, or would have been, given for a stored commit."""
    body = read_body(stored)
    return Receipt(
        stream=stored.stream,
        version=stored.last_version,
        position=stored.last_position,
        events=stored.last_position - stored.position + 1,
        command=body.command,
        command_id=stored.command_id,
        time=body.time,
        digest=stored.digest,
    )


def verify_chain(commits: Iterable[StoredCommit], after: Head | None = None) -> Iterator[StoredCommit]:
    """Pass commits through, checking digest, link, position and index columns of each.

    Raises `CorruptionError` naming the first wrong position. From the start of a log the order of versions in every stream is checked
    too, and that streams which a commit relied on were at the version that it names.
    """
    head = after or Head()
    versions: dict[str, int] | None = {} if after is None else None
    for stored in commits:
        here = f"position {stored.position}"
        if sha256(stored.body).hexdigest() != stored.digest:
            raise CorruptionError(f"{here}: the record was changed, its digest does not match")
        body = read_body(stored)
        if body.previous != head.digest or body.position != head.position + 1:
            raise CorruptionError(
                f"{here}: does not follow position {head.position}; something was removed, inserted or moved"
            )
        own = len(body.events)
        last = head.position + own + sum(len(part.events) for part in body.also)
        columns: tuple[Any, ...] = (
            stored.position,
            stored.last_position,
            stored.stream,
            stored.version,
            stored.last_version,
            stored.command_id,
        )
        if columns != (body.position, last, body.stream, body.version, body.version + own - 1, body.command_id):
            raise CorruptionError(f"{here}: the index columns do not match the record")
        if versions is not None:
            _check_versions(body, versions, here)
        head = Head(last, stored.digest, body.time)
        yield stored


def _check_versions(body: _Body, versions: dict[str, int], here: str) -> None:
    for stream, version in (body.held or {}).items():
        if version != (was := versions.get(stream, 0)):
            raise CorruptionError(f"{here}: relies on {stream} at version {version}, which was at {was}")
    for part in body.parts():
        if part.version != versions.get(part.stream, 0) + 1:
            raise CorruptionError(f"{here}: version {part.version} of {part.stream} is out of order")
        versions[part.stream] = part.version + len(part.events) - 1
