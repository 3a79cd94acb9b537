"""Every refusal as JSON in one form: {"kind", "message", "fields"} with the status of its kind."""

from __future__ import annotations

from typing import Any

import structlog
from flask import Response, g, jsonify, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed, TooManyRequests, UnsupportedMediaType

from shared.domain.errors import STATUS, LinliError, to_mapping

_log = structlog.get_logger()


class TooManyRequestsError(LinliError):
    """Slow down; `retry_after` says for how many seconds."""

    kind = "too_many_requests"

    def __init__(self, message: str, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class UnsupportedMediaTypeError(LinliError):
    """The body is not JSON."""

    kind = "unsupported_media_type"


#: Kinds that only HTTP knows.
_HTTP_STATUS = {
    "too_many_requests": TooManyRequests.code,
    "unsupported_media_type": UnsupportedMediaType.code,
}
_HTTP_KINDS = {
    400: "bad_input",
    404: "not_found",
    405: "method_not_allowed",
    413: "too_large",
    415: "unsupported_media_type",
}
_HTTP_KINDS |= {429: "too_many_requests"}


def problem(kind: str, message: str, status: int, fields: dict[str, Any] | None = None) -> Response:
    """A refusal as a response."""
    response = jsonify({"kind": kind, "message": message, "fields": fields or {}})
    response.status_code = status
    response.mimetype = "application/problem+json"
    return response


def from_linli(error: LinliError) -> Response:
    """The response to an error that was raised on purpose."""
    status = (STATUS | _HTTP_STATUS).get(error.kind, 500)
    mapping = to_mapping(error)
    response = problem(mapping["kind"], mapping["message"], status, mapping["fields"])
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
        404: f"there is nothing at {request.path[:200]}",
        405: f"{request.method} is not possible here",
        413: "the body is larger than 1 MB",
    }.get(status, error.description or "the request cannot be read")
    response = problem(_HTTP_KINDS.get(status, "bad_input" if status < 500 else "error"), message, status)
    if isinstance(error, MethodNotAllowed) and error.valid_methods:
        response.headers["Allow"] = ", ".join(sorted(error.valid_methods))
    return response


def from_mistake(error: Exception) -> Response:
    """The response to a mistake of the program: the caller gets an id to quote, the operator the trace."""
    correlation_id = g.get("correlation_id", "")
    _log.exception("request failed", correlation_id=correlation_id)
    return problem("error", f"something went wrong here; quote {correlation_id} to the operator", 500)
