"""Folds a service's views anew from the logs while the old rows are read (R5)."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence

import structlog

from shared.domain.errors import ConcurrencyError, UnavailableError
from shared.domain.record import Record
from shared.following.follow import parked_positions, replay
from shared.following.node import BATCH, Fetch, ServiceRuntime
from shared.following.overlay import Known
from shared.views import ViewStore

_log = structlog.get_logger()

#: Commits of our own log that a rebuild folds in one transaction.
REBUILT_AT_ONCE = 1_000
#: How often a rebuild continues because another process of the service has applied more facts.
ATTEMPTS = 20
#: Called between the batches of a rebuild, with the error when a source does not answer; it raises to end the rebuild.
Between = Callable[[UnavailableError | None], None]


def _or_raise(error: UnavailableError | None) -> None:
    """End the rebuild when a source does not answer."""
    if error is not None:
        raise error


def rebuild(node: ServiceRuntime, fetch: Fetch, between: Between = _or_raise) -> int:
    """Fold all views anew from the logs while reads of the old ones go on, then swap; returns the facts applied.

    Facts that an operator skipped or that are parked stay out, as they are out of the live views.

    Raises `ConcurrencyError` when another process of the service goes on applying while this one wants to swap.
    """
    fresh = node.views.fresh()
    _fold_anew(node, fresh, fetch, between)
    with node.applying:  # nothing is applied here while the last few facts are folded and the generations swapped
        for attempt in range(ATTEMPTS):
            _fold_anew(node, fresh, fetch, between)
            try:
                node.views.promote()
                break
            except ConcurrencyError:  # another process of the service has applied some
                if attempt == ATTEMPTS - 1:
                    raise
                node.reload()
    return sum(follower.position for follower in node.followers.values())


def renew(node: ServiceRuntime, fetch: Fetch, between: Between) -> None:
    """Rebuild the views if the stored rows belong to others, and say that the node is ready."""
    if not node.views.folded_alike():
        node.reload()
        rebuild(node, fetch, between)
        _log.info("views rebuilt", service=node.name)
    node.reload()
    node.ready = True


def _fold_anew(node: ServiceRuntime, fresh: ViewStore, fetch: Fetch, between: Between) -> None:
    """Fold into new rows what the followers of a node have applied and these lack."""
    left_out = parked_positions(node.views)
    for source, live in node.followers.items():
        if not any(view.source == source for view in node.definition.all_views):
            continue  # followed for policies only: its checkpoint stays
        known: Known = {}
        position = fresh.checkpoint(live.name)
        while position < (end := live.position):
            try:
                found = (
                    list(node.log.read(position, limit=REBUILT_AT_ONCE))
                    if source == node.name
                    else fetch(source, position, BATCH)
                )
                records = [record for record in found if record.position <= end]
                if not records:
                    raise UnavailableError(f"{source} does not give its facts up to position {end}")
            except UnavailableError as error:
                between(error)
                continue
            between(None)
            decode = node.definition.decoder_for(source)
            out = left_out.get(source, ())
            taken = _taking_turns(records)
            position = replay(source, node.definition.all_views, fresh, decode, taken, out, known)


def _taking_turns(records: Sequence[Record]) -> Iterator[Record]:
    """The records; whoever waits to read or to command gets a turn every now and then."""
    for number, record in enumerate(records):
        if number % BATCH == 0:
            time.sleep(0)  # a green thread gives way only when it says so
        yield record
