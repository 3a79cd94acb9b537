"""Pointers keep the place of a commit's further parts in their streams; whoever verifies a log compares them with the commits."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from shared.domain.errors import CorruptionError
from shared.log.record import Span, StoredCommit, pointer_id, pointers_of

#: Commits with events of a stream beyond a version, in order.
Scan = Callable[[str, int], Iterator[StoredCommit]]


def checked(
    commits: Iterator[StoredCommit], pointers: Iterator[tuple[Span, str]], scan_stream: Scan
) -> Iterator[StoredCommit]:
    """Pass commits through, all from the first; raise `CorruptionError` unless each of their parts is found in its stream, and no other."""
    for stored in commits:
        for part in pointers_of(stored):
            here = f"position {stored.position}: version {part.version} of {part.stream} is not found in its stream"
            if next(pointers, None) != (
                part,
                pointer_id(stored, part),
            ):  # what is kept decides which version its stream is at
                raise CorruptionError(f"{here}: what is kept of it is missing or was changed")
            found = next(iter(scan_stream(part.stream, part.version - 1)), None)
            if found is None or found.position != stored.position:
                raise CorruptionError(here)
        yield stored
    if (extra := next(pointers, None)) is not None:
        raise CorruptionError(
            f"position {extra[0].position}: version {extra[0].version} of {extra[0].stream} is said to be there, which no commit wrote"
        )
