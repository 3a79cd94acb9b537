"""The JSON API: one path for every command and query that the services publish, and its OpenAPI document."""

from __future__ import annotations

from typing import Any

from apispec.ext.marshmallow import MarshmallowPlugin
from apispec.ext.marshmallow.openapi import OpenAPIConverter
from flask import Flask, Response, g, jsonify, render_template
from flask_smorest import Api, Blueprint
from marshmallow import Schema, ValidationError, fields, missing
from werkzeug.exceptions import HTTPException

from services.gateway import problems
from services.gateway.contracts import CONTRACTS, Contract
from services.gateway.requests import Parser
from services.gateway.session import Gateway

_KEY_SCHEMA = {"type": "string", "pattern": "^[A-Za-z0-9._:-]{1,100}$"}
_HEADERS: dict[str, tuple[str, dict[str, Any]]] = {
    "Linli-Post": ("Post to act from; `-`: as a resident. Default: your only post, else as a resident.", _KEY_SCHEMA),
    "Linli-After": (
        "Positions that the answer must reflect, as earlier answers named them in `Linli-Position`.",
        {"type": "string", "example": "issues=12,registry=40"},
    ),
    "X-Correlation-Id": ("Ties this request's log lines and facts together; made when absent.", _KEY_SCHEMA),
}
_COMMAND_HEADERS: dict[str, tuple[str, dict[str, Any]]] = {
    "Idempotency-Key": ("Sending the same key again gives the first receipt and changes nothing.", _KEY_SCHEMA),
    "Linli-Occurred": (
        "When it happened, for a late entry; not in the future.",
        {"type": "string", "format": "date-time"},
    ),
    "X-CSRF-Token": (
        "Needed only with the session cookie: the `csrf` of the sign-in or of `GET /api/me`.",
        {"type": "string"},
    ),
}


class Problem(Schema):
    """Why a request was refused."""

    kind = fields.String(required=True, metadata={"description": "code of the reason", "example": "bad_input"})
    message = fields.String(required=True, metadata={"description": "what blocks, in words"})
    fields_ = fields.Dict(
        keys=fields.String(),
        data_key="fields",
        required=True,
        metadata={"description": "each field or header and its reason"},
    )


class Receipt(Schema):
    """A command's facts are on disk."""

    id = fields.String(required=True, metadata={"description": "the thing that was changed"})
    service = fields.String(required=True, metadata={"description": "service that owns it"})
    position = fields.Integer(required=True, metadata={"description": "position in the service's log that includes it"})
    version = fields.Integer(required=True, metadata={"description": "events of the thing afterwards"})
    events = fields.Integer(required=True, metadata={"description": "events written; 0: nothing had to change"})


class _Converter(OpenAPIConverter):
    """Leaves out defaults that callers could not send: they only say that nothing was given."""

    def field2default(self, field: Any, **kwargs: Any) -> dict[str, Any]:
        default = field.load_default
        if default is missing or default is None or default == "" or callable(default):
            return {}
        try:
            field.deserialize(default)
        except ValidationError:
            return {}
        return {"default": default}


class _Plugin(MarshmallowPlugin):
    Converter = _Converter


class LinliApi(Api):
    """Documents the API; refusals have our form."""

    ERROR_SCHEMA = Problem

    def handle_http_exception(self, error: HTTPException) -> Response:
        return problems.from_http(error)


class LinliBlueprint(Blueprint):
    """Reads arguments strictly."""

    ARGUMENTS_PARSER = Parser()


def parameters(command: bool) -> list[dict[str, Any]]:
    """The request headers as OpenAPI parameters."""
    chosen = _HEADERS | (_COMMAND_HEADERS if command else {})
    return [
        {"in": "header", "name": name, "description": text, "schema": schema} for name, (text, schema) in chosen.items()
    ]


def _schema_name(schema: Any) -> str:
    """Two services may use one name for different schemas."""
    cls = schema if isinstance(schema, type) else type(schema)
    package = cls.__module__.split(".")
    prefix = package[1].capitalize() if package[0] == "services" and package[1] != "gateway" else ""
    return prefix + str(cls.__name__)


