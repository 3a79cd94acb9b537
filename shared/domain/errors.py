"""What can go wrong in the domain, in words a citizen could read.

Every message says what blocks and, where possible, what would unblock it. `STATUS` is the one table that maps errors to HTTP.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from shared.domain.words import Said, from_wire, said, to_wire


class LinliError(Exception):
    """Anything that Linli raises on purpose.

    `message` is a template; with arguments, or made by `said`, it is translated for the reader. `fields` maps each wrong field to its
    reason, a sentence too (or a list of them, or a mapping for the parts of the field).
    """

    kind = "error"

    def __init__(self, message: str, fields: Mapping[str, Any] | None = None, /, **given: Any) -> None:
        self.said = message if isinstance(message, Said) else said(message, **given)
        super().__init__(str(self.said))
        self.message = str(self.said)
        self.fields = dict(fields or {})


class DomainError(LinliError):
    """A rule of the domain forbids the command; nothing was changed."""


def refusal(*checks: Callable[[], object]) -> Said | None:
    """Why the first of some checks refuses; None when none does."""
    try:
        for check in checks:
            check()
    except DomainError as error:
        return error.said
    return None


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
    """The form in which an error travels over RPC and HTTP: English text, and what the reader's language is made from."""
    return {
        "kind": error.kind,
        "message": error.message,
        "fields": _plain(error.fields),
        "said": to_wire(error.said),
        "reasons": _wired(error.fields),
    }


def from_mapping(mapping: Mapping[str, Any]) -> LinliError:
    """The error that `to_mapping` wrote; an unknown kind becomes a plain `LinliError`."""
    error = KINDS.get(str(mapping.get("kind")), LinliError)
    message = from_wire(mapping["said"]) if "said" in mapping else str(mapping.get("message", "unknown error"))
    fields = _unwired(mapping["reasons"]) if "reasons" in mapping else mapping.get("fields")
    return error(message, fields or {})


def _plain(reasons: Any) -> Any:
    if isinstance(reasons, Mapping):
        return {str(name): _plain(reason) for name, reason in reasons.items()}
    if isinstance(reasons, list | tuple):
        return [_plain(reason) for reason in reasons]
    return str.__str__(reasons) if isinstance(reasons, str) else reasons


def _wired(reasons: Any) -> Any:
    if isinstance(reasons, Mapping):
        return {str(name): _wired(reason) for name, reason in reasons.items()}
    if isinstance(reasons, list | tuple):
        return [_wired(reason) for reason in reasons]
    return to_wire(reasons) if isinstance(reasons, str) else reasons


def _unwired(reasons: Any) -> Any:
    if isinstance(reasons, Mapping):
        if set(reasons) == {"template", "given"}:
            return from_wire(reasons)
        return {name: _unwired(reason) for name, reason in reasons.items()}
    if isinstance(reasons, list):
        return [_unwired(reason) for reason in reasons]
    return reasons
