"""The clock of a service: lets its rules record what each day means, at the local midnight and for the days that it was off."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import date

import structlog

from shared.domain.errors import LinliError
from shared.following.node import CLOCK, Node
from shared.service import metrics

#: Seconds that the right to let a day begin lasts; it is renewed with every day.
#:
#: It only saves double work: the command ids of what a day makes happen let each happen once, whoever does it how often.
LEASE = 60.0
#: Seconds between two looks at the calendar.
LOOK_EVERY = 1.0
#: Seconds before a day that failed is tried again.
RETRY = 120.0

_log = structlog.get_logger()


class Clock:
    """Ticks for every day from the one after the last day done to today, one after the other.

    The checkpoint `clock` is the last day done, as the ordinal of a `date`; it moves after all of a day was recorded. A service that
    had no clock before begins with today.
    """

    def __init__(self, stopping: threading.Event, holder: str, today: Callable[[], str], retry: float = RETRY) -> None:
        """`holder` takes the lease, `today()` is the local day (ISO date), `retry` the seconds before a day that failed is tried again."""
        self._stopping, self._holder, self._today, self._retry = stopping, holder, today, retry

    def run(self, node: Node) -> None:
        """Tick until the service stops."""
        done = 0
        while not self._stopping.is_set():
            pause = LOOK_EVERY
            if done < date.fromisoformat(self._today()).toordinal():
                try:
                    done = self.catch_up(node)
                except Exception as error:  # of whatever kind: a mistake in a rule must not end the clock
                    metrics.RETRIES.labels(node.name, "clock").inc()
                    level = _log.warning if isinstance(error, LinliError | OSError) else _log.exception
                    level(
                        "the day is not whole", service=node.name, error=str(error) or repr(error), seconds=self._retry
                    )
                    pause = self._retry
            self._stopping.wait(pause)

    def catch_up(self, node: Node) -> int:
        """Let all days begin that have not yet, unless another process of the service is doing it; returns the last day done."""
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
                _log.info("a day has begun", service=node.name, day=date.fromordinal(day).isoformat(), facts=written)
            return self._show(node, done, today)
        finally:
            node.views.lease("clock", self._holder, 0)

    def _show(self, node: Node, done: int, today: int) -> int:
        metrics.CLOCK_BEHIND.labels(node.name).set(max(0, today - done) if done else 1)
        return done
