"""Heartbeats of a connection while its reader is at work on a message, however long that takes.

py-amqp sends heartbeats only when it is asked to, and nothing else of it is asked while a batch is applied or a large message comes
in piece by piece. A broker that hears nothing for two heartbeats hangs up and delivers everything once more.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from kombu import Connection

#: Seconds in which each side of a connection is heard at least once.
HEARTBEAT = 10


@contextmanager
def beating(connection: Connection) -> Iterator[None]:
    """Send heartbeats from a thread of their own (a green one in a service) until the block ends; the embedded broker needs none."""
    if not connection.supports_heartbeats:
        yield
        return
    wire = connection.connection
    over = threading.Event()

    def beat() -> None:
        while not over.wait(HEARTBEAT / 2):
            try:
                wire.send_heartbeat()
            except Exception:  # of whatever kind: the connection is lost, and its reader meets the same
                return

    threading.Thread(target=beat, daemon=True).start()
    try:
        yield
    finally:
        over.set()
