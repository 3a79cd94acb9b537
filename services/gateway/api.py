"""The JSON API: one path for every command and query that the services publish, and its OpenAPI document."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import msgspec
from apispec.ext.marshmallow import MarshmallowPlugin
from apispec.ext.marshmallow.openapi import OpenAPIConverter
from flask import Flask, Response, g, jsonify, render_template
from flask_smorest import Api, Blueprint
from marshmallow import INCLUDE, Schema, ValidationError, fields, missing
from werkzeug.exceptions import HTTPException

from services.gateway import document, problems
from services.gateway.contracts import CONTRACTS, Contract
from services.gateway.document import parameters as parameters
from services.gateway.requests import Parser
from services.gateway.session import Gateway


class Problem(Schema):
    """Why a request was refused (RFC 9457), and what a program or form needs to know of it."""

    type = fields.String(
        required=True,
        metadata={"description": "names the kind of refusal; leads to its description", "format": "uri-reference"},
    )
    title = fields.String(required=True, metadata={"description": "the kind of refusal in the reader's language"})
    status = fields.Integer(required=True, metadata={"description": "status of the answer"})
    detail = fields.String(
        required=True, metadata={"description": "what blocks, in the language of Accept-Language (zh, en)"}
    )
    instance = fields.String(
        required=True, metadata={"description": "this refusal, by the id of the request", "format": "uri"}
    )
    kind = fields.String(required=True, metadata={"description": "code of the kind", "enum": list(problems.KINDS)})
    message = fields.String(required=True, metadata={"description": "the same as `detail`"})
    template = fields.String(
        required=True, metadata={"description": "the message in English before its arguments are put in: stable"}
    )
    fields_ = fields.Dict(
        keys=fields.String(),
        data_key="fields",
        required=True,
        metadata={"description": "each field or header and its reason: a sentence, several, or one for each part"},
    )


class Receipt(Schema):
    """A command's facts are on disk; `id` stands also under the name that commands give it (`issue_id`)."""

    class Meta:
        unknown = INCLUDE

    id = fields.String(required=True, metadata={"description": "the thing that was changed"})
    service = fields.String(required=True, metadata={"description": "service that owns it"})
    position = fields.Integer(required=True, metadata={"description": "position in the service's log that includes it"})
    version = fields.Integer(required=True, metadata={"description": "events of the thing afterwards"})
    events = fields.Integer(required=True, metadata={"description": "events written; 0: nothing had to change"})
    actions = fields.List(
        fields.String(), metadata={"description": "commands that the caller may give to the thing next"}
    )


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
        return {"default": default} if isinstance(default, bool | int | str | list) else {}


class _Plugin(MarshmallowPlugin):
    Converter = _Converter


class LinliApi(Api):
    """Documents the API; refusals have our form."""

    ERROR_SCHEMA = Problem

    def handle_http_exception(self, error: HTTPException) -> Response:
        return problems.from_http(error)

    @cached_property
    def document(self) -> dict[str, Any]:
        """The OpenAPI document, made when it is first asked for: nothing is added to the API after that."""
        return document.finished(self.spec.to_dict())

    @cached_property
    def _written(self) -> bytes:
        return msgspec.json.encode(self.document)

    def _openapi_json(self) -> Response:
        return Response(self._written, mimetype="application/json")


class LinliBlueprint(Blueprint):
    """Reads arguments strictly."""

    ARGUMENTS_PARSER = Parser()

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._prepare_doc_cbks.append(_add_headers)


