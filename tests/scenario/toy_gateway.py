"""A small HTTP server that speaks the gateway's contract: receipts by idempotency key, refusals, status, accounts."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

OPERATOR = "operator-token"
BULK = "/api/operations/bring-in"
SERVICES = ("registry", "issues", "volunteers", "funding", "audit")


class Refuse(Exception):
    """A refusal: status, kind and message."""

    def __init__(self, status: int, kind: str, message: str = "refused") -> None:
        super().__init__(message)
        self.status, self.kind = status, kind


@dataclass(frozen=True)
class Sent:
    """A command as it arrived for the first time."""

    path: str
    body: dict[str, Any]
    headers: dict[str, str]
    who: str


@dataclass
class Toy:
    """What the server remembers. `rule(sent)` may raise `Refuse`; `answers` are those of queries."""

    url: str = ""
    sent: list[Sent] = field(default_factory=list)
    receipts: dict[str, dict[str, Any]] = field(default_factory=dict)
    accounts: dict[str, dict[str, str]] = field(default_factory=dict)
    answers: dict[str, Callable[[Toy, dict[str, str]], Any]] = field(default_factory=dict)
    rule: Callable[[Sent], None] = lambda sent: None
    line: Callable[[dict[str, Any]], Any] = lambda line: {"id": line["place"], "events": 1}
    busy: int = 0  # commands still to be answered 503
    requests: int = 0
    lock: Any = field(default_factory=threading.RLock)

    def heads(self) -> dict[str, int]:
        """Commands done by each service."""
        paths = [one.path.replace(BULK, "/api/registry/bring_in") for one in self.sent]
        return {name: sum(path.startswith(f"/api/{name}/") for path in paths) for name in SERVICES}

    def post(self, path: str, body: dict[str, Any], headers: dict[str, str]) -> Any:
        """Answer a POST."""
        token = headers.get("authorization", "").removeprefix("Bearer ")
        if path == "/api/sign-in":
            if self.accounts.get(body["username"], {}).get("password") != body["password"]:
                raise Refuse(401, "unauthenticated", "wrong")
            return {"token": body["username"]}
        if path.startswith("/api/accounts"):
            if token != OPERATOR:
                raise Refuse(403, "forbidden")
            self.accounts[body["username"]] = {**self.accounts.get(body["username"], {}), **body}
            return {"username": body["username"]}
        if self.busy:
            self.busy -= 1
            raise Refuse(503, "unavailable", "busy")
        who = "operator" if token == OPERATOR else token or "anonymous"
        key = f"{who}:{headers['idempotency-key']}"
        if key not in self.receipts:
            sent = Sent(path, body, headers, who)
            self.rule(sent)
            self.sent.append(sent)
            service = "registry" if path == BULK else path.split("/")[2]
            position = self.heads()[service]
            self.receipts[key] = {
                "id": f"id-{len(self.sent)}", "service": service, "position": position, "version": 1, "events": 1
            }  # fmt: skip
            if path == BULK:
                self.receipts[key]["lines"] = [self.line(one) for one in body["lines"]]
        return self.receipts[key]

    def get(self, path: str, query: dict[str, str]) -> Any:
        """Answer a GET."""
        if path == "/api/operations/status":
            heads = self.heads()
            return {"services": {name: {"head": head, "followers": {}} for name, head in heads.items()}}
        if path == "/api/accounts":
            return {"rows": list(self.accounts.values()), "next": None}
        return self.answers[path](self, query)


@contextmanager
def serving() -> Iterator[Toy]:
    """A toy gateway on a free port."""
    toy = Toy()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self._answer(lambda: toy.post(self.path, body, {name.lower(): text for name, text in self.headers.items()}))

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            self._answer(lambda: toy.get(parts.path, dict(parse_qsl(parts.query))))

        def _answer(self, work: Callable[[], Any]) -> None:
            with toy.lock:
                toy.requests += 1
                try:
                    status, value = 200, work()
                except Refuse as refusal:
                    status, value = refusal.status, {"kind": refusal.kind, "message": str(refusal), "fields": {}}
            content = json.dumps(value).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *arguments: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    toy.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield toy
    finally:
        server.shutdown()
        server.server_close()
