"""The gateway's process: an HTTP server inside a nameko container, and nothing decided."""

from __future__ import annotations

import logging
import socket
from typing import Any

import eventlet
import structlog
from eventlet import tpool, wsgi
from eventlet.timeout import Timeout
from nameko.extensions import DependencyProvider

from services.gateway.accounts import VIEWS, Accounts
from services.gateway.app import create_app
from services.gateway.credentials import operator_token
from shared.bus.rpc import Caller
from shared.errors import UnavailableError
from shared.runtime.storage import open_views

#: Connections kept open at a time, most of them idle.
CONNECTIONS = 1000
#: Seconds after which an idle connection is closed, and one that neither sends nor takes.
_IDLE, _SILENT = 15, 30
#: Seconds that requests in flight get to finish when the process stops.
_GRACE = 6

_log = structlog.get_logger()


class _Protocol(wsgi.HttpProtocol):
    """Lets the application close the connection after its answer."""

    def get_environ(self) -> dict[str, Any]:
        environ: dict[str, Any] = super().get_environ()
        environ["linli.close"] = self._close_after
        return environ

    def _close_after(self) -> None:
        self.close_connection = 1


class HttpServer(DependencyProvider):
    """Serves the gateway's app with one green thread a connection; `address` is where it listens once started."""

    caller = Caller()

    def start(self) -> None:
        settings = self.container.config["settings"]
        if not settings.mongodb_uri:  # SQLite keeps the mode of a file, also for its journal
            settings.data.mkdir(parents=True, exist_ok=True)
            (settings.data / "gateway.views.sqlite").touch(mode=0o600)
        self._accounts = Accounts(open_views(settings, "gateway", VIEWS, durable=True), run=tpool.execute)
        app = create_app(
            self.caller,
            self._accounts,
            settings.secret(),
            operator_token(settings.operator_token_file),
            settings.max_requests,
        )
        family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
        try:
            listener = eventlet.listen((settings.host, settings.port), family=family, backlog=512, reuse_port=False)
        except OSError as error:
            reason = f"cannot listen at {settings.host} port {settings.port}: {error.strerror or error}; set LINLI_PORT to another one"
            raise UnavailableError(reason) from error
        self.address: tuple[str, int] = listener.getsockname()[:2]
        self._connections = eventlet.GreenPool(CONNECTIONS)
        self._thread = self.container.spawn_managed_thread(lambda: self._serve(listener, app), identifier="http")
        _log.info("listening", host=self.address[0], port=self.address[1])

    def _serve(self, listener: Any, app: Any) -> None:
        wsgi.server(
            listener,
            app,
            log=logging.getLogger("linli.http"),
            protocol=_Protocol,
            custom_pool=self._connections,
            keepalive=_IDLE,
            socket_timeout=_SILENT,
            log_output=False,
            debug=False,
        )

    def stop(self) -> None:
        """Accept nobody new, close idle connections, and give requests in flight some seconds to finish."""
        if not hasattr(self, "_thread"):
            return
        self._thread.kill()
        with Timeout(_GRACE, False):
            self._connections.waitall()
        self.kill()

    def kill(self) -> None:
        for thread in list(getattr(self, "_connections", eventlet.GreenPool(1)).coroutines_running):
            eventlet.kill(thread)
        if hasattr(self, "_accounts"):
            self._accounts.close()


class GatewayService:
    """The way in."""

    name = "gateway"
    http = HttpServer()
