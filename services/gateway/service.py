"""The gateway's process: the app inside a nameko container, behind the process at the public port, and nothing decided."""

from __future__ import annotations

import logging
import socket
from typing import Any

import eventlet
import structlog
from eventlet import tpool, wsgi
from nameko.extensions import DependencyProvider
from nameko.timer import timer
from werkzeug.middleware.proxy_fix import ProxyFix

from services.gateway.accounts import VIEWS, Accounts
from services.gateway.app import create_app
from services.gateway.breached import Breached
from services.gateway.contracts import SERVICES
from services.gateway.credentials import operator_token
from services.gateway.edge.process import Edge
from services.gateway.operations import look_at_services
from services.gateway.session import Gateway
from shared.service.rpc import Caller
from shared.service.storage import open_views

#: Connections of the process at the public port, one for each request that it has taken in whole.
CONNECTIONS = 4000
#: When a gateway of a city stops: seconds for which it still takes connections, so that proxies notice that it is not ready any more;
#: and seconds that those who connected last have to send their request and that requests in flight get to finish.
_LINGER, _GRACE = 2.0, 4.7

_log = structlog.get_logger()


class HttpServer(DependencyProvider):
    """Serves the gateway's app; `address` is where its process at the public port listens once started."""

    caller = Caller()

    def start(self) -> None:
        settings = self.container.config["settings"]
        self._accounts = Accounts(open_views(settings, "gateway", VIEWS, durable=True), run=tpool.execute)
        if settings.breached_passwords is not None:
            self._accounts.breached = Breached(settings.breached_passwords).holds
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
            everybody=settings.second_factor == "everybody",
        )
        self._edge = Edge(settings)
        self.address = self._edge.address
        listening = eventlet.listen(self._edge.socket, family=socket.AF_UNIX, backlog=1024)
        self._connections = eventlet.GreenPool(CONNECTIONS)
        self._thread = self.container.spawn_managed_thread(lambda: self._serve(listening), identifier="http")
        self._edge.start()
        _log.info("listening", host=self.address[0], port=self.address[1])

    def _serve(self, listening: Any) -> None:
        wsgi.server(
            listening,
            ProxyFix(
                self._app.wsgi_app, x_for=1, x_proto=1
            ),  # said by the process at the public port, and by nobody else
            log=logging.getLogger("linli.http"),
            custom_pool=self._connections,
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
        self._app.extensions["linli"].leaving = True
        self._edge.leave()
        if self.container.config["settings"].mongodb_uri:
            eventlet.sleep(_LINGER)  # balancers look at /health/ready and turn away
        self._app.extensions["linli"].trail.rest()
        self._edge.stop(
            _GRACE
        )  # refused from here on, so that proxies and clients turn to another gateway or try again
        self._thread.kill()
        self.kill()

    def services(self) -> dict[str, str]:
        """Each service and how it answers now."""
        return look_at_services(self._app.extensions["linli"], SERVICES)

    def kill(self) -> None:
        if hasattr(self, "_edge"):
            self._edge.kill()
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
