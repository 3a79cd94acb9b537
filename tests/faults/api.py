"""One caller of the gateway's API that never gives an unknown outcome up: it asks again with the same key."""

from __future__ import annotations

import http.client
import json
from typing import Any
from urllib.parse import urlsplit

#: Refusals after which the same command may be sent again.
AGAIN = frozenset({"unavailable", "timed_out", "too_many_requests", "concurrency"})


class Unknown(Exception):
    """No answer, or one that says to ask again; the command may have taken effect."""


class Refused(Exception):
    """A definite refusal; nothing was changed."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(f"{kind}: {message}")
        self.kind = kind


class Api:
    """A keep-alive connection with a bearer token ("": nobody) and a post; for one thread."""

    def __init__(self, url: str, token: str = "", post: str = "", timeout: float = 15.0) -> None:
        parts = urlsplit(url)
        self._connection = http.client.HTTPConnection(parts.hostname or "127.0.0.1", parts.port, timeout=timeout)
        self._headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if token:
            self._headers["Authorization"] = f"Bearer {token}"
        if post:
            self._headers["Linli-Post"] = post

    def send(self, path: str, body: dict[str, Any], key: str = "", after: str = "") -> dict[str, Any]:
        """The answer to one POST; raises `Unknown` or `Refused`."""
        headers = self._headers | ({"Idempotency-Key": key} if key else {}) | ({"Linli-After": after} if after else {})
        try:
            self._connection.request("POST", f"/api/{path}", json.dumps(body).encode(), headers)
            answer = self._connection.getresponse()
            content = answer.read()
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            raise Unknown(repr(error)) from None
        try:
            value: dict[str, Any] = json.loads(content)
        except ValueError:
            raise Unknown(f"{answer.status} without JSON") from None
        if answer.status == 429 or value.get("kind") in AGAIN:
            raise Unknown(str(value.get("message")))
        if answer.status >= 400:
            raise Refused(str(value.get("kind")), str(value.get("message")))
        return value

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()
