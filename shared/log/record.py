"""What is written: commits, the records in them, and the chain of digests over them.

A commit is the unit of append: all events of one decision on one stream. Its `body` is canonical JSON (RFC 8785) of everything
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
    """Events of one more stream that are written by the same decision."""

    stream: str
    expected_version: int
    events: tuple[NewEvent, ...]
    place: str = ""


class Commit(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """All events of one decision, not yet placed in the log.

    `expected_version` is the version of the stream that the decision was made on (0: no events yet).
    """

    stream: str
    expected_version: int
    events: tuple[NewEvent, ...]
    command: str
    command_id: str
    actor: str
    on_behalf_of: str = ""  # organisation
    mandate: str = ""  # the post that the decision relied on
    correlation_id: str = ""
    causation_id: str = ""
    place: str = ""  # territory path, e.g. 350104.013.002.007
    also: tuple[Part, ...] = ()
    held: dict[str, int] = {}
    alone: int | None = None


class _Body(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The hashed content of a commit; field names are the storage format."""

    actor: str
    causation_id: str
    command: str
    command_id: str
    correlation_id: str
    events: tuple[NewEvent, ...]
    mandate: str
    on_behalf_of: str
    place: str
    position: int
    previous: str
    stream: str
    time: str
    version: int


class StoredCommit(msgspec.Struct, frozen=True, gc=False):
    """A commit as it lies in the log: the exact bytes and what is needed to find them."""

    position: int  # of the first event
    last_position: int
    stream: str
    version: int  # of the first event, in its stream
    last_version: int
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


def place_commit(commit: Commit, head: Head, version: int, time: str) -> StoredCommit:
    """Give a commit its position and digest after `head`; `version` is the stream's version before it."""
    position = head.position + 1
    body = _encode(
        _Body(
            actor=commit.actor,
            causation_id=commit.causation_id,
            command=commit.command,
            command_id=commit.command_id,
            correlation_id=commit.correlation_id,
            events=commit.events,
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
        last_position=head.position + count,
        stream=commit.stream,
        version=version + 1,
        last_version=version + count,
        command_id=commit.command_id,
        digest=sha256(body).hexdigest(),
        body=body,
    )


def read_body(stored: StoredCommit) -> _Body:
    """The decoded content of a commit; raises `CorruptionError` when the bytes are not a commit."""
    try:
        return _decode(stored.body)
    except msgspec.DecodeError as error:
        raise CorruptionError(f"commit at position {stored.position} does not decode: {error}") from error


def records_of(stored: StoredCommit) -> list[Record]:
    """The events of a stored commit, in order."""
    body = read_body(stored)
    size = len(body.events)
    return [
        Record(  # in the order of the fields: naming them takes twice the time, and replay makes millions
            body.position + index,
            body.stream,
            body.version + index,
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
            body.place,
            stored.digest,
            body.position,
            size,
        )
        for index, event in enumerate(body.events)
    ]


def receipt_of(stored: StoredCommit) -> Receipt:
    """The receipt that was, or would have been, given for a stored commit."""
    body = read_body(stored)
    return Receipt(
        stream=stored.stream,
        version=stored.last_version,
        position=stored.last_position,
        events=len(body.events),
        command=body.command,
        command_id=stored.command_id,
        time=body.time,
        digest=stored.digest,
    )


def verify_chain(commits: Iterable[StoredCommit], after: Head | None = None) -> Iterator[StoredCommit]:
    """Pass commits through, checking digest, link, position and index columns of each.

    Raises `CorruptionError` naming the first wrong position. Version order per stream is checked too, from the start of a log.
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
        last = body.position + len(body.events) - 1
        columns: tuple[Any, ...] = (
            stored.position,
            stored.last_position,
            stored.stream,
            stored.version,
            stored.command_id,
        )
        if columns != (body.position, last, body.stream, body.version, body.command_id):
            raise CorruptionError(f"{here}: the index columns do not match the record")
        if versions is not None:
            if body.version != versions.get(body.stream, 0) + 1:
                raise CorruptionError(f"{here}: version {body.version} of {body.stream} is out of order")
            versions[body.stream] = stored.last_version
        head = Head(last, stored.digest, body.time)
        yield stored
