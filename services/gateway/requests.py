"""Reads what callers send, strictly: a JSON object or a query string; all else is refused with field and reason."""

from __future__ import annotations

import json
import math
import re
from typing import Any, NoReturn

import msgspec
from flask import Request, g
from marshmallow import Schema, ValidationError, fields
from webargs.flaskparser import FlaskParser
from werkzeug.exceptions import RequestEntityTooLarge

from services.gateway.access import LARGEST_BODY
from services.gateway.problems import UnsupportedMediaTypeError
from shared.domain.errors import BadInputError
from shared.domain.event import LARGEST_INTEGER

_INTEGER = re.compile(r"-?[0-9]{1,16}")
_WORDS = {"true": True, "false": False}


class Parser(FlaskParser):
    """Checks arguments with the service's own schema; `g.arguments` keeps them as written, for the service."""

    #: the schema's own word: refuse
    DEFAULT_UNKNOWN_BY_LOCATION: dict[str, str | None] = {"json": None, "query": None}  # noqa: RUF012

    def load_json(self, req: Request, schema: Schema) -> Any:
        g.arguments = read_json(req)
        return g.arguments

    def load_querystring(self, req: Request, schema: Schema) -> Any:
        g.arguments = read_query(req, schema)
        return g.arguments

    def handle_error(self, error: ValidationError, *_: Any, **__: Any) -> NoReturn:
        messages = error.normalized_messages()  # type: ignore[no-untyped-call]
        by_field = next(iter(messages.values())) if len(messages) == 1 else messages  # webargs puts the location around
        raise BadInputError(
            "the input has mistakes", {str(name): reasons for name, reasons in dict(by_field).items()}
        ) from None


def read_json(request: Request) -> dict[str, Any]:
    """The JSON object in the body; an empty body is an empty object. Raises `BadInputError` saying what is wrong."""
    text = request.get_data(cache=True)
    if request.content_length is None and len(text) >= LARGEST_BODY:
        raise RequestEntityTooLarge  # a chunked body ends where Flask stopped reading
    if not text:
        return {}
    if not request.is_json:
        raise UnsupportedMediaTypeError(
            f"the body must be JSON, not {request.mimetype or 'unnamed'}", {"Content-Type": "send application/json"}
        )
    try:
        value = json.loads(
            text, object_pairs_hook=_object, parse_constant=_no_constant, parse_int=_integer, parse_float=_real
        )
        msgspec.json.encode(value)  # half characters cannot be sent on
    except BadInputError:
        raise
    except RecursionError:
        raise BadInputError("the JSON is nested too deeply", {"body": "nested too deeply"}) from None
    except ValueError as error:
        raise BadInputError(f"the body is not JSON: {error}", {"body": "not JSON in UTF-8"}) from None
    if not isinstance(value, dict):
        raise BadInputError("the body must be a JSON object", {"body": "must be an object"})
    return value


def read_query(request: Request, schema: Schema) -> dict[str, Any]:
    """The arguments of a query string, with numbers and yes/no where the schema has them."""
    known = {field.data_key or name: field for name, field in schema.load_fields.items()}
    arguments: dict[str, Any] = {}
    for name, values in request.args.lists():
        field = known.get(name)
        if isinstance(field, fields.List):
            arguments[name] = [_typed(field.inner, value) for value in values]
        elif len(values) > 1:
            raise BadInputError(f"{name} is given {len(values)} times", {name: ["give it once"]})
        else:
            arguments[name] = _typed(field, values[0])
    return arguments


def _typed(field: Any, value: str) -> Any:
    if isinstance(field, fields.Integer) and _INTEGER.fullmatch(value):
        return int(value)
    if isinstance(field, fields.Boolean):
        return _WORDS.get(value, value)
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for name, part in pairs:
        if name in value:
            raise BadInputError(f"{name[:100]!r} is given twice", {name[:100]: ["give it once"]})
        if name.startswith("__"):  # such names have a meaning of their own on the broker
            raise BadInputError(f"{name[:100]!r} is not a name", {name[:100]: ["must not begin with __"]})
        value[name] = part
    return value


def _integer(text: str) -> int:
    if len(text) > 17 or abs(int(text)) > LARGEST_INTEGER:
        raise BadInputError(f"{text[:40]} is larger than 2^53-1", {"body": "an integer is too large"})
    return int(text)


def _real(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise BadInputError(f"{text[:40]} is too large", {"body": "a number is too large"})
    return value


def _no_constant(text: str) -> NoReturn:
    raise BadInputError(f"{text} is not a number in JSON", {"body": f"{text} is not allowed"})
