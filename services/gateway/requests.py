"""Reads what callers send, strictly: a JSON object or a query string; all else is refused with field and reason."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from itertools import islice
from typing import Any, NoReturn

import msgspec
from flask import Request, g, session
from marshmallow import Schema, ValidationError, fields
from webargs.flaskparser import FlaskParser
from werkzeug.datastructures import ImmutableMultiDict
from werkzeug.exceptions import RequestEntityTooLarge

from services.gateway.access import LARGEST_BODY
from services.gateway.problems import TooLargeError, UnsupportedMediaTypeError
from shared.domain.errors import BadInputError
from shared.domain.event import LARGEST_INTEGER
from shared.domain.words import _, said

_INTEGER = re.compile(r"-?[0-9]{1,16}")
#: A string, also one that nobody closes: so each byte is looked at once.
_STRINGS = re.compile(rb'"(?:[^"\\]|\\.)*+(?:"|\\?\Z)', re.DOTALL)
_BRACKETS = re.compile(rb"[\[\]{}]")
#: Values in one body, how deep they are nested, and fields whose mistakes are told at a time.
MOST_VALUES, DEEPEST, MOST_MISTAKES = 20_000, 32, 20
#: How a form is sent, and one with a file: there is one such page.
FORM, WITH_FILE = "application/x-www-form-urlencoded", "multipart/form-data"
FORMS, WITH_FILES_AT = (FORM, WITH_FILE), "/work/table"
#: Bytes of the largest form of somebody who is not signed in.
LARGEST_OPEN_FORM = 64 * 1024
_WORDS = {"true": True, "false": False}


class FormRequest(Request):
    """Reads forms of bounded cost: the gateway does nothing else meanwhile.

    What comes in several parts is a form only where somebody who is signed in sends a file. One that was refused is empty for whoever
    makes the page about it.
    """

    max_form_parts = 20

    def _load_form_data(self) -> None:
        why = self._too_large() if self.mimetype == FORM else None
        file = self.mimetype == WITH_FILE and self.path == WITH_FILES_AT and "token" in session
        if file or (self.mimetype == FORM and why is None):
            super()._load_form_data()
            return
        self.__dict__ |= {"form": ImmutableMultiDict(), "files": ImmutableMultiDict()}
        if why is not None:
            raise why

    def _too_large(self) -> TooLargeError | None:
        text = self.get_data(cache=True)
        if len(text) > LARGEST_OPEN_FORM and "token" not in session:
            sentence = _("a form of somebody who is not signed in has {most} bytes at most")
            return TooLargeError(sentence, most=LARGEST_OPEN_FORM)
        if text.count(b"&") >= MOST_VALUES:
            return TooLargeError(_("a form has {most} fields at most"), most=MOST_VALUES)
        return None


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

    def handle_error(self, error: ValidationError, *args: Any, **more: Any) -> NoReturn:
        messages = error.normalized_messages()  # type: ignore[no-untyped-call]
        by_field = next(iter(messages.values())) if len(messages) == 1 else messages  # webargs puts the location around
        raise BadInputError(
            _("the input has mistakes"),
            {str(name): reasons for name, reasons in islice(dict(by_field).items(), MOST_MISTAKES)},
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
            _("the body must be JSON, not {type}"),
            {"Content-Type": said(_("send application/json"))},
            type=request.mimetype or "?",
        )
    _measure(text)
    try:
        value = json.loads(
            text, object_pairs_hook=_object, parse_constant=_no_constant, parse_int=_integer, parse_float=_real
        )
        msgspec.json.encode(value)  # half characters cannot be sent on
    except BadInputError:
        raise
    except ValueError as error:
        raise BadInputError(
            _("the body is not JSON: {reason}"), {"body": said(_("not JSON in UTF-8"))}, reason=str(error)
        ) from None
    if not isinstance(value, dict):
        raise BadInputError(
            _("the body must be a JSON object"), {"body": said(_("must be an object of names and values"))}
        )
    return value


def _measure(text: bytes) -> None:
    """Raise `BadInputError` for a text that takes long to read: too many values, or nested too deeply."""
    bare = _STRINGS.sub(b"", text)
    if bare.count(b",") + bare.count(b"[") + bare.count(b"{") > MOST_VALUES:
        raise BadInputError(
            _("the JSON holds more than {most} values"), {"body": said(_("too many values"))}, most=MOST_VALUES
        )
    depth = 0
    for bracket in _BRACKETS.findall(bare):
        depth += 1 if bracket in b"[{" else -1
        if depth > DEEPEST:
            raise BadInputError(_("the JSON is nested too deeply"), {"body": said(_("nested too deeply"))})


def read_query(request: Request, schema: Schema) -> dict[str, Any]:
    """The arguments of a query string, with numbers and yes/no where the schema has them."""
    known = {field.data_key or name: _shape(field) for name, field in schema.load_fields.items()}
    arguments: dict[str, Any] = {}
    for name, values in request.args.lists():
        shape = known.get(name, {})
        if shape.get("type") == "array":
            arguments[name] = [_typed(shape.get("items", {}), value) for value in values]
        elif len(values) > 1:
            raise BadInputError(
                _("{name} is given {times} times"), {name: [said(_("give it once"))]}, name=name, times=len(values)
            )
        else:
            arguments[name] = _typed(shape, values[0])
    return arguments


def _shape(field: Any) -> Mapping[str, Any]:
    """The JSON type of a field: that of its declaration, or of marshmallow's own field."""
    if isinstance(field, fields.List):
        return {"type": "array", "items": _shape(field.inner)}
    for cls, name in ((fields.Integer, "integer"), (fields.Boolean, "boolean")):
        if isinstance(field, cls):
            return {"type": name}
    return field.metadata


def _typed(shape: Mapping[str, Any], value: str) -> Any:
    if shape.get("type") == "integer" and _INTEGER.fullmatch(value):
        return int(value)
    if shape.get("type") == "boolean":
        return _WORDS.get(value, value)
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for name, part in pairs:
        if name in value:
            name = name[:100]
            raise BadInputError(_("{name} is given twice"), {name: [said(_("give it once"))]}, name=name)
        if name.startswith("__"):  # such names have a meaning of their own on the broker
            name = name[:100]
            raise BadInputError(_("{name} is not a name"), {name: [said(_("must not begin with __"))]}, name=name)
        value[name] = part
    return value


def _integer(text: str) -> int:
    if len(text) > 17 or abs(int(text)) > LARGEST_INTEGER:
        raise BadInputError(
            _("{number} is larger than 2^53-1"), {"body": said(_("an integer is too large"))}, number=text[:40]
        )
    return int(text)


def _real(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise BadInputError(_("{number} is too large"), {"body": said(_("a number is too large"))}, number=text[:40])
    return value


def _no_constant(text: str) -> NoReturn:
    raise BadInputError(
        _("{number} is not a number in JSON"), {"body": said(_("{number} is not allowed"), number=text)}, number=text
    )
