"""The HTTP client with which the command calls the gateway's API."""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from shared.domain.errors import BadInputError, UnavailableError, from_mapping
from shared.service.settings import Settings, text_of
from shared.tls import asking


class Client:
    """One keep-alive connection to the gateway; not for several threads at once."""

    def __init__(self, url: str, token: str = "", timeout: float = 30.0, ca_file: str = "") -> None:
        """`url` like http://127.0.0.1:8000; `token` a bearer token; `timeout` in seconds; `ca_file`: who signs, "": the system's."""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise BadInputError(f"{url!r} is not an address like http://127.0.0.1:8000", {"url": "http or https"})
        self._connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=timeout)
        if parts.scheme == "https":
            context = asking(ca_file)
            self._connection = http.client.HTTPSConnection(parts.hostname, parts.port, timeout=timeout, context=context)
        self._url = url
        self.token = token

    def get(self, path: str, query: Mapping[str, Any] | None = None, headers: Mapping[str, str] | None = None) -> Any:
        """Send a GET and return the JSON answer."""
        given = {name: value for name, value in (query or {}).items() if value is not None}
        return self._send("GET", f"{path}?{urlencode(given, doseq=True)}" if given else path, None, headers)

    def post(self, path: str, body: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> Any:
        """Send a POST and return the JSON answer."""
        return self._send("POST", path, json.dumps(body, ensure_ascii=False).encode(), headers)

    def _send(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str] | None) -> Any:
        """Send a request; raises the gateway's error, or `UnavailableError` when it does not answer."""
        sent = {
            "Accept": "application/json",
            **({"Content-Type": "application/json"} if body is not None else {}),
            **(headers or {}),
        }
        if self.token:
            sent["Authorization"] = f"Bearer {self.token}"
        for last in (False, True):
            try:
                self._connection.request(method, path, body, sent)
                answer = self._connection.getresponse()
                content = answer.read()
                break
            except (OSError, http.client.HTTPException) as error:
                self._connection.close()
                # the gateway may have closed an idle connection; a retry is safe because it has the same command id
                if last or isinstance(error, ConnectionRefusedError):
                    raise UnavailableError(f"{self._url} does not answer ({error}); is `linli up` running?") from error
        try:
            value = json.loads(content)
        except ValueError as error:
            raise UnavailableError(f"{self._url}{path} answered {answer.status} without JSON; is it Linli?") from error
        if answer.status == 429:  # like 503: the caller may retry the same request later
            raise UnavailableError(str(value.get("message", "too many requests")))
        if answer.status >= 400:
            raise from_mapping(value)
        return value

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


#: File in the data folder with the token of who signed in with `linli sign-in`.
SIGN_IN = "sign-in.token"


def operator(settings: Settings, url: str | None) -> Client:
    """Return a client of the operator who signed in here; where nobody has, with the installation's token."""
    path: Path = settings.data / SIGN_IN
    if not path.exists():
        path = settings.operator_token_file
    if not path.exists():
        raise UnavailableError(
            f"{path} cannot be read (No such file or directory): start `linli up` once, or set LINLI_DATA"
        )
    token = text_of(path, "LINLI_OPERATOR_TOKEN_FILE" if path == settings.operator_token_file else "the sign-in")
    return Client(url or settings.address, token, ca_file=settings.ca_file)
