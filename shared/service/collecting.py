"""Sends each log line to another machine too, over TLS (RFC 5424, 5425): who takes over this one changes nothing there."""

from __future__ import annotations

import logging
import os
import queue
import socket
import threading
import time
from collections.abc import MutableMapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import msgspec
from prometheus_client import Counter

from shared.domain.errors import BadInputError
from shared.tls import asking

#: Lines that wait while the other machine is away; beyond them the newest are left out there, and counted.
MOST = 10_000
#: Seconds for a connection or a line, and between two tries.
PATIENCE, AGAIN = 10.0, 2.0
#: Syslog's facility for the log of a program of our own (local0), and its numbers for our levels.
FACILITY = 16
SEVERITIES = {"critical": 2, "error": 3, "exception": 3, "warning": 4, "info": 6, "debug": 7}

LEFT_OUT = Counter("linli_log_lines_left_out", "Log lines that were not sent to LINLI_LOGS_TO, for it is away")


def place_of(address: str) -> tuple[str, int] | None:
    """Host and port of `tls://host:port`, None for an empty address; raises `BadInputError` for any other."""
    if not address:
        return None
    parts = urlsplit(address)
    try:
        host, port = parts.hostname, parts.port or 6514
    except ValueError:
        host, port = None, 0
    if parts.scheme != "tls" or not host or parts.path or parts.query or parts.username:
        raise BadInputError(f"LINLI_LOGS_TO must be tls://host:port, not {address!r}")
    return host, port


class Sender:
    """A queue of lines and a thread that sends them; `name` is what the process is called there."""

    def __init__(self, place: tuple[str, int], ca_file: str, name: str) -> None:
        self._place, self._name = place, name
        self._context = asking(ca_file)
        self._waiting: queue.Queue[bytes] = queue.Queue(MOST)
        self._host = socket.gethostname()
        self._told = False
        threading.Thread(target=self._send, name="logs", daemon=True).start()

    def line(self, logger: Any, method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        """Take a line of structlog on its way to stdout."""
        text = msgspec.json.encode({name: _plain(value) for name, value in line.items()})
        self.put(str(line.get("level", method)), text)
        return line

    def put(self, level: str, text: bytes) -> None:
        """Take a line, or leave it out when too many wait."""
        number = FACILITY * 8 + SEVERITIES.get(level, SEVERITIES["info"])
        at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        whole = f"<{number}>1 {at} {self._host} linli {os.getpid()} {self._name} - ".encode() + text
        try:
            self._waiting.put_nowait(b"%d %b" % (len(whole), whole))
        except queue.Full:
            LEFT_OUT.inc()

    def flush(self, seconds: float = 2.0) -> None:
        """Wait a moment until what waits is sent: before the process ends."""
        until = time.monotonic() + seconds
        while self._waiting.unfinished_tasks and time.monotonic() < until:
            time.sleep(0.02)

    def _send(self) -> None:
        line: Any = None
        while True:
            text = self._waiting.get()
            while True:
                try:
                    line = line or self._connected()
                    line.sendall(text)
                    break
                except OSError as error:
                    self._say(error)
                    with suppress(OSError):
                        if line is not None:
                            line.close()
                    line = None
                    time.sleep(AGAIN)
            self._told = False
            self._waiting.task_done()

    def _connected(self) -> Any:
        plain = socket.create_connection(self._place, PATIENCE)
        try:
            return self._context.wrap_socket(plain, server_hostname=self._place[0])
        except BaseException:
            plain.close()
            raise

    def _say(self, error: OSError) -> None:
        """Say once on the standard error that it is away: a log line about it would wait behind all others."""
        if not self._told:
            self._told = True
            logging.getLogger("linli.logs").warning("%s:%d takes no log lines: %r; they wait", *self._place, error)


class Handler(logging.Handler):
    """Sends what libraries log, but what the sender itself says."""

    def __init__(self, sender: Sender) -> None:
        super().__init__()
        self._sender = sender

    def emit(self, record: logging.LogRecord) -> None:
        if record.name != "linli.logs":
            told = {"event": record.getMessage(), "logger": record.name, "level": record.levelname.lower()}
            self._sender.put(told["level"], msgspec.json.encode(told))


def _plain(value: Any) -> Any:
    return value if isinstance(value, str | int | float | bool | list | dict | None) else str(value)
