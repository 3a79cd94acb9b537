"""Every refusal as `application/problem+json` (RFC 9457) with the status of its kind.

`type`, `title`, `status`, `detail` and `instance` are the members of the standard; `kind`, `message` (the detail again), `template` (the
English sentence without its arguments) and `fields` are ours. `title`, `detail`, `message` and `fields` are in the reader's language, the
rest stays the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import structlog
from flask import Response, g, jsonify, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed

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


class TooLargeError(LinliError):
    """What was sent would take too long to read."""

    kind = "too_large"


class UnsupportedMediaTypeError(LinliError):
    """The body is not JSON."""

    kind = "unsupported_media_type"


#: Each kind of refusal with its title.
KINDS: dict[str, str] = {
    "bad_request": _("What was sent cannot be read"),
    "bad_input": _("The input has mistakes"),
    "unauthenticated": _("Nobody is signed in"),
    "forbidden": _("Whoever asks may not do this"),
    "not_found": _("There is no such thing"),
    "method_not_allowed": _("This is not possible here"),
    "illegal_state": _("The thing is not in a state for this"),
    "concurrency": _("Somebody else changed it in between"),
    "too_large": _("The body is too large"),
    "unsupported_media_type": _("The body is not JSON"),
    "too_slow": _("The request did not arrive in time"),
    "too_many_requests": _("Too many requests at a time"),
    "error": _("Something went wrong here"),
    "corruption": _("Stored records do not match their digests"),
    "unavailable": _("A service does not answer"),
    "timed_out": _("No answer came in time"),
    "asked": _("It waits for a second person"),
}
#: The status of each kind.
STATUSES: dict[str, int] = STATUS | {
    "bad_request": 400,
    "method_not_allowed": 405,
    "too_large": 413,
    "too_slow": 408,
    "unsupported_media_type": 415,
    "too_many_requests": 429,
    "error": 500,
    "asked": 409,
}
_HTTP_KINDS = {status: kind for kind, status in STATUSES.items() if kind not in STATUS} | {
    404: "not_found",
    409: "illegal_state",
}


def members(kind: str, title: str, detail: str, request_id: str) -> dict[str, Any]:
    """The members of RFC 9457: what kind of refusal it is, with the status of the kind, and which one."""
    return {
        "type": f"/api/docs#{kind}",
        "title": title,
        "status": STATUSES[kind],
        "detail": detail,
        "instance": f"urn:linli:request:{request_id}",
    }


def problem(kind: str, message: Said, status: int, fields: Mapping[str, Any] | None = None) -> Response:
    """A refusal as a response."""
    language = reader.language()
    detail = sentence(language, message)
    standard = members(kind, sentence(language, KINDS[kind]), detail, g.get("correlation_id", ""))
    body = standard | {
        "status": status,
        "kind": kind,
        "message": detail,
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
    status = STATUSES.get(error.kind, 500)
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
    response = problem(_HTTP_KINDS.get(status, "bad_request" if status < 500 else "error"), message, status)
    if isinstance(error, MethodNotAllowed) and error.valid_methods:
        response.headers["Allow"] = ", ".join(sorted(error.valid_methods))
    return response


def from_mistake(error: Exception) -> Response:
    """The response to a mistake of the program: the caller gets an id to quote, the operator the trace."""
    correlation_id = g.get("correlation_id", "")
    _log.exception("request failed", correlation_id=correlation_id)
    return problem("error", said(_("something went wrong here; quote {id} to the operator"), id=correlation_id), 500)
