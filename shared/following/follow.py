"""Following a log: each fact is applied exactly once and in order, or parked with the reason.

A follower keeps its checkpoint in the same store as the rows it writes, and both move together. An older position is skipped, the
next one applied, and a gap raised to the caller, who fetches what is missing. A fact that cannot be applied is parked; later
facts of the same stream wait behind it, other streams go on.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from itertools import islice
from typing import Any

import msgspec
import structlog

from shared.domain.calendar import today
from shared.domain.city import City
from shared.domain.errors import ConcurrencyError, UnavailableError
from shared.domain.identity import derived_id
from shared.domain.moments import IMPORTED, imported
from shared.domain.policy import Decision, Policy
from shared.domain.record import Record
from shared.domain.signature import needs
from shared.domain.view import Row, Rows, View
from shared.following.context import CallContext
from shared.following.overlay import MOST_KNOWN, READ_AHEAD, Known, Overlay, Seen, fold_views, folds_of
from shared.following.parking import PARKING, park, thing
from shared.log import Receipt
from shared.views import ViewStore
from shared.views.port import Changes, Checkpoints

#: Facts that could not be applied, and those of the same stream that wait behind them. Not derived: an operator decides on them.
PARKED = View(
    "parked",
    "",
    lambda event, record: None,
    lambda row, event, record, key: row,
    ("source", "state", ("source", "stream")),
)

_log = structlog.get_logger()


#: Carries a decision out: `(decision, context, command name, rows that it is made on)`.
Carry = Callable[[Decision, CallContext, str, Rows], Receipt]


def epoch(source: str) -> str:
    """The checkpoint that says which life of a log the views are of: 0, or the time of the restore in milliseconds."""
    return f"epoch:{source}"


def acts(source: str) -> str:
    """The checkpoint that counts what operators had done about parked facts: it changed rows and no position."""
    return f"acts:{source}"


#: How often an operator's act is begun anew because another process of the service applied something meanwhile.
ATTEMPTS = 20


class GapError(Exception):
    """Facts are missing between the checkpoint and what arrived."""


def replay(
    source: str,
    views: Sequence[View],
    store: ViewStore,
    decode: Callable[[Record], Any],
    records: Iterable[Record],
    left_out: Container[int] = (),
    known: Known | None = None,
) -> int:
    """Fold facts into a fresh store and return the position reached: views only, never policies.

    `left_out` are the positions that the live views did not apply because they are parked or skipped. `known` keeps the rows of one
    batch for the next ones, so that rows which many facts touch are not read anew; only for a store that nobody else writes to.
    """
    folds = folds_of(views, source)
    follower = f"follow:{source}"
    start = position = store.checkpoint(follower)
    digest = ""
    overlay = Overlay(store, known)
    remaining = iter(records)
    while some := list(islice(remaining, READ_AHEAD)):
        facts = [record for record in some if record.position not in left_out]
        overlay.read_ahead(folds, decode, facts)
        for record in facts:
            overlay.changes.update(fold_views(*overlay.read(folds, decode, record), record, overlay))
        position, digest = some[-1].position, some[-1].digest
    if position != start:
        store.save(overlay.changes, {follower: (start, position, digest)})
    if known is not None:
        if len(known) + len(overlay.changes) > MOST_KNOWN:
            known.clear()
        known.update(overlay.changes)
    return position


def parked_positions(store: ViewStore) -> dict[str, set[int]]:
    """Positions per source that the live views have not applied."""
    found: dict[str, set[int]] = {}
    cursor = None
    while True:
        page = store.find("parked", {"state": ["parked", "waiting", "skipped"]}, limit=500, cursor=cursor)
        for row in page.rows:
            found.setdefault(row["source"], set()).add(row["position"])
        if (cursor := page.next) is None:
            return found


class Follower:
    """Applies one source's facts to this service's views and policies."""

    def __init__(
        self,
        source: str,
        views: Sequence[View],
        store: ViewStore,
        decode: Callable[[Record], Any],
        policies: Mapping[str, Policy] | None = None,
        carry: Carry | None = None,
    ) -> None:
        self.source = source
        self.name = f"follow:{source}"
        self._every_view = views
        self._folds = folds_of(views, source)
        self._store = store
        self._decode = decode
        self._policies = policies or {}
        self._carry = carry
        self.reload()

    def reload(self) -> None:
        """Start from what the store says: at first, and when somebody else moved the checkpoint."""
        self.position = self._store.checkpoint(self.name)
        self.epoch = self._store.checkpoint(epoch(self.source))
        self._acts = self._store.checkpoint(acts(self.source))  # before what they act on
        self._blocked = {row["stream"] for row in self._parked_rows()}

    def enter(self, number: int) -> None:
        """Note that the views are of a later epoch of the source's log than was known."""
        self._store.save({}, {epoch(self.source): (self.epoch, number)})
        self.epoch = number

    def _parked_rows(self, stream: str | None = None) -> list[Row]:
        where: dict[str, Any] = {"source": self.source, "state": ["parked", "waiting"]}
        if stream is not None:
            where["stream"] = stream
        rows: list[Row] = []
        cursor = None
        while True:
            page = self._store.find("parked", where, limit=500, cursor=cursor)
            rows += page.rows
            if (cursor := page.next) is None:
                return rows

    @property
    def parked(self) -> int:
        """How many facts of this source are parked or wait behind one."""
        return self._store.count("parked", {"source": self.source, "state": ["parked", "waiting"]})

    def apply(self, records: Iterable[Record]) -> int:
        """Apply facts in order and return the new position; raises `GapError` when the next one is missing.

        Raises `UnavailableError` when a store or log cannot be written: nothing of the batch counts then, and it is safe to repeat.
        """
        position = self.position
        new = [record for record in records if record.position > position]
        if not new:  # as whenever nothing has happened for a second: nothing is asked then
            return position
        store, beside = self._store.pinned(), self._beside()
        overlay = Overlay(store)
        missing: int | None = None
        last = new[0]
        overlay.read_ahead(self._folds, self._decode, new)
        for record in new:
            if record.position <= position:
                continue  # it came twice
            if record.position != position + 1:
                missing = position + 1
                break
            self._apply_or_park(record, overlay)
            position, last = record.position, record
        if position != self.position:
            self._complete(overlay)
            moved: dict[str, tuple[int, int] | tuple[int, int, str]] = {
                self.name: (self.position, position, last.digest)  # who loses a part of the log is told by this
            }
            if self._blocked:  # an operator may have had some of it applied, by another process
                moved[acts(self.source)] = (self._acts, self._acts)
            store.save(overlay.changes, moved | beside)
            self.position = position
            self._blocked |= overlay.blocked
        if missing is not None:
            raise GapError(f"{self.source} position {missing} has not arrived")
        return position

    def _apply_or_park(self, record: Record, overlay: Overlay) -> None:
        key = f"{self.source}:{record.position:012d}"
        if record.stream in self._blocked or record.stream in overlay.blocked:
            overlay.changes["parked", key] = parked_row(
                self.source, record, "waiting", "an earlier fact of this stream is parked"
            )
            return
        try:
            overlay.changes.update(self._fold(record, overlay))
        except UnavailableError:
            raise
        except Exception as error:  # whatever a view or policy raises, the fact is kept and the others go on
            _log.error(
                "fact parked",
                source=self.source,
                position=record.position,
                type=record.type,
                error=type(error).__name__,
            )
            overlay.changes["parked", key] = parked_row(
                self.source, record, "parked", f"{type(error).__name__}: {error}"
            )
            overlay.blocked.add(record.stream)
            self._say_parked(record)

    def _say_parked(self, record: Record) -> None:
        """Record in our own log that a fact is left out, once: a row that nothing tells of was put there by somebody else."""
        if self._carry is None:
            return
        about = {"source": self.source, "stream": record.stream, "position": record.position}
        context = CallContext(
            kind="service",
            actor="follower",
            command_id=derived_id(record.id, "park", self.source, str(record.position)),
            correlation_id=record.correlation_id,
            causation_id=record.id,
            occurred=record.occurred,
        )
        decision = Decision(PARKING, thing(self.source, record.stream), park, about)
        self._carry(decision, context, "park", self._store)

    def _fold(self, record: Record, overlay: Overlay) -> dict[tuple[str, str], Row | None]:
        event, touched = overlay.read(self._folds, self._decode, record)
        changes = fold_views(event, touched, record, overlay)
        if (policy := self._policies.get(f"{self.source}.{record.type}")) is not None and self._carry is not None:
            seen = Seen(self._store, self._every_view, changes, overlay.changes)
            city = {name: City(seen, today()) for name in needs(policy).city}
            for number, decision in enumerate(policy(event, record, **city)):
                name = policy.__name__
                context = CallContext(
                    kind="service",
                    actor=f"policy:{name}",
                    command_id=(IMPORTED if imported(record) else "") + derived_id(record.id, name, str(number)),
                    correlation_id=record.correlation_id,
                    causation_id=record.id,
                    occurred=record.occurred,
                )
                self._carry(decision, context, name, seen if city else self._store)
        return changes

    def _beside(self) -> dict[str, tuple[int, int]]:
        """Checkpoints to move with what is saved next; asked before any row is read."""
        return {}

    def _complete(self, overlay: Overlay) -> None:
        """Add what follows from a whole batch, just before it is saved."""

    def retry(self, stream: str) -> int:
        """Apply the parked and waiting facts of a stream again, in order; returns how many were applied.

        Stops at the first that still fails, which stays parked with the new reason. Nothing else may be applied by this follower
        meanwhile; what another process of the service applies is noticed, and `ConcurrencyError` raised if it never ends.
        """
        applied = 0
        for attempt in range(ATTEMPTS):
            try:
                self.reload()
                for row in self._parked_rows(stream):
                    if not self._retry_first(row):
                        return applied
                    applied += 1
            except ConcurrencyError:
                if attempt == ATTEMPTS - 1:
                    raise
            else:
                self._blocked.discard(stream)
                break
        return applied

    def _retry_first(self, row: Row) -> bool:
        """Apply one parked fact; False when it still cannot be, and is kept with the reason why."""
        store = self._store.pinned()
        beside, overlay = self._beside(), Overlay(store)
        try:
            overlay.changes.update(self._fold(unparked(row), overlay))
        except UnavailableError:
            raise
        except Exception as error:  # still not possible: say why, keep it
            kept = row | {"state": "parked", "reason": f"{type(error).__name__}: {error}"}
            if row["state"] != "parked":
                self._say_parked(unparked(row))
            self._act(store, {("parked", row["key"]): kept})
            return False
        overlay.changes["parked", row["key"]] = None
        self._complete(overlay)
        self._act(store, overlay.changes, beside)
        return True

    def _act(self, store: ViewStore, changes: Changes, beside: Checkpoints | None = None) -> None:
        """Save what an operator had done, unless somebody else has applied or done something since this follower looked."""
        moved = {self.name: (self.position, self.position), acts(self.source): (self._acts, self._acts + 1)}
        store.save(changes, moved | dict(beside or {}))
        self._acts += 1

    def first_parked(self, stream: str) -> int | None:
        """The position of the first parked fact of a stream; None when none is parked."""
        rows = self._parked_rows(stream)
        return int(rows[0]["position"]) if rows else None

    def skip(self, stream: str, position: int) -> int:
        """Leave a parked fact out for good and go on with those behind it; returns how many of these were applied.

        Does nothing when that fact is not parked any more. Otherwise as `retry`.
        """
        for attempt in range(ATTEMPTS):
            try:
                self.reload()
                rows = self._parked_rows(stream)
                if not rows or rows[0]["position"] != position:
                    return 0
                self._act(self._store, {("parked", rows[0]["key"]): rows[0] | {"state": "skipped"}})
                break
            except ConcurrencyError:
                if attempt == ATTEMPTS - 1:
                    raise
        return self.retry(stream)


_to_json = msgspec.json.Encoder(order="sorted").encode


def parked_row(source: str, record: Record, state: str, reason: str) -> Row:
    """A parked fact with everything needed to apply it later."""
    return {
        "source": source,
        "stream": record.stream,
        "position": record.position,
        "type": record.type,
        "state": state,
        "reason": reason,
        "record": _to_json(record).decode(),
    }


def unparked(row: Row) -> Record:
    """The record in a parked row."""
    return msgspec.json.decode(row["record"], type=Record)
