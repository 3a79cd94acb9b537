"""Requests to the gateway from several threads, retried with the same key while it is busy or absent."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from services.console.client import Client
from shared.domain.errors import UnavailableError

#: Seconds for which a request is retried while the city does not answer.
PATIENCE = 60.0
_FIRST, _LONGEST = 0.1, 5.0


class Sender:
    """Keeps one connection per thread; every request carries its own token."""

    def __init__(self, url: str, patience: float = PATIENCE, ca_file: str = "") -> None:
        """`patience` in seconds; `ca_file` as in `Client`."""
        self.repeated = 0
        self._url, self._ca_file = url, ca_file
        self._patience = patience
        self._here = threading.local()
        self._lock = threading.Lock()
        self._clients: list[Client] = []

    def get(
        self,
        path: str,
        query: Mapping[str, Any],
        token: str,
        headers: Mapping[str, str] | None = None,
        patient: bool = True,
    ) -> Any:
        """Return the answer to a query. Raises the gateway's error; `UnavailableError` when it stays absent."""
        spelled = {name: str(value).lower() if isinstance(value, bool) else value for name, value in query.items()}
        patience = self._patience if patient else 0
        return self._patiently(lambda client: client.get(path, spelled, headers), token, patience)

    def post(self, path: str, body: Mapping[str, Any], token: str, headers: Mapping[str, str] | None = None) -> Any:
        """Return the answer to a command. Raises the gateway's error; `UnavailableError` when it stays absent."""
        return self._patiently(lambda client: client.post(path, body, headers), token, self._patience)

    def close(self) -> None:
        """Close all connections."""
        for client in self._clients:
            client.close()

    def _patiently(self, ask: Callable[[Client], Any], token: str, patience: float) -> Any:
        deadline, pause = time.monotonic() + patience, _FIRST
        while True:
            client = self._client()
            client.token = token
            try:
                return ask(client)
            except UnavailableError:  # no connection, no answer in time, or too many requests
                if time.monotonic() + pause > deadline:
                    raise
            with self._lock:
                self.repeated += 1
            time.sleep(pause)
            pause = min(2 * pause, _LONGEST)

    def _client(self) -> Client:
        if not hasattr(self._here, "client"):
            self._here.client = Client(self._url, ca_file=self._ca_file)
            with self._lock:
                self._clients.append(self._here.client)
        client: Client = self._here.client
        return client
