"""The signed context of a call: who asks, acting for whom, about which request.

Any client of the broker can send a message, so a service believes only a context that is signed with the city's secret, names
the method it was made for and has not expired; and a caller believes only an answer that was made for its call.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Literal

import msgspec

from shared.domain.errors import UnauthenticatedError
from shared.domain.words import _
from shared.following.codes import Codes

#: Seconds for which a signed context is good.
LIFETIME = 60

#: Name of the code in an answer.
CODE = "code"

Kind = Literal["person", "operator", "anonymous", "service"]


class CallContext(msgspec.Struct, frozen=True, kw_only=True):
    """Who calls. `post` is the post that a person acts from; without it they act as a resident."""

    kind: Kind
    actor: str  # person id, or the name of the operator or service
    post: str = ""
    command_id: str = ""
    correlation_id: str = ""
    causation_id: str = ""
    occurred: str = ""  # RFC 3339; empty: now
    at_once: bool = False  # whether `occurred` is the moment of the call, because the caller named none
    link: str = ""  # digest of the secret of a private link that the caller shows or, reporting something, is given; empty: none
    imported: str = ""  # the operator who brings it in from another register; empty: nobody does
    after: dict[str, int] = msgspec.field(default_factory=dict)  # positions per source that the answer must reflect
    content: tuple[str, ...] = ()  # codes of what is asked (`Signer.content`); made by the service that is asked
    fresh: bool = False  # whether the service that is asked has made the command id itself, just now


class _Signed(msgspec.Struct, frozen=True, kw_only=True):
    context: CallContext
    method: str
    arguments: str  # SHA-256 of the canonical arguments
    expires: float


_encode = msgspec.json.Encoder(order="sorted").encode
_as_told = msgspec.json.encode  # JSON keeps the order of names, so both sides have the same bytes
_decode = msgspec.json.Decoder(_Signed).decode


class Signer:
    """Signs and checks calls and their answers with secrets that only Linli's own processes know; the first signs, all check."""

    def __init__(self, *secrets: bytes) -> None:
        self._calls = Codes(secrets, "calls")
        self._answers = Codes(secrets, "answers")
        self._contents = Codes(secrets, "contents")

    def sign(self, context: CallContext, method: str, arguments: dict[str, Any]) -> str:
        """The text to send with a call of `service.method` with exactly these arguments."""
        payload = _encode(
            _Signed(context=context, method=method, arguments=_fingerprint(arguments), expires=time.time() + LIFETIME)
        )
        return f"{self._calls.make(payload)}.{base64.b64encode(payload).decode()}"

    def open(self, text: str | None, method: str, arguments: dict[str, Any]) -> CallContext:
        """The context; raises `UnauthenticatedError` when it is missing, forged, expired or made for another call."""
        if not isinstance(text, str) or not text:
            raise UnauthenticatedError(_("the call carries no signed context"))
        try:
            code, encoded = (text.split(".", 1) + [""])[:2]
            payload = base64.b64decode(encoded, validate=True)
            if not self._calls.fits(code, payload):
                raise UnauthenticatedError(_("the context of the call is not signed by this city"))
            signed = _decode(payload)
        except (ValueError, TypeError, msgspec.DecodeError) as error:
            raise UnauthenticatedError(_("the context of the call cannot be read")) from error
        if signed.expires < time.time():
            raise UnauthenticatedError(_("the context of the call has expired"))
        if signed.method != method or signed.arguments != _fingerprint(arguments):
            raise UnauthenticatedError(_("the context was signed for another call"))
        return signed.context

    def content(self, method: str, arguments: Mapping[str, Any], occurred: str) -> tuple[str, ...]:
        """The codes of what a command asks, as checked, and of when it is said to have happened ("": now).

        A plain digest in a log that is kept for ever would let anybody try guesses of what was sealed; these need the city's secret.
        """
        return self._contents.short(_encode([method, arguments, occurred]))

    def answer(self, answer: dict[str, Any], signed: str) -> dict[str, Any]:
        """The answer to the call that carried the signed text, with a code that no other call's answer can have."""
        return {**answer, CODE: self._answers.make(_answered(answer, signed))}

    def check(self, answer: dict[str, Any], signed: str) -> bool:
        """Whether an answer was made by a process of this city for the call that carried the signed text."""
        told = {name: value for name, value in answer.items() if name != CODE}
        try:
            return self._answers.fits(answer.get(CODE), _answered(told, signed))
        except (ValueError, TypeError, RecursionError):
            return False


def _answered(answer: dict[str, Any], signed: str) -> bytes:
    return signed.encode() + b"\n" + _as_told(answer)


def _fingerprint(arguments: dict[str, Any]) -> str:
    return sha256(_encode(arguments)).hexdigest()
