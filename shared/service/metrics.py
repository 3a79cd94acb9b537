"""Prometheus metrics of a process; served by the gateway and, in the city shape, by each service.

How far a consumer lags is `linli_log_head{service="<source>"} - on() linli_applied{service="…", source="<source>"}`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from prometheus_client import Counter, Gauge, Histogram

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)

CALLS = Histogram("linli_call_seconds", "Time to answer a call", ("service", "method", "outcome"), buckets=_SECONDS)
APPENDS = Histogram("linli_append_seconds", "Time until a commit was on disk", ("service", "outcome"), buckets=_SECONDS)
#: The measures of (service, method, outcome) and (service, outcome): to look labels up costs more than to count.
calls = cache(CALLS.labels)
appends = cache(APPENDS.labels)
HEAD = Gauge("linli_log_head", "Last position of a service's log", ("service",))
RELAYED = Gauge("linli_relayed", "Last position that the broker confirmed", ("service",))
RELAY_LAG = Gauge("linli_relay_lag", "Facts in a service's log that the broker has not confirmed yet", ("service",))
APPLIED = Gauge("linli_applied", "Last position of a source that a service applied", ("service", "source"))
PARKED = Counter("linli_parked", "Facts and messages parked", ("service", "source"))
WAITING = Gauge("linli_parked_waiting", "Facts that are parked, or wait behind one that is", ("service", "source"))
RETRIES = Counter("linli_retries", "Times a background loop had to try again", ("service", "loop"))
UNWITNESSED = Gauge("linli_unwitnessed", "Entries of the city ledger that a witness has not cosigned yet", ("witness",))
CLOCK_BEHIND = Gauge("linli_clock_behind", "Days that have begun and are not completed by the clock", ("service",))


def show(status: Mapping[str, Any]) -> None:
    """Set the gauges from `ServiceRuntime.status`."""
    service = status["service"]
    HEAD.labels(service).set(status["head"])
    RELAYED.labels(service).set(status["relayed"])
    RELAY_LAG.labels(service).set(max(0, status["head"] - status["relayed"]))
    for source, follower in status["followers"].items():
        APPLIED.labels(service, source).set(follower["position"])
        WAITING.labels(service, source).set(follower["parked"])
