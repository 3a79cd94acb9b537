"""A gateway of a few lines on a socket, and the process at the public port before it."""

from __future__ import annotations

import json
import re
import socket
import socketserver
import statistics
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

from services.gateway.access import LARGEST_BODY
from services.gateway.edge.refusals import REFUSALS
from services.gateway.problems import KINDS
from shared.words import sentence

ROOT = Path(__file__).resolve().parents[3]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        headers = {name.lower(): value.encode("latin-1").decode() for name, value in self.headers.items()}
        one = {"method": self.command, "path": self.path, "body": body, "headers": headers}
        self.server.seen.append(one)  # type: ignore[attr-defined]  # set where the server is made
        content = b"x" * 8_000_000 if self.path == "/large" else b"{}"
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_POST = do_GET  # the library's name

    def address_string(self) -> str:
        return "the process at the public port"

    def log_message(self, format: str, *arguments: Any) -> None:
        """Say nothing."""


class Behind(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    """Answers everything with {} and keeps what it was asked."""

    daemon_threads = True
    request_queue_size = 200

    def __init__(self, folder: Path) -> None:
        self.path = folder / "gateway"
        self.seen: list[dict[str, Any]] = []
        super().__init__(str(self.path), _Handler)
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        """Answer nobody any more."""
        self.shutdown()
        self.server_close()
        self.path.unlink(missing_ok=True)


class Front:
    """The process at a public port, with time-outs of a second or two."""

    def __init__(
        self,
        behind: Behind,
        rate: int = 0,
        burst: int = 0,
        connections: int = 0,
        proxies: str = "",
        settle: bool = False,
        certificate: str = "",
        https_only: bool = False,
    ) -> None:
        self.behind = behind
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.port = self._listening.getsockname()[1]
        number = self._listening.fileno()
        self.process: subprocess.Popen[bytes] = subprocess.Popen(
            [sys.executable, "-m", "services.gateway.edge", str(number)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            pass_fds=[number],
            cwd=ROOT,
        )
        settings = {
            "socket": str(behind.path),
            "rate": rate,
            "burst": burst,
            "connections": connections,
            "body": LARGEST_BODY,
            "within": (2.0, 1.5, 1.5),
            "proxies": proxies,
            "settle": settle,
            "certificate": certificate,
            "https_only": https_only,
            "words": {
                language: {
                    reason: (sentence(language, KINDS[one.kind]), sentence(language, one.template))
                    for reason, one in REFUSALS.items()
                }
                for language in ("zh", "en")
            },
        }
        self.order(json.dumps(settings))

    def order(self, line: str) -> None:
        """Tell it something."""
        assert self.process.stdin is not None
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()

    def connect(self, receive: int = 0) -> socket.socket:
        """A line to it; `receive`: bytes that our end takes before it must wait."""
        line = socket.socket()
        if receive:
            line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive)
        line.settimeout(10)
        line.connect(("127.0.0.1", self.port))
        return line

    def raw(self, text: bytes, pause: float = 0.0) -> bytes:
        """What comes back for bytes on the line until it is closed; with a pause after each 16 kB."""
        with self.connect() as line:
            received = b""
            try:
                for begin in range(0, len(text), 16_384 if pause else len(text)):
                    line.sendall(text[begin : begin + (16_384 if pause else len(text))])
                    time.sleep(pause)  # this client is slow
            except (BrokenPipeError, ConnectionResetError):
                pass  # it has heard enough; its answer is there
            try:
                while part := line.recv(65536):
                    received += part
            except ConnectionResetError:
                pass
            return received

    def median(self, times: int) -> float:
        """Seconds of a small request."""
        took = []
        for _ in range(times):
            begun = time.perf_counter()
            assert answers(self.raw(b"GET /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")) == [200]
            took.append(time.perf_counter() - begun)
        return statistics.median(took)

    def resident(self) -> int:
        """Bytes in memory."""
        found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{self.process.pid}/status").read_text())
        assert found
        return int(found[1]) * 1024

    def close(self) -> None:
        """End it."""
        self._listening.close()
        self.process.kill()
        self.process.wait()


def answers(received: bytes) -> list[int]:
    """The statuses in what came back."""
    return [int(found) for found in re.findall(rb"HTTP/1\.[01] (\d{3}) ", received)]
