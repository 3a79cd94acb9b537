"""Request headers of Linli: read, checked, and refused with the header's name and the reason."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from flask import request

from services.gateway.contracts import SERVICES
from services.gateway.requests import FORMS
from shared.domain.errors import BadInputError, UnauthenticatedError
from shared.domain.event import LARGEST_INTEGER
from shared.domain.moments import TOLERANCE
from shared.domain.words import _, said

_KEY = re.compile(r"[A-Za-z0-9._:-]{1,100}")
_POST = re.compile(r"[A-Za-z0-9._:-]{1,100}")
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d{1,6})?([Zz]|[+-]\d{2}:\d{2})")
_ENTRY = re.compile(r"([a-z]{1,30})=(\d{1,16})")


def _refuse(header: str, template: str, /, **given: Any) -> BadInputError:
    return BadInputError(template, {header: said(template, **given)}, **given)


def _matching(header: str, pattern: re.Pattern[str]) -> str:
    value = request.headers.get(header)
    if value is None:
        return ""
    if not pattern.fullmatch(value):
        raise _refuse(header, _("1 to 100 letters, digits or . _ : - are allowed"))
    return value


def idempotency_key() -> str:
    """The key of the header `Idempotency-Key`, or of the form field `command_id`; "" when there is none."""
    key = _matching("Idempotency-Key", _KEY)
    if not key and request.mimetype in FORMS:
        key = request.form.get("command_id", "")
        if key and not _KEY.fullmatch(key):
            raise _refuse("command_id", _("1 to 100 letters, digits or . _ : - are allowed"))
    return key


def correlation_id() -> str:
    """The id of `X-Correlation-Id` that ties log lines and facts of one request together; "" when there is none."""
    return _matching("X-Correlation-Id", _KEY)


def post() -> str:
    """The post to act from (`Linli-Post`); "-" says: as a resident; "" says nothing."""
    return _matching("Linli-Post", _POST)


def occurred() -> str:
    """When a late entry happened (`Linli-Occurred`), RFC 3339 with an offset; "" says now. Not in the future.

    How far back is for the service to say: each command has its window.
    """
    value = request.headers.get("Linli-Occurred")
    if value is None:
        return ""
    if not _TIME.fullmatch(value):
        raise _refuse("Linli-Occurred", _("must be a time with its offset, like 2026-03-01T09:00:00+08:00"))
    try:
        time = datetime.fromisoformat(value.upper())
        if time.year < 1900:
            raise ValueError("before 1900")
        future = time > datetime.now(UTC) + TOLERANCE
    except (ValueError, OverflowError) as error:
        raise _refuse("Linli-Occurred", _("is not a real time: {reason}"), reason=str(error)) from None
    if future:
        raise _refuse("Linli-Occurred", _("must not be in the future"))
    return value.upper()


def importing() -> str:
    """The operator's token with which a command is brought in from another register (`Linli-Import`); "" for none."""
    return request.headers.get("Linli-Import", "").strip()


def after() -> dict[str, int]:
    """The positions that the answer must reflect (`Linli-After: issues=12,registry=40`)."""
    value = request.headers.get("Linli-After")
    positions: dict[str, int] = {}
    for entry in value.split(",") if value is not None else ():
        found = _ENTRY.fullmatch(entry.strip())
        if not found:
            raise _refuse("Linli-After", _("{entry} is not like issues=12"), entry=entry.strip()[:60])
        source, position = found[1], int(found[2])
        if source not in SERVICES:
            raise _refuse(
                "Linli-After",
                _("there is no service {service}; known: {known}"),
                service=source,
                known=", ".join(SERVICES),
            )
        if source in positions:
            raise _refuse("Linli-After", _("{service} is named twice"), service=source)
        if position > LARGEST_INTEGER:
            raise _refuse("Linli-After", _("{service}: no position is that large"), service=source)
        positions[source] = position
    return positions


def bearer() -> str:
    """The bearer token of `Authorization`; "" without the header; raises `UnauthenticatedError` for another scheme."""
    value = request.headers.get("Authorization")
    if value is None:
        return ""
    scheme, token = (value.split(" ", 1) + [""])[:2]
    if scheme.lower() != "bearer" or not token.strip():
        raise UnauthenticatedError(
            _("Authorization must be: Bearer <token>"), {"Authorization": said(_("only bearer tokens are accepted"))}
        )
    return token.strip()


def code() -> str:
    """The number of the second factor (`Linli-Code`, or the form field `code`); "" for none."""
    given = request.headers.get("Linli-Code", "")
    if not given and request.mimetype in FORMS:
        given = request.form.get("code", "")
    return given.strip()[:20]


def has_credential() -> bool:
    """Whether a token came along that says who asks, or who imports."""
    return "Authorization" in request.headers or "Linli-Import" in request.headers
