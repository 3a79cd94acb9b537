"""Every request: how many at a time, how long it took, and one log line about it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable
from typing import Any

import structlog
from flask import Flask, Response, g, request
from prometheus_client import Counter, Gauge, Histogram

from services.gateway.problems import KINDS, members
from shared.domain.identity import new_id

#: Largest body of a request, in bytes.
LARGEST_BODY = 1024 * 1024

REQUESTS = Counter("linli_http_requests", "HTTP requests answered", ("route", "status"))
SECONDS = Histogram("linli_http_seconds", "Time to answer an HTTP request", ("route",))
ACTIVE = Gauge("linli_http_active", "HTTP requests being worked on")

_log = structlog.get_logger()
#: Said before anything is known of the reader, and so in English.
_BUSY = "too many requests at a time; try again in a second"
#: No page needs any of what browsers can lend.
_POWERS = ", ".join(
    f"{power}=()"
    for power in ("camera", "display-capture", "geolocation", "microphone", "midi", "payment", "serial", "usb")
)
_Start = Callable[..., Any]


class AtATime:
    """WSGI middleware that refuses what is too much before any work is done for it."""

    def __init__(self, application: Callable[[dict[str, Any], _Start], Iterable[bytes]], most: int) -> None:
        self._application = application
        self._most = most
        self._active = 0

    def __call__(self, environ: dict[str, Any], start_response: _Start) -> Iterable[bytes]:
        # health is asked when there is most to do, and by machines that must not mistake busy for dead
        if self._active >= self._most and not environ["PATH_INFO"].startswith("/health/"):
            return self._busy(start_response)
        self._active += 1
        ACTIVE.inc()
        try:
            return self._application(environ, start_response)
        finally:
            self._active -= 1
            ACTIVE.dec()

    def _busy(self, start_response: _Start) -> Iterable[bytes]:
        correlation_id = new_id()
        REQUESTS.labels("busy", "429").inc()
        _log.warning("request refused", status=429, active=self._active, correlation_id=correlation_id)
        kind = "too_many_requests"
        told = members(kind, KINDS[kind], _BUSY, correlation_id)
        body = json.dumps(told | {"kind": kind, "message": _BUSY, "template": _BUSY, "fields": {}}).encode()
        headers = [
            ("Content-Type", "application/problem+json"),
            ("Content-Length", str(len(body))),
            ("Retry-After", "1"),
        ]
        start_response("429 TOO MANY REQUESTS", [*headers, ("X-Correlation-Id", correlation_id)])
        return [body]


def register_access_log(app: Flask) -> None:
    """One line for each request: the route, never the path or the query string, which may hold personal data."""

    @app.before_request
    def begin() -> None:
        g.started = time.perf_counter()

    @app.after_request
    def end(response: Response) -> Response:
        seconds = time.perf_counter() - g.get("started", time.perf_counter())
        route = request.url_rule.rule if request.url_rule else "unknown"
        REQUESTS.labels(route, str(response.status_code)).inc()
        SECONDS.labels(route).observe(seconds)
        correlation_id = g.get("correlation_id", "")
        response.headers["X-Correlation-Id"] = correlation_id
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        response.headers.setdefault("Referrer-Policy", "same-origin")
        response.headers.setdefault("X-Frame-Options", "DENY")
        response.headers.setdefault("Permissions-Policy", _POWERS)
        # a page has its own; what is for machines loads nothing and is shown inside nothing
        response.headers.setdefault("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
        if g.pop("signed_out", False):
            response.headers["Clear-Site-Data"] = '"cache", "storage"'
        response.headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        if request.is_secure:
            response.headers.setdefault("Strict-Transport-Security", "max-age=31536000")
        if request.path.startswith("/api/"):
            response.headers.setdefault("Cache-Control", "no-store")
        _log.info(
            "request",
            method=request.method,
            route=route,
            status=response.status_code,
            ms=round(seconds * 1000, 1),
            bytes=response.content_length or 0,
            kind=g.current.kind if "current" in g else "",
            correlation_id=correlation_id,
        )
        return response
