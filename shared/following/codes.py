"""Authentication codes: what travels over the broker and was not made by a process of this city is told from what was.

A code is HMAC-SHA-256 with a key for one purpose, derived from the city's secret. The first secret makes codes and all of them check
codes, so that a secret can be changed while messages made with the old one are still on their way (decision 7).
"""

from __future__ import annotations

import hmac

#: Fewest bytes of a secret.
SHORTEST_SECRET = 32


class Codes:
    """Makes and checks the codes of one purpose; `secrets` are the city's, the newest first."""

    def __init__(self, secrets: tuple[bytes, ...], purpose: str) -> None:
        if not secrets or min(map(len, secrets)) < SHORTEST_SECRET:
            raise ValueError(f"a secret must have at least {SHORTEST_SECRET} bytes")
        self._keys = tuple(hmac.digest(secret, f"linli {purpose}".encode(), "sha256") for secret in secrets)
        self._names = tuple(_code(key, b"")[:4] for key in self._keys)

    def make(self, content: bytes) -> str:
        """The code of some bytes: 64 hexadecimal digits."""
        return _code(self._keys[0], content)

    def fits(self, code: object, content: bytes) -> bool:
        """Whether a code, of whatever type it arrived, was made for exactly these bytes."""
        if not isinstance(code, str) or not code.isascii():
            return False
        return any(hmac.compare_digest(code, _code(key, content)) for key in self._keys)

    def short(self, content: bytes) -> tuple[str, ...]:
        """A code with each key, the newest first: 4 digits that name the key, and 12 of the code."""
        return tuple(name + _code(key, content)[:12] for name, key in zip(self._names, self._keys, strict=True))


def _code(key: bytes, content: bytes) -> str:
    return hmac.digest(key, content, "sha256").hex()
