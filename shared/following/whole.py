"""Whether a log is as long as others know it to be, and the same where they saw it: nothing is written on a history that has shrunk.

Every follower keeps its position beside its rows, and the digest of the commit there; the relay keeps what the broker has confirmed. A
log that lost its end, or was put back to an older day, ends before one of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from shared.domain.errors import UnavailableError
from shared.domain.words import _
from shared.log import EventLog
from shared.views.port import Mark


class Known(msgspec.Struct, frozen=True):
    """What a service knows of a log: how far it reaches at least, and the digest of the commit at a position ("": not kept)."""

    by: str
    mark: Mark


class ShrunkError(UnavailableError):
    """The log has lost what others have seen of it; nothing is written until it has been put back."""


def known_of(source: str, stores: Mapping[str, Mapping[str, Mark]]) -> list[Known]:
    """What the stores of all services, by name, know of the log of one of them: who knows most comes first."""
    found = [
        Known(service, mark)
        for service, marks in stores.items()
        for follower, mark in marks.items()
        if follower == f"follow:{source}" or (follower == "relay" and service == source)
    ]
    return sorted(found, key=lambda known: -known.mark.position)


def require_whole(log: EventLog, known: Iterable[Known]) -> None:
    """Raise `ShrunkError` when a log ends before what somebody knows of it, or differs where they saw it.

    What is known must have been asked for before this is called: the log may grow meanwhile.
    """
    head = log.head().position
    for one in known:
        if one.mark.position > head:
            raise ShrunkError(
                _(
                    "the log of {service} ends at position {head}, but {by} knows it up to {position}: {missing} facts are missing, and "
                    "nothing is written on a history that has shrunk. Put the newest files or database of this log back, or restore "
                    "the newest backup into a new place"
                ),
                service=log.name,
                head=head,
                by=one.by,
                position=one.mark.position,
                missing=one.mark.position - head,
            )
        if one.mark.digest and _digest_at(log, one.mark.digest_at) != one.mark.digest:
            raise ShrunkError(
                _(
                    "position {position} of the log of {service} is not what {by} has seen there: it is the log of another city or of "
                    "another day, and nothing is written on it. Put the right files or database back, or restore the newest backup "
                    "into a new place"
                ),
                service=log.name,
                by=one.by,
                position=one.mark.digest_at,
            )


def _digest_at(log: EventLog, position: int) -> str:
    found = next(iter(log.read_commits(position - 1, 1)), None)
    return found.digest if found is not None else ""
