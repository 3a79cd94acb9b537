"""Puts the gateway's parts into one Flask app."""

from __future__ import annotations

from typing import Any

import structlog
from flask import Flask, g, request, session
from flask import Response as Answer
from flask.sessions import SecureCookieSessionInterface, SessionMixin
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from services.gateway import headers, portal, problems, reader
from services.gateway.access import LARGEST_BODY, AtATime, register_access_log
from services.gateway.accounts import Accounts
from services.gateway.accounts_api import create_accounts_api
from services.gateway.api import create_api, documentation, register_services
from services.gateway.contracts import SERVICES
from services.gateway.credentials import LIFETIME, Credentials, derive_key
from services.gateway.current import Caller
from services.gateway.devices import add_cookie
from services.gateway.operations import create_operations, register_health
from services.gateway.operators import Operators
from services.gateway.operators_api import create_operators_api
from services.gateway.session import Gateway
from services.gateway.signing import Signing
from services.gateway.tiles import create_tiles
from services.gateway.trail import Trail
from services.gateway.well_known import create_well_known
from shared.domain.errors import ForbiddenError, LinliError, UnauthenticatedError
from shared.domain.identity import new_id
from shared.service import tracing

_log = structlog.get_logger()
_READING = ("GET", "HEAD", "OPTIONS")


class _Session(SecureCookieSessionInterface):
    """The cookie is marked secure whenever the request came over TLS, and never takes the place of one that was not sent along.

    A form of another site comes without our cookie (SameSite), though the browser has it: whoever is signed in stays so.
    """

    def save_session(self, app: Flask, session: SessionMixin, response: Answer) -> None:
        sent = self.get_cookie_name(app) in request.cookies
        if sent or request.method in _READING or "token" in session:
            super().save_session(app, session, response)

    def get_cookie_name(self, app: Flask) -> str:
        """Over TLS a name that no other host or path can set a cookie of."""
        name = super().get_cookie_name(app)
        return f"__Host-{name}" if request.is_secure else name

    def get_cookie_secure(self, app: Flask) -> bool:
        return request.is_secure


def create_app(
    caller: Caller,
    accounts: Accounts,
    secrets: tuple[bytes, ...],
    operator_token: str = "",
    max_requests: int = 64,
    services: tuple[str, ...] = SERVICES,
    lifetime: int = LIFETIME,
    city: str = "linli.example",
    trial: bool = False,
    background: bool = False,
    security_contact: str = "",
    everybody: bool = False,
) -> Flask:
    """The gateway as a WSGI application.

    `secrets` are the city's, the newest first; `services` are those whose health and status are asked; `lifetime` is that of
    sign-ins, in seconds. `city` names the installation where second factors are kept; in a `trial` one person may do alone what otherwise
    takes two, and nobody needs a second factor; with `everybody` all accounts need one.
    `background`: somebody calls `flush` of the trail regularly.
    `security_contact` is where weaknesses are reported.
    """
    app = Flask(__name__, static_folder=None)
    app.config.update(
        SECRET_KEY=derive_key(secrets[0], "session"),
        SECRET_KEY_FALLBACKS=[derive_key(secret, "session") for secret in secrets[1:]],
        MAX_CONTENT_LENGTH=LARGEST_BODY,
        MAX_FORM_MEMORY_SIZE=LARGEST_BODY,
        SESSION_COOKIE_NAME="linli_session",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_REFRESH_EACH_REQUEST=False,
        PERMANENT_SESSION_LIFETIME=lifetime,
    )
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    app.session_interface = _Session()
    trail = Trail(caller.call, accounts.views, background)
    credentials = Credentials(
        accounts, secrets, operator_token, lifetime, trail=trail, city=city, trial=trial, everybody=everybody
    )
    gateway = Gateway(caller, credentials, trail)
    operators = Operators(gateway, accounts, trail)
    gateway.before += [operators.before, Signing(credentials).before]
    app.extensions |= {"linli": gateway, "linli.operators": operators}
    register_access_log(app)
    app.after_request(add_cookie)
    _register_guard(app, gateway)
    api = create_api(app)
    register_services(api, gateway)
    api.register_blueprint(create_accounts_api(gateway, accounts, operators))
    api.register_blueprint(create_operators_api(gateway, operators))
    api.register_blueprint(create_operations(gateway, services))
    policy = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"}
    app.add_url_rule("/api/docs", "api_docs", lambda: (documentation(api), policy))
    app.register_blueprint(create_tiles(gateway))
    register_health(app, gateway, services)
    app.register_blueprint(create_well_known(security_contact))
    _register_portal(app, gateway)
    app.wsgi_app = AtATime(app.wsgi_app, max_requests)  # type: ignore[method-assign]  # how Flask is wrapped
    return app


def _register_guard(app: Flask, gateway: Gateway) -> None:
    @app.before_request
    def guard() -> None:
        g.correlation_id = new_id()
        g.correlation_id = headers.correlation_id() or g.correlation_id
        route = request.url_rule.rule if request.url_rule else "unknown"
        g.span = tracing.span("gateway", f"{request.method} {route}", "SERVER", g.correlation_id)
        g.span.__enter__()
        if request.method in _READING or headers.bearer():
            return
        if request.path.startswith("/api/") and ("token" not in session or request.path == "/api/sign-in"):
            return  # no authority that a browser would add on its own
        gateway.check_csrf()

    @app.teardown_request
    def left(error: BaseException | None) -> None:
        if (span := g.pop("span", None)) is not None:
            span.__exit__(type(error) if error else None, error, None)


def _register_portal(app: Flask, gateway: Gateway) -> None:
    """Add the portal and the form of refusals: pages for browsers on the portal's paths, JSON everywhere else."""
    app.register_blueprint(portal.create_portal(gateway))

    def shown(response: Any) -> Any:
        machine = request.path.startswith(reader.MACHINES)
        if machine or not request.accept_mimetypes.accept_html or response.status_code < 400:
            return response
        try:
            page = portal.problem_page(response.get_json(), response.status_code)
        except Exception:  # the page needs services too; a plain refusal is better than none
            _log.exception("no page for a refusal", correlation_id=g.correlation_id)
            return response
        for name in ("Retry-After", "Allow"):
            if name in response.headers:
                page.headers[name] = response.headers[name]
        return page

    def on_linli(error: LinliError) -> Response:
        if error.kind == ForbiddenError.kind:
            gateway.note_refusal("access_refused")
        elif error.kind == UnauthenticatedError.kind and headers.has_credential():
            gateway.note_refusal("token_refused")
        return shown(problems.from_linli(error))

    def on_http(error: HTTPException) -> Response:
        return shown(problems.from_http(error))

    def on_mistake(error: Exception) -> Response:
        return shown(problems.from_mistake(error))

    app.register_error_handler(LinliError, on_linli)
    app.register_error_handler(HTTPException, on_http)
    app.register_error_handler(Exception, on_mistake)
