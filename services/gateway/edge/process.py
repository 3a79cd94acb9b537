"""The gateway's side of the public port: starts its process, starts it again should it end, and counts what it refuses."""

from __future__ import annotations

import json
import os
import shutil
import socket
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import eventlet
import structlog
from eventlet.green import subprocess
from eventlet.timeout import Timeout
from prometheus_client import Counter

from services.gateway.access import LARGEST_BODY
from services.gateway.edge.refusals import REFUSALS
from services.gateway.problems import KINDS
from shared.domain.errors import UnavailableError
from shared.service.settings import Settings
from shared.words import LANGUAGES, sentence

REFUSED = Counter("linli_http_refused", "Requests and connections refused at the public port", ("reason",))
#: Seconds before a process that ended by itself is started again.
_AGAIN = 0.5
#: Seconds within which a connection must bring its next head, a body arrive, and an answer be taken.
WITHIN = (15.0, 30.0, 30.0)
#: Seconds of requests that an address may send at once after a rest.
_REST = 10

_log = structlog.get_logger()


class Edge:
    """The listening socket of the public port and the process that serves it; `socket` is where the gateway has to listen."""

    def __init__(self, settings: Settings) -> None:
        """Listen at once, so that a port that is taken is known; raises `UnavailableError`."""
        family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
        try:
            self._listening = socket.create_server((settings.host, settings.port), family=family, backlog=1024)
        except OSError as error:
            reason = f"cannot listen at {settings.host} port {settings.port}: {error.strerror or error}; set LINLI_PORT to another one"
            raise UnavailableError(reason) from error
        self.address: tuple[str, int] = self._listening.getsockname()[:2]
        self._folder = Path(tempfile.mkdtemp(prefix="linli-"))  # for its owner only
        self.socket = str(self._folder / "gateway")
        self._settings = {
            "socket": self.socket,
            "rate": settings.address_rate,
            "burst": settings.address_rate * _REST,
            "connections": settings.address_connections,
            "body": LARGEST_BODY,
            "within": WITHIN,
            "proxies": settings.trusted_proxies,
            "certificate": settings.certificate_file,
            "https_only": settings.https_only,
            "settle": bool(settings.mongodb_uri),
            "words": {
                language: {
                    reason: (sentence(language, KINDS[refusal.kind]), sentence(language, refusal.template))
                    for reason, refusal in REFUSALS.items()
                }
                for language in LANGUAGES
            },
        }
        self._process: Any = None
        self._watching: Any = None

    def start(self) -> None:
        """Let the process serve, and watch it."""
        self._spawn()
        self._watching = eventlet.spawn(self._watch)

    def _spawn(self) -> None:
        number = self._listening.fileno()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "services.gateway.edge", str(number)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            pass_fds=[number],
        )
        self._order(json.dumps(self._settings))

    def _order(self, line: str) -> None:
        with suppress(OSError):
            self._process.stdin.write(line.encode() + b"\n")
            self._process.stdin.flush()

    def _watch(self) -> None:
        while True:
            while line := self._process.stdout.readline():
                with suppress(ValueError):
                    counted = json.loads(line)
                    for reason, number in counted.items():
                        REFUSED.labels(reason).inc(number)
                    _log.warning("refused at the public port", **counted)
            code = self._process.wait()
            if self._watching is None:
                return
            _log.error("the process at the public port ended; starting it again", code=code)
            eventlet.sleep(_AGAIN)  # one that cannot start must not be started without end
            self._spawn()

    def leave(self) -> None:
        """Close each connection with its next answer from now on."""
        self._order("leave")

    def stop(self, within: float) -> None:
        """Take no more connections, and let requests in flight finish within so many seconds."""
        self._watching = None
        self._listening.close()
        self._order("stop")
        with Timeout(within, False):
            self._process.wait()
        self.kill()

    def kill(self) -> None:
        """End at once."""
        self._watching = None
        self._listening.close()
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        with suppress(OSError):
            os.unlink(self.socket)
        shutil.rmtree(self._folder, ignore_errors=True)
