"""A founded city of either shape, and what attackers need: requests as they are, addresses of their own, bytes on the line."""

from __future__ import annotations

import http.client
import json
import socket
import time
from dataclasses import dataclass
from typing import Any

from tests.faults.city import City
from tests.faults.founding import COMPOUND, OFFICER_POST, PASSWORD

REPORT = {"category": "clutter", "description": "楼道里堆着纸箱", "place": COMPOUND}


@dataclass
class Target:
    """A city, and tokens of its operator and of an officer who may do everything."""

    city: City
    tokens: dict[str, str]

    @property
    def port(self) -> int:
        return int(self.city.url.rpartition(":")[2])

    def send(
        self, method: str, path: str, body: Any = None, token: str = "", **headers: str
    ) -> tuple[int, Any, dict[str, str]]:
        """Status, content (JSON where it is) and headers; `Linli_After` is sent as `Linli-After`."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if token:
            sent["Authorization"] = f"Bearer {token}"
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        if data is not None:
            sent.setdefault("Content-Type", "application/json")
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            line.request(method, path, data, sent)
            answer = line.getresponse()
            content = answer.read()
        finally:
            line.close()
        json_there = "json" in (answer.headers["Content-Type"] or "")
        return answer.status, json.loads(content) if json_there else content.decode(), dict(answer.headers)

    def get(self, path: str, token: str = "", **headers: str) -> Any:
        """The content of an answer that must be good."""
        status, content, _ = self.send("GET", path, None, token, **headers)
        assert status == 200, content
        return content

    def done(self, path: str, body: Any, token: str = "", **headers: str) -> dict[str, Any]:
        """The receipt of a command that must succeed."""
        status, content, _ = self.send("POST", f"/api/{path}", body, token, **headers)
        assert status in (200, 201), content
        return dict(content)

    def officer(self, path: str, **body: Any) -> dict[str, Any]:
        """A command of the officer."""
        return self.done(path, body, self.tokens["officer"], Linli_Post=OFFICER_POST)

    def operator(self, path: str, **body: Any) -> dict[str, Any]:
        """A command of the operator."""
        return self.done(path, body, self.tokens["operator"])

    def sign_in(self, username: str, password: str = PASSWORD) -> str:
        """The token of a sign-in."""
        return str(self.done("sign-in", {"username": username, "password": password})["token"])

    def raw(self, text: bytes) -> bytes:
        """What comes back for bytes on the line until it is closed."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=20) as line:
            line.sendall(text)
            received = b""
            while part := line.recv(65536):
                received += part
            return received

    def line(self, text: bytes, source: str) -> socket.socket:
        """A line from an address of the attacker's own, with the beginning of a request on it."""
        line = socket.create_connection(("127.0.0.1", self.port), timeout=20, source_address=(source, 0))
        line.sendall(text)
        return line

    def seconds(self, times: int = 10) -> float:
        """The longest that somebody else waits for a list."""
        longest = 0.0
        for _ in range(times):
            begun = time.monotonic()
            self.get("/api/issues/find_issues?limit=1")
            longest = max(longest, time.monotonic() - begun)
        return longest

    def entries(self) -> list[dict[str, Any]]:
        """The whole ledger as somebody who is not signed in reads it, once it has everything."""
        self.city.converge()
        rows: list[dict[str, Any]] = []
        more = ""
        while True:
            page = self.get(f"/api/audit/find_entries?limit=500{more}")
            rows += page["rows"]
            if not page["next"]:
                return rows
            more = f"&cursor={page['next']}"

    def well(self) -> None:
        """Nothing is parked, and `linli verify`, `linli doctor` and `linli park list` have nothing to say."""
        self.city.converge()
        parked = self.get("/api/operations/parked", self.tokens["operator"])["services"]
        assert [row for service in parked.values() for row in service["rows"]] == []
        for command in (("verify",), ("doctor",), ("park", "list")):
            done = self.city.linli(*command)
            assert done.returncode == 0, done.stdout + done.stderr
            assert "Traceback" not in done.stdout + done.stderr
