"""Prometheus metrics of a process; served by the gateway and, in the city shape, by each service."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

CALLS = Histogram(
    "linli_call_seconds",
    "Time to answer a call",
    ("service", "method", "outcome"),
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
)
HEAD = Gauge("linli_log_head", "Last position of a service's log", ("service",))
RELAYED = Gauge("linli_relayed", "Last position that the broker confirmed", ("service",))
APPLIED = Gauge("linli_applied", "Last position of a source that a service applied", ("service", "source"))
PARKED = Counter("linli_parked", "Facts and messages parked", ("service", "source"))
RETRIES = Counter("linli_retries", "Times a background loop had to try again", ("service", "loop"))
