"""What bears on security is noted in the audit service's log: at once where it can be, later where not, and counted where it repeats.

A note is saved together with the change that it is about, and sent from there until the audit service has it. What anybody can bring
about as often as they like (failures, sign-ins, readings) is noted the first time; what follows within a quarter of an hour is counted
and noted as one act, and of different ones only so many are told apart. So nobody can fill the log, and nobody can hide in it either.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from prometheus_client import Counter, Gauge

from shared.domain.calendar import LOCAL
from shared.domain.errors import LinliError, TimedOutError, UnavailableError
from shared.domain.fields import FieldError, line
from shared.domain.identity import new_id
from shared.domain.view import Row
from shared.following.context import CallContext
from shared.views import ViewStore

#: Seconds within which the same act is counted instead of noted again.
WINDOW = 15 * 60.0
#: Different acts told apart in a window; of others only the kind and who did it are kept, and at last the kind alone.
MOST = 200
#: Seconds to wait for the audit service, and to leave it alone after it did not answer.
_PATIENCE, _PAUSE = 2.0, 10.0
#: Characters kept of a text.
_LONGEST = 400
_LINE = line(_LONGEST)
#: Notes sent at a time.
_AT_A_TIME = 50

NOTED = Counter("linli_security_acts", "Security acts, repeated ones included", ("act", "alone"))
WAITING = Gauge("linli_security_acts_waiting", "Whether security acts wait for the audit service")

NOTED.labels("operator_acted", "true")  # a counter that begins with its first act would never be seen to rise
_log = structlog.get_logger()
#: Rows that must be saved together with a change: by view and key.
Rows = dict[tuple[str, str], Row | None]


@dataclass
class _Seen:
    told: Row
    begun: float  # on the clock
    since: str
    more: int = 0


class Trail:
    """Notes security acts.

    `call` sends a call to a service. `background` leaves the sending to whoever calls `flush` regularly. `clock` gives seconds.
    """

    def __init__(
        self,
        call: Callable[..., dict[str, Any]],
        views: ViewStore,
        background: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._call = call
        self._views = views
        self.background = background
        self._clock = clock
        self._seen: dict[tuple[str, ...], _Seen] = {}
        self._away_until = 0.0
        self._sending = threading.Lock()

    def prepared(self, act: str, **told: Any) -> Rows:
        """The rows that note an act, for the change that they are saved with; call `flush` after it."""
        NOTED.labels(act, str(bool(told.get("alone"))).lower()).inc()
        return self._rows(act, told, 1, _now())

    def note(self, act: str, **told: Any) -> None:
        """Note an act that is no change of an account."""
        self._views.save(self.prepared(act, **told))
        self._soon()

    def count(self, act: str, **told: Any) -> None:
        """Note an act that repeats: the first time at once, then as one act with its number."""
        NOTED.labels(act, str(bool(told.get("alone"))).lower()).inc()
        self._turn(self._clock())
        for key, kept in self._told_apart(act, told):
            if seen := self._seen.get(key):
                seen.more += 1
                return
            if len(self._seen) < MOST or len(key) < 3:
                now = _now()
                self._seen[key] = _Seen({"act": act} | kept, self._clock(), now)
                self._views.save(self._rows(act, kept, 1, now))
                self._soon()
                return

    @staticmethod
    def _told_apart(act: str, told: Row) -> list[tuple[tuple[str, ...], Row]]:
        by = str(told.get("by", ""))
        whole = (act, by, *(str(told.get(name, "")) for name in ("account", "address", "detail")))
        return [(whole, told), ((act, by), {"by": by}), ((act,), {})] if by else [(whole, told), ((act,), {})]

    def _turn(self, now: float, every: bool = False) -> None:
        """Note the numbers of the windows that have passed."""
        rows: Rows = {}
        for key, seen in list(self._seen.items()):
            if every or now - seen.begun >= WINDOW:
                del self._seen[key]
                if seen.more:
                    rows |= self._rows(seen.told["act"], seen.told, seen.more, seen.since)
        if rows:
            self._views.save(rows)

    def rest(self) -> None:
        """Keep what was counted so far, before the process ends."""
        self._turn(self._clock(), every=True)

    @staticmethod
    def _rows(act: str, told: Row, count: int, since: str) -> Rows:
        kept = told | {"act": act, "count": count, "since": since, "at": _now()}
        return {("notes", new_id()): {name: _plain(value) for name, value in kept.items()}}

    def _soon(self) -> None:
        if not self.background:
            self.flush()

    def flush(self) -> None:
        """Send what waits, in order, as far as the audit service takes it; never raises."""
        now = self._clock()
        self._turn(now)
        if now < self._away_until or not self._sending.acquire(blocking=False):
            return
        try:
            while rows := self._views.find("notes", None, "key", _AT_A_TIME).rows:
                for row in rows:
                    self._send(row)
            WAITING.set(0)
        except (UnavailableError, TimedOutError):
            WAITING.set(1)
            self._away_until = self._clock() + _PAUSE
        finally:
            self._sending.release()

    def _send(self, row: Row) -> None:
        told = {name: value for name, value in row.items() if name not in ("key", "at")}
        # the key stands for the note, so that one that is sent twice is noted once
        context = CallContext(
            kind="service",
            actor="gateway",
            command_id=f"note:{row['key']}",
            correlation_id=new_id(),
            occurred=row["at"],
        )
        try:
            self._call("audit", "note_act", context, {"security_act_id": row["key"]} | told, timeout=_PATIENCE)
        except (UnavailableError, TimedOutError):
            raise
        except LinliError as error:  # a bug; one such note must not hold the others up
            _log.error("security act not noted", act=row["act"], kind=error.kind, reason=error.message)
        self._views.save({("notes", row["key"]): None})


def _now() -> str:
    return datetime.now(LOCAL).isoformat(timespec="seconds")


def _plain(value: Any) -> Any:
    """What is told, cut, and with whatever cannot stand in one line of text written out: names that are tried are anything at all."""
    if not isinstance(value, str):
        return value
    try:
        return _LINE.load(value[:_LONGEST])
    except FieldError:
        return value.encode("unicode_escape").decode()[:_LONGEST]
