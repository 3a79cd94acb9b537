"""Browsers that somebody signed in from before: what strangers guess elsewhere does not keep their owners out."""

from __future__ import annotations

import secrets
from hashlib import sha256

from flask import Response, g, request
from itsdangerous import BadSignature, URLSafeTimedSerializer

COOKIE = "linli_device"
#: Seconds for which a browser is known, and names that are kept for it.
KNOWN, NAMES = 180 * 24 * 3600, 5


class Devices:
    """Reads and writes a signed cookie: an id of the browser, and digests of the names that signed in from it."""

    def __init__(self, keys: list[bytes]) -> None:
        """The last of several keys signs, and all of them check."""
        self._signed = URLSafeTimedSerializer(keys, salt="device")

    def knows(self, username: str) -> str:
        """The id of this browser when the name signed in from it before; "" otherwise."""
        device, names = self._read()
        return device if _digest(username) in names else ""

    def remember(self, username: str) -> None:
        """Know this browser from now on; the cookie goes with the answer."""
        device, names = self._read()
        kept = [_digest(username), *(name for name in names if name != _digest(username))][:NAMES]
        g.device = self._signed.dumps([device or secrets.token_hex(12), kept])

    def _read(self) -> tuple[str, list[str]]:
        try:
            device, names = self._signed.loads(request.cookies.get(_cookie(), ""), max_age=KNOWN)
            return str(device), [str(name) for name in names]
        except (BadSignature, ValueError, TypeError):
            return "", []


def add_cookie(response: Response) -> Response:
    """Send the cookie when there is a new one."""
    if value := g.pop("device", ""):
        secure = request.is_secure
        response.set_cookie(_cookie(), value, max_age=KNOWN, secure=secure, httponly=True, samesite="Lax")
    return response


def _cookie() -> str:
    return f"__Host-{COOKIE}" if request.is_secure else COOKIE


def _digest(username: str) -> str:
    return sha256(username.encode()).hexdigest()[:16]
