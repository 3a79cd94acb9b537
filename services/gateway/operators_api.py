"""Requests for a second person, and the end of the installation's token, under /api/operators."""

from __future__ import annotations

from typing import Any

from flask import Response, jsonify, request
from marshmallow import Schema, fields, validate

from services.gateway.accounts_api import Empty, Strict, require_operator
from services.gateway.api import LinliBlueprint, parameters
from services.gateway.credentials import TOKEN
from services.gateway.current import Current
from services.gateway.operators import Operators
from services.gateway.session import Gateway
from shared.domain.errors import ForbiddenError, UnauthenticatedError
from shared.domain.words import _


class SettleRequest(Strict):
    """Confirm a request of somebody else: it is done now."""

    request_id = fields.String(
        required=True, validate=validate.Length(min=1, max=64), metadata={"description": "the request"}
    )


class DeclineRequest(SettleRequest):
    """Put a request away."""


class FindRequests(Empty):
    """What waits for a second person."""


class CloseToken(Empty):
    """Refuse the installation's token for good; two operators must have accounts with a second factor."""


def create_operators_api(gateway: Gateway, operators: Operators) -> LinliBlueprint:
    """Requests for operators, and for those who may give the command that was asked for."""
    blueprint = LinliBlueprint("api_operators", __name__, url_prefix="/api/operators", description="Two persons")

    def documented(summary: type[Schema]) -> Any:
        return blueprint.doc(
            summary=(summary.__doc__ or "").strip().splitlines()[0],
            tags=["operations"],
            parameters=parameters(True),
            responses={"200": {"description": "Done", "content": {"application/json": {"schema": {"type": "object"}}}}},
        )

    def signed_in() -> Current:
        current = gateway.current()
        if not current.signed_in:
            raise UnauthenticatedError(_("sign in first"))
        return current

    @blueprint.route("/requests", methods=["GET"])
    @blueprint.arguments(FindRequests, location="query")
    @documented(FindRequests)
    def find_requests(ask: dict[str, Any]) -> Response:
        return jsonify({"rows": operators.requests_for(signed_in())})

    @blueprint.route("/confirm", methods=["POST"])
    @blueprint.arguments(SettleRequest)
    @documented(SettleRequest)
    def confirm(ask: dict[str, Any]) -> Response:
        return jsonify({"request_id": ask["request_id"], "done": operators.confirm(signed_in(), ask["request_id"])})

    @blueprint.route("/decline", methods=["POST"])
    @blueprint.arguments(DeclineRequest)
    @documented(DeclineRequest)
    def decline(ask: dict[str, Any]) -> Response:
        operators.decline(signed_in(), ask["request_id"])
        return jsonify({"request_id": ask["request_id"], "declined": True})

    @blueprint.route("/close-token", methods=["POST"])
    @blueprint.arguments(CloseToken)
    @documented(CloseToken)
    def close_token(ask: dict[str, Any]) -> Response:
        current = require_operator(gateway)
        if current.actor == TOKEN or operators.able() < 2:
            raise ForbiddenError(
                _("an operator closes the token when two operators have accounts with a second factor")
            )
        noted = gateway.trail.prepared("token_closed", by=current.actor, address=request.remote_addr or "")
        gateway.credentials.close_token(noted)
        gateway.trail.flush()
        return jsonify({"closed": True})

    return blueprint
