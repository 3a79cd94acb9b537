"""Health and metrics of one service's process for orchestrators and monitoring: no sign-in, no personal data."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import eventlet
from eventlet import wsgi
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from shared.domain.errors import LinliError, UnavailableError
from shared.tls import serving


class Health:
    """Serves /health/live, /health/ready, /health/services and /metrics to operators; `problem`: why it is not ready ("": it is).

    Each /health/ready of a started process calls `look`; an error that it raises means not ready.
    """

    def __init__(self, host: str, port: int, certificate_file: str = "") -> None:
        """Listen at once, so that a process that waits for its servers reports it; port 0 does not listen.

        With a certificate (and its key in the same file) it speaks HTTPS only.
        """
        self.problem = "starting"
        self.look: Callable[[], object] = lambda: None
        self.services: Callable[[], Mapping[str, str]] = dict  # how each answers, where a gateway runs
        if port:
            try:
                listener = eventlet.listen((host, port), reuse_port=False)
            except OSError as error:
                raise UnavailableError(
                    f"cannot listen at {host} port {port}: {error}; set LINLI_METRICS_PORT to another one"
                ) from error
            if certificate_file:
                listener = serving(certificate_file).wrap_socket(listener, server_side=True)
            eventlet.spawn(wsgi.server, listener, self._answer, log=logging.getLogger("linli.health"), log_output=False)

    def state(self) -> str:
        """Return why the process is not ready; "" when it is."""
        if self.problem:
            return self.problem
        try:
            self.look()
        except LinliError as error:
            return error.message
        return ""

    def _answer(self, environ: dict[str, Any], start: Callable[..., object]) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if path == "/metrics":
            start("200 OK", [("Content-Type", CONTENT_TYPE_LATEST)])
            return [generate_latest()]
        if path == "/health/live":
            return _json(start, "200 OK", {"status": "ok"})
        if path == "/health/ready":
            problem = self.state()
            if problem:
                return _json(start, "503 Service Unavailable", {"status": "not ready", "reason": problem})
            return _json(start, "200 OK", {"status": "ok"})
        if path == "/health/services":
            return _json(start, "200 OK", self.services())
        return _json(
            start,
            "404 Not Found",
            {"kind": "not_found", "message": "there are /health/live, /health/ready, /health/services and /metrics"},
        )


def _json(start: Callable[..., object], status: str, value: Mapping[str, str]) -> list[bytes]:
    start(status, [("Content-Type", "application/json")])
    return [json.dumps(value).encode()]
