"""What operators and the machines around Linli ask: status, parked facts, health."""

from __future__ import annotations

from typing import Any

import eventlet
from eventlet.greenthread import GreenThread
from flask import Blueprint, Flask, Response, jsonify
from marshmallow import RAISE, Schema, fields, validate

from services.gateway import headers
from services.gateway.accounts_api import Empty, require_operator
from services.gateway.api import LinliBlueprint, parameters
from services.gateway.bringing import brought_in
from services.gateway.contracts import SERVICES
from services.gateway.session import Gateway
from shared.domain.errors import BadInputError, LinliError
from shared.domain.identity import new_id
from shared.domain.words import _, said
from shared.following.context import CallContext
from shared.service.operations import ActOnParked, BringIn, Parked

#: Seconds that a service has to answer whether it is ready.
_PATIENCE = 2.0
_SERVICE = validate.OneOf(SERVICES, error=said(_("must be one of {codes}"), codes=", ".join(SERVICES)))


class FindParked(Parked):
    """List facts that wait for an operator, with the reason."""

    class Meta:
        unknown = RAISE

    service = fields.String(
        load_default=None, validate=_SERVICE, metadata={"description": "service that parked them; all when absent"}
    )


class ActOnServiceParked(ActOnParked):
    """Retry or skip the parked facts of one stream."""

    class Meta:
        unknown = RAISE

    service = fields.String(required=True, validate=_SERVICE, metadata={"description": "service that parked them"})


class BringLinesIn(BringIn):
    """Give one command of the registry for each line of a table."""

    class Meta:
        unknown = RAISE


class RebuildViews(Schema):
    """Fold all views of a service anew from the logs while reads go on."""

    class Meta:
        unknown = RAISE

    service = fields.String(
        required=True, validate=_SERVICE, metadata={"description": "service whose views are rebuilt"}
    )


def create_operations(gateway: Gateway, services: tuple[str, ...], rebuild_timeout: float = 3600) -> LinliBlueprint:
    """Operations of all services, for operators only."""
    blueprint = LinliBlueprint("api_operations", __name__, url_prefix="/api/operations", description="Operations")

    def documented(summary: str, command: bool = False) -> Any:
        return blueprint.doc(
            summary=summary,
            tags=["operations"],
            parameters=parameters(command),
            responses={
                "200": {"description": "The answer", "content": {"application/json": {"schema": {"type": "object"}}}}
            },
        )

    @blueprint.route("/status", methods=["GET"])
    @blueprint.arguments(Empty, location="query")
    @documented("Heads, checkpoints and parked facts of each service")
    def status(_: Any) -> Response:
        require_operator(gateway)
        return jsonify({"services": {service: _or_problem(gateway, service, "status") for service in services}})

    @blueprint.route("/parked", methods=["GET"])
    @blueprint.arguments(FindParked, location="query")
    @documented(
        "Facts that wait for an operator: where they belong and why they wait, with digests of what else they hold"
    )
    def parked(ask: dict[str, Any]) -> Response:
        require_operator(gateway)
        chosen = ask.pop("service")
        if ask["cursor"] and not chosen:
            raise BadInputError(
                _("a cursor belongs to one service"), {"service": [said(_("name the service of the cursor"))]}
            )
        asked = (chosen,) if chosen else services
        return jsonify({"services": {service: _or_problem(gateway, service, "parked", **ask) for service in asked}})

    @blueprint.route("/park/retry", methods=["POST"])
    @blueprint.arguments(ActOnServiceParked)
    @documented("Apply the parked facts of a stream again", command=True)
    def retry(ask: dict[str, Any]) -> Response:
        require_operator(gateway)
        return jsonify(gateway.do(ask.pop("service"), "retry_parked", **ask))

    @blueprint.route("/park/skip", methods=["POST"])
    @blueprint.arguments(ActOnServiceParked)
    @documented("Leave the first parked fact of a stream out for good", command=True)
    def skip(ask: dict[str, Any]) -> Response:
        require_operator(gateway)
        return jsonify(gateway.do(ask.pop("service"), "skip_parked", **ask))

    @blueprint.route("/rebuild", methods=["POST"])
    @blueprint.arguments(RebuildViews)
    @documented("Fold all views of a service anew", command=True)
    def rebuild(ask: dict[str, Any]) -> Response:
        require_operator(gateway)
        return jsonify(gateway.do(ask["service"], "rebuild_views", _timeout=rebuild_timeout))

    @blueprint.route("/bring-in", methods=["POST"])
    @blueprint.arguments(BringLinesIn)
    @documented("Give one command of the registry for each line of a table, all in one commit", command=True)
    def bring_in(ask: dict[str, Any]) -> Response:
        if not headers.importing():  # for an account with the powers that it takes, an operator vouches in this header
            require_operator(gateway)
        return jsonify(brought_in(gateway, **ask))

    return blueprint


def _or_problem(gateway: Gateway, service: str, query: str, **arguments: Any) -> dict[str, Any]:
    try:
        return gateway.ask(service, query, **arguments)
    except LinliError as error:  # one service that is away does not hide the others
        return {"problem": {"kind": error.kind, "message": error.message}}


def look_at_services(gateway: Gateway, services: tuple[str, ...]) -> dict[str, str]:
    """Each service and how it answers: ok, not ready, or the kind of the error."""
    context = CallContext(kind="service", actor="gateway", correlation_id=new_id())

    def answers(service: str) -> str:
        try:
            status = gateway.caller.call(service, "status", context, {}, timeout=_PATIENCE)
        except LinliError as error:
            return error.kind
        return "ok" if status["ready"] else "not ready"

    return dict(zip(services, eventlet.GreenPool(len(services)).imap(answers, services), strict=True))


def register_health(app: Flask, gateway: Gateway, services: tuple[str, ...]) -> None:
    """Whether the portal can be used, and no more: what is wrong is said at the operators' port. Who asks at once shares one look."""
    blueprint = Blueprint("health", __name__)
    looking: list[GreenThread] = []

    def look() -> bool:
        if not looking:
            looking.append(eventlet.spawn(look_at_services, gateway, services))
            looking[0].link(lambda _: looking.clear())
        found: dict[str, str] = looking[0].wait()
        return all(state == "ok" for state in found.values())

    @blueprint.get("/health/live")
    def live() -> Response:
        return jsonify({"status": "ok"})

    @blueprint.get("/health/ready")
    def ready() -> Response:
        fine = not gateway.leaving and look()
        response = jsonify({"status": "ok" if fine else "not ready"})
        response.status_code = 200 if fine else 503
        return response

    app.register_blueprint(blueprint)
