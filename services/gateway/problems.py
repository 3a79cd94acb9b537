"""Every refusal as JSON in one form: {"kind", "message", "template", "fields"} with the status of its kind.

`message` and `fields` are in the reader's language; `kind` and `template` (the English sentence without its arguments) stay the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import structlog
from flask import Response, g, jsonify, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed, TooManyRequests, UnsupportedMediaType

from services.gateway import reader
from shared.domain.errors import STATUS, DomainError, LinliError
from shared.domain.words import Said, _, said
from shared.words import sentence

_log = structlog.get_logger()


class TooManyRequestsError(LinliError):
    """Slow down; `retry_after` says for how many seconds."""

    kind = "too_many_requests"

    def __init__(self, message: Said, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class AskedError(DomainError):
    """Not done yet: it was asked for as `request_id`, and somebody else has to confirm it."""

    kind = "asked"

    def __init__(self, message: Said, request_id: str) -> None:
        super().__init__(message, {"request_id": request_id})


class UnsupportedMediaTypeError(LinliError):
    """The body is not JSON."""

    kind = "unsupported_media_type"


#: Kinds that only HTTP knows.
_HTTP_STATUS = {
    "too_many_requests": TooManyRequests.code,
    "unsupported_media_type": UnsupportedMediaType.code,
    "asked": 409,
}
_HTTP_KINDS = {
    400: "bad_input",
    404: "not_found",
    405: "method_not_allowed",
    413: "too_large",
    415: "unsupported_media_type",
}
_HTTP_KINDS |= {429: "too_many_requests"}


def problem(kind: str, message: Said, status: int, fields: Mapping[str, Any] | None = None) -> Response:
    """A refusal as a response."""
    language = reader.language()
    body = {
        "kind": kind,
        "message": sentence(language, message),
        "template": message.template,
        "fields": reasons(language, fields or {}),
    }
    response = jsonify(body)
    response.status_code = status
    response.mimetype = "application/problem+json"
    response.headers["Content-Language"] = language
    response.vary.add("Accept-Language")
    return response


def reasons(language: str, found: Any) -> Any:
    """The reasons of fields in a language."""
    if isinstance(found, Mapping):
        return {str(name): reasons(language, reason) for name, reason in found.items()}
    if isinstance(found, list | tuple):
        return [reasons(language, reason) for reason in found]
    return sentence(language, found) if isinstance(found, str) else found


def from_linli(error: LinliError) -> Response:
    """The response to an error that was raised on purpose."""
    status = (STATUS | _HTTP_STATUS).get(error.kind, 500)
    response = problem(error.kind, error.said, status, error.fields)
    if isinstance(error, TooManyRequestsError):
        response.headers["Retry-After"] = str(error.retry_after)
    elif status == 503:
        response.headers["Retry-After"] = "1"
    elif status == 401:
        response.headers["WWW-Authenticate"] = 'Bearer realm="linli"'
    return response


def from_http(error: HTTPException) -> Response:
    """The response to an error of the HTTP layer: unknown path, wrong method, body too large."""
    status = error.code or 500
    if error.response is not None or status < 400:
        return error.get_response()  # type: ignore[return-value]  # a redirect
    message = {
        404: said(_("there is nothing at {path}"), path=request.path[:200]),
        405: said(_("{method} is not possible here"), method=request.method),
        413: said(_("the body is larger than 1 MB")),
    }.get(status, said(error.description or _("the request cannot be read")))
    response = problem(_HTTP_KINDS.get(status, "bad_input" if status < 500 else "error"), message, status)
    if isinstance(error, MethodNotAllowed) and error.valid_methods:
        response.headers["Allow"] = ", ".join(sorted(error.valid_methods))
    return response


def from_mistake(error: Exception) -> Response:
    """The response to a mistake of the program: the caller gets an id to quote, the operator the trace."""
    correlation_id = g.get("correlation_id", "")
    _log.exception("request failed", correlation_id=correlation_id)
    return problem("error", said(_("something went wrong here; quote {id} to the operator"), id=correlation_id), 500)
