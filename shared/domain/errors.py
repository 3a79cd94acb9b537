"""What can go wrong in the domain, in words a citizen could read.

Every message says what blocks and, where possible, what would unblock it. `STATUS` is the one table that maps errors to HTTP.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class LinliError(Exception):
    """Anything that Linli raises on purpose."""

    kind = "error"

    def __init__(self, message: str, fields: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.fields = dict(fields or {})


class DomainError(LinliError):
    """A rule of the domain forbids the command; nothing was changed."""


class NotFoundError(DomainError):
    """The named thing does not exist."""

    kind = "not_found"


class IllegalStateError(DomainError):
    """The command does not fit the state the thing is in."""

    kind = "illegal_state"


class ForbiddenError(DomainError):
    """The actor holds no mandate for the command."""

    kind = "forbidden"


class ConcurrencyError(DomainError):
    """Somebody else changed the thing in between; read again and decide again."""

    kind = "concurrency"


class BadInputError(LinliError):
    """The input has the wrong shape; `fields` names each field and the reason."""

    kind = "bad_input"


class UnauthenticatedError(LinliError):
    """Nobody is signed in, or the signed call context is missing, forged or expired."""

    kind = "unauthenticated"


class UnavailableError(LinliError):
    """A server or disk that is needed does not answer; the same command may be sent again."""

    kind = "unavailable"


class TimedOutError(UnavailableError):
    """No answer came in time; whether the command took effect is unknown, so repeat it with the same command id."""

    kind = "timed_out"


class CorruptionError(LinliError):
    """Stored records do not match their digests."""

    kind = "corruption"


STATUS: dict[str, int] = {
    "bad_input": 422,
    "unauthenticated": 401,
    "forbidden": 403,
    "not_found": 404,
    "illegal_state": 409,
    "concurrency": 409,
    "unavailable": 503,
    "timed_out": 504,
    "corruption": 500,
}

KINDS: dict[str, type[LinliError]] = {
    error.kind: error
    for error in (
        BadInputError,
        UnauthenticatedError,
        ForbiddenError,
        NotFoundError,
        IllegalStateError,
        ConcurrencyError,
        UnavailableError,
        TimedOutError,
        CorruptionError,
    )
}


def to_mapping(error: LinliError) -> dict[str, Any]:
    """The form in which an error travels over RPC and HTTP."""
    return {"kind": error.kind, "message": error.message, "fields": error.fields}


def from_mapping(mapping: Mapping[str, Any]) -> LinliError:
    """The error that `to_mapping` wrote; an unknown kind becomes a plain `LinliError`."""
    error = KINDS.get(str(mapping.get("kind")), LinliError)
    return error(str(mapping.get("message", "unknown error")), mapping.get("fields") or {})
