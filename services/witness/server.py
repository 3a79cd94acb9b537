"""A witness over HTTP: `POST /add-checkpoint`, and `GET /` for people. TLS, where wanted, is a proxy's before it."""

from __future__ import annotations

import logging
import signal
import socket
from pathlib import Path

import eventlet
import structlog
from eventlet import wsgi
from flask import Flask, Response, request

from services.witness.witness import PLAIN, Answer, Witness
from shared.domain.errors import UnavailableError
from shared.ledger.checkpoint import LONGEST

#: Largest request in bytes: a checkpoint and its proof.
LARGEST = 2 * LONGEST
#: Connections at a time, and seconds after which a silent one is closed.
CONNECTIONS, SILENT = 100, 10
#: Seconds between two looks whether it is to end.
LOOK_EVERY = 0.25

_log = structlog.get_logger()


def create_app(witness: Witness) -> Flask:
    """The witness as a WSGI application."""
    app = Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = LARGEST

    def answered(answer: Answer) -> Response:
        return Response(answer.body, answer.status, content_type=answer.kind)

    app.add_url_rule(
        "/add-checkpoint",
        "add_checkpoint",
        lambda: answered(witness.add_checkpoint(request.get_data())),
        methods=["POST"],
    )
    app.add_url_rule("/", "shown", lambda: Response(witness.shown(), content_type=PLAIN))
    return app


def serve(folder: Path, name: str, ledgers: list[str], host: str, port: int) -> None:
    """Serve until SIGINT or SIGTERM; raises `UnavailableError` when the port is taken."""
    witness = Witness(folder, name, ledgers)
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listening = eventlet.listen((host, port), family=family, reuse_port=False)
    except OSError as error:
        raise UnavailableError(f"cannot listen at {host} port {port}: {error.strerror or error}") from error
    address, taken = listening.getsockname()[:2]
    _log.info("witness", vkey=witness.vkey, host=address, port=taken, ledgers=sorted(witness.ledgers))
    server = eventlet.spawn(
        wsgi.server,
        listening,
        create_app(witness),
        log=logging.getLogger("linli.http"),
        custom_pool=eventlet.GreenPool(CONNECTIONS),
        socket_timeout=SILENT,
        keepalive=SILENT,
        log_output=False,
        debug=False,
    )
    ended: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, _: ended.append(number))
    while not ended:
        eventlet.sleep(LOOK_EVERY)  # a signal alone does not wake the server
    server.kill()
    witness.close()
