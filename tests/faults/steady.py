"""A steady load that forgives nothing: every command and every query must be answered well, the first time it is sent."""

from __future__ import annotations

import http.client
import json
import random
import select
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlsplit

from tests.faults.founding import OFFICER_POST
from tests.faults.load import Load, Step

#: Seconds that a writer lets pass between two calls, so that what is restarted finds some processor time.
PACE = 0.1
#: Seconds for which a caller knocks at a gateway that does not listen.
KNOCK = 30.0
#: Seconds within which a request that met the end of its kept connection is reset.
MET = 0.1
#: Queries of every service; what a command wrote is waited for in each of them.
QUERIES = (
    "registry/posts_of_person?person_id=officer",
    "issues/find_issues",
    "volunteers/find_teams",
    "funding/find_receipts?project_id=drains",
    "audit/find_entries",
)


class Failed(Exception):
    """No good answer."""


class Client:
    """A keep-alive connection for one writer. `refused` counts how often nobody listened, and it knocks again.

    That is so too when the other side ends a kept connection in the same moment in which it is used again: the request was not read.
    """

    def __init__(self, url: str, token: str, post: str) -> None:
        parts = urlsplit(url)
        self._connection = http.client.HTTPConnection(parts.hostname or "127.0.0.1", parts.port, timeout=30)
        self._headers = {"Content-Type": "application/json"}
        self._headers |= {"Authorization": f"Bearer {token}"} if token else {}
        self._headers |= {"Linli-Post": post} if post else {}
        self.signed_in = bool(token)
        self.refused = 0

    def call(self, method: str, path: str, body: dict[str, Any] | None = None, **headers: str) -> dict[str, Any]:
        """The answer, which must be 200; a header `Linli_After` is sent as `Linli-After`."""
        sent = self._headers | {name.replace("_", "-"): value for name, value in headers.items() if value}
        kept = self._connection.sock
        self._connect()
        request = method, f"/api/{path}", json.dumps(body).encode() if body else None, sent
        started = time.monotonic()
        try:
            try:
                self._connection.request(*request)
                answer = self._connection.getresponse()
            except (ConnectionResetError, BrokenPipeError):
                if kept is None or kept is not self._connection.sock or time.monotonic() - started > MET:
                    raise
                self._connection.close()
                self.refused += 1
                self._connect()
                self._connection.request(*request)
                answer = self._connection.getresponse()
            content = answer.read()
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            raise Failed(repr(error)) from None
        if answer.status != 200:
            raise Failed(f"{answer.status} {content[:300].decode(errors='replace')}")
        found: dict[str, Any] = json.loads(content)
        return found

    def _connect(self) -> None:
        """Reuse the connection unless the other side has closed it meanwhile, which every HTTP client looks at first."""
        if self._connection.sock is not None and select.select([self._connection.sock], [], [], 0)[0]:
            self._connection.close()
        deadline = time.monotonic() + KNOCK
        while self._connection.sock is None:
            try:
                self._connection.connect()
            except ConnectionRefusedError:
                self.refused += 1
                if time.monotonic() > deadline:
                    raise Failed(f"nobody listened for {KNOCK:g} s") from None
                time.sleep(0.05)  # before knocking again

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


@dataclass
class Steady(Load):
    """Writers that send a command, then ask a service about it. `failed` tells every call that had no good answer."""

    calls: int = 0
    failed: list[str] = field(default_factory=list)
    slowest: float = 0.0  # seconds that the slowest call took, knocking included
    slowest_call: str = ""
    refused: int = 0  # times that nobody listened

    def _api(self, who: str) -> Any:
        return Client(self.url, self.tokens.get(who, ""), OFFICER_POST if who == "officer" else "")

    def _carry_out(self, choose: random.Random, api: Any, step: Step, key: str) -> dict[str, Any]:
        self._count(sent=1)
        while (
            receipt := self._call(api, "POST", f"{step.service}/{step.command}", step.body, Idempotency_Key=key)
        ) is None:
            time.sleep(PACE)  # it is noted as failed; what is lost or doubled is found all the same
        self._note(step, key, receipt)
        time.sleep(PACE)  # the load is steady
        after = f"{receipt['service']}={receipt['position']}"  # only who is signed in is waited for at length
        self._call(api, "GET", choose.choice(QUERIES), Linli_After=after if api.signed_in else "")
        time.sleep(PACE)  # the load is steady
        return receipt

    def _call(self, api: Any, method: str, path: str, body: Any = None, **headers: str) -> dict[str, Any] | None:
        started, refused = time.monotonic(), api.refused
        answer, problem = None, ""
        try:
            answer = api.call(method, quote(path, safe="/?=&"), body, **headers)
        except Failed as error:
            problem = str(error)
        seconds = time.monotonic() - started
        with self._lock:
            self.calls += 1
            self.refused += api.refused - refused
            if seconds > self.slowest:
                self.slowest, self.slowest_call = seconds, f"{method} {path}"
            if answer is None:
                self.failed.append(f"{method} {path} after {seconds:.1f} s: {problem.strip()}")
        return answer
