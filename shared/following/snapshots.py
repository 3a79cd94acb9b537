"""Folds of long streams, stored beside them: each names the commit that it stands on, and carries a code of the city's secret.

A snapshot is a cache. One that another program wrote, whose commit is not in the log at its version, or whose code does not fit is not
used: the stream is folded from its first fact. So nobody who can write to the store, but does not know the secret, decides anything.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from shared.domain.decider import Decider
from shared.domain.errors import CorruptionError
from shared.domain.moments import Span
from shared.domain.record import Record
from shared.following.codes import Codes
from shared.log import EventLog
from shared.log.remembered import Folded

#: Behind the shape of a state: how a snapshot is written, so that those of older programs are not read.
_WRITTEN = "with its span and commit"
#: What the codes of snapshots are made for.
PURPOSE = "snapshots"


class Snapshot(msgspec.Struct, frozen=True):
    """A state as it is stored beside its stream, on which commit it stands, and the code ("": the writer had no secret)."""

    began: str
    latest: str
    state: msgspec.Raw
    digest: str
    code: str = ""

    def bound(self, stream: str, version: int, shape: str) -> bytes:
        """What the code is made of."""
        return msgspec.json.encode([stream, version, shape, self.digest, self.began, self.latest, self.state])


def written(decider: Decider[Any]) -> str:
    """What a snapshot must have been written as to be used."""
    return f"{decider.shape} {_WRITTEN}"


def fold(decider: Decider[Any], found: Folded, records: Iterable[Record]) -> Folded:
    """A state with what was recorded after it."""
    decode, evolve, marking = decider.codec.decode, decider.evolve, decider.marking
    state, version, span, digest = found.state, found.version, found.span, found.digest
    for record in records:
        state = evolve(state, decode(record.type, record.schema, record.data))
        version, digest, span = record.version, record.digest, span.to(record.occurred, record.type in marking)
    return Folded(found.shape, state, version, found.snapshot, span, digest)


def folded(log: EventLog, decider: Decider[Any], id: str, codes: Codes | None) -> Folded:
    """The state of a stream from its snapshot and the events after it; from all its events when there is none that may be used."""
    stream = decider.stream(id)
    known = _stored(log, decider, stream, codes)
    if known is not None:
        records = list(log.read_stream(stream, known.version - 1))
        if records and (records[0].version, records[0].digest) == (known.version, known.digest):
            return fold(decider, known, records[1:])
    return fold(decider, Folded(decider.shape, decider.initial(id), 0, 0), log.read_stream(stream, 0))


def _stored(log: EventLog, decider: Decider[Any], stream: str, codes: Codes | None) -> Folded | None:
    stored = log.storage.snapshot(stream)
    if stored is None or stored[1] != written(decider):
        return None
    version, shape, text = stored
    try:
        found = msgspec.json.decode(text, type=Snapshot)
        state = msgspec.json.decode(found.state, type=decider.state)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    if codes is not None and not codes.fits(found.code, found.bound(stream, version, shape)):
        return None
    return Folded(decider.shape, state, version, version, Span(found.began, found.latest), found.digest)


def store(log: EventLog, decider: Decider[Any], stream: str, found: Folded, codes: Codes | None) -> None:
    """Store a state that the log has confirmed; raises `UnavailableError` when nothing can be written."""
    shape = written(decider)
    kept = Snapshot(found.span.began, found.span.latest, msgspec.Raw(msgspec.json.encode(found.state)), found.digest)
    if codes is not None:
        kept = msgspec.structs.replace(kept, code=codes.make(kept.bound(stream, found.version, shape)))
    log.storage.save_snapshot(stream, found.version, shape, msgspec.json.encode(kept))


def verify(log: EventLog, deciders: Iterable[Decider[Any]]) -> tuple[int, int]:
    """Fold every stream that has a snapshot and compare; returns how many hold, and how many no program of this version reads.

    Raises `CorruptionError` naming the first stream whose snapshot does not follow from its facts.
    """
    by_category = {decider.category: decider for decider in deciders}
    waiting: dict[str, tuple[Decider[Any], Folded, tuple[int, str, bytes]]] = {}
    held = unread = 0
    for stream, version, shape, text in log.storage.snapshots():
        found = [name for name in by_category if stream.startswith(f"{name}-")]
        decider = by_category[max(found, key=len)] if found else None
        if decider is None or shape != written(decider):
            if log.storage.stream_version(stream) < version:
                raise CorruptionError(
                    f"log {log.name}: the snapshot of {stream} is of version {version}, which it never had"
                )
            unread += 1
            continue
        id = stream.removeprefix(decider.stream(""))
        waiting[stream] = decider, Folded(decider.shape, decider.initial(id), 0, 0), (version, shape, text)
    for record in log.read() if waiting else ():
        if (one := waiting.get(record.stream)) is None:
            continue
        decider, before, (version, _shape, text) = one
        state = fold(decider, before, (record,))
        if state.version < version:
            waiting[record.stream] = decider, state, one[2]
            continue
        _compare(log.name, record.stream, decider, state, text)
        del waiting[record.stream]
        held += 1
    for stream, (_decider, _state, (version, *_rest)) in waiting.items():
        raise CorruptionError(f"log {log.name}: the snapshot of {stream} is of version {version}, which it never had")
    return held, unread


def _compare(log: str, stream: str, decider: Decider[Any], folded: Folded, text: bytes) -> None:
    here = f"log {log}: the snapshot of {stream} at version {folded.version}"
    try:
        found = msgspec.json.decode(text, type=Snapshot)
        state = msgspec.json.decode(found.state, type=decider.state)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise CorruptionError(f"{here} cannot be read: {error}") from error
    if found.digest != folded.digest:
        raise CorruptionError(f"{here} does not stand on the commit that is there")
    if state != folded.state or Span(found.began, found.latest) != folded.span:
        raise CorruptionError(f"{here} does not follow from its facts")
