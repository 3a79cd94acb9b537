"""The gateway's process: an HTTP server inside a nameko container, and nothing decided."""

from __future__ import annotations

import logging
import socket
from contextlib import suppress
from typing import Any

import eventlet
import structlog
from eventlet import greenio, tpool, wsgi
from eventlet.timeout import Timeout
from nameko.extensions import DependencyProvider
from nameko.timer import timer

from services.gateway.accounts import VIEWS, Accounts
from services.gateway.app import create_app
from services.gateway.credentials import operator_token
from services.gateway.session import Gateway
from shared.domain.errors import UnavailableError
from shared.service.rpc import Caller
from shared.service.storage import open_views

#: Connections kept open at a time, most of them idle.
CONNECTIONS = 1000
#: Seconds after which an idle connection is closed, and one that neither sends nor takes.
_IDLE, _SILENT = 15, 30
#: When a gateway of a city stops: seconds for which it still takes connections, so that proxies notice that it is not ready any more;
#: seconds that those who connected last have to send their request; and seconds that requests in flight get to finish after that.
_LINGER, _SETTLE, _GRACE = 2.0, 0.5, 4.0

_log = structlog.get_logger()


class _Protocol(wsgi.HttpProtocol):
    """Lets the application close the connection after its answer; a gateway that stops closes each."""

    def get_environ(self) -> dict[str, Any]:
        environ: dict[str, Any] = super().get_environ()
        if self.server.app.extensions["linli"].leaving:
            self._close_after()
        environ["linli.close"] = self._close_after
        return environ

    def _close_after(self) -> None:
        self.close_connection = 1


class _Listener:
    """The listening socket. `leave` stops listening and still hands out who has connected already: closing would reset them."""

    def __init__(self, listening: Any) -> None:
        self._listening = listening
        self._late: list[tuple[Any, Any]] | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._listening, name)

    def accept(self) -> tuple[Any, Any]:
        if self._late is None:
            try:
                connection: tuple[Any, Any] = self._listening.accept()
                return connection
            except OSError:
                if self._late is None:
                    raise
        if not self._late:
            eventlet.event.Event().wait()  # for the end of the server
        return self._late.pop()

    def leave(self) -> None:
        late = []
        with suppress(BlockingIOError):
            while True:
                connection, address = self._listening.fd.accept()
                late.append((greenio.GreenSocket(connection), address))
        self._late = late
        self._listening.close()


class HttpServer(DependencyProvider):
    """Serves the gateway's app with one green thread a connection; `address` is where it listens once started."""

    caller = Caller()

    def start(self) -> None:
        settings = self.container.config["settings"]
        if not settings.mongodb_uri:  # SQLite keeps the mode of a file, also for its journal
            settings.data.mkdir(parents=True, exist_ok=True)
            (settings.data / "gateway.views.sqlite").touch(mode=0o600)
        self._accounts = Accounts(open_views(settings, "gateway", VIEWS, durable=True), run=tpool.execute)
        self._app = create_app(
            self.caller,
            self._accounts,
            settings.secrets(),
            operator_token(settings.operator_token_file),
            settings.max_requests,
            city=settings.city,
            trial=settings.trial,
            background=True,
            security_contact=settings.security_contact,
        )
        family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
        try:
            listening = eventlet.listen((settings.host, settings.port), family=family, backlog=512, reuse_port=False)
        except OSError as error:
            reason = f"cannot listen at {settings.host} port {settings.port}: {error.strerror or error}; set LINLI_PORT to another one"
            raise UnavailableError(reason) from error
        self.address: tuple[str, int] = listening.getsockname()[:2]
        self._listener = _Listener(listening)
        self._connections = eventlet.GreenPool(CONNECTIONS)
        self._thread = self.container.spawn_managed_thread(self._serve, identifier="http")
        _log.info("listening", host=self.address[0], port=self.address[1])

    def _serve(self) -> None:
        wsgi.server(
            self._listener,
            self._app,
            log=logging.getLogger("linli.http"),
            protocol=_Protocol,
            custom_pool=self._connections,
            keepalive=_IDLE,
            socket_timeout=_SILENT,
            log_output=False,
            debug=False,
        )

    def get_dependency(self, worker_ctx: Any) -> Gateway:
        gateway: Gateway = self._app.extensions["linli"]
        return gateway

    def stop(self) -> None:
        """Say at /health/ready that it ends, then stop listening, close idle connections, and let requests in flight finish.

        Until it stops listening, each connection is closed with its next answer, so that none is closed while a request is on its way.
        """
        if not hasattr(self, "_thread"):
            return
        in_city = bool(self.container.config["settings"].mongodb_uri)
        self._app.extensions["linli"].leaving = True
        if in_city:
            eventlet.sleep(_LINGER)  # balancers look at /health/ready and turn away
        self._app.extensions["linli"].trail.rest()
        self._listener.leave()  # from here on refused, so that proxies and clients turn to another gateway or try again
        if in_city:
            eventlet.sleep(_SETTLE)  # who connected just before is served
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

    @timer(interval=1)
    def tell_security_acts(self) -> None:
        """Send what bears on security to the audit service."""
        self.http.trail.flush()
