"""The signed context of a call: who asks, acting for whom, about which request.

Any client of the broker can send a message, so a service believes only a context that is signed with the city's secret, names
the method it was made for and has not expired.
"""

from __future__ import annotations

import base64
import hmac
import time
from hashlib import sha256
from typing import Any, Literal

import msgspec

from shared.errors import UnauthenticatedError

#: Seconds for which a signed context is good.
LIFETIME = 60

Kind = Literal["person", "operator", "anonymous", "service"]


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """Who calls. `post` is the post that a person acts from; without it they act as a resident."""

    kind: Kind
    actor: str  # person id, or the name of the operator or service
    post: str = ""
    command_id: str = ""
    correlation_id: str = ""
    causation_id: str = ""
    occurred: str = ""  # RFC 3339; empty: now
    after: dict[str, int] = msgspec.field(default_factory=dict)  # positions per source that the answer must reflect


class _Signed(msgspec.Struct, frozen=True, kw_only=True):
    context: Context
    method: str
    arguments: str  # SHA-256 of the canonical arguments
    expires: float


_encode = msgspec.json.Encoder(order="sorted").encode
_decode = msgspec.json.Decoder(_Signed).decode


class Signer:
    """Signs and checks contexts with one secret that only Linli's own processes know."""

    def __init__(self, secret: bytes) -> None:
        if len(secret) < 32:
            raise ValueError("the secret must have at least 32 bytes")
        self._secret = secret

    def sign(self, context: Context, method: str, arguments: dict[str, Any]) -> str:
        """The text to send with a call of `service.method` with exactly these arguments."""
        payload = _encode(
            _Signed(context=context, method=method, arguments=_fingerprint(arguments), expires=time.time() + LIFETIME)
        )
        return base64.b64encode(self._digest(payload) + payload).decode()

    def open(self, text: str | None, method: str, arguments: dict[str, Any]) -> Context:
        """The context; raises `UnauthenticatedError` when it is missing, forged, expired or made for another call."""
        if not text:
            raise UnauthenticatedError("the call carries no signed context")
        try:
            raw = base64.b64decode(text, validate=True)
            digest, payload = raw[:32], raw[32:]
            if not hmac.compare_digest(digest, self._digest(payload)):
                raise UnauthenticatedError("the context of the call is not signed by this city")
            signed = _decode(payload)
        except (ValueError, TypeError, msgspec.DecodeError) as error:
            raise UnauthenticatedError("the context of the call cannot be read") from error
        if signed.expires < time.time():
            raise UnauthenticatedError("the context of the call has expired")
        if signed.method != method or signed.arguments != _fingerprint(arguments):
            raise UnauthenticatedError("the context was signed for another call")
        return signed.context

    def _digest(self, payload: bytes) -> bytes:
        return hmac.digest(self._secret, payload, "sha256")


def _fingerprint(arguments: dict[str, Any]) -> str:
    return sha256(_encode(arguments)).hexdigest()
