"""The clock of a service: runs its rules for each day, at local midnight and for the days on which it was off."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import date

import structlog

from shared.domain.clock import CLOCK
from shared.domain.errors import LinliError
from shared.following.node import ServiceRuntime
from shared.service import metrics

#: Seconds that the clock's lease lasts; each day renews it. It only avoids double work: command ids make each act take effect once.
LEASE = 60.0
#: Seconds between two checks of the date.
LOOK_EVERY = 1.0
#: Seconds before a failed day is retried.
RETRY = 120.0

_log = structlog.get_logger()


class Clock:
    """Ticks for every day after the last completed one up to today, in order.

    The checkpoint `clock` holds the last completed day as a `date` ordinal; it moves when all rules of a day have run. Without a
    checkpoint the clock begins with today.
    """

    def __init__(self, stopping: threading.Event, holder: str, today: Callable[[], str], retry: float = RETRY) -> None:
        """`holder` takes the lease, `today()` returns the local day (ISO date), `retry` is the pause in seconds after a failed day."""
        self._stopping, self._holder, self._today, self._retry = stopping, holder, today, retry

    def run(self, node: ServiceRuntime) -> None:
        """Tick until the service stops."""
        done = 0
        while not self._stopping.is_set():
            pause = LOOK_EVERY
            if done < date.fromisoformat(self._today()).toordinal():
                try:
                    done = self.catch_up(node)
                except Exception as error:  # of any kind: a bug in a rule must not end the clock
                    metrics.RETRIES.labels(node.name, "clock").inc()
                    level = _log.warning if isinstance(error, LinliError | OSError) else _log.exception
                    level("day not completed", service=node.name, error=str(error) or repr(error), seconds=self._retry)
                    pause = self._retry
            self._stopping.wait(pause)

    def catch_up(self, node: ServiceRuntime) -> int:
        """Tick for all missing days, unless another process holds the lease; return the last completed day."""
        today = date.fromisoformat(self._today()).toordinal()
        if not node.views.lease("clock", self._holder, LEASE):
            return self._show(node, node.views.checkpoint(CLOCK), today)
        try:
            done = before = node.views.checkpoint(CLOCK)
            for day in range(before + 1 if before else today, today + 1):
                self._show(node, done, today)
                if self._stopping.is_set() or not node.views.lease("clock", self._holder, LEASE):
                    break
                written = node.tick(date.fromordinal(day).isoformat())
                node.views.save({}, {CLOCK: (done, day)})
                done = day
                _log.info("day completed", service=node.name, day=date.fromordinal(day).isoformat(), facts=written)
            return self._show(node, done, today)
        finally:
            node.views.lease("clock", self._holder, 0)

    def _show(self, node: ServiceRuntime, done: int, today: int) -> int:
        metrics.CLOCK_BEHIND.labels(node.name).set(max(0, today - done) if done else 1)
        return done