def _add_headers(doc: dict[str, Any], doc_info: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Headers that `doc` names come beside the arguments, which they would replace otherwise."""
    headers = doc_info.get("manual_doc", {}).pop("parameters", [])
    doc["parameters"] = [*doc.get("parameters", []), *headers]
    return doc


def _add_common(doc: dict[str, Any], doc_info: dict[str, Any], *, method: str, **more: Any) -> dict[str, Any]:
    """Add what all commands or all queries have in common: here, because decorators copy what they are given again and again."""
    doc["parameters"] = [*doc.get("parameters", []), *parameters(method == "post")]
    return doc


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
        OPENAPI_VERSION="3.1.0",
        OPENAPI_URL_PREFIX="/api",
        OPENAPI_JSON_PATH="openapi.json",
    )
    api = LinliApi(spec_kwargs={"marshmallow_plugin": _Plugin(schema_name_resolver=_schema_name)})
    api.init_app(app)
    schemes = {
        "bearer": {"type": "http", "scheme": "bearer", "description": "The token of POST /api/sign-in"},
        "cookie": {
            "type": "apiKey",
            "in": "cookie",
            "name": app.config["SESSION_COOKIE_NAME"],
            "description": "Of browsers; commands then need the header X-CSRF-Token too",
        },
    }
    for name, response in document.problems().items():
        api.spec.components.response(name, response)
    for name, scheme in schemes.items():
        api.spec.components.security_scheme(name, scheme)
    return api


def register_services(api: LinliApi, gateway: Gateway) -> None:
    """Add the paths of every service."""
    for contract in CONTRACTS:
        for name, answer in contract.answers.items():
            for component, schema in _components(contract.service, name, answer).items():
                if component not in api.spec.components.schemas:
                    api.spec.components.schema(component, schema)
        api.register_blueprint(_blueprint(contract, gateway))


def _answer_name(service: str, query: str) -> str:
    return service.capitalize() + "".join(part.capitalize() for part in query.split("_")) + "Answer"


def _components(service: str, query: str, answer: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """An answer as a component, and one for each definition within it."""

    def placed(part: Any) -> Any:
        if isinstance(part, Mapping):
            return {name: placed(value) for name, value in part.items() if name != "$defs"}
        if isinstance(part, list | tuple):
            return [placed(value) for value in part]
        if isinstance(part, str) and part.startswith("#/$defs/"):
            return f"#/components/schemas/{service.capitalize()}{part.removeprefix('#/$defs/')}"
        return part

    within = {f"{service.capitalize()}{name}": placed(part) for name, part in _definitions(answer).items()}
    return within | {_answer_name(service, query): placed(answer)}


def _definitions(part: Any) -> dict[str, Any]:
    """All `$defs` anywhere in a schema."""
    found: dict[str, Any] = {}
    if isinstance(part, Mapping):
        found |= part.get("$defs", {})
        for value in part.values():
            found |= _definitions(value)
    elif isinstance(part, list | tuple):
        for value in part:
            found |= _definitions(value)
    return found


def _blueprint(contract: Contract, gateway: Gateway) -> LinliBlueprint:
    service = contract.service
    blueprint = LinliBlueprint(
        f"api_{service}", __name__, url_prefix=f"/api/{service}", description=f"The {service} service"
    )
    blueprint._prepare_doc_cbks.append(_add_common)
    for name, schema in contract.commands.items():
        blueprint.route(f"/{name}", methods=["POST"], endpoint=name)(
            _command(blueprint, gateway, contract, name, schema)
        )
    for name, schema in contract.queries.items():
        view = _query(blueprint, gateway, contract, name, schema)
        blueprint.route(f"/{name}", methods=["GET"], endpoint=name)(view)
    return blueprint


def _summary(schema: type[Schema]) -> str:
    return (schema.__doc__ or schema.__name__).strip().splitlines()[0]


def _command(blueprint: LinliBlueprint, gateway: Gateway, contract: Contract, name: str, schema: type[Schema]) -> Any:
    service = contract.service

    def view(_: Any) -> Response:
        receipt = gateway.do(service, name, **g.arguments)
        response = jsonify(receipt)
        if "position" in receipt:
            response.headers["Linli-Position"] = f"{service}={receipt['position']}"
        return response

    described = blueprint.doc(
        summary=_summary(schema),
        description=contract.about(name),
        operationId=f"{service}.{name}",
        tags=[service],
    )
    answered = blueprint.alt_response(
        200,
        schema=Receipt,
        description="The receipt",
        headers={"Linli-Position": {"description": "to send as Linli-After", "schema": {"type": "string"}}},
    )
    return blueprint.arguments(schema)(described(answered(view)))


def _query(blueprint: LinliBlueprint, gateway: Gateway, contract: Contract, name: str, schema: type[Schema]) -> Any:
    service = contract.service
    answer = {"$ref": f"#/components/schemas/{_answer_name(service, name)}"}

    def view(_: Any) -> Response:
        return jsonify(gateway.ask(service, name, **g.arguments))

    described = blueprint.doc(
        summary=_summary(schema),
        operationId=f"{service}.{name}",
        tags=[service],
        description=contract.about(name),
        responses={"200": {"description": "The answer", "content": {"application/json": {"schema": answer}}}},
    )
    return blueprint.arguments(schema, location="query")(described(view))


def documentation(api: LinliApi) -> str:
    """The readable page of the API: made here, so that it needs nothing from elsewhere."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for path, method, operation in document.operations(api.document):
        body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
        answer = next(one for status, one in operation["responses"].items() if status.startswith("2"))
        shapes = {
            "body": _resolve(api.document, body),
            "answer": _resolve(api.document, answer["content"]["application/json"]["schema"]),
        }
        entry = {"method": method.upper(), "path": path, "operation": operation} | shapes
        groups.setdefault(operation["tags"][0], []).append(entry)
    kinds = [(kind, problems.STATUSES[kind], title) for kind, title in problems.KINDS.items()]
    return render_template("api_docs.html", groups=groups, info=api.document["info"], kinds=kinds)


def _resolve(whole: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    name = schema.get("$ref", "").rpartition("/")[2]
    found: dict[str, Any] = whole.get("components", {}).get("schemas", {}).get(name, schema)
    return found