def create_api(app: Flask) -> LinliApi:
    """The API of an app, still without paths."""
    app.config.update(
        API_TITLE="Linli",
        API_VERSION="1",
        OPENAPI_VERSION="3.0.3",
        OPENAPI_URL_PREFIX="/api",
        OPENAPI_JSON_PATH="openapi.json",
    )
    api = LinliApi(spec_kwargs={"marshmallow_plugin": _Plugin(schema_name_resolver=_schema_name)})
    api.init_app(app)
    schemes = {
        "bearer": {"type": "http", "scheme": "bearer", "description": "The token of POST /api/sign-in"},
        "cookie": {"type": "apiKey", "in": "cookie", "name": app.config["SESSION_COOKIE_NAME"]},
    }
    for name, scheme in schemes.items():
        api.spec.components.security_scheme(name, scheme)
    api.spec.options["security"] = [{}, {"bearer": []}, {"cookie": []}]
    return api


def register_services(api: LinliApi, gateway: Gateway) -> None:
    """Add the paths of every service."""
    for contract in CONTRACTS:
        api.register_blueprint(_blueprint(contract, gateway))


def _blueprint(contract: Contract, gateway: Gateway) -> LinliBlueprint:
    service = contract.service
    blueprint = LinliBlueprint(
        f"api_{service}", __name__, url_prefix=f"/api/{service}", description=f"The {service} service"
    )
    for name, schema in contract.commands.items():
        blueprint.route(f"/{name}", methods=["POST"], endpoint=name)(
            _command(blueprint, gateway, service, name, schema)
        )
    for name, schema in contract.queries.items():
        blueprint.route(f"/{name}", methods=["GET"], endpoint=name)(_query(blueprint, gateway, service, name, schema))
    return blueprint


def _summary(schema: type[Schema]) -> str:
    return (schema.__doc__ or schema.__name__).strip().splitlines()[0]


def _command(blueprint: LinliBlueprint, gateway: Gateway, service: str, name: str, schema: type[Schema]) -> Any:
    def view(_: Any) -> Response:
        receipt = gateway.do(service, name, **g.arguments)
        response = jsonify(receipt)
        if "position" in receipt:
            response.headers["Linli-Position"] = f"{service}={receipt['position']}"
        return response

    described = blueprint.doc(
        summary=_summary(schema), operationId=f"{service}.{name}", tags=[service], parameters=parameters(True)
    )
    answered = blueprint.alt_response(
        200,
        schema=Receipt,
        description="The receipt",
        headers={"Linli-Position": {"description": "to send as Linli-After", "schema": {"type": "string"}}},
    )
    return blueprint.arguments(schema)(described(answered(view)))


def _query(blueprint: LinliBlueprint, gateway: Gateway, service: str, name: str, schema: type[Schema]) -> Any:
    def view(_: Any) -> Response:
        return jsonify(gateway.ask(service, name, **g.arguments))

    described = blueprint.doc(
        summary=_summary(schema),
        operationId=f"{service}.{name}",
        tags=[service],
        parameters=parameters(False),
        responses={
            "200": {"description": "The answer", "content": {"application/json": {"schema": {"type": "object"}}}}
        },
    )
    return blueprint.arguments(schema, location="query")(described(view))


def documentation(api: LinliApi) -> str:
    """The readable page of the API: made here, so that it needs nothing from elsewhere."""
    document = api.spec.to_dict()
    groups: dict[str, list[dict[str, Any]]] = {}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if method == "parameters":
                continue
            body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
            entry = {"method": method.upper(), "path": path, "operation": operation, "body": _resolve(document, body)}
            groups.setdefault(operation["tags"][0], []).append(entry)
    return render_template("api_docs.html", groups=groups, info=document["info"])


def _resolve(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    name = schema.get("$ref", "").rpartition("/")[2]
    found: dict[str, Any] = document.get("components", {}).get("schemas", {}).get(name, schema)
    return found
